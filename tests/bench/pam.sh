#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The whole way through PAM beside pam_permit and pam_unix with yescrypt.
# shellcheck source=tests/bench/bench.lib.sh
. "$top_srcdir/tests/bench/bench.lib.sh"

CYCLES=$top_builddir/tests/bench/cycles

[ -e "${PAM_MODULE:-none}" ] || {
	missing "PAM" "pam_apikey is not built"
	exit 0
}
[ "$(id -u)" -eq 0 ] || {
	missing "PAM" "pam_unix needs root"
	exit 0
}

mkdir "$TMP/state" && chmod 700 "$TMP/state"
serve apikeyd "$TMP/state"
APIKEYD_ADMIN_SOCKET=$TMP/apikeyd/admin.sock
seed acme api
new_key Bench --user nobody >"$TMP/token" || give_up "no key"

mkdir "$TMP/pam"
for module in permit apikey unix; do
	case $module in
	apikey) line="$PAM_MODULE socket=$TMP/apikeyd/verify.sock" ;;
	*) line="pam_$module.so" ;;
	esac
	printf 'auth required %s\naccount required %s\n' "$line" "$line" \
		>"$TMP/pam/$module"
done

# A user of its own for pam_unix, in files of its own.
cp /etc/passwd "$TMP/passwd"
cp /etc/shadow "$TMP/shadow"
hash=$(printf 'secret\n' | mkpasswd -m yescrypt --stdin) ||
	give_up "mkpasswd: install whois"
echo "bench:x:65000:65534::/:/bin/sh" >>"$TMP/passwd"
echo "bench:$hash:19000:0:99999:7:::" >>"$TMP/shadow"
chmod 600 "$TMP/shadow"
echo secret >"$TMP/secret"

# cycles SERVICE USER PASSWORD-FILE
cycles() {
	# shellcheck disable=SC2016 # for the shell within
	taskset -c 0 unshare -m sh -c '
		mount --bind "$1/passwd" /etc/passwd &&
			mount --bind "$1/shadow" /etc/shadow &&
			exec "$2" "$1/pam" "$3" "$4" "$5"' \
		sh "$TMP" "$CYCLES" "$1" "$2" "$seconds" <"$3" \
		>>"$TMP/race.pam.$1" 2>"$TMP/output" ||
		give_up "$1: $(cat "$TMP/output")"
}

for round in $(seq "$rounds"); do
	cycles permit nobody "$TMP/secret"
	cycles apikey nobody "$TMP/token"
	cycles unix bench "$TMP/secret"
	say "pam: round $round of $rounds"
done
judge "PAM cycles against pam_permit" pam rate apikey permit ge 0.55
judge "PAM cycles against pam_unix, yescrypt" pam rate apikey unix ge 100
