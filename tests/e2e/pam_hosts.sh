#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# pam_apikey in sshd, sudo, dovecot and pamtester, with the configurations of
# pam_apikey(8) as they are printed there. All in a mount namespace: the
# machine's /etc, /run and PAM modules are seen through overlays that end with
# it.
# shellcheck disable=SC2154 # top_srcdir is set by make check
# shellcheck disable=SC2119,SC2317 # called with and without arguments, by name

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

if [ -z "${PAM_HOSTS_NAMESPACE-}" ]; then
	[ -n "${PAM_MODULE-}" ] || skip_all "built without PAM"
	[ "$(id -u)" -eq 0 ] || skip_all "sshd and sudo need root"
	unshare -m true 2>/dev/null || skip_all "no mount namespaces here"
	PAM_HOSTS_NAMESPACE=yes exec unshare -m /bin/sh "$0"
fi
unset PAM_HOSTS_NAMESPACE

# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/manual.lib.sh
. "$top_srcdir/tests/manual.lib.sh"

PATH=$(dirname "$APIKEYCTL"):$PATH:/usr/sbin:/sbin
MANUAL=plugins/pam/pam_apikey.8.scd

### The namespace

# over DIRECTORY: from here on it can be written to, and nobody else sees it.
over() {
	layer=$TMP/layers$1
	mkdir -p "$layer/upper" "$layer/work" &&
		mount -t overlay pam_hosts -o \
			"lowerdir=$1,upperdir=$layer/upper,workdir=$layer/work" "$1"
}

# Before $TMP is removed: what is mounted below it.
namespace_end() {
	umount -l "$TMP/layers"
}
trap 'status=$?; trap - EXIT; namespace_end; cleanup; exit "$status"' EXIT

namespace_begin() {
	for modules in /lib/*/security /lib/security /usr/lib64/security; do
		[ ! -e "$modules/pam_unix.so" ] || break
	done
	mkdir "$TMP/layers" &&
		mount -t tmpfs -o mode=700 pam_hosts "$TMP/layers" &&
		over /etc && over /run && over "$modules" &&
		cp "$PAM_MODULE" "$modules/pam_apikey.so" &&
		mkdir -p /run/apikeyd /run/sshd "$TMP/run" &&
		mount --bind "$TMP/run" /run/apikeyd
} >"$TMP/output" 2>&1

user_alice() {
	echo 'alice:x:61234:61234::/:/bin/sh' >>/etc/passwd &&
		echo 'alice:x:61234:' >>/etc/group &&
		echo 'alice:*:19000::::::' >>/etc/shadow &&
		echo 'alice:hunter2' | chpasswd -c SHA512
}

random_port() {
	echo $((10240 + $(od -An -N2 -tu2 /dev/urandom) % 20480))
}

# serving LOG WORDS PID: waits until the server says so.
serving() {
	until grep -q "$2" "$1" 2>/dev/null; do
		kill -0 "$3" 2>/dev/null || return 1
		sleep 0.05
	done
}

missing=
for tool in sshd ssh sshpass sudo dovecot pamtester curl; do
	command -v "$tool" >/dev/null || missing="$missing $tool"
done
namespace_begin || {
	diagnose <"$TMP/output"
	skip_all "no overlays here"
}
user_alice || give_up "no user alice"
start_apikeyd || give_up "apikeyd does not start"

### The keys

ctl account create acme --status approved >"$TMP/output" 2>&1
manual_example "$MANUAL" keys >"$TMP/keys.sh"
ok "the keys of the manual" sh -e "$TMP/keys.sh"
sed -n 's/.*\(ak_[A-Za-z0-9]\{12\}_[A-Za-z0-9]\{49\}\).*/\1/p' \
	"$TMP/output" >"$TMP/tokens"
is "are three" "$(grep -c . "$TMP/tokens")" 3
ssh_token=$(sed -n 1p "$TMP/tokens")
sudo_token=$(sed -n 2p "$TMP/tokens")
mail_token=$(sed -n 3p "$TMP/tokens")
# shellcheck disable=SC2034 # new_key reads them
SEED_ACCOUNT=acme SEED_PRODUCT=login

for service in sshd sudo dovecot lenient; do
	manual_example "$MANUAL" "pam.d/$service" >"/etc/pam.d/$service"
done

# needs TOOL...: or skips what a host is tested for.
needs() {
	for tool; do
		case $missing in
		*" $tool"*)
			skip "pam_apikey in $1" "no $tool"
			return 1
			;;
		esac
	done
}

### sshd

start_sshd() {
	ssh-keygen -q -t ed25519 -N '' -f "$TMP/host_key" || return
	manual_example "$MANUAL" sshd_config >"$TMP/sshd_example"
	for _ in 1 2 3 4 5 6 7 8; do
		SSH_PORT=$(random_port)
		cat >"$TMP/sshd_config" <<-END
			ListenAddress 127.0.0.1:$SSH_PORT
			HostKey $TMP/host_key
			PidFile none
			AuthorizedKeysFile none
			Include $TMP/sshd_example
		END
		"$(command -v sshd)" -D -e -f "$TMP/sshd_config" \
			2>"$TMP/sshd.log" &
		SSHD_PID=$!
		stop_at_end "$SSHD_PID"
		serving "$TMP/sshd.log" 'Server listening' "$SSHD_PID" && return
	done
	cat "$TMP/sshd.log"
	return 1
}

# login METHOD USER CREDENTIAL [COMMAND]
login() {
	prompt="assword"
	[ "$1" = password ] || prompt="API key"
	sshpass -p "$3" -P "$prompt" ssh -F none -p "$SSH_PORT" \
		-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
		-o LogLevel=ERROR -o PreferredAuthentications="$1" \
		-o NumberOfPasswordPrompts=1 -o PubkeyAuthentication=no \
		"$2@127.0.0.1" "${4-true}" 2>"$TMP/ssh.err"
}

# refused METHOD USER CREDENTIAL: by sshd, and for no other reason.
refused() {
	! login "$@" && grep -q 'Permission denied' "$TMP/ssh.err"
}

in_sshd() {
	if ! start_sshd >"$TMP/output" 2>&1; then
		fail "sshd starts" <"$TMP/output"
		return
	fi
	id=$(key_id "$ssh_token")
	for method in keyboard-interactive password; do
		# shellcheck disable=SC2016 # for the shell over there
		is "sshd, $method: the key's facts are in the session" \
			"$(login $method alice "$ssh_token" \
				'echo "$(id -un) $APIKEY_ID $APIKEY_ACCOUNT $APIKEY_PERMISSION"')" \
			"alice $id acme read"
		ok "sshd, $method: another user" refused $method root "$ssh_token"
		ok "sshd, $method: the password" refused $method alice hunter2
		ok "sshd, $method: a key for sudo" \
			refused $method alice "$sudo_token"
	done
	short=$(new_key Short --user alice --service sshd --expires 1s)
	until [ "$(verdict "$short" --user alice --service sshd)" = expired ]; do
		sleep 0.1
	done
	ok "sshd: an expired key" refused keyboard-interactive alice "$short"
	ok "sshd: a key for another address" refused password alice \
		"$(new_key Office --user alice --allow 203.0.113.7)"
	ok "sshd: a key for this address" login password alice \
		"$(new_key Here --user alice --allow 127.0.0.1)"
	ctl key revoke "$id" --yes >"$TMP/output" 2>&1
	ok "sshd: the key was revoked" \
		refused keyboard-interactive alice "$ssh_token"
	nok "no key in sshd's log" grep -qF "$ssh_token" "$TMP/sshd.log"
	stop_pid "$SSHD_PID"
}
! needs sshd ssh sshpass || in_sshd

### sudo

# as_root CREDENTIAL: alice does something as root.
as_root() {
	printf '%s\n' "$1" | setpriv --reuid=alice --regid=alice \
		--clear-groups env -i PATH="$PATH" sudo -k -S id -u \
		2>"$TMP/sudo.err"
}

in_sudo() {
	printf '%s\n' 'Defaults !lecture, passwd_tries=1' \
		'alice ALL=(root) ALL' >/etc/sudoers
	chmod 440 /etc/sudoers
	is "sudo: the key" "$(as_root "$sudo_token")" 0
	like "sudo asks as it is told" "$(cat "$TMP/sudo.err")" \
		'Password or API key: '
	is "sudo: the password" "$(as_root hunter2)" 0
	nok "sudo: neither" as_root hunter3
	nok "sudo: a key without the scope" \
		as_root "$(new_key Plain --user alice)"
	nok "sudo: nobody's key" as_root "$(new_key Nobody --scope sudo)"
	ctl account suspend acme >"$TMP/output" 2>&1
	nok "sudo: the account was suspended" as_root "$sudo_token"
	ctl account approve acme >"$TMP/output" 2>&1
	is "sudo: and approved again" "$(as_root "$sudo_token")" 0
}
! needs sudo || in_sudo

### dovecot

start_dovecot() {
	manual_example "$MANUAL" dovecot.conf >"$TMP/dovecot_example"
	mkdir -p /run/mail && chown alice /run/mail
	for _ in 1 2 3 4 5 6 7 8; do
		IMAP_PORT=$(random_port)
		cat >"$TMP/dovecot.conf" <<-END
			log_path = $TMP/dovecot.log
			protocols = imap
			listen = 127.0.0.1
			ssl = no
			disable_plaintext_auth = no
			auth_failure_delay = 0
			service anvil {
			  # Or it makes an address wait that fails often.
			  unix_listener anvil-auth-penalty {
			    mode = 0
			  }
			}
			mail_location = maildir:/run/mail
			service imap-login {
			  inet_listener imap {
			    port = $IMAP_PORT
			  }
			  inet_listener imaps {
			    port = 0
			  }
			}
			!include $TMP/dovecot_example
		END
		rm -f "$TMP/dovecot.log"
		dovecot -F -c "$TMP/dovecot.conf" >"$TMP/output" 2>&1 &
		DOVECOT_PID=$!
		stop_at_end "$DOVECOT_PID"
		serving "$TMP/dovecot.log" 'starting up' "$DOVECOT_PID" &&
			return
	done
	cat "$TMP/output" "$TMP/dovecot.log"
	return 1
}

# mail USER CREDENTIAL: its folders.
mail() {
	curl -sS --max-time 30 --user "$1:$2" "imap://127.0.0.1:$IMAP_PORT/"
}

in_dovecot() {
	if ! start_dovecot >"$TMP/dovecot.out" 2>&1; then
		fail "dovecot starts" <"$TMP/dovecot.out"
		return
	fi
	here=$(new_key Here --user alice --service dovecot --allow 127.0.0.1)
	ok "dovecot: a key for it and this address" mail alice "$here"
	like "dovecot: alice's folders" "$(cat "$TMP/output")" INBOX
	nok "dovecot: a key for another address" mail alice "$mail_token"
	nok "dovecot: a key for another service" mail alice "$sudo_token"
	nok "dovecot: another user" mail root "$here"
	nok "dovecot: the password" mail alice hunter2
	ctl key disable "$(key_id "$here")" >"$TMP/output" 2>&1
	nok "dovecot: disabled" mail alice "$here"
	ctl key enable "$(key_id "$here")" >"$TMP/output" 2>&1
	ok "dovecot: and enabled again" mail alice "$here"
	nok "no key in dovecot's log" grep -qF "$here" "$TMP/dovecot.log"
	stop_pid "$DOVECOT_PID"
}
! needs dovecot curl || in_dovecot

### pamtester

# tester SERVICE CREDENTIAL
tester() {
	printf '%s\n' "$2" | pamtester "$1" alice authenticate acct_mgmt
}

in_pamtester() {
	any=$(new_key Any --user alice)
	printf '%s\n' 'auth sufficient pam_unix.so' \
		'auth required pam_apikey.so try_first_pass' \
		'account required pam_unix.so' >/etc/pam.d/unix_first
	sed s/try_first/use_first/ /etc/pam.d/unix_first >/etc/pam.d/unix_only
	ok "after pam_unix: the password" tester unix_first hunter2
	ok "after pam_unix: the key in its place" tester unix_first "$any"
	ok "after pam_unix: the key when asked again" tester unix_first \
		"$(printf 'hunter3\n%s' "$any")"
	ok "use_first_pass: the key in its place" tester unix_only "$any"
	nok "use_first_pass: nobody is asked again" tester unix_only \
		"$(printf 'hunter3\n%s' "$any")"
	ok "pamtester: the key" tester sshd "$any"
	nok "pamtester: the password" tester sshd hunter2
	ok "a lenient stack: the key" tester lenient "$any"
	nok "a lenient stack: a password is no key" tester lenient hunter2
	stop_apikeyd
	nok "no daemon, no login" tester sshd "$any"
	ok "no daemon, a lenient stack: the password" tester lenient hunter2
	nok "no daemon, a lenient stack: another one" tester lenient hunter3
	ok "no daemon, sudo's stack: the password" tester sudo hunter2
}
! needs pamtester || in_pamtester

done_testing
