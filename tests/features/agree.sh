#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The table of apikey-features(7) and the tests of features agree one to one,
# and the commands in the table are there.
#
# shellcheck disable=SC2154,SC2317 # what make check sets; called by name

. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/features.lib.sh
. "$top_srcdir/tests/features.lib.sh"
# shellcheck source=tests/ctl.lib.sh
. "$top_srcdir/tests/ctl.lib.sh"

mkdir "$TMP/scripts"
cp "$top_srcdir"/tests/features/*.sh "$TMP/scripts"

# agree PAGE SCRIPT…: each number is once in the page and once in the scripts.
agree() {
	features_listed "$1" | sort >"$TMP/listed"
	shift
	features_tested "$@" | sort >"$TMP/tested"
	[ -s "$TMP/listed" ] && diff "$TMP/listed" "$TMP/tested" &&
		[ -z "$(uniq -d "$TMP/listed")" ]
}

ok "features and tests agree" agree "$FEATURE_PAGE" "$TMP/scripts"/*.sh

# That this test can fail.
grep -v '^|  D1$' "$FEATURE_PAGE" >"$TMP/page"
nok "... not where the page lacks one" agree "$TMP/page" "$TMP/scripts"/*.sh
echo '|  Z9' | cat "$FEATURE_PAGE" - >"$TMP/page"
nok "... not where the tests lack one" agree "$TMP/page" "$TMP/scripts"/*.sh
printf 'D1() {\n' >"$TMP/twice.sh"
nok "... not where one is tested twice" agree "$FEATURE_PAGE" \
	"$TMP/scripts"/*.sh "$TMP/twice.sh"
sed 's/^D1() {$/D99() {/' "$TMP/scripts/keys.sh" >"$TMP/other.sh"
mv "$TMP/other.sh" "$TMP/scripts/keys.sh"
nok "... not where one is named otherwise" agree "$FEATURE_PAGE" \
	"$TMP/scripts"/*.sh

# Each script is run: it is in the list, and runs what it has.
for script in "$top_srcdir"/tests/features/*.sh; do
	name=tests/features/${script##*/}
	ok "$name is run by make check" grep -q "$name" \
		"$top_srcdir/Makefile.am"
	[ "$name" = tests/features/agree.sh ] ||
		ok "$name runs its features" grep -qx run_features "$script"
done

# Every command that the page names is one.
commands >"$TMP/commands"
grep -o '\*apikeyctl [^*]*\*' "$FEATURE_PAGE" | tr -d '*' | sort -u \
	>"$TMP/named"
while read -r line; do
	words=${line#apikeyctl }
	option=
	case $words in
	*' --'*) option=--${words##* --} words=${words% --*} ;;
	esac
	ok "there is: apikeyctl $words" grep -qx "$words" "$TMP/commands"
	[ -z "$option" ] || {
		# shellcheck disable=SC2086 # words
		options $words >"$TMP/options"
		ok "... and its $option" grep -qx -e "$option" "$TMP/options"
	}
done <"$TMP/named"

# Each row is whole: what, how, and since when.
is "every row has a version" "$(grep -c '^:  [0-9]*\.[0-9]*$' \
	"$FEATURE_PAGE")" "$(features_listed | wc -l)"
is "every row has four cells" "$(grep -c '^[:|]  ' "$FEATURE_PAGE")" \
	"$((4 * $(features_listed | wc -l)))"
done_testing
