#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The configuration of mod_authnz_apikey(8), as it stands there.
#
# shellcheck disable=SC2119,SC2317 # checks call functions by name

# shellcheck source=tests/lib.sh
. "${top_srcdir:?}/tests/lib.sh"
# shellcheck source=tests/httpd.lib.sh
. "$top_srcdir/tests/httpd.lib.sh"

# shellcheck source=tests/manual.lib.sh
. "$top_srcdir/tests/manual.lib.sh"

# example NAME: as it stands in the manual page.
example() {
	manual_example plugins/apache/mod_authnz_apikey.8.scd "$1"
}

# For the example's $BACKEND: httpd itself.
write_configuration() {
	load_modules auth_basic
	cat <<-'END'
		Define BACKEND ${URL}/backend
		AliasMatch ^/backend/ ${HTTPD_ROOT}/htdocs/env.cgi
	END
	example httpd.conf
	# The example's host knows of no backend: it is for all names.
	cat <<-'END'
		<VirtualHost *:*>
			ServerName backend.example.org
		</VirtualHost>
	END
}

apikeyctl() {
	ctl "$@"
}

as_reader() {
	status -H "Authorization: Bearer $reader" "$@"
}

as_writer() {
	status -H "Authorization: Bearer $writer" "$@"
}

[ -n "${HTTPD_MODULE-}" ] || skip_all "built without mod_authnz_apikey"
[ -x "${HTTPD-}" ] || skip_all "there is no httpd"
reason=$(in_host_impossible) && skip_all "$reason"

APACHE_LOG_DIR=$HTTPD_ROOT
export APACHE_LOG_DIR
httpd_prepare
write_configuration >"$TMP/test.conf"
write_env_cgi
mkdir -p "$HTTPD_ROOT/htdocs/files"
echo text >"$HTTPD_ROOT/htdocs/files/file"
start_apikeyd || give_up "apikeyd does not start"
ctl account create acme --status approved >"$TMP/output" || give_up "no account"
example keys >"$TMP/keys.sh"
# shellcheck source=/dev/null
. "$TMP/keys.sh" >"$TMP/tokens" 2>&1
tokens=$(grep -o 'ak_[A-Za-z0-9]\{12\}_[A-Za-z0-9]\{49\}' "$TMP/tokens")
reader=$(echo "$tokens" | sed -n 1p)
writer=$(echo "$tokens" | sed -n 2p)
like "the keys of the manual" "$writer" '^ak_'

ok "httpd takes the manual's configuration" start_httpd event "$TMP/test.conf"
[ -n "$HTTPD_PID" ] || done_testing
is "no key" "$(status "$URL/v1/x")" 401
is "a key" "$(as_reader "$URL/v1/x")" 200
is "preflight" "$(status -X OPTIONS -H 'Origin: https://example.org' \
	-H 'Access-Control-Request-Method: PUT' "$URL/v1/x")" 200
is "an organisation" "$(as_reader "$URL/v1/organizations/acme/x")" 200
is "... no key" "$(status "$URL/v1/organizations/acme/x")" 401
is "... another's" "$(as_reader "$URL/v1/organizations/globex/x")" 403
is "... to write with a reading key" \
	"$(as_reader -d x "$URL/v1/organizations/acme/x")" 403
is "... to write" "$(as_writer -d x "$URL/v1/organizations/acme/x")" 200
is "exports" "$(as_writer "$URL/v1/exports")" 200
is "... without the scope" "$(as_reader "$URL/v1/exports")" 403
is "... no key" "$(status "$URL/v1/exports")" 401
is "files" "$(status -u "$(key_id "$reader"):$reader" "$URL/files/file")" 200
is "... no key" "$(status "$URL/files/file")" 401
ok "the log has the key ID" grep -q \
	"^127.0.0.1 $(key_id "$reader") \"GET /v1/x\" 200" "$HTTPD_ROOT/api.log"
stop_httpd
stop_apikeyd
done_testing
