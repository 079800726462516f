#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Verifications while usage is asked for. How long questions over 30 full days
# take, tests/tools/drain tells.
# shellcheck source=tests/bench/bench.lib.sh
. "$top_srcdir/tests/bench/bench.lib.sh"

fill "$TMP/state" "$keys"
serve apikeyd "$TMP/state"
taskset -a -p -c 0,1 "$pid" >/dev/null
APIKEYD_ADMIN_SOCKET=$TMP/apikeyd/admin.sock

verifications() {
	"$LOAD" apikeyd "$TMP/apikeyd/verify.sock" --seconds "$seconds" --cpu 1 \
		<"$TMP/state.tokens" >>"$TMP/race.usage.$1" ||
		give_up "a wrong answer"
}

ask() {
	while :; do
		ctl --json key usage --account acme --window 30d >"$TMP/usage" ||
			return 1
	done
}

verifications first
for round in $(seq "$rounds"); do
	verifications idle
	ask &
	asking=$!
	verifications asked
	kill "$asking" || give_up "usage could not be asked for"
	say "usage: round $round of $rounds"
done
judge "p99 of verifications, usage asked for, against idle" \
	usage p99 asked idle le 1.5
