#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What systemd.sh runs in the system that it boots. A line a result.
set -u

# check WHAT COMMAND…
check() {
	what=$1
	shift
	if "$@" >/tmp/said 2>&1; then
		echo "ok - $what"
	else
		code=$?
		echo "not ok - $what"
		{
			echo "=== $what: exit code $code of: $*"
			cat /tmp/said
			journalctl -q -n 15 --no-pager -o short-precise
		} >&2
	fi
}

not() {
	! "$@"
}

property() {
	systemctl show -P "$1" "${2:-apikeyd.service}"
}

verify() {
	[ "$(apikeyctl key verify </tmp/token | head -n 1)" = valid ]
}

# until_true COMMAND…: for half a minute at most.
until_true() {
	tries=300
	until "$@"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return
		sleep 0.1
	done
}

# logged PATTERN: by apikeyd, since its last start.
logged() {
	journalctl -q --no-pager -o cat \
		"_SYSTEMD_INVOCATION_ID=$(property InvocationID)" |
		grep -E "$1"
}

### Up

check "apikeyd is up" systemctl is-active apikeyd.service
check "so are its sockets and the timer" systemctl is-active \
	apikeyd-verify.socket apikeyd-admin.socket apikeyd-audit.timer
check "it is its own user's" [ "$(property User)" = apikeyd ]
check "verify.sock is for the group apikey" \
	[ "$(stat -c '%U %G %a' /run/apikeyd/verify.sock)" = 'root apikey 660' ]
check "admin.sock is for all" \
	[ "$(stat -c '%U %G %a' /run/apikeyd/admin.sock)" = 'root root 666' ]
check "the state directory is its own" \
	[ "$(stat -c '%U %G %a' /var/lib/apikeyd)" = 'apikeyd apikeyd 700' ]
{
	apikeyctl account create acme --status approved &&
		apikeyctl product create api &&
		apikeyctl product enable api --account acme &&
		apikeyctl key create --account acme --product api --name one \
			>/tmp/token
} >/tmp/said 2>&1
check "a key is made" [ -s /tmp/token ]
check "and verified" verify
id=$(sed 's/_[^_]*$//' /tmp/token)
check "what a key can do, it does: update" \
	apikeyctl key update "$id" --environment production
check "rotate" sh -c "apikeyctl key rotate $id >/tmp/token.new &&
	mv /tmp/token.new /tmp/token"
check "usage" apikeyctl key usage "$id"
check "an allow-list" apikeyctl key allow add "$id" 203.0.113.7 Office
check "a check of the store" apikeyctl store check
check "status" apikeyctl status
check "who is nobody may not ask (his uid is seen)" sh -c \
	'setpriv --reuid 61005 --clear-groups apikeyctl key list; [ $? -eq 4 ]'
check "nor for verdicts" sh -c 'setpriv --reuid 61005 --clear-groups \
	apikeyctl key verify </tmp/token; [ $? -ge 4 ]'
check "it has no capability, no network, no core" sh -c '
	pid=$(systemctl show -P MainPID apikeyd.service)
	grep -q "^CapBnd:.0000000000000000" /proc/$pid/status &&
		grep -q "^Seccomp:.2" /proc/$pid/status &&
		[ "$(wc -l </proc/$pid/net/dev)" -eq 3 ] &&
		grep -q "^Max core file size *0 *0 " /proc/$pid/limits'
check "the audit runs, and only reads" systemctl start apikeyd-audit.service

### What takes more than a verification: memory, threads, other system calls

printf 'four-one-two\n' >/tmp/pin
printf 'four-one-three\n' >/tmp/pin.wrong
bank() {
	apikeyctl key create --account acme --product bank --name two \
		--pin-file "$1" </dev/null >/tmp/bank.token 2>/tmp/bank.said
}
check "a product that takes a PIN" sh -c \
	'apikeyctl product create bank --require-pin &&
	apikeyctl product enable bank --account acme'
check "a PIN is set" apikeyctl operator set-pin --pin-file /tmp/pin
check "and taken" bank /tmp/pin
check "a wrong one is not" not bank /tmp/pin.wrong
check "(and it says how many are left)" grep -q "4 more" /tmp/bank.said
printf '{"account":"acme","product":"api","name":"old","sha256":"%s"}\n' \
	"$(printf %s legacy-token-0123 | sha256sum | cut -d ' ' -f 1)" \
	>/tmp/keys.json
check "keys of elsewhere are imported" apikeyctl key import /tmp/keys.json
check "and verified" sh -c \
	'echo legacy-token-0123 | apikeyctl key verify | grep -qx valid'
apikeyctl audit log --follow --json >/tmp/followed 2>&1 &
follower=$!
check "somebody follows the audit log" until_true grep -q CommitImport \
	/tmp/followed
check "a change" apikeyctl key disable "$id"
check "is told as it happens" until_true grep -q DisableKey /tmp/followed
check "(and undone)" apikeyctl key enable "$id"
kill "$follower"
check "the audit log holds" apikeyctl audit verify
check "a backup" apikeyctl store backup /tmp/store.backup

### Reload

echo 'log_level = "info"' >>/etc/apikeyd/apikeyd.conf
check "reload" systemctl reload apikeyd.service
check "is read" until_true logged 'configuration read again'
echo 'log_levle = "info"' >>/etc/apikeyd/apikeyd.conf
check "a bad configuration fails the reload" \
	not systemctl reload apikeyd.service
check "with file and line" logged \
	"/etc/apikeyd/apikeyd.conf:[0-9]+: no such option 'log_levle'"
check "and all goes on" verify
sed -i /log_lev/d /etc/apikeyd/apikeyd.conf

### The journal

echo 'log_verifications = "all"' >>/etc/apikeyd/apikeyd.conf
check "verifications are logged" systemctl reload apikeyd.service
verified_and_logged() {
	apikeyctl key verify --service httpd </tmp/token >/tmp/said &&
		journalctl -q --no-pager -o cat KEY_ID="$id" VERDICT=valid \
			SERVICE=httpd PRIORITY=5 -u apikeyd.service |
		grep "verification: valid, key $id, service httpd, uid 0"
}
check "and found by their fields" until_true verified_and_logged
sed -i /log_verif/d /etc/apikeyd/apikeyd.conf
systemctl reload apikeyd.service

### Restarts, while somebody always asks

# ask FILE: one after the other until FILE is there; what failed is in it.
ask() {
	failures=0 asked=0
	until [ -e /tmp/enough ]; do
		verify || failures=$((failures + 1))
		asked=$((asked + 1))
	done
	echo "$asked $failures" >"$1"
}

# under_load WHAT COMMAND…
under_load() {
	what=$1
	shift
	rm -f /tmp/enough /tmp/asked.*
	for asker in 1 2 3; do
		ask "/tmp/asked.$asker" 2>>/tmp/askers &
	done
	check "$what" "$@"
	: >/tmp/enough
	wait
	check "$what: no verification failed" \
		[ "$(awk '{ n += $2 } END { print n }' /tmp/asked.*)" = 0 ]
	check "(and there were some)" \
		[ "$(awk '{ n += $1 } END { print n }' /tmp/asked.*)" -gt 9 ]
}

# One after the other is up and answers: a client tries twice, not for ever.
three_restarts() {
	for _ in 1 2 3; do
		systemctl restart apikeyd.service && verify || return
	done
}

before=$(property MainPID)
under_load "three restarts" three_restarts
check "(it is another process)" [ "$(property MainPID)" != "$before" ]
before=$(property MainPID)
under_load "an upgrade" sh -c 'dpkg -i /packages/apikey*.deb'
check "brings another process" [ "$(property MainPID)" != "$before" ]

killed() {
	before=$(property MainPID)
	kill -KILL "$before"
	until_true verify
}
check "killed, it comes back by itself" killed
check "(as another process)" [ "$(property MainPID)" != "$before" ]

### Stop

check "it stops" systemctl stop apikeyd.service
check "in order" [ "$(property Result)" = success ]
check "its sockets do not" systemctl is-active apikeyd-verify.socket
check "whoever asks starts it" verify

### Watchdog

mkdir -p /etc/systemd/system/apikeyd.service.d
printf '[Service]\nWatchdogSec=2s\n' \
	>/etc/systemd/system/apikeyd.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart apikeyd.service

hangs() {
	restarts=$(property NRestarts)
	kill -STOP "$(property MainPID)"
	until_true sh -c "[ \$(systemctl show -P NRestarts \
		apikeyd.service) -gt $restarts ]"
}
check "one that hangs is restarted" hangs
check "and answers" until_true verify
rm /etc/systemd/system/apikeyd.service.d/watchdog.conf

### The master key as a credential

systemctl stop apikeyd.service
sed -n 's/^#     //p' \
	/usr/share/doc/apikeyd/master-key-credential.conf >/tmp/commands
check "an encrypted credential, as its file says" sh -ec "
	$(grep 'systemd-creds encrypt.*/master.key ' /tmp/commands)
	mv /var/lib/apikeyd/master.key /root
	cp /usr/share/doc/apikeyd/master-key-credential.conf \
		/etc/systemd/system/apikeyd.service.d/master-key.conf
	$(grep daemon-reload /tmp/commands)"
check "opens the store" verify
check "(there is no other key)" [ ! -e /var/lib/apikeyd/master.key ]
check "and its file is no plain text" \
	not grep -qi "$(cat /root/master.key)" /etc/apikeyd/master-key.cred

mv /etc/apikeyd/master-key.cred /root
check "without it, it does not start" \
	not systemctl restart apikeyd.service
check "and who asks has no answer" not verify
check "nor the next ones" not verify
check "but the sockets stay" systemctl is-active apikeyd-verify.socket \
	apikeyd-admin.socket
mv /root/master-key.cred /etc/apikeyd
check "and as soon as it is back, who asks is answered" until_true verify

# Rekeyed, as a service of its own that has both.
systemctl stop apikeyd.service
openssl rand -hex 32 >/root/new.key
check "a new master key" systemd-run --quiet --wait --pipe \
	-p User=apikeyd -p StateDirectory=apikeyd \
	-p LoadCredentialEncrypted=apikeyd.master-key:/etc/apikeyd/master-key.cred \
	-p LoadCredential=new:/root/new.key \
	sh -c 'apikeyd --rekey "$CREDENTIALS_DIRECTORY/new"'
systemd-creds encrypt --name=apikeyd.master-key /root/new.key \
	/etc/apikeyd/master-key.cred
check "as its credential" until_true verify

check "the journal has nothing of a denied call" \
	not journalctl -q -t apikeyd -g 'not permitted|Permission denied'
check "nor of a lost line" not journalctl -q -t apikeyd -g 'lines were lost'
echo end
