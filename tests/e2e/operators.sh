#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Who may do what, with real uids: every method for every role, limits to
# accounts, and that a role which is taken away is gone at once.

# shellcheck disable=SC2154 # make check sets it
. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/uids.lib.sh
. "$top_srcdir/tests/uids.lib.sh"

SUPER=61001 ADMIN=61002 LIMITED=61003 AUDITOR=61004 NOBODY=61005

start_apikeyd || give_up "apikeyd does not start"
seed bolt calls
seed acme mail
ctl product enable calls --account acme >"$TMP/output" || exit
SEED_ACCOUNT=bolt SEED_PRODUCT=calls
bolt_token=$(new_key "Bolt")
SEED_ACCOUNT=acme SEED_PRODUCT=mail
acme_token=$(new_key "Acme")
bolt=$(key_id "$bolt_token")
acme=$(key_id "$acme_token")

### Adding them

exits "nobody has a role to begin with" 4 as $SUPER ctl status
exits "a superadmin is added" 0 ctl operator add $SUPER --role superadmin
exits "an admin of all accounts" 0 ctl operator add $ADMIN --role admin
exits "an auditor" 0 as $SUPER ctl operator add $AUDITOR --role auditor
exits "an admin of one account" 0 \
	ctl operator add $LIMITED --role admin --account acme
exits "of an account that there is not: not found" 3 \
	ctl operator add $NOBODY --role admin --account nope
exits "a superadmin of one account: bad usage" 2 \
	ctl operator add $NOBODY --role superadmin --account acme
exits "no such role: bad usage" 2 ctl operator add $NOBODY --role root
exits "no such login: bad usage" 2 \
	ctl operator add no-such-login- --role admin
exits "root is not added" 6 ctl operator add root --role auditor
exits "nor removed" 6 ctl operator remove root
exits "nor by number" 6 as $SUPER ctl operator remove 0
exits "who is none cannot be removed" 3 ctl operator remove $NOBODY
exits "a login stands for one uid" 6 raw_ok AddOperator \
	"{\"login\":\"$ADMIN\",\"uid\":61009,\"role\":\"admin\"}"
like "operators are listed" "$(ctl operator list)" \
	"^$LIMITED +$LIMITED +admin +acme +none"
like "with null for all accounts" "$(ctl operator list --json)" \
	"\"login\": *\"$ADMIN\",\"uid\": *$ADMIN,\"role\": *\"admin\",\"accounts\": *null"

### Every method for every role

# One line a method of the interface: its name and the least role.
cat >"$TMP/table" <<END
AddAllowed admin
AddOperator superadmin
AddToImport admin
ApproveAccount superadmin
BackupStore superadmin
BeginImport admin
CheckStore auditor
CommitImport admin
CreateAccount superadmin
CreateKey admin
CreateProduct superadmin
DeleteAccount superadmin
DeleteKey admin
DeleteProduct superadmin
DisableKey admin
DisableProduct superadmin
EnableKey admin
EnableProduct superadmin
ExplainKey auditor
ExportKeys admin
GetAccount auditor
GetKey auditor
GetMetrics auditor
GetProduct auditor
GetStatus auditor
GetUsage auditor
IdentifyTokens auditor
ListAccounts auditor
ListAudit auditor
ListKeys auditor
ListOperators superadmin
ListProducts auditor
RemoveAllowed admin
RemoveOperator superadmin
RevealKey admin
RevokeKey admin
RotateKey admin
SetAllowlist admin
SetPin admin
SuspendAccount superadmin
UpdateKey admin
VerifyAudit auditor
END
is "the table has every method of the interface" \
	"$(cut -d' ' -f1 "$TMP/table")" \
	"$(sed -n 's/^method \([A-Za-z]*\)(.*/\1/p' \
		"$top_srcdir/proto/io.apikeyd.Admin.varlink" | LC_ALL=C sort)"

# rank ROLE
rank() {
	case $1 in
	superadmin) echo 3 ;;
	admin) echo 2 ;;
	auditor) echo 1 ;;
	*) echo 0 ;;
	esac
}

# wanted ROLE
wanted() {
	while read -r method least; do
		if [ "$(rank "$1")" -ge "$(rank "$least")" ]; then
			echo "$method may"
		else
			echo "$method may not"
		fi
	done <"$TMP/table"
}

# got UID: each method called with a parameter that no method has. Who is told
# of that, or of others that are missing, may call it.
got() {
	cut -d' ' -f1 "$TMP/table" |
		sed 's/.*/io.apikeyd.Admin.& {"nonsense":1}/' |
		as "$1" raw | error_name |
		sed 's/.*\.NotPermitted$/may not/
			s/.*\.Invalid\(Argument\|Parameter\)$/may/' \
			>"$TMP/errors"
	cut -d' ' -f1 "$TMP/table" | paste -d' ' - "$TMP/errors"
}

for who in 0:superadmin $SUPER:superadmin $ADMIN:admin $LIMITED:admin \
	$AUDITOR:auditor $NOBODY:nobody; do
	is "every method for uid ${who%:*}, ${who#*:}" \
		"$(got "${who%:*}")" "$(wanted "${who#*:}")"
done
like "org.varlink.service is for everybody" \
	"$(echo org.varlink.service.GetInfo | as $NOBODY raw)" '"vendor"'
exits "what is nobody's exits 4" 4 as $NOBODY ctl key list

### What they do

exits "an auditor lists" 0 as $AUDITOR ctl key list
exits "an auditor shows" 0 as $AUDITOR ctl key show "$bolt"
exits "an auditor changes nothing" 4 as $AUDITOR ctl key disable "$bolt"
exits "an admin changes keys" 0 as $ADMIN ctl key disable "$bolt"
exits "and back" 0 as $ADMIN ctl key enable "$bolt"
exits "an admin does not approve" 4 as $ADMIN ctl account approve acme
exits "to an admin without limits what is not there is not found" 3 \
	as $ADMIN ctl key show ak_000000000000
made=$(as $ADMIN ctl key create --account acme --product mail --name m \
	2>"$TMP/output")
like "keys tell who made them" "$(ctl key show "$(key_id "$made")" --json)" \
	"\"created_by\": *\"$ADMIN\""

### Limits

# same NAME WHAT OTHER COMMAND…: said of one that is there and one that is
# not, it exits 4 with the same words but for the name.
same() {
	description=$1 there=$2 gone=$3
	shift 3
	exits "$description: not permitted" 4 as $LIMITED ctl "$@" "$there"
	sed "s/$there/X/g" "$TMP/output" >"$TMP/there"
	exits "$description: not either" 4 as $LIMITED ctl "$@" "$gone"
	is "$description: the same words" \
		"$(sed "s/$gone/X/g" "$TMP/output")" "$(cat "$TMP/there")"
}

explain_as_limited() {
	printf '%s\n' "$1" | as $LIMITED ctl key explain
}

none=ak_000000000000
same "another account" bolt nope account show
same "another's key" "$bolt" $none key show
same "disabling it" "$bolt" $none key disable
same "enabling it" "$bolt" $none key enable
same "revoking it" "$bolt" $none key revoke --yes
same "rotating it" "$bolt" $none key rotate
same "deleting it" "$bolt" $none key delete --yes
same "updating it" "$bolt" $none key update --name x
same "listing another account's keys" bolt nope key list --account
same "a key for another account" bolt nope \
	key create --product calls --name x --account
exits "explaining another's token" 4 \
	explain_as_limited "$bolt_token"
exits "revealing another's" 4 as $LIMITED ctl key reveal "$bolt"
exits "an auditor reveals nothing" 4 as $AUDITOR ctl key reveal "$bolt"
is "its lists have its own accounts" \
	"$(as $LIMITED ctl account list --json | names slug)" acme
is "and its keys" \
	"$(as $LIMITED ctl key list --json | names id | sort)" \
	"$(ctl key list --account acme --json | names id | sort)"
is "but all products" \
	"$(as $LIMITED ctl product list --json | names slug | sort)" \
	"$(printf 'calls\nmail')"
like "without the number of their keys" \
	"$(as $LIMITED ctl product show mail --json)" '"keys": *null'
exits "it works on its own" 0 as $LIMITED ctl key disable "$acme"
exits "and back" 0 as $LIMITED ctl key enable "$acme"
is "the other's key was never touched" "$(verdict "$bolt_token")" valid

### Operation ids are their caller's

exits "an admin's change" 0 as $ADMIN ctl key disable "$bolt" \
	--operation-id shared
answer=$(echo 'io.apikeyd.Admin.DisableKey {"id":"'"$acme"'","operation_id":"shared"}' |
	as $LIMITED raw)
unlike "another operator's id tells nothing of it" "$answer" "repeated|$bolt"
like "it is a change of its own" "$answer" "$acme.*disabled"
exits "both back" 0 ctl key enable "$bolt"
exits "both back" 0 as $LIMITED ctl key enable "$acme" --operation-id mine
exits "its limits move" 0 \
	ctl operator add $LIMITED --role admin --account bolt
exits "then its own id tells nothing either" 4 \
	as $LIMITED ctl key enable "$acme" --operation-id mine
exits "nor can it go on there" 4 as $LIMITED ctl key show "$acme"
exits "but here" 0 as $LIMITED ctl key show "$bolt"

### At once, on a connection that is open

mkfifo "$TMP/calls" "$TMP/answers"
as $ADMIN raw <"$TMP/calls" >"$TMP/answers" &
stop_at_end $!
exec 3>"$TMP/calls" 4<"$TMP/answers"
# on_open METHOD PARAMETERS: sets $answer
on_open() {
	echo "io.apikeyd.Admin.$1 $2" >&3
	read -r answer <&4
}
on_open DisableKey "{\"id\":\"$acme\"}"
like "an admin over an open connection" "$answer" '"disabled"'
exits "is made an auditor" 0 ctl operator add $ADMIN --role auditor
on_open EnableKey "{\"id\":\"$acme\"}"
like "and changes no more" "$answer" NotPermitted
on_open GetKey "{\"id\":\"$acme\"}"
like "but looks" "$answer" '"disabled"'
exits "is removed" 0 ctl operator remove $ADMIN
on_open GetKey "{\"id\":\"$acme\"}"
like "and looks no more" "$answer" NotPermitted
exec 3>&- 4<&-

### Deleted accounts, and restarts

exits "an account is deleted" 0 ctl account create gone --status approved
exits "that an operator was limited to" 0 \
	ctl operator add $LIMITED --role admin --account gone
exits "(it goes)" 0 ctl account delete gone
like "the operator is left with none" "$(ctl operator list)" \
	"^$LIMITED +$LIMITED +admin +none"
exits "which is not all" 4 as $LIMITED ctl key show "$acme"
exits "the account's name comes back" 0 ctl account create gone
exits "and is not the operator's" 4 as $LIMITED ctl account show gone
ctl operator add $LIMITED --role admin --account acme >"$TMP/output"
before=$(ctl operator list --json)
kill_apikeyd
start_apikeyd || give_up "apikeyd does not start again"
is "operators outlive a kill" "$(ctl operator list --json)" "$before"
exits "with their limits" 4 as $LIMITED ctl key show "$bolt"
exits "and what is theirs" 0 as $LIMITED ctl key show "$acme"
exits "and who was removed stays so" 4 as $ADMIN ctl status

### The audit log

shown=$(as $LIMITED ctl audit log --json | names account | LC_ALL=C sort -u)
is "with limits one sees the lines of one's accounts" "$shown" acme
shown=$(as $LIMITED ctl audit log --json --key "$bolt")
is "and of no other's key" "$shown" "[]"
like "without, those of all" \
	"$(as $AUDITOR ctl audit log --json | names account)" bolt
like "who was refused is there" "$(as $AUDITOR ctl audit log)" NotPermitted
exits "an auditor verifies" 0 as $AUDITOR ctl audit verify
exits "nobody does not" 4 as $NOBODY ctl audit verify
missing=$(sed -n 's/^method \([A-Za-z]*\)(.*operation_id.*/\1/p' \
	"$top_srcdir/proto/io.apikeyd.Admin.varlink" |
	while read -r method; do
		grep -q "{\"$method\"," "$top_srcdir/daemon/admin_audit.c" ||
			echo "$method"
	done)
is "every method that changes something is audited" "$missing" ""

### The daemon's own uid

stop_apikeyd
chown -R $NOBODY "$TMP/state" "$TMP/run"
# shellcheck disable=SC2034 # start_apikeyd runs it
APIKEYD=$TMP/as_nobody
printf '#!/bin/sh\nexec setpriv --reuid %s --regid %s --clear-groups "%s" "$@"\n' \
	$NOBODY $NOBODY "$TMP/bin/apikeyd" >"$APIKEYD"
chmod 755 "$APIKEYD"
start_apikeyd || give_up "apikeyd does not start as another user"
exits "apikeyd's own uid is superadmin" 0 as $NOBODY ctl operator list
exits "and is not added" 6 ctl operator add $NOBODY --role auditor
exits "nor removed" 6 ctl operator remove $NOBODY
exits "root is superadmin still" 0 ctl operator list

done_testing
