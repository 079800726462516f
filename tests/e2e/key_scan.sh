#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The hunt for leaked tokens: what is found, what is told, what is revoked.

# shellcheck disable=SC2154 # make check sets it
. "$top_srcdir/tests/lib.sh"

start_apikeyd || give_up 'apikeyd did not start'
seed
token=$(new_key "CRM Sync")
id=$(key_id "$token")
hmac=$(new_key Hook --type hmac)
tree=$TMP/tree
mkdir -p "$tree/deep/er"

scan() {
	ctl key scan "$@" 2>"$TMP/scan.err"
}

# --- nothing
echo 'no token here' >"$tree/plain"
: >"$tree/empty"
exits 'no token' 0 ctl key scan "$tree"
is 'nothing on stdout' "$(scan "$tree")" ''
like 'the summary' "$(cat "$TMP/scan.err")" '^0 tokens .* in 2 files'
echo "$id" >"$tree/id"
exits 'a key ID is no token' 0 ctl key scan "$tree"
echo "${token%?}" >"$tree/cut"
exits 'a token cut short is none' 0 ctl key scan "$tree"

# --- found
{
	echo one
	echo "curl -H 'Authorization: Bearer $token' https://example.net/"
} >"$tree/deep/er/history"
exits 'a token' 1 ctl key scan "$tree"
is 'where it is and whose' "$(scan "$tree")" \
	"$tree/deep/er/history:2: $id, CRM Sync, acme, active"
like 'what to do' "$(cat "$TMP/scan.err")" 'key revoke'
unlike 'the token is not shown' "$(scan "$tree" && cat "$TMP/scan.err")" \
	"${token##*_}"
is 'a file alone' "$(scan "$tree/deep/er/history")" \
	"$tree/deep/er/history:2: $id, CRM Sync, acme, active"
is 'standard input' "$(scan - <"$tree/deep/er/history")" \
	"-:2: $id, CRM Sync, acme, active"
printf 'a\0b\377%s\0' "$token" >"$tree/binary"
is 'a binary file' "$(scan "$tree/binary")" \
	"$tree/binary:1: $id, CRM Sync, acme, active"
rm "$tree/binary"
{
	head -c 200000 /dev/zero
	printf '\n%s\n' "$token"
	head -c 200000 /dev/zero
} >"$tree/large"
is 'a large file' "$(scan "$tree/large")" \
	"$tree/large:2: $id, CRM Sync, acme, active"
rm "$tree/large"
echo "SECRET=$hmac" >"$tree/env"
is "an hmac key's token" "$(scan "$tree/env")" \
	"$tree/env:1: $(key_id "$hmac"), Hook, acme, active"
rm "$tree/env"
like 'JSON' "$(scan "$tree" --json)" \
	"^\\{\"found\":\\[\\{\"file\":\"$tree/deep/er/history\",\"line\":2,\"id\":\"$id\",\"name\":\"CRM Sync\",\"account\":\"acme\",\"status\":\"active\",\"secret\":\"current\"\\}\\],\"unknown\":0,\"files\":5,\"unread\":0\\}\$"

# --- many, more than one call takes
n=0
while [ "$n" -lt 600 ]; do
	echo "$token"
	n=$((n + 1))
done >"$TMP/many"
is 'every one of many' "$(scan "$TMP/many" | wc -l)" 600

# --- what opens nothing
other=$(new_key gone)
ctl key delete "$(key_id "$other")" --yes >/dev/null
echo "$other" >"$TMP/unknown"
exits 'a token of no key' 0 ctl key scan "$TMP/unknown"
like 'is mentioned' "$(cat "$TMP/output")" '^1 token of unknown keys'
unlike 'but not shown' "$(cat "$TMP/output")" "$(key_id "$other")"
old=$(new_key rotated)
ctl key rotate "$(key_id "$old")" --overlap 1h >"$TMP/new" 2>/dev/null
echo "$old" >"$TMP/unknown"
like 'a secret in its overlap' "$(scan "$TMP/unknown" --json)" \
	'"secret":"previous"'
ctl key rotate "$(key_id "$old")" >/dev/null 2>&1
exits 'an older secret' 0 ctl key scan "$TMP/unknown"

# --- nothing is counted as use
is 'no use' "$(ctl key show "$id" --json |
	sed -n 's/.*"last_used_at":\([^,]*\).*/\1/p')" null

# --- where it does not go
mkdir "$TMP/elsewhere"
echo "$token" >"$TMP/elsewhere/leak"
mkdir "$TMP/links"
ln -s "$TMP/elsewhere" "$TMP/links/directory"
ln -s "$TMP/elsewhere/leak" "$TMP/links/file"
mkfifo "$TMP/links/fifo"
exits 'links and pipes are left alone' 0 ctl key scan "$TMP/links"
exits 'but for what was named itself' 1 \
	ctl key scan "$TMP/links/directory"
exits 'what is not there' 2 ctl key scan "$TMP/nowhere"
like 'is named' "$(cat "$TMP/output")" 'nowhere: No such file'
ln -s "$TMP/nowhere" "$TMP/dangling"
exits 'nor what a link leads to' 2 ctl key scan "$TMP/dangling"
exits 'what cannot be read at all' 2 ctl key scan "$APIKEYD_ADMIN_SOCKET"
unlike 'is no clean bill' "$(cat "$TMP/output")" '^0 tokens'
exits 'no path' 2 ctl key scan
if [ "$(id -u)" -ne 0 ]; then
	echo x >"$TMP/links/closed"
	chmod 0 "$TMP/links/closed"
	exits 'what cannot be read is no clean bill' 1 \
		ctl key scan "$TMP/links"
else
	skip 'what cannot be read is no clean bill' 'root reads everything'
fi

# --- a pipe that was named itself, as a shell makes one of <(...)
exits 'a pipe' 1 sh -c \
	"cat '$TMP/elsewhere/leak' | '$APIKEYCTL' key scan /dev/stdin"
like 'is read' "$(cat "$TMP/output")" "^/dev/stdin:1: $id, "
exits 'a pipe without a token' 0 sh -c \
	"echo none | '$APIKEYCTL' key scan /dev/stdin"
like 'is counted' "$(cat "$TMP/output")" '^0 tokens .* in 1 file\.'

# --- revoke
fourth=$(new_key cron)
echo "$fourth" >"$TMP/cron"
exits 'revoke, with nobody there to ask' 1 \
	setsid -w "$APIKEYCTL" key scan "$TMP/cron" --revoke
is 'revokes' "$(verdict "$fourth")" revoked
like 'JSON says what has become of the key' \
	"$(setsid -w "$APIKEYCTL" key scan "$tree" --revoke --json 2>&1)" \
	"\"id\":\"$id\",.*\"status\":\"revoked\""
is 'revoked' "$(verdict "$token")" revoked
scan "$tree" >"$TMP/output"
unlike 'what is revoked is not to be stopped' "$(cat "$TMP/scan.err")" \
	'active keys'
like 'for this reason' "$(ctl key show "$id" --json)" \
	'"revoked_reason":"found by scan in [^"]*history"'
is 'it is still found, revoked' "$(scan "$tree" --revoke --yes)" \
	"$tree/deep/er/history:2: $id, CRM Sync, acme, revoked"
long=$TMP/$(printf '%0200d' 0)
third=$(new_key long)
echo "$third" >"$long"
exits 'a file with a long name' 1 ctl key scan "$long" --revoke --yes
is 'revoked as well' "$(verdict "$third")" revoked

unlike 'no log has a token' "$(cat "$TMP/apikeyd.log")" "${token##*_}"

done_testing
