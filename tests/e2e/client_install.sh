#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# libapikey as others use it: installed, found by pkg-config, compiled against
# and run, from C and from C++.
# shellcheck disable=SC2154 # top_srcdir is set by make check
# shellcheck disable=SC2086,SC2119 # words; start_apikeyd without arguments
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/manual.lib.sh
. "$top_srcdir/tests/manual.lib.sh"

EXAMPLES=$top_srcdir/plugins/client/examples
ROOT=$TMP/root
unset MAKEFLAGS MAKELEVEL MFLAGS

ok "make install of the library" make -C "$top_builddir" DESTDIR="$ROOT" \
	install-libLTLIBRARIES install-includeHEADERS install-pkgconfigDATA
pc=$(find "$ROOT" -name libapikey.pc)
[ -n "$pc" ] || give_up "no libapikey.pc"
PKG_CONFIG_PATH=$(dirname "$pc")
PKG_CONFIG_SYSROOT_DIR=$ROOT
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
LIBRARIES=$(dirname "$PKG_CONFIG_PATH")
ok "the soname is there" test -e "$LIBRARIES/libapikey.so.0"
ok "pkg-config knows a version" pkg-config --atleast-version=0.1 libapikey
flags=$(pkg-config --cflags --libs libapikey)
unlike "nothing but -I, -L and -lapikey" "$flags" \
	'(^| )-([^ILl]|l[^a])'

start_apikeyd || give_up "apikeyd does not start"
seed
new_key Good >"$TMP/good"
good=$(key_id "$(cat "$TMP/good")")

# builds NAME COMPILER...: and runs it.
builds() {
	source=$1
	shift
	# shellcheck disable=SC2048 # lists of words
	ok "$source, by $*" $* -Wall -Wextra -Werror -o "$TMP/${source%.*}" \
		"$EXAMPLES/$source" $flags
	is "$source runs" "$(LD_LIBRARY_PATH=$LIBRARIES "$TMP/${source%.*}" \
		"$APIKEYD_VERIFY_SOCKET" 20000 <"$TMP/good")" "valid $good"
}

for name in blocking batch loop; do
	builds $name.c "$CC" -D_GNU_SOURCE
	builds $name.c "$CC" -std=c11 -D_DEFAULT_SOURCE -pedantic
done
if [ -n "${TEST_CXX-}" ]; then
	builds wrapped.cc "$TEST_CXX" -std=c++11 -pedantic
	builds wrapped.cc "$TEST_CXX"
else
	skip "the example in C++" "no C++ compiler"
fi
EXAMPLES=$TMP/manual
mkdir "$EXAMPLES"
for name in blocking loop; do
	manual_example plugins/client/libapikey.3.scd $name \
		>"$EXAMPLES/$name.c"
	builds $name.c "$CC" -std=c11 -pedantic
done

# The header alone, first and twice.
for language in c c++; do
	[ "$language" = c ] || [ -n "${TEST_CXX-}" ] || continue
	compiler=$CC
	[ "$language" = c ] || compiler=$TEST_CXX
	printf '#include <apikey.h>\n#include <apikey.h>\n' >"$TMP/header"
	ok "apikey.h by itself, in $language" $compiler -x "$language" \
		-Wall -Wextra -Werror -pedantic -fsyntax-only "$TMP/header" \
		-I"$ROOT$(pkg-config --variable=includedir libapikey |
			sed "s|^$ROOT||")"
done

done_testing
