#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Usage and quotas as operators meet them: last use and used quotas over a
# kill, the old secret's last use in an overlap, the check, the status.
#
# shellcheck disable=SC2119,SC2154 # functions without arguments; make's

. "$top_srcdir/tests/lib.sh"

# A member of a key's JSON.
member() {
	ctl key show "$1" --json | sed -n "s/.*\"$2\": *\([^,}]*\).*/\1/p" |
		tr -d '"'
}

# However it ends, it is there again.
after() {
	"$1_apikeyd"
	start_apikeyd
}

start_apikeyd || give_up "apikeyd does not start"
seed acme

# Quotas

token=$(new_key limited --quota 3/total --rate 2/1h)
id=${token%_*}
like "a quota is shown" "$(ctl key show "$id" --json)" \
	'"quota": *\{"limit": *3, *"per": *"total", *"used": *0\}'
is "within both" "$(verdict "$token")" valid
is "within both, again" "$(verdict "$token")" valid
is "over the rate" "$(verdict "$token")" rate_limited
is "... which spends nothing of the quota" "$(member "$id" used)" 2
ok "the rate goes" ctl key update "$id" --rate none
is "the third of three" "$(verdict "$token")" valid
is "over the quota" "$(verdict "$token")" quota_exceeded
like "explain says so" "$(printf %s "$token" | ctl key explain 2>&1)" \
	quota_exceeded
ok "kill -9 and another start" after kill
is "does not give it back" "$(verdict "$token")" quota_exceeded
is "nor what was used" "$(member "$id" used)" 3
ok "a restart" after stop
is "does not, either" "$(verdict "$token")" quota_exceeded
ok "a larger quota" ctl key update "$id" --quota 4/total
is "leaves one more" "$(verdict "$token")" valid
is "and no other" "$(verdict "$token")" quota_exceeded
ok "another kind of quota" ctl key update "$id" --quota 1/day
is "begins anew" "$(verdict "$token")" valid
is "and ends" "$(verdict "$token")" quota_exceeded

# Last use

token=$(new_key used)
id=${token%_*}
is "never used" "$(member "$id" last_used_at)" null
is "a use" "$(verdict "$token" --address 192.0.2.7)" valid
at=$(member "$id" last_used_at)
like "... is told" "$at" '^20..-..-..T'
ok "kill -9 and another start" after kill
is "last use is as it was" "$(member "$id" last_used_at)" "$at"
is "... and where from" "$(member "$id" last_used_address)" 192.0.2.7
new=$(ctl key rotate "$id" --overlap 1h)
is "the old secret was not used since" \
	"$(member "$id" previous_last_used_at)" null
is "the new secret" "$(verdict "$new" --address 192.0.2.8)" valid
is "the old secret" "$(verdict "$token" --address 192.0.2.9)" valid
is "the old one's use is told" \
	"$(member "$id" previous_last_used_address)" 192.0.2.9
ok "kill -9 and another start" after kill
is "... still" "$(member "$id" previous_last_used_address)" 192.0.2.9
ctl key rotate "$id" --overlap 1h >"$TMP/output"
is "of the next old secret none" \
	"$(member "$id" previous_last_used_at)" null
ok "kill -9 and another start" after kill
is "... still none" "$(member "$id" previous_last_used_at)" null

# Check and status

ok "what was counted adds up" ctl store check
like "... so it says" "$(ctl store check)" ' 0 problems$'
like "... as JSON, too" "$(ctl store check --json)" '"sound": *true'
like "status has it" "$(ctl status --json)" '"dropped": *0'
ok "SIGTERM ends it with 0" stop_apikeyd
# A byte of the key's row, behind its name.
damaged=0
for file in "$TMP/state"/usage-*.tdb; do
	at=$(grep -abo "K${id#*_}" "$file" | head -n 1 | cut -d: -f1)
	[ -n "$at" ] || continue
	printf '\377' | dd of="$file" bs=1 conv=notrunc seek=$((at + 40)) \
		2>"$TMP/output" && damaged=$((damaged + 1))
done
ok "a row is damaged" [ "$damaged" -gt 0 ]
start_apikeyd
exits "the check says so" 1 ctl store check
like "... and where" "$(ctl store check)" '^usage-.*: 1 rows are damaged$'
is "verification does not mind" "$(verdict "$new")" valid
ok "SIGTERM ends it with 0" stop_apikeyd
# A file that is none is put aside.
for file in "$TMP/state"/usage-*.tdb; do
	head -c 4096 /dev/zero | dd of="$file" conv=notrunc 2>"$TMP/output"
done
start_apikeyd
is "nor a file that is none" "$(verdict "$new")" valid
ok "which another one takes the place of" ctl store check
ok "... when it has been put aside" \
	[ -e "$(echo "$TMP/state"/usage-*.tdb.damaged | cut -d' ' -f1)" ]
ok "SIGTERM ends it with 0" stop_apikeyd
done_testing
