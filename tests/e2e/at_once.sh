#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Many at once: a rate is never passed, and what stops an account stops all
# that it has.
#
# shellcheck disable=SC2119,SC2154,SC2317 # what make check sets

. "$top_srcdir/tests/lib.sh"

CLIENTS=16 CALLS=8 LIMIT=50

start_apikeyd || give_up "apikeyd does not start"
seed globex
stranger=$(new_key stranger)
seed acme billing

# storm TOKEN [OPTION…]: all clients at once; the verdicts, counted.
storm() {
	client=0 clients=
	while [ "$client" -lt "$CLIENTS" ]; do
		(
			call=0
			while [ "$call" -lt "$CALLS" ]; do
				verdict "$@"
				call=$((call + 1))
			done
		) >"$TMP/client.$client" &
		clients="$clients $!"
		client=$((client + 1))
	done
	for client in $clients; do
		wait "$client"
	done
	cat "$TMP"/client.* >"$TMP/verdicts"
	rm "$TMP"/client.*
}

# count VERDICT
count() {
	grep -cx "$1" "$TMP/verdicts"
}

### Rates

# Refilled once in half an hour: nothing comes back while this runs.
token=$(new_key limited --rate $LIMIT/1d --permission read)
id=$(key_id "$token")
storm "$token" --permission write
is "refused for another reason" "$(count permission_denied)" \
	$((CLIENTS * CALLS))
storm "$token"
is "exactly the rate is let in" "$(count valid)" $LIMIT
is "all others are refused" "$(count rate_limited)" \
	$((CLIENTS * CALLS - LIMIT))
like "and told for how long" "$(verify "$token" --json)" \
	'"retry_after_ms":[0-9]+'
storm "$token"
is "refusals bring nothing back" "$(count rate_limited)" $((CLIENTS * CALLS))
wider=$((LIMIT + 1))
ok "a new rate" ctl key update "$id" --rate $wider/1d
storm "$token"
ok "... never lets in more than it says" [ "$(count valid)" -le $wider ]

token=$(new_key "one a bucket" --rate 1/50ms)
is "it comes back in time" "$(verdict "$token")" valid
is_valid() {
	[ "$(verdict "$token")" = valid ]
}
ok "... as the bucket is refilled" await is_valid

### Quotas

token=$(new_key "so many" --quota $LIMIT/total --permission read)
id=$(key_id "$token")
storm "$token" --permission write
is "a quota: refused for another reason" "$(count permission_denied)" \
	$((CLIENTS * CALLS))
storm "$token"
is "exactly the quota is let in" "$(count valid)" $LIMIT
is "all others exceed it" "$(count quota_exceeded)" \
	$((CLIENTS * CALLS - LIMIT))
kill_apikeyd
start_apikeyd || give_up "apikeyd does not start again"
is "a kill brings none back" "$(verdict "$token")" quota_exceeded
ok "ten more" ctl key update "$id" --quota $((LIMIT + 10))/total
storm "$token"
is "... are ten more" "$(count valid)" 10

### Suspending

tokens=
for n in 1 2 3 4 5 6 7 8; do
	tokens="$tokens $(new_key "key $n")"
done
# all: the verdicts of them, each once.
all() {
	for token in $tokens; do
		verdict "$token"
	done | sort -u
}
is "all keys of an account" "$(all)" valid
ok "it is suspended" ctl account suspend acme
is "all of them stop" "$(all)" account_inactive
is "another's do not" "$(verdict "$stranger")" valid
exits "nor is there a new one" 6 ctl key create --account acme \
	--product billing --name more
like "which says what to do" "$(cat "$TMP/output")" \
	'apikeyctl account approve acme'
kill_apikeyd
start_apikeyd || give_up "apikeyd does not start again"
is "a kill lifts nothing" "$(all)" account_inactive
ok "it is approved again" ctl account approve acme
is "all of them go on" "$(all)" valid
ok "a product is disabled" ctl product disable billing --account acme
is "all keys for it stop" "$(all)" product_disabled
stop_apikeyd
done_testing
