#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Sockets that systemd made: chosen by name, and what is asked before apikeyd
# is there waits in them.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

activate=$(command -v systemd-socket-activate) ||
	skip_all "no systemd-socket-activate"

mkdir "$TMP/state" "$TMP/run"
chmod 700 "$TMP/state"

# listen NAMES SOCKET…: whoever connects first starts apikeyd. Awaits the
# sockets; $LISTENER is the process that becomes apikeyd.
listen() {
	names=$1
	shift
	sockets=
	for socket; do
		rm -f "$socket"
		sockets="$sockets -l $socket"
	done
	: >"$TMP/listening" # what the last one said is not this one's
	# shellcheck disable=SC2086 # a list of words
	"$activate" $sockets --fdname="$names" "$APIKEYD" \
		--state-directory "$TMP/state" --runtime-directory "$TMP/none" \
		>"$TMP/listening" 2>&1 &
	LISTENER=$!
	stop_at_end "$LISTENER"
	# It says so behind listen(2), and of the last socket last.
	until grep -q "Listening on $socket as " "$TMP/listening"; do
		kill -0 "$LISTENER" || return
	done
}

# ended: apikeyd's exit code.
ended() {
	"$READY" --exit "$PATIENCE" "$LISTENER" || return 99
	wait "$LISTENER"
}

listen verify:admin "$APIKEYD_VERIFY_SOCKET" "$APIKEYD_ADMIN_SOCKET" ||
	give_up "systemd-socket-activate does not listen"
ok "the first call starts apikeyd and is answered" ctl account list
seed
token=$(new_key first)
is "so are verifications" "$(verdict "$token")" valid
nok "it made no runtime directory of its own" [ -e "$TMP/none" ]
kill "$LISTENER"
ok "SIGTERM ends it" ended
ok "the sockets are not its to remove" [ -S "$APIKEYD_VERIFY_SOCKET" ]

listen admin:verify "$APIKEYD_ADMIN_SOCKET" "$APIKEYD_VERIFY_SOCKET"
is "in another order, begun by a verification" "$(verdict "$token")" valid
ok "both are what their names say" ctl account list
kill "$LISTENER"
ok "(it ends)" ended

listen admin:verfy "$APIKEYD_ADMIN_SOCKET" "$APIKEYD_VERIFY_SOCKET"
exits "a socket of another name is refused" 5 ctl account list
exits "with 1" 1 ended
like "by name" "$(tail -n 1 "$TMP/listening")" '"verfy"'
done_testing
