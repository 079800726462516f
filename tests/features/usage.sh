#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# When keys were used, how much, by whom, and which are not any more.
#
# shellcheck disable=SC2119,SC2154,SC2317 # run_features calls by name

. "$top_srcdir/tests/lib.sh"
# shellcheck source=tests/features.lib.sh
. "$top_srcdir/tests/features.lib.sh"

start_apikeyd || give_up "apikeyd does not start"
seed

R11() {
	unused=$(new_key "Forgotten")
	used=$(new_key "In use")
	must_be "new ones" "$(ctl key list --unused 1h --json)" '[]'
	# Time goes by: more than a second, less than it takes from here.
	must await_unused "$(key_id "$unused")"
	must verify "$used"
	must_have "the forgotten one" "$(ctl key list --unused 1s)" \
		"^$(key_id "$unused") "
	must_lack "the other" "$(ctl key list --unused 1s)" \
		"^$(key_id "$used") "
}

# await_unused ID: until it counts as such.
await_unused() {
	tries=0
	until ctl key list --unused 1s | grep -q "^$1 "; do
		tries=$((tries + 1))
		[ "$tries" -lt 400 ] || return
		sleep 0.05
	done
}

run_features
done_testing
