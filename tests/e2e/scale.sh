#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What many keys cost: memory is bounded, a start is measured.
#
#   SCALE_KEYS   how many (100000)
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

keys=${SCALE_KEYS:-100000}
bytes_max=300

resident() {
	awk '/^VmRSS/ { print $2 }' "/proc/$APIKEYD_PID/status"
}

milliseconds() {
	echo $(($(date +%s%N) / 1000000))
}

# One verification each, for what the first one brings into memory.
# shellcheck disable=SC2119 # without arguments
start_apikeyd || give_up "apikeyd does not start"
seed acme
verdict "$(new_key one)" >"$TMP/output"
empty=$(resident)
stop_apikeyd
rm -rf "$TMP/state"

mkdir -m 700 "$TMP/state"
"$top_builddir/tests/tools/fill" "$TMP/state" "$keys" >"$TMP/tokens" \
	2>"$TMP/output" || give_up "no store of $keys keys: $(cat "$TMP/output")"
size=$(stat -c %s "$TMP/state/keys.tdb")

begun=$(milliseconds)
# shellcheck disable=SC2119 # without arguments
start_apikeyd || give_up "apikeyd does not start on $keys keys"
read -r token <"$TMP/tokens"
first=$(verdict "$token")
ended=$(milliseconds)
full=$(resident)
is "a key among $keys is valid" "$first" valid
while read -r token; do
	is "so is ${token%_*}" "$(verdict "$token")" valid
done <"$TMP/tokens"
like "all of them are there" "$(ctl status --json)" "\"keys\": *$keys,"

each=$(((full - empty) * 1024 / keys))
cat <<END
# $keys keys: start to first verdict $((ended - begun)) ms,
# resident $empty kB when empty, $full kB with them: $each bytes a key,
# keys.tdb $size bytes: $((size / keys)) bytes a key
END
if [ "${SANITIZERS-}" = yes ]; then
	skip "memory a key" "a sanitizer needs its own"
else
	ok "a key takes at most $bytes_max bytes of memory" \
		[ "$each" -le "$bytes_max" ]
fi
ok "SIGTERM ends it with 0" stop_apikeyd
done_testing
