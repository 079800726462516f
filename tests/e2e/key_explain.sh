#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# key explain: what a verification would come to, and why; nothing is spent.

# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

start_apikeyd || give_up 'apikeyd did not start'
seed
token=$(new_key "CRM Sync" --rate 2/1h --allow 203.0.113.0/24 --scope a:b)
id=$(key_id "$token")

# explain TOKEN [OPTION...]
explain() {
	given=$1
	shift
	printf '%s\n' "$given" | ctl key explain "$@"
}

# member NAME TOKEN [OPTION...]: "verdict", "next" or "reason"
member() {
	name=$1
	shift
	explain "$@" --json |
		sed -n "s/.*\"$name\": *\"\{0,1\}\([a-z_]*\).*/\1/p"
}

# failing TOKEN [OPTION...]: the checks that fail
failing() {
	explain "$@" --json | tr '{' '\n' |
		sed -n 's/^"check":"\([a-z_]*\)".*"passed":false.*/\1/p' | xargs
}

ok 'a key that would be let in' explain "$token" --address 203.0.113.7
is 'says so' "$(head -n 1 "$TMP/output")" valid
is 'no check fails' "$(failing "$token" --address 203.0.113.7)" ''
exits 'one that would not' 1 explain "$token"
is 'what decides' "$(member verdict "$token")" address_denied
is 'nothing after it' "$(member next "$token")" null
is 'what decides, of several' "$(member verdict "$token" --account other \
	--permission write)" account_mismatch
is 'what would fail next' "$(member next "$token" --account other \
	--permission write)" permission_denied
is 'all that fails' "$(failing "$token" --account other --permission write \
	--user alice)" \
	'account_mismatch user_mismatch permission_denied address_denied'
like 'a table for people' "$(explain "$token" --account other || :)" \
	'^account_mismatch +FAILS'

# --- nothing is spent, nothing counted, nothing noted
n=0
while [ "$n" -lt 5 ]; do
	explain "$token" --address 203.0.113.7 >/dev/null
	n=$((n + 1))
done
like 'last use is none' "$(ctl key show "$id" --json)" '"last_used_at":null'
like 'nothing is counted' "$(ctl status --json)" '"verifications": *0,'
is 'the first call of the rate' \
	"$(verdict "$token" --address 203.0.113.7)" valid
is 'the second' "$(verdict "$token" --address 203.0.113.7)" valid
is 'a third is foreseen' \
	"$(member verdict "$token" --address 203.0.113.7)" rate_limited
is 'and comes to that' \
	"$(verdict "$token" --address 203.0.113.7)" rate_limited

# --- always what verify says
# agree DESCRIPTION [OPTION...]
agree() {
	description=$1
	shift
	is "$description" "$(member verdict "$token" "$@")" \
		"$(verdict "$token" "$@")"
}
ctl key update "$id" --rate none --service httpd >/dev/null
agree 'no service' --address 203.0.113.7
agree 'the service' --address 203.0.113.7 --service httpd
agree 'a scope' --address 203.0.113.7 --service httpd --scope a:b
agree 'another scope' --address 203.0.113.7 --service httpd --scope a:c
agree 'another product' --product other
ctl account suspend acme >/dev/null
agree 'a suspended account'
ctl account approve acme >/dev/null
ctl key disable "$id" >/dev/null
agree 'disabled'
ctl key revoke "$id" --yes >/dev/null
agree 'revoked'
is 'revoked is not disabled, too' \
	"$(failing "$token" --address 203.0.113.7 --service httpd)" revoked

# --- without the secret nothing is told
is 'mistyped' "$(failing "${token%?}~")" malformed
is 'why' "$(member reason "${token%????}")" truncated
is 'not text' "$(member verdict "$(printf 'a\377b')")" malformed
is 'nothing' "$(member verdict '')" malformed
ctl key rotate "$(key_id "$(new_key two | tee "$TMP/old")")" >/dev/null 2>&1
is 'a secret of before' "$(failing "$(cat "$TMP/old")")" unknown
unlike 'of which nothing is said' \
	"$(explain "$(cat "$TMP/old")" --json || :)" '"id":"'
rm "$TMP/old"
is "an hmac key's token" "$(member verdict "$(new_key Hook --type hmac)")" \
	unknown
unlike 'no log has a token' "$(cat "$TMP/apikeyd.log")" "${token##*_}"

done_testing
