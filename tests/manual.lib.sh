# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause
#
# After tests/lib.sh: what a manual page prints is what is tested.

# manual_example PAGE NAME: the block of PAGE (its scdoc source below the top
# source directory) after the comment "; example: NAME", as readers see it: a
# backslash stands there as two.
manual_example() {
	# shellcheck disable=SC2154 # top_srcdir is set by make check
	awk -v name="; example: $2" '
		$0 == name { found = 1; next }
		found && /^```$/ { if (inside) exit; inside = 1; next }
		inside { print; lines++ }
		END { exit lines == 0 }' "$top_srcdir/$1" >"$TMP/example" ||
		give_up "$1 has no example $2"
	sed 's/\\\\/\\/g' "$TMP/example"
}
