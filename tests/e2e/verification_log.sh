#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The log of verifications: off, some, all, and never what a stranger wrote.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

conf=$TMP/apikeyd.conf
: >"$conf"
start_apikeyd --config "$conf" || give_up "apikeyd does not start"
seed
good=$(new_key first)
bad=$(misspelt "$good")
id=$(key_id "$good")
uid=$(id -u)

# lines PATTERN: how many there are.
lines() {
	grep -c "verification: $1" "$TMP/apikeyd.log"
}

# set_log MODE: and waits for it.
set_log() {
	echo "log_verifications = $1" >"$conf"
	: >"$TMP/apikeyd.log"
	kill -HUP "$APIKEYD_PID"
	until grep -q 'configuration read again' "$TMP/apikeyd.log"; do
		kill -0 "$APIKEYD_PID" || return
	done
}

# some: 30 verifications, of which 20 are valid.
some() {
	for i in 1 2 3 4 5 6 7 8 9 10; do
		verify "$good" --service httpd
		verify "$good" --service sshd
		verify "$bad"
	done >"$TMP/output" 2>&1
}

some
is "off, there is no line" "$(lines '')" 0

ok "SIGHUP turns it on" set_log '"all"'
some
is "all: a line each" "$(lines valid)" 20
is "with verdict, key, service and uid" \
	"$(lines "valid, key $id, service httpd, uid $uid\$")" 10
malformed="malformed, key -, service -, uid $uid"
ok "an unproven key is not named" [ "$(lines "$malformed")" -gt 0 ]
is "and nothing else is of it" \
	"$(lines malformed)" "$(lines "$malformed\(, the last of [0-9]*\)\?\$")"
verify "$bad" --address 192.0.2.7 >"$TMP/output"
is "but its address is" "$(lines "$malformed, from 192.0.2.7\$")" 1
verify "$good" --service "x=y" >"$TMP/output"
verify "$good" --service "${good##*_}" >"$TMP/output"
is "a service that is no name is left out" \
	"$(lines "valid, key $id, service -, uid $uid\$")" 2
is "nothing in the log is of a token" \
	"$(grep -c "${good##*_}" "$TMP/apikeyd.log")" 0

ok "sampled" set_log '"sampled"'
some
verify "$bad" --address 192.0.2.8 >"$TMP/output" # a new source
shown=$(lines '')
ok "is fewer ($shown)" [ "$shown" -lt 30 ]
ok "but some: of valid ones" [ "$(lines valid)" -gt 0 ]
ok "and of others" [ "$(lines malformed)" -gt 0 ]

: >"$TMP/apikeyd.log"
ok "SIGTERM ends it with 0" stop_apikeyd
echo 'log_verifications = "all"' >"$conf"
start_apikeyd --config "$conf" || give_up "apikeyd does not start again"
verify "$good" >"$TMP/output"
ok "as set from the start" [ "$(lines valid)" -gt 0 ]

echo 'log_verifications = "some"' >"$conf"
exits "another word is refused" 1 "$APIKEYD" --check-config --config "$conf"
like "in a line that says which there are" "$(cat "$TMP/output")" \
	":1: .*expected off, sampled or all"
done_testing
