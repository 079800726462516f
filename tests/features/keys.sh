#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Making keys, seeing them, replacing and ending them.
#
# shellcheck disable=SC2119,SC2154,SC2317 # run_features calls by name

. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/features.lib.sh
. "$top_srcdir/tests/features.lib.sh"

start_apikeyd || give_up "apikeyd does not start"
seed

D1() {
	token=$(ctl key create --account acme --product appointments \
		--name "CRM Sync" 2>"$TMP/said")
	must_be "its verdict" "$(verdict "$token")" valid
	must_be "its expiry" "$(fact "$(key_id "$token")" expires_at)" null
	must_be "its scopes" "$(fact "$(key_id "$token")" scopes)" '[]'
}

D3() {
	ctl key create --account acme --product appointments --name copy \
		>"$TMP/copied" 2>"$TMP/said"
	must_be "lines on stdout" "$(wc -l <"$TMP/copied")" 1
	must ctl key check <"$TMP/copied"
	must ctl key verify <"$TMP/copied"
	must_have "what is said beside it" "$(cat "$TMP/copied")" \
		'^ak_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$'
}

D5() {
	old=$(new_key replaced)
	new=$(ctl key rotate "$(key_id "$old")" 2>"$TMP/said")
	must_be "the old token" "$(verdict "$old")" unknown
	must_be "the new token" "$(verdict "$new")" valid
}

D6() {
	token=$(new_key lost)
	id=$(key_id "$token")
	must_exit 6 ctl key reveal "$id"
	must_lack "what commands print" "$(ctl key show "$id"
		ctl key show "$id" --json
		ctl key list --json
		cat "$TMP/said")" "${token##*_}"
	must_lack "the store" "$(grep -rl "${token##*_}" "$TMP/state")" .
	new=$(ctl key rotate "$id" 2>"$TMP/said")
	must_be "a new one" "$(verdict "$new")" valid
}

D7() {
	token=$(new_key copied)
	short=${token%????}
	wrong=$(misspelt "$token")
	echo "$short" >"$TMP/short"
	echo "$wrong" >"$TMP/wrong"
	must_exit 1 ctl key check <"$TMP/short"
	must_have "why, of a short one" "$(cat "$TMP/said")" 'end is missing'
	must_exit 1 ctl key check <"$TMP/wrong"
	must_have "why, of a wrong one" "$(cat "$TMP/said")" \
		'character is wrong'
	must_be "a short one is verified" "$(verify "$short" --json)" \
		'{"verdict":"malformed","reason":"truncated"}'
	must_be "a wrong one is verified" "$(verify "$wrong" --json)" \
		'{"verdict":"malformed","reason":"checksum"}'
	must_be "the whole one" "$(verdict "$token")" valid
}

T1() {
	token=$(new_key "Listed")
	id=$(key_id "$token")
	must_have "the list" "$(ctl key list)" \
		"^$id +Listed .* active .* Never *\$"
	must verify "$token"
	must_have "after a call" "$(ctl key list)" \
		"^$id +Listed .* active .* 2[0-9-]+T[0-9:]+Z *\$"
	must ctl key disable "$id"
	must_have "disabled" "$(ctl key list)" "^$id .* disabled "
}

T2() {
	name='Zürich → «Büro» #2'
	token=$(new_key "$name")
	must_be "the name" "$(fact "$(key_id "$token")" name)" "$name"
	must_have "the list" "$(ctl key list)" "$name"
	long=$(printf '%0128d' 0)
	token=$(new_key "$long")
	must_be "of 128 bytes" "$(fact "$(key_id "$token")" name)" "$long"
	must_exit 2 new_key "${long}0"
}

T3() {
	token=$(new_key once --operation-id "once-$$")
	must_be "the token" "$(verdict "$token")" valid
	must_be "what the same call prints again" \
		"$(new_key once --operation-id "once-$$")" ''
	must_lack "all that shows it" "$(ctl key show "$(key_id "$token")" \
		--json; ctl key list --json)" "${token##*_}|\"token\""
}

T4() {
	token=$(new_key overview)
	id=$(key_id "$token")
	must_have "status" "$(ctl key show "$id")" '^Status: +active$'
	must_have "created" "$(ctl key show "$id")" '^Created: +2[0-9-]+T.*Z$'
	must_have "not used" "$(ctl key show "$id")" '^Last used: +Never$'
	verify "$token" --address 203.0.113.9 >"$TMP/said"
	must_have "used" "$(ctl key show "$id")" '^Last used: +2[0-9-]+T.*Z$'
	must_have "from" "$(ctl key show "$id")" \
		'^Last used from: +203\.0\.113\.9$'
}

T5() {
	first=$(new_key regenerated)
	id=$(key_id "$first")
	second=$(ctl key rotate "$id" --overlap 1h 2>"$TMP/said")
	must_be "one in an overlap" "$(verdict "$first")" valid
	third=$(ctl key rotate "$id" 2>"$TMP/said")
	must_be "the first then" "$(verdict "$first")" unknown
	must_be "the second" "$(verdict "$second")" unknown
	must_be "the third" "$(verdict "$third")" valid
}

T6() {
	token=$(new_key doomed)
	id=$(key_id "$token")
	must ctl key delete "$id" --yes
	must_be "its token" "$(verdict "$token")" unknown
	must_exit 3 ctl key show "$id"
	must_exit 3 ctl key enable "$id"
	must_lack "the list" "$(ctl key list)" "$id"
	stop_apikeyd
	start_apikeyd || give_up "apikeyd does not start again"
	must_be "after a restart" "$(verdict "$token")" unknown
	must_exit 3 ctl key show "$id"
	must_have "its history" "$(ctl audit log --key "$id")" 'CreateKey'
	must_have "its history" "$(ctl audit log --key "$id")" 'DeleteKey'
}

B4() {
	old=$(new_key "Backup (March)")
	new=$(new_key "Backup (June)")
	must verify "$new"
	must_have "the older" "$(ctl key list)" \
		"^$(key_id "$old") +Backup \(March\) .* 2[^ ]+Z +Never +Never *\$"
	must_have "the newer" "$(ctl key list)" \
		"^$(key_id "$new") +Backup \(June\) .* 2[^ ]+Z +Never +2[^ ]+Z *\$"
}

B5() {
	live=$(new_key live --environment production)
	trial=$(new_key trial --environment staging)
	must_have "staging" "$(ctl key list --environment staging)" \
		"^$(key_id "$trial") "
	must_lack "staging" "$(ctl key list --environment staging)" \
		"$(key_id "$live")"
	new=$(ctl key rotate "$(key_id "$trial")" 2>"$TMP/said")
	must_be "staging's new token" "$(verdict "$new")" valid
	must_be "staging's old token" "$(verdict "$trial")" unknown
	must_be "production's token" "$(verdict "$live")" valid
}

R3() {
	token=$(new_key brief --expires 1s)
	id=$(key_id "$token")
	must await comes_to expired "$token"
	must_be "its status" "$(fact "$id" status)" expired
	must ctl key update "$id" --expires 2999-12-31
	must_be "with more time" "$(verdict "$token")" valid
	must_be "the end of that day" "$(fact "$id" expires_at)" \
		2999-12-31T23:59:59Z
	must_exit 2 ctl key update "$id" --expires 2000-01-01
}

R4() {
	must ctl product create drive --prefix dk
	must ctl product enable drive --account acme
	token=$(SEED_PRODUCT=drive new_key prefixed)
	must_have "the token" "$token" '^dk_'
	must_have "the list" "$(ctl key list)" "^$(key_id "$token") "
	secret=${token##*_}
	must_lack "the store" "$(grep -rla -e "$token" -e "$secret" \
		"$TMP/state")" .
	must_lack "the log" "$(cat "$TMP/apikeyd.log")" "$secret"
}

R5() {
	token=$(new_key columns --permission write --expires 2999-01-02)
	must verify "$token"
	must_have "its head" "$(ctl key list)" \
		'^KEY ID +NAME .* PERMISSION .* CREATED +EXPIRES +LAST USED *$'
	at='2[0-9-]+T[0-9:]+Z'
	must_have "its line" "$(ctl key list)" \
		"^$(key_id "$token") +columns .* write .* $at +2999-01-02T23:59:59Z +$at *\$"
}

R8() {
	old=$(new_key "of two")
	new=$(new_key "of two, next")
	must_be "both at once" "$(verdict "$old") $(verdict "$new")" \
		"valid valid"
	must ctl key revoke "$(key_id "$old")" --yes
	must_be "then one" "$(verdict "$old") $(verdict "$new")" \
		"revoked valid"
	old=$new
	id=$(key_id "$old")
	new=$(ctl key rotate "$id" --overlap 1h 2>"$TMP/said")
	must_be "both of one key" "$(verdict "$old") $(verdict "$new")" \
		"valid valid"
	must_have "until when" "$(fact "$id" previous_secret_until)" '^2.*Z$'
	must ctl key rotate "$id" --overlap 0
}

P6() {
	token=$(new_key fresh)
	must_be "its first verdict" "$(verdict "$token")" valid
	must_be "its status" "$(fact "$(key_id "$token")" status)" active
}

P7() {
	must ctl product create vault --recoverable
	must ctl product enable vault --account acme
	token=$(SEED_PRODUCT=vault new_key revisited)
	id=$(key_id "$token")
	kill_apikeyd
	start_apikeyd || give_up "apikeyd does not start again"
	must_have "the list" "$(ctl key list --product vault)" \
		"^$id +revisited"
	must_be "the token once more" "$(ctl key reveal "$id")" "$token"
	must_lack "the store" "$(grep -rla "${token##*_}" "$TMP/state")" .
}

P8() {
	old=$(new_key anew --permission write --environment live)
	id=$(key_id "$old")
	must_be "not yet" "$(fact "$id" rotated_at)" null
	new=$(ctl key rotate "$id" 2>"$TMP/said")
	must_be "its ID" "$(key_id "$new")" "$id"
	must_be "what it may" "$(fact "$id" permission) $(fact "$id" \
		environment)" "write live"
	must_have "when" "$(fact "$id" rotated_at)" '^2.*Z$'
	must_be "old and new" "$(verdict "$old") $(verdict "$new")" \
		"unknown valid"
}

run_features
done_testing
