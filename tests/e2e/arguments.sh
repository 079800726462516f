#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What apikeyd is called with: what it does not know, it does not start with.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

like "its version" "$("$APIKEYD" --version)" '^apikeyd [0-9]'
like "its options" "$("$APIKEYD" --help)" '--state-directory'
for option in --version --help; do
	exits "$option into a full disk" 1 sh -c "'$APIKEYD' $option >/dev/full"
	like "... says so" "$(cat "$TMP/output")" 'cannot write to standard output'
	exits "$option with standard output closed" 1 sh -c "'$APIKEYD' $option >&-"
done

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

ok "(its directories)" mkdir "$TMP/few" "$TMP/few.run"
# shellcheck disable=SC2016 # of the shell within
exits "too few descriptors" 1 sh -c 'ulimit -n 12 && exec "$@"' sh \
	timeout 20 "$APIKEYD" --state-directory "$TMP/few" \
	--runtime-directory "$TMP/few.run"
like "... says so, and no library" "$(cat "$TMP/output")" \
	'^apikeyd: error: too few descriptors: the limit is 12, apikeyd takes 32'
unlike "... alone" "$(cat "$TMP/output")" evutil
nok "... nothing was made" [ -e "$TMP/few/keys.tdb" ]

# Its log is not to end up in the file that takes a number that is free.
mkdir -m 700 "$TMP/state"
# shellcheck disable=SC2016 # of the shell within
start_ready sh -c 'exec "$@" <&- >&- 2>&-' sh "$APIKEYD" \
	--state-directory "$TMP/state" --runtime-directory "$TMP/run" ||
	give_up "it does not start with standard descriptors closed"
APIKEYD_PID=$!
ok "standard descriptors closed: a change" ctl account create acme
exits "... standard input closed" 1 sh -c "'$APIKEYCTL' key check <&-"
ok "... what is kept is as it was written" ctl store check
exits "... it ends well" 0 stop_apikeyd
ok "... and starts again" start_apikeyd
ok "... with what was changed" ctl account show acme
done_testing
