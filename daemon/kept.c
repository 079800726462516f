/* SPDX-License-Identifier: BSD-2-Clause */
#include "kept.h"

#include <stdlib.h>
#include <string.h>

void
kept_clear(struct kept *kept)
{
	if (kept->data == NULL)
		return;
	explicit_bzero(kept->data, kept->size);
	free(kept->data);
	*kept = (struct kept){0};
}

/* No realloc(3): it would leave an unwiped copy behind. */
bool
kept_append(struct kept *kept, const void *data, size_t len)
{
	size_t need = kept->len + len, size;
	struct kept larger;

	if (len == 0)
		return true;
	if (kept->start + need > kept->size) {
		/* The first is cut to size, for most leftovers never grow. */
		size = kept->size == 0 ? need : need + need / 2;
		larger = (struct kept){malloc(size), 0, kept->len, size};
		if (larger.data == NULL)
			return false;
		if (kept->len > 0)
			memcpy(
			    larger.data, kept->data + kept->start, kept->len);
		kept_clear(kept);
		*kept = larger;
	}
	memcpy(kept->data + kept->start + kept->len, data, len);
	kept->len = need;
	return true;
}

void
kept_take(struct kept *kept, size_t len)
{
	kept->start += len;
	kept->len -= len;
	if (kept->len == 0)
		kept_clear(kept);
}
