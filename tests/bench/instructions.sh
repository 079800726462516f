#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# User-space instructions of one verification, by callgrind, beside Redis GET.
# They do not tell how wide the hash's are: sockets.sh has the time.
# shellcheck source=tests/bench/bench.lib.sh
. "$top_srcdir/tests/bench/bench.lib.sh"

fill "$TMP/state" "$keys"
fill "$TMP/small" 1000
mkdir "$TMP/run"

# of_apikeyd STORE DEPTH
of_apikeyd() {
	instructions apikeyd "$TMP/run/verify.sock" "$2" "$1.tokens" true \
		"$APIKEYD" --state-directory "$1" --runtime-directory "$TMP/run"
}

# of_redis DEPTH
of_redis() {
	instructions redis "$TMP/redis.sock" "$1" "$TMP/state.tokens" \
		redis_fill redis-server --port 0 \
		--unixsocket "$TMP/redis.sock" --save '' --appendonly no \
		--dir "$TMP"
}

quotient() {
	awk -v a="$1" -v b="$2" 'BEGIN { print (b > 0 ? a / b : "nan") }'
}

of_apikeyd "$TMP/state" 1
one=$INSTRUCTIONS
of_apikeyd "$TMP/state" 128
pipelined=$INSTRUCTIONS
of_apikeyd "$TMP/small" 1
small=$INSTRUCTIONS
say "apikeyd: $one one at a time, $pipelined pipelined; $small of 1,000 keys"
result "instructions, $keys keys against 1,000" \
	"$(quotient "$one" "$small")" le 1.02
if command -v redis-server >/dev/null; then
	of_redis 1
	redis_one=$INSTRUCTIONS
	of_redis 128
	redis_pipelined=$INSTRUCTIONS
	say "Redis GET: $redis_one one at a time, $redis_pipelined pipelined"
	result "instructions against Redis GET, one at a time" \
		"$(quotient "$one" "$redis_one")" le 0.70
	result "instructions against Redis GET, pipelined 128" \
		"$(quotient "$pipelined" "$redis_pipelined")" le 0.70
else
	missing "instructions against Redis GET" "redis-server is not installed"
fi
