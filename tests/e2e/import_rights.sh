#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Imports by who may not, or no longer may; and what the audit log tells of
# imports.

# shellcheck disable=SC2119,SC2154,SC2317 # no arguments; make check sets it
. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/uids.lib.sh
. "$top_srcdir/tests/uids.lib.sh"

ALICE=61001 BOB=61002
umask 022

start_apikeyd || give_up 'apikeyd did not start'
seed other
seed acme bank
{
	ctl product create vault --require-pin
	ctl product enable vault --account acme
	ctl operator add $ALICE --role admin --account acme
	ctl operator add $BOB --role admin
} >"$TMP/output" || give_up 'the seed failed'
log=$TMP/state/audit.log

# line ACCOUNT TOKEN [PRODUCT]: of a key that was made elsewhere
line() {
	printf '{"account":"%s","product":"%s","name":"n","sha256":"%s"}\n' \
		"$1" "${3-bank}" "$(printf %s "$2" | sha256sum | cut -d' ' -f1)"
}
# last METHOD: the last line about it; reading waits for what was asked before.
last() {
	ctl audit verify >"$TMP/output" 2>&1
	grep -e "\"method\":\"$1\"" "$log" | tail -n 1
}
sequence() {
	ctl status --json | tr , '\n' |
		sed -n 's/^"sequence":\([0-9]*\).*/\1/p' | head -n 1
}
# begin_import UID TOKEN: a key of acme that is staged; end_import has it put
# into force. The answers are in $TMP/answers.
is_staged() {
	[ "$(sequence)" -ne "$from" ]
}
begin_import() {
	from=$(sequence)
	mkfifo "$TMP/fifo"
	as "$1" raw <"$TMP/fifo" >"$TMP/answers" &
	importer=$!
	exec 9>"$TMP/fifo"
	rm "$TMP/fifo"
	echo "io.apikeyd.Admin.BeginImport {}" >&9
	echo "io.apikeyd.Admin.AddToImport {\"first_line\":1,\"keys\":[$(line acme "$2")]}" >&9
	await is_staged || give_up "nothing is staged: $(cat "$TMP/answers")"
}
end_import() {
	echo "io.apikeyd.Admin.CommitImport {}" >&9
	exec 9>&-
	wait "$importer"
}

### What is told of an import

line acme told-token-0123456789 >"$TMP/lines"
ok 'an import' as $ALICE ctl key import "$TMP/lines"
like 'its line says by whom, its number, and how many keys' \
	"$(last CommitImport)" \
	"\"uid\":$ALICE,.*\"kind\":\"import\",.*\"after\":\{\"number\":[1-9][0-9]*,\"imported\":1\},\"outcome\":\"done\""

line acme vault-token-0123456789 vault >"$TMP/lines"
exits 'a product that takes a PIN, without one' 4 \
	as $ALICE ctl key import "$TMP/lines" </dev/null
like 'is told of' "$(last CommitImport)" '"outcome":"NotPermitted"'
echo 12345678 >"$TMP/pin"
echo 87654321 >"$TMP/wrong"
as $ALICE ctl operator set-pin --pin-file "$TMP/pin" >"$TMP/output" 2>&1
exits 'a wrong PIN' 4 \
	as $ALICE ctl key import "$TMP/lines" --pin-file "$TMP/wrong"
like 'is told of, too' "$(last CommitImport)" '"outcome":"PinWrong"'
is 'and nothing is in force' "$(verdict vault-token-0123456789)" malformed
ok 'the right one' as $ALICE ctl key import "$TMP/lines" --pin-file "$TMP/pin"
is 'which is' "$(verdict vault-token-0123456789)" valid

### Who may not

exits "a line with a number that there is none after" 1 raw_ok AddToImport \
	'{"first_line":9223372036854775807,"keys":[]}'
like "is no number of a line" "$(cat "$TMP/answer")" InvalidArgument

line other others-token-0123456789 >"$TMP/lines"
exits 'a line for an account outside of ones own' 4 \
	as $ALICE ctl key import "$TMP/lines"

### Who no longer may when it is to come into force

begin_import $ALICE late-token-0123456789
ctl operator add $ALICE --role admin --account other >"$TMP/output"
end_import
is 'whose accounts are others by then is refused' \
	"$(tail -n 1 "$TMP/answers" | error_name)" \
	io.apikeyd.Admin.NotPermitted
is 'and nothing has come into force' "$(verdict late-token-0123456789)" malformed
like 'told of' "$(last CommitImport)" '"outcome":"NotPermitted"'

begin_import $BOB late-token-0123456789
ctl operator remove $BOB >"$TMP/output"
end_import
is 'so is who is no operator by then' \
	"$(tail -n 1 "$TMP/answers" | error_name)" \
	io.apikeyd.Admin.NotPermitted
is 'and nothing has come into force, again' \
	"$(verdict late-token-0123456789)" malformed
exits 'apikeyd ends well' 0 stop_apikeyd

done_testing
