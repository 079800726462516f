#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What callers of an API see, by real requests to a real httpd.
#
# shellcheck disable=SC2119,SC2154,SC2317 # run_features calls by name

. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/httpd.lib.sh
. "$top_srcdir/tests/httpd.lib.sh"
# shellcheck source=tests/features.lib.sh
. "$top_srcdir/tests/features.lib.sh"

[ -n "${HTTPD_MODULE-}" ] || skip_all "built without mod_authnz_apikey"
[ -x "${HTTPD-}" ] || skip_all "there is no httpd"
reason=$(in_host_impossible) && skip_all "$reason"

start_apikeyd || give_up "apikeyd does not start"
seed globex
ctl product create drive --prefix dk >"$TMP/said"
ctl product enable drive --account globex >"$TMP/said"
seed_drive() {
	ctl account create acme --status approved &&
		ctl product enable drive --account acme
}
seed_drive >"$TMP/said" || give_up "no account"
SEED_ACCOUNT=acme SEED_PRODUCT=drive

httpd_prepare
write_env_cgi
# A server of the Model Context Protocol, as small as one can be: JSON-RPC over
# POST. It trusts whom httpd lets through.
cat >"$HTTPD_ROOT/htdocs/mcp.cgi" <<'END'
#!/bin/sh
echo "Content-Type: application/json"
echo
case $(cat) in
*'"initialize"'*) result='{"protocolVersion":"2025-06-18"}' ;;
*'"tools/list"'*) result='{"tools":[{"name":"search"}]}' ;;
esac
echo "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":${result:-null}," \
	"\"credential\":\"${HTTP_AUTHORIZATION-none}\"}"
END
chmod 755 "$HTTPD_ROOT/htdocs/mcp.cgi"
cat >"$TMP/test.conf" <<'END'
AliasMatch ^/v1/organizations/ ${HTTPD_ROOT}/htdocs/env.cgi
<LocationMatch "^/v1/organizations/(?<org>[^/]+)">
	AuthType ApiKey
	AuthName "Drive"
	AuthApiKeyProduct drive
	Require apikey-account %{env:MATCH_ORG}
</LocationMatch>
ProxyPass /mcp ${URL}/mcp.cgi
<Location "/mcp">
	AuthType ApiKey
	AuthName "Tools"
	AuthApiKeyProduct drive
	Require valid-user
</Location>
END
start_httpd event "$TMP/test.conf" || give_up "httpd does not start"

acme=$URL/v1/organizations/acme/files

# ask TOKEN ARGUMENT…: the status of a request with it.
ask() {
	bearer="Authorization: Bearer $1"
	shift
	status -H "$bearer" "$@"
}

D4() {
	token=$(new_key "whoever holds it")
	must_be "without" "$(status "$acme")" 401
	must_be "with it" "$(ask "$token" "$acme")" 200
}

T13() {
	token=$(new_key restricted)
	id=$(key_id "$token")
	must ctl key allow add "$id" 127.0.0.2 "Office Server"
	must_be "off: from elsewhere" "$(ask "$token" "$acme")" 200
	must ctl key allow on "$id"
	must_be "on: from the list" \
		"$(ask "$token" --interface 127.0.0.2 "$acme")" 200
	must_be "on: from elsewhere" "$(ask "$token" "$acme")" 403
	must_be "on: pretending" "$(ask "$token" "$acme" \
		-H 'X-Forwarded-For: 127.0.0.2')" 403
}

R1() {
	token=$(new_key "of acme")
	must_be "its own organisation" "$(ask "$token" "$acme")" 200
	must_be "another's" \
		"$(ask "$token" "$URL/v1/organizations/globex/files")" 403
	must_be "one that there is not" \
		"$(ask "$token" "$URL/v1/organizations/none/files")" 403
	must_be "the verdict" "$(verdict "$token" --account globex)" \
		account_mismatch
}

R7() {
	command -v script >"$TMP/said" || {
		skip_feature "there is no script(1) to type at"
		return
	}
	token=$(new_key leaked)
	id=$(key_id "$token")
	must_have "the question" "$(on_terminal 'n
' "$APIKEYCTL" key revoke "$id")" "Revoke key $id \(leaked, acme\)\?"
	must_be "after a no" "$(ask "$token" "$acme")" 200
	must_exit 2 setsid "$APIKEYCTL" key revoke "$id"
	must_have "after a yes" "$(on_terminal 'y
' "$APIKEYCTL" key revoke "$id" --reason stolen)" "Revoked key $id"
	must_be "the very next request" "$(ask "$token" "$acme")" 401
	must_have "what it is told" "$(header WWW-Authenticate "$acme" \
		-H "Authorization: Bearer $token")" 'error="invalid_token"'
}

R9() {
	token=$(new_key "each request")
	must_have "the token" "$token" '^dk_'
	for i in 1 2 3; do
		must_be "request $i" "$(ask "$token" "$acme/$i")" 200
	done
	must_be "whose it is" "$(env_of APIKEY_ACCOUNT "$acme" \
		-H "Authorization: Bearer $token")" acme
	must_be "a request without" "$(status "$acme")" 401
	must_have "which says how" "$(header WWW-Authenticate "$acme")" \
		'^Bearer realm="Drive"'
}

# rpc METHOD [CURL ARGUMENT…]
rpc() {
	call="{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"$1\"}"
	shift
	"$CURL" -s --max-time 20 -H 'Content-Type: application/json' \
		-H 'Accept: application/json, text/event-stream' \
		-d "$call" "$@" "$URL/mcp"
}

R10() {
	token=$(new_key assistant)
	bearer="Authorization: Bearer $token"
	must_be "the same key elsewhere" "$(ask "$token" "$acme")" 200
	must_have "initialize" "$(rpc initialize -H "$bearer")" \
		'"result":\{"protocolVersion"'
	must_have "its tools" "$(rpc tools/list -H "$bearer")" \
		'"result":\{"tools"'
	must_have "the server is told no token" \
		"$(rpc tools/list -H "$bearer")" '"credential":"none"'
	must_lack "without a key" "$(rpc tools/list)" '"result"'
	must ctl key revoke "$(key_id "$token")" --yes
	must_lack "with a revoked one" "$(rpc tools/list -H "$bearer")" \
		'"result"'
}

run_features
stop_httpd
stop_apikeyd
done_testing
