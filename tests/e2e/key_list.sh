#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Lists of keys by use and by expiry.

# shellcheck disable=SC2154 # make check sets it
. "$top_srcdir/tests/lib.sh"

start_apikeyd || give_up 'apikeyd did not start'
seed
used=$(new_key used)
unused=$(new_key unused)
soon=$(new_key soon --expires 2d)
later=$(new_key later --expires 30d)

# ids COMMAND...: the key IDs of a list, on one line
ids() {
	ctl "$@" --json | tr , '\n' | sed -n 's/.*{"id":"\([^"]*\)".*/\1/p' |
		tr '\n' ' '
}

verify "$used" >/dev/null
is 'expiring' "$(ids key list --expiring 7d)" "$(key_id "$soon") "
is 'expiring, all' "$(ids key list --expiring 90d)" \
	"$(key_id "$soon") $(key_id "$later") "
is 'expiring, none' "$(ids key list --expiring 1h)" ''
is 'nothing is unused for a day' "$(ids key list --unused 1d)" ''
is 'all are unused for a moment' "$(ids key list --unused 1ms | wc -w)" 4
# faketime itself would stand between us and apikeyd's pid.
# shellcheck disable=SC2016 # it is that shell's
preload=$(faketime -f +0 sh -c 'echo "$LD_PRELOAD"' 2>"$TMP/output")
stop_apikeyd
if [ -n "$preload" ] && [ "${SANITIZERS-}" != yes ]; then
	printf '#!/bin/sh\nexport LD_PRELOAD='\''%s'\'' FAKETIME=+40d\nexec "%s" "$@"\n' \
		"$preload" "$APIKEYD" >"$TMP/later"
	chmod 755 "$TMP/later"
	# shellcheck disable=SC2034 # start_apikeyd runs it
	APIKEYD=$TMP/later
	start_apikeyd || give_up 'apikeyd does not start in a later time'
	verify "$used" >/dev/null
	is 'never used counts from creation' "$(ids key list --unused 30d)" \
		"$(key_id "$unused") $(key_id "$soon") $(key_id "$later") "
	is 'expired ones do not expire' "$(ids key list --expiring 90d)" ''
	is 'stale: active ones alone' "$(ids audit stale --unused 30d)" \
		"$(key_id "$unused") "
	exits 'stale: exit 0' 0 ctl audit stale --unused 30d
	like 'with account and last use' "$(cat "$TMP/output")" \
		'acme .*Never'
	is 'of an account' \
		"$(ids audit stale --unused 30d --account acme)" \
		"$(key_id "$unused") "
	exits 'of an account that is not there' 3 \
		ctl audit stale --unused 30d --account nobody
	stop_apikeyd
else
	skip 'lists under a moved clock' 'there is no faketime'
fi
exits 'stale: how long is asked for' 2 ctl audit stale
like 'by its name' "$(cat "$TMP/output")" '--unused'
exits 'no duration' 2 ctl audit stale --unused soon

done_testing
