#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# flipped_bytes.c on the newest fixture.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

[ -x "$top_builddir/tests/hostile/flipped_bytes" ] ||
	skip_all "it is not built without check"
newest=$(find "$top_srcdir/tests/fixtures" -name '*.tokens' | sort -V | tail -n 1)
tar -C "$TMP" -xzpf "${newest%.tokens}.tar.gz" --no-same-owner ||
	give_up "the fixture cannot be unpacked"
"$top_builddir/tests/hostile/flipped_bytes" "$TMP/state" "$newest"
exit
