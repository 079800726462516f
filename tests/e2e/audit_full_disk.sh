#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The disk is full, and audit.log cannot be written: changes that add something
# are refused in time, what takes something away goes on, and nothing is
# missing when there is room again.
# shellcheck disable=SC2119,SC2154 # no arguments; make check sets it
. "$top_srcdir/tests/lib.sh"

[ "$(id -u)" -eq 0 ] || skip_all "takes root, to mount a small disk"
command -v fallocate >"$TMP/output" || skip_all "there is no fallocate"

mkdir -m 700 "$TMP/state"
mount -t tmpfs -o size=96m,mode=700 tmpfs "$TMP/state" 2>"$TMP/output" ||
	skip_all "no tmpfs can be mounted here"
# In place of lib.sh's: the disk has to go before its directory.
# shellcheck disable=SC2154 # the trap assigns it
trap 'status=$?; trap - EXIT
	for pid in $STOP_PIDS ${APIKEYD_PID-}; do stop_pid "$pid"; done
	umount "$TMP/state"; rm -rf "$TMP"; exit "$status"' EXIT

start_apikeyd || give_up "apikeyd does not start"
log=$TMP/state/audit.log
seed

KEYS=70
i=0
while [ "$i" -lt "$KEYS" ]; do
	key_id "$(new_key "key-$i")"
	i=$((i + 1))
done >"$TMP/keys"
token=$(new_key kept)
kept=$(key_id "$token")
is "there are keys" "$(grep -c . "$TMP/keys")" "$KEYS"

### Full

# The room that audit.log has ahead goes, and then all of the disk.
fallocate --punch-hole --offset "$(stat -c %s "$log")" --length 4MiB "$log" ||
	give_up "what was set aside cannot be taken away"
dd if=/dev/zero of="$TMP/state/filler" bs=64k 2>"$TMP/output"
dd if=/dev/zero bs=512 2>"$TMP/output" >>"$TMP/state/filler"

size=$(stat -c %s "$log")
made=0
code=0
while [ "$code" -eq 0 ] && [ "$made" -lt 200 ]; do
	ctl key update "$kept" --name "name-$made" >"$TMP/said" 2>&1 ||
		code=$?
	[ "$code" -ne 0 ] || made=$((made + 1))
done
refused=$code
ok "audit.log has not grown beyond its last page" \
	[ "$(stat -c %s "$log")" -lt $((size + 4096)) ]
ok "some changes go on, their lines in the store" [ "$made" -gt 20 ]
is "then they are refused" "$refused" 1
like "with what is the matter, and what to do" "$(cat "$TMP/said")" \
	"audit.log cannot be written .* make room on the disk"
exits "a create as well" 1 new_key refused
like "status says so" "$(ctl status)" "Audit log: +behind.*No space"
like "so does the log" "$(cat "$TMP/apikeyd.log")" \
	"audit.log: cannot be written .No space"
ok "verification goes on" verify "$token"
ok "what there is of the log is sound" ctl audit verify

### What takes something away

ok "a key is revoked" ctl key revoke "$kept" --yes
is "at once" "$(verdict "$token")" revoked
failed=0
while read -r id; do
	ctl key delete "$id" --yes >"$TMP/output" 2>&1 || failed=$((failed + 1))
done <"$TMP/keys"
is "more deletions than there is room for lines" "$failed" 0
ok "an account is suspended" ctl account suspend acme

### Killed meanwhile

kill_apikeyd
ok "a start on the full disk" start_apikeyd
is "has kept it all" "$(verdict "$token")" revoked
omitted=$(ctl status --json | sed -n 's/.*"omitted": *\([0-9]*\).*/\1/p')
ok "status counts what has no line" [ "$omitted" -gt 0 ]

### Room again

rm "$TMP/state/filler"
ok "a change goes through" ctl account approve acme
like "status is sound" "$(ctl status)" "Audit log: +sound"
ok "the log as well" ctl audit verify
is "each update has its line" "$(grep -c '"method":"UpdateKey".*"outcome":"done"' \
	"$log")" "$made"
is "so has the revocation" "$(grep -c '"method":"RevokeKey".*"done"' "$log")" 1
deleted=$(grep -c '"method":"DeleteKey"' "$log")
suspended=$(grep -c '"method":"SuspendAccount"' "$log")
is "one line counts those that had no room" \
	"$(sed -n 's/.*"outcome":"omitted","count":\([0-9]*\).*/\1/p' "$log")" \
	"$((KEYS + 1 - deleted - suspended))"
ok "and creating works" new_key again
done_testing
