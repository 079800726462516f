#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Class 16: a signal at any moment. Under load, a storm of those that one may
# send: every request is answered as ever, and the last one is the end.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

peer=$top_builddir/tests/hostile/peer

echo 'log_level = notice' >"$TMP/apikeyd.conf"
start_apikeyd --config "$TMP/apikeyd.conf" || give_up "apikeyd does not start"
seed acme
token=$(new_key first)
"$peer" frames "$token" >"$TMP/frames"

# load ROUNDS: in the background.
load() {
	"$peer" again "$APIKEYD_VERIFY_SOCKET" "$1" <"$TMP/frames" \
		>"$TMP/load" 2>&1 &
}

load 5000
loader=$!
sent=0
while kill -0 "$loader" 2>/dev/null && [ "$sent" -lt 2000 ]; do
	for name in HUP USR1 USR2 WINCH CONT PIPE CHLD; do
		kill -"$name" "$APIKEYD_PID"
		sent=$((sent + 1))
	done
done
ok "every answer is as the first" wait "$loader"
echo "# $sent signals"
ok "(there were many)" [ "$sent" -ge 70 ]
like "the configuration was read again" "$(cat "$TMP/apikeyd.log")" \
	"configuration read again"
is "and a good client is answered" "$(verdict "$token")" valid

load 1000000
loader=$!
stop_at_end "$loader"
# The load has begun once somebody else is answered beside it.
verify "$token" >"$TMP/output"
for name in HUP USR1 TERM HUP TERM TERM; do
	kill -"$name" "$APIKEYD_PID" 2>/dev/null || :
done
ok "SIGTERM ends it with 0 under load" stop_apikeyd
nok "which the load notices" wait "$loader"
unlike "and it went as it should" "$(cat "$TMP/apikeyd.log")" \
	"Sanitizer|runtime error"
done_testing
