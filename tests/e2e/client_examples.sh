#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# libapikey's example programs against a real daemon: one that answers, one
# that is stopped, one whose queue is full, and none.
# shellcheck disable=SC2154 # top_srcdir is set by make check
# shellcheck disable=SC2119 # start_apikeyd without arguments
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

EXAMPLES=$top_builddir/plugins/client/examples

start_apikeyd || give_up "apikeyd does not start"
seed
new_key Good >"$TMP/good"
new_key Other >"$TMP/other"
new_key Gone >"$TMP/gone"
ctl key revoke "$(key_id "$(cat "$TMP/gone")")" --yes >"$TMP/output" 2>&1
good=$(key_id "$(cat "$TMP/good")")
gone=$(key_id "$(cat "$TMP/gone")")
echo "nonsense" >"$TMP/nonsense"

# example NAME FILE [TIMEOUT_MS]: exit code and output, on one line.
example() {
	code=0
	"$EXAMPLES/$1" "$APIKEYD_VERIFY_SOCKET" "${3-20000}" <"$2" \
		>"$TMP/example" 2>"$TMP/example.err" || code=$?
	echo "$code:" "$(tr '\n' ' ' <"$TMP/example" | sed 's/ *$//')"
}

for name in blocking batch loop; do
	is "$name: a good key" "$(example $name "$TMP/good")" "0: valid $good"
	is "$name: a revoked key" "$(example $name "$TMP/gone")" \
		"1: revoked $gone"
	is "$name: no key" "$(example $name "$TMP/nonsense")" "1: malformed"
done
cat "$TMP/good" "$TMP/gone" "$TMP/nonsense" >"$TMP/all"
for name in batch loop; do
	is "$name: all of them" "$(example $name "$TMP/all")" \
		"1: valid $good revoked $gone malformed"
done
n=0
while [ $((n += 1)) -le 32 ]; do
	cat "$TMP/good" "$TMP/other"
done >"$TMP/many"
for name in batch loop; do
	is "$name: 64 at once" "$(example $name "$TMP/many" | tr ' ' '\n' |
		grep -c '^valid$')" 64
done

### Deadlines

now_ms() {
	echo $(($(date +%s%N) / 1000000))
}

# within DESCRIPTION LEAST MOST COMMAND...: it takes so many milliseconds.
within() {
	description=$1 least=$2 most=$3
	shift 3
	began=$(now_ms)
	"$@" >"$TMP/output" 2>&1
	took=$(($(now_ms) - began))
	if [ "$took" -ge "$least" ] && [ "$took" -lt "$most" ]; then
		pass "$description"
	else
		fail "$description" "took $took ms, not $least to $most
$(cat "$TMP/output")"
	fi
}

# keeps_deadline NAME WHY [COMMAND...]: 300 ms, and not much more, since a busy
# machine is slow.
keeps_deadline() {
	name=$1 why=$2
	shift 2
	within "$name: the deadline, $why" 300 5000 \
		"$@" "$EXAMPLES/$name '$APIKEYD_VERIFY_SOCKET' 300 <'$TMP/good'"
	like "$name: says so, $why" "$(cat "$TMP/output")" 'timed out'
}

kill -STOP "$APIKEYD_PID"
for name in blocking batch loop; do
	keeps_deadline $name "daemon stopped" sh -c
done
"$top_builddir/tests/e2e/backlog" "$APIKEYD_VERIFY_SOCKET" true
case $? in
0)
	for name in blocking batch loop; do
		keeps_deadline $name "daemon stopped and its queue full" \
			"$top_builddir/tests/e2e/backlog" \
			"$APIKEYD_VERIFY_SOCKET"
	done
	;;
77) skip "a full queue" "not as many descriptors" ;;
*) fail "the queue can be filled" </dev/null ;;
esac
kill -CONT "$APIKEYD_PID"
for name in blocking batch loop; do
	is "$name: goes on with it" "$(example $name "$TMP/good")" \
		"0: valid $good"
done

stop_apikeyd
for name in blocking batch loop; do
	within "$name: no daemon is known at once" 0 5000 \
		example $name "$TMP/good" 30000
	like "$name: says so" "$(cat "$TMP/output" "$TMP/example.err")" \
		'^2:.*|unavailable'
done

done_testing
