#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The codec allocates nothing, does no input or output and can not stop the
# process: proven by what its objects ask of libc. It is loaded into sshd and
# httpd and stands in the hot path of the daemon.
#
# CODEC_OBJECTS may name the objects (of all these files, in any order);
# otherwise they are looked for below $top_builddir.
set -eu

# What the code calls, and what compilers make of it or add to it.
allowed='memcpy
memset
memcmp
strlen
bcmp
__memcpy_chk
__memset_chk
__stack_chk_fail
_GLOBAL_OFFSET_TABLE_'
instrumented='__(asan|ubsan|msan|tsan|sanitizer|gcov|llvm|afl|cyg)_'

# With libtool an object is there twice, plain and in .libs, and a library's
# own flags put the library's name before the file's.
objects_of() {
	if [ -n "${CODEC_OBJECTS-}" ]; then
		for object in $CODEC_OBJECTS; do
			case ${object##*/} in
			"$1.o" | *-"$1.o") echo "$object" ;;
			esac
		done
		return
	fi
	for object in "${top_builddir:-.}/proto/$1.o" \
		"${top_builddir:-.}"/proto/*-"$1.o" \
		"${top_builddir:-.}/proto/.libs/$1.o" \
		"${top_builddir:-.}"/proto/.libs/*-"$1.o"; do
		if [ -f "$object" ]; then
			echo "$object"
		fi
	done
}

names='frame message usage_message verdict token'
echo 1..5
if ! command -v "${NM:=nm}" >/dev/null; then
	for number in 1 2 3 4 5; do
		echo "ok $number # SKIP no nm"
	done
	exit 0
fi

# They may use one another.
own=$(for name in $names; do objects_of "$name"; done |
	xargs "$NM" -g --defined-only 2>/dev/null | awk 'NF == 3 { print $3 }')

number=0
failed=0
for name in $names; do
	number=$((number + 1))
	objects=$(objects_of "$name")
	if [ -z "$objects" ]; then
		echo "not ok $number - $name: no object found"
		failed=1
		continue
	fi
	wanted=$(echo "$objects" | xargs "$NM" -u | awk 'NF == 2 { print $2 }' |
		sort -u)
	if echo "$wanted" | grep -Eq "$instrumented"; then
		echo "ok $number - $name # SKIP instrumented build"
		continue
	fi
	others=
	for symbol in $wanted; do
		if ! printf '%s\n' "$allowed" "$own" | grep -Fqx -- "$symbol"; then
			others="$others $symbol"
		fi
	done
	if [ -n "$others" ]; then
		echo "not ok $number - $name asks for$others"
		failed=1
	else
		echo "ok $number - $name asks for nothing else"
	fi
done
exit "$failed"
