#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# apikeyctl key usage: what keys, accounts and products were used for. Sums are
# equal, whatever way one adds them up; who may know; and how it looks.
#
# shellcheck disable=SC2119,SC2317 # functions with optional arguments

# shellcheck source=tests/lib.sh
. "${top_srcdir:?}/tests/lib.sh"

start_apikeyd || give_up 'apikeyd did not start'
seed
crm=$(new_key CRM)
crm_id=$(key_id "$crm")
web=$(new_key Web --rate 2/1h)
seed globex maps
map=$(new_key Map)
ctl product enable appointments --account globex >/dev/null
SEED_PRODUCT=appointments
other=$(new_key Other)

# usage ARGUMENT…: as JSON on one line.
usage() {
	ctl --json key usage "$@"
}

# number NAME JSON: the value of a member of the document itself.
number() {
	printf '%s\n' "$2" | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p"
}

# verdicts_of VERDICT JSON
verdicts_of() {
	printf '%s\n' "$2" |
		sed -n "s/.*\"verdicts\":{[^}]*\"$1\":\([0-9]*\).*/\1/p"
}

# calls_to ENDPOINT JSON; ENDPOINT as it stands in JSON
calls_to() {
	printf '%s\n' "$2" | grep -Fo "{\"endpoint\":$1,\"calls\":" >/dev/null ||
		{
			echo 0
			return
		}
	printf '%s\n' "$2" | ENDPOINT="{\"endpoint\":$1,\"calls\":" awk '
		{
			at = index($0, ENVIRON["ENDPOINT"])
			rest = substr($0, at + length(ENVIRON["ENDPOINT"]))
			sub(/[^0-9].*/, "", rest)
			print rest
		}'
}

# total_of LIST JSON: the sum of its calls, and of the others of its kind.
total_of() {
	printf '%s\n' "$2" | awk -v list="\"$1\":[" -v others="\"other_$1\":" '
		{
			sum = 0
			at = index($0, others)
			if (at > 0) {
				rest = substr($0, at + length(others))
				sum = rest + 0
			}
			rest = substr($0, index($0, list) + length(list))
			sub(/\].*/, "", rest)
			count = split(rest, part, /"calls":/)
			for (i = 2; i <= count; i++)
				sum += part[i]
			print sum
		}'
}

verdicts_total() {
	printf '%s\n' "$1" | sed 's/.*"verdicts":{\([^}]*\)}.*/\1/' |
		tr ',' '\n' | awk -F: '{ sum += $2 } END { print sum + 0 }'
}

# adds_up WHAT JSON: five checks
adds_up() {
	adds=$(number total "$2")
	is "$1: verdicts" "$(verdicts_total "$2")" "$adds"
	is "$1: hours" "$(total_of series "$2")" "$adds"
	is "$1: endpoints" "$(total_of endpoints "$2")" "$adds"
	is "$1: addresses" "$(total_of addresses "$2")" "$adds"
}

# --- before anything
json=$(usage "$crm_id")
is 'T8: nothing yet' "$(number total "$json")" 0
adds_up 'nothing' "$json"
like 'the members are those that are documented' "$json" "^[{]\"id\":\"$crm_id\",\
\"window\":\"24h\",\"from\":\"[0-9T:Z-]+\",\"to\":\"[0-9T:Z-]+\",\"total\":0,\
\"verdicts\":[{][^}]*[}],\"endpoints\":\[\],\"other_endpoints\":0,\
\"addresses\":\[\],\"other_addresses\":0,\"series\":\[[^]]*\][}]\$"
like 'and people are told so' "$(ctl key usage "$crm_id")" '^Calls: *0$'
like 'when it was not used' "$(ctl key usage "$crm_id")" '^Last used: *Never$'

# --- some use
for i in 1 2 3; do
	verify "$crm" --service shop --endpoint 'GET /things' \
		--address 203.0.113.7 >/dev/null
	verify "$web" --endpoint 'GET /things' --address 203.0.113.8 >/dev/null
	verify "$map" --endpoint 'GET /maps' --address 203.0.113.9 >/dev/null
	verify "$other" --endpoint 'GET /things' --address 203.0.113.7 >/dev/null
done
verify "$crm" --account globex --endpoint 'PUT "x\y"' \
	--address 2001:db8::1 >/dev/null
verify "$crm" >/dev/null
ctl key disable "$crm_id" >/dev/null
verify "$crm" --endpoint 'GET /things' >/dev/null
ctl key enable "$crm_id" >/dev/null

for window in 24h 7d 30d; do
	json=$(usage "$crm_id" --window "$window")
	is "T7: $window: total" "$(number total "$json")" 6
	adds_up "T7: $window" "$json"
	like "$window: says so" "$json" "\"window\":\"$window\""
done
is '30 days are 30 steps' "$(printf '%s' "$json" |
	sed 's/.*"series"//' | grep -o '"from"' | wc -l | tr -d ' ')" 30
is 'valid' "$(verdicts_of valid "$json")" 4
is 'account mismatch' "$(verdicts_of account_mismatch "$json")" 1
is 'disabled' "$(verdicts_of disabled "$json")" 1
is 'T9: an endpoint' "$(calls_to '"GET /things"' "$json")" 4
is 'T9: one with quotes' "$(calls_to '"PUT \"x\\y\""' "$json")" 1
is 'none is null' "$(calls_to null "$json")" 1
like 'T10: an address, and when' "$json" '"address":"203.0.113.7","calls":3,"last_at":"20[0-9T:-]*Z"'
like 'IPv6' "$json" '"address":"2001:db8::1","calls":1'
like 'most called first' "$json" '"endpoints":\[[{]"endpoint":"GET /things"'

# --- over keys
json=$(usage --account acme)
is 'an account: both its keys' "$(number total "$json")" 9
adds_up 'an account' "$json"
like 'it is called account' "$json" '^[{]"account":"acme","window"'
is 'over its rate' "$(verdicts_of rate_limited "$json")" 1
is 'endpoints of both' "$(calls_to '"GET /things"' "$json")" 7
json=$(usage --product appointments --window 7d)
is 'a product: keys of both accounts' "$(number total "$json")" 12
adds_up 'a product' "$json"
is 'endpoints of all' "$(calls_to '"GET /things"' "$json")" 10
is 'another' "$(number total "$(usage --product maps)")" 3
unlike 'a key that does not exist is in none' "$json" 'GET /maps'

# --- for people
ctl key usage "$crm_id" >"$TMP/page"
page=$(cat "$TMP/page")
like 'calls' "$page" '^Calls: *6$'
like 'verdicts' "$page" '^Verdicts: *valid 4, disabled 1, account_mismatch 1$'
like 'the peak has a time' "$page" \
	'^Peak: *6 in the hour from 20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9]{2}:00$'
like 'last used' "$page" '^Last used: *20[0-9T:-]*Z'
like 'endpoints' "$page" '^GET /things +4$'
like 'addresses' "$page" '^203.0.113.7 +3 +20[0-9T:-]*Z$'
ok 'within 80 columns' test "$(LC_ALL=C.UTF-8 wc -L <"$TMP/page")" -lt 80
for locale in C POSIX; do
	page=$(LC_ALL=$locale ctl key usage "$crm_id")
	like "$locale: a bar of #" "$page" '^ *6 [|] *##$'
	is "$locale: nothing but ASCII" \
		"$(printf '%s' "$page" | LC_ALL=C tr -d '\000-\177')" ''
done
if locale -a 2>/dev/null | grep -qix 'C.UTF-\?8'; then
	like 'blocks in a UTF-8 locale' \
		"$(LC_ALL=C.UTF-8 ctl key usage "$crm_id")" '│ *██$'
else
	skip 'blocks in a UTF-8 locale' 'there is none'
fi
i=0
while [ "$i" -lt 15 ]; do
	verify "$map" --endpoint "GET /maps/$i" >/dev/null
	i=$((i + 1))
done
page=$(ctl key usage "$(key_id "$map")" --window 7d)
is 'the first 10 endpoints' "$(echo "$page" | grep -c '^GET /maps')" 10
like 'and how many there are' "$page" \
	'^6 more endpoints, 6 calls; --all lists them$'
is 'all of them' "$(ctl key usage "$(key_id "$map")" --all |
	grep -c '^GET /maps')" 16

# --- what cannot be
exits 'no such key' 3 ctl key usage ak_0123456789ab
exits 'no such account' 3 ctl key usage --account nobody
exits 'no such product' 3 ctl key usage --product nothing
exits 'of nothing' 2 ctl key usage
exits 'of two' 2 ctl key usage "$crm_id" --account acme
exits 'of two, again' 2 ctl key usage --product maps --account acme
exits 'no such window' 2 ctl key usage "$crm_id" --window 1h
exits 'a token instead of its ID' 2 ctl key usage "$crm"
unlike 'which is not repeated' "$(cat "$TMP/output")" "${crm##*_}"

# --- a kill and a restart take nothing away
before=$(number total "$(usage --account acme)")
kill_apikeyd
start_apikeyd || give_up 'apikeyd did not start again'
is 'after a kill' "$(number total "$(usage --account acme)")" "$before"
stop_apikeyd
start_apikeyd || give_up 'apikeyd did not start again'
is 'after a restart' "$(number total "$(usage --account acme)")" "$before"

# --- who asks on the verify socket and goes away before the answer
leave() {
	printf '%s\n' "$crm" | "$top_builddir/tests/e2e/usage_leave" \
		"$APIKEYD_VERIFY_SOCKET" "$1" "$PATIENCE"
}
is 'the holder is told by libapikey' "$(leave 0)" \
	"$(number total "$(usage "$crm_id" --window 30d)")"
is 'also after two thousand who left' "$(leave 2000)" "$(leave 0)"
is 'asking was no verification' "$(leave 0)" \
	"$(number total "$(usage "$crm_id" --window 30d)")"
like 'and nobody is left' "$(ctl status --json)" '"connections": *1,'
ctl key disable "$crm_id" >/dev/null
is 'a disabled key is told the verdict' "$(leave 10)" 'ok, disabled'
ctl key enable "$crm_id" >/dev/null

# --- who may know
if [ "$(id -u)" -eq 0 ]; then
	chmod a+x "$TMP" "$TMP/run"
	LIMITED=61003 AUDITOR=61004
	as() {
		uid=$1
		shift
		setpriv --reuid "$uid" --regid "$uid" --clear-groups \
			"$APIKEYCTL" key usage "$@"
	}
	exits 'nobody' 4 as 65534 "$crm_id"
	ctl operator add $AUDITOR --role auditor >/dev/null
	ctl operator add $LIMITED --role auditor --account acme >/dev/null
	exits 'an auditor: a key' 0 as $AUDITOR "$crm_id"
	exits 'a product' 0 as $AUDITOR --product maps
	exits 'one with limits: a key of its account' 0 as $LIMITED "$crm_id"
	exits 'its account' 0 as $LIMITED --account acme
	exits 'a key of another' 4 as $LIMITED "$(key_id "$map")"
	exits 'another account' 4 as $LIMITED --account globex
	exits 'a product, also of its own' 4 as $LIMITED --product appointments
	exits 'what is not there is as forbidden' 4 as $LIMITED --account nobody
	unlike 'and nothing is told' "$(cat "$TMP/output")" 'total'
else
	for what in nobody 'an auditor: a key' 'a product' \
		'one with limits: a key of its account' 'its account' \
		'a key of another' 'another account' \
		'a product, also of its own' \
		'what is not there is as forbidden' 'and nothing is told'; do
		skip "$what" 'takes root, to become other users'
	done
fi

done_testing
