#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The disk of keys.tdb reports an error at a sync: no change is acknowledged any
# more, verification goes on, and the next start is sound again.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/strace.lib.sh
. "$top_srcdir/tests/strace.lib.sh"

failing=$TMP/failing

# failing_at N: makes $failing, whose syncs of keys.tdb fail from the Nth on.
failing_at() {
	cat >"$failing" <<END
#!/bin/sh
exec '$strace' -D -f -o /dev/null -P '$TMP/state/keys.tdb' \\
	-e trace=fdatasync -e inject=fdatasync:error=EIO:when=$1+ \\
	'$sound' "\$@"
END
	chmod +x "$failing"
}

start "$sound" || give_up "apikeyd does not start"
seed acme
token=$(new_key first)
id=$(key_id "$token")
stop_apikeyd

for n in 1 2 3 4; do
	failing_at "$n"
	start "$failing" || give_up "apikeyd does not start"
	nok "sync $n fails: the change is not acknowledged" \
		ctl account create "lost$n"
	like "with the reason" "$(cat "$TMP/output")" \
		"the store broke"
	nok "nor is the next one" ctl key revoke "$id" --yes
	is "verification goes on" "$(verdict "$token")" valid
	like "status says so" "$(ctl status --json)" '"store": *"suspect"'
	stop_apikeyd || :
	start "$sound" || give_up "apikeyd does not start on what is left"
	like "the next start is sound" "$(ctl status --json)" \
		'"store": *"sound"'
	is "with what was acknowledged" "$(verdict "$token")" valid
	ok "and changes are made" ctl account create "made$n"
	stop_apikeyd
done
start "$sound" || give_up "apikeyd does not start"
ctl account list >"$TMP/accounts" 2>&1
for n in 1 2 3 4; do
	ok "what was acknowledged stays (made$n)" grep -q "made$n" "$TMP/accounts"
done
done_testing
