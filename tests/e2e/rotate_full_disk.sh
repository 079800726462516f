#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A disk so full that there is no room for the id of an operation. What may be
# repeated goes on without; but a rotation that is repeated would be a second
# one, and end the secret that the first had left in force.
# shellcheck disable=SC2119 # no arguments
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

[ "$(id -u)" -eq 0 ] || skip_all "takes root, to mount a small disk"
mkdir -m 700 "$TMP/state"
mount -t tmpfs -o size=96m,mode=700 tmpfs "$TMP/state" 2>"$TMP/output" ||
	skip_all "no tmpfs can be mounted here"
# In place of lib.sh's: the disk has to go before its directory.
# shellcheck disable=SC2154 # the trap assigns it
trap 'status=$?; trap - EXIT
	for pid in $STOP_PIDS ${APIKEYD_PID-}; do stop_pid "$pid"; done
	umount "$TMP/state"; rm -rf "$TMP"; exit "$status"' EXIT

# raw: calls from stdin, a line each.
raw() {
	"$top_builddir/tests/varlink" "$APIKEYD_ADMIN_SOCKET"
}

# rotate: by the same id each time.
rotate() {
	echo "io.apikeyd.Admin.RotateKey {\"id\":\"$kept\",\"overlap_ms\":3600000,\"operation_id\":\"once\"}" |
		raw
}

# facts: of the key.
facts() {
	ctl key show "$kept" --json | tr ',' '\n' |
		grep 'rotated_at\|until\|"name"'
}

# A store without room from the beginning.
echo "expected_keys = 100" >"$TMP/small.conf"
start_apikeyd --config "$TMP/small.conf" || give_up "apikeyd does not start"
seed
token=$(new_key kept)
kept=$(key_id "$token")
dd if=/dev/zero of="$TMP/state/filler" bs=64k 2>"$TMP/output"
dd if=/dev/zero bs=512 2>"$TMP/output" >>"$TMP/state/filler"

# Until what is free in keys.tdb is used up, by the ids of these.
tries=0
until grep -q 'a change was refused' "$TMP/apikeyd.log"; do
	tries=$((tries + 1))
	[ "$tries" -lt 100 ] || give_up "keys.tdb does not get full"
	i=0
	while [ "$i" -lt 500 ]; do
		echo "io.apikeyd.Admin.UpdateKey {\"id\":\"$kept\",\"settings\":{\"name\":\"name $tries $i\"}}"
		i=$((i + 1))
	done | raw >"$TMP/said"
done
unlike "changes go on, without their ids" "$(cat "$TMP/said")" '"error"'
ok "and so does their log" ctl audit verify

before=$(facts)
like "but no key is rotated so" "$(rotate)" 'StoreFailed.*no room left'
like "... however often" "$(rotate)" 'StoreFailed.*no room left'
is "... and it is as it was" "$(facts)" "$before"
exits "nor is one made" 1 new_key another
is "its secret is good" "$(verdict "$token")" valid

rm "$TMP/state/filler"
like "with room again it is rotated" "$(rotate)" '"token"'
before=$(facts)
like "by the same id once" "$(rotate)" '"repeated": *true'
is "... and no more" "$(facts)" "$before"
is "the secret from before is good for a while" "$(verdict "$token")" valid
is "each rotation has its line" "$(grep '"method":"RotateKey"' \
	"$TMP/state/audit.log" | sed 's/.*"outcome":"\([A-Za-z]*\)".*/\1/' |
	tr '\n' ' ')" "StoreFailed StoreFailed done "
stop_apikeyd
done_testing
