#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# One state directory, one daemon.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

# shellcheck disable=SC2119 # without arguments
start_apikeyd || give_up "apikeyd does not start"
seed acme
token=$(new_key first)
before=$(cksum "$TMP"/state/*)
pid=$APIKEYD_PID

# second STATE RUN: its exit code in $code, what it said in $said.
second() {
	code=0
	said=$("$APIKEYD" --state-directory "$1" --runtime-directory "$2" \
		2>&1) || code=$?
}

mkdir "$TMP/run2"
second "$TMP/state" "$TMP/run2"
is "a second daemon on the same state directory ends with 1" "$code" 1
is "in one line" "$(printf '%s\n' "$said" | wc -l)" 1
like "which names the first one's pid and the directory" "$said" \
	"another apikeyd \(pid $pid\) uses $TMP/state"
is "and every file is as it was" "$(cksum "$TMP"/state/*)" "$before"

ln -s "$TMP/state" "$TMP/alias"
second "$TMP/alias/" "$TMP/run2"
is "a symbolic link to it is refused" "$code" 1
like "for what it is" "$said" "$TMP/alias: must be a directory itself"

second "$TMP/state2" "$TMP/run"
is "one with the same sockets ends with 1" "$code" 1
is "in one line, but for its new store's" \
	"$(printf '%s\n' "$said" | grep -vc 'new master key\|new store\|warning')" 1
like "which names the socket" "$said" "$TMP/run/admin.sock"
is "and the first one goes on verifying" "$(verdict "$token")" valid
ok "and changing" ctl key revoke "$(key_id "$token")" --yes

kill_apikeyd
ok "a killed daemon's lock is gone with it" start_apikeyd
is "and what it had acknowledged is there" "$(verdict "$token")" revoked
done_testing
