#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What README.md, SECURITY.md and the manual pages say, held against the code:
# options, settings, verdicts, references, tests that are named.
# shellcheck disable=SC2016,SC2154,SC2317 # backquotes; what make sets; called by name

# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/manual.lib.sh
. "$top_srcdir/tests/manual.lib.sh"

cd "$top_srcdir" || exit 99
SOURCES=$(find daemon plugins -name '*.[1-8].scd' | sort)

# page SOURCE: where it was made, in the build or with the distribution.
page() {
	made=${1%.scd}
	if [ -e "$top_builddir/$made" ]; then
		echo "$top_builddir/$made"
	else
		echo "$top_srcdir/$made"
	fi
}

### What the pages are as pages

# no_warning SOURCE
no_warning() {
	LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l "$(page "$1")" \
		>"$TMP/page.txt" 2>"$TMP/warnings"
	[ -s "$TMP/page.txt" ] && [ ! -s "$TMP/warnings" ] && return
	cat "$TMP/warnings"
	return 1
}

for source in $SOURCES; do
	if command -v man >/dev/null; then
		ok "$source: man has no warning" no_warning "$source"
		ok "$source: whatis finds its name" lexgrog "$(page "$source")"
	else
		skip "$source: man has no warning" "there is no man"
	fi
done

### References

# Ours, as NAME(SECTION).
for source in $SOURCES; do
	name=$(basename "$source" .scd)
	echo "${name%.*}(${name##*.})"
done | sort >"$TMP/pages"
# shellcheck disable=SC2086 # a list of words
grep -ohE '\*?[a-z_.-]*apikey[a-z_.-]*\*?\([1-8]\)' $SOURCES README.md \
	SECURITY.md | tr -d '*' | sort -u >"$TMP/references"
is "every page that is named is there" \
	"$(comm -13 "$TMP/pages" "$TMP/references")" ""
is "every page is named by another" \
	"$(comm -23 "$TMP/pages" "$TMP/references")" ""
sed -n '/^# WHERE/,/^# SEE/p' daemon/apikeyd.7.scd |
	grep -oE '\*[a-z_.-]+\*\([1-8]\)' | tr -d '*' | sort -u >"$TMP/overview"
is "the overview names them all" "$(comm -23 "$TMP/pages" "$TMP/overview")" \
	"apikeyd(7)"
for source in $SOURCES; do
	[ "$source" = daemon/apikeyd.7.scd ] ||
		ok "$source leads to the overview" \
			grep -Fq '*apikeyd*(7)' "$source"
done
is "README.md does, too" "$(while read -r name; do
	grep -qF "$name" README.md || echo "$name"
done <"$TMP/pages")" ""

### apikeyd(8): options

PAGE=daemon/apikeyd.8.scd
"$APIKEYD" --help | grep -oE '^  --[a-z-]+' | tr -d ' ' | sort >"$TMP/options"
ok "apikeyd --help has options" test -s "$TMP/options"
is "apikeyd(8) has them" "$(sed -n '/^# OPTIONS/,/^# EXIT/p' $PAGE |
	grep -E '^\*--' | grep -oE -e '--[a-z-]+' | sort)" "$(cat "$TMP/options")"

### apikeyd.conf(5)

PAGE=daemon/apikeyd.conf.5.scd
CONF=$TMP/test.conf
is "the settings of daemon/settings.c have a place in apikeyd.conf(5)" \
	"$(sed -n 's/^\*\([a-z_]*\)\* = .*/\1/p' $PAGE)" \
	"$(tr -d '\n\t' <daemon/settings.c |
		grep -oE 'CFG_[A-Z]+\("[a-z_]+"' | cut -d'"' -f2)"
manual_example $PAGE defaults >"$CONF"
is "the example has the defaults" "$(cat "$CONF")" \
	"$("$top_builddir/tests/docs/settings")"
ok "apikeyd takes it" "$APIKEYD" --check-config --config "$CONF"

# defaults_told: "name = value" of each "Default:" of the page.
defaults_told() {
	awk '/^\*[a-z_]+\* = / { gsub(/\*/, "", $1); name = $1 }
		/^\tDefault: / { sub(/\. SIGHUP: .*/, "")
			sub(/^\tDefault: /, ""); print name " = " $0 }' $PAGE
}
is "every setting has its default" "$(defaults_told)" "$(cat "$CONF")"

# ranges_told: NAME FROM TO
ranges_told() {
	awk '/^\*[a-z_]+\* = / { gsub(/\*/, "", $1); name = $1 }
		match($0, /From [0-9a-z]+ to [0-9a-z]+\./) {
			split(substr($0, RSTART, RLENGTH - 1), word, " ")
			print name, word[2], word[4] }' $PAGE
}

# quoted VALUE: durations are texts.
quoted() {
	case $1 in
	*[a-z]*) echo "\"$1\"" ;;
	*) echo "$1" ;;
	esac
}

# takes NAME VALUE
takes() {
	echo "$1 = $2" >"$CONF"
	"$APIKEYD" --check-config --config "$CONF"
}

# beyond VALUE STEP: one more, or less.
beyond() {
	number=${1%%[a-z]*}
	quoted "$((number + $2))${1#"$number"}"
}

ranges_told >"$TMP/ranges"
is "settings with a range" "$(wc -l <"$TMP/ranges")" 8
while read -r name from to; do
	ok "$name takes $from" takes "$name" "$(quoted "$from")"
	ok "$name takes $to" takes "$name" "$(quoted "$to")"
	nok "$name takes no less than $from" takes "$name" "$(beyond "$from" -1)"
	nok "$name takes no more than $to" takes "$name" "$(beyond "$to" 1)"
done <"$TMP/ranges"
# Of limits there are three settings. A change here is one to tell of there.
is "what SIGHUP changes is what the page says" \
	"$(awk '/^\*[a-z_]+\* = / { gsub(/\*/, "", $1); name = $1 }
		/SIGHUP: yes/ { print name }' $PAGE | xargs)" \
	"log_level log_verifications max_connections max_connections_per_uid request_timeout \
signature_window"
is "... and what daemon/main_signals.c does" \
	"$(sed -n '/^on_reload/,/^}/s/.*daemon->settings\.\([a-z_]*\) = .*/\1/p' \
		daemon/main_signals.c | sort | xargs)" "limits log_level log_verifications signature_window"
printf 'log_level = "debug" # "x\nlog_level = "error"\n' >"$CONF"
ok "comments and repetitions, as the page has them" "$APIKEYD" --check-config \
	--config "$CONF"

### apikeyd(7): verdicts

PAGE=daemon/apikeyd.7.scd
sed -n 's/.*X([0-9]*, [A-Z_]*, "\([a-z_]*\)").*/\1/p' proto/verdict.h |
	sed '/^truncated$/,$d' >"$TMP/verdicts"
is "proto/verdict.h has verdicts" "$(sed -n 1p "$TMP/verdicts")" valid
is "apikeyd(7) has them in their order" \
	"$(sed -n '/^# VERDICTS/,/^What to do/s/^|  _\(.*\)_$/\1/p' $PAGE)" \
	"$(cat "$TMP/verdicts")"
is "and what to do about each" \
	"$(sed -n '/^What to do/,/^# /s/^_\(.*\)_$/\1/p' $PAGE)" \
	"$(sed 1d "$TMP/verdicts")"

### SECURITY.md: its promises name tests

grep -oE '`tests/[a-z0-9_/.]+`' SECURITY.md | tr -d '`' | sort -u >"$TMP/named"
ok "SECURITY.md names tests" test -s "$TMP/named"
# A program's source, or a script.
while read -r name; do
	if [ -e "$name" ] || [ -e "$name.c" ]; then
		pass "SECURITY.md: there is $name"
	else
		fail "SECURITY.md: there is $name" "there is not"
	fi
	ok "... and make check runs it" grep -q "${name%.c}" Makefile.am
done <"$TMP/named"

done_testing
