#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# When keys were used, how much, by whom, and which are not any more.
#
# shellcheck disable=SC2119,SC2154,SC2317 # run_features calls by name

. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/features.lib.sh
. "$top_srcdir/tests/features.lib.sh"
# shellcheck source=tests/clock.lib.sh
. "$top_srcdir/tests/clock.lib.sh"

start_apikeyd || give_up "apikeyd does not start"
seed

# is_unused ID: it counts as such after a second.
is_unused() {
	ctl key list --unused 1s | grep -q "^$1 "
}

# That the other is not in the list has to be seen within the second after its
# use: else once more.
used_now() {
	verify "$1" >"$TMP/said" && ! is_unused "$(key_id "$1")"
}

R11() {
	unused=$(new_key "Forgotten")
	used=$(new_key "In use")
	must_be "new ones" "$(ctl key list --unused 1h --json)" '[]'
	must await is_unused "$(key_id "$unused")"
	must await is_unused "$(key_id "$used")"
	must await used_now "$used"
	must_have "the forgotten one" "$(ctl key list --unused 1s)" \
		"^$(key_id "$unused") "
}

R6() {
	token=$(new_key dated)
	id=$(key_id "$token")
	must verify "$token" --address 198.51.100.1
	from=$(date -u +%Y-%m-%dT%H:%M:%SZ)
	must verify "$token" --address 198.51.100.2
	to=$(date -u +%Y-%m-%dT%H:%M:%SZ)
	kill_apikeyd
	start_apikeyd || give_up "apikeyd does not start again"
	at=$(fact "$id" last_used_at)
	must_be "the latest request, between $from and $to" \
		"$(printf '%s\n' "$from" "$at" "$to" | sort | sed -n 2p)" "$at"
	must_be "from" "$(fact "$id" last_used_address)" 198.51.100.2
}

B7() {
	leaked=$(new_key leaked)
	other=$(new_key "not leaked")
	mkdir "$TMP/site"
	echo "const KEY = '$leaked';" >"$TMP/site/app.js"
	must_exit 1 ctl key scan "$TMP/site"
	must_have "which" "$(cat "$TMP/said")" "app.js:1: $(key_id "$leaked"), "
	must_lack "what is told" "$(cat "$TMP/said")" "${leaked##*_}"
	must_be "found, not yet revoked" "$(verdict "$leaked")" valid
	must_exit 1 ctl key scan "$TMP/site" --revoke --yes
	must_be "at once" "$(verdict "$leaked")" revoked
	must_be "its replacement" "$(verdict "$(new_key "next")")" valid
	must_be "another" "$(verdict "$other")" valid
}

# usage MEMBER ARGUMENT…: of key usage, as its JSON has it.
usage() {
	member=$1
	shift
	ctl key usage "$@" --json |
		sed -n "s/.*\"$member\":\(\[[^]]*\]\|{[^}]*}\|[0-9]*\).*/\1/p"
}

T8() {
	token=$(new_key counted)
	id=$(key_id "$token")
	must_be "at first" "$(usage total "$id")" 0
	must verify "$token"
	must verify "$token"
	must_exit 1 verify "$token" --permission write
	must_be "after three calls" "$(usage total "$id")" 3
	must_have "by verdict" "$(usage verdicts "$id")" '"valid":2'
	must_have "by verdict" "$(usage verdicts "$id")" \
		'"permission_denied":1'
	must_have "for people" "$(ctl key usage "$id")" '^Calls: +3$'
	must_be "of its account" "$(usage total --account acme)" \
		"$(usage total --product appointments)"
}

T9() {
	token=$(new_key endpoints)
	id=$(key_id "$token")
	must verify "$token" --endpoint "GET /v1/files"
	must verify "$token" --endpoint "POST /v1/files"
	must verify "$token" --endpoint "POST /v1/files"
	must_be "most called first" "$(usage endpoints "$id")" \
		'[{"endpoint":"POST /v1/files","calls":2},{"endpoint":"GET /v1/files","calls":1}]'
	must_have "for people" "$(ctl key usage "$id")" '^POST /v1/files +2 *$'
}

T10() {
	token=$(new_key addresses)
	id=$(key_id "$token")
	must verify "$token" --address 203.0.113.7
	must verify "$token" --address 2001:db8::1
	must verify "$token" --address 2001:db8::1
	must_have "most first" "$(usage addresses "$id")" \
		'^\[\{"address":"2001:db8::1","calls":2,"last_at":"2[^"]*Z"\},\{"address":"203.0.113.7","calls":1,'
	must_have "for people" "$(ctl key usage "$id")" '^203\.0\.113\.7 +1 +2'
}

# by_clock DATE: apikeyd, stopped and started again where time does not pass.
by_clock() {
	stop_apikeyd
	set_clock "$1"
	use_clock
	start_apikeyd || give_up "apikeyd does not start by the clock"
}

# The calendar does not go back: these are the last.
B6() {
	must_have "its timer" "$(cat "$top_srcdir/systemd/apikeyd-audit.timer")" \
		'^OnCalendar='
	if reason=$(clock_impossible); then
		skip_feature "$reason"
		return
	fi
	by_clock "2040-01-01 00:00:00"
	stale=$(new_key Forgotten)
	used=$(new_key "In use")
	must verify "$stale"
	set_clock "2040-03-30 23:59:59"
	must_lack "before a quarter is over" \
		"$(ctl audit stale --unused 90d)" "$(key_id "$stale")"
	must verify "$used"
	set_clock "2040-03-31 00:00:00"
	must_have "then" "$(ctl audit stale --unused 90d)" "$(key_id "$stale")"
	must_lack "but not what is used" \
		"$(ctl audit stale --unused 90d)" "$(key_id "$used")"
	must ctl key delete "$(key_id "$stale")" --yes
	must_lack "deleted" "$(ctl audit stale --unused 90d)" \
		"$(key_id "$stale")"
}

T7() {
	if reason=$(clock_impossible); then
		skip_feature "$reason"
		return
	fi
	by_clock "2040-05-02 12:30:00"
	token=$(new_key "over time")
	id=$(key_id "$token")
	must verify "$token"
	set_clock "2040-05-25 12:30:00"
	must verify "$token"
	must verify "$token"
	set_clock "2040-05-30 13:30:00"
	must verify "$token"
	must verify "$token"
	must verify "$token"
	set_clock "2040-05-31 12:30:00"
	must_be "24 hours, 7 days, 30 days" "$(usage total "$id" --window 24h) $(
		usage total "$id" --window 7d) $(
		usage total "$id" --window 30d)" "3 5 6"
	kill_apikeyd
	start_apikeyd || give_up "apikeyd does not start again"
	must_be "after a kill" "$(usage total "$id" --window 30d)" 6
	must_be "by default" "$(usage total "$id")" 3
}

run_features
done_testing
