#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Class 20: an identity header from outside. What a client says about who it is
# reaches no program behind httpd, with a key and without, where identity headers
# are passed on and where they are not; and its address is httpd's to say.
#
# shellcheck disable=SC2119,SC2317 # checks call functions by name

# shellcheck source=tests/lib.sh
. "${top_srcdir:?}/tests/lib.sh"
# shellcheck source=tests/httpd.lib.sh
. "$top_srcdir/tests/httpd.lib.sh"

write_configuration() {
	load_modules remoteip
	cat <<-'CONF'
		CustomLog access_log "%>s id=%{APIKEY_ID}e account=%{APIKEY_ACCOUNT}e %U"
		RemoteIPHeader X-Forwarded-For
		RemoteIPInternalProxy 127.0.0.1
		AliasMatch ^/(env|passed|open)(/.*)?$ ${HTTPD_ROOT}/htdocs/env.cgi
		<Location "/">
			AuthName "Keys"
			CGIPassAuth On
		</Location>
		<LocationMatch "^/(env|passed)">
			AuthType ApiKey
			Require valid-user
		</LocationMatch>
		<Location "/passed">
			AuthApiKeyPassHeaders On
		</Location>
	CONF
}

[ -n "${HTTPD_MODULE-}" ] || skip_all "built without mod_authnz_apikey"
[ -x "${HTTPD-}" ] || skip_all "there is no httpd"
reason=$(in_host_impossible) && skip_all "$reason"

httpd_prepare
write_configuration >"$TMP/test.conf"
write_env_cgi
start_apikeyd || give_up "apikeyd does not start"
seed
reader=$(new_key reader --permission read)
placed=$(new_key placed --allow 192.0.2.7/32)
id=$(key_id "$reader")
bearer="Authorization: Bearer $reader"

ok "httpd starts" start_httpd event "$TMP/test.conf"
[ -n "$HTTPD_PID" ] || done_testing
"$CURL" -s -H "$bearer" -H 'Apikey_Account: evil' -H 'apikey-id: evil' -H 'Apikey.Account: evil' \
	-H 'APIKEY-NAME: evil' "$URL/passed" >"$TMP/env"
for line in "HTTP_APIKEY_ID=$id" HTTP_APIKEY_ACCOUNT=acme \
	HTTP_APIKEY_NAME=reader HTTP_APIKEY_PRODUCT=appointments \
	HTTP_APIKEY_PERMISSION=read; do
	ok "AuthApiKeyPassHeaders On: $line" grep -qx "$line" "$TMP/env"
done
nok "... and nobody else's" grep -q evil "$TMP/env"
for path in env open; do
	"$CURL" -s -H "$bearer" -H 'Apikey-Account: evil' \
		-H 'Apikey_Id: evil' "$URL/$path" >"$TMP/env"
	ok "/$path is asked" grep -q ^REQUEST_URI= "$TMP/env"
	nok "... without identity headers" grep -qi \
		'^HTTP_APIKEY' "$TMP/env"
done
is "mod_remoteip's address is good" "$(status -H \
	"Authorization: Bearer $placed" -H 'X-Forwarded-For: 192.0.2.7' \
	"$URL/env")" 200
is "... another is not" "$(status -H "Authorization: Bearer $placed" \
	-H 'X-Forwarded-For: 192.0.2.8' "$URL/env")" 403
is "... nor httpd's neighbour" \
	"$(status -H "Authorization: Bearer $placed" "$URL/env")" 403
ok "%{APIKEY_ID}e in CustomLog" \
	grep -qx "200 id=$id account=acme /env" "$HTTPD_ROOT/access_log"
nok "no token in any log" grep -F -e "$reader" -e "$placed" \
	"$HTTPD_LOG" "$HTTPD_ROOT/access_log"
stop_httpd
stop_apikeyd
done_testing
