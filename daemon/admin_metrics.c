/* SPDX-License-Identifier: BSD-2-Clause */
/* What is measured, in Prometheus' text format. */
#include <stdlib.h>
#include <string.h>

#include "admin_impl.h"
#include "config.h"
#include "instant.h"
#include "metrics.h"

static const char *const answer_names[ADMIN_ANSWER_COUNT] = {
    [ADMIN_ANSWER_OK] = "ok",
#define ADMIN_ANSWER_NAME(name) [ADMIN_ANSWER_##name] = #name,
    ADMIN_ANSWER_LIST(ADMIN_ANSWER_NAME)
#undef ADMIN_ANSWER_NAME
	[ADMIN_ANSWER_OTHER] = "other",
};

void
admin_count_answer(struct admin *admin, const char *error)
{
	int answer = ADMIN_ANSWER_OK;

	if (error != NULL)
		while (++answer < ADMIN_ANSWER_OTHER &&
		    strcmp(answer_names[answer], error) != 0)
			;
	admin->answers[answer]++;
}

static void
put_daemon(FILE *out, const struct admin *admin)
{
	const struct metric_label version[] = {
	    {"version", PACKAGE_VERSION}, {0}};
	int64_t uptime = monotonic_ms() - admin->started_at;

	metric_family(out, "apikeyd_build_info", METRIC_GAUGE,
	    "Always 1; the version is its label.");
	metric_sample(out, "apikeyd_build_info", version, 1);
	metric_single(out, "apikeyd_start_time_seconds", METRIC_GAUGE,
	    "When the daemon started, as Unix time.",
	    (uint64_t)((now_ms() - uptime) / 1000));
}

/* Verifications */

static void
put_verdicts(FILE *out, const char *service, const uint64_t *verdicts)
{
	for (int i = VERDICT_VALID; i < VERDICT_COUNT; i++) {
		const struct metric_label labels[] = {{"service", service},
		    {"verdict", verdict_text((enum verdict)i)}, {0}};

		metric_sample(
		    out, "apikeyd_verifications_total", labels, verdicts[i]);
	}
}

static void
put_verifications(FILE *out, const struct tally *tally)
{
	metric_family(out, "apikeyd_verifications_total", METRIC_COUNTER,
	    "Verifications answered, by the host service that asked and the "
	    "verdict. A service without a name is \"\"; those that came after "
	    "the first 32 are \"" TALLY_OTHERS "\".");
	for (size_t i = 0; i < tally->service_count; i++)
		put_verdicts(
		    out, tally->services[i].name, tally->services[i].verdicts);
	put_verdicts(out, TALLY_OTHERS, tally->others);
	metric_histogram(out, "apikeyd_verification_duration_seconds",
	    "From the end of the read that brought a request to the end of the "
	    "write that took its answer.",
	    &tally->latency);
}

/* Connections */

/* A sample for each plane. */
static void
put_planes(FILE *out, const char *name, enum metric_type type, const char *help,
    uint64_t verify, uint64_t admin)
{
	metric_family(out, name, type, help);
	metric_sample(out, name,
	    (struct metric_label[]){{"plane", verify_plane.name}, {0}}, verify);
	metric_sample(out, name,
	    (struct metric_label[]){{"plane", admin_plane.name}, {0}}, admin);
}

static void
put_connections(FILE *out, const struct server *server)
{
	struct server_counters verify, admin;

	server_counters(server, &verify_plane, &verify);
	server_counters(server, &admin_plane, &admin);
	put_planes(out, "apikeyd_connections", METRIC_GAUGE,
	    "Open connections.", verify.connections, admin.connections);
	put_planes(out, "apikeyd_connections_accepted_total", METRIC_COUNTER,
	    "Connections accepted.", verify.accepted, admin.accepted);
	put_planes(out, "apikeyd_connections_refused_total", METRIC_COUNTER,
	    "Connections refused for being over a limit.", verify.refused,
	    admin.refused);
	put_planes(out, "apikeyd_connections_timed_out_total", METRIC_COUNTER,
	    "Connections closed for sending a request, or reading a reply, too "
	    "slowly.",
	    verify.timed_out, admin.timed_out);
}

/* The store and what is in it */

static void
put_audit(FILE *out, const struct audit_facts *facts)
{
	metric_single(out, "apikeyd_audit_log_size_bytes", METRIC_GAUGE,
	    "Size of audit.log, as of whole lines.", facts->bytes);
	metric_single(out, "apikeyd_audit_lines_pending", METRIC_GAUGE,
	    "Lines that wait until audit.log can be written.", facts->pending);
	metric_single(out, "apikeyd_audit_lines_omitted_total", METRIC_COUNTER,
	    "Changes of which audit.log has no line, for want of room.",
	    facts->omitted);
	metric_single(out, "apikeyd_audit_damaged", METRIC_GAUGE,
	    "1 where lines of audit.log are missing or not as they were "
	    "written.",
	    facts->gap != 0);
	metric_single(out, "apikeyd_audit_failing", METRIC_GAUGE,
	    "1 while audit.log cannot be written.", facts->reason[0] != '\0');
}

static void
put_usage(FILE *out, struct usage *usage)
{
	struct usage_facts facts;

	usage_facts(usage, &facts);
	metric_single(out, "apikeyd_usage_events_total", METRIC_COUNTER,
	    "Verifications that were written into usage.journal.", facts.noted);
	metric_single(out, "apikeyd_usage_events_dropped_total", METRIC_COUNTER,
	    "Verifications that were not counted: usage.journal was full or "
	    "lost.",
	    facts.dropped);
	metric_single(out, "apikeyd_usage_journal_size_bytes", METRIC_GAUGE,
	    "Room in usage.journal.", facts.journal_bytes);
	metric_single(out, "apikeyd_usage_journal_used_bytes", METRIC_GAUGE,
	    "Of it, what is not in the usage files yet.",
	    facts.journal_used_bytes);
	metric_single(out, "apikeyd_usage_files_size_bytes", METRIC_GAUGE,
	    "Size of totals.tdb and the files of the days.", facts.files_bytes);
	metric_single(out, "apikeyd_usage_failing", METRIC_GAUGE,
	    "1 while the usage files cannot be written.", facts.failing);
}

static void
put_store(FILE *out, const struct admin *admin)
{
	struct index_counts counts = index_counts(admin->index);
	struct store_facts facts;

	store_facts(admin->store, &facts);
	put_audit(out, &facts.audit);
	metric_single(out, "apikeyd_accounts", METRIC_GAUGE,
	    "Accounts that exist.", counts.accounts);
	metric_single(out, "apikeyd_products", METRIC_GAUGE,
	    "Products that exist.", counts.products);
	metric_single(out, "apikeyd_keys", METRIC_GAUGE,
	    "Keys that exist, whatever their status.", counts.keys);
	metric_single(out, "apikeyd_store_size_bytes", METRIC_GAUGE,
	    "Size of keys.tdb.", facts.file_bytes);
	metric_single(out, "apikeyd_store_suspect", METRIC_GAUGE,
	    "1 where a write has failed so that changes are refused until a "
	    "restart.",
	    facts.suspect);
	metric_histogram(out, "apikeyd_store_commit_duration_seconds",
	    "Transactions of the store, each with all changes that had "
	    "gathered.",
	    &facts.commits);
}

static void
put_admin(FILE *out, const struct admin *admin)
{
	metric_family(out, "apikeyd_admin_calls_total", METRIC_COUNTER,
	    "Calls of the admin socket that were answered, by error, ok "
	    "without one.");
	for (int i = 0; i < ADMIN_ANSWER_COUNT; i++) {
		const struct metric_label labels[] = {
		    {"result", answer_names[i]}, {0}};

		metric_sample(out, "apikeyd_admin_calls_total", labels,
		    admin->answers[i]);
	}
}

void
admin_get_metrics(void *context, struct call *call)
{
	const struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	char *text = NULL;
	size_t len;
	FILE *out;
	bool whole;

	if (!admin_params_ok(call, &params))
		return;
	out = open_memstream(&text, &len);
	if (out == NULL) {
		call_abort(call);
		return;
	}
	put_daemon(out, admin);
	put_verifications(out, &admin->verifier->tally);
	put_connections(out, admin->server);
	put_store(out, admin);
	put_usage(out, admin->usage);
	put_admin(out, admin);
	whole = ferror(out) == 0;
	whole = fclose(out) == 0 && whole;
	if (whole)
		admin_reply(call, "text", json_stringn(text, len));
	else
		call_abort(call);
	free(text);
}
