#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Measures apikeyd and what people use today side by side, in one run, and
# says which targets fall short (exit 1).
#
#   BENCH_PARTS   which of the parts (all); see also bench.lib.sh
#   BENCH_JSON    where the table goes as JSON (bench.json)
set -u
: "${top_srcdir:?}" "${top_builddir:?}"

parts=${BENCH_PARTS:-"instructions sockets scale changes usage import httpd pam"}
json=${BENCH_JSON:-bench.json}
BENCH_RESULTS=$(mktemp "${TMPDIR:-/tmp}/apikeyd-bench.XXXXXX") || exit 99
export BENCH_RESULTS
trap 'rm -f "$BENCH_RESULTS"' EXIT

for part in $parts; do
	echo "bench: $part" >&2
	sh "$top_srcdir/tests/bench/$part.sh" ||
		printf '%s\tdid not come to its end\t-\t-\tmissing\n' "$part" \
			>>"$BENCH_RESULTS"
done

awk -F '\t' 'BEGIN {
		printf "%-58s %10s   %-8s\n", "measure", "value", "target" }
	{ op = $3 == "le" ? "<=" : $3 == "ge" ? ">=" : ""
	printf "%-58s %10s   %-8s %s\n", $1, $2, op " " $4,
		$5 == "met" ? "" : $5 }' "$BENCH_RESULTS"
awk -F '\t' 'BEGIN { print "[" }
	{ value = $2 + 0 == $2 ? $2 : "null"
	target = $4 + 0 == $4 ? $4 : "null"
	printf "%s {\"measure\":\"%s\",\"value\":%s,\"op\":\"%s\"," \
		"\"target\":%s,\"result\":\"%s\"}", (NR > 1 ? ",\n" : ""),
		$1, value, $3, target, $5 }
	END { print "\n]" }' "$BENCH_RESULTS" >"$json"

short=$(awk -F '\t' '$5 != "met"' "$BENCH_RESULTS" | wc -l)
measured=$(wc -l <"$BENCH_RESULTS")
echo "$((measured - short)) of $measured targets met; the table is in $json"
[ "$short" -eq 0 ] && [ "$measured" -gt 0 ]
