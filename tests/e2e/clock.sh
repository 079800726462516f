#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Expiry and overlap to the second, under a calendar that is moved.
#
# shellcheck disable=SC2119,SC2154 # what make check sets

. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/clock.lib.sh
. "$top_srcdir/tests/clock.lib.sh"

reason=$(clock_impossible) && skip_all "$reason"

# shown ID MEMBER
shown() {
	ctl key show "$1" --json | sed -n "s/.*\"$2\":\"\([^\"]*\)\".*/\1/p"
}

set_clock "2030-06-01 12:00:00"
use_clock
start_apikeyd || give_up "apikeyd does not start"
seed

### Expiry

token=$(new_key second --expires 2030-06-30T10:00:00Z)
day=$(new_key day --expires 2030-06-30)
zone=$(new_key zone --expires 2030-06-30T12:00:00+02:00)
after=$(new_key after --expires 1d)
is "a duration counts from now" "$(shown "$(key_id "$after")" expires_at)" \
	2030-06-02T12:00:00Z
set_clock "2030-06-02 11:59:59"
is "a second before its end" "$(verdict "$after")" valid
set_clock "2030-06-02 12:00:00"
is "at its end" "$(verdict "$after")" expired

set_clock "2030-06-30 09:59:59"
is "a moment: a second before" "$(verdict "$token")" valid
is "a moment with an offset: a second before" "$(verdict "$zone")" valid
is "the status: a second before" "$(shown "$(key_id "$token")" status)" active
set_clock "2030-06-30 10:00:00"
is "a moment: then" "$(verdict "$token")" expired
is "a moment with an offset: then" "$(verdict "$zone")" expired
is "the status: then" "$(shown "$(key_id "$token")" status)" expired
set_clock "2030-06-30 23:59:59"
is "a day: its last second" "$(verdict "$day")" valid
set_clock "2030-07-01 00:00:00"
is "a day: the next" "$(verdict "$day")" expired
set_clock "2030-06-30 09:59:59"
is "a calendar that is set back gives time back" "$(verdict "$token")" valid

set_clock "2030-06-29 10:00:00"
like "expiring within a day" "$(ctl key list --expiring 1d)" \
	"^$(key_id "$token") "
unlike "... but not in less" "$(ctl key list --expiring 23h)" \
	"^$(key_id "$token") "
unlike "... nor what has expired" "$(ctl key list --expiring 1d)" \
	"^$(key_id "$after") "

set_clock "2030-07-02 00:00:00"
ok "an expired key is given more time" \
	ctl key update "$(key_id "$token")" --expires 1h
is "and is good again" "$(verdict "$token")" valid
exits "not time that is over" 2 \
	ctl key update "$(key_id "$token")" --expires 2030-07-01
ctl product create brief --max-lifetime 7d >"$TMP/output"
ctl product enable brief --account acme >"$TMP/output"
brief=$(SEED_PRODUCT=brief new_key brief)
is "a product's longest lifetime" "$(shown "$(key_id "$brief")" expires_at)" \
	2030-07-09T00:00:00Z

### Overlap

old=$(new_key overlapping)
id=$(key_id "$old")
new=$(ctl key rotate "$id" --overlap 1h 2>"$TMP/output")
is "until when the old secret holds" "$(shown "$id" previous_secret_until)" \
	2030-07-02T01:00:00Z
is "when it was replaced" "$(shown "$id" rotated_at)" 2030-07-02T00:00:00Z
like "people are told so" "$(ctl key show "$id")" \
	'^Old secret until: +2030-07-02T01:00:00Z$'
is "the old one was not used since" "$(shown "$id" previous_last_used_at)" ''
set_clock "2030-07-02 00:30:00"
verify "$old" --address 203.0.113.5 >"$TMP/output"
set_clock "2030-07-02 00:40:00"
verify "$new" --address 203.0.113.6 >"$TMP/output"
is "when the old one was last used" "$(shown "$id" previous_last_used_at)" \
	2030-07-02T00:30:00Z
is "and from where" "$(shown "$id" previous_last_used_address)" 203.0.113.5
is "as the key was later" "$(shown "$id" last_used_at)" 2030-07-02T00:40:00Z
like "people are told so, too" "$(ctl key show "$id")" \
	'^Old secret used: +2030-07-02T00:30:00Z$'
set_clock "2030-07-02 00:59:59"
is "a second before: both" "$(verdict "$old") $(verdict "$new")" "valid valid"
set_clock "2030-07-02 01:00:00"
is "then: the new one alone" "$(verdict "$old") $(verdict "$new")" \
	"unknown valid"
unlike "it is not spoken of any more" "$(ctl key show "$id")" \
	'^Old secret until'
revoked=$(new_key taken_away)
deleted=$(new_key taken_out)
ctl key revoke "$(key_id "$revoked")" --yes >"$TMP/output"
ctl key delete "$(key_id "$deleted")" --yes >"$TMP/output"
set_clock "2030-07-02 00:59:59"
is "a calendar that is set back: both again" \
	"$(verdict "$old") $(verdict "$new")" "valid valid"
is "... but what was taken away since stays so" \
	"$(verdict "$revoked") $(verdict "$deleted")" "revoked unknown"

set_clock "2030-07-02 02:00:00"
newer=$(ctl key rotate "$id" --overlap 1h 2>"$TMP/output")
newest=$(ctl key rotate "$id" --overlap 1h 2>"$TMP/output")
is "of three, the last two hold" \
	"$(verdict "$new") $(verdict "$newer") $(verdict "$newest")" \
	"unknown valid valid"
kill_apikeyd
start_apikeyd || give_up "apikeyd does not start again"
is "a kill changes nothing of it" \
	"$(verdict "$new") $(verdict "$newer") $(verdict "$newest")" \
	"unknown valid valid"
last=$(ctl key rotate "$id" --overlap 0 2>"$TMP/output")
is "an overlap of 0 ends all at once" \
	"$(verdict "$newer") $(verdict "$newest") $(verdict "$last")" \
	"unknown unknown valid"
stop_apikeyd
done_testing
