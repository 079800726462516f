/* SPDX-License-Identifier: BSD-2-Clause */
/* Everything at a glance. */
#include <stdio.h>
#include <unistd.h>

#include "admin_impl.h"
#include "config.h"
#include "instant.h"

static json_t *
view_verdicts(const struct verifier *verifier, uint64_t *total)
{
	json_t *verdicts = json_object();

	*total = 0;
	for (int i = VERDICT_VALID; i < VERDICT_COUNT; i++) {
		*total += verifier->tally.verdicts[i];
		json_object_set_new(verdicts, verdict_text((enum verdict)i),
		    json_integer((json_int_t)verifier->tally.verdicts[i]));
	}
	return verdicts;
}

/* Over the time since the last call, at least a second ago; else since the
 * start. */
static double
verifications_per_second(struct admin *admin, uint64_t total)
{
	int64_t now = monotonic_ms();
	double rate;

	if (now - admin->sampled_at < 1000)
		return now > admin->started_at
		    ? (double)total * 1000 / (double)(now - admin->started_at)
		    : 0;
	rate = (double)(total - admin->sampled) * 1000 /
	    (double)(now - admin->sampled_at);
	admin->sampled_at = now;
	admin->sampled = total;
	return rate;
}

static json_t *
view_latency(const struct histogram *latency)
{
	return json_pack("{s:f, s:f}", "p50_us",
	    histogram_quantile(latency, 0.5) * 1e6, "p99_us",
	    histogram_quantile(latency, 0.99) * 1e6);
}

static json_t *
view_usage(struct usage *usage)
{
	struct usage_facts facts;

	usage_facts(usage, &facts);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "counted",
	    (json_int_t)facts.noted, "dropped", (json_int_t)facts.dropped,
	    "journal_bytes", (json_int_t)facts.journal_bytes,
	    "journal_used_bytes", (json_int_t)facts.journal_used_bytes,
	    "files_bytes", (json_int_t)facts.files_bytes, "failing",
	    facts.failing ? json_string(facts.reason) : json_null());
}

static json_t *
view_audit(const struct audit_facts *audit)
{
	const char *state = "sound", *reason = NULL;
	char gap[96];

	if (audit->gap != 0) {
		state = "damaged";
		snprintf(gap, sizeof gap,
		    "lines before %llu are missing or not as they were "
		    "written",
		    (unsigned long long)audit->gap);
		reason = gap;
	}
	if (audit->reason[0] != '\0') {
		state = "behind";
		reason = audit->reason;
	}
	return json_pack("{s:s, s:s?, s:I, s:I, s:I, s:I}", "state", state,
	    "reason", reason, "sequence", (json_int_t)audit->head.sequence,
	    "bytes", (json_int_t)audit->bytes, "pending",
	    (json_int_t)audit->pending, "omitted", (json_int_t)audit->omitted);
}

void
admin_get_status(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	struct index_counts counts = index_counts(admin->index);
	struct server_counters server;
	struct store_facts facts;
	json_t *verdicts;
	uint64_t total;

	if (!admin_params_ok(call, &params))
		return;
	server_counters(admin->server, NULL, &server);
	store_facts(admin->store, &facts);
	verdicts = view_verdicts(admin->verifier, &total);
	admin_reply(call, "status",
	    json_pack("{s:s, s:I, s:i, s:s, s:s, s:o, s:I, s:I, s:I, s:I, s:I, "
		      "s:I, s:I, s:f, s:o, s:o, s:o, s:o}",
		"version", PACKAGE_VERSION, "uptime_seconds",
		(json_int_t)((monotonic_ms() - admin->started_at) / 1000),
		"pid", (int)getpid(), "state_directory", admin->state_directory,
		"store", facts.suspect ? "suspect" : "sound", "store_reason",
		facts.suspect ? json_string(facts.reason) : json_null(),
		"store_bytes", (json_int_t)facts.file_bytes, "sequence",
		(json_int_t)facts.sequence, "accounts",
		(json_int_t)counts.accounts, "products",
		(json_int_t)counts.products, "keys", (json_int_t)counts.keys,
		"connections", (json_int_t)server.connections, "verifications",
		(json_int_t)total, "verifications_per_second",
		verifications_per_second(admin, total), "verdicts", verdicts,
		"latency", view_latency(&admin->verifier->tally.latency),
		"usage", view_usage(admin->usage), "audit",
		view_audit(&facts.audit)));
}
