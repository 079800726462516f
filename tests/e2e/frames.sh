#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Malformed input at both sockets: an error frame or a close, and a daemon
# that goes on as if nothing had been.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

storm=$top_builddir/tests/e2e/storm

# Usage is taken into its files, and what that needs is allocated, before
# memory is looked at.
printf '%s\n' 'request_timeout = "200ms"' 'usage_flush_interval = "10ms"' \
	>"$TMP/apikeyd.conf"
start_apikeyd --config "$TMP/apikeyd.conf" || give_up "apikeyd does not start"
seed acme
token=$(new_key first)

resident() {
	awk '/^VmRSS/ { print $2 }' "/proc/$APIKEYD_PID/status"
}

# The first time buffers grow to their size.
verdict "$token" >/dev/null
"$storm" verify "$APIKEYD_VERIFY_SOCKET" 20 "$PATIENCE" >"$TMP/verify"
"$storm" admin "$APIKEYD_ADMIN_SOCKET" 5 "$PATIENCE" >"$TMP/admin"

# kind PLANE NAME OUTCOME
kind() {
	is "$1: $2" "$(sed -n "s/^$2: //p" "$TMP/$1")" "$3"
}

kind verify magic "error 1"
kind verify version "error 2"
kind verify type "error 3"
kind verify reply "error 3"
kind verify over "error 4"
kind verify huge "error 4"
kind verify empty "error 5"
kind verify body "error 5"
kind verify half "error 7"
kind verify half-signature "error 7"
kind verify over-signature "error 4"
for name in garbage nuls deep oversize array no-method twice half; do
	kind admin "$name" closed
done
is "a good client is answered afterwards" "$(verdict "$token")" valid

before=$(resident)
for plane in verify admin; do
	"$storm" "$plane" "$TMP/run/$plane.sock" 200 "$PATIENCE" \
		>"$TMP/$plane.again"
	is "$plane: the same two hundred times" "$(cat "$TMP/$plane.again")" \
		"$(cat "$TMP/$plane")"
done
grown=$(($(resident) - before))
echo "# resident: $before kB before, $grown kB more after"
little_memory "memory does not grow" "$grown" 512
is "and the daemon is the same and well" "$(verdict "$token")" valid
like "with nobody left connected" "$(ctl status --json)" '"connections": *1,'
ok "SIGTERM ends it with 0" stop_apikeyd
done_testing
