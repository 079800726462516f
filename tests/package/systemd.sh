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
chroot "$TMP/root" sh -c 'dpkg -i /packages/apikey*.deb' >"$TMP/output" 2>&1 ||
	give_up "the packages do not install: $(cat "$TMP/output")"
boot "$TMP/root" "$top_srcdir/tests/package/booted.sh" 200
done_testing
