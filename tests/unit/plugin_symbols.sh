#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# libapikey and pam_apikey export what they should and nothing else, and need
# nothing but libc and their host: read back from the built files.
#
# LIBAPIKEY and PAM_MODULE may name the files; otherwise they are looked for
# below $top_builddir.
set -u

srcdir=${top_srcdir:-.}
build=${top_builddir:-.}
LIBAPIKEY=${LIBAPIKEY:-$build/plugins/client/.libs/libapikey.so}
PAM_MODULE=${PAM_MODULE-$build/plugins/pam/.libs/pam_apikey.so}
number=0
failed=0

# is DESCRIPTION GOT WANTED
is() {
	number=$((number + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $number - $1"
		return
	fi
	echo "not ok $number - $1"
	printf '%s\n' "got: $2" "wanted: $3" | sed 's/^/# /'
	failed=1
}

# On one line, sorted: the functions a shared object exports.
exports() {
	nm -D --defined-only "$1" | awk '$2 != "A" { print $3 }' |
		sed 's/@.*//' | LC_ALL=C sort | tr '\n' ' '
}

# The libraries it asks for, but libc and what a sanitizer brings.
needs() {
	objdump -p "$1" | awk '$1 == "NEEDED" { print $2 }' |
		grep -Ev '^(libc\.so|lib(a|ub|t|l)san\.so|ld-linux|libgcc_s|libm\.so)' |
		tr '\n' ' '
}

# What apikey.h declares: every name that is followed by a parenthesis.
declared() {
	sed -n 's/^.*\(apikey_[a-z_]*\)(.*$/\1/p' \
		"$srcdir/plugins/client/apikey.h" | LC_ALL=C sort -u | tr '\n' ' '
}

# What a program may have been linked with: added to, never taken from.
frozen="apikey_advance apikey_cancel apikey_client_close apikey_client_open \
apikey_events apikey_fd apikey_lookup apikey_permission_text apikey_ping \
apikey_reason_text apikey_start apikey_status_text apikey_timeout_ms \
apikey_token_check apikey_usage apikey_verdict_text apikey_verify apikey_verify_batch \
apikey_verify_signature "

echo 1..7
if ! command -v nm >/dev/null || ! command -v objdump >/dev/null; then
	for number in 1 2 3 4 5 6 7; do
		echo "ok $number # SKIP no binutils"
	done
	exit 0
fi
is "libapikey exports what apikey.h declares" \
	"$(exports "$LIBAPIKEY")" "$(declared)"
is "libapikey's symbols have a version" \
	"$(nm -D --defined-only "$LIBAPIKEY" | grep -c '@@LIBAPIKEY_')" \
	"$(declared | wc -w | tr -d ' ')"
is "libapikey exports what its first version had, by that version" \
	"$(nm -D --defined-only "$LIBAPIKEY" | awk '$2 == "T" { print $3 }' |
		sed -n 's/@@LIBAPIKEY_0\.1$//p' | LC_ALL=C sort | tr '\n' ' ')" \
	"$frozen"
is "libapikey's soname" \
	"$(objdump -p "$LIBAPIKEY" | awk '$1 == "SONAME" { print $2 }')" \
	libapikey.so.0
is "libapikey needs libc alone" "$(needs "$LIBAPIKEY")" ""
if [ -z "$PAM_MODULE" ]; then
	echo "ok 6 # SKIP built without PAM"
	echo "ok 7 # SKIP built without PAM"
	exit "$failed"
fi
is "pam_apikey exports what PAM looks up" "$(exports "$PAM_MODULE")" \
	"pam_sm_acct_mgmt pam_sm_authenticate pam_sm_setcred "
is "pam_apikey needs libpam and libc alone" "$(needs "$PAM_MODULE")" \
	"libpam.so.0 "
exit "$failed"
