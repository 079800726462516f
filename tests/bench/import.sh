#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The import of many keys that were made elsewhere, and verifications meanwhile.
# shellcheck source=tests/bench/bench.lib.sh
. "$top_srcdir/tests/bench/bench.lib.sh"

fill "$TMP/state" "$keys"
serve apikeyd "$TMP/state"
taskset -a -p -c 0,1 "$pid" >/dev/null
APIKEYD_ADMIN_SOCKET=$TMP/apikeyd/admin.sock

# Hashes that nobody knows a token of.
awk -v n="$many" 'BEGIN {
	for (i = 1; i <= n; i++)
		printf "{\"account\":\"acme\",\"product\":\"api\"," \
			"\"name\":\"Customer %07d\",\"sha256\":\"%064x\"}\n", i, i
}' >"$TMP/keys.ndjson"

begun=$(date +%s%N)
ctl key import "$TMP/keys.ndjson" >"$TMP/output" 2>&1 &
importing=$!
"$LOAD" apikeyd "$TMP/apikeyd/verify.sock" --seconds 5 --cpu 1 \
	<"$TMP/state.tokens" >"$TMP/load" || give_up "a wrong answer"
wait "$importing" || give_up "no import: $(tail -n 3 "$TMP/output")"
ended=$(date +%s%N)
say "verifications meanwhile: $(cat "$TMP/load")"
result "import of $many keys, seconds" \
	"$(((ended - begun) / 1000000000))" le 60
