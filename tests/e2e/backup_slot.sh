#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# One backup is made at a time. Who asks for one and does not read it has the
# place until the time for a request is over, and no longer.
# shellcheck disable=SC2119 # no arguments
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

# More than sockets and pipes hold.
KEYS=8000

echo 'request_timeout = "1s"' >"$TMP/short.conf"
start_apikeyd --config "$TMP/short.conf" || give_up "apikeyd does not start"
seed
i=0
while [ "$i" -lt "$KEYS" ]; do
	printf '{"account":"acme","product":"appointments","name":"k%d","sha256":"%064d"}\n' \
		"$i" "$i"
	i=$((i + 1))
done >"$TMP/keys"
ctl key import "$TMP/keys" >"$TMP/output" || give_up "the import failed"

# take FILE: a backup, read once somebody writes to $TMP/go.
mkfifo "$TMP/go"
{
	code=0
	"$APIKEYCTL" store backup - 2>"$TMP/said" || code=$?
	echo "$code" >"$TMP/code"
} | {
	read -r _ <"$TMP/go"
	cat >"$TMP/slow"
} &
slow=$!
stop_at_end "$slow"
# shellcheck disable=SC2317 # run by await
is_under_way() {
	grep -q '"method":"BackupStore".*"done"' "$TMP/state/audit.log"
}
await is_under_way || give_up "no backup is begun"
exits "another one is refused" 6 ctl store backup "$TMP/second"
like "... for that" "$(cat "$TMP/output")" "another backup is being made"
ok "others are answered" ctl account list
ok "the place is given back" await ctl store backup "$TMP/third"
nok "(the first is not read yet)" [ -e "$TMP/slow" ]
echo >"$TMP/go"
"$READY" --exit "$PATIENCE" "$slow"
is "its reader is told that there was no more" "$(cat "$TMP/code")" 5
like "... in words" "$(cat "$TMP/said")" "closed the connection"
stop_apikeyd
ok "the third can be restored" "$APIKEYD" --config "$TMP/short.conf" \
	--state-directory "$TMP/state" --restore "$TMP/third"
nok "the first cannot" "$APIKEYD" --config "$TMP/short.conf" \
	--state-directory "$TMP/state" --restore "$TMP/slow"
done_testing
