#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A backup of a store that goes on, and back: nothing that was acknowledged
# before it is missing, and nothing that was taken away after it comes back.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"
umask 077

OPERATORS=4 CHANGES=15 KILLS=12
backup=$TMP/keys.backup

# restore FILE [ARGUMENT…]: its exit code; what it says is in $TMP/told (stdout)
# and $TMP/said (stderr).
restore() {
	"$APIKEYD" --state-directory "$TMP/state" --restore "$@" \
		>"$TMP/told" 2>"$TMP/said"
}

# state: everything in the directory but lock, which names its last holder.
state() {
	cksum "$TMP"/state/[!l]*
}

# refused WHAT FILE PATTERN: in one line, and nothing is changed.
refused() {
	before=$(state)
	exits "$1 is refused" 1 restore "$2"
	is "... in one line" "$(wc -l <"$TMP/said")" 1
	like "... with the reason" "$(cat "$TMP/said")" "$3"
	is "... and all is as it was" "$(state)" "$before"
}

# shellcheck disable=SC2119 # without arguments
start_apikeyd || give_up "apikeyd does not start"
seed
stays=$(new_key stays)
revoked=$(new_key revoked)
disabled=$(new_key disabled)
enabled=$(new_key enabled)
deleted=$(new_key deleted)
rotated=$(new_key rotated)
narrowed=$(new_key narrowed)
renamed=$(new_key renamed)
ctl account create bolt --status approved >"$TMP/output"
ctl product enable appointments --account bolt >"$TMP/output"
suspended=$(SEED_ACCOUNT=bolt new_key suspended)
ctl product create mail >"$TMP/output"
ctl product enable mail --account acme >"$TMP/output"
unproduct=$(SEED_PRODUCT=mail new_key unproduct)

### While changes go on

n=0 pids=
while [ "$n" -lt "$OPERATORS" ]; do
	n=$((n + 1))
	# Its own output: they run side by side.
	(
		trap - EXIT
		i=0
		while [ "$i" -lt "$CHANGES" ]; do
			i=$((i + 1))
			ctl key create --account acme --product appointments \
				--name "load $n-$i" >/dev/null 2>&1 || exit
			echo "load $n-$i" >>"$TMP/made.$n"
		done
	) &
	pids="$pids $!"
done
await [ -s "$TMP/made.1" ]
cat "$TMP"/made.* >"$TMP/before"
ok "a backup while four operators make keys" ctl store backup "$backup"
for pid in $pids; do
	wait "$pid"
done
is "it is for us alone" "$(stat -c %a "$backup")" 600
nok "nothing is left beside it" [ -e "$backup.new" ]
exits "it is not written over" 6 ctl store backup "$backup"
like "which is said" "$(cat "$TMP/output")" "$backup: exists already"
ok "another one to standard output" eval 'ctl store backup - >"$TMP/piped"'
mkfifo "$TMP/pipe"
# For a moment with a reader, since opening would wait for one.
ctl store backup "$TMP/unheard" 3<>"$TMP/pipe" >"$TMP/pipe" 3>&-
ok "one of which nobody hears is made, too" [ -s "$TMP/unheard" ]
like "backups are in the audit log" "$(ctl audit log)" " BackupStore "
exits "into a directory that is not there: none" 2 \
	ctl store backup "$TMP/nowhere/file"

### Into a new directory

mv "$TMP/state" "$TMP/old"
stop_apikeyd
mkdir -m 700 "$TMP/state"
cp "$TMP/old/master.key" "$TMP/state/"
ok "into a new directory that has the master key" restore "$backup"
like "that there is no log is said" "$(cat "$TMP/told")" "There is no audit.log"
start_apikeyd || give_up "apikeyd does not start from a backup"
ctl key list --json | tr ',' '\n' | sed -n 's/.*"name": *"\([^"]*\)".*/\1/p' |
	sort >"$TMP/restored"
ok "(keys had been made by then)" [ -s "$TMP/before" ]
sort "$TMP/before" | comm -23 - "$TMP/restored" >"$TMP/missing"
is "all that were acknowledged before it are there" "$(cat "$TMP/missing")" ""
is "and are good" "$(verdict "$stays")" valid
ok "it takes changes" ctl key disable "$(key_id "$stays")"
stop_apikeyd
rm -r "$TMP/state"
mv "$TMP/old" "$TMP/state"

### What is refused

start_apikeyd || give_up "apikeyd does not start again"
exits "not while a daemon runs" 1 restore "$backup"
stop_apikeyd
size=$(stat -c %s "$backup")
head -c "$((size - 1))" "$backup" >"$TMP/short"
refused "a file that is cut off" "$TMP/short" "$TMP/short: is cut off"
head -c 20000 "$backup" >"$TMP/half"
refused "half a file" "$TMP/half" "$TMP/half: is cut off"
{
	cat "$backup"
	echo
} >"$TMP/long"
refused "one with something behind it" "$TMP/long" "not as it was written"
{
	head -c 30000 "$backup"
	printf '\377\377'
	tail -c +30003 "$backup"
} >"$TMP/changed"
refused "a changed one" "$TMP/changed" "not as it was written"
refused "another file" "$TMP/state/keys.tdb" "is no backup"
: >"$TMP/empty"
refused "an empty file" "$TMP/empty" "is no backup"
refused "a missing one" "$TMP/none" "No such file"
refused "a directory" "$TMP/run" "is not a regular file"
mv "$TMP/state/master.key" "$TMP/right.key"
od -A n -N 32 -t x1 /dev/urandom | tr -d ' \n' >"$TMP/state/master.key"
refused "one of another master key" "$backup" "another master key"
mv "$TMP/right.key" "$TMP/state/master.key"
mkdir "$TMP/theirs"
echo hello >"$TMP/theirs/file"
exits "a directory of something else" 1 \
	"$APIKEYD" --state-directory "$TMP/theirs" --restore "$backup"
is "is left as it is" "$(ls "$TMP/theirs")" file

### What was taken away after the backup

start_apikeyd || give_up "apikeyd does not start again"
ctl key revoke "$(key_id "$revoked")" --yes >"$TMP/output"
ctl key disable "$(key_id "$disabled")" >"$TMP/output"
ctl key disable "$(key_id "$enabled")" >"$TMP/output"
ctl key enable "$(key_id "$enabled")" >"$TMP/output"
ctl key delete "$(key_id "$deleted")" --yes >"$TMP/output"
new_secret=$(ctl key rotate "$(key_id "$rotated")" 2>"$TMP/output")
ctl key update "$(key_id "$narrowed")" --permission write >"$TMP/output"
ctl key update "$(key_id "$renamed")" --name other >"$TMP/output"
ctl account suspend bolt >"$TMP/output"
ctl product disable mail --account acme >"$TMP/output"
late=$(new_key late)
stop_apikeyd
cp -r "$TMP/state" "$TMP/kept"

ok "an older backup comes back" restore "$backup"
grep -v '^Restored\|^The store before' "$TMP/told" |
	sed 's/^\([a-z]* [^:]*: [a-z]*\).*/\1/' | sort >"$TMP/listed"
sort >"$TMP/wanted" <<END
key $(key_id "$revoked"): revoked
key $(key_id "$disabled"): disabled
key $(key_id "$deleted"): deleted
key $(key_id "$rotated"): disabled
key $(key_id "$narrowed"): disabled
account bolt: suspended
product mail/acme: disabled
END
ok "what is done again is listed" diff "$TMP/wanted" "$TMP/listed"
aside=$(sed -n 's/^The store before is \(.*\)\.$/\1/p' "$TMP/told")
ok "and what the old store is called" \
	cmp "$aside" "$TMP/kept/keys.tdb"
start_apikeyd || give_up "apikeyd does not start after a restore"
is "what was revoked stays so" "$(verdict "$revoked")" revoked
is "what was disabled" "$(verdict "$disabled")" disabled
is "what was enabled again is" "$(verdict "$enabled")" valid
is "what was deleted is gone" "$(verdict "$deleted")" unknown
nok "an old secret does not come back" verify "$rotated"
nok "nor does the new one, which no line has" verify "$new_secret"
nok "nor old access" verify "$narrowed"
is "another name is no reason" "$(verdict "$renamed")" valid
nok "what was suspended stays so" verify "$suspended"
nok "and what was disabled for an account" verify "$unproduct"
is "what was left alone is good" "$(verdict "$stays")" valid
is "what came after the backup is gone" "$(verdict "$late")" unknown
ok "the log's chain goes on" ctl audit verify
like "with a line of the restore" "$(ctl audit log)" " Restore "
ok "what was restored is sound" ctl store check
ok "and takes changes" ctl key enable "$(key_id "$narrowed")"
stop_apikeyd
ok "once more, from there" restore "$backup"
start_apikeyd || give_up "apikeyd does not start after the second"
is "a revocation is not forgotten" "$(verdict "$revoked")" revoked
ok "nor the chain" ctl audit verify
stop_apikeyd

### A log that does not follow

rm -r "$TMP/state"
cp -r "$TMP/kept" "$TMP/state"
n=$(grep -n '"RevokeKey"' "$TMP/state/audit.log" | cut -d: -f1)
sed -i "${n}d" "$TMP/state/audit.log"
exits "a log without the revocation is refused" 1 restore "$backup"
like "and why" "$(cat "$TMP/said")" "does not follow from the backup"
nok "no store is made" [ -e "$TMP/state/keys.tdb.restore" ]

### Killed on the way

# killed N: at its N-th write, rename or sync.
killed() {
	rm -r "$TMP/state"
	cp -r "$TMP/kept" "$TMP/state"
	strace -f -o "$TMP/trace" -e trace="$calls" \
		-e inject="$calls:signal=SIGKILL:when=$1" \
		"$APIKEYD" --state-directory "$TMP/state" --restore "$backup" \
		>"$TMP/told" 2>"$TMP/said"
}

calls=pwrite64,renameat2,rename,fsync,fdatasync
if ! command -v strace >"$TMP/output"; then
	skip "a kill on the way" "there is no strace"
	done_testing
fi
strace -f -o "$TMP/trace" -e trace="$calls" true 2>"$TMP/output" || {
	skip "a kill on the way" "strace cannot trace here"
	done_testing
}
rm -r "$TMP/state"
cp -r "$TMP/kept" "$TMP/state"
strace -f -o "$TMP/trace" -e trace="$calls" "$APIKEYD" \
	--state-directory "$TMP/state" --restore "$backup" >"$TMP/told" 2>&1
total=$(grep -c '(' "$TMP/trace")
ok "(there is something to be killed in)" [ "$total" -gt "$KILLS" ]
i=0
while [ "$i" -lt "$KILLS" ]; do
	# The last ones, where names change; and some all the way.
	if [ "$i" -lt $((KILLS / 2)) ]; then
		at=$((total - i))
	else
		at=$((total * (i - KILLS / 2 + 1) / (KILLS / 2 + 1)))
	fi
	killed "$at"
	start_apikeyd || fail "a kill at call $at leaves a store" "see the log"
	[ -n "$APIKEYD_PID" ] && is "killed at call $at: the revoked stays so" \
		"$(verdict "$revoked") $(verdict "$stays")" "revoked valid"
	stop_apikeyd
	ok "... and it can be done again" restore "$backup"
	i=$((i + 1))
done
done_testing
