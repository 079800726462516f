#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Class 11: a revocation that is seen late. Whatever takes a key's access away,
# from its acknowledgement on not one of many verifications is valid, on a
# connection of before as on a new one, and neither after a kill. Doors keep no
# verdicts: class21_phases.sh counts a verification for each request.
#
#   REVOKED_ASKED   verifications after each change (20000)
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

crowd=$top_builddir/tests/hostile/crowd
asked=${REVOKED_ASKED:-20000}

# shellcheck disable=SC2119 # without arguments
start_apikeyd || give_up "apikeyd does not start"
seed
key=$(new_key first)
other=$(new_key other)
id=$(key_id "$key")

# A connection that is there all along, asking without a pause: it ends at the
# first verdict that is not valid.
"$crowd" calm "$APIKEYD_VERIFY_SOCKET" 10000000 "$key" \
	>"$TMP/output.before" 2>&1 &
before=$!
stop_at_end "$before"

# all VERDICT [TOKEN]
all() {
	ok "... then each is $1" "$crowd" calm "$APIKEYD_VERIFY_SOCKET" \
		"$asked" "${2:-$key}" "$1"
}

all valid
ok "disable" ctl key disable "$id"
all disabled
nok "on a connection of before, too" wait "$before"
like "where it was the verdict that changed" \
	"$(cat "$TMP/output.before")" "another verdict"
ok "enable" ctl key enable "$id"
all valid
ok "suspend the account" ctl account suspend "$SEED_ACCOUNT"
all account_inactive
all account_inactive "$other"
ok "approve it" ctl account approve "$SEED_ACCOUNT"
ok "disable the product" ctl product disable "$SEED_PRODUCT" \
	--account "$SEED_ACCOUNT"
all product_disabled
ok "enable it" ctl product enable "$SEED_PRODUCT" --account "$SEED_ACCOUNT"
ok "an allow-list" ctl key allow add "$id" 192.0.2.0/24
ok "which counts" ctl key allow on "$id"
all address_denied
ok "counts no more" ctl key allow off "$id"
new=$(ctl key rotate "$id" 2>"$TMP/output")
all unknown
all valid "$new"
key=$new
ok "revoke" ctl key revoke "$id" --yes
all revoked
kill_apikeyd
# shellcheck disable=SC2119 # without arguments
ok "killed, and started again" start_apikeyd
all revoked
ok "delete" ctl key delete "$id" --yes
all unknown
all valid "$other"
ok "SIGTERM ends it with 0" stop_apikeyd
done_testing
