#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Class 19: a change that the audit log misses. Every method of the interface
# against every way to fail: who is refused has one line, which says how; a
# change that is in force has one line; and one that is not has none.
# shellcheck disable=SC2119,SC2154 # no arguments; make check sets it
. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/uids.lib.sh
. "$top_srcdir/tests/uids.lib.sh"

sound=$APIKEYD
log=$TMP/state/audit.log
start_apikeyd || give_up "apikeyd does not start"
ctl product create mail >"$TMP/output"
ctl product create vault --recoverable >"$TMP/output"
ctl product create unused >"$TMP/output"
ctl account create pending >"$TMP/output"
ctl account create empty >"$TMP/output"
ctl operator add 61500 --role auditor >"$TMP/output"
seed acme calls
ctl product enable vault --account acme >"$TMP/output"
for key in one two three four five six seven eight nine; do
	key_id "$(new_key "$key")" >"$TMP/$key"
done
ctl key disable "$(cat "$TMP/two")" >"$TMP/output"
ctl key revoke "$(cat "$TMP/three")" --yes >"$TMP/output"
ctl key allow add "$(cat "$TMP/four")" 10.0.0.0/8 >"$TMP/output"
SEED_PRODUCT=vault
key_id "$(new_key kept)" >"$TMP/kept"

# A method a line: what is not found, what conflicts, and what is done; "-"
# where it has none. @NAME is a key's ID. What is done is done in this order.
cat >"$TMP/table" <<'END'
AddAllowed|{"id":"ak_000000000000","cidr":"10.0.0.0/8"}|-|{"id":"@one","cidr":"10.0.0.0/8"}
AddOperator|-|{"login":"root","uid":0,"role":"admin"}|{"login":"61501","uid":61501,"role":"auditor"}
AddToImport|-|{"first_line":1,"keys":[]}|=-
ApproveAccount|{"slug":"nope"}|-|{"slug":"pending"}
BackupStore|-|-|=-
BeginImport|-|-|-
CheckStore|-|-|=
CommitImport|-|{}|-
CreateAccount|-|{"slug":"acme"}|{"slug":"new"}
CreateKey|{"settings":{"name":"k","account":"nope","product":"calls"}}|{"settings":{"name":"k","account":"empty","product":"calls"}}|{"settings":{"name":"k","account":"acme","product":"calls"}}
CreateProduct|-|{"slug":"calls"}|{"slug":"new"}
DeleteAccount|{"slug":"nope"}|{"slug":"acme"}|{"slug":"empty"}
DeleteKey|{"id":"ak_000000000000"}|-|{"id":"@five"}
DeleteProduct|{"slug":"nope"}|{"slug":"calls"}|{"slug":"unused"}
DisableKey|{"id":"ak_000000000000"}|{"id":"@three"}|{"id":"@six"}
DisableProduct|{"slug":"nope","account":"acme"}|-|{"slug":"vault","account":"acme"}
EnableKey|{"id":"ak_000000000000"}|{"id":"@three"}|{"id":"@two"}
EnableProduct|{"slug":"mail","account":"nope"}|-|{"slug":"mail","account":"acme"}
ExplainKey|-|-|=-
ExportKeys|{"account":"nope"}|-|{}
GetAccount|{"slug":"nope"}|-|={"slug":"acme"}
GetKey|{"id":"ak_000000000000"}|-|={"id":"@one"}
GetMetrics|-|-|=
GetProduct|{"slug":"nope"}|-|={"slug":"calls"}
GetStatus|-|-|=
GetUsage|{"id":"ak_000000000000"}|-|={"id":"@one"}
IdentifyTokens|-|-|={"tokens":[]}
ListAccounts|-|-|=
ListAudit|-|-|=
ListKeys|{"account":"nope"}|-|=
ListOperators|-|-|=
ListProducts|-|-|=
RemoveAllowed|{"id":"ak_000000000000","cidr":"10.0.0.0/8"}|-|{"id":"@four","cidr":"10.0.0.0/8"}
RemoveOperator|{"login":"nope-nope"}|{"login":"root"}|{"login":"61500"}
RevealKey|{"id":"ak_000000000000"}|{"id":"@one"}|{"id":"@kept"}
RevokeKey|{"id":"ak_000000000000"}|-|{"id":"@seven"}
RotateKey|{"id":"ak_000000000000"}|{"id":"@three"}|{"id":"@eight"}
SetAllowlist|{"id":"ak_000000000000","enabled":true}|-|{"id":"@four","enabled":true}
SetPin|-|-|{"pin":"1234"}
SuspendAccount|{"slug":"nope"}|-|{"slug":"acme"}
UpdateKey|{"id":"ak_000000000000","settings":{"name":"x"}}|-|{"id":"@nine","settings":{"name":"x"}}
VerifyAudit|-|-|=
END
for key in one two three four five six seven eight nine kept; do
	sed -i "s/@$key\"/$(cat "$TMP/$key")\"/g" "$TMP/table"
done
is "the table has every method of the interface" \
	"$(cut -d'|' -f1 "$TMP/table")" \
	"$(sed -n 's/^method \([A-Za-z]*\)(.*/\1/p' \
		"$top_srcdir/proto/io.apikeyd.Admin.varlink" | LC_ALL=C sort)"

# Each method has an operator of its own, so that none has more refusals in a
# minute than have lines of their own; and so has who is nobody.
number=0
while IFS='|' read -r method absent conflict good; do
	number=$((number + 1))
	echo "$method|$((62000 + number))|$((63000 + number))|$absent|$conflict|$good"
done <"$TMP/table" >"$TMP/cases"
cut -d'|' -f2 "$TMP/cases" | sed 's/.*/io.apikeyd.Admin.AddOperator {"login":"&","uid":&,"role":"superadmin"}/' |
	raw >"$TMP/output" || give_up "operators are not added"
# shown: what there is, as calls show it; no matter in which order.
shown() {
	for noun in account product key operator; do
		ctl $noun list --json || echo "no $noun"
	done | tr ',[]{}' '\n' | sort
}

shown >"$TMP/shown"
stop_apikeyd || give_up "apikeyd does not end"
cp -a "$TMP/state" "$TMP/prepared"

# lines_of UID METHOD: outcomes of its lines, in order.
lines_of() {
	sed -n "s/.*\"uid\":$1,.*\"method\":\"$2\".*\"outcome\":\"\([A-Za-z]*\)\".*/\1/p" \
		"$log" | tr '\n' ' '
}

# call UID METHOD PARAMETERS: prints the error's name, or "done".
call() {
	echo "io.apikeyd.Admin.$2 $3" | as "$1" raw >"$TMP/answer" \
		2>"$TMP/output"
	# BackupStore answers several times; the last one counts.
	tail -n 1 "$TMP/answer" | error_name |
		sed 's/^-$/done/; s/.*\.//'
}

### Refusals

start_apikeyd || give_up "apikeyd does not start"
while IFS='|' read -r method uid nobody absent conflict good; do
	{
		call "$uid" "$method" '{"nonsense":1}'
		[ "$absent" = - ] || call "$uid" "$method" "$absent"
		[ "$conflict" = - ] || call "$uid" "$method" "$conflict"
	} </dev/null | tr '\n' ' ' >"$TMP/said.$uid"
	call "$nobody" "$method" '{}' </dev/null >"$TMP/said.$nobody"
done <"$TMP/cases"
ctl audit verify >"$TMP/output" # lines come after the answers
while IFS='|' read -r method uid nobody absent conflict good; do
	wanted=1
	[ "$absent" = - ] || wanted=$((wanted + 1))
	[ "$conflict" = - ] || wanted=$((wanted + 1))
	unlike "$method: nothing of it is done" "$(cat "$TMP/said.$uid")" "done"
	said=$(cat "$TMP/said.$uid")
	is "$method: it is refused $wanted times" \
		"$(echo "$said" | wc -w)" "$wanted"
	[ "${good#=}" = "$good" ] || said=
	is "$method: each refusal has its line" \
		"$(lines_of "$uid" "$method")" "$said"
	is "$method: nobody is refused, and it is told" \
		"$(lines_of "$nobody" "$method")" "NotPermitted "
done <"$TMP/cases"

### What is done

# do_all: each method that does something; what was said to said.UID.
do_all() {
	while IFS='|' read -r method uid nobody absent conflict good; do
		[ "${good#=}" != - ] || continue
		good=${good#=}
		call "$uid" "$method" "${good:-"{}"}" </dev/null
	done <"$TMP/cases" >"$TMP/said"
	paste -d'|' - "$TMP/said" <<-END >"$TMP/done"
		$(grep -v '|=*-$' "$TMP/cases" | cut -d'|' -f1,2,6)
	END
}

# told DESCRIPTION: who was told that a change is done has a line more than
# before, others have not.
told() {
	while IFS='|' read -r method uid good said; do
		wanted=
		[ "$said" != "done" ] || [ "${good#=}" != "$good" ] || wanted="done "
		is "$1: $method, $said" "$(lines_of "$uid" "$method" |
			tr ' ' '\n' | grep -x "done" | tr '\n' ' ')" "$wanted"
	done <"$TMP/done"
}

# prepared: the state as it was before.
prepared() {
	stop_apikeyd || fail "the end" "by $?"
	rm -rf "$TMP/state"
	cp -a "$TMP/prepared" "$TMP/state"
}

do_all
ctl audit verify >"$TMP/output"
told "done"
is "all that can be is done" "$(grep -v '|done$' "$TMP/done")" ""

### What fails

strace=${STRACE:-strace}
if ! "$strace" -o /dev/null true 2>"$TMP/output" || [ "${SANITIZERS-}" = yes ]; then
	skip "faults" "nothing can be traced here"
	done_testing
fi

# failing FILE CALLS: makes $APIKEYD one whose calls fail on this file.
failing() {
	APIKEYD=$TMP/failing
	cat >"$APIKEYD" <<-END
		#!/bin/sh
		exec '$strace' -D -f -o /dev/null -P '$TMP/state/$1' \\
			-e trace=$2 -e inject=$2:error=EIO '$sound' "\$@"
	END
	chmod +x "$APIKEYD"
}

prepared
failing keys.tdb fdatasync
start_apikeyd || give_up "apikeyd does not start"
do_all
ctl audit verify >"$TMP/output"
is "the store breaks: no change is done" "$(grep -v '|=' "$TMP/done" |
	grep -c '|done$')" 0
APIKEYD=$sound
stop_apikeyd || :
start_apikeyd || give_up "apikeyd does not start"
told "the store broke"
is "nothing of it is in force" "$(shown)" "$(cat "$TMP/shown")"
ok "and the log is sound" ctl audit verify

prepared
failing audit.log write,pwrite64,writev,pwritev
start_apikeyd || give_up "apikeyd does not start"
do_all
APIKEYD=$sound
stop_apikeyd || :
start_apikeyd || give_up "apikeyd does not start"
told "audit.log could not be written"
ok "some was done" \
	[ "$(grep -v '|=' "$TMP/done" | grep -c '|done$')" -gt 0 ]
ok "and the log is sound" ctl audit verify
done_testing
