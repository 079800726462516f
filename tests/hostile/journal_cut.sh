#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Who owns usage.journal can cut it off under the daemon, which ends it at once
# (SIGBUS: it writes there through a mapping). The next start puts what is left
# aside, says so, and every key is what it was.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

[ "${SANITIZERS-}" != yes ] || skip_all "a sanitizer reports the signal"

# shellcheck disable=SC2119 # without arguments
start_apikeyd || give_up "apikeyd does not start"
seed acme
token=$(new_key first)
gone=$(new_key gone)
ctl key revoke "$(key_id "$gone")" --yes >"$TMP/output" 2>&1
is "(a key verifies)" "$(verdict "$token")" valid
truncate -s 4096 "$TMP/state/usage.journal"
nok "no verification is answered wrongly" verify "$token"
"$READY" --exit "$PATIENCE" "$APIKEYD_PID"
code=0
wait "$APIKEYD_PID" || code=$?
is "the end is that of a signal" "$(kill -l "$code")" BUS
: >"$TMP/apikeyd.log"
# shellcheck disable=SC2119 # without arguments
ok "it starts again" start_apikeyd
like "and says what it has put aside" "$(cat "$TMP/apikeyd.log")" \
	"usage.journal: is damaged; .*usage.journal.damaged"
is "a key verifies" "$(verdict "$token")" valid
is "and a revoked one does not" "$(verdict "$gone")" revoked
ok "SIGTERM ends it with 0" stop_apikeyd
done_testing
