#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Secrets are guessed: the key is as good as before, each guess is counted, and
# the log has a line a second of each source, and not of any number of sources.
# How long others wait meanwhile: class18_crowds.sh.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

crowd=$top_builddir/tests/hostile/crowd
guesses=64000 # a multiple of what is asked at once

echo 'log_verifications = "all"' >"$TMP/apikeyd.conf"
start_apikeyd --config "$TMP/apikeyd.conf" || give_up "apikeyd does not start"
seed
token=$(new_key first)

# lines PATTERN: of unknown credentials.
lines() {
	grep -c "verification: unknown, .*$1" "$TMP/apikeyd.log"
}

# guess SOURCES: and the seconds that it took, and one.
guess() {
	begun=$(date +%s)
	ok "$guesses guesses for $1 addresses" "$crowd" guess \
		"$APIKEYD_VERIFY_SOCKET" "$guesses" "$1" "$token"
	took=$(($(date +%s) - begun + 2))
	echo "# at most $took seconds, $(lines '') lines"
}

guess 1
ok "of one source: a line a second" [ "$(lines 'from 10.0.0.0')" -le "$took" ]
ok "which names it" [ "$(lines 'from 10.0.0.0')" -gt 0 ]
unlike "and not the key" "$(cat "$TMP/apikeyd.log")" \
	"unknown, key [^-].*|$(key_id "$token"),.*unknown"
: >"$TMP/apikeyd.log"
guess 20
ok "of some: each has its own" [ "$(lines 'from 10.0.0.19')" -gt 0 ]
: >"$TMP/apikeyd.log"
guess 10000
ok "of very many: not more than 65 a second" \
	[ "$(lines '')" -le $((65 * took)) ]
ok "(which is few)" [ "$(lines '')" -lt $((guesses / 10)) ]

like "status has all of them" "$(ctl status --json)" \
	"\"unknown\": *$((3 * guesses)),"
like "also as text" "$(ctl status)" "unknown[^0-9]*$((3 * guesses))"
is "the key is not locked" "$(verdict "$token")" valid
like "and its status is as it was" "$(ctl key show "$(key_id "$token")" \
	--json)" '"status": *"active"'
ok "SIGTERM ends it with 0" stop_apikeyd
done_testing
