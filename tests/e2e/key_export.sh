#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# key export: who took how many hashes out is in the audit log, and no page is
# to be had without. What an export is good for: key_import.sh.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

log=$TMP/state/audit.log

# lines: of exports, without what is different each time.
lines() {
	sed -n '/"method":"ExportKeys"/{
		s/.*"login":"[^"]*",//
		s/,"mac":.*//
		p
	}' "$log"
}

# call PARAMETERS: the answer to an ExportKeys.
call() {
	echo "io.apikeyd.Admin.ExportKeys $1" |
		"$top_builddir/tests/varlink" "$APIKEYD_ADMIN_SOCKET"
}

# next_of ANSWER
next_of() {
	printf '%s\n' "$1" | sed -n 's/.*"next": *"\([^"]*\)".*/\1/p'
}

# shellcheck disable=SC2119 # without arguments
start_apikeyd || give_up "apikeyd does not start"
seed other
new_key one >"$TMP/output"
ok "an export" ctl key export --account other
is "has its line" "$(lines)" '"method":"ExportKeys","kind":"account",'\
'"name":"other","account":"other","after":{"exported":1},"outcome":"done"'

ctl account create acme --status approved >"$TMP/output"
ctl product enable appointments --account acme >"$TMP/output"
i=0
while [ "$i" -lt 249 ]; do
	printf '{"account":"acme","product":"appointments","name":"k%d","sha256":"%064d"}\n' \
		"$i" "$i"
	i=$((i + 1))
done >"$TMP/keys"
ctl key import "$TMP/keys" >"$TMP/output" || give_up "the import failed"
ctl key export >"$TMP/export"
is "one of three pages has every key" "$(wc -l <"$TMP/export")" 251
is "... a line as it begins, and one that says how many" \
	"$(lines | sed 1d)" \
	'"method":"ExportKeys","kind":"account","after":{"exported":100,"more":true},"outcome":"done"
"method":"ExportKeys","kind":"account","after":{"exported":250},"outcome":"done"'

### A page that is not the first, and the first was never asked for

before=$(lines | wc -l)
next=$(next_of "$(call '{}')")
like "what a page calls next" "$next" '^[0-9]+-100-[0-9]+-[0-9a-f]{32}$'
like "... goes on" "$(call "{\"after\":\"$next\"}")" '"keys": *\[ *\{'
for forged in 1 100 "1$next" "${next%?}" "$next$next" \
	"${next%-*}-00000000000000000000000000000000"; do
	like "'$forged' does not" "$(call "{\"after\":\"$forged\"}")" \
		'io.apikeyd.Admin.InvalidArgument'
done
like "nor does it for another account" \
	"$(call "{\"after\":\"$next\",\"account\":\"acme\"}")" \
	'io.apikeyd.Admin.InvalidArgument'
ok "(the log is written)" ctl audit verify
is "each of these has a line, but the page between" \
	"$(lines | sed "1,${before}d" | sed 's/.*"outcome"://' | sort | uniq -c |
		tr -s ' \n' ' ')" ' 7 "InvalidArgument" 1 "done" '
stop_apikeyd
done_testing
