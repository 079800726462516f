#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Before there is a key, an account, a product.
#
# shellcheck disable=SC2119,SC2154,SC2317 # run_features calls by name

. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/httpd.lib.sh
. "$top_srcdir/tests/httpd.lib.sh"
# shellcheck source=tests/features.lib.sh
. "$top_srcdir/tests/features.lib.sh"

start_apikeyd || give_up "apikeyd does not start"

httpd_serves() {
	httpd_prepare
	echo text >"$HTTPD_ROOT/htdocs/open.txt"
	echo text >"$HTTPD_ROOT/htdocs/guarded.txt"
	cat >"$TMP/test.conf" <<-'END'
		<Location "/guarded.txt">
			AuthType ApiKey
			AuthName "Guarded"
			Require valid-user
		</Location>
	END
	must start_httpd event "$TMP/test.conf"
	must_be "what is open" "$(status "$URL/open.txt")" 200
	must_be "what is guarded" "$(status "$URL/guarded.txt")" 401
	must_be "... with a token" "$(status "$URL/guarded.txt" \
		-H "Authorization: Bearer $1")" 401
	stop_httpd
}

pam_serves() {
	mkdir "$TMP/pam.d"
	cat >"$TMP/pam.d/login" <<-END
		auth sufficient $PAM_MODULE socket=$APIKEYD_VERIFY_SOCKET
		auth required pam_permit.so
	END
	must_be "a login that another module admits" "$(echo "$1" |
		"$top_builddir/tests/e2e/pam_driver" "$TMP/pam.d" login alice \
			authenticate)" "authenticate PAM_SUCCESS"
	echo "auth required $PAM_MODULE socket=$APIKEYD_VERIFY_SOCKET" \
		>"$TMP/pam.d/login"
	must_be "a login by key" "$(echo "$1" |
		"$top_builddir/tests/e2e/pam_driver" "$TMP/pam.d" login alice \
			authenticate)" "authenticate PAM_AUTH_ERR"
}

D8() {
	# Well-formed, and nobody's.
	token=dk_7Hq2mZx0pLs9_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf1RCbBj
	must ctl status
	must_exit 0 ctl key list
	must_be "a token" "$(verdict "$token")" unknown
	if [ -n "${HTTPD_MODULE-}" ] && [ -x "${HTTPD-}" ] &&
		[ -z "$(in_host_impossible)" ]; then
		httpd_serves "$token"
	fi
	[ -z "${PAM_MODULE-}" ] || pam_serves "$token"
	must stop_apikeyd
	must start_apikeyd
}

run_features
done_testing
