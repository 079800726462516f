#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Class 18: a crowd that takes all descriptors. The listener pauses instead of
# spinning, who is connected is served, and it goes on when they leave.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

command -v prlimit >"$TMP/output" 2>&1 || skip_all "no prlimit"
[ "${SANITIZERS-}" != yes ] || skip_all "a sanitizer takes descriptors itself"
peer=$top_builddir/tests/hostile/peer

sound=$APIKEYD
APIKEYD=$TMP/limited
printf '#!/bin/sh\nexec prlimit --nofile=40 "%s" "$@"\n' "$sound" >"$APIKEYD"
chmod +x "$APIKEYD"
# shellcheck disable=SC2119 # without arguments
start_apikeyd || give_up "apikeyd does not start"
seed acme
token=$(new_key first)
is "(a key verifies)" "$(verdict "$token")" valid

# Clock ticks of the daemon's, of which there are 100 a second.
cat >"$TMP/watch" <<END
#!/bin/sh
ticks() {
	cut -d ' ' -f 14,15 /proc/$APIKEYD_PID/stat | tr ' ' +
}
before=\$((\$(ticks)))
# It does not end: this is a wait.
"$READY" --exit 2000 "$APIKEYD_PID"
echo \$((\$(ticks) - before)) >"$TMP/ticks"
END
chmod +x "$TMP/watch"

ok "connections beyond what there are descriptors for" \
	"$peer" hold "$APIKEYD_VERIFY_SOCKET" 60 "$TMP/watch"
echo "# $(cat "$TMP/ticks") ticks in two seconds"
ok "it does not spin" [ "$(cat "$TMP/ticks")" -lt 50 ]
like "it says so" "$(cat "$TMP/apikeyd.log")" "Too many open files"
ok "and not over and over" [ "$(wc -l <"$TMP/apikeyd.log")" -lt 20 ]
is "when they have left, the next is served" "$(verdict "$token")" valid
is "and a change is made" "$(ctl account create later >"$TMP/output" 2>&1 &&
	echo made)" made
ok "SIGTERM ends it with 0" stop_apikeyd
done_testing
