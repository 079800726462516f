#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# apikeyctl on a terminal of 80 columns: tables that fit whatever is in them,
# colours, characters that the locale lacks, questions.
#
# shellcheck disable=SC2119,SC2154,SC2317 # what make check sets

. "$top_srcdir/tests/lib.sh"

command -v script >"$TMP/output" || skip_all "there is no script(1)"

# A locale with UTF-8 that every Debian has.
LC_ALL=C.UTF-8 TERM=xterm
export LC_ALL TERM
unset NO_COLOR

# at_terminal COMMAND: what is seen there; what is typed comes from stdin.
at_terminal() {
	script -qefc "stty cols 80 rows 24; $1" /dev/null
}

# seen ARGUMENT…: of apikeyctl with nobody typing.
seen() {
	at_terminal "'$APIKEYCTL' $*" </dev/null | tr -d '\r'
}

# fits: no line on stdin is wider than the terminal. Colours take no room.
fits() {
	sed 's/\x1b\[[0-9;]*m//g' >"$TMP/page"
	widest=$(wc -L <"$TMP/page")
	[ "$widest" -le 80 ] && return
	cat "$TMP/page"
	echo "widest line: $widest"
	return 1
}

start_apikeyd || give_up "apikeyd does not start"
for noun in account product key operator; do
	is "no ${noun}s" "$(seen $noun list)" "No ${noun}s."
done

### Long names, wide characters

long=$(printf '%063d' 0)
wide=$(printf '日本語の名前%.0s' 1 2 3 4 5 6 7)
seed
{
	ctl account create "$long" --name "$wide" --status approved
	ctl product create "$long" --name "$wide" --prefix abcdefghijklmnop
	ctl product enable "$long" --account "$long"
	ctl product enable appointments --account "$long"
	ctl operator add 61007 --role auditor --account "$long" --account acme
} >"$TMP/output" || give_up "the seed failed"
token=$(new_key "CRM Sync" --expires 90d)
id=$(key_id "$token")
SEED_ACCOUNT=$long SEED_PRODUCT=$long
new_key "$wide" --environment "$(printf '%064d' 0)" >"$TMP/output"
for noun in account product key operator; do
	seen $noun list >"$TMP/list"
	exits "${noun}s fit" 0 fits <"$TMP/list"
	ok "... and are not cut down to nothing" \
		[ "$(wc -l <"$TMP/list")" -ge 2 ]
done
like "an audit log without room for columns is lines, and whole" \
	"$(seen audit log)" \
	"^2[^ ]+Z  [^ ]+  CreateKey  $id  acme  done  type=bearer, .*allowlist="
like "key IDs are whole" "$(seen key list)" "^$id "
like "in 90 days is not in 89" "$(seen key list)" ' in 90d'
is "a pipe is not cut" "$(ctl key list | grep -c "$wide")" 1
like "... nor are its times" "$(ctl key list)" ' 2[0-9-]+T[0-9:]+Z '

### Colours

colour=$(printf '\033\\[')
like "status is coloured" "$(seen key list)" "${colour}32mactive"
unlike "not with NO_COLOR" "$(NO_COLOR=1 seen key list)" "$colour"
unlike "not on a dumb terminal" "$(TERM=dumb seen key list)" "$colour"
unlike "not in a pipe" "$(ctl key list)" "$colour"

### Locales and JSON

# ascii: stdin has no other characters.
ascii() {
	! LC_ALL=C grep -n '[^ -~	]'
}
for words in "account list" "account show $long" "key list"; do
	LC_ALL=C seen "$words" | sed 's/\x1b\[[0-9;]*m//g' >"$TMP/list"
	exits "C locale: $words" 0 ascii <"$TMP/list"
done
like "JSON is for people there" "$(seen --json account show acme)" \
	'^  "slug": "acme",$'
like "... lists, too" "$(seen --json account list)" '^  "slug": "acme",$'
is "... and for programs in a pipe" "$(ctl --json account show acme | wc -l)" 1

### Questions

# type_at PROMPT KEYS: types, once that has been asked.
type_at() {
	await grep -qF -e "$1" "$TMP/seen"
	# shellcheck disable=SC2059 # with its escapes
	printf "$2"
}

# answer PROMPT KEYS ARGUMENT…: what is seen where this is typed, and the exit
# code.
answer() {
	prompt=$1 typed=$2
	shift 2
	: >"$TMP/seen"
	type_at "$prompt" "$typed" |
		at_terminal "'$APIKEYCTL' $*; echo exit \$?" >"$TMP/seen"
	tr -d '\r' <"$TMP/seen"
}
status_of() {
	ctl key show "$1" --json | sed -n 's/.*"status":"\([a-z]*\)".*/\1/p'
}
for keys in 'n\n' '\n' 'no way\n' '\004'; do
	said=$(answer '[y/N]' "$keys" key revoke "$id")
	like "'$keys': asked which key" "$said" \
		"Revoke key $id \(CRM Sync, acme\)\? .* \[y/N\]"
	like "... it says that it did nothing" "$said" 'nothing was changed'
	like "... and that it was refused" "$said" '^exit 1$'
	is "... nothing was done" "$(status_of "$id")" active
done
like "delete asks, too" "$(answer '[y/N]' 'n\n' key delete "$id")" "Delete key $id"
like "y does it" "$(answer '[y/N]' 'y\n' key revoke "$id")" "Revoked key $id"
is "... at once" "$(status_of "$id")" revoked
leaked=$(new_key Leaked)
echo "$leaked" >"$TMP/leak"
said=$(answer '[y/N]' 'n\n' key scan "$TMP/leak" --revoke)
like "a scan asks, having said which key" "$said" \
	"leak:1: $(key_id "$leaked"), .*"
like "... and that nothing was revoked" "$said" 'nothing was revoked'
is "... nor was it" "$(status_of "$(key_id "$leaked")")" active
answer '[y/N]' 'y\n' key scan "$TMP/leak" --revoke >"$TMP/output"
is "y revokes it" "$(status_of "$(key_id "$leaked")")" revoked
like "--yes asks nothing" "$(seen key delete "$id" --yes)" "^Deleted key $id"
said=$(answer 'Token: ' "$token\\n" key verify)
like "a token is asked for, and judged" "$said" '^unknown$'
unlike "... and not seen" "$said" "${token##*_}"
stop_apikeyd
done_testing
