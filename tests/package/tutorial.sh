#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The tutorial to the letter, from apt install ./*.deb, in a fresh system that
# systemd has booted; then apt purge, and what is left behind; then the same with
# apikeyd-operations(7). What is not run as it stands is in
# tests/package/instead.txt, with the reason.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/package/system.lib.sh
. "$top_srcdir/tests/package/system.lib.sh"

takes dpkg-buildpackage mmdebstrap dh_apache2 systemd-nspawn script
build_packages
docs=$top_srcdir/tests/docs
root=$TMP/root
make_root "$root" systemd-sysv dbus apt sshpass iproute2

# Without the questions whether a program is there: the pages install it.
for page in tutorial operations; do
	awk -f "$docs/steps.awk" "$top_srcdir/daemon/apikeyd-$page.7.scd" \
		>"$TMP/$page" || give_up "there are no steps in $page"
	grep -v '^needs ' "$TMP/$page" >"$root/$page"
done
cp "$docs/follow.sh" "$top_srcdir/tests/package/instead.txt" \
	"$top_builddir/tests/varlink" "$root"
mv "$root"/packages/*.deb "$root/root"
# As an installer leaves it.
echo '127.0.0.1 localhost' >"$root/etc/hosts"
# Who sits there says yes.
echo 'APT::Get::Assume-Yes "true";' >"$root/etc/apt/apt.conf.d/yes"

# What apt is going to fetch, since there is no network when it has booted.
wanted=$(sed -n "s/^run root 'apt install \([a-z].*\)' .*/\1/p" "$TMP/tutorial" |
	tr '\n' ' ')
cp /etc/resolv.conf "$root/etc/resolv.conf"
# shellcheck disable=SC2016,SC2086 # the shell inside; a list of words
chroot "$root" sh -c 'cd /root && apt-get -q update && apt-get -q install \
	--download-only ./*.deb "$@"' sh $wanted >"$TMP/fetched" 2>&1 || {
	tail -n 20 "$TMP/fetched" | diagnose
	skip_all "no packages to be had (see above)"
}
boot "$root" "$top_srcdir/tests/package/booted_tutorial.sh" 400
done_testing
