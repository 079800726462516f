#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The audit log: a line with each change and each refusal, and that no change of
# the file goes unnoticed.
# shellcheck disable=SC2119,SC2154 # no arguments; make check sets it
. "$top_srcdir/tests/lib.sh"

start_apikeyd || give_up "apikeyd does not start"
log=$TMP/state/audit.log

# settle: refusals are answered before their lines are on disk, but whoever
# reads the log sees them. No matter where there is no apikeyd.
settle() {
	ctl audit verify >"$TMP/output" 2>&1 || :
}

# lines [PATTERN]: how many lines have it.
lines() {
	settle
	grep -c -e "${1-}" "$log"
}

# last: the last line.
last() {
	settle
	tail -n 1 "$log"
}

### Changes

is "an empty log" "$(ctl audit verify)" "0 lines, all as they were written."
seed acme
is "three changes, three lines" "$(lines '"outcome":"done"')" 3
token=$(new_key CRM --scope a:b)
id=$(key_id "$token")
like "who, what, which, where" "$(last)" \
	'"login":"[^"]+","method":"CreateKey","kind":"key","name":"'"$id"'","account":"acme"'
like "what it is now" "$(last)" '"after":\{.*"name":"CRM".*"scopes":\["a:b"\]'
ctl key update "$id" --name New >"$TMP/output"
like "what changed, from and to" "$(last)" \
	'"before":\{"name":"CRM"\},"after":\{"name":"New"\}'
ctl key disable "$id" >"$TMP/output"
ctl key disable "$id" >"$TMP/output"
like "what was so already" "$(last)" '"method":"DisableKey".*"unchanged"'
ctl key revoke "$id" --reason "lost laptop" --yes >"$TMP/output"
like "why" "$(last)" '"reason":"lost laptop"'
ctl key show "$id" >"$TMP/output"
ctl key list >"$TMP/output"
like "looking leaves no line" "$(last)" RevokeKey

# A repeated operation is one change.
before=$(lines '')
ctl account create twice --operation-id op-1 >"$TMP/output"
ctl account create twice --operation-id op-1 >"$TMP/output" 2>&1
is "repeated, but one line" "$(($(lines '') - before))" 1
exits "the same id for other parameters" 6 \
	ctl account create twice --status approved --operation-id op-1
exits "and for another method" 6 ctl account suspend twice --operation-id op-1

### Reveal

ctl product create vault --recoverable >"$TMP/output"
ctl product enable vault --account acme >"$TMP/output"
# shellcheck disable=SC2034 # new_key takes it
SEED_PRODUCT=vault
secret=$(new_key Vault)
ctl key reveal "$(key_id "$secret")" >"$TMP/output"
like "revealing is told of" "$(last)" '"method":"RevealKey".*"outcome":"done"'
nok "no token in the log" grep -q -e "$token" -e "$secret" "$log"
nok "and no secret" grep -q -e "${secret##*_}" "$log"

### Refusals

before=$(lines '')
exits "a conflict" 6 ctl account create acme
is "is one line" "$(($(lines '"outcome":"Conflict"')))" 3
exits "not found" 3 ctl key disable ak_000000000000
like "what was not found" "$(last)" \
	'"name":"ak_000000000000",.*"outcome":"NotFound"'

### The table

like "people see who did what" "$(ctl audit log)" \
	" RevokeKey +$id +acme +done .*lost laptop"
is "of one key" "$(ctl audit log --key "$id" --json | tr '{' '\n' |
	grep -c '"sequence"')" 5
is "nothing so new" "$(ctl audit log --since 1s --key ak_000000000000 --json |
	tr -d '\n' | cut -c 1-1)" "["
ok "sound" ctl audit verify

### Following

ok "a reader that has seen enough is not waited for" \
	timeout $((PATIENCE / 1000)) \
	sh -c "'$APIKEYCTL' audit log --follow | head -n 1"
mkfifo "$TMP/follow"
ctl audit log --follow --json --key "$id" >"$TMP/follow" 2>"$TMP/follow.err" &
follower=$!
stop_at_end "$follower"
exec 3<"$TMP/follow"
for _ in 1 2 3 4 5; do
	read -r line <&3
done
like "what there is comes first" "$line" RevokeKey
ctl key enable "$id" >"$TMP/output" 2>&1
read -r line <&3
like "then what happens, as it happens" "$line" \
	'"method":"EnableKey".*"outcome":"Conflict"'
ok "the end does not wait for followers" stop_apikeyd
code=0
wait "$follower" || code=$?
is "who are told" "$code" 5
exec 3<&-

### The file

cp -p "$log" "$TMP/log"
keys=$TMP/keys
cp -p "$TMP/state/keys.tdb" "$keys"

# changed DESCRIPTION PATTERN: starts on the log as it is now; verification
# fails and says this.
changed() {
	start_apikeyd >"$TMP/output" 2>&1 || {
		fail "$1" <"$TMP/output"
		return
	}
	code=0
	said=$(ctl audit verify) || code=$?
	is "$1: exit 1" "$code" 1
	like "$1: it is named" "$said" "$2"
	like "$1: status knows, or the next line is good" \
		"$(ctl status)" 'Audit log: +(damaged|sound)'
	stop_apikeyd
	cp -p "$TMP/log" "$log"
	cp -p "$keys" "$TMP/state/keys.tdb"
}

total=$(lines '')
sed -i '3s/acme/evil/' "$log"
changed "a changed line" "line 3, record 3 is broken"
sed -i 3d "$log"
changed "a line left out" "line 3, record 3 is missing"
sed -i -n '3{h;n;G};p' "$log"
changed "two lines exchanged" "line 3, record 3 should be"
sed -i 4p "$log"
changed "a line twice" "line 5, record 5 should be"
sed -i 1d "$log"
changed "the first line left out" "line 1, record 1 is missing"
sed -n 3p "$TMP/log" >>"$log"
changed "a line added at the end" "line $((total + 1)), record"
echo something else >>"$log"
start_apikeyd
ok "what was added at the end is cut off" ctl audit verify
stop_apikeyd

# The end: the outbox has it.
head -c -20 "$TMP/log" >"$log"
start_apikeyd
ok "a torn line is written again" ctl audit verify
is "once" "$(lines '')" "$total"
stop_apikeyd
sed "$((total - 3))s/.*/what is left of a line/" "$TMP/log" >"$log"
start_apikeyd
is "one that a power cut has spoilt" "$(cat "$log")" "$(cat "$TMP/log")"
stop_apikeyd
head -n -4 "$TMP/log" >"$log"
start_apikeyd
ok "and whole ones" ctl audit verify
stop_apikeyd
rm "$log"
start_apikeyd
ok "even all of them, while the outbox has them" ctl audit verify
is "there they are again" "$(cat "$log")" "$(cat "$TMP/log")"
like "that it was gone is said, as an older keys.tdb would not show" \
	"$(cat "$TMP/apikeyd.log")" "audit.log is gone: .* revoked since"

### An older store

ctl key revoke "$(key_id "$secret")" --yes >"$TMP/output"
stop_apikeyd
cp -p "$TMP/state/keys.tdb" "$TMP/newer"
cp -p "$log" "$TMP/newer.log"
cp -p "$keys" "$TMP/state/keys.tdb"
nok "an older keys.tdb put back does not start" start_apikeyd
like "the line says why, and names both" "$(tail -n 1 "$TMP/apikeyd.log")" \
	"audit.log tells of change $((total + 1)), but keys.tdb .* $total: an older"
is "and nothing was written" "$(cmp "$keys" "$TMP/state/keys.tdb" &&
	cmp "$log" "$TMP/newer.log" && echo same)" same
cp -p "$TMP/newer" "$TMP/state/keys.tdb"
ok "the newer one does" start_apikeyd

### More than the outbox holds

i=0
while [ "$i" -lt 150 ]; do
	printf 'account create many-%s\n' "$i"
	i=$((i + 1))
done | while read -r words; do
	# shellcheck disable=SC2086 # words
	ctl $words >"$TMP/output" || echo "$words failed"
done
stop_apikeyd
sed -i 2,5d "$log"
start_apikeyd
exits "long ago, too" 1 ctl audit verify
stop_apikeyd
rm "$log"
ok "without a log it starts" start_apikeyd
exits "but says so" 1 ctl audit verify
like "status as well" "$(ctl status)" 'Audit log: +damaged.*missing'
ctl account create later >"$TMP/output"
stop_apikeyd
start_apikeyd
like "also after the next start" "$(ctl status)" 'Audit log: +damaged.*missing'
like "and the chain goes on" "$(last)" '"name":"later"'

### Many refusals

before=$(lines '')
i=0
while [ "$i" -lt 25 ]; do
	ctl account create later >"$TMP/output" 2>&1
	i=$((i + 1))
done
is "ten lines a minute" "$(($(lines '') - before))" 10
stop_apikeyd
like "and one for the rest" "$(last)" '"count":15,"outcome":"refused"'
done_testing
