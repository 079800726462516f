#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What a key has to be and where it may be used: accounts, products,
# permissions, addresses, kinds.
#
# shellcheck disable=SC2119,SC2154,SC2317 # run_features calls by name

. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/features.lib.sh
. "$top_srcdir/tests/features.lib.sh"

start_apikeyd || give_up "apikeyd does not start"
seed

# lookup ID: what it says to whoever may ask for verdicts.
lookup() {
	"$top_builddir/tests/tools/lookup" "$APIKEYD_VERIFY_SOCKET" "$1"
}

P1() {
	must ctl account create newcomer
	must ctl product enable appointments --account newcomer
	must_be "at first" "$(ctl account show newcomer --json |
		grep -o '"status":"[a-z]*"')" '"status":"pending"'
	SEED_ACCOUNT=newcomer
	must_exit 6 new_key early
	must ctl key create --account acme --product appointments --name other
	must ctl account approve newcomer
	token=$(new_key later)
	SEED_ACCOUNT=acme
	must_be "approved" "$(verdict "$token")" valid
	must ctl account suspend newcomer
	must_be "suspended" "$(verdict "$token")" account_inactive
}

P2() {
	must ctl product create billing
	SEED_PRODUCT=billing
	must_exit 6 new_key early
	must ctl product enable billing --account acme
	token=$(new_key later)
	SEED_PRODUCT=appointments
	must_be "enabled" "$(verdict "$token")" valid
	must ctl product disable billing --account acme
	must_be "disabled again" "$(verdict "$token")" product_disabled
}

P3() {
	first=$(new_key first)
	second=$(new_key second)
	must_be "two keys" "$(verdict "$first") $(verdict "$second")" \
		"valid valid"
	must_be "for their product" \
		"$(verdict "$first" --product appointments)" valid
	must_be "for another" "$(verdict "$first" --product other)" \
		product_mismatch
}

R2() {
	reader=$(new_key reader --permission read)
	writer=$(new_key writer --permission write)
	must_be "a reader" "$(verdict "$reader" --permission read) $(verdict \
		"$reader" --permission write)" "valid permission_denied"
	must_be "a writer" "$(verdict "$writer" --permission read) $(verdict \
		"$writer" --permission write)" "valid valid"
}

T11() {
	token=$(new_key switched)
	id=$(key_id "$token")
	must_have "at first" "$(ctl key show "$id" --json)" \
		'"allowlist":\{"enabled":false,"entries":\[\]\}'
	must ctl key allow add "$id" 203.0.113.7
	must_be "off" "$(verdict "$token" --address 198.51.100.1)" valid
	must ctl key allow on "$id"
	must_be "on" "$(verdict "$token" --address 198.51.100.1)" \
		address_denied
	must ctl key allow off "$id"
	must_be "off again" "$(verdict "$token" --address 198.51.100.1)" valid
	must_have "its entries are kept" "$(ctl key show "$id" --json)" \
		'"cidr":"203.0.113.7/32"'
}

T12() {
	id=$(key_id "$(new_key labelled)")
	must ctl key allow add "$id" 203.0.113.7 "Office Server"
	must ctl key allow add "$id" 2001:db8::/32 "Büro"
	must_have "the first" "$(ctl key show "$id")" \
		'203\.0\.113\.7/32  Office Server$'
	must_have "the second" "$(ctl key show "$id")" '2001:db8::/32  Büro$'
	must ctl key allow remove "$id" 203.0.113.7
	must_lack "after its removal" "$(ctl key show "$id")" Office
	must_have "the other stays" "$(ctl key show "$id")" '2001:db8::/32'
}

B1() {
	token=$(new_key public)
	id=$(key_id "$token")
	must_be "what it says" "$(lookup "$id")" \
		"bearer acme appointments active"
	must_be "as a credential" "$(verdict "$id")" malformed
	other=$(new_key "another")
	must_be "with another's secret" \
		"$(verdict "${id}_${other##*_}")" malformed
	must ctl key revoke "$id" --yes
	must_be "of a revoked one" "$(lookup "$id")" \
		"bearer acme appointments inactive"
	must_be "of none" "$(lookup ak_0123456789ab)" unknown
}

# sign TOKEN PAYLOAD
sign() {
	echo "$1" >"$TMP/token"
	printf %s "$2" | ctl key sign --token-file "$TMP/token"
}

# judge ID PAYLOAD SIGNATURE: the verdict
judge() {
	printf %s "$2" | ctl key verify-signature "$1" --signature "$3" |
		head -n 1
}

B2() {
	token=$(new_key signer --type hmac)
	id=$(key_id "$token")
	payload='{"user_id":42,"email":"a@example.org"}'
	signature=$(sign "$token" "$payload")
	must_be "its payload" "$(judge "$id" "$payload" "$signature")" valid
	must_be "another" "$(judge "$id" "$payload " "$signature")" unknown
	must_be "another's key" "$(judge "$id" "$payload" \
		"$(sign "$(new_key other --type hmac)" "$payload")")" unknown
	command -v openssl >"$TMP/said" || return 0
	must_be "openssl's" "$(printf %s "$payload" |
		openssl dgst -sha256 -hmac "$token" | sed 's/.* //')" \
		"$signature"
}

B3() {
	signer=$(new_key signer --type hmac)
	bearer=$(new_key bearer)
	must_be "an hmac key as bearer" "$(verdict "$signer")" unknown
	must_be "a bearer key signs" "$(judge "$(key_id "$bearer")" text \
		"$(sign "$bearer" text)")" unknown
	must_be "a signature as token" \
		"$(verdict "$(sign "$signer" text)")" malformed
	must_be "each as it is" "$(verdict "$bearer") $(judge \
		"$(key_id "$signer")" text "$(sign "$signer" text)")" \
		"valid valid"
}

run_features
done_testing
