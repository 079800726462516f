#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The allow-list of a key, an entry at a time.

# shellcheck disable=SC2154 # make check sets it
. "$top_srcdir/tests/lib.sh"

start_apikeyd || give_up 'apikeyd did not start'
seed
token=$(new_key "CRM Sync")
id=$(key_id "$token")

# The allow-list of the key, as JSON.
allowlist() {
	ctl key show "$id" --json |
		sed -n 's/.*"allowlist":\({.*\]}\),"rate".*/\1/p'
}

is 'off at first' "$(allowlist)" '{"enabled":false,"entries":[]}'
ok 'an entry with a label' \
	ctl key allow add "$id" 203.0.113.0/24 'Office Server'
is 'it is on the list, which stays off' "$(allowlist)" \
	'{"enabled":false,"entries":[{"cidr":"203.0.113.0/24","label":"Office Server"}]}'
is 'while off every address is let in' \
	"$(verdict "$token" --address 198.51.100.1)" valid
ok 'on' ctl key allow on "$id"
is 'an address that is not on it' \
	"$(verdict "$token" --address 198.51.100.1)" address_denied
is 'no address' "$(verdict "$token")" address_denied
is 'an address that is' \
	"$(verdict "$token" --address 203.0.113.77)" valid
is 'IPv4-mapped is IPv4' \
	"$(verdict "$token" --address ::ffff:203.0.113.77)" valid
ok 'an address without a label' ctl key allow add "$id" 2001:db8::1
is 'IPv6' "$(verdict "$token" --address 2001:db8::1)" valid
is 'the next address' \
	"$(verdict "$token" --address 2001:db8::2)" address_denied
ok 'a network again' ctl key allow add "$id" 203.0.113.0/24 Lab
is 'has the new label, and is there once' "$(allowlist)" \
	'{"enabled":true,"entries":[{"cidr":"2001:db8::1/128","label":null},{"cidr":"203.0.113.0/24","label":"Lab"}]}'

# --- what is refused
exits 'remove what is not there' 3 ctl key allow remove "$id" 10.0.0.0/8
like 'names it' "$(cat "$TMP/output")" '10\.0\.0\.0/8'
exits 'a part of what is there' 3 ctl key allow remove "$id" 203.0.113.0/25
exits 'no such key' 3 ctl key allow add ak_0123456789ab 10.0.0.0/8
exits 'bits beyond the prefix' 2 ctl key allow add "$id" 10.0.0.1/8
exits 'a label too long' 2 ctl key allow add "$id" 10.0.0.0/8 \
	"$(printf '%065d' 0)"
like 'names the limit' "$(cat "$TMP/output")" 'at most 64 bytes'
ok 'a label of 64 bytes' ctl key allow add "$id" 10.0.0.0/8 \
	"$(printf '%064d' 0)"
exits 'no verb' 2 ctl key allow
like 'says which there are' "$(cat "$TMP/output")" 'allow add'
exits 'no such verb' 2 ctl key allow frob "$id"
exits 'a word too many' 2 ctl key allow on "$id" now
exits 'a network missing' 2 ctl key allow add "$id"
like 'help of a verb of two words' "$(ctl key allow add --help)" \
	'^Usage: .* key allow add ID CIDR \[LABEL\]'

# --- off keeps the entries; a restart keeps all
before=$(allowlist)
ok 'off' ctl key allow off "$id"
is 'off lets every address in' \
	"$(verdict "$token" --address 198.51.100.1)" valid
is 'off keeps the entries' "$(allowlist)" \
	"$(echo "$before" | sed 's/"enabled":true/"enabled":false/')"
ok 'on again' ctl key allow on "$id"
ok 'on twice' ctl key allow on "$id"
stop_apikeyd
start_apikeyd || give_up 'apikeyd did not start again'
is 'a restart keeps it' "$(allowlist)" "$before"

# --- an operation that is repeated
ok 'remove' ctl --operation-id gone-1 key allow remove "$id" 10.0.0.0/8
ok 'the same once more' \
	ctl --operation-id gone-1 key allow remove "$id" 10.0.0.0/8
like 'was not done again' "$(cat "$TMP/output")" 'nothing was changed'

# --- two operators at once, and the limit
ok 'an empty list' ctl key allow remove "$id" 2001:db8::1
ok 'really empty' ctl key allow remove "$id" 203.0.113.0/24
is 'nobody gets in' "$(verdict "$token" --address 203.0.113.7)" address_denied
add_some() {
	n=0
	while [ "$n" -lt 32 ]; do
		ctl key allow add "$id" "192.0.$1.$n" >>"$TMP/some.$1" 2>&1 ||
			return
		n=$((n + 1))
	done
}
add_some 1 &
first=$!
add_some 2 &
second=$!
ok 'one operator adds 32' wait "$first"
ok 'another 32 at the same time' wait "$second"
is 'no entry is lost' "$(allowlist | tr '{' '\n' | grep -c '"cidr"')" 64
exits 'the 65th' 2 ctl key allow add "$id" 192.0.2.200
like 'names its limit' "$(cat "$TMP/output")" 'at most 64'
ok 'a new label on a full list' ctl key allow add "$id" 192.0.1.7 Label
is 'still 64' "$(allowlist | tr '{' '\n' | grep -c '"cidr"')" 64

done_testing
