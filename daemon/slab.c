/* SPDX-License-Identifier: BSD-2-Clause */
#include "slab.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* A sanitizer sees who goes beyond a cell, or on using it, if each is an
 * allocation of its own. */
#if defined(__SANITIZE_ADDRESS__)
#define CELL_MAX 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CELL_MAX 0
#endif
#endif
#ifndef CELL_MAX
#define CELL_MAX SLAB_CELL_MAX
#endif

/* A few keys shall not cost megabytes: the first chunks are small, each next
 * one a part of all before, until they are worth huge pages. */
enum {
	HUGE_PAGE = 2 << 20,
	CHUNK_MIN = 64 << 10,
	CHUNK_MAX = 32 << 20,
	CHUNK_PART = 8,
};

struct unused_cell {
	struct unused_cell *next;
};

static size_t
round_up(size_t len, size_t step)
{
	return (len + step - 1) / step * step;
}

static size_t
next_chunk_len(const struct slab *slab)
{
	size_t len = slab->bytes / CHUNK_PART;

	if (len > CHUNK_MAX)
		len = CHUNK_MAX;
	/* As soon as a huge page is not more than there is already. */
	if (slab->bytes >= HUGE_PAGE && len < HUGE_PAGE)
		return HUGE_PAGE;
	return round_up(len + 1, len < HUGE_PAGE ? CHUNK_MIN : HUGE_PAGE);
}

static void
use_huge_pages(void *memory, size_t len)
{
	uintptr_t begin = round_up((uintptr_t)memory, HUGE_PAGE);
	uintptr_t end = ((uintptr_t)memory + len) / HUGE_PAGE * HUGE_PAGE;

	if (begin < end)
		madvise((uint8_t *)memory + (begin - (uintptr_t)memory),
		    end - begin, MADV_HUGEPAGE); /* or it stays as it is */
}

/* Anonymous memory, where it could be at the beginning of a huge page. */
void *
slab_map(size_t len)
{
	size_t spare = len < HUGE_PAGE ? 0 : HUGE_PAGE, before;
	uint8_t *memory = mmap(NULL, len + spare, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	if (spare > 0) {
		before =
		    round_up((uintptr_t)memory, HUGE_PAGE) - (uintptr_t)memory;
		if (before > 0)
			munmap(memory, before);
		memory += before;
		if (spare > before)
			munmap(memory + len, spare - before);
		use_huge_pages(memory, len);
	}
	/* What lies here is for no core. */
	madvise(memory, len, MADV_DONTDUMP);
	/* cppcheck-suppress deallocret ; only what lies around it is gone */
	return memory;
}

void
slab_unmap(void *memory, size_t len)
{
	if (memory != NULL)
		munmap(memory, len);
}

static bool
add_chunk(struct slab *slab)
{
	size_t len = next_chunk_len(slab);
	void *chunk = slab_map(len);

	if (chunk == NULL && len > CHUNK_MIN) { /* memory is short */
		len = CHUNK_MIN;
		chunk = slab_map(len);
	}
	if (chunk == NULL)
		return false;
	slab->bytes += len;
	slab->next = chunk;
	slab->left = len;
	return true;
}

void *
slab_alloc(struct slab *slab, size_t len)
{
	size_t size = round_up(len > 0 ? len : 1, SLAB_STEP);
	struct unused_cell *unused;
	void *cell;

	if (size > CELL_MAX)
		return calloc(1, size);
	unused = slab->unused[size / SLAB_STEP];
	if (unused != NULL) {
		slab->unused[size / SLAB_STEP] = unused->next;
		return memset(unused, 0, size);
	}
	if (slab->left < size && !add_chunk(slab))
		return NULL;
	cell = slab->next; /* as the system gave it: zeros */
	slab->next += size;
	slab->left -= size;
	return cell;
}

void
slab_free(struct slab *slab, void *cell, size_t len)
{
	size_t size = round_up(len > 0 ? len : 1, SLAB_STEP);
	struct unused_cell *unused = cell;

	if (size > CELL_MAX) {
		free(cell);
	} else if (cell != NULL) {
		unused->next = slab->unused[size / SLAB_STEP];
		slab->unused[size / SLAB_STEP] = unused;
	}
}
