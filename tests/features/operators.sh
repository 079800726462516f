#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Who may make keys, with real uids.
#
# shellcheck disable=SC2086,SC2119,SC2154,SC2317 # run_features calls by name

. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/uids.lib.sh
. "$top_srcdir/tests/uids.lib.sh"
# shellcheck source=tests/features.lib.sh
. "$top_srcdir/tests/features.lib.sh"

SUPER=61001 ADMIN=61002 AUDITOR=61004 NOBODY=61005

start_apikeyd || give_up "apikeyd does not start"
seed
token=$(new_key "There already")
id=$(key_id "$token")

# create UID [OPTION…]
create() {
	uid=$1
	shift
	as "$uid" ctl key create --account acme --product appointments \
		--name n "$@" </dev/null
}

D2() {
	must_exit 4 create $ADMIN
	must ctl operator add $ADMIN --role admin
	must create $ADMIN
	must ctl operator remove $ADMIN
	must_exit 4 create $ADMIN
}

P4() {
	must ctl operator add $SUPER --role superadmin
	must ctl operator add $ADMIN --role admin
	must ctl operator add $AUDITOR --role auditor
	for uid in $SUPER $ADMIN; do
		must as $uid ctl key show "$id"
		must as $uid ctl key list
		must create $uid
		must as $uid ctl key rotate "$id"
	done
	must as $AUDITOR ctl key list
	must_exit 4 create $AUDITOR
	must_exit 4 as $AUDITOR ctl key rotate "$id"
	must_exit 4 create $NOBODY
	for words in "key list" "key show $id" "key rotate $id" \
		"key reveal $id" "key revoke $id --yes" "account list" \
		"product list" "operator list" status; do
		# shellcheck disable=SC2086 # words
		must_exit 4 as $NOBODY ctl $words
		must_lack "what nobody is told" "$(cat "$TMP/said")" \
			"There already"
	done
}

P5() {
	printf 'right one\n' >"$TMP/pin"
	printf 'wrong one\n' >"$TMP/wrong"
	chmod 644 "$TMP/pin" "$TMP/wrong"
	must ctl product create bank --require-pin
	must ctl product enable bank --account acme
	must ctl operator add $ADMIN --role admin
	must as $ADMIN ctl operator set-pin --pin-file "$TMP/pin"
	must_exit 4 create $ADMIN --product bank
	must_exit 4 create $ADMIN --product bank --pin-file "$TMP/wrong"
	must create $ADMIN --product bank --pin-file "$TMP/pin"
	bank=$(sed -n 's/^\(ak_[0-9A-Za-z]*\)_.*/\1/p' "$TMP/said")
	must_exit 4 as $ADMIN ctl key rotate "$bank" </dev/null
	must as $ADMIN ctl key rotate "$bank" --pin-file "$TMP/pin"
	must create $ADMIN
}

run_features
done_testing
