#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Every noun and verb explains itself: how it is called, what its options take,
# what its exit codes mean, and an example that is right.
#
# shellcheck disable=SC2086,SC2154,SC2317 # words; what make check sets

. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/ctl.lib.sh
. "$top_srcdir/tests/ctl.lib.sh"

# No daemon is there: what gets as far as asking exits 5.
cd "$TMP" || give_up "no $TMP"
mkdir run
help=$TMP/help

# What the interface promises. New ones are found by themselves below.
for words in 'account create' 'account approve' 'account suspend' \
	'account show' 'account delete' 'account list' 'product create' \
	'product show' 'product delete' 'product list' 'product enable' \
	'product disable' 'key create' 'key list' 'key show' 'key disable' \
	'key enable' 'key delete' 'key update' 'key revoke' 'key rotate' \
	'key reveal' 'key allow add' 'key allow remove' 'key allow on' \
	'key allow off' 'key verify' 'key check' 'key explain' 'key usage' 'key sign' \
	'key verify-signature' 'operator add' 'operator list' \
	'operator remove' 'operator set-pin' metrics status; do
	ok "there is $words" "$APIKEYCTL" $words --help
done

# narrow: no line of the help is wider than a terminal of 80 columns.
narrow() {
	! grep -E '^.{80}' "$help"
}

# options_explained WORD…: each has a line, and says something.
options_explained() {
	for option in $(options "$@"); do
		# Its text is on the same line, or indented on the next.
		sed -n "/^  $option\( \|\$\)/{ N; p; }" "$help" |
			grep -Eq "^  $option( [^ ]+)?( {2,}|\$)|^ {26}[^ ]" || {
			echo "$option is not explained"
			return 1
		}
	done
}

# values_explained: what an option takes is a choice of words, or its text says
# more than it does.
values_explained() {
	# From "Options:" to the empty line; continued lines are joined.
	sed -n '/^Options:$/,/^$/p' "$help" |
		awk '/^  --/ { if (line) print line; line = $0; next }
			/^   / { line = line " " $0; next }
			{ if (line) print line; line = "" }' >"$TMP/rows"
	# With a value in capitals there are units, limits or a form to tell.
	! grep -E '^  --[a-z-]+ [^ ]*[A-Z]' "$TMP/rows" |
		grep -vE '; |--(token-file|old-pin-file)'
}

# example: the lines under Example, as a shell reads them.
example() {
	sed -n '/^Example:$/,$p' "$help" | sed 1d
}

apikeyctl() {
	"$APIKEYCTL" "$@"
}

# What examples take from files and variables.
echo x >crm.token
echo x >payload.json
# shellcheck disable=SC2034 # in an example
signature=0123456789abcdef

# example_right: it is no bad usage. A key that is revoked or deleted asks
# first, which takes a terminal; and there is no alice here, nor are its files.
example_right() {
	example | sed 's/\(key revoke\|key delete\) /&--yes /; s/alice/root/' \
		>"$TMP/example.sh"
	[ -s "$TMP/example.sh" ] || return
	status=0
	# shellcheck source=/dev/null
	(. "$TMP/example.sh") </dev/null >"$TMP/example.out" 2>&1 || status=$?
	cat "$TMP/example.sh" "$TMP/example.out"
	[ "$status" -ne 2 ] || grep -q -e 'expected one token' \
		-e 'No such file' "$TMP/example.out"
}

commands >"$TMP/commands"
while read -r words; do
	ok "$words --help" "$APIKEYCTL" $words --help
	"$APIKEYCTL" $words --help >"$help"
	like "$words: synopsis" "$(head -n 1 "$help")" \
		"^Usage: apikeyctl \[OPTION\]\.\.\. $words"
	ok "$words: options" options_explained $words
	ok "$words: units and limits" values_explained
	ok "$words: example" example_right
	ok "$words: 80 columns" narrow
	"$APIKEYCTL" help $words >"$TMP/other"
	ok "help $words is the same" cmp "$help" "$TMP/other"
done <"$TMP/commands"

for noun in $(nouns); do
	"$APIKEYCTL" $noun --help >"$help"
	like "$noun --help: synopsis" "$(cat "$help")" \
		"^Usage: apikeyctl \[OPTION\]\.\.\. $noun"
	for verb in $(offers "$noun" ''); do
		like "$noun --help: $verb" "$(cat "$help")" "^  $noun $verb"
	done
done

# Where "1" means something else than "refused".
for words in 'key verify' 'key explain' 'key check' 'key verify-signature'; do
	like "$words: exit status" "$("$APIKEYCTL" $words --help)" \
		'^Exit status: 0 .*; 1 '
done

"$APIKEYCTL" key allow --help >"$help"
is "the help of the first of two words" "$(grep -c '^  key ' "$help")" \
	"$(grep -c '^  key allow ' "$help")"
exits "a second word is missing" 2 "$APIKEYCTL" key allow
like "... and there are" "$(cat "$TMP/output")" \
	': allow add, allow remove, allow on, allow off$'
exits "help for what is not there" 2 "$APIKEYCTL" help frob
exits "help for help" 0 "$APIKEYCTL" help help
exits "help for a verb that is not there" 2 "$APIKEYCTL" help key frob
done_testing
