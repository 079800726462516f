#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What apikeyd is called with: what it does not know, it does not start with.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

like "its version" "$("$APIKEYD" --version)" '^apikeyd [0-9]'
like "its options" "$("$APIKEYD" --help)" '--state-directory'

# refused WHAT PATTERN ARGUMENT…
refused() {
	what=$1 pattern=$2
	shift 2
	exits "$what is refused" 1 timeout 20 "$APIKEYD" "$@"
	like "... with the reason" "$(cat "$TMP/output")" "$pattern"
}

refused "an unknown option" 'Try: apikeyd --help' --no-such-option
refused "an argument" 'unexpected argument: start' start
refused "no directory" 'expected a directory, got ""' --state-directory ''
refused "a directory whose path is too long" 'expected a directory' \
	--runtime-directory "/$(printf '%05000d' 0)"
refused "a configuration that is not there" 'No such file' \
	--state-directory "$TMP/state" --config "$TMP/nowhere"
refused "no state directory to be restored to" 'No such file' \
	--state-directory "$TMP/state" --restore "$TMP/nothing"
nok "nothing was made" [ -e "$TMP/state" ]
done_testing
