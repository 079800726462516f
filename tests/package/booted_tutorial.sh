#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What tutorial.sh runs in the system that it boots. A line a result.
set -u
export HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
PACKAGES="apikeyctl apikeyd libapache2-mod-authnz-apikey libapikey-dev"
PACKAGES="$PACKAGES libapikey0 libpam-apikey"

# result DESCRIPTION COMMAND…
result() {
	what=$1
	shift
	if "$@" >/tmp/said 2>&1; then
		echo "ok - $what"
	else
		echo "not ok - $what"
		cat /tmp/said >&2
	fi
}

# Files of ours: by their names, and by who owns them.
ours() {
	find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp \
		-o -path /root -o -path /var/log -o -path /var/cache \
		-o -path /var/lib/dpkg -o -path /var/lib/systemd/deb-systemd-helper-masked \
		\) -prune -o \( -name '*apikey*' -o -user apikeyd -o -group apikey \) \
		-print | sort
}

cp /varlink /tmp
sh /follow.sh /tutorial /instead.txt 2>&1
cd /root || exit

# What the tutorial itself has made, its reader removes.
a2disconf -q -p apikey >&2
rm -f /etc/apache2/conf-available/apikey.conf \
	/etc/ssh/sshd_config.d/apikey.conf
# shellcheck disable=SC2086 # a list of words
result "apt purge" apt purge $PACKAGES
cp /tmp/said /tmp/purged
result "says that the keys are kept" \
	grep -q '/var/lib/apikeyd .* is kept' /tmp/purged
result "apikeyd has ended" sh -c '! cat /proc/[0-9]*/comm | grep -qx apikeyd'
result "its sockets are gone" [ ! -e /run/apikeyd ]
result "nor is there a unit" sh -c \
	'[ -z "$(systemctl list-unit-files -q "apikeyd*")" ]'
ours | grep -v '^/var/lib/apikeyd/' >/tmp/left
echo /var/lib/apikeyd >/tmp/expected
result "what is left is what the manual says" diff /tmp/expected /tmp/left
result "the last of it goes as README.Debian says" sh -ec '
	rm -r /var/lib/apikeyd
	! [ -e /etc/apikeyd ] || rm -r /etc/apikeyd
	userdel apikeyd
	groupdel apikey'
result "and nothing is left" sh -c \
	'! getent passwd apikeyd && ! getent group apikeyd apikey'

# Installed once more, and run and removed as apikeyd-operations(7) says.
result "apt install, once more" apt install ./*.deb
rm -f crm.token
sh /follow.sh /operations /instead.txt 2>&1
ours >/tmp/left
result "removed as the manual says, nothing is left" diff /dev/null /tmp/left
echo end
