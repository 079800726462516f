#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What many keys cost: time a verification, memory, file and start.
# shellcheck source=tests/bench/bench.lib.sh
. "$top_srcdir/tests/bench/bench.lib.sh"

# Of its own, without what it shares with the page cache.
anonymous_kb() {
	awk '/^RssAnon/ { print $2 }' "/proc/$1/status"
}

fill "$TMP/small" 1000
fill "$TMP/large" "$many"
size=$(stat -c %s "$TMP/large/keys.tdb")

serve small "$TMP/small"
small_kb=$(anonymous_kb "$pid")
contender small apikeyd "$TMP/small/verify.sock" "$pid" "$TMP/small.tokens"
# In the page cache, as after a restart.
cat "$TMP/large/keys.tdb" >/dev/null
begun=$(date +%s%N)
serve large "$TMP/large"
started=$((($(date +%s%N) - begun) / 1000000))
large=$pid
large_kb=$(anonymous_kb "$large")
contender large apikeyd "$TMP/large/verify.sock" "$large" "$TMP/large.tokens"

race 16 "small large" --clients 16 --cpu 1
race pipe "small large" --clients 4 --depth 128 --cpu 1
counted small
counted large
judge "server CPU, 16 clients, $many keys against 1,000" \
	16 server large small le 1.20
judge "time a request, pipelined, 1,000 keys against $many" \
	pipe rate small large le 2.0

result "resident bytes a key, $many keys" \
	"$(((large_kb - small_kb) * 1024 / (many - 1000)))" le 300
result "keys.tdb, bytes a key" "$((size / many))" le 450
result "start with $many keys, seconds" \
	"$(awk -v ms="$started" 'BEGIN { print ms / 1000 }')" le 4

# Updates in place: the file stays as it is.
fill "$TMP/updated" "$keys"
serve updated "$TMP/updated"
before=$(stat -c %s "$TMP/updated/keys.tdb")
"$top_builddir/tests/bench/operators" update "$TMP/updated/admin.sock" \
	--operators 16 --changes $((${BENCH_UPDATES:-200000} / 16)) \
	<"$TMP/updated.tokens" >"$TMP/output" || give_up "updates failed"
say "updates: $(cat "$TMP/output")"
after=$(stat -c %s "$TMP/updated/keys.tdb")
result "keys.tdb after ${BENCH_UPDATES:-200000} updates against before" \
	"$(awk -v a="$after" -v b="$before" 'BEGIN { print a / b }')" le 1.3
