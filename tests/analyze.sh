#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# make analyze: what static analysers say of all that is shipped, and that is
# nothing. One that is wrong is silenced beside what it is wrong about, with the
# reason. $ANALYZE_CPPFLAGS are the compilers' flags; $ANALYZE_WITHOUT, parts of
# plugins/ that this build is without, perhaps with their headers; $ANALYSERS, of
# clang, cppcheck and gcc, are the first two if it is not there.
set -u
: "${top_srcdir:?is set by make analyze}" "${ANALYZE_CPPFLAGS?}"

jobs=$(nproc)
set --
for part in ${ANALYZE_WITHOUT-}; do
	echo "== not plugins/$part: configured without"
	set -- "$@" -path "$top_srcdir/plugins/$part" -prune -o
done
sources=$(find "$top_srcdir/daemon" "$top_srcdir/plugins" "$top_srcdir/proto" \
	"$@" -name examples -prune -o -name '*.c' -print | sort)
failed=

# each COMMAND…: on each source.
each() {
	# shellcheck disable=SC2086 # a list of words
	printf '%s\n' $sources | xargs -P "$jobs" -n 1 "$@"
}

with_clang() {
	# shellcheck disable=SC2086
	each "${TEST_CLANG:?no clang was found}" --analyze \
		--analyzer-output text -Xclang -analyzer-werror \
		$ANALYZE_CPPFLAGS
}

# To be read by somebody: gcc 12 takes for a leak what another file keeps.
with_gcc() {
	# shellcheck disable=SC2086
	each gcc -fanalyzer -Werror -O1 -S -o /dev/null $ANALYZE_CPPFLAGS
}

# Without libraries' headers: cppcheck.h has the macros it cannot do without.
# Functions that are not for threads are called on one: names and directories
# are looked up before the others begin, or by programs that have none. That
# mmap() takes -1 it does not know.
with_cppcheck() {
	# shellcheck disable=SC2086
	cppcheck --quiet -j "$jobs" --error-exitcode=1 --inline-suppr \
		--enable=warning,performance,portability --std=c11 \
		--library=posix --suppress=missingIncludeSystem \
		--suppress=getpwuidCalled --suppress=getpwnamCalled \
		--suppress=readdirCalled --suppress=invalidFunctionArg \
		--include="$top_srcdir/tests/cppcheck.h" \
		-DHAVE_CONFIG_H -D_GNU_SOURCE -I. -I"$top_srcdir" $sources
}

for analyser in ${ANALYSERS:-clang cppcheck}; do
	echo "== $analyser"
	"with_$analyser" || failed="$failed $analyser"
done
[ -z "$failed" ] || {
	echo "analyze: findings of$failed" >&2
	exit 1
}
