#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Changes, and verifications while they are made.
# shellcheck source=tests/bench/bench.lib.sh
. "$top_srcdir/tests/bench/bench.lib.sh"

OPERATORS=$top_builddir/tests/bench/operators

fill "$TMP/state" "$keys"
serve apikeyd "$TMP/state"
APIKEYD_ADMIN_SOCKET=$TMP/apikeyd/admin.sock
echo 24681357 >"$TMP/pin"
{
	ctl operator set-pin --pin-file "$TMP/pin" &&
		ctl product create bank --require-pin &&
		ctl product enable bank --account acme
} >"$TMP/output" 2>&1 || give_up "no product with PIN: $(cat "$TMP/output")"

# into FILE ARGUMENT…: what operators prints, a line a round.
into() {
	file=$1
	shift
	taskset -c 1 "$OPERATORS" "$@" >>"$TMP/race.$file" 2>"$TMP/output" ||
		give_up "operators $*: $(cat "$TMP/output")"
}
verifications() {
	"$LOAD" apikeyd "$TMP/apikeyd/verify.sock" --seconds "$seconds" --cpu 1 \
		<"$TMP/state.tokens" >>"$TMP/race.p99.$1" ||
		give_up "a wrong answer"
}

for round in $(seq "$rounds"); do
	into changes.append append "$TMP/appended" --seconds "$seconds"
	into changes.one create "$APIKEYD_ADMIN_SOCKET" --seconds "$seconds"
	into changes.many create "$APIKEYD_ADMIN_SOCKET" --operators 16 \
		--seconds "$seconds"
	verifications idle
	into busy create "$APIKEYD_ADMIN_SOCKET" --operators 4 \
		--seconds "$seconds" &
	creating=$!
	into pins create "$APIKEYD_ADMIN_SOCKET" --product bank \
		--pin 24681357 --seconds "$seconds" &
	verifications busy
	wait "$creating" $!
	say "changes: round $round of $rounds"
done

judge "a durable create against append and fdatasync" \
	changes p50 one append le 8
judge "creates a second, 16 operators against one" changes rate many one ge 5
judge "p99 of verifications, keys created and PINs checked, against idle" \
	p99 p99 busy idle le 1.5
say "append $(field changes append p50 | median) ns," \
	"create $(field changes one p50 | median) ns"
