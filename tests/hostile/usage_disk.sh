#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The files of usage on a disk that is too small, gets full, or fails, and over
# the change of a day: verification goes on, the reason is said, and when the
# disk is well again everything has been counted.
# shellcheck disable=SC2119,SC2154 # no arguments; make check sets it
. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/clock.lib.sh
. "$top_srcdir/tests/clock.lib.sh"

# total: of the key, as counted.
total() {
	ctl key usage "$id" --window 30d --json |
		sed 's/.*"total": *\([0-9]*\).*/\1/'
}

# used N: verifies so often.
used() {
	n=$1
	while [ "$n" -gt 0 ]; do
		verify "$token" >"$TMP/output" 2>&1 || fail "verified" "$n left"
		n=$((n - 1))
	done
}

failing() {
	ctl status --json | sed 's/.*"failing": *\(null\|"[^"]*"\).*/\1/'
}

echo 'usage_journal_size = 16' >"$TMP/conf"
chmod 600 "$TMP/conf"

### Days

if why=$(clock_impossible); then
	skip "a day's end" "$why"
else
	without_clock=$APIKEYD
	set_clock "2030-01-01 12:00:00"
	use_clock
	start_apikeyd --config "$TMP/conf" || give_up "apikeyd does not start"
	seed
	token=$(new_key first)
	id=$(key_id "$token")
	used 3
	set_clock "2030-01-02 00:00:01"
	used 2
	ok "(usage is taken)" ctl store check
	ok "a day has its file" test -f "$TMP/state/usage-2030-01-01.tdb"
	ok "and so has the next" test -f "$TMP/state/usage-2030-01-02.tdb"
	is "both are counted" "$(total)" 5
	stop_apikeyd || fail "the end" "by $?"
	set_clock "2030-02-01 12:00:00" # 31 days are kept
	start_apikeyd --config "$TMP/conf" || give_up "apikeyd does not start"
	# By a thread of its own, which looks at the clock at its beginning.
	used 1
	ok "(usage is taken)" ctl store check
	ok "31 days before are kept" test -f "$TMP/state/usage-2030-01-01.tdb"
	stop_apikeyd || fail "the end" "by $?"
	set_clock "2030-02-02 12:00:00"
	start_apikeyd --config "$TMP/conf" || give_up "apikeyd does not start"
	ok "32 are not" await [ ! -e "$TMP/state/usage-2030-01-01.tdb" ]
	ok "the next day's file is there" \
		test -f "$TMP/state/usage-2030-01-02.tdb"
	is "30 days are counted" "$(total)" 1
	ok "and usage is sound" ctl store check
	stop_apikeyd || fail "the end" "by $?"
	APIKEYD=$without_clock
	rm -rf "$TMP/state"
fi

### A sync that fails

start_apikeyd --config "$TMP/conf" || give_up "apikeyd does not start"
seed
token=$(new_key first)
id=$(key_id "$token")
used 2
ok "(usage is taken)" ctl store check
stop_apikeyd || fail "the end" "by $?"
strace=${STRACE:-strace}
if ! "$strace" -o /dev/null true 2>"$TMP/output" || [ "${SANITIZERS-}" = yes ]; then
	skip "syncs that fail" "nothing can be traced here"
else
	counted=2
	day=$(find "$TMP/state" -name 'usage-*.tdb' | sort | tail -n 1)
	for file in totals.tdb "${day##*/}" usage.journal; do
		cat >"$TMP/failing" <<-END
			#!/bin/sh
			exec '$strace' -D -f -o /dev/null \\
				-P '$TMP/state/$file' -e trace=fdatasync \\
				-e inject=fdatasync:error=EIO '$APIKEYD' "\$@"
		END
		chmod +x "$TMP/failing"
		sound=$APIKEYD
		APIKEYD=$TMP/failing
		start_apikeyd --config "$TMP/conf" ||
			give_up "apikeyd does not start"
		APIKEYD=$sound
		used 2
		ctl store check >"$TMP/output" 2>&1
		unlike "$file: no sync, and it is said" "$(failing)" null
		is "$file: verification goes on" "$(verdict "$token")" valid
		ok "$file: a change is made" \
			ctl key update "$id" --name "$file"
		stop_apikeyd || :
		start_apikeyd --config "$TMP/conf" ||
			give_up "apikeyd does not start"
		counted=$((counted + 3))
		is "$file: with syncs, all is counted" "$(total)" "$counted"
		ok "$file: and sound" ctl store check
		is "$file: nothing fails" "$(failing)" null
		stop_apikeyd || fail "the end" "by $?"
	done
fi

### A full disk

[ "$(id -u)" -eq 0 ] || {
	skip "a full disk" "takes root, to mount a small one"
	done_testing
}
rm -rf "$TMP/state"
mkdir -m 700 "$TMP/state"
mount -t tmpfs -o size=14m,mode=700 tmpfs "$TMP/state" 2>"$TMP/output" || {
	skip "a full disk" "no tmpfs can be mounted here"
	done_testing
}
# In place of lib.sh's: the disk has to go before its directory.
trap 'status=$?; trap - EXIT
	for pid in $STOP_PIDS ${APIKEYD_PID-}; do stop_pid "$pid"; done
	umount "$TMP/state"; rm -rf "$TMP"; exit "$status"' EXIT
: >"$TMP/apikeyd.log"
nok "no room for usage.journal: it does not start" \
	start_apikeyd --config "$TMP/conf"
like "and says why" "$(cat "$TMP/apikeyd.log")" \
	'usage.journal.new: cannot have .* No space left'
mount -o remount,size=64m "$TMP/state" 2>"$TMP/output" ||
	give_up "the disk cannot be made larger"
ok "with more room it does" start_apikeyd --config "$TMP/conf"
seed
token=$(new_key first)
id=$(key_id "$token")
# No day's file yet: its first one finds no room.
dd if=/dev/zero of="$TMP/state/filler" bs=64k 2>"$TMP/output"
used 5
ctl store check >"$TMP/output" 2>&1
unlike "full: usage is not taken, and it is said" "$(failing)" null
is "verification goes on" "$(verdict "$token")" valid
ok "a key is revoked" ctl key revoke "$id" --yes
is "at once" "$(verdict "$token")" revoked
rm "$TMP/state/filler"
ok "room again: sound" ctl store check
is "and all was counted" "$(total)" 7
is "nothing fails" "$(failing)" null
ok "SIGTERM ends it with 0" stop_apikeyd
done_testing
