#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# hmac keys: signed by us, by openssl and by PHP, verified by the daemon.

# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

start_apikeyd || give_up 'apikeyd did not start'
seed
token=$(new_key "Webhooks" --type hmac)
id=$(key_id "$token")
bearer=$(new_key "CRM Sync")
printf '%s\n' "$token" >"$TMP/token"
printf '%s\n' "$bearer" >"$TMP/bearer"
payload='{"user":"alice","id":7}'

# sign PAYLOAD [OPTION...]
sign() {
	text=$1
	shift
	printf '%s' "$text" | ctl key sign --token-file "$TMP/token" "$@"
}

# check PAYLOAD SIGNATURE [OPTION...]: of the key
check() {
	text=$1 signature=$2
	shift 2
	printf '%s' "$text" |
		ctl key verify-signature "$id" --signature "$signature" "$@"
}

# judge PAYLOAD SIGNATURE [OPTION...]: the verdict
judge() {
	check "$@" --json | sed -n 's/.*"verdict": *"\([a-z_]*\)".*/\1/p'
}

# --- a secret that signs
signature=$(sign "$payload")
like 'a signature is hexadecimal' "$signature" '^[0-9a-f]{64}$'
ok 'it is good' check "$payload" "$signature"
is 'as JSON' "$(sign "$payload" --json)" "{\"signature\":\"$signature\"}"
is '... with its timestamp' \
	"$(sign "$payload" --json --timestamp 1700000000)" \
	"{\"signature\":\"$(sign "$payload" --timestamp 1700000000)\",\"timestamp\":1700000000}"
is 'and says whose it is' "$(head -n 1 "$TMP/output")" valid
is 'another payload is not signed by it' \
	"$(judge "$payload " "$signature")" unknown
exits 'which is a refusal' 1 check "$payload." "$signature"
is 'an empty payload' "$(judge '' "$(sign '')")" valid
is 'upper case is not the same' \
	"$(judge "$payload" "$(echo "$signature" | tr a-f A-F)")" unknown
is 'too short' "$(judge "$payload" "${signature%?}")" unknown
is 'too long' "$(judge "$payload" "${signature}0")" unknown

if command -v openssl >/dev/null; then
	made=$(printf '%s' "$payload" | openssl dgst -sha256 -hmac "$token" |
		sed 's/.* //')
	is 'openssl signs as we do' "$made" "$signature"
	is 'openssl is believed' "$(judge "$payload" "$made")" valid
	now=$(date +%s)
	made=$(printf '%s' "$now.$payload" |
		openssl dgst -sha256 -hmac "$token" | sed 's/.* //')
	is 'openssl with a timestamp' \
		"$(judge "$payload" "$made" --timestamp "$now")" valid
else
	skip 'openssl signs as we do' 'no openssl'
fi
if command -v php >/dev/null; then
	made=$(P=$payload T=$token php -r \
		'echo hash_hmac("sha256", getenv("P"), getenv("T"));')
	is 'PHP signs as we do' "$made" "$signature"
	is 'PHP is believed' "$(judge "$payload" "$made")" valid
else
	skip 'PHP signs as we do' 'no php'
fi

# --- timestamps
now=$(date +%s)
stamped=$(sign "$payload" --timestamp "$now")
is 'with a timestamp' "$(judge "$payload" "$stamped" --timestamp "$now")" valid
is 'which is left out' "$(judge "$payload" "$stamped")" unknown
is 'which is another' \
	"$(judge "$payload" "$stamped" --timestamp $((now + 1)))" unknown
is 'which is not there' \
	"$(judge "$payload" "$signature" --timestamp "$now")" unknown
for age in 290 310 -290 -310; do
	then=$((now - age))
	want=valid
	case $age in *310) want=unknown ;; esac
	is "signed $age seconds ago" "$(judge "$payload" \
		"$(sign "$payload" --timestamp "$then")" \
		--timestamp "$then")" "$want"
done
exits 'no timestamp' 2 sign "$payload" --timestamp tomorrow
exits 'not as anybody prints it' 2 sign "$payload" --timestamp 0123

# --- limits
head -c 65536 /dev/zero | tr '\0' x >"$TMP/payload"
long=$(ctl key sign --token-file "$TMP/token" <"$TMP/payload")
code=0
ctl key verify-signature "$id" --signature "$long" <"$TMP/payload" \
	>"$TMP/output" 2>&1 || code=$?
is 'a payload of 64 KiB' "$code" 0
echo >>"$TMP/payload"
code=0
ctl key verify-signature "$id" --signature "$long" <"$TMP/payload" \
	>"$TMP/output" 2>&1 || code=$?
is 'a byte more' "$code" 2
like 'names the limit' "$(cat "$TMP/output")" 'at most 65536 bytes'
code=0
ctl key sign --token-file "$TMP/token" <"$TMP/payload" >"$TMP/output" 2>&1 ||
	code=$?
is 'nor is it signed' "$code" 2
exits 'a file without a token' 2 ctl key sign --token-file "$TMP/payload"
exits 'no such file' 2 ctl key sign --token-file "$TMP/nowhere"
like 'is named' "$(cat "$TMP/output")" '--token-file: .*/nowhere: No such file'
exits 'no file' 2 ctl key sign
exits 'no signature' 2 ctl key verify-signature "$id"

# --- one kind is never taken for another
is 'the token of an hmac key is no credential' "$(verdict "$token")" unknown
is 'a bearer key signs nothing' "$(printf '%s' "$payload" |
	ctl key verify-signature "$(key_id "$bearer")" --json --signature \
		"$(printf '%s' "$payload" |
			ctl key sign --token-file "$TMP/bearer")" || :)" \
	'{"verdict":"unknown"}'
exits 'a key stays what it is' 6 ctl key update "$id" --type bearer
is 'no such key' "$(printf '%s' "$payload" |
	ctl key verify-signature ak_0123456789ab --signature "$signature" \
		--json || :)" '{"verdict":"unknown"}'

# --- everything else is as with any key
is 'another account' "$(judge "$payload" "$signature" --account other)" \
	account_mismatch
is 'more than it may' "$(judge "$payload" "$signature" --permission write)" \
	permission_denied
ctl key disable "$id" >/dev/null
is 'disabled' "$(judge "$payload" "$signature")" disabled
ctl key enable "$id" >/dev/null
before=$(ctl key show "$id" --json)
like 'it has been used' "$before" '"last_used_at":"'
unlike 'no token is shown again' "$before" "${token##*_}"
exits 'nor revealed' 6 ctl key reveal "$id"

# --- a rotation: the old secret signs until its overlap ends; a restart
# changes nothing
new=$(ctl key rotate "$id" --overlap 1h 2>/dev/null)
printf '%s\n' "$new" >"$TMP/token"
newer=$(sign "$payload")
is 'the new secret signs' "$(judge "$payload" "$newer")" valid
is 'the old one, too' "$(judge "$payload" "$signature")" valid
kill_apikeyd
start_apikeyd || give_up 'apikeyd did not start again'
is 'after a kill: the new' "$(judge "$payload" "$newer")" valid
is 'after a kill: the old' "$(judge "$payload" "$signature")" valid
ctl key rotate "$id" >"$TMP/token" 2>/dev/null
is 'an end without overlap: the old' "$(judge "$payload" "$signature")" unknown
is 'the one in between' "$(judge "$payload" "$newer")" unknown
is 'the newest' "$(judge "$payload" "$(sign "$payload")")" valid

# --- the setting
stop_apikeyd
echo 'signature_window = 10s' >"$TMP/apikeyd.conf"
start_apikeyd --config "$TMP/apikeyd.conf" || give_up 'no start with a setting'
then=$(($(date +%s) - 60))
is 'a window of ten seconds' "$(judge "$payload" \
	"$(sign "$payload" --timestamp "$then")" --timestamp "$then")" unknown

# --- on disk and in the log it is not to be read
for text in "${token##*_}" "${new##*_}"; do
	is 'the secret is in no file of the daemon' \
		"$(grep -rlaF -e "$text" "$TMP/state" "$TMP/apikeyd.log" |
			xargs)" ''
done

done_testing
