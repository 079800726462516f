# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause
#
# After tests/lib.sh: features by their number in apikey-features(7). A script
# has a function a feature, `D1() {`, of the checks below, and ends with
#
#     run_features
#     done_testing
#
# which gives one result a feature, named by number and sentence.

FEATURE_PAGE=$top_srcdir/plugins/ctl/apikey-features.7.scd

# features_listed [PAGE]: the numbers in the page's table.
features_listed() {
	sed -n 's/^|  \([A-Z][0-9]*\)$/\1/p' "${1:-$FEATURE_PAGE}"
}

# features_tested SCRIPT…: the numbers of their functions.
features_tested() {
	sed -n 's/^\([A-Z][0-9][0-9]*\)() {$/\1/p' "$@"
}

# feature_sentence NUMBER
feature_sentence() {
	sed -n "/^|  $1\$/{ n; s/^:  //; s/\\\\//g; p; }" "$FEATURE_PAGE"
}

# blame WHY: this feature does not work. Goes on, to say all that is wrong.
blame() {
	printf '%s\n' "$1" >>"$TMP/blame"
}

# must COMMAND…: it succeeds.
must() {
	must_exit 0 "$@"
}

# must_exit CODE COMMAND…; what it said is in $TMP/said.
must_exit() {
	exit_wanted=$1
	shift
	FEATURE_CHECKS=$((FEATURE_CHECKS + 1))
	code=0
	"$@" >"$TMP/said" 2>&1 || code=$?
	[ "$code" -eq "$exit_wanted" ] ||
		blame "exit code $code, not $exit_wanted, of: $*
$(cat "$TMP/said")"
}

# must_be WHAT GOT WANTED
must_be() {
	FEATURE_CHECKS=$((FEATURE_CHECKS + 1))
	[ "$2" = "$3" ] || blame "$1: got \"$2\", not \"$3\""
}

# must_have WHAT TEXT PATTERN: a line of TEXT matches the extended regular
# expression.
must_have() {
	FEATURE_CHECKS=$((FEATURE_CHECKS + 1))
	printf '%s\n' "$2" | grep -Eq -e "$3" ||
		blame "$1: /$3/ is not in
$2"
}

# must_lack WHAT TEXT PATTERN
must_lack() {
	FEATURE_CHECKS=$((FEATURE_CHECKS + 1))
	if printf '%s\n' "$2" | grep -Eq -e "$3"; then
		blame "$1: /$3/ is in
$2"
	fi
}

# skip_feature WHY: of what cannot be tried here; the rest still counts.
skip_feature() {
	FEATURE_SKIPPED=$1
}

run_features() {
	for number in $(features_tested "$0"); do
		sentence=$(feature_sentence "$number")
		FEATURE_CHECKS=0 FEATURE_SKIPPED=
		: >"$TMP/blame"
		"$number"
		[ -n "$sentence" ] || blame "it is not in $FEATURE_PAGE"
		[ "$FEATURE_CHECKS" -gt 0 ] || [ -n "$FEATURE_SKIPPED" ] ||
			blame "nothing was checked"
		if [ -s "$TMP/blame" ]; then
			fail "$number $sentence" <"$TMP/blame"
		elif [ -n "$FEATURE_SKIPPED" ]; then
			skip "$number $sentence" "$FEATURE_SKIPPED"
		else
			pass "$number $sentence"
		fi
	done
}

### What features have in common

# fact ID MEMBER: of the key, as its JSON has it: a text without its quotes, a
# number, null, true.
fact() {
	ctl key show "$1" --json |
		sed -n "s/.*\"$2\":\(\"\([^\"]*\)\"\|\([^,}]*\)\)[,}].*/\2\3/p"
}

# comes_to VERDICT TOKEN [OPTION…]
comes_to() {
	awaited=$1
	shift
	[ "$(verdict "$@")" = "$awaited" ]
}

# on_terminal KEYS COMMAND…: with what is typed there; prints all that is seen.
# The last key is followed by the end of input.
on_terminal() {
	typed=$1
	shift
	printf '%s' "$typed" | script -qec "$*" /dev/null | tr -d '\r'
}
