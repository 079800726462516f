#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A backup whose reader does not read on: it holds up nobody, there is one at a
# time, and it goes with its reader, or with the daemon.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

# More than fits into all the buffers on the way.
KEYS=20000

mkdir -p "$TMP/state" && chmod 700 "$TMP/state"
token=$("$top_builddir/tests/tools/fill" "$TMP/state" "$KEYS" 2>"$TMP/output" |
	head -n 1)
# shellcheck disable=SC2119 # without arguments
start_apikeyd || give_up "apikeyd does not start"

# stall [COMMAND…]: a backup that has begun, by apikeyctl run so, and whose
# reader takes no more than a byte.
# shellcheck disable=SC2317 # run by ok
stall() {
	rm -f "$TMP/pipe"
	mkfifo "$TMP/pipe"
	"$@" "$APIKEYCTL" store backup - >"$TMP/pipe" 2>"$TMP/said" &
	reader=$!
	stop_at_end "$reader"
	exec 7<"$TMP/pipe"
	[ "$(dd bs=1 count=1 <&7 2>"$TMP/output" | wc -c)" -eq 1 ]
}

ok "a backup begins" stall
exits "there is one at a time" 6 ctl store backup "$TMP/second"
like "which the next one is told" "$(cat "$TMP/output")" "another backup is"
is "keys are verified meanwhile" "$(verdict "$token")" valid
ok "changes are made meanwhile" ctl account create bolt
kill "$reader"
exec 7<&-
ok "with its reader it is gone" await ctl store backup "$TMP/third"
nok "the second has left nothing" [ -e "$TMP/second" ]

# read_rest: of a backup; sets code to that of who asked for it.
read_rest() {
	cat <&7 >"$TMP/rest"
	exec 7<&-
	code=0
	wait "$reader" || code=$?
}

if [ "$(id -u)" -eq 0 ]; then
	chmod a+x "$TMP" "$TMP/run"
	ctl operator add nobody --role superadmin >"$TMP/output"
	ok "a superadmin begins one" stall setpriv --reuid 65534 \
		--regid 65534 --clear-groups
	ok "who is none any more" ctl operator remove nobody
	read_rest
	is "gets no more of it" "$code" 4
	like "and is told why" "$(cat "$TMP/said")" "takes the role superadmin"
	ok "the place is free" await ctl store backup "$TMP/fourth"
else
	skip "a superadmin who is none any more gets no more of it" "not root"
fi

ok "another one begins" stall
kill "$APIKEYD_PID"
ok "the daemon is to end" await grep -q stopping "$TMP/apikeyd.log"
read_rest
is "then it is no backup" "$code" 1
like "and says so" "$(cat "$TMP/said")" "apikeyd is stopping: .* no whole backup"
ok "the daemon ends" stop_apikeyd
done_testing
