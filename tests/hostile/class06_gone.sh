#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Classes 6 and 7: peers that leave, at every byte of what they say and while it
# is worked on. Nothing is left of them, and others notice nothing.
#
#   GONE_ROUNDS   of the verify socket (20000)
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

peer=$top_builddir/tests/hostile/peer
rounds=${GONE_ROUNDS:-20000}

# Usage is taken into its files, and what that needs is allocated, before memory
# is looked at.
echo 'usage_flush_interval = "10ms"' >"$TMP/apikeyd.conf"
start_apikeyd --config "$TMP/apikeyd.conf" ||
	give_up "apikeyd does not start"
seed acme
token=$(new_key first)
"$peer" frames "$token" >"$TMP/frames"

# call N: makes a key, under an operation id of its own.
call() {
	printf '{"method":"io.apikeyd.Admin.CreateKey","parameters":{'
	printf '"settings":{"account":"acme","product":"appointments",'
	printf '"name":"gone"},"operation_id":"gone-%s"}}\0' "$1"
}

resident() {
	awk '/^VmRSS/ { print $2 }' "/proc/$APIKEYD_PID/status"
}

keys() {
	ctl status --json | sed -n 's/.*"keys": *\([0-9]*\).*/\1/p' | head -n 1
}

# shellcheck disable=SC2317 # run by await
alone() {
	ctl status --json | grep -Eq '"connections": *1,'
}

# shellcheck disable=SC2317 # run by ok
leave_all() {
	"$peer" leave "$APIKEYD_VERIFY_SOCKET" "$1" <"$TMP/frames" &&
		verify "$token" >"$TMP/output"
}

ok "peers leave at each byte of their requests" leave_all 2000
before=$(resident)
ok "again and again" leave_all "$rounds"
grown=$(($(resident) - before))
echo "# resident: $before kB before, $grown kB more after $rounds"
little_memory "memory does not grow" "$grown" 512
is "and a good client is answered" "$(verdict "$token")" valid

### While a change is under way

had=$(keys)
length=$(call 1 | wc -c)
call 1 | "$peer" leave "$APIKEYD_ADMIN_SOCKET" $((length + 1)) ||
	fail "a call is begun" "exit $?"
# In order behind what the store had to do.
ctl account create behind >"$TMP/output" 2>&1
is "a change whose caller has gone is made, once" "$(keys)" $((had + 1))
i=2
while [ "$i" -lt 40 ]; do
	call "$i" >"$TMP/call"
	# The last of these rounds sends all of it.
	"$peer" leave "$APIKEYD_ADMIN_SOCKET" $(($(wc -c <"$TMP/call") + 1)) \
		<"$TMP/call"
	i=$((i + 1))
done
ctl account create last >"$TMP/output" 2>&1
is "as often as it was asked for" "$(keys)" $((had + 39))
ok "nobody is left connected" await alone
ok "SIGTERM ends it with 0" stop_apikeyd
# shellcheck disable=SC2119 # without arguments
ok "and it starts again" start_apikeyd
is "with all of them" "$(keys)" $((had + 39))
done_testing
