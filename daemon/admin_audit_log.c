/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading audit.log: listing, following, verifying. The file is read by a
 * thread of its own, a slice at a time, so that neither verification nor a
 * change waits for it, and no reader for another.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin_audit.h"
#include "audit_check.h"
#include "instant.h"
#include "json_memory.h"

enum {
	/* Much longer than a line. */
	SLICE = 1 << 20,
};

/* What a caller wants to see. Its own copies: looked at on the thread. */
struct audit_filter {
	char since[TIME_TEXT_MAX]; /* empty: from the beginning */
	char key[KEY_ID_SIZE];     /* empty: of all */
	bool limited;              /* to these accounts */
	size_t account_count;
	char accounts[OPERATOR_ACCOUNTS_MAX][SLUG_MAX_LEN + 1];
};

/*
 * A call that reads the log. It is with the worker, or else it waits: for
 * lines that were submitted before it came, for its last part to be sent, or
 * for new lines.
 */
struct audit_reading {
	struct job job; /* first: what the worker hands back */
	struct audit_reading *next;
	struct admin *admin;
	struct call *call;
	bool at_work;  /* with the worker */
	bool clogged;  /* what was sent is not read */
	bool verifies; /* else it lists */
	bool follows;
	uint64_t lines_before; /* have to be there first */
	int fd;
	uint64_t at, end;  /* bytes of the file */
	uint64_t sequence; /* of the line that ends there */
	struct audit_check check;
	struct audit_filter filter;
	json_t *entries; /* found, and not answered yet */
	bool failed;     /* the file could not be read */
};

/* On the thread */

/* False where there is nothing left, or it could not be read. */
static bool
read_slice(struct audit_reading *reading, uint8_t *buffer, struct bytes *slice)
{
	uint64_t left = reading->end - reading->at;
	size_t len = left < SLICE ? (size_t)left : SLICE;
	ssize_t n;

	do
		n = pread(reading->fd, buffer, len, (off_t)reading->at);
	while (n < 0 && errno == EINTR);
	reading->failed = n < 0 || (n == 0 && len > 0);
	*slice = (struct bytes){buffer, n > 0 ? (size_t)n : 0};
	return slice->len > 0;
}

/* Whether a line's time, right behind its sequence, is late enough. */
static bool
is_late_enough(const struct audit_filter *filter, struct bytes line)
{
	static const char member[] = ",\"time\":\"";
	const uint8_t *comma = memchr(line.data, ',', line.len);
	size_t len = sizeof member - 1 + strlen(filter->since);

	return filter->since[0] == '\0' ||
	    (comma != NULL && (size_t)(line.data + line.len - comma) > len &&
		memcmp(comma, member, sizeof member - 1) == 0 &&
		memcmp(comma + sizeof member - 1, filter->since,
		    strlen(filter->since)) >= 0);
}

static bool
has_text(const json_t *entry, const char *name, const char *text)
{
	const char *value = json_string_value(json_object_get(entry, name));

	return value != NULL && strcmp(value, text) == 0;
}

static bool
is_covered(const struct audit_filter *filter, const json_t *entry)
{
	for (size_t i = 0; i < filter->account_count; i++)
		if (has_text(entry, "account", filter->accounts[i]))
			return true;
	return !filter->limited;
}

static void
list_line(struct audit_reading *reading, struct bytes line)
{
	const struct audit_filter *filter = &reading->filter;
	json_t *entry;

	if (!is_late_enough(filter, line) ||
	    memmem(line.data, line.len, filter->key, strlen(filter->key)) ==
		NULL)
		return;
	entry = json_read(line);
	if (entry != NULL && is_covered(filter, entry) &&
	    (filter->key[0] == '\0' ||
		(has_text(entry, "kind", "key") &&
		    has_text(entry, "name", filter->key))) &&
	    json_array_append(reading->entries, entry) != 0)
		reading->failed = true;
	if (json_memory_failed())
		reading->failed = true;
	json_decref(entry);
}

static void
take_line(struct audit_reading *reading, struct bytes line)
{
	if (reading->verifies)
		audit_check_line(&reading->check, line);
	else
		list_line(reading, line);
}

/* One slice, or as much of it as makes a page. */
static void
run_slice(struct job *job)
{
	struct audit_reading *reading = (struct audit_reading *)job;
	uint8_t *buffer = malloc(SLICE);
	struct bytes rest, line;

	reading->failed = buffer == NULL;
	if (buffer == NULL || !read_slice(reading, buffer, &rest)) {
		free(buffer);
		return;
	}
	while (json_array_size(reading->entries) < PAGE_MAX &&
	    audit_line_next(&rest, &line)) {
		take_line(reading, line);
		reading->at += line.len + 1;
	}
	/* No line of ours is as long as a slice, or has no end. */
	if (memchr(buffer, '\n', (size_t)(rest.data - buffer)) == NULL &&
	    (rest.len == SLICE || reading->at + rest.len == reading->end)) {
		take_line(reading, rest);
		reading->at += rest.len;
	}
	free(buffer);
}

/* On the loop */

static void on_slice(struct job *job, bool ran);

static void
reading_end(struct audit_reading *reading)
{
	struct audit_reading **link = &reading->admin->readings;

	while (*link != reading)
		link = &(*link)->next;
	*link = reading->next;
	json_decref(reading->entries);
	free(reading);
}

static void
set_accounts(struct audit_reading *reading)
{
	struct audit_filter *filter = &reading->filter;
	const struct operator_user *user = index_operator(
	    reading->admin->index, call_peer(reading->call)->uid);

	filter->limited = admin_is_limited(reading->admin, reading->call);
	filter->account_count = 0;
	if (!filter->limited)
		return;
	for (uint32_t i = 0; i < user->account_count; i++)
		text_copy(filter->accounts[filter->account_count++],
		    sizeof filter->accounts[0], user->accounts[i]->slug);
}

static void
go_to_work(struct audit_reading *reading)
{
	reading->at_work = true;
	reading->job.run = run_slice;
	reading->job.done = on_slice;
	worker_submit(reading->admin->reader, &reading->job);
}

static json_t *
page_of(struct audit_reading *reading, bool last)
{
	json_t *entries = reading->entries;

	reading->entries = json_array();
	return json_pack("{s:o, s:o}", "entries", entries, "next",
	    last ? json_null()
		 : json_sprintf("%llu", (unsigned long long)reading->at));
}

static void
answer_list(struct audit_reading *reading)
{
	admin_answer(
	    reading->call, page_of(reading, reading->at >= reading->end));
	reading_end(reading);
}

static void
answer_check(struct audit_reading *reading)
{
	struct audit_check *check = &reading->check;
	struct call *call = reading->call;
	json_t *problem = json_null();

	audit_check_end(check, reading->sequence, false);
	if (check->fault != AUDIT_SOUND)
		problem = json_pack("{s:s, s:I, s:I}", "kind",
		    audit_fault_text(check->fault), "line",
		    (json_int_t)check->line, "sequence",
		    (json_int_t)check->sequence);
	admin_reply(call, "check",
	    json_pack("{s:b, s:I, s:I, s:o}", "sound",
		check->fault == AUDIT_SOUND, "lines", (json_int_t)check->lines,
		"sequence", (json_int_t)check->last.sequence, "problem",
		problem));
	reading_end(reading);
}

/* Up to where there are whole lines now. */
static void
set_end(struct audit_reading *reading)
{
	struct store_facts facts;

	store_facts(reading->admin->store, &facts);
	reading->end = facts.audit.bytes;
	reading->sequence = facts.audit.head.sequence - facts.audit.pending;
}

static bool
has_page(const struct audit_reading *reading)
{
	size_t found = json_array_size(reading->entries);

	return found >= PAGE_MAX || (found > 0 && reading->at >= reading->end);
}

/* What comes next for a reading that is not at work. May end it. */
static void
step(struct audit_reading *reading)
{
	struct admin *admin = reading->admin;
	bool at_end;

	if (reading->at_work || reading->clogged ||
	    admin->lines_done < reading->lines_before)
		return;
	if (admin_role(admin, call_peer(reading->call)->uid) < ROLE_AUDITOR) {
		answer_failure(reading->call, "NotPermitted",
		    "the role that this takes was taken away");
		reading_end(reading);
		return;
	}
	if (reading->follows && has_page(reading))
		reading->clogged =
		    !call_continue(reading->call, page_of(reading, false));
	if (reading->end == 0 || (reading->follows && !reading->clogged))
		set_end(reading);
	at_end = reading->at >= reading->end;
	if (reading->clogged || (at_end && reading->follows))
		return;
	if (reading->verifies && at_end) {
		answer_check(reading);
	} else if (!reading->verifies && (at_end || has_page(reading))) {
		answer_list(reading);
	} else {
		set_accounts(reading);
		go_to_work(reading);
	}
}

/* It is answered at the end. Not while it is with the worker, which looks at
 * where that is. */
static void
stop_following(struct audit_reading *reading)
{
	reading->follows = false;
	reading->clogged = false;
	set_end(reading);
	step(reading);
}

static void
on_slice(struct job *job, bool ran)
{
	struct audit_reading *reading = (struct audit_reading *)job;

	reading->at_work = false;
	if (ran && !reading->failed) {
		if (reading->follows && reading->admin->stopping)
			stop_following(reading);
		else
			step(reading);
		return;
	}
	answer_failure(reading->call, "StoreFailed",
	    ran ? "audit.log cannot be read" : "apikeyd is stopping");
	reading_end(reading);
}

void
admin_audit_read_on(struct admin *admin)
{
	struct audit_reading *reading = admin->readings, *next;

	for (; reading != NULL; reading = next) {
		next = reading->next;
		if (!reading->at_work && call_is_gone(reading->call)) {
			call_reply(reading->call, NULL);
			reading_end(reading);
		} else {
			step(reading);
		}
	}
}

void
admin_audit_sent(struct admin *admin, struct call *call)
{
	struct audit_reading *reading = admin->readings;

	while (reading != NULL && reading->call != call)
		reading = reading->next;
	if (reading == NULL)
		return;
	reading->clogged = false;
	step(reading);
}

void
admin_audit_stop_following(struct admin *admin)
{
	struct audit_reading *reading = admin->readings, *next;

	for (; reading != NULL; reading = next) {
		next = reading->next;
		if (reading->follows && !reading->at_work)
			stop_following(reading);
	}
}

/* The methods */

static struct audit_reading *
reading_begin(struct admin *admin, struct call *call)
{
	struct audit_reading *reading = calloc(1, sizeof *reading);

	if (reading == NULL) {
		call_abort(call);
		return NULL;
	}
	reading->admin = admin;
	reading->call = call;
	reading->fd = store_audit_fd(admin->store);
	reading->lines_before = admin->lines_submitted;
	reading->next = admin->readings;
	admin->readings = reading;
	return reading;
}

/* False where it is no key's; a whole token is not kept. */
static bool
copy_key(struct audit_filter *filter, const char *key)
{
	const char *part;
	size_t prefix_len;

	if (key == NULL)
		return true;
	if (!key_id_parse(key, strlen(key), &part, &prefix_len))
		return false;
	snprintf(filter->key, sizeof filter->key, "%s", key);
	return true;
}

void
admin_list_audit(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	int64_t since = param_integer(&params, "since_ms");
	const char *key = param_text(&params, "key");
	bool follow = param_bool(&params, "follow");
	struct audit_filter filter = {.limited = true};
	struct audit_reading *reading;
	size_t position = param_position(&params);

	if (since < 0)
		param_wrong(&params, "since_ms", "expected milliseconds");
	if (!copy_key(&filter, key))
		param_wrong(&params, "key", "expected a key ID");
	if (!admin_params_ok(call, &params))
		return;
	if (follow && !call_wants_more(call)) {
		call_expected_more(call);
		return;
	}
	if (since > 0)
		time_text(now_ms() - since, filter.since);
	reading = reading_begin(admin, call);
	if (reading == NULL)
		return;
	reading->filter = filter;
	reading->follows = follow && !admin->stopping;
	reading->at = position;
	reading->entries = json_array();
	step(reading);
}

void
admin_verify_audit(void *context, struct call *call)
{
	struct admin *admin = context;
	struct params params = params_over(call_parameters(call));
	struct audit_reading *reading;

	if (!admin_params_ok(call, &params))
		return;
	reading = reading_begin(admin, call);
	if (reading == NULL)
		return;
	reading->verifies = true;
	reading->check.ring = admin->ring;
	step(reading);
}
