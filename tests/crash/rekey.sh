#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A rekey dies at system calls by which it gets onto the disk: the store opens
# all the same, under the old or the new master key.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/strace.lib.sh
. "$top_srcdir/tests/strace.lib.sh"

new=$TMP/new.key

umask 077
od -A n -N 32 -t x1 /dev/urandom | tr -d ' \n' >"$new"
# Whose table is read whole without a hundred thousand stops.
small=$TMP/small.conf
echo "expected_keys = 1000" >"$small"
start_apikeyd --config "$small" || give_up "apikeyd does not start"
seed
token=$(new_key first)
stop_apikeyd
mkdir "$TMP/before"
cp "$TMP/state/keys.tdb" "$TMP/state/master.key" "$TMP/state/audit.log" \
	"$TMP/before"
old_key=$(cat "$TMP/state/master.key")
new_key=$(cat "$new")

# rekey_with CALL N WHAT: what happens to it as it makes this call. Fails where
# it does not come that far. It touches nothing but these files.
rekey_with() {
	rm -f "$TMP"/state/keys.tdb* "$TMP"/state/master.key*
	cp "$TMP"/before/* "$TMP/state"
	"$strace" -f -o "$TMP/trace" -e trace="$1" -e inject="$1:$3:when=$2" \
		"$APIKEYD" --config "$small" --state-directory "$TMP/state" \
		--rekey "$new" >>"$TMP/apikeyd.log" 2>&1
	grep -q 'INJECTED\|killed by SIGKILL' "$TMP/trace"
}

# sound: it starts, verifies, and has one master key: the old one, or the new
# one, and audit.log tells of that alone.
sound() {
	start_apikeyd --config "$small" || return
	[ "$(verdict "$token")" = valid ] || return
	stop_apikeyd || return
	[ ! -e "$TMP/state/master.key.new" ] || return
	lines=$(grep -c '"method":"Rekey","outcome":"done"' \
		"$TMP/state/audit.log")
	case $(cat "$TMP/state/master.key"),$lines in
	"$old_key,0") olds=$((olds + 1)) ;;
	"$new_key",[1-9]*) news=$((news + 1)) ;;
	*) return 1 ;;
	esac
}

# each CALL WHAT: as long as there is such a call. Of many calls, each of the
# first eight, and then some.
each() {
	n=1
	while rekey_with "$1" "$n" "$2"; do
		sound >"$TMP/output" 2>&1 || {
			echo "$1 $n, $2: not sound"
			cat "$TMP/output"
			return 1
		}
		n=$((n + 1 + (n >= 8 ? 4 : 0)))
	done
	[ "$n" -gt 1 ] && sound &&
		[ "$(cat "$TMP/state/master.key")" = "$new_key" ]
}

olds=0 news=0
for call in pwrite64 fdatasync fsync rename renameat; do
	ok "rekeys that die at $call" each "$call" signal=SIGKILL
done
ok "some deaths left the old key ($olds)" [ "$olds" -gt 5 ]
# Each of the calls above had one that came through.
ok "some the new one ($news)" [ "$news" -gt 5 ]

olds=0 news=0
for call in fdatasync fsync rename renameat; do
	ok "rekeys with an I/O error at $call" each "$call" error=EIO
done
ok "some errors left the old key ($olds)" [ "$olds" -gt 3 ]
for call in pwrite64 write; do
	ok "rekeys with a full disk at $call" each "$call" error=ENOSPC
done

### A rekey that was cut off is taken up by another one, too

rekey_with renameat 1 signal=SIGKILL
ok "(there is a key beside the old one)" [ -e "$TMP/state/master.key.new" ]
ok "the same rekey again" "$APIKEYD" --state-directory "$TMP/state" \
	--rekey "$new"
ok "ends it" sound
rekey_with renameat 1 signal=SIGKILL
od -A n -N 32 -t x1 /dev/urandom | tr -d ' \n' >"$new"
ok "another one" "$APIKEYD" --config "$small" --state-directory "$TMP/state" \
	--rekey "$new"
new_key=$(cat "$new")
ok "as well" sound
is "with its key" "$(cat "$TMP/state/master.key")" "$new_key"
done_testing
