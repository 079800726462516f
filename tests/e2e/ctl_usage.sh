#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What apikeyctl says to whoever mistypes, and its exit codes.

# shellcheck disable=SC2154 # make check sets it
. "$top_srcdir/tests/lib.sh"

# Nobody listens there: had anything been sent, the exit would be 5, not 2.
dead=$TMP/dead.sock
out=$TMP/out
err=$TMP/err

# Words NAME=VALUE that run() adds to the environment.
environment=

# run ARG...: apikeyctl without a terminal; leaves $code, $out and $err.
run() {
	code=0
	# shellcheck disable=SC2086 # a list of words
	setsid env $environment "$APIKEYCTL" "$@" \
		>"$out" 2>"$err" </dev/null || code=$?
}

# expect CODE TEXT DESC: of the last run; TEXT is in what it said.
expect() {
	is "$3: exit status" "$code" "$1"
	ok "$3: says \"$2\"" grep -qF -e "$2" "$err"
}

# wrong TEXT ARG...: bad usage, that names what was wrong.
wrong() {
	text=$1
	shift
	run --socket "$dead" --verify-socket "$dead" "$@"
	expect 2 "$text" "$*"
	is "$*: nothing on stdout" "$(wc -c <"$out")" 0
}

# lacks FILE TEXT: not in there; TEXT never stands in a command line.
lacks() {
	case $(cat "$1") in
	*"$2"*) return 1 ;;
	esac
}

# repeat N TEXT: TEXT as often as that.
repeat() {
	i=0
	while [ "$i" -lt "$1" ]; do
		printf '%s' "$2"
		i=$((i + 1))
	done
}

# --- words and options
wrong 'Usage: apikeyctl'
wrong 'a verb is missing' key
wrong 'no such command: "frob"; there are: account, product, key, operator' frob
wrong 'no such verb: "frob"; there are: create, list' key frob
wrong 'unknown option --frob' key list --frob
wrong 'unknown option -x' key list -x
wrong 'takes no value: --json=1' key list --json=1
wrong '--account: expected a value: SLUG' key list --account
wrong 'unexpected argument x' key list x
wrong 'SLUG is missing' account show
wrong 'ID is missing' key revoke --yes
wrong '--name TEXT is required' key create --account a --product p
wrong '--account SLUG is required' product enable p
wrong 'expected something to change' key update ak_0123456789ab

# --- values
new='key create --account a --product p --name n'
# wrong_setting TEXT OPTION...: with everything else in order
wrong_setting() {
	text=$1
	shift
	# shellcheck disable=SC2086 # $new is a list of words
	wrong "$text" $new "$@"
}
wrong 'SLUG: expected lower-case letters' account show Acme
wrong 'SLUG: at most 63 bytes, got 64' account show "$(repeat 64 a)"
wrong 'ID: expected a key ID such as' key show abc
wrong '--prefix: expected a lower-case letter' product create p --prefix 1x
wrong '--status: expected pending|approved, got "x"' account create a --status x
wrong '--status: expected active|disabled|' key list --status gone
wrong '--unused: expected a duration' key list --unused 5x
wrong '--expiring: expected a duration' key list --expiring=
wrong '--overlap: expected a duration' key rotate ak_0123456789ab --overlap -1s
wrong '--max-lifetime: expected a duration' product create p --max-lifetime 1y
for words in 'product create p --max-lifetime' 'key list --expiring' \
	'audit log --since'; do
	# shellcheck disable=SC2086 # a list of words
	wrong 'expected a duration above 0' $words 0
done
wrong '--operation-id: expected letters' --operation-id 'a b' account approve a
wrong '--socket: at most' --socket "/$(repeat 200 a)" status
wrong_setting '--rate: expected N/DURATION such as 100/60s, got "fast"' \
	--rate fast
wrong_setting '--rate: expected' --rate 0/60s
wrong_setting '--quota: expected N/day' --quota 10/week
wrong_setting '--expires: expected a duration' --expires 2027-02-30
wrong_setting '--expires: expected a duration' --expires 0
wrong_setting '--permission: expected read|write' --permission admin
wrong_setting '--type: expected bearer|hmac' --type jwt
wrong_setting '--scope: expected letters' --scope 'a b'
wrong_setting '--allow: expected ADDRESS or CIDR' --allow 10.0.0.1/8
wrong_setting '--allow: expected ADDRESS or CIDR' --allow 10.0.0.0/33
wrong_setting '--allow: label: at most 64 bytes' \
	--allow "10.0.0.0/8=$(repeat 65 x)"
wrong_setting '--name: expected 1 to 128 bytes' --name ''
wrong_setting '--name: expected 1 to 128 bytes' --name "$(printf 'a\033b')"
wrong_setting '--name: at most 128 bytes, got 129' --name "$(repeat 129 n)"
wrong_setting '--environment: at most 64 bytes' --environment "$(repeat 65 e)"
wrong_setting '--user: expected a login' --user 'a:b'
wrong_setting '--service: expected a word' --service 'a b'
wrong_setting '--caller: expected a login of this machine' --caller no-such-login-
wrong_setting '--scope: at most 64 bytes' --scope "$(repeat 65 s)"
# The first of two is judged, too.
wrong_setting '--rate: expected' --rate fast --rate 1/s
# shellcheck disable=SC2046 # a list of words
wrong_setting '--scope: at most 32' $(repeat 33 '--scope s ')
# shellcheck disable=SC2046
wrong_setting '--allow: at most 64' $(repeat 65 '--allow ::1 ')
# shellcheck disable=SC2046
wrong_setting '--service: at most 16' $(repeat 17 '--service s ')
# shellcheck disable=SC2046
wrong_setting '--caller: at most 16' $(repeat 17 '--caller root ')
wrong '--address: expected a numeric' key verify --address localhost

# --- no terminal to ask at
wrong 'add --yes' key revoke ak_0123456789ab
wrong 'add --yes' key delete ak_0123456789ab

# --- tokens in the wrong place are not repeated
secret=0123456789012345678901234567890123456789012ABCDEF
wrong 'from stdin or a prompt' key verify "ak_0123456789ab_$secret"
ok 'a token as an argument is not shown' lacks "$err" 0123456789012
wrong 'ID: expected' key show "ak_0123456789ab_$secret"
ok 'a token as a key ID is not shown' lacks "$err" 0123456789012
wrong 'no such verb: "ak_' key "ak_0123456789ab_$secret"
ok 'a token as a verb is not shown' lacks "$err" 0123456789012
wrong 'key allow: no such verb: "ak_' key allow "ak_0123456789ab_$secret"
ok 'a token as the second word of one is not shown' lacks "$err" 0123456789012
wrong 'no such command: "ak_' "ak_0123456789ab_$secret"
ok 'a token as a command is not shown' lacks "$err" 0123456789012

# --- nobody there
for words in status 'key list' 'account create a' \
	'key revoke --yes ak_0123456789ab' \
	'key update ak_0123456789ab --expires never' \
	'--json key show -- ak_0123456789ab' 'key verify'; do
	# shellcheck disable=SC2086
	run --socket "$dead" --verify-socket "$dead" $words
	expect 5 "cannot reach apikeyd at $dead" "$words"
done
environment="APIKEYD_ADMIN_SOCKET=$dead APIKEYD_VERIFY_SOCKET=$dead"
run status
expect 5 "$dead" 'socket from the environment'
run status --socket "$TMP/other.sock"
expect 5 "$TMP/other.sock" 'an option beats the environment'
run --socket "$TMP/a.sock" --socket="$TMP/b.sock" status
expect 5 "$TMP/b.sock" 'the last of two wins'
environment=APIKEYD_ADMIN_SOCKET=/$(repeat 200 a)
run status
expect 2 'APIKEYD_ADMIN_SOCKET: at most' 'a variable too long for a socket'
environment=

# --- help
for words in '' key account 'key create' status; do
	# shellcheck disable=SC2086
	run $words --help
	is "help of '$words': exit status" "$code" 0
	ok "help of '$words'" grep -q '^Usage: apikeyctl' "$out"
	# shellcheck disable=SC2086
	run --help $words
	is "help before '$words': exit status" "$code" 0
done
run key update --help
for text in 'an empty value clears' \
	'none also clears --rate, --quota and --allow; never clears --expires'; do
	ok "help of 'key update' has '$text'" grep -q -e "$text" "$out"
done
run --version
is 'version: exit status' "$code" 0
ok 'version' grep -q '^apikeyctl ' "$out"

# --- check, offline
# check TOKEN: leaves $code and $answer
check() {
	code=0
	answer=$(printf '%s\n' "$1" | "$APIKEYCTL" key check --json) || code=$?
}
# of the protocol's examples: secret bytes 00 01 02 ... 1f
check "ak_0123456789ab_$secret"
is 'check: wrong checksum: exit status' "$code" 1
is 'check: wrong checksum' "$answer" \
	'{"well_formed":false,"verdict":"malformed","reason":"checksum"}'
check ak_0123456789ab_0123
is 'check: truncated' "$answer" \
	'{"well_formed":false,"verdict":"malformed","reason":"truncated"}'
: | "$APIKEYCTL" key check >"$out"
ok 'check: nothing at all' grep -q 'Nothing came on standard input' "$out"
check 'hello there'
is 'check: shape: exit status' "$code" 1
is 'check: shape' "$answer" \
	'{"well_formed":false,"verdict":"malformed","reason":"shape"}'
check "$(repeat 5000 x)"
is 'check: far too long' "$answer" \
	'{"well_formed":false,"verdict":"malformed","reason":"shape"}'

# --- with a daemon
start_apikeyd || give_up 'apikeyd did not start'
run account show nobody-there
expect 3 nobody-there 'no such account'
run key show ak_0123456789ab
expect 3 ak_0123456789ab 'no such key'
run account create acme --status approved
is 'create an account' "$code" 0
run account create acme
expect 6 acme 'an account that exists'
run product create brief --max-lifetime 30d
run product show brief
like 'a long lifetime is shown as it is given' "$(cat "$out")" \
	'^Longest lifetime: +30d$'
run product enable brief --account acme
run key create --account acme --product brief --name short
expect 0 'It is accepted until 2' 'a key of which the product limits the time'
run product create things --prefix tk
is 'create a product' "$code" 0
run key create --account acme --product things --name one
expect 6 things 'a product that is not enabled'
run product enable things --account acme
is 'enable it' "$code" 0
run key create --account acme --product things --name one
is 'create a key' "$code" 0
ok 'a key without an end: nothing is said of one' lacks "$err" 'accepted until'
is 'the token is the only line on stdout' "$(wc -l <"$out")" 1
token=$(cat "$out")
id=${token%_*}
ok 'the key ID is explained on stderr' grep -q "$id" "$err"
ok 'the token is not on stderr' lacks "$err" "$token"
check "$token"
is 'check: well-formed: exit status' "$code" 0
is 'check: well-formed' "$answer" "{\"well_formed\":true,\"id\":\"$id\"}"

# ask TOKEN OPTION...: leaves $code and $out
ask() {
	code=0
	given=$1
	shift
	printf '%s\n' "$given" | "$APIKEYCTL" key verify "$@" \
		>"$out" 2>"$err" || code=$?
}
ask "$token"
is 'verify: exit status' "$code" 0
is 'verify: the verdict alone on the first line' "$(head -n 1 "$out")" valid
ask "$token" --permission write --json
is 'verify, refused: exit status' "$code" 1
ok 'verify, refused' grep -q '"verdict":"permission_denied"' "$out"
# meaning TEXT OPTION...: what people are told of a refusal.
meaning() {
	text=$1
	shift
	ask "$token" "$@"
	like "verify $*: what it means" "$(cat "$out")" "^Meaning: .*$text"
}
run account create other
run product create others
meaning '--permission' --permission write
meaning '--scope' --scope missing
meaning '--account' --account other
meaning '--product' --product others
meaning '--user' --user somebody
ask "$token"
unlike 'verify, valid: nothing to explain' "$(cat "$out")" Meaning
ask "${token}x" --json
is 'verify, malformed: exit status' "$code" 1
is 'verify, malformed: nothing else' "$(cat "$out")" \
	'{"verdict":"malformed","reason":"shape"}'
ask '' --json
is 'verify, nothing: exit status' "$code" 1
ask ''
is 'verify, nothing: what came' "$(sed -n 's/^Meaning: *//p' "$out")" \
	'Nothing came on standard input.'

run key update "$id" --rate 5/m --allow 192.0.2.0/24=Office
is 'update: exit status' "$code" 0
run key show "$id"
like 'a rate is shown in units' "$(cat "$out")" '^Rate: +5 per 1m$'
run key show "$id" --json
ok 'update: rate' grep -qF '"rate":{"limit":5,"per_seconds":60}' "$out"
ok 'update: allow-list' grep -qF '"allowlist":{"enabled":true,"entries":[{"cidr":"192.0.2.0/24","label":"Office"}]}' "$out"
meaning '--address' --address 198.51.100.1
meaning '--address'
run key update "$id" --caller 4294967294 --user somebody --expires 30d \
	--scope a:b --service httpd --environment test
is 'more of update: exit status' "$code" 0
meaning '--service' --user somebody --scope a:b --address 192.0.2.1
run key show "$id" --json
ok 'update: caller' grep -qF '"callers":["4294967294"]' "$out"
ok 'update: user' grep -qF '"user":"somebody"' "$out"
run key update "$id" --rate none --allow none --user "" --expires never \
	--scope "" --caller "" --service "" --environment ""
is 'update that clears: exit status' "$code" 0
run key show "$id" --json
ok 'update: rate gone' grep -qF '"rate":null' "$out"
ok 'update: no longer on an allow-list' grep -qF '"entries":[]' "$out"
ok 'update: never expires' grep -qF '"expires_at":null' "$out"
ok 'update: user gone' grep -qF '"user":null' "$out"
ok 'update: lists gone' grep -qF '"services":[],"callers":[]' "$out"

run key list
for head in 'KEY ID' NAME ACCOUNT PRODUCT ENVIRONMENT PERMISSION STATUS \
	CREATED EXPIRES 'LAST USED' "$id"; do
	ok "list has $head" grep -q "$head" "$out"
done

for words in 'key list' 'audit stale'; do
	# shellcheck disable=SC2086 # a list of words
	run $words --unused 0 --account acme --json
	ok "$words --unused 0 has every key" \
		grep -qF "\"id\":\"$id\"" "$out"
done

run --operation-id again-1 key rotate "$id" --json
is 'rotate: exit status' "$code" 0
run --operation-id again-1 key rotate "$id"
expect 0 'first time only' 'the same rotation again'
is 'the same rotation again: no token' "$(wc -c <"$out")" 0

# Disabling what is disabled changes nothing, but is done: saying it again
# later does not undo what somebody did since.
run key disable "$id"
run key disable "$id" --operation-id again-2
run key enable "$id"
run key disable "$id" --operation-id again-2 --json
like 'a repetition of nothing changes nothing' "$(cat "$out")" \
	'"status":"active"'

# Of another object it is no repetition.
run account create globex --operation-id again-3
run account create initech --operation-id again-3
expect 6 'apikeyctl: operation_id again-3' 'an operation id of another change'

run key disable "$id"
run key rotate "$id"
expect 0 'It is disabled' 'a token that is not accepted yet'
run key enable "$id"

run key update "$id" --expires 2020-01-01
expect 2 'apikeyctl: --expires: ' 'what only the daemon can refuse'

# A token that nobody can receive is not lost in silence.
code=0
"$APIKEYCTL" key rotate "$id" >/dev/full 2>"$err" || code=$?
expect 1 "apikeyctl key rotate $id" 'a full disk'
code=0
"$APIKEYCTL" key rotate "$id" >&- 2>"$err" || code=$?
expect 1 "apikeyctl key rotate $id" 'a closed stdout'

# A reader that left is no news, unless it left a token behind.
mkfifo "$TMP/pipe"
# unread ARG...: stdout is a pipe whose reader is gone.
unread() {
	code=0
	# For a moment with a reader, since opening would wait for one.
	"$APIKEYCTL" "$@" 2>"$err" 3<>"$TMP/pipe" >"$TMP/pipe" 3>&- || code=$?
}
unread status
is 'status that nobody reads: exit status' "$code" 1
is 'status that nobody reads: not a word' "$(cat "$err")" ''
unread key rotate "$id"
expect 1 "apikeyctl key rotate $id" 'a token that nobody reads'

# The sockets are open to everybody; the kernel says who asks.
if [ "$(id -u)" -eq 0 ]; then
	chmod a+x "$TMP" "$TMP/run"
	code=0
	setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$APIKEYCTL" account create other 2>"$err" || code=$?
	expect 4 'apikeyctl: ' 'somebody else'
	code=0
	setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$APIKEYCTL" key verify </dev/null 2>"$err" || code=$?
	expect 4 'you have to be root or in its group (apikey by default)' \
		'somebody else asks for a verdict'
	chmod a-x "$TMP/run"
	code=0
	setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$APIKEYCTL" status 2>"$err" || code=$?
	expect 4 'look at the permissions' 'a socket out of reach'
	chmod a+x "$TMP/run"
fi

run key revoke "$id" --yes --reason test
is 'revoke: exit status' "$code" 0
meaning 'no such key'
run key enable "$id"
expect 6 "$id" 'enable what is revoked'
run key delete "$id" --yes --json
is 'delete' "$(cat "$out")" "{\"deleted\":\"$id\"}"

done_testing
