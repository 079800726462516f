#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# pam_apikey in PAM stacks of its own, against a real daemon.
# shellcheck disable=SC2154 # top_srcdir is set by make check
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

[ -n "${PAM_MODULE-}" ] || skip_all "built without PAM"
PAM_DRIVER=$top_builddir/tests/e2e/pam_driver

# shellcheck disable=SC2119 # without arguments
start_apikeyd || give_up "apikeyd does not start"
seed acme login

services=$TMP/pam.d
mkdir -p "$services"

# service NAME [CONTROL] OPTION...: a stack of this module alone, or, where
# the control is in brackets, with pam_permit behind it.
service() {
	name=$1
	shift
	control=required
	case ${1-} in
	'['*)
		control=$1
		shift
		;;
	esac
	for type in auth account; do
		echo "$type $control $PAM_MODULE" \
		    "socket=$APIKEYD_VERIFY_SOCKET timeout=5000 $*"
		[ "$control" = required ] || echo "$type required pam_permit.so"
	done >"$services/$name"
}

# login SERVICE USER CREDENTIAL STEP...: what the steps came to, on one line.
login() {
	login_service=$1
	login_user=$2
	login_credential=$3
	shift 3
	printf '%s\n%s\n' "$login_credential" "$login_credential" |
		"$PAM_DRIVER" "$services" "$login_service" "$login_user" "$@" |
		tr '\n' ' ' | sed 's/ $//'
}

alice=$(new_key Alice --user alice --permission read)
nobody=$(new_key Nobody --permission write)
writer=$(new_key Writer --user alice --permission write)
id=$(key_id "$alice")

service plain
service any any_user
service write permission=write
service of_other account=other
service of_acme account=acme product=login
service scoped scope=never:given
service quiet noenv
service typo permision=write
service ignoring ignore_authinfo_unavail
service lenient '[success=ok ignore=ignore default=die authinfo_unavail=ignore]'

is "the right token for the user" \
	"$(login plain alice "$alice" authenticate acct_mgmt setcred)" \
	"authenticate PAM_SUCCESS acct_mgmt PAM_SUCCESS setcred PAM_SUCCESS"
is "another user's token" \
	"$(login plain bob "$alice" authenticate)" \
	"authenticate PAM_AUTH_ERR"
is "a key without a user, where the user counts" \
	"$(login plain alice "$nobody" authenticate)" \
	"authenticate PAM_AUTH_ERR"
is "any_user admits both" \
	"$(login any bob "$alice" authenticate) $(login any bob "$nobody" authenticate)" \
	"authenticate PAM_SUCCESS authenticate PAM_SUCCESS"
is "a token with a letter missing" \
	"$(login plain alice "${alice%?}" authenticate)" \
	"authenticate PAM_AUTH_ERR"
is "a password" \
	"$(login plain alice hunter2 authenticate)" \
	"authenticate PAM_AUTH_ERR"
is "nothing at all" \
	"$(login plain alice '' authenticate)" \
	"authenticate PAM_AUTH_ERR"
is "the environment" \
	"$(login plain alice "$alice" authenticate environment)" \
	"authenticate PAM_SUCCESS APIKEY_ID=$id APIKEY_ACCOUNT=acme APIKEY_PERMISSION=read"
is "no environment with noenv" \
	"$(login quiet alice "$alice" authenticate setcred environment)" \
	"authenticate PAM_SUCCESS setcred PAM_SUCCESS"
is "a permission that is missing" \
	"$(login write alice "$alice" authenticate)" \
	"authenticate PAM_PERM_DENIED"
is "a permission that is there" \
	"$(login write alice "$writer" authenticate)" \
	"authenticate PAM_SUCCESS"
is "a scope that is missing" \
	"$(login scoped alice "$alice" authenticate)" \
	"authenticate PAM_PERM_DENIED"
is "another account's line" \
	"$(login of_other alice "$alice" authenticate)" \
	"authenticate PAM_AUTH_ERR"
is "its own account's line" \
	"$(login of_acme alice "$alice" authenticate)" \
	"authenticate PAM_SUCCESS"
is "a mistyped option opens nothing" \
	"$(login typo alice "$writer" authenticate acct_mgmt)" \
	"authenticate PAM_SERVICE_ERR acct_mgmt PAM_SERVICE_ERR"

office=$(new_key Office --user alice --allow 203.0.113.0/24)
is "an address on the allow-list" \
	"$(login plain alice "$office" rhost=203.0.113.7 authenticate)" \
	"authenticate PAM_SUCCESS"
is "an address that is not on it" \
	"$(login plain alice "$office" rhost=198.51.100.7 authenticate)" \
	"authenticate PAM_PERM_DENIED"
is "a host name is no address" \
	"$(login plain alice "$office" rhost=gateway.example authenticate)" \
	"authenticate PAM_PERM_DENIED"

short=$(new_key Short --user alice --expires 2s)
# Ends when the daemon says so; the time limit is for a daemon that never does.
expired="n=0; while printf %s '$short' |
	'$APIKEYCTL' key verify --user alice >'$TMP/expiring' 2>&1 &&
	[ \$n -lt 300 ]; do n=\$((n + 1)); sleep 0.1; done"
is "a key that expires between authenticate and acct_mgmt" \
	"$(login plain alice "$short" authenticate "run=$expired" acct_mgmt)" \
	"authenticate PAM_SUCCESS acct_mgmt PAM_ACCT_EXPIRED"
is "a key that has expired" \
	"$(login plain alice "$short" authenticate)" \
	"authenticate PAM_ACCT_EXPIRED"

gone=$(new_key Gone --user alice)
revoke="'$APIKEYCTL' key revoke $(key_id "$gone") --yes >'$TMP/revoked' 2>&1"
is "a key that is revoked between authenticate and acct_mgmt" \
	"$(login plain alice "$gone" authenticate "run=$revoke" acct_mgmt)" \
	"authenticate PAM_SUCCESS acct_mgmt PAM_PERM_DENIED"
is "a key that was revoked" \
	"$(login plain alice "$gone" authenticate)" \
	"authenticate PAM_AUTH_ERR"

# between VERB...: what acct_mgmt says to alice if apikeyctl does this before it,
# and authenticate after it.
between() {
	login plain alice "$alice" authenticate \
		"run='$APIKEYCTL' $* >'$TMP/between' 2>&1" acct_mgmt authenticate
}
is "an account that is suspended meanwhile" \
	"$(between account suspend acme)" \
	"authenticate PAM_SUCCESS acct_mgmt PAM_PERM_DENIED authenticate PAM_AUTH_ERR"
ctl account approve acme >"$TMP/output" 2>&1
is "a product that is disabled meanwhile" \
	"$(between product disable login --account acme)" \
	"authenticate PAM_SUCCESS acct_mgmt PAM_PERM_DENIED authenticate PAM_PERM_DENIED"
ctl product enable login --account acme >"$TMP/output" 2>&1
is "a key that is disabled meanwhile" "$(between key disable "$id")" \
	"authenticate PAM_SUCCESS acct_mgmt PAM_PERM_DENIED authenticate PAM_AUTH_ERR"
ctl key enable "$id" >"$TMP/output" 2>&1
is "nothing meanwhile" "$(between status)" \
	"authenticate PAM_SUCCESS acct_mgmt PAM_SUCCESS authenticate PAM_SUCCESS"

# After authenticate, the secret is nowhere in the application's memory. Not under
# the sanitizers, whose own takes up more than can be searched.
if [ "${SANITIZERS-}" != yes ]; then
	secret=${alice#*_*_}
	printf %s "${secret%"${secret#??????????????????????????????}"}" >"$TMP/secret"
	scan="'$top_builddir/tests/tools/memscan' \$PPID <'$TMP/secret'"
	scan="$scan >'$TMP/found' 2>&1; echo \$? >'$TMP/scanned'"
	for credential in "$alice" "${alice%?}"; do
		login plain alice "$credential" authenticate "run=$scan" \
			>"$TMP/output"
		case $(cat "$TMP/scanned") in
		0) pass "no secret stays in memory" ;;
		2) skip "no secret stays in memory" "memory may not be read" ;;
		*) fail "no secret stays in memory" <"$TMP/found" ;;
		esac
	done
fi

# Whoever reads the log gets no key from it.
for token in "$alice" "$writer" "$gone"; do
	nok "no token in the log" grep -qF "$token" "$TMP/apikeyd.log"
done

stop_apikeyd

is "no daemon" \
	"$(login plain alice "$alice" authenticate)" \
	"authenticate PAM_AUTHINFO_UNAVAIL"
# A stack of nothing but PAM_IGNORE lets nobody in.
is "no daemon, ignore_authinfo_unavail, and no other module" \
	"$(login ignoring alice "$alice" authenticate)" \
	"authenticate PAM_PERM_DENIED"
is "no daemon, [authinfo_unavail=ignore], and another module" \
	"$(login lenient alice "$alice" authenticate environment)" \
	"authenticate PAM_SUCCESS"

done_testing
