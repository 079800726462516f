/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that is freed all at once. Zeroed at first. */
#ifndef DAEMON_ARENA_H
#define DAEMON_ARENA_H

#include <stddef.h>

struct arena {
	struct arena_block *blocks, *spare;
	size_t total; /* bytes of blocks */
	unsigned spare_count;
};
void *arena_alloc(struct arena *arena, size_t len); /* zeroed; NULL: none */
void arena_free(struct arena *arena);
/* The same, but some of it is kept for what is allocated next. */
void arena_clear(struct arena *arena);

#endif
