#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Keys from files: all of them or none, and what becomes of them.

# shellcheck disable=SC2154 # make check sets it
. "$top_srcdir/tests/lib.sh"

start_apikeyd || give_up 'apikeyd did not start'
seed

old='legacy-token.0123456789/abcdef=='
sha() {
	printf %s "$1" | sha256sum | cut -d' ' -f1
}
# line NAME TOKEN [MORE]: of a key that was made elsewhere
line() {
	printf '{"account":"acme","product":"appointments","name":"%s","sha256":"%s"%s}\n' \
		"$1" "$(sha "$2")" "${3-}"
}
# The key ID of the key of this name.
id_of() {
	ctl key list --json | tr '{' '\n' |
		sed -n "s/.*\"id\":\"\\([^\"]*\\)\".*\"name\":\"$1\".*/\\1/p"
}
count() {
	ctl status --json | sed -n 's/.*"keys":\([0-9]*\).*/\1/p'
}

# --- tokens made elsewhere
is 'before: malformed' "$(verdict "$old")" malformed
{
	line legacy "$old" ',"permission":"write","scopes":["a:b"]'
	echo
	line second 'second-legacy-token' ',"callers":["root"]'
	line expired 'expired-legacy-token' \
		',"expires_at":"2001-01-01T00:00:00Z"'
} >"$TMP/foreign"
is 'import' "$(ctl key import "$TMP/foreign")" 'Imported 3 keys.'
is 'its token opens' "$(verdict "$old" --permission write --scope a:b)" valid
is 'an expired one is that' "$(verdict expired-legacy-token)" expired
is 'not quite its token' "$(verdict "$old=")" malformed
is 'its hash is no token' "$(verdict "$(sha "$old")")" malformed
is 'what is too long is not tried' \
	"$(verdict "$(printf '%0600d' 0)")" malformed
id=$(id_of legacy)
like 'it has a key ID of its own' "$id" '^ak_[0-9A-Za-z]{12}$'
like 'and says where it is from' "$(ctl key show "$id" --json)" \
	'"foreign":true'
like 'use is counted' "$(ctl key show "$id" --json)" '"last_used_at":"2'
is 'explained' "$(printf %s "$old" | ctl key explain --json |
	sed -n 's/.*"verdict":"\([a-z]*\)".*/\1/p')" valid
ctl key disable "$id" >/dev/null
is 'disabled' "$(verdict "$old")" disabled
ctl key enable "$id" >/dev/null
stop_apikeyd
start_apikeyd || give_up 'apikeyd did not start again'
is 'after a restart' "$(verdict "$old")" valid
is 'and there are as many' "$(count)" 3

# --- rotated, it is a key like others
new=$(ctl key rotate "$id" --overlap 1h 2>/dev/null)
is 'its new token' "$(verdict "$new")" valid
is 'the old one, in its overlap' "$(verdict "$old")" valid
stop_apikeyd
start_apikeyd || give_up 'apikeyd did not start again'
is 'also after a restart' "$(verdict "$old")" valid
newer=$(ctl key rotate "$id" 2>/dev/null)
is 'without overlap it stops' "$(verdict "$old")" malformed
is 'and so does the other' "$(verdict "$new")" unknown
is 'the newest holds' "$(verdict "$newer")" valid
unlike 'it is no longer foreign' "$(ctl key show "$id" --json)" foreign

# --- what is refused, and then nothing is imported
before=$(count)
# refused DESCRIPTION CODE PATTERN: the lines in $TMP/lines
refused() {
	exits "refused: $1" "$2" ctl key import "$TMP/lines"
	like "said: $1" "$(cat "$TMP/output")" "$3"
}
{
	line good good-token-0123456789
	echo '{"account":'
	line bad bad-token-0123456789 ',"permission":"all"'
	line bad bad-token-0123456789 ',"colour":"red"'
} >"$TMP/lines"
refused 'a line that is no JSON' 2 '^apikeyctl: line 2: expected a JSON object'
like 'and the next' "$(cat "$TMP/output")" \
	'^apikeyctl: line 3: permission: expected read or write'
like 'and the one after' "$(cat "$TMP/output")" '^apikeyctl: line 4: colour: '
{
	line one same-token-0123456789
	line two same-token-0123456789
} >"$TMP/lines"
refused 'a token twice' 6 'line 2: sha256: .* on a line before'
line again second-legacy-token >"$TMP/lines"
refused 'a token that is there' 6 'line 1: sha256: there is a key'
line no no-token-0123456789 | sed 's/acme/nobody/' >"$TMP/lines"
refused 'no such account' 3 'account create nobody'
line no no-token-0123456789 | sed 's/appointments/nothing/' >"$TMP/lines"
refused 'no such product' 3 'product create nothing'
ctl account create slow >/dev/null
line no no-token-0123456789 | sed 's/acme/slow/' >"$TMP/lines"
refused 'an account that is pending' 6 'account approve slow'
ctl account approve slow >/dev/null
refused 'a product that is not enabled' 6 \
	'product enable appointments --account slow'
ctl product create brief --max-lifetime 30d >/dev/null
ctl product enable brief --account acme >/dev/null
line no no-token-0123456789 ',"expires_at":"2999-01-01T00:00:00Z"' |
	sed 's/appointments/brief/' >"$TMP/lines"
refused 'a key that lasts longer than its product lets it' 6 \
	'line 1: keys for product brief may not last longer than until 2'
echo '{"account":"acme","product":"appointments","name":"n"}' >"$TMP/lines"
refused 'a line without any hash' 2 'line 1: hash: is required, or sha256 for'
line h hmac-token-0123456789 ',"type":"hmac"' >"$TMP/lines"
refused 'an hmac key' 2 'hmac keys cannot be imported'
n=0
while [ "$n" -lt 30 ]; do
	echo 'nonsense'
	n=$((n + 1))
done >"$TMP/lines"
exits 'many errors' 2 ctl key import "$TMP/lines"
is '20 are shown' "$(grep -c '^apikeyctl: line' "$TMP/output")" 20
exits 'no such file' 2 ctl key import "$TMP/nowhere"
exits 'a directory' 2 ctl key import "$TMP"
like 'is named' "$(cat "$TMP/output")" "$TMP: Is a directory"
is 'nothing of all that was imported' "$(count)" "$before"
is 'not the good one either' "$(verdict good-token-0123456789)" malformed
like 'an account of an import that failed can be deleted' \
	"$(ctl account delete slow 2>&1)" 'Deleted'

# --- once
line once once-token-0123456789 >"$TMP/lines"
ok 'with an operation id' \
	ctl --operation-id once-1 key import "$TMP/lines"
ok 'once more' ctl --operation-id once-1 key import "$TMP/lines"
like 'is not done again' "$(cat "$TMP/output")" 'had been made before'
like 'JSON tells of the first time' "$(ctl --operation-id once-1 --json \
	key import "$TMP/lines" 2>"$TMP/output")" \
	'^\{"number":[0-9]+,"keys":1,"imported_at":"2[^"]+Z"\}$'
printf '\n\n' >"$TMP/blank"
is 'of blank lines, that there was none' \
	"$(ctl --json key import "$TMP/blank" 2>"$TMP/output")" \
	'{"number":null,"keys":0,"imported_at":null}'
like 'and why' "$(cat "$TMP/output")" 'there is nothing in it'

# --- export and back: into the store as it was before these were made
stop_apikeyd
cp -R "$TMP/state" "$TMP/early"
start_apikeyd || give_up 'apikeyd did not start again'
early=$(count)
key=$(new_key native --environment test --service httpd \
	--allow 203.0.113.0/24=Office --rate 5/1m --quota 7/day)
ctl key update "$(key_id "$key")" --caller root --caller nobody >/dev/null
new_key hook --type hmac >/dev/null
rotated=$(new_key rotated)
rotated_new=$(ctl key rotate "$(key_id "$rotated")" --overlap 1h 2>/dev/null)
dead=$(new_key dead)
ctl key revoke "$(key_id "$dead")" --reason lost --yes >/dev/null
line young young-token-0123456789 >"$TMP/lines"
ctl key import "$TMP/lines" >/dev/null
ctl key rotate "$(id_of young)" --overlap 1h >/dev/null 2>&1
ctl key export >"$TMP/export"
is 'a line each and one before' "$(wc -l <"$TMP/export")" $(($(count) + 1))
unlike 'no token in it' "$(cat "$TMP/export")" "${key##*_}"
shown=$(ctl key show "$(key_id "$key")" --json)
# some PATTERN: these lines of the export, and its head
some() {
	head -n 1 "$TMP/export"
	grep -e "$1" "$TMP/export"
}
some '"name":"native"' >"$TMP/lines"
refused 'keys that are there' 6 'line 2: id: there is a key'
some '"name":"hook"' >"$TMP/lines"
refused 'an exported hmac key' 2 'line 2: type: hmac keys cannot be imported'
grep -e '"name":"native"' "$TMP/export" >"$TMP/lines"
refused 'an export without its head' 6 'the first line of an export'
ctl key delete "$(key_id "$dead")" --yes >/dev/null
some '"name":"dead"' >"$TMP/lines"
refused 'a key ID that was deleted' 6 'no deleted ID is used again'
stop_apikeyd
rm -rf "$TMP/state"
mv "$TMP/early" "$TMP/state"
start_apikeyd || give_up 'apikeyd did not start with an earlier store'
is 'the earlier store' "$(count)" "$early"
is 'knows nothing of them' "$(verdict "$key")" unknown
some '"name":"\(native\|rotated\|dead\|young\)"' >"$TMP/lines"
is 'import of an export' "$(ctl key import "$TMP/lines")" 'Imported 4 keys.'
is 'works as before' "$(verdict "$key" --service httpd \
	--address 203.0.113.9)" valid
# same JSON: without what a use, a place or the past leaves
same() {
	sed 's/"sequence":[0-9]*//; s/"last_used[a-z_]*":[^,]*//g
		s/"used":[0-9a-z]*//'
}
is 'and is the same' "$(ctl key show "$(key_id "$key")" --json | same)" \
	"$(echo "$shown" | same)"
is 'an overlap' "$(verdict "$rotated")" valid
is 'and what comes after' "$(verdict "$rotated_new")" valid
is 'a revoked one is that' "$(verdict "$dead")" revoked
is 'the overlap of a foreign token' "$(verdict young-token-0123456789)" valid

# --- another store
stop_apikeyd
mv "$TMP/state" "$TMP/first"
start_apikeyd || give_up 'another store did not start'
seed
exits 'the export of another store' 6 ctl key import "$TMP/export"
like 'names the way to move a store' "$(cat "$TMP/output")" 'store backup'
stop_apikeyd
rm -rf "$TMP/state"
mv "$TMP/first" "$TMP/state"
start_apikeyd || give_up 'the first store did not start again'

# --- given up in the middle
# many FROM TO: lines of as many keys
many() {
	awk -v from="$1" -v to="$2" 'BEGIN { for (i = from; i <= to; i++)
		printf "{\"account\":\"acme\",\"product\":\"appointments\"," \
			"\"name\":\"many %d\",\"sha256\":\"%064x\"}\n", i, i }'
}
sequence() {
	ctl status --json | tr , '\n' |
		sed -n 's/^"sequence":\([0-9]*\).*/\1/p' | head -n 1
}
# half_import FILE: begins one that goes on for as long as descriptor 9 is
# open, and awaits that some of it is in the store
half_import() {
	mkfifo "$TMP/fifo"
	"$APIKEYCTL" key import "$TMP/fifo" >"$TMP/half" 2>&1 &
	half=$!
	exec 9>"$TMP/fifo"
	rm "$TMP/fifo"
	from=$(sequence)
	cat "$1" >&9
	while kill -0 "$half" && [ "$(sequence)" -lt $((from + 5)) ]; do
		:
	done
}
before=$(count)
{
	line partial partial-token-0123456789
	many 1 3000
} >"$TMP/lines"
half_import "$TMP/lines"
is 'nothing is counted before it is whole' "$(count)" "$before"
is 'or listed' "$(id_of partial)" ''
is 'or in force' "$(verdict partial-token-0123456789)" malformed
unlike 'or shown of its account' "$(ctl account show acme --json)" \
	"\"keys\":$((before + 1))"
exits 'its account cannot go meanwhile' 6 ctl account delete acme
kill -TERM "$half"
wait "$half" 2>/dev/null
exec 9>&-
many 1 1000 >"$TMP/lines"
is 'the same lines once more, at once' "$(ctl key import "$TMP/lines")" \
	'Imported 1000 keys.'
is 'are there' "$(count)" $((before + 1000))
before=$(count)

many 1001 4000 >"$TMP/lines"
half_import "$TMP/lines"
kill_apikeyd
exec 9>&-
wait "$half" 2>/dev/null
start_apikeyd || give_up 'apikeyd did not start after a kill'
is 'a kill in the middle leaves nothing' "$(count)" "$before"
like 'what it left is cleared away' "$(cat "$TMP/apikeyd.log")" \
	'keys of an import that was not finished are cleared away'
is 'the import once more' "$(ctl key import "$TMP/lines")" \
	'Imported 3000 keys.'
before=$(count)

# --- many, while others verify
many 10001 30000 >"$TMP/lines"
ctl key import "$TMP/lines" >"$TMP/imported" 2>&1 &
import=$!
wrong=0
while kill -0 "$import" 2>/dev/null; do
	[ "$(verdict "$rotated")" = valid ] || wrong=$((wrong + 1))
	[ "$(count)" -eq "$before" ] || [ "$(count)" -eq $((before + 20000)) ] ||
		wrong=$((wrong + 1))
done
wait "$import"
is 'verification goes on, and there are all or none' "$wrong" 0
is '20000 keys' "$(cat "$TMP/imported")" 'Imported 20000 keys.'
is 'are there' "$(count)" $((before + 20000))
kill_apikeyd
start_apikeyd || give_up 'apikeyd did not start after a kill'
is 'and stay over a kill' "$(count)" $((before + 20000))
like 'the audit log has one line of it' \
	"$(grep -c '"method":"CommitImport"' "$TMP/state/audit.log")" '^[0-9]'
exits 'apikeyd ends well' 0 stop_apikeyd

done_testing
