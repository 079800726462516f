#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The benchmark's own test: it says so when apikeyd is slower than it is to be,
# and it does not end well when an answer is wrong.
export BENCH_RESULTS=/dev/null BENCH_ROUNDS=1 BENCH_SECONDS=0.5
export BENCH_KEYS=1000
# shellcheck source=tests/bench/bench.lib.sh
. "$top_srcdir/tests/bench/bench.lib.sh"

command -v redis-server >/dev/null || give_up "redis-server is not installed"

# table NAME: the table of this part, of a daemon that is as it is or slowed.
table() {
	BENCH_PARTS=sockets BENCH_JSON=$TMP/$1.json \
		sh "$top_srcdir/tests/bench/bench.sh" >"$TMP/$1" 2>"$TMP/$1.log"
}
# value NAME MEASURE
value() {
	sed -n "s|.*\"$2\",\"value\":\([0-9.]*\),.*|\1|p" "$TMP/$1.json"
}

slowed_is_slower() {
	awk -v a="$(value slowed "$1")" -v b="$(value plain "$1")" \
		'BEGIN { exit !(a > 0 && a < b / 3) }'
}

table plain
ok "as it is: there is a table" test -s "$TMP/plain.json"
BENCH_SLOW=40 table slowed
is "slowed: falls short, by its exit code" "$?" 1
for measure in "requests/s, 16 clients, against Redis GET" \
	"connection a request, 16 clients, against Redis GET"; do
	ok "slowed: $measure" slowed_is_slower "$measure"
	ok "slowed: $measure: said to be short" \
		grep -q "^$measure .* short$" "$TMP/slowed"
done

fill "$TMP/state" 100
serve apikeyd "$TMP/state"
ask() {
	"$LOAD" apikeyd "$TMP/apikeyd/verify.sock" --requests 1000 >"$TMP/load"
}
ok "tokens as they are" ask <"$TMP/state.tokens"
tr 01 10 <"$TMP/state.tokens" >"$TMP/wrong.tokens"
nok "a wrong answer ends the load in an error" ask <"$TMP/wrong.tokens"
contender apikeyd apikeyd "$TMP/apikeyd/verify.sock" "$pid" \
	"$TMP/wrong.tokens"
race_in_vain() (
	race 16 apikeyd --clients 16
)
nok "and with it the part of the benchmark" race_in_vain
done_testing
