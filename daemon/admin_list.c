/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists, a page at a time. */
#include <stdio.h>
#include <stdlib.h>

#include "admin_impl.h"

size_t
param_position(struct params *params)
{
	const char *after = param_text(params, "after");
	size_t position;
	char *end;

	if (after == NULL || after[0] == '\0')
		return 0;
	position = strtoul(after, &end, 10);
	if (*end != '\0' || after[0] < '0' || after[0] > '9')
		param_wrong(
		    params, "after", "expected what the last page called next");
	return position;
}

void
admin_list(struct admin *admin, struct call *call, const char *name,
    size_t position, next_view_fn *next, const void *filter)
{
	json_t *views = json_array(), *view, *after;
	char text[32];

	for (size_t looked_at = 0;
	     looked_at < PAGE_LOOKED_AT && json_array_size(views) < PAGE_MAX;
	     looked_at++) {
		view = NULL;
		if (!next(admin, call, filter, &position, &view)) {
			position = 0;
			break;
		}
		if (view != NULL)
			json_array_append_new(views, view);
	}
	snprintf(text, sizeof text, "%zu", position);
	after = position != 0 ? json_string(text) : json_null();
	admin_answer(call, json_pack("{s:o, s:o}", name, views, "next", after));
}

void
admin_list_all(
    void *context, struct call *call, const char *name, next_view_fn *next)
{
	struct params params = params_over(call_parameters(call));
	size_t position = param_position(&params);

	if (admin_params_ok(call, &params))
		admin_list(context, call, name, position, next, NULL);
}
