#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Class 18: crowds at verify.sock, silent, slow, deaf, speaking nonsense, coming
# and going, and talking at admin.sock. They are got rid of, they take no more
# memory than they are due, and who behaves is answered all along.
#
#   CROWD           connections at once (200)
#   CROWD_GARBAGE   frames of garbage, and connections that come and go (10000)
#   CROWD_ROUNDS    of p99 in peace and under each attack in turn (0: none)
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

peer=$top_builddir/tests/hostile/peer
crowd=$top_builddir/tests/hostile/crowd
garbage=${CROWD_GARBAGE:-10000}
count=${CROWD:-200}
rounds=${CROWD_ROUNDS:-0}
# shellcheck disable=SC3045 # dash has it, and so have bash and busybox
most=$(ulimit -H -n)
if [ "$most" != unlimited ] && [ "$most" -lt $((count + 100)) ]; then
	echo "# of $count connections, only $((most - 100)) are allowed here"
	count=$((most - 100))
fi
cap=$((count + 20))
# Each of them fills its socket, which is the kernel's memory.
deaf=$((count / 10))
socket=$APIKEYD_VERIFY_SOCKET

cat >"$TMP/apikeyd.conf" <<END
request_timeout = "1s"
usage_flush_interval = "10ms"
max_connections = $cap
max_connections_per_uid = $cap
END
start_apikeyd --config "$TMP/apikeyd.conf" || give_up "apikeyd does not start"
seed
token=$(new_key first)
is "(a key verifies)" "$(verdict "$token")" valid
"$crowd" guess "$socket" 10000 100 "$token"

# niceness THREAD: of those that are called so.
niceness() {
	cat "/proc/$APIKEYD_PID/task"/*/stat |
		awk -v name="($1)" '$2 == name { print $19 }' | sort -u
}
ok "PINs leave processors to verifications" \
	[ "$(niceness worker)" -ge 10 ]
ok "and so do commits" [ "$(niceness store)" -ge 10 ]

# memory NAME: VmRSS, or VmHWM, which is the most that it ever was.
memory() {
	sed -n "s/^$1:[^0-9]*\([0-9]*\).*/\1/p" "/proc/$APIKEYD_PID/status"
}

# takes WHAT ITS KIB: not more than that since the start.
first=$(memory VmRSS)
takes() {
	grown=$(($(memory VmHWM) - first))
	echo "# $1: $grown KiB at most since the start, $first KiB"
	little_memory "$1 takes little memory" "$grown" $(($2 + 1024))
}

# meanwhile COMMAND…: it succeeds, and a good client is answered as long.
# shellcheck disable=SC2317 # run by ok
meanwhile() {
	"$@" &
	attack=$!
	stop_at_end "$attack"
	answered=yes
	while kill -0 "$attack" 2>/dev/null; do
		verify "$token" >"$TMP/verified" || {
			answered=
			break
		}
	done
	wait "$attack" && [ -n "$answered" ] &&
		verify "$token" >"$TMP/verified"
}

# Of the admin socket, which has connections of its own.
cat >"$TMP/held" <<END
#!/bin/sh
echo "$token" | "$APIKEYCTL" key verify >"$TMP/refused" 2>&1
echo \$? >"$TMP/code"
"$APIKEYCTL" status --json >"$TMP/status"
END
chmod +x "$TMP/held"
ok "$cap silent connections" "$peer" hold "$socket" "$cap" "$TMP/held"
nok "the next one is one too many" [ "$(cat "$TMP/code")" -eq 0 ]
like "and the log has why" "$(cat "$TMP/apikeyd.log")" \
	"verify: connection of uid .* refused: max_connections reached"
like "all of the others were held" "$(cat "$TMP/status")" \
	"\"connections\": *$((cap + 1)),"
takes "a silent crowd" $((cap * 2))

ok "$count halves of a frame" meanwhile "$crowd" half "$socket" "$count" 1
ok "$count frames that drip" meanwhile "$crowd" drip "$socket" "$count" 1
takes "a slow crowd" $((cap * 4))
ok "$garbage frames of garbage" meanwhile "$crowd" garbage "$socket" "$garbage"
: >"$TMP/nothing"
# shellcheck disable=SC2317 # run by meanwhile
come_and_go() {
	"$peer" leave "$socket" "$garbage" <"$TMP/nothing"
}
ok "$garbage come and go" meanwhile come_and_go
takes "a storm" $((cap * 4))
# What one read of theirs was answered is all that is kept for them.
ok "$deaf that never read" meanwhile "$crowd" deaf "$socket" "$deaf" 1
takes "a deaf crowd" $((cap * 4 + deaf * 80))
# Anybody may talk to the admin socket.
talkers=32
ok "$talkers talk at the admin socket" \
	meanwhile "$crowd" talk "$APIKEYD_ADMIN_SOCKET" "$talkers" 2
takes "talk" $((cap * 4 + deaf * 80 + talkers * 200))
# shellcheck disable=SC2317 # run by await
alone() {
	ctl status --json | grep -Eq '"connections": *1,'
}
ok "nobody is left" await alone

### How long a good client waits

p99() {
	"$crowd" calm "$socket" 20000 "$token"
}

# under NAME COMMAND…: it goes on until it is stopped. It leaves processors to
# the others, for what is measured is the daemon, not who shares them out.
under() {
	name=$1
	shift
	: >"$TMP/ratios"
	for round in $(seq "$rounds"); do
		idle=$(p99) || give_up "no verification in peace"
		nice -n 19 "$@" </dev/null >"$TMP/output" 2>&1 &
		attack=$!
		stop_at_end "$attack"
		busy=$(p99) || give_up "no verification under $name"
		kill "$attack" 2>/dev/null
		code=0
		wait "$attack" 2>/dev/null || code=$?
		# By SIGTERM; what ended before was no attack to be measured.
		[ "$code" -eq 143 ] || fail "under $name" \
			"the attack ended by itself: $(tail -n 1 "$TMP/output")"
		echo "$round $idle $busy" |
			awk '{ print $3 / $2 }' >>"$TMP/ratios"
	done
	median=$(sort -g "$TMP/ratios" | sed -n "$(((rounds + 1) / 2))p")
	echo "# $name: p99 is $median times that of peace"
	ok "p99 under $name: less than three times that of peace" \
		awk -v m="$median" 'BEGIN { exit !(m > 0 && m < 3) }'
}

if [ "$rounds" -gt 0 ]; then
	many=1000000000
	under "garbage" "$crowd" garbage "$socket" $many
	under "guesses" "$crowd" guess "$socket" $many 1000 "$token"
	under "halves" "$crowd" half "$socket" "$count" $many
	under "the deaf" "$crowd" deaf "$socket" "$deaf" $many
	under "talk" "$crowd" talk "$APIKEYD_ADMIN_SOCKET" "$talkers" $many
	under "coming and going" "$peer" leave "$socket" $many
fi
ok "SIGTERM ends it with 0" stop_apikeyd
done_testing
