#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A new master key: every token goes on, and the old one opens nothing more.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

one=$TMP/one.key two=$TMP/two.key three=$TMP/three.key

umask 077
for file in "$one" "$two" "$three"; do
	od -A n -N 32 -t x1 /dev/urandom | tr -d ' \n' >"$file"
done

# rekey [ARGUMENT…]: its exit code; what it says is in $TMP/said.
rekey() {
	"$APIKEYD" --state-directory "$TMP/state" "$@" >"$TMP/said" 2>&1
}

# said DESCRIPTION PATTERN: in one line.
said() {
	is "$1: in one line" "$(wc -l <"$TMP/said")" 1
	like "$1" "$(cat "$TMP/said")" "$2"
}

# restart [ARGUMENT…]: and the tokens from before are as good as ever.
restart() {
	start_apikeyd "$@" || return
	[ "$(verdict "$token")" = valid ] &&
		[ "$(verdict "$foreign")" = valid ] &&
		[ "$(ctl key reveal "$(key_id "$kept")")" = "$kept" ]
}

# shellcheck disable=SC2119 # without arguments
start_apikeyd || give_up "apikeyd does not start"
seed
token=$(new_key first)
ctl product create vault --recoverable >"$TMP/output"
ctl product enable vault --account acme >"$TMP/output"
SEED_PRODUCT=vault
kept=$(new_key kept)
# An import is in force by the sequence numbers of its records.
foreign=token-of-elsewhere.0123456789
printf '{"account":"acme","product":"appointments","name":"old","sha256":"%s"}\n' \
	"$(printf %s "$foreign" | sha256sum | cut -d " " -f 1)" >"$TMP/foreign"
ok "(a key of elsewhere)" ctl key import "$TMP/foreign"

exits "not while a daemon runs" 1 rekey --rekey "$one"
said "it is named" "another apikeyd \(pid $APIKEYD_PID\) uses $TMP/state"
stop_apikeyd
cp "$TMP/state/master.key" "$TMP/first.key"

### What is refused, and changes nothing

before=$(cksum "$TMP"/state/[!l]*) # not lock, which names its last holder

# refused WHAT FILE PATTERN
refused() {
	exits "$1 is refused" 1 rekey --rekey "$2"
	said "with the reason" "$3"
}

refused "a file that is missing" "$TMP/none" "$TMP/none: .*missing"
head -c 63 "$one" >"$TMP/short"
refused "a key that is cut off" "$TMP/short" \
	"$TMP/short: not a master key: expected 64"
: >"$TMP/empty"
refused "an empty file" "$TMP/empty" "$TMP/empty: not a master key"
ln -s "$one" "$TMP/link"
refused "a symbolic link" "$TMP/link" "$TMP/link: is a symbolic link"
refused "a directory" "$TMP/run" "$TMP/run: is not a regular file"
if [ "$(id -u)" -eq 0 ]; then
	cp "$one" "$TMP/theirs"
	chown 61005 "$TMP/theirs"
	refused "somebody else's file" "$TMP/theirs" "belongs to uid 61005"
else
	skip "somebody else's file" "takes root, to make one"
fi
exits "a state directory without a store is refused" 1 \
	rekey --state-directory "$TMP/run" --rekey "$one"
said "for that" "$TMP/run: "
exits "so is none" 1 rekey --state-directory "$TMP/nowhere" --rekey "$one"
nok "and none is made" [ -e "$TMP/nowhere" ]
is "all is as it was" "$(cksum "$TMP"/state/[!l]*)" "$before"

### master.key in the state directory

chmod 644 "$one"
ok "a new key" rekey --rekey "$one"
like "a file that is too open is closed" "$(cat "$TMP/said")" \
	"$one: mode was 0644"
like "what is left to do is said" "$(cat "$TMP/said")" \
	"$TMP/state/master.key: is the new master key; keep a copy"
is "master.key is the new one" "$(tr -d '\n' <"$TMP/state/master.key")" \
	"$(cat "$one")"
is "(and for us alone)" "$(stat -c %a "$TMP/state/master.key")" 400
nok "with nothing beside it" [ -e "$TMP/state/master.key.new" ]
unlike "the key itself is not said" "$(cat "$TMP/said")" "$(cat "$one")"
ok "what was there before is as good as ever" restart
stop_apikeyd
ok "once more, with the same key" rekey --rekey "$one"
ok "changes nothing" restart
stop_apikeyd
is "each has a line in audit.log" "$(sed -n \
	's/.*"uid":\([0-9]*\),"method":"Rekey","outcome":"\([a-z]*\)".*/\1 \2/p' \
	"$TMP/state/audit.log")" "$(printf '%s done\n' "$(id -u)" "$(id -u)")"
echo "master_key_file = \"$TMP/first.key\"" >"$TMP/first.conf"
nok "the old key opens it no more" start_apikeyd --config "$TMP/first.conf"
like "and is told so" "$(tail -n 1 "$TMP/apikeyd.log")" "another master key"

### A file that the configuration names

echo "master_key_file = \"$TMP/named.key\"" >"$TMP/named.conf"
cp "$one" "$TMP/named.key"
rm "$TMP/state/master.key"
ok "a new key beside one that the configuration names" \
	rekey --config "$TMP/named.conf" --rekey "$two"
said "which is the operator's to replace" \
	"put it into $TMP/named.key before apikeyd is started"
is "and is as it was" "$(cat "$TMP/named.key")" "$(cat "$one")"
ok "again, since nobody remembers" \
	rekey --config "$TMP/named.conf" --rekey "$two"
cp "$two" "$TMP/named.key"
ok "with it in place, all goes on" restart --config "$TMP/named.conf"
stop_apikeyd

### A credential

mkdir "$TMP/credentials"
cp "$two" "$TMP/credentials/apikeyd.master-key"
CREDENTIALS_DIRECTORY=$TMP/credentials
export CREDENTIALS_DIRECTORY
ok "a new key beside a credential" rekey --rekey "$three"
said "which is the operator's to replace" \
	"make it the credential apikeyd.master-key before"
cp "$three" "$TMP/credentials/apikeyd.master-key"
ok "with it in place, all goes on" restart
nok "no master.key was made" [ -e "$TMP/state/master.key" ]
stop_apikeyd
done_testing
