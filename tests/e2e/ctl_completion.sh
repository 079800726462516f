#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# What bash and zsh offer: all that apikeyctl's help has, words that an option
# takes, and what there is in the store, where that may be seen.
#
# shellcheck disable=SC2119,SC2154 # what make check sets

. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/ctl.lib.sh
. "$top_srcdir/tests/ctl.lib.sh"

completion=$top_srcdir/plugins/ctl/completion
mkdir -p "$TMP/bin"
ln -s "$APIKEYCTL" "$TMP/bin/apikeyctl"
PATH=$TMP/bin:$PATH

# sorted: the lines on stdin as words on one line.
sorted() {
	sort | tr '\n' ' ' | sed 's/ $//'
}

# in_bash WORD…: what bash offers in the place of the last, sorted.
in_bash() {
	# shellcheck disable=SC2016 # for bash
	bash -c '. "$1"; shift
		COMP_WORDS=(apikeyctl "$@") COMP_CWORD=$#
		_apikeyctl; printf "%s\n" "${COMPREPLY[@]}"' \
		bash "$completion/apikeyctl" "$@" 2>"$TMP/stderr" | sorted
}

# quiet DESCRIPTION: bash's last words on stderr were none.
quiet() {
	is "$1" "$(cat "$TMP/stderr")" ''
}

### Without a daemon

is "nouns" "$(in_bash '')" "$("$APIKEYCTL" --help |
	sed -n '/^  [a-z]/s/^  \([a-z]*\).*/\1/p' | sort -u |
	{ cat; echo help; } | sorted)"
is "the beginning of a noun" "$(in_bash acc)" account
for noun in $(nouns); do
	is "$noun: verbs" "$(in_bash "$noun" '')" "$("$APIKEYCTL" "$noun" --help |
		sed -n "s/^  $noun \([a-z-]*\).*/\1/p" | sort -u | sorted)"
done
is "a verb of two words" "$(in_bash key allow '')" "add off on remove"
commands >"$TMP/commands"
while read -r words; do
	# shellcheck disable=SC2086 # words
	is "$words: options" "$(in_bash $words --)" \
		"$("$APIKEYCTL" $words --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p' |
			sorted)"
done <"$TMP/commands"
is "words of an option" "$(in_bash key create --permission '')" "read write"
is "... their beginning" "$(in_bash key create --permission w)" write
is "... after =, as bash cuts it" \
	"$(in_bash key create --permission = w)" write
is "... after = alone" "$(in_bash key create --type =)" "bearer hmac"
is "... in one word, as zsh has it" \
	"$("$APIKEYCTL" __complete key create --type=h)" --type=hmac
is "nothing for a free text" "$(in_bash key create --name '')" ''
is "nothing after the last argument" "$(in_bash account show acme '')" ''
is "help goes on as the command" "$(in_bash help account cr)" create
is "nothing of what there is not" "$(in_bash frob '')" ''
touch "$TMP/some.token"
is "files" "$(in_bash key sign --token-file "$TMP/some")" "$TMP/some.token"
like "logins" "$(in_bash key create --user ro)" '(^| )root( |$)'
is "no daemon: no accounts" "$(in_bash account show '')" ''
quiet "... and not a word"

### With one

start_apikeyd || give_up "apikeyd does not start"
is "an empty store: no accounts" "$(in_bash account show '')" ''
seed acme appointments
ctl account create globex >"$TMP/output"
ctl product create billing >"$TMP/output"
id=$(key_id "$(new_key 'A: first key')")
other=$(key_id "$(new_key 'second')")
is "accounts" "$(in_bash account show '')" "acme globex"
is "... by their beginning" "$(in_bash account show g)" globex
is "... of an option" "$(in_bash key list --account '')" "acme globex"
is "products" "$(in_bash product enable '')" "appointments billing"
is "... of an option" "$(in_bash key list --product b)" billing
is "key IDs" "$(in_bash key show '')" \
	"$(printf '%s\n' "$id" "$other" | sorted)"
is "... by their beginning" "$(in_bash key allow add "$id")" "$id"
is "... and no more of them after one" "$(in_bash key show "$id" '')" ''
is "keys with their names" "$("$APIKEYCTL" __complete key show "$id")" \
	"$(printf '%s\tA: first key' "$id")"
socket=$APIKEYD_ADMIN_SOCKET
APIKEYD_ADMIN_SOCKET=$TMP/none.sock
is "by the socket that is typed" \
	"$(in_bash --socket "$socket" account show g)" globex
is "... after =" "$(in_bash --socket = "$socket" account show g)" globex
is "... and by none" "$(in_bash account show '')" ''
APIKEYD_ADMIN_SOCKET=$socket

# in_zsh WORD…: likewise, with the two functions of its own that take part.
in_zsh() {
	# shellcheck disable=SC2016 # for zsh
	zsh -fc 'function _describe { print -rl -- "${(@P)2}" }
		function _files { print -r -- files }
		function _users { print -r -- users }
		function compset { true }
		words=(apikeyctl "$@[2,-1]") CURRENT=$#
		. "$1"' zsh "$completion/_apikeyctl" "$@" 2>&1
}

if command -v zsh >"$TMP/output"; then
	ok "zsh reads it" zsh -n "$completion/_apikeyctl"
	is "zsh: verbs with what they do" "$(in_zsh account ap)" \
		"approve:Let an account have keys that are accepted"
	is "zsh: keys" "$(in_zsh key show "$id")" "$id:A: first key"
	is "zsh: =" "$(in_zsh key list --account=a)" "--account=acme"
	is "zsh: files" "$(in_zsh key sign --token-file '')" files
	is "zsh: logins" "$(in_zsh operator add '')" users
	is "zsh: nothing" "$(in_zsh key create --name '')" ''
else
	skip "zsh" "there is none"
fi

if [ "$(id -u)" -eq 0 ]; then
	chmod 755 "$TMP" "$TMP/run"
	is "nobody is offered nothing" "$(setpriv --reuid 65534 --regid 65534 \
		--clear-groups "$APIKEYCTL" __complete account show '' 2>&1)" ''
else
	skip "nobody is offered nothing" "takes root, to become nobody"
fi
done_testing
