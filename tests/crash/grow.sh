#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The daemon dies at system calls by which a store that has outgrown its hash
# table gets into a larger file, while keys are created: the old file or the
# new one is there, and every key.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/strace.lib.sh
. "$top_srcdir/tests/strace.lib.sh"

keys=9000 # the smallest table serves some 8,000 records
mkdir -m 700 "$TMP/before"
"$top_builddir/tests/tools/fill" "$TMP/before" "$keys" few 1000 \
	>"$TMP/tokens" 2>"$TMP/output" ||
	give_up "no store: $(cat "$TMP/output")"
read -r token <"$TMP/tokens"

has_grown() {
	[ "$(stat -c %i "$TMP/state/keys.tdb")" != "$before" ]
}

create() {
	ctl key create --account acme --product api --name "$1"
}

# until_it_ends: creates keys meanwhile; fails where it died of it.
until_it_ends() {
	until has_grown; do
		create "one more" >"$TMP/output" 2>&1 || break
		created=$((created + 1))
	done
	has_grown
}

# whole: it starts, and has every key; one that was not answered may be there,
# too. The copy is gone, or will be.
whole() {
	start "$sound" && [ "$(verdict "$token")" = valid ] || return
	found=$(ctl status --json | sed -n 's/.*"keys": *\([0-9]*\).*/\1/p')
	[ "$found" -eq $((keys + created)) ] ||
		[ "$found" -eq $((keys + created + 1)) ] || return
	ctl audit verify >"$TMP/output" 2>&1 || return
	await has_grown || return
	[ ! -e "$TMP/state/keys.tdb.rebuild" ] && stop_apikeyd
}

# growths CALL [PATH]: until one comes through. Of many calls, the first ones,
# and then some.
growths() {
	n=1
	while [ "$n" -lt 20000 ]; do
		rm -rf "$TMP/state"
		cp -a "$TMP/before" "$TMP/state"
		before=$(stat -c %i "$TMP/state/keys.tdb")
		created=0 alive=
		dying_at "$1" "$n" "${2-}"
		start "$dying" && until_it_ends &&
			create "the last" >"$TMP/output" 2>&1 &&
			created=$((created + 1)) && alive=yes
		[ -z "$APIKEYD_PID" ] || kill_apikeyd
		whole || {
			echo "$1 $n: $created keys created, ${found-no} found"
			cat "$TMP/output"
			log_tail
			return 1
		}
		[ -z "$alive" ] || break
		deaths=$((deaths + 1))
		n=$((n < 3 ? n + 1 : 3 * n))
	done
	[ "$n" -gt 1 ]
}

deaths=0
for call in pwrite64 fdatasync fsync; do
	ok "growths that die at $call" \
		growths "$call" "$TMP/state/keys.tdb.rebuild"
done
ok "growths that die at the rename" growths rename
echo "# $deaths deaths"
done_testing
