# shellcheck shell=sh
# shellcheck disable=SC2034 # for the parts
# SPDX-License-Identifier: BSD-2-Clause
#
# What the parts of the benchmark share: servers on CPU 0, load on CPU 0 or 1,
# rounds in which the contenders take turns, and medians of what each round
# says. Unpinned, the same binary's figures differ by a factor of five.
#
#   BENCH_ROUNDS    rounds (5)
#   BENCH_SECONDS   of load, a contender and round (1)
#   BENCH_KEYS      in the stores (100000)
#   BENCH_MANY      the larger number of keys (1000000)
#   BENCH_SLOW      milliseconds that apikeyd is stopped after every 2 or so that
#                   it runs: shows that a slower daemon is found out (0)
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

rounds=${BENCH_ROUNDS:-5}
seconds=${BENCH_SECONDS:-1}
keys=${BENCH_KEYS:-100000}
many=${BENCH_MANY:-1000000}
PATIENCE=60000
LOAD=$top_builddir/tests/bench/load
# Where each part leaves its results, a line a measure.
RESULTS=${BENCH_RESULTS:?is set by tests/bench/bench.sh}

say() {
	echo "bench: $*" >&2
}

# median <NUMBERS
median() {
	sort -g | awk '{ v[NR] = $1 }
		END { if (NR == 0) print "nan"; else if (NR % 2) print v[(NR + 1) / 2];
			else print (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# result MEASURE VALUE le|ge TARGET: into the table. A value that is no number
# falls short.
result() {
	awk -v m="$1" -v v="$2" -v op="$3" -v t="$4" 'BEGIN {
		number = v ~ /^[-+0-9.eE]+$/
		met = number && (op == "le" ? v + 0 <= t + 0 : v + 0 >= t + 0)
		if (number) v = sprintf(v < 10 ? "%.3f" : "%.1f", v)
		printf "%s\t%s\t%s\t%s\t%s\n", m, v, op, t, met ? "met" : "short"
	}' >>"$RESULTS"
	tail -n 1 "$RESULTS" >&2
}

# missing MEASURE WHY: not measured, and that counts as falling short.
missing() {
	printf '%s\t%s\t-\t-\tmissing\n' "$1" "$2" >>"$RESULTS"
	tail -n 1 "$RESULTS" >&2
}

# await_socket PATH: a server is there; under valgrind that takes its time.
await_socket() {
	await test -S "$1" || give_up "in vain: $1"
}

# fill DIRECTORY KEYS: a store, its tokens in DIRECTORY.tokens, shuffled.
fill() {
	mkdir -m 700 "$1"
	"$top_builddir/tests/tools/fill" "$1" "$2" all 2>"$TMP/output" |
		shuf >"$1.tokens"
	[ -s "$1.tokens" ] || give_up "no store: $(cat "$TMP/output")"
}

# serve NAME DIRECTORY [PREFIX…]: apikeyd on this store and CPU 0; its pid in
# $pid, its socket in $TMP/NAME/verify.sock.
serve() {
	name=$1 directory=$2
	shift 2
	mkdir -p "$TMP/$name"
	start_ready "$@" "$APIKEYD" --state-directory "$directory" \
		--runtime-directory "$TMP/$name" || give_up "apikeyd: $name"
	# The starter's pid is the daemon's.
	pid=$!
	stop_at_end "$pid"
	taskset -a -p -c 0 "$pid" >/dev/null
	slow "$pid"
}

# For the benchmark's own test: a daemon that is stopped now and then.
slow() {
	[ "${BENCH_SLOW:-0}" -gt 0 ] || return 0
	(
		while kill -STOP "$1" 2>/dev/null; do
			sleep "$(printf '0.%03d' "$BENCH_SLOW")"
			kill -CONT "$1"
			sleep 0.002
		done
	) &
	stop_at_end $!
}

# counted NAME: an answer that was not counted makes its rate worthless.
counted() {
	dropped=$(APIKEYD_ADMIN_SOCKET=$TMP/$1/admin.sock \
		"$APIKEYCTL" status --json | jq .usage.dropped)
	[ "$dropped" = 0 ] || give_up "$1: $dropped answers were not counted"
}

# contender NAME PROTOCOL SOCKET PID TOKENS
contender() {
	printf '%s %s %s %s\n' "$2" "$3" "$4" "$5" >"$TMP/contender.$1"
}

# race MODE "CONTENDER…" OPTION…: takes rounds of turns of load with these
# options; what load prints is kept, a line a round.
race() {
	mode=$1 contenders=$2
	shift 2
	for round in $(seq "$rounds"); do
		for each in $contenders; do
			read -r protocol socket pid tokens <"$TMP/contender.$each"
			"$LOAD" "$protocol" "$socket" --server "$pid" \
				--seconds "$seconds" "$@" <"$tokens" \
				>>"$TMP/race.$mode.$each" ||
				give_up "$each gave a wrong answer ($mode)"
		done
		say "$mode: round $round of $rounds"
	done
}

# field MODE CONTENDER NAME: of each round.
field() {
	sed -n "s/.*\b$3=\([0-9.]*\).*/\1/p" "$TMP/race.$1.$2"
}

# ratios MODE NAME A B: A's to B's, of each round.
ratios() {
	field "$1" "$3" "$2" >"$TMP/ratio.a"
	field "$1" "$4" "$2" >"$TMP/ratio.b"
	paste "$TMP/ratio.a" "$TMP/ratio.b" |
		awk '$2 > 0 { print $1 / $2 }'
}

# judge MEASURE MODE NAME A B le|ge TARGET
judge() {
	result "$1" "$(ratios "$2" "$3" "$4" "$5" | median)" "$6" "$7"
}

# instructions PROTOCOL SOCKET DEPTH TOKENS PREPARE COMMAND…: of one answer, in
# user space, into $INSTRUCTIONS. PREPARE is run, with SOCKET and TOKENS,
# before anything is asked; neither it nor start and end are counted. Of the
# thread that answers: what was counted is taken into files by another one, at
# times of its own, now within the count and now not. tests/tools/drain tells
# what that costs.
instructions() {
	protocol=$1 socket=$2 depth=$3 tokens=$4 prepare=$5
	shift 5
	rm -f "$socket" "$TMP"/callgrind-*
	valgrind --tool=callgrind --separate-threads=yes --instr-atstart=no \
		--callgrind-out-file="$TMP/callgrind" "$@" \
		>"$TMP/callgrind.log" 2>&1 &
	pid=$!
	stop_at_end "$pid"
	await_socket "$socket"
	"$prepare" "$socket" "$tokens"
	callgrind_load 2560
	callgrind_control -i on "$pid" >"$TMP/output" 2>&1
	callgrind_load 20480
	callgrind_control -i off "$pid" >"$TMP/output" 2>&1
	stop_pid "$pid"
	INSTRUCTIONS=$(awk '/^totals:/ { printf "%.1f", $2 / 20480 }' \
		"$TMP/callgrind-01")
}
callgrind_load() {
	"$LOAD" "$protocol" "$socket" --depth "$depth" --requests "$1" \
		<"$tokens" >"$TMP/output" 2>&1 ||
		give_up "$protocol under callgrind: $(cat "$TMP/output")"
}

# redis_fill SOCKET TOKENS: the keys' IDs, each with a value of 96 bytes.
redis_fill() {
	awk '{ id = substr($0, 1, 15)
		printf "SET %s %081d%s\r\n", id, 0, id }' "$2" |
		redis-cli -s "$1" --pipe >"$TMP/output" 2>&1
}
