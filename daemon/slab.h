/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for very many small things that are looked at in no order: cells cut
 * off large chunks one behind the other, without a header each. What is given
 * out one after the other so lies together, and the chunks are of huge pages
 * where the system has them: fewer misses of cache and TLB.
 *
 * Cells that are given back are used again for others of their size; the chunks
 * stay for as long as the process.
 */
#ifndef DAEMON_SLAB_H
#define DAEMON_SLAB_H

#include <stddef.h>
#include <stdint.h>

enum {
	SLAB_STEP = 8, /* cells are multiples of it, and so are their places */
	SLAB_CELL_MAX = 512, /* what is larger is malloc()'s */
};

struct slab {
	uint8_t *next; /* in the chunk that cells are cut off of */
	size_t left;
	void *unused[SLAB_CELL_MAX / SLAB_STEP + 1]; /* lists, by size */
	size_t bytes;                                /* of all chunks */
};

/* Zeroed. NULL: there is no memory. Starts from a slab of zeros. */
void *slab_alloc(struct slab *slab, size_t len);
/* With the length that it was asked for; NULL is fine. */
void slab_free(struct slab *slab, void *cell, size_t len);

/*
 * Zeroed memory of its own, not in core dumps; where that is worth it, huge
 * pages at a huge page's beginning. NULL: there is no memory. Given back with
 * the length that it was asked for; NULL is fine.
 */
void *slab_map(size_t len);
void slab_unmap(void *memory, size_t len);

#endif
