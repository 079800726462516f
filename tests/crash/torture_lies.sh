#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The torture test notices what it is there for: it is lied to about a key that
# is lost, an import that is half there, a revoked key that lives.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

# notices LIE DIFFERENCE: it fails, names the object, and keeps the directory.
notices() {
	code=0
	TMPDIR=$TMP TORTURE_LIE=$1 "$top_builddir/tests/crash/torture" \
		>"$TMP/output" 2>&1 || code=$?
	is "$1: it fails" "$code" 1
	like "and says of which object, and how" "$(cat "$TMP/output")" "$2"
	kept=$(sed -n 's/^# state, log: //p' "$TMP/output")
	ok "and the store is kept" test -s "$kept/state/keys.tdb"
	rm -rf "$kept"
}

# A change of the lost key may be what tells.
notices lost 'ak_[0-9A-Za-z]{12}: (token is unknown instead of valid|the key is missing)|refused: .*NotFound.*no such key: ak_[0-9A-Za-z]{12}'
notices half 'foreign-r[0-9]+-w[0-9]-[0-9]+-[0-9]+: token is malformed instead of valid|r[0-9]+-w[0-9]-[0-9]+-[0-9]+: the key is missing'
notices resurrected 'ak_[0-9A-Za-z]{12}: (token is [a-z_]+ instead of revoked|status (active|disabled) instead of revoked)'
done_testing
