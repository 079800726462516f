#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# class13_timing.c, which takes the time: for make torture alone.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

[ -x "$top_builddir/tests/hostile/class13_timing" ] ||
	skip_all "it is not built without check"
"$top_builddir/tests/hostile/class13_timing"
exit
