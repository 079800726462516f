#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Products that take the operator's PIN: when it is asked for, that five wrong
# ones lock whatever is tried meanwhile, and that it is found nowhere.

# shellcheck disable=SC2154 # make check sets it
. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/uids.lib.sh
. "$top_srcdir/tests/uids.lib.sh"
# shellcheck source=tests/clock.lib.sh
. "$top_srcdir/tests/clock.lib.sh"

ALICE=61001 BOB=61002 CAROL=61003

# Not to be found anywhere afterwards.
PIN=canary-pin-71934 NEW_PIN=canary-new-55821 WRONG=canary-bad-20866
umask 022
printf '%s\n' $PIN >"$TMP/pin"
printf '%s\n' $NEW_PIN >"$TMP/new"
printf '%s\n' $WRONG >"$TMP/wrong"
printf '%s\n' $PIN $NEW_PIN >"$TMP/lines"

start_apikeyd || give_up "apikeyd does not start"
exits "a product may take a PIN" 0 ctl product create bank --require-pin
like "and says so" "$(ctl product show bank --json)" '"require_pin": *true'
{
	ctl product create mail
	ctl account create acme --status approved
	ctl product enable bank --account acme
	ctl product enable mail --account acme
	ctl operator add $ALICE --role admin
	ctl operator add $BOB --role admin --account acme
	ctl operator add $CAROL --role auditor
} >"$TMP/output" || give_up "the seed failed"

# create UID PRODUCT [OPTION…]
create() {
	uid=$1 product=$2
	shift 2
	as "$uid" ctl key create --account acme --product "$product" \
		--name n "$@" </dev/null
}

# attempts UID COUNT PIN: so many at once, each over its own connection. How
# often each was answered, in one line.
attempts() {
	i=0 pids=
	while [ "$i" -lt "$2" ]; do
		echo "io.apikeyd.Admin.CreateKey {\"settings\":{\"account\":\"acme\",\"product\":\"bank\",\"name\":\"n\"},\"pin\":\"$3\"}" |
			as "$1" raw >"$TMP/attempt.$i" &
		pids="$pids $!"
		i=$((i + 1))
	done
	for pid in $pids; do
		wait "$pid"
	done
	cat "$TMP"/attempt.* | error_name | sed 's/.*\.//' | sort | uniq -c |
		tr -s ' \n' ' '
	rm "$TMP"/attempt.*
}

### Who has none

exits "without a PIN of one's own: not permitted" 4 create $ALICE bank
like "it says what to do" "$(cat "$TMP/output")" 'operator set-pin'
exits "not even root" 4 create 0 bank
exits "other products do not ask" 0 create $ALICE mail
exits "an auditor has no use for one" 4 \
	as $CAROL ctl operator set-pin --pin-file "$TMP/pin"
exits "too short" 2 sh -c "printf 123 | '$APIKEYCTL' operator set-pin"
exits "too long" 2 sh -c \
	"printf '%065d' 1 | '$APIKEYCTL' operator set-pin"
exits "three bytes are no PIN on the wire either" 1 \
	raw_ok SetPin '{"pin":"123"}'

### Setting and changing

exits "set from a file" 0 as $ALICE ctl operator set-pin --pin-file "$TMP/pin"
exits "set from stdin" 0 \
	as $BOB sh -c "'$APIKEYCTL' operator set-pin <'$TMP/pin'"
like "lists say so" "$(ctl operator list)" "^$ALICE .* set "
exits "two lines are no PIN" 2 as $BOB ctl operator set-pin \
	--pin-file "$TMP/lines" --old-pin-file "$TMP/pin"
exits "nor are two different ones on stdin" 2 as $BOB sh -c \
	"'$APIKEYCTL' operator set-pin --old-pin-file '$TMP/pin' <'$TMP/lines'"
exits "twice the same is, on stdin" 0 as $BOB sh -c \
	"cat '$TMP/pin' '$TMP/pin' |
	'$APIKEYCTL' operator set-pin --old-pin-file '$TMP/pin'"
exits "and is said once" 0 create $BOB bank --pin-file "$TMP/pin"
exits "another takes the old one" 4 \
	as $ALICE ctl operator set-pin --pin-file "$TMP/new" </dev/null
exits "a wrong old one" 4 as $ALICE ctl operator set-pin \
	--pin-file "$TMP/new" --old-pin-file "$TMP/wrong"
exits "the right one" 0 as $ALICE ctl operator set-pin \
	--pin-file "$TMP/new" --old-pin-file "$TMP/pin"
exits "the old one is no more" 4 create $ALICE bank --pin-file "$TMP/pin"
exits "the new one is" 0 create $ALICE bank --pin-file "$TMP/new"

### Asking for it

exits "nobody there to ask: not permitted" 4 create $ALICE bank
like "it says how to give it" "$(cat "$TMP/output")" --pin-file
exits "a file that is not there" 4 create $ALICE bank --pin-file "$TMP/nowhere"
like "is named" "$(cat "$TMP/output")" "$TMP/nowhere: No such file"
exits "a wrong one: not permitted" 4 create $ALICE bank --pin-file "$TMP/wrong"
like "and how many are left" "$(cat "$TMP/output")" '4 more'
token=$(create $ALICE bank --pin-file "$TMP/new" 2>"$TMP/output")
id=$(key_id "$token")
is "the right one makes a good key" "$(verdict "$token")" valid
exits "rotating takes it" 4 as $ALICE ctl key rotate "$id" </dev/null
exits "and gets it from stdin" 0 \
	as $ALICE sh -c "'$APIKEYCTL' key rotate $id <'$TMP/new'"
exits "revoking does not: it may be urgent" 0 \
	as $ALICE ctl key revoke "$id" --yes
exits "another operator's is none of mine" 4 \
	create $BOB bank --pin-file "$TMP/new"
exits "a PIN that is not asked for does no harm" 0 \
	create $BOB mail --pin-file "$TMP/wrong"
exits "what is refused anyway takes no attempt" 3 \
	create $ALICE nope --pin-file "$TMP/wrong"
exits "repeating a change does not ask again" 0 \
	create $ALICE bank --operation-id again --pin-file "$TMP/new"
exits "and brings no token" 0 create $ALICE bank --operation-id again
unlike "indeed" "$(cat "$TMP/output")" '_[0-9A-Za-z]{49}'

### Revealing

{
	ctl product create vault --require-pin --recoverable
	ctl product enable vault --account acme
} >"$TMP/output"
token=$(create $ALICE vault --pin-file "$TMP/new" 2>"$TMP/output")
id=$(key_id "$token")
exits "revealing takes it" 4 as $ALICE ctl key reveal "$id" </dev/null
exits "and looks at it" 4 \
	as $ALICE ctl key reveal "$id" --pin-file "$TMP/wrong"
is "the right one reveals" "$(as $ALICE ctl key reveal "$id" \
	--pin-file "$TMP/new" 2>"$TMP/output")" "$token"

### Five are five

create $BOB bank --pin-file "$TMP/pin" >"$TMP/output" 2>&1
is "twenty wrong ones at once are five" \
	"$(attempts $BOB 20 $WRONG)" ' 16 PinLocked 4 PinWrong '
exits "then the right one is not looked at" 4 \
	create $BOB bank --pin-file "$TMP/pin"
like "lists say so" "$(ctl operator list)" "^$BOB .* locked "
exits "nor for another PIN" 4 as $BOB ctl operator set-pin \
	--pin-file "$TMP/new" --old-pin-file "$TMP/pin"
exits "what takes no PIN goes on" 0 create $BOB mail
exits "others go on" 0 create $ALICE bank --pin-file "$TMP/new"
is "twenty right ones at once are all right" \
	"$(attempts $ALICE 20 $NEW_PIN)" ' 20 - '
for i in 1 2 3 4; do
	create $ALICE bank --pin-file "$TMP/wrong" >"$TMP/output" 2>&1
done
exits "four wrong ones and a right one" 0 \
	create $ALICE bank --pin-file "$TMP/new"
for i in 1 2 3; do
	create $ALICE bank --pin-file "$TMP/wrong" >"$TMP/output" 2>&1
done
kill_apikeyd
start_apikeyd || give_up "apikeyd does not start again"
exits "locked outlives a kill" 4 create $BOB bank --pin-file "$TMP/pin"
exits "and so does the count: the fourth" 4 \
	create $ALICE bank --pin-file "$TMP/wrong"
like "leaves one" "$(cat "$TMP/output")" 'wrong PIN; 1 more'
exits "the fifth" 4 create $ALICE bank --pin-file "$TMP/wrong"
like "locks" "$(cat "$TMP/output")" 'none is taken before'

### The way out

exits "a superadmin removes" 0 ctl operator remove $BOB
exits "and adds again" 0 ctl operator add $BOB --role admin
exits "the PIN is gone, so that the next of this uid does not have it" 4 \
	create $BOB bank --pin-file "$TMP/pin"
like "and not wrong" "$(cat "$TMP/output")" 'you have none'
exits "a new one" 0 as $BOB ctl operator set-pin --pin-file "$TMP/new"
exits "another login on the uid" 1 raw_ok AddOperator \
	"{\"login\":\"bob\",\"uid\":$BOB,\"role\":\"admin\",\"x\":1}"
exits "another login on the uid" 0 raw_ok AddOperator \
	"{\"login\":\"bob\",\"uid\":$BOB,\"role\":\"admin\"}"
exits "does not have it either" 4 create $BOB bank --pin-file "$TMP/new"
like "and not wrong" "$(cat "$TMP/output")" 'you have none'

# It was in buffers and in JSON; what is left is the hash.
memory() {
	printf '%s\n' "$1" | "$top_builddir/tests/tools/memscan" "$APIKEYD_PID"
}
if [ "${SANITIZERS-}" != yes ]; then
	exits "(what is in memory is found)" 1 memory acme
	for secret in $PIN $NEW_PIN $WRONG; do
		exits "no PIN in apikeyd's memory" 0 memory "$secret"
	done
else
	skip "no PIN in apikeyd's memory" "not to be seen under a sanitizer"
fi
exits "apikeyd ends well" 0 stop_apikeyd

if reason=$(clock_impossible); then
	skip "after 15 minutes a PIN is taken again" "$reason"
else
	# That clock stands still, at a whole second.
	set_clock "$(date -u -d '+901 seconds' '+%Y-%m-%d %H:%M:%S')"
	use_clock
	start_apikeyd || give_up "apikeyd does not start in a later time"
	exits "after 15 minutes a PIN is taken again" 0 \
		create $ALICE bank --pin-file "$TMP/new"
	stop_apikeyd
fi

### Nowhere

nok "no PIN in the log" grep -q canary- "$TMP/apikeyd.log"
nok "nor in the store" grep -rqa canary- "$TMP/state"

done_testing
