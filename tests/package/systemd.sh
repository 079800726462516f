#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The units, in a system that systemd has booted: start, stop, reload, watchdog,
# restarts and an upgrade that lose no verification, the master key as an
# encrypted credential.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/package/system.lib.sh
. "$top_srcdir/tests/package/system.lib.sh"

takes dpkg-buildpackage mmdebstrap dh_apache2 systemd-nspawn script
build_packages
# shellcheck disable=SC2046 # a list of words
make_root "$TMP/root" $(dependencies) systemd-sysv dbus openssl

cp "$top_srcdir/tests/package/booted.sh" "$TMP/root/booted.sh"
cat >"$TMP/root/etc/systemd/system/test.service" <<'END'
[Unit]
Wants=multi-user.target
After=multi-user.target
[Service]
Type=oneshot
ExecStart=-/bin/sh /booted.sh
StandardOutput=file:/results
StandardError=file:/diagnostics
ExecStopPost=/bin/systemctl --no-block poweroff
TimeoutStartSec=200s
[Install]
WantedBy=default.target
END
chroot "$TMP/root" sh -c 'dpkg -i /packages/apikey*.deb &&
	systemctl enable test.service' >"$TMP/output" 2>&1 ||
	give_up "the packages do not install: $(cat "$TMP/output")"

# It wants a terminal. --keep-unit: there may be no systemd out here. The
# capability: without it, it forbids mlock(2) whatever the limit.
timeout 300 script -qec "systemd-nspawn -q --register=no --keep-unit \
	--private-network --capability=CAP_IPC_LOCK -D '$TMP/root' -b" /dev/null \
	>"$TMP/boot.log" 2>&1 </dev/null
[ -s "$TMP/root/results" ] || {
	tail -n 20 "$TMP/boot.log" | diagnose
	skip_all "systemd does not boot here (see above)"
}

# result "ok" or "not ok", a dash, what it is about; or diagnostics.
while read -r line; do
	case $line in
	'ok - '*) pass "${line#ok - }" ;;
	'not ok - '*) fail "${line#not ok - }" "see the diagnostics below" ;;
	end) ended=yes ;;
	*) printf '%s\n' "$line" | diagnose ;;
	esac
done <"$TMP/root/results"
is "the script inside came to its end" "${ended-}" yes
[ "$TESTS_FAILED" -eq 0 ] || tail -n 60 "$TMP/root/diagnostics" | diagnose
done_testing
