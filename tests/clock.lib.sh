# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause
#
# After lib.sh: apikeyd under a calendar that stands still until it is set.
# The clock that only goes forward is left alone, and so is apikeyctl.

# faketime itself would stand between us and apikeyd's pid.
# shellcheck disable=SC2016 # it is that shell's
CLOCK_PRELOAD=$(faketime -f +0 sh -c 'echo "$LD_PRELOAD"' 2>"$TMP/output")

# clock_impossible: why there is none; fails where there is.
clock_impossible() {
	if [ -z "$CLOCK_PRELOAD" ]; then
		echo "there is no faketime"
	elif [ "${SANITIZERS-}" = yes ]; then
		echo "faketime and the sanitizers do not go together"
	else
		return 1
	fi
}

# set_clock DATE: "2030-01-01 00:00:00", in UTC. Holds from the next call on.
set_clock() {
	# In one piece, since apikeyd reads it all the time.
	echo "$1" >"$TMP/clock.new"
	mv "$TMP/clock.new" "$TMP/clock"
}

# use_clock: from now on start_apikeyd starts one that looks at it.
use_clock() {
	[ "$APIKEYD" != "$TMP/apikeyd-by-clock" ] || return 0
	cat >"$TMP/apikeyd-by-clock" <<-END
		#!/bin/sh
		export TZ=UTC LD_PRELOAD='$CLOCK_PRELOAD' FAKETIME_NO_CACHE=1 \\
			FAKETIME_DONT_FAKE_MONOTONIC=1 \\
			FAKETIME_TIMESTAMP_FILE='$TMP/clock'
		exec '$APIKEYD' "\$@"
	END
	chmod 755 "$TMP/apikeyd-by-clock"
	# shellcheck disable=SC2034 # start_apikeyd runs it
	APIKEYD=$TMP/apikeyd-by-clock
}
