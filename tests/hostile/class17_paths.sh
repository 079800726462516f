#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Class 17: a name that becomes a path. Wherever a name can be said, "../" in
# it, an absolute path, and a name of a file of ours: nothing is read, made or
# changed but what has this name in the store.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

# Also below and beside the state directory, which is where they would lead.
mkdir -p "$TMP/deep/er"
state=$TMP/deep/er/state
mkdir -m 700 "$state"
start_ready "$APIKEYD" --state-directory "$state" \
	--runtime-directory "$TMP/run" || give_up "apikeyd does not start"
APIKEYD_PID=$!
seed
token=$(new_key first)
id=$(key_id "$token")
verify "$token" --service httpd >"$TMP/output"
ctl store check >"$TMP/output" # what is counted is in its files
echo untouched >"$TMP/deep/victim"
echo '{"account":"acme"}' >"$TMP/deep/secret"

# there: every path, and what is in those that are nobody's to change.
there() {
	find "$TMP/deep" "$TMP/run" | sort
	cat "$TMP/deep/victim" "$TMP/deep/secret" "$state/master.key"
}
before=$(there)

for name in ../victim ../../victim "$TMP/deep/victim" keys.tdb master.key \
	./x .. . /etc/passwd 'a/b' ..%2fvictim '~root' "../secret"; do
	# Slugs: none of these is one.
	for command in "account create" "product create" "account delete --yes" \
		"product delete --yes" "account show" "account suspend"; do
		# shellcheck disable=SC2086 # some words
		nok "$command $name" ctl $command -- "$name"
	done
	nok "key show $name" ctl key show -- "$name"
	nok "key revoke $name" ctl key revoke --yes -- "$name"
	nok "key usage $name" ctl key usage -- "$name"
	nok "operator add $name" ctl operator add --role admin -- "$name"
	nok "operation id $name" ctl account create unmade \
		--operation-id "$name"
	# Any text may be these; they stay text.
	verify "$token" --service "$name" >"$TMP/output" 2>&1
	verify "$token" --endpoint "$name" >"$TMP/output" 2>&1
	verify "$token" --user "$name" >"$TMP/output" 2>&1
	ok "a key that is called $name" ctl key update "$id" --name "$name"
done
ctl store check >"$TMP/output"
ctl key usage "$id" >"$TMP/output"
is "no file was made, read into another, or changed" "$(there)" "$before"
is "and the key is good" "$(verdict "$token")" valid
ok "SIGTERM ends it with 0" stop_apikeyd
done_testing
