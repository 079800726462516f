#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The daemon dies at each system call in turn by which a change, or the first
# start, gets onto the disk.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/strace.lib.sh
. "$top_srcdir/tests/strace.lib.sh"

### The first start

# first_starts CALL: until one comes through. Of many calls, each of the first
# fifty, and then some.
first_starts() {
	n=1
	while [ "$n" -lt 2000 ]; do
		rm -rf "$TMP/state"
		dying_at "$1" "$n"
		if start "$dying"; then
			kill_apikeyd
			return 0
		fi
		start "$sound" || {
			fail "a first start after a death at $1 $n" \
				<"$TMP/output"
			return 1
		}
		kill_apikeyd
		deaths=$((deaths + 1))
		n=$((n + 1 + (n > 50 ? 12 : 0)))
	done
	echo "still dying at $1 $n"
	return 1
}

deaths=0
for call in pwrite64 write fdatasync fsync ftruncate rename renameat \
	fchmod; do
	ok "first starts that die at each $call" first_starts "$call"
done
echo "# $deaths deaths of first starts"

### A change

rm -rf "$TMP/state"
start "$sound" || give_up "apikeyd does not start"
seed acme
kill_apikeyd

# create NAME: a key that takes several records.
create() {
	set -- --name "$1"
	for i in 1 2 3 4 5 6 7 8 9; do
		set -- "$@" --scope "a-scope-that-fills-a-record:0123456789:$i"
	done
	ctl key create --account acme --product appointments "$@"
}

count() {
	ctl key list --json | grep -o "$1" | wc -l
}

# creates CALL: until one comes through, whose token is in $TMP/token.
creates() {
	n=1
	while [ "$n" -lt 100 ]; do
		dying_at "$1" "$n" "$TMP/state/keys.tdb"
		start "$dying" || return 1
		code=0
		create "key-$1-$n" >"$TMP/token" 2>"$TMP/output" || code=$?
		[ "$code" -ne 0 ] || break
		"$READY" --exit "$PATIENCE" "$APIKEYD_PID"
		wait "$APIKEYD_PID" 2>/dev/null
		start "$sound" || {
			cat "$TMP/output"
			return 1
		}
		keys=$((keys + $(count "\"key-$1-$n\"")))
		if [ "$code" -ne 5 ] ||
			[ "$(count a-scope-that)" -ne $((9 * keys)) ]; then
			echo "death at $1 $n: exit code $code, $keys keys"
			return 1
		fi
		kill_apikeyd
		deaths=$((deaths + 1))
		n=$((n + 1))
	done
	kill_apikeyd
	start "$sound" || return 1
	keys=$((keys + 1))
	[ "$(verdict "$(cat "$TMP/token")")" = valid ] || return 1
	kill_apikeyd
	[ "$n" -gt 1 ]
}

deaths=0
keys=0
ok "creates that die at each write" creates pwrite64
ok "creates that die at each sync" creates fdatasync
echo "# $deaths deaths; $((keys - 2)) of the keys were there afterwards"
ok "one that was not answered was there: the last sync came too late" \
	[ "$keys" -gt 2 ]
done_testing
