#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# apikeyctl(1): all commands and options are in it and no others, man has
# nothing to say against it, and its examples do what they say.
#
# shellcheck disable=SC2086,SC2119,SC2154,SC2317 # words; what make check sets

. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/ctl.lib.sh
. "$top_srcdir/tests/ctl.lib.sh"
# shellcheck source=tests/manual.lib.sh
. "$top_srcdir/tests/manual.lib.sh"

page=plugins/ctl/apikeyctl.1.scd

# section WORD…: what stands under the heading that begins with these words.
section() {
	awk -v words="## $*" '
		/^#/ { inside = $0 == words || index($0, words " ") == 1 }
		inside' "$top_srcdir/$page"
}

# described WORD…: the options in its section, or that it shares with others.
described() {
	section "$@" >"$TMP/section"
	sed -n 's/^\*\(--[a-z-]*\)\*.*/\1/p' "$TMP/section"
	shared=$(sed -n 's/.*options of \*\([a-z -]*\)\*.*/\1/p' "$TMP/section")
	[ -z "$shared" ] ||
		section $shared | sed -n 's/^\*\(--[a-z-]*\)\*.*/\1/p'
}

sorted() {
	sort -u | tr '\n' ' '
}

commands >"$TMP/commands"
while read -r words; do
	like "the page has $words" "$(section $words | head -n 1)" "^## $words"
	is "... and its options" "$(described $words | sorted)" \
		"$(options $words | sorted)"
done <"$TMP/commands"
sed -n 's/^## //p' "$top_srcdir/$page" | sed 's/ *\(\[\|--\|[A-Z]\).*//' |
	sort >"$TMP/headings"
sort "$TMP/commands" >"$TMP/sorted"
ok "the page has no others" diff "$TMP/headings" "$TMP/sorted"
is "options of every command" "$(awk '
	/^# / { inside = $0 == "# OPTIONS OF EVERY COMMAND" }
	inside' "$top_srcdir/$page" | sed -n 's/^\*\(--[a-z-]*\)\*.*/\1/p' |
	sorted)" "$(offers --help -- | sorted)"
for code in 0 1 2 3 4 5 6; do
	ok "exit status $code" grep -qE "^(\[\[|\|)  ?\*$code\*\$" \
		"$top_srcdir/$page"
done

# No page is formatted without a word from man. A page may have come with the
# sources.
for name in apikeyctl.1 apikey-features.7; do
	for file in "$top_builddir/plugins/ctl/$name" \
		"$top_srcdir/plugins/ctl/$name"; do
		[ ! -f "$file" ] || break
	done
	if command -v man >"$TMP/output"; then
		MANWIDTH=80 man --warnings -E UTF-8 -l "$file" 2>"$TMP/warnings" \
			>"$TMP/page"
		is "man on $name" "$(cat "$TMP/warnings")" ''
		ok "... which is not empty" [ -s "$TMP/page" ]
	else
		skip "man on $name" "there is no man"
	fi
done

# The examples, one after the other.
apikeyctl() {
	ctl "$@"
}

start_apikeyd || give_up "apikeyd does not start"
cd "$TMP" || give_up "no $TMP"

# example NAME: each of its commands succeeds.
example() {
	manual_example "$page" "$1" >"$TMP/example.sh"
	(
		set -e
		# shellcheck source=/dev/null
		. "$TMP/example.sh"
	)
}

ok "example: first" example first
like "... with a verdict" "$(cat "$TMP/output")" '^valid$'
ok "example: rotate" example rotate
like "... until when the old one holds" "$(cat "$TMP/output")" \
	'^Old secret until: '
like "... the new one of an overlap is over" "$(verdict \
	"$(cat crm-new.token)")" unknown
is "... and the last is good" "$(verdict "$(cat crm.token)")" valid
ok "example: unused" example unused
done_testing
