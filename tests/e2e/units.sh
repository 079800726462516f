#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The units: systemd has no complaint, and little is open to what they run.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

command -v systemd-analyze >"$TMP/output" || skip_all "no systemd-analyze"

# As make left them, but with programs that are there: what is not yet
# installed is no mistake of the unit's.
mkdir "$TMP/units"
cp "$top_srcdir"/systemd/*.socket "$top_srcdir"/systemd/*.timer "$TMP/units"
for unit in "$top_builddir"/systemd/*.service; do
	sed "s|=/[^ ]*/apikeyd |=$APIKEYD |; s|=/[^ ]*/apikeyd\$|=$APIKEYD|
		s|=/[^ ]*/apikeyctl |=$APIKEYCTL |" "$unit" \
		>"$TMP/units/${unit##*/}"
done

# It exits with 0 whatever a unit holds, so what it prints is the verdict.
# Manual pages are found where they are installed.
verify_units() {
	systemd-analyze verify --man=no "$1"/* 2>&1
}

is "systemd has nothing to say about the units" \
	"$(verify_units "$TMP/units")" ""

mkdir "$TMP/wrong"
cp "$TMP/units"/* "$TMP/wrong"
sed -i 's/^ProtectHome=/ProtectHomes=/' "$TMP/wrong/apikeyd.service"
like "(it would: of a setting that it does not know)" \
	"$(verify_units "$TMP/wrong")" "apikeyd.service.*ProtectHomes"

for unit in "$TMP"/units/*.service; do
	name=${unit##*/}
	# --threshold is in tenths.
	ok "$name: an exposure of 0.5 at most" systemd-analyze security \
		--offline=true --threshold=5 --no-pager "$unit"
	unlike "$name: peers' uids are seen as they are" "$(cat "$unit")" \
		"^PrivateUsers=(yes|true|1|on|self)"
done
nok "(it would be too much for a lower bound)" systemd-analyze security --offline=true \
	--threshold=0 --no-pager "$TMP/units/apikeyd.service"

for setting in FileDescriptorName=verify SocketGroup=apikey SocketMode=0660; do
	like "verify.socket has $setting" \
		"$(cat "$TMP/units/apikeyd-verify.socket")" "^$setting\$"
done
for setting in FileDescriptorName=admin SocketMode=0666; do
	like "admin.socket has $setting" \
		"$(cat "$TMP/units/apikeyd-admin.socket")" "^$setting\$"
done
like "the audit comes each quarter" \
	"$(systemd-analyze calendar --iterations=4 quarterly)" '-10-01 00:00:00'
done_testing
