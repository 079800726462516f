#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Who owns usage.journal can cut it off under the daemon, which writes there
# through a mapping. It goes on verifying, says what is lost, and counts in
# another file.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

dropped() {
	ctl status --json | sed 's/.*"dropped": *\([0-9]*\).*/\1/'
}

all_is_well() {
	ctl status --json | grep -q '"failing": *null'
}

# cut_at BYTES N: and verifies until the daemon has its Nth other journal.
cut_at() {
	truncate -s "$1" "$TMP/state/usage.journal"
	is "cut at $1: a key verifies" "$(verdict "$token")" valid
	is "a revoked one does not" "$(verdict "$gone")" revoked
	ok "another journal is begun" await goes_on "$2"
	is "counting goes on" "$(verdict "$token")" valid
	ok "nothing fails any more" await all_is_well
}

# goes_on N: the Nth time.
goes_on() {
	[ "$(grep -c 'goes on in another usage.journal' "$TMP/apikeyd.log")" \
		-ge "$1" ]
}

# shellcheck disable=SC2119 # without arguments
start_apikeyd || give_up "apikeyd does not start"
seed acme
token=$(new_key first)
id=$(key_id "$token")
gone=$(new_key gone)
ctl key revoke "$(key_id "$gone")" --yes >"$TMP/output" 2>&1
is "(a key verifies)" "$(verdict "$token")" valid
is "(and is counted)" "$(dropped)" 0
cut_at 4096 1
like "it says what happened" "$(cat "$TMP/apikeyd.log")" \
	"usage.journal: it was cut off, or its disk fails"
like "and what is not counted" "$(cat "$TMP/apikeyd.log")" \
	"up to 3 verifications are not counted"
is "status says so too" "$(dropped)" 3
ok "a change is made" ctl account create later
cut_at 0 2
rm "$TMP/state/usage.journal.damaged"
truncate -s 0 "$TMP/state/usage.journal"
rm "$TMP/state/usage.journal"
is "gone altogether: a key verifies" "$(verdict "$token")" valid
ok "another journal is begun" await goes_on 3
before=$(dropped)
is "a key verifies" "$(verdict "$token")" valid
ok "SIGTERM ends it with 0" stop_apikeyd
# shellcheck disable=SC2119 # without arguments
ok "it starts again" start_apikeyd
like "what was counted since is there" \
	"$(ctl key usage "$id" --json)" '"total": *1,'
is "(not all was)" "$((before > 3))" 1
is "a key verifies" "$(verdict "$token")" valid
is "and a revoked one does not" "$(verdict "$gone")" revoked
ok "SIGTERM ends it with 0" stop_apikeyd
done_testing
