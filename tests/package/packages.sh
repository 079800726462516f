#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The Debian packages: built, found without fault by lintian, installed in a
# fresh system, used there, and purged.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/package/system.lib.sh
. "$top_srcdir/tests/package/system.lib.sh"

takes dpkg-buildpackage lintian mmdebstrap dh_apache2 unshare ip
build_packages
pass "the packages are built from what make dist packs"
is "of the version that configure has" \
	"$(dpkg-deb -f "$TMP"/packages/apikeyd_*.deb Version)" \
	"$("$APIKEYD" --version | sed 's/apikeyd //')"
is "lintian has nothing to say" \
	"$(lintian --allow-root "$TMP"/packages/*.changes 2>&1)" ""
is "and nothing was overridden" \
	"$(find "$top_srcdir/debian" -name '*lintian-overrides')" ""

# shellcheck disable=SC2046 # a list of words
make_root "$TMP/root" $(dependencies) apache2 curl pamtester

# inside COMMAND…: in the fresh system, with processes and a loopback of its
# own, which end with the command.
inside() {
	unshare --mount --net --pid --fork --kill-child sh -ec '
		ip link set lo up
		mount -t proc proc "$1/proc"
		root=$1
		shift
		exec chroot "$root" "$@"' sh "$TMP/root" \
		env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"
}

# Files, but for those that dpkg, ldconfig, useradd and a2enmod keep about all of
# them, and what does not outlive a boot.
files() {
	inside find / -xdev \( -path /proc -o -path /dev -o -path /run \
		-o -path /packages -o -path /var/lib/dpkg -o -path /var/cache \
		-o -path /var/log -o -path /var/lib/apache2/module \
		-o -path '/etc/sub?id-' -o -path /use -o -path /tmp \) -prune \
		-o -print | sort
}

files >"$TMP/before"
ok "they install" inside sh -c 'dpkg -i /packages/*.deb'
ok "and say what they are" inside sh -ec '
	apikeyd --version
	apikeyctl --version
	apikeyd --check-config
	ldconfig -p | grep -q libapikey.so.0
	getent passwd apikeyd
	getent group apikey'
ok "no PAM service takes API keys by that" inside sh -c \
	'! grep -r pam_apikey /etc/pam.d'

cat >"$TMP/root/use" <<'INSIDE'
set -eu
# As systemd would: sockets of root's, a daemon of its own user.
install -d -o apikeyd -g apikeyd -m 700 /var/lib/apikeyd
systemd-socket-activate -l /run/apikeyd/verify.sock \
	-l /run/apikeyd/admin.sock --fdname=verify:admin \
	setpriv --reuid apikeyd --regid apikeyd --init-groups \
	apikeyd 2>/tmp/apikeyd.log &
until grep -q 'admin.sock as ' /tmp/apikeyd.log; do :; done
chgrp apikey /run/apikeyd/verify.sock
chmod 660 /run/apikeyd/verify.sock
apikeyctl account create acme --status approved
apikeyctl product create api
apikeyctl product enable api --account acme
apikeyctl key create --account acme --product api --name Alice \
	--user alice >/tmp/token
apikeyctl key verify </tmp/token

useradd alice
pam-auth-update --enable apikey
grep pam_apikey /etc/pam.d/common-auth /etc/pam.d/common-account
echo 'ServerName localhost' >/etc/apache2/conf-enabled/name.conf
cat >/etc/apache2/conf-enabled/door.conf <<CONF
<Location "/">
	AuthType ApiKey
	AuthName api
	Require valid-user
</Location>
CONF
gpasswd -a www-data apikey
a2query -m authnz_apikey
a2dismod authnz_apikey
! a2query -m authnz_apikey
a2enmod authnz_apikey
apachectl configtest
apachectl start
curl -sf --retry-connrefused --retry 9 -o /dev/null \
	-H "Authorization: Bearer $(cat /tmp/token)" http://127.0.0.1/
[ "$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1/)" = 401 ]
rm /etc/apache2/conf-enabled/door.conf /etc/apache2/conf-enabled/name.conf
pamtester login alice authenticate acct_mgmt </tmp/token
! pamtester login alice authenticate </dev/null
pam-auth-update --disable apikey
! grep -r pam_apikey /etc/pam.d
rm -f /tmp/token /tmp/apikeyd.log
userdel -r alice 2>/dev/null || userdel alice
gpasswd -d www-data apikey
INSIDE
ok "they work: apikeyctl, httpd and PAM" inside sh /use

# shellcheck disable=SC2086 # a list of words
ok "removed, they leave the configuration" inside sh -ec "
	dpkg -r $PACKAGES
	test -f /etc/apikeyd/apikeyd.conf
	dpkg -i /packages/*.deb"
# shellcheck disable=SC2086 # a list of words
ok "they are purged" inside dpkg -P $PACKAGES
like "it is said what is kept" "$(cat "$TMP/output")" \
	"/var/lib/apikeyd .* is kept"
files >"$TMP/after"
is "what is left is what README.Debian names: the keys" \
	"$(diff "$TMP/before" "$TMP/after" | sed -n 's/^[<>] //p' |
		grep -v '^/var/lib/apikeyd/')" /var/lib/apikeyd
is "and the user and the group" \
	"$(inside cut -d : -f 1 /etc/passwd /etc/group | grep apikey | sort)" \
	"apikey
apikeyd
apikeyd"
done_testing
