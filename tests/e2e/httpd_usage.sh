#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# SetHandler apikey-usage: the holder of a key sees its usage and nobody
# else's, asking counts as the one request that it is, and what httpd and PAM
# ask shows in what apikeyctl tells.
#
# shellcheck disable=SC2119,SC2317 # checks call functions by name

# shellcheck source=tests/lib.sh
. "${top_srcdir:?}/tests/lib.sh"
# shellcheck source=tests/httpd.lib.sh
. "$top_srcdir/tests/httpd.lib.sh"

write_configuration() {
	load_modules auth_basic
	cat <<-'END'
		AuthApiKeyTimeout 5s
		AliasMatch ^/v1(/.*)?$ ${HTTPD_ROOT}/htdocs/env.cgi
		<Location "/v1">
			AuthType ApiKey
			Require valid-user
		</Location>
		<Location "/usage">
			SetHandler apikey-usage
			AuthType ApiKey
			AuthApiKeyFrom bearer query:key
			Require valid-user
		</Location>
		<Location "/usage/basic">
			AuthType Basic
			AuthName "Keys"
			AuthBasicProvider apikey
		</Location>
		<Location "/usage/acme">
			AuthApiKeyAccount acme
		</Location>
		<Location "/usage/writers">
			Require apikey-permission write
		</Location>
		<Location "/usage/open">
			AuthType None
			Require all granted
		</Location>
		<Location "/usage/either">
			Require all granted
		</Location>
	END
}

[ -n "${HTTPD_MODULE-}" ] || skip_all "built without mod_authnz_apikey"
[ -x "${HTTPD-}" ] || skip_all "there is no httpd"
reason=$(in_host_impossible) && skip_all "$reason"

start_apikeyd || give_up 'apikeyd did not start'
seed globex maps
foreign=$(new_key Foreign)
seed
good=$(new_key 'CRM "Sync"' --user alice)
bound=$(new_key Bound --allow 127.0.0.0/8 --service httpd --rate 3/1h)
id=$(key_id "$good")
httpd_prepare
write_configuration >"$TMP/test.conf"
write_env_cgi
start_httpd event "$TMP/test.conf" || give_up "httpd does not start"

# get PATH [ARGUMENT…]: the body, asked for with the good key.
get() {
	path=$1
	shift
	"$CURL" -s --max-time 20 -H "Authorization: Bearer $good" "$@" "$URL$path"
}

# code PATH [ARGUMENT…]: the status code
code() {
	path=$1
	shift
	status -H "Authorization: Bearer $good" "$@" "$URL$path"
}

total() {
	printf '%s' "$1" | sed 's/.*"total":\([0-9]*\).*/\1/'
}

# sum MEMBER JSON: calls of a list, and of its others
sum() {
	printf '%s\n' "$2" | awk -v list="\"$1\":[" -v others="\"other_$1\":" '
		{
			at = index($0, others)
			sum = at > 0 ? substr($0, at + length(others)) + 0 : 0
			rest = substr($0, index($0, list) + length(list))
			sub(/\].*/, "", rest)
			count = split(rest, part, /"calls":/)
			for (i = 2; i <= count; i++)
				sum += part[i]
			print sum
		}'
}

for _ in 1 2 3; do
	code /v1/things >/dev/null
done
before=$(verifications)
body=$(get /usage)
is 'asking is one verification' "$(($(verifications) - before))" 1
is 'three requests, and this one' "$(total "$body")" 4
like 'of its own key' "$body" "^[{]\"id\":\"$id\",\"window\":\"24h\","
for member in endpoints addresses series; do
	is "$member add up" "$(sum $member "$body")" 4
done
like 'endpoints' "$body" \
	'"endpoints":\[[{]"endpoint":"GET /v1","calls":3[}],[{]"endpoint":"GET /usage","calls":1'
like 'the address' "$body" \
	'"addresses":\[[{]"address":"127.0.0.1","calls":4,"last_at":"20[0-9T:-]+Z"[}]\]'
# What may change from one to the other is their own time, at a full hour.
is 'it is what apikeyctl tells' \
	"$(printf '%s' "$body" | sed 's/"\(from\|to\|last_at\)":"[^"]*"//g')" \
	"$(ctl --json key usage "$id" |
		sed 's/"\(from\|to\|last_at\)":"[^"]*"//g')"
all=$(headers -H "Authorization: Bearer $good" "$URL/usage")
like 'is JSON' "$all" '^Content-Type: application/json$'
like 'is stored nowhere' "$all" '^Cache-Control: no-store$'

# --- windows
for window in 24h 7d 30d; do
	like "$window" "$(get "/usage?window=$window")" "\"window\":\"$window\""
done
is '30 days are as many steps' "$(get "/usage?x=y&window=30d" |
	sed 's/.*"series"//' | grep -o '"from"' | wc -l | tr -d ' ')" 30
for query in window=1h window= window=24h%20 'window=24h&window=7d' window=7D; do
	is "no such window: $query" "$(code "/usage?$query")" 400
done
body=$(get '/usage?window=1h')
like 'problem details' "$body" '"status":400,"detail":"The window has to be'
is 'of another parameter nothing is thought' "$(code '/usage?windows=1h')" 200

# --- methods
is 'HEAD' "$("$CURL" -sI --max-time 20 -o "$TMP/head" -w '%{http_code} %{size_download}' \
	-H "Authorization: Bearer $good" "$URL/usage")" '200 0'
for method in POST PUT DELETE OPTIONS; do
	is "$method" "$(code /usage -X $method)" 405
done
like 'what is allowed is said' "$(headers -X POST \
	-H "Authorization: Bearer $good" "$URL/usage")" '^Allow: .*GET'

# --- who is told
is 'nobody without a key' "$(status "$URL/usage")" 401
is 'nor with a wrong one' \
	"$(status -H "Authorization: Bearer $(misspelt "$good")" "$URL/usage")" 401
unlike 'who is told nothing' "$("$CURL" -s --max-time 20 "$URL/usage")" total
like 'another key sees its own' "$("$CURL" -s --max-time 20 \
	-H "Authorization: Bearer $foreign" "$URL/usage")" "^[{]\"id\":\"$(key_id "$foreign")\""
is "the section's conditions hold" "$(status \
	-H "Authorization: Bearer $foreign" "$URL/usage/acme")" 403
is 'its Require lines, too' "$(code /usage/writers)" 403
like 'HTTP Basic' "$("$CURL" -s --max-time 20 -u "alice:$good" "$URL/usage/basic")" \
	"^[{]\"id\":\"$id\""
is 'of somebody else' "$(status -u "bob:$good" "$URL/usage/basic")" 403
is 'a section that asks for no key is a mistake' "$(code /usage/open)" 500
like 'of which the log tells' "$(cat "$HTTPD_LOG")" \
	'SetHandler apikey-usage takes AuthType ApiKey'
is 'where no key is needed one is, for this' "$(status "$URL/usage/either")" 401
body=$("$CURL" -s --max-time 20 "$URL/usage?window=7d&key=$good")
like 'a key in the query' "$body" "^[{]\"id\":\"$id\",\"window\":\"7d\""
unlike 'which does not become an endpoint' "$body" "${good##*_}"

# --- restrictions of the key hold; asking for usage spends no more
for _ in 1 2 3; do
	is 'a key bound to address and service' \
		"$(status -H "Authorization: Bearer $bound" "$URL/usage")" 200
done
is 'its rate is spent by the requests alone' \
	"$(status -H "Authorization: Bearer $bound" "$URL/usage")" 429
ctl key disable "$id" >/dev/null
is 'a disabled key' "$(code /usage)" 401
ctl key enable "$id" >/dev/null

# --- PAM
if [ -n "${PAM_MODULE-}" ] && [ -x "$top_builddir/tests/e2e/pam_driver" ]; then
	mkdir "$TMP/pam.d"
	echo "auth required $PAM_MODULE socket=$APIKEYD_VERIFY_SOCKET \
timeout=5000" >"$TMP/pam.d/door"
	printf '%s\n' "$good" | "$top_builddir/tests/e2e/pam_driver" \
		"$TMP/pam.d" door alice authenticate >"$TMP/output"
	is 'PAM lets in' "$(cat "$TMP/output")" 'authenticate PAM_SUCCESS'
	like 'PAM is an endpoint' "$(get /usage)" \
		'"endpoint":"pam:door","calls":1'
	like 'of the account, too' "$(ctl --json key usage --account acme)" \
		'"endpoint":"pam:door","calls":1'
else
	for what in 'PAM lets in' 'PAM is an endpoint' 'of the account, too'; do
		skip "$what" 'built without PAM'
	done
fi

# --- without apikeyd there is nothing to tell
stop_apikeyd
is 'no apikeyd' "$(code /usage)" 503
unlike 'no key is in a log' "$(cat "$HTTPD_LOG" "$TMP/apikeyd.log")" \
	"${good##*_}|${bound##*_}"

done_testing
