#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Recoverable products: their tokens are told again, and no others.

# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

start_apikeyd || give_up 'apikeyd did not start'
seed
plain=$(new_key "CRM Sync")
plain_id=$(key_id "$plain")
ctl product create vault --recoverable >/dev/null
ctl product enable vault --account acme >/dev/null
SEED_PRODUCT=vault
token=$(new_key "Payments")
id=$(key_id "$token")

# reveal ID: what is on stdout
reveal() {
	ctl key reveal "$1" 2>>"$TMP/said"
}

like 'a product says what it is' "$(ctl product show vault --json)" \
	'"recoverable":true'
is 'the token once more' "$(reveal "$id")" "$token"
is 'as often as one likes' "$(reveal "$id")" "$token"
like 'as JSON' "$(ctl key reveal "$id" --json)" "\"token\":\"$token\""
exits 'of another product it is not told' 6 ctl key reveal "$plain_id"
like 'and what to do is' "$(cat "$TMP/output")" \
	"not recoverable.*apikeyctl key rotate $plain_id"
exits 'no such key' 3 ctl key reveal ak_0123456789ab
for each in "$id" "$plain_id"; do
	unlike 'nothing else prints a token' \
		"$(ctl key show "$each" --json; ctl key list --json
		ctl key update "$each" --name Other --json)" '"token"'
done

# --- one whose token was made elsewhere
printf '{"account":"acme","product":"vault","name":"Old","sha256":"%s"}\n' \
	"$(printf %s an-older-token-0123456789 | sha256sum | cut -d' ' -f1)" |
	ctl key import - >"$TMP/output" 2>&1
foreign=$(ctl key list --json | tr '{' '\n' |
	sed -n 's/.*"id":"\([^"]*\)".*"name":"Old".*/\1/p')
exits 'of an imported key it is not there to be told' 6 \
	ctl key reveal "$foreign"
like 'and what to do is' "$(cat "$TMP/output")" \
	"imported, without its token.*apikeyctl key rotate $foreign"

# --- the newest, after a rotation; and after a kill
new=$(ctl key rotate "$id" --overlap 1h 2>/dev/null)
is 'the old token holds on' "$(verdict "$token")" valid
is 'the new one is revealed' "$(reveal "$id")" "$new"
kill_apikeyd
start_apikeyd || give_up 'apikeyd did not start again'
is 'after a kill, too' "$(reveal "$id")" "$new"
is 'an hmac key of it' "$(reveal "$(key_id "$(new_key Hook --type hmac |
	tee "$TMP/hook")")")" "$(cat "$TMP/hook")"
rm "$TMP/hook"

# --- who may
if [ "$(id -u)" -eq 0 ]; then
	chmod a+x "$TMP" "$TMP/run"
	exits 'nobody else' 4 setpriv --reuid 65534 --regid 65534 \
		--clear-groups "$APIKEYCTL" key reveal "$id"
	unlike 'nothing is said to them' "$(cat "$TMP/output")" "${new##*_}"
else
	skip 'nobody else' 'not root'
fi

# --- sealed at rest, and noted
for text in "${token##*_}" "${new##*_}"; do
	is 'the secret is in no file of the daemon' \
		"$(grep -rlaF -e "$text" "$TMP/state" "$TMP/apikeyd.log" |
			xargs)" ''
done
ok 'the log says who had it revealed' grep -q \
	"token of key $id revealed to uid $(id -u)" "$TMP/apikeyd.log"

done_testing
