#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# State directories as each version has written them, killed at that: this one
# starts from them, says of each token what that one said, and goes on.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

for tokens in "$top_srcdir"/tests/fixtures/*.tokens; do
	name=${tokens##*/} name=${name%.tokens}
	rm -rf "$TMP/state"
	tar -C "$TMP" -xzpf "${tokens%.tokens}.tar.gz" --no-same-owner ||
		give_up "$name cannot be unpacked"
	for run in first second; do
		# shellcheck disable=SC2119 # without arguments
		start_apikeyd || give_up "apikeyd does not start on $name"
		while read -r wanted token; do
			is "$name, $run start: $(key_id "$token")" \
				"$(verdict "$token")" "$wanted"
		done <"$tokens"
		ok "$name, $run start: the log of changes is sound" \
			ctl audit verify
		ok "$name, $run start: so are store and usage" ctl store check
		ok "$name, $run start: a change is made" \
			ctl account create "$run"
		ok "SIGTERM ends it with 0" stop_apikeyd
	done
	unlike "$name: nothing was damaged" "$(cat "$TMP/apikeyd.log")" \
		'damaged|error:'
done
done_testing
