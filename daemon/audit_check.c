/* SPDX-License-Identifier: BSD-2-Clause */
#include "audit_check.h"

const char *
audit_fault_text(enum audit_fault fault)
{
	switch (fault) {
	case AUDIT_SOUND:
		return "sound";
	case AUDIT_BROKEN:
		return "broken";
	case AUDIT_MISSING:
		return "missing";
	case AUDIT_REORDERED:
		return "reordered";
	case AUDIT_TRUNCATED:
		return "truncated";
	}
	return "unknown";
}

static void
find_fault(struct audit_check *check, enum audit_fault fault, uint64_t line)
{
	check->fault = fault;
	check->line = line;
	check->sequence = check->last.sequence + 1;
}

void
audit_check_line(struct audit_check *check, struct bytes line)
{
	struct audit_head claims;
	bool parsed = audit_line_parse(line, &claims);

	check->lines++;
	if (check->fault == AUDIT_MISSING && parsed &&
	    claims.sequence == check->sequence)
		check->fault = AUDIT_REORDERED;
	if (check->fault != AUDIT_SOUND)
		return;
	if (!parsed)
		find_fault(check, AUDIT_BROKEN, check->lines);
	else if (claims.sequence > check->last.sequence + 1)
		find_fault(check, AUDIT_MISSING, check->lines);
	else if (claims.sequence <= check->last.sequence)
		find_fault(check, AUDIT_REORDERED, check->lines);
	else if (!audit_line_is_sealed(check->ring, line, check->last.mac))
		find_fault(check, AUDIT_BROKEN, check->lines);
	else
		check->last = claims;
}

void
audit_check_end(struct audit_check *check, uint64_t sequence, bool torn)
{
	if (check->fault != AUDIT_SOUND)
		return;
	if (torn)
		find_fault(check, AUDIT_BROKEN, check->lines + 1);
	else if (check->last.sequence < sequence)
		find_fault(check, AUDIT_TRUNCATED, check->lines + 1);
	else if (check->last.sequence > sequence)
		find_fault(check, AUDIT_REORDERED, check->lines);
}
