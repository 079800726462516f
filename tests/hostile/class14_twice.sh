#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Class 14: the same thing twice. A change that is asked for again under its
# operation id is made once, also over a kill; an id says nothing about another
# change; and an answered verification is counted once. That a signature may be
# repeated within its window is no promise broken: e2e/key_hmac.sh.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

crowd=$top_builddir/tests/hostile/crowd

# shellcheck disable=SC2119 # without arguments
start_apikeyd || give_up "apikeyd does not start"
seed

# twice NAME: made under the operation id make-NAME.
twice() {
	ctl key create --account acme --product appointments --name "$1" \
		--operation-id "make-$1" --json
}
keys() {
	ctl status --json | sed -n 's/.*"keys": *\([0-9]*\).*/\1/p' | head -n 1
}
# shellcheck disable=SC2317 # run by nok
has_token() {
	grep -q '"token": *"ak_' "$TMP/made"
}

twice one >"$TMP/made"
ok "a key is made" has_token
for i in 1 2 3; do
	twice one >"$TMP/made"
	nok "again ($i): no token is shown" has_token
done
is "one key" "$(keys)" 1
exits "the id for another change" 6 ctl account create other \
	--operation-id make-one
exits "the id for another key" 6 ctl key create --account acme \
	--product appointments --name two --operation-id make-one
is "one key still" "$(keys)" 1

# Sixteen at the same time, of which one makes it.
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
	twice many >"$TMP/at_once.$i" 2>&1 &
	stop_at_end $!
	pids="${pids-} $!"
done
for pid in $pids; do
	wait "$pid" || fail "at once" "exit code $?"
done
is "at once: one of them has the token" \
	"$(grep -l '"token": *"ak_' "$TMP"/at_once.* | wc -l)" 1
is "two keys" "$(keys)" 2

kill_apikeyd
# shellcheck disable=SC2119 # without arguments
start_apikeyd || give_up "apikeyd does not start again"
twice one >"$TMP/made"
nok "over a kill: no token is shown" has_token
is "two keys still" "$(keys)" 2

token=$(new_key counted)
id=$(key_id "$token")
ok "1000 verifications" "$crowd" calm "$APIKEYD_VERIFY_SOCKET" 1000 "$token"
calls() {
	ctl key usage "$id" --json | sed -n 's/.*"calls": *\([0-9]*\).*/\1/p' |
		head -n 1
}
is "are 1000" "$(calls)" 1000
kill_apikeyd
# shellcheck disable=SC2119 # without arguments
start_apikeyd || give_up "apikeyd does not start again"
is "and 1000 after the journal was read again" "$(calls)" 1000
ok "SIGTERM ends it with 0" stop_apikeyd
done_testing
