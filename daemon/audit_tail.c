/* SPDX-License-Identifier: BSD-2-Clause */
#include "audit_tail.h"

#include <string.h>

/* Which line of the outbox this is, or the number of its lines. */
static unsigned
find_line(const struct outbox *outbox, struct bytes line)
{
	unsigned i;

	for (i = 0; i < outbox->count; i++) {
		const struct outbox_line *kept = outbox_line(outbox, i);

		if (kept->len == line.len + 1 &&
		    memcmp(kept->text, line.data, line.len) == 0)
			break;
	}
	return i;
}

/* Whether the outbox's oldest line comes right after this one. */
static bool
precedes_outbox(const struct keyring *ring, const struct outbox *outbox,
    const struct audit_head *claims)
{
	const struct outbox_line *oldest = outbox_line(outbox, 0);
	struct bytes text;

	if (outbox->count == 0 || claims->sequence + 1 != oldest->sequence)
		return false;
	text = (struct bytes){(const uint8_t *)oldest->text, oldest->len - 1};
	return audit_line_is_sealed(ring, text, claims->mac);
}

/* Whether these bytes can be what a write of this line has left. */
static bool
is_begun(const struct outbox *outbox, unsigned from, struct bytes rest)
{
	const struct outbox_line *line;

	if (rest.len == 0)
		return true;
	if (from >= outbox->count)
		return false;
	line = outbox_line(outbox, from);
	return rest.len < line->len &&
	    memcmp(line->text, rest.data, rest.len) == 0;
}

struct audit_tail
audit_tail_judge(const struct keyring *ring, struct bytes tail, bool whole,
    const struct outbox *outbox, const struct audit_head *head)
{
	struct audit_tail found = {.state = AUDIT_TAIL_GAP, .foreign = false};
	struct audit_head previous = {.sequence = 0}, claims;
	struct bytes rest = tail, line;
	bool chained = whole; /* previous is what stands before the line */
	bool spoilt = false;

	if (head->sequence == 0 || (outbox->count == head->sequence && whole))
		found.state = AUDIT_TAIL_JOINS; /* from an empty file on */
	if (!whole)
		audit_line_next(&rest, &line); /* perhaps not all of it */
	while (audit_line_next(&rest, &line)) {
		size_t end = (size_t)(rest.data - tail.data);
		bool parsed = audit_line_parse(line, &claims);
		unsigned at = find_line(outbox, line);

		if (parsed && chained && claims.sequence > head->sequence &&
		    audit_line_is_sealed(ring, line, previous.mac)) {
			found.state = AUDIT_TAIL_AHEAD;
			found.sequence = claims.sequence;
			return found;
		}
		/* A power cut may have left this one out and the next one in:
		 * from here on they are written again. */
		if (!parsed && found.state == AUDIT_TAIL_JOINS)
			spoilt = true;
		/* Other lines that should not be here stay, for verification
		 * to find: no crash has put them there. */
		if (!spoilt)
			found.keep = end;
		if (!spoilt && at < outbox->count) {
			found.state = AUDIT_TAIL_JOINS;
			if (found.from <= at)
				found.from = at + 1;
		} else if (found.state == AUDIT_TAIL_GAP && parsed &&
		    precedes_outbox(ring, outbox, &claims)) {
			found.state = AUDIT_TAIL_JOINS;
		}
		chained = parsed;
		previous = claims;
	}
	rest.data = tail.data + found.keep;
	rest.len = tail.len - found.keep;
	found.foreign = !is_begun(outbox, found.from, rest);
	return found;
}
