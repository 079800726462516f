/* SPDX-License-Identifier: BSD-2-Clause */
#include "admin_impl.h"

void
admin_list(struct admin *admin, struct call *call, const char *name,
    size_t position, next_view_fn *next, const void *filter)
{
	json_t *views = json_array(), *view;

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
	admin_reply_page(call, name, views, position);
}
