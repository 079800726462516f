#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# apikeyctl metrics: what Prometheus reads, and that it is true.
#
# shellcheck disable=SC2119,SC2317 # functions with optional arguments

# shellcheck source=tests/lib.sh
. "${top_srcdir:?}/tests/lib.sh"

start_apikeyd || give_up 'apikeyd did not start'
seed
good=$(new_key "CRM Sync")
id=$(key_id "$good")

# value SAMPLE: of this line, name and labels given as they stand there.
value() {
	ctl metrics | SAMPLE="$1" awk '
		BEGIN { sample = ENVIRON["SAMPLE"] " " }
		substr($0, 1, length(sample)) == sample { print $NF }'
}

# sum NAME PATTERN: of all samples of a name whose labels match.
sum() {
	ctl metrics | awk -v name="$1{" -v pattern="$2" '
		index($0, name) == 1 && $0 ~ pattern { sum += $NF }
		END { print sum + 0 }'
}

# verdicts_of SERVICE VERDICT
verdicts_of() {
	value "apikeyd_verifications_total{service=\"$1\",verdict=\"$2\"}"
}

lint() {
	promtool check metrics <"$TMP/metrics"
}

# promtool_agrees DESCRIPTION
promtool_agrees() {
	if command -v promtool >/dev/null; then
		ok "$1" lint
	else
		skip "$1" 'no promtool (Debian: prometheus)'
	fi
}

ctl metrics >"$TMP/metrics" || give_up 'no metrics'
promtool_agrees 'promtool finds nothing to object to'
is 'every sample has a help and a type before it' "$(awk '
	$1 == "#" { said[$2 $3] = 1; next }
	{
		name = $1
		sub(/[{].*/, "", name)
		if (!(("TYPE" name) in said))
			sub(/_(bucket|sum|count)$/, "", name)
		if (!(("TYPE" name) in said) || !(("HELP" name) in said))
			print
	}' "$TMP/metrics")" ''
is 'every line has its shape' "$(grep -Ev \
	-e '^# (HELP|TYPE) apikeyd_[a-z_]+ .+$' \
	-e '^apikeyd_[a-z_]+([{][a-z_]+="([^"\\]|\\.)*"(,[a-z_]+="([^"\\]|\\.)*")*[}])? [0-9.e+]+$' \
	"$TMP/metrics")" ''

# --- verifications
for _ in 1 2 3; do
	verify "$good" --service shop >/dev/null
done
verify "$good" --service shop --account globex >/dev/null
verify "${good%?????}00000" --service shop >/dev/null
verify "$good" --service 'a"b\c' >/dev/null
verify "$good" >/dev/null
is 'by verdict' "$(verdicts_of shop valid)" 3
is 'account mismatch' "$(verdicts_of shop account_mismatch)" 1
is 'malformed' "$(verdicts_of shop malformed)" 1
is 'none of these' "$(verdicts_of shop expired)" 0
is 'a service with a name that has to be escaped' \
	"$(verdicts_of 'a\"b\\c' valid)" 1
is 'they add up to what status says' \
	"$(sum apikeyd_verifications_total .)" \
	"$(ctl --json status | sed -n 's/.*"verifications": *\([0-9]*\).*/\1/p')"
is 'each was timed' "$(value apikeyd_verification_duration_seconds_count)" \
	"$(sum apikeyd_verifications_total .)"
is 'the last bucket has them all' \
	"$(value 'apikeyd_verification_duration_seconds_bucket{le="+Inf"}')" \
	"$(value apikeyd_verification_duration_seconds_count)"
ctl metrics >"$TMP/metrics"
promtool_agrees 'promtool, with any name of a service'
like 'status tells how long they took' "$(ctl status)" \
	'^Latency: *p50 [0-9.]+ us, p99 [0-9.]+ us'

# --- the names of services are bounded
i=0
while [ "$i" -lt 40 ]; do
	verify "$good" --service "s$i" >/dev/null
	i=$((i + 1))
done
is 'those without a place are counted together' \
	"$(verdicts_of '(other)' valid)" 11
is 'none is lost' "$(sum apikeyd_verifications_total '"valid"')" 45

# --- keys, store, connections
is 'keys' "$(value apikeyd_keys)" 1
is 'accounts' "$(value apikeyd_accounts)" 1
is 'products' "$(value apikeyd_products)" 1
is 'the size of the store' "$(value apikeyd_store_size_bytes)" \
	"$(stat -c %s "$TMP/state/keys.tdb")"
is 'it is sound' "$(value apikeyd_store_suspect)" 0
before=$(value apikeyd_store_commit_duration_seconds_count)
ctl key disable "$id" >/dev/null
is 'a change is a commit' \
	"$(($(value apikeyd_store_commit_duration_seconds_count) - before))" 1
is 'who asks for metrics is connected' \
	"$(value 'apikeyd_connections{plane="admin"}')" 1
before=$(value 'apikeyd_connections_accepted_total{plane="verify"}')
verify "$good" >/dev/null
is 'connections of the verify socket' "$(($(value \
	'apikeyd_connections_accepted_total{plane="verify"}') - before))" 1
like 'since when' "$(value apikeyd_start_time_seconds)" '^[0-9]{10}$'

# --- usage and audit
is 'every verification is an event' "$(value apikeyd_usage_events_total)" \
	"$(sum apikeyd_verifications_total .)"
is 'none was dropped' "$(value apikeyd_usage_events_dropped_total)" 0
is 'usage can be written' "$(value apikeyd_usage_failing)" 0
like 'the journal has room' "$(value apikeyd_usage_journal_size_bytes)" \
	'^[1-9][0-9]{4,}$'
is 'the size of audit.log' "$(value apikeyd_audit_log_size_bytes)" \
	"$(stat -c %s "$TMP/state/audit.log")"
is 'it is whole' "$(value apikeyd_audit_damaged)" 0
is 'and written' "$(value apikeyd_audit_failing)" 0

# --- calls of the admin socket
calls() {
	value "apikeyd_admin_calls_total{result=\"$1\"}"
}
before=$(calls NotFound)
exits 'a call that fails' 3 ctl account show nobody
is 'is counted by its error' "$(($(calls NotFound) - before))" 1
if [ "$(id -u)" -eq 0 ]; then
	chmod a+x "$TMP" "$TMP/run"
	before=$(calls NotPermitted)
	exits 'nobody gets metrics' 4 setpriv --reuid 65534 --regid 65534 \
		--clear-groups "$APIKEYCTL" metrics
	is 'which is a refusal' "$(($(calls NotPermitted) - before))" 1
else
	skip 'nobody gets metrics' 'not root'
	skip 'which is a refusal' 'not root'
fi
like 'as JSON' "$(ctl metrics --json)" '^[{]"text":"# HELP '
exits 'no arguments' 2 ctl metrics all

done_testing
