#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A token is said once, to who made it, and stands nowhere else: not in a
# file, a log, an error, a command line, an environment, a core.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

memscan=$top_builddir/tests/tools/memscan

# shellcheck disable=SC3045 # where it is not known, cores are off anyway
ulimit -c unlimited 2>/dev/null || true
echo 'log_level = debug' >"$TMP/apikeyd.conf"
start_apikeyd --config "$TMP/apikeyd.conf" || give_up "apikeyd does not start"
seed acme
: >"$TMP/said"

# quiet COMMAND...: what it prints must not hold a secret.
quiet() {
	"$@" >>"$TMP/said" 2>&1 || :
}

# Not in $TMP, where everything is searched: in variables.
first=$(new_key first)
second=$(new_key second --user alice --scope one:read)
id=$(key_id "$second")
rotated=$(ctl key rotate "$id" --overlap 1h 2>>"$TMP/said")
hook=$(new_key hook --type hmac)
quiet ctl product create vault --recoverable
quiet ctl product enable vault --account acme
SEED_PRODUCT=vault
vaulted=$(new_key vaulted)
tokens="$first $second $rotated $hook $vaulted"

# Those that are kept sealed are unsealed for a moment.
is "(a token is revealed)" "$(ctl key reveal "$(key_id "$vaulted")")" "$vaulted"
signature=$(echo hello | ctl key sign --token-file /dev/fd/3 3<<END
$hook
END
)
is "(a signature is verified)" "$(echo hello | ctl key verify-signature \
	"$(key_id "$hook")" --signature "$signature" | head -n 1)" valid
quiet ctl key reveal "$(key_id "$hook")"

for token in $tokens; do
	secret=${token##*_}
	# Right, and wrong in every way.
	for offered in "$token" "${token%?}" "${token%?}~" \
		"$(key_id "$first")_$secret" "x$token" "$secret"; do
		quiet verify "$offered"
		quiet verify "$offered" --json --account other
		printf '%s\n' "$offered" | quiet ctl key explain
	done
	# Where a key's ID is wanted, people paste the token.
	quiet ctl key show "$token"
	quiet ctl key revoke "$token" --yes
	quiet ctl --json key disable "$token"
done
if [ -n "${PAM_MODULE-}" ] && [ -x "$top_builddir/tests/e2e/pam_driver" ]; then
	mkdir "$TMP/pam.d"
	echo "auth required $PAM_MODULE socket=$APIKEYD_VERIFY_SOCKET debug" \
		>"$TMP/pam.d/login"
	printf '%s\n' "$rotated" |
		quiet "$top_builddir/tests/e2e/pam_driver" "$TMP/pam.d" login \
			alice authenticate
fi

# Somebody who waits with a token in hand: its command line and environment.
mkfifo "$TMP/hold"
"$APIKEYCTL" key verify <"$TMP/hold" >>"$TMP/said" 2>&1 &
holder=$!
stop_at_end "$holder"
exec 3>"$TMP/hold"
printf '%s' "$first" >&3
for pid in "$holder" "$APIKEYD_PID"; do
	for file in cmdline environ; do
		tr '\0' '\n' <"/proc/$pid/$file" >>"$TMP/seen" 2>/dev/null || :
	done
done
exec 3>&-
wait "$holder" || :

# nowhere DESCRIPTION TEXT
nowhere() {
	is "$1 is in no file" "$(grep -rlaF -e "$2" "$TMP" | xargs)" ""
}

ok "SIGHUP is no leak either" kill -HUP "$APIKEYD_PID"
is "(the tokens are good ones)" "$(verdict "$first")" valid
n=0
for token in $tokens; do
	n=$((n + 1))
	secret=${token##*_}
	secret=${secret%??????}
	nowhere "token $n" "$token"
	nowhere "its secret" "$secret"
	nowhere "the secret's first half" "${secret%?????????????????????}"
	nowhere "its second half" "${secret#??????????????????????}"
done

### Cores, and memory

is "no core may be written" "$(awk '/^Max core/ { print $5 }' \
	"/proc/$APIKEYD_PID/limits")" 0
is "the process is root's to look into, and nobody else's" \
	"$(stat -c %u "/proc/$APIKEYD_PID/mem")" 0

memory() {
	printf '%s\n' "$1" | "$memscan" "$APIKEYD_PID"
}
if [ "$(id -u)" -eq 0 ] && [ "${SANITIZERS-}" != yes ]; then
	exits "(what is in memory is found)" 1 memory appointments
	n=0
	for token in $tokens; do
		n=$((n + 1))
		secret=${token##*_}
		exits "secret $n is nowhere in the daemon's memory" 0 \
			memory "${secret%??????}"
	done
else
	skip "secrets in the daemon's memory" \
		"root alone can look, and not under a sanitizer"
fi
kill -ABRT "$APIKEYD_PID"
wait "$APIKEYD_PID"
APIKEYD_PID=
is "and none is, when it aborts" \
	"$(find "$TMP" . -maxdepth 2 -name "core*" -exec echo {} +)" ""
done_testing
