#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# keys.tdb damaged beneath a daemon that runs: store check names each record,
# the log tells of it, and verification goes on. Every byte: see
# unit/test_store_damage.
# shellcheck disable=SC2119 # no arguments
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

keys=$TMP/state/keys.tdb
log=$TMP/apikeyd.log

# flip RECORD: a bit of each place where it lies, and back again the next time.
# The outbox and tdb's recovery area may hold its name as well.
flip() {
	grep -aboF -e "$1" "$keys" | cut -d: -f1 >"$TMP/places"
	while read -r offset; do
		at=$((offset + 60))
		byte=$(od -An -tu1 -j "$at" -N 1 "$keys" | tr -d ' ')
		# shellcheck disable=SC2059 # the format is the byte
		printf "\\$(printf %03o $((byte ^ 1)))" |
			dd of="$keys" bs=1 seek="$at" conv=notrunc 2>/dev/null
	done <"$TMP/places"
}

# record_of TOKEN: as it is named on the disk.
record_of() {
	id=$(key_id "$1")
	echo "K${id#*_}"
}

start_apikeyd || give_up "apikeyd does not start"
seed acme
one=$(new_key one)
two=$(new_key two)
first=$(record_of "$one")
second=$(record_of "$two")

ok "what was written is sound" ctl store check
like "... which is said of so many records" "$(ctl store check)" \
	'^[1-9][0-9]* records; .* 0 problems$'
unlike "the log tells of no damage" "$(cat "$log")" damaged

flip "$first"
exits "a record that is damaged" 1 ctl store check
is "... is named" "$(ctl store check | grep keys.tdb)" \
	"keys.tdb: record K ${first#K}: wrong MAC"
like "... as JSON, too" "$(ctl store check --json)" '"sound": *false'
like "... and in the log" "$(cat "$log")" \
	"$keys: damaged at record K ${first#K}: wrong MAC"
is "its key verifies, from memory" "$(verdict "$one")" valid
flip "$second"
is "of two both are named" "$(ctl store check | grep keys.tdb | sort)" \
	"$(printf 'keys.tdb: record K %s: wrong MAC\n' "${first#K}" \
		"${second#K}" | sort)"
flip "$first"
flip "$second"
ok "as they were: sound" ctl store check

cp -p "$keys" "$TMP/older"
new_key three >"$TMP/output"
cat "$TMP/older" >"$keys"
exits "an older copy in its place" 1 ctl store check
like "... is seen to be older" "$(ctl store check)" \
	'^keys.tdb: .*(missing|older|written last)'
kill_apikeyd
done_testing
