/* SPDX-License-Identifier: BSD-2-Clause */
#include "arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	max_align_t data[];
};

enum { BLOCK_BYTES = 65536, SPARE_MAX = 16 };

static struct arena_block *
new_block(struct arena *arena, size_t len)
{
	struct arena_block *block = arena->spare;
	size_t size = len > BLOCK_BYTES ? len : BLOCK_BYTES;

	if (block != NULL && size == BLOCK_BYTES) {
		arena->spare = block->next;
		arena->spare_count--;
	} else {
		block = malloc(sizeof *block + size);
		if (block == NULL)
			return NULL;
		block->size = size;
	}
	block->used = 0;
	block->next = arena->blocks;
	arena->blocks = block;
	arena->total += sizeof *block + size;
	return block;
}

void *
arena_alloc(struct arena *arena, size_t len)
{
	struct arena_block *block = arena->blocks;
	size_t rounded =
	    (len + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
	uint8_t *out;

	if (block == NULL || rounded > block->size - block->used) {
		block = new_block(arena, rounded);
		if (block == NULL)
			return NULL;
	}
	out = (uint8_t *)block->data + block->used;
	block->used += rounded;
	return memset(out, 0, rounded);
}

void
arena_clear(struct arena *arena)
{
	struct arena_block *block, *next;

	for (block = arena->blocks; block != NULL; block = next) {
		next = block->next;
		if (block->size != BLOCK_BYTES ||
		    arena->spare_count == SPARE_MAX) {
			free(block);
			continue;
		}
		block->next = arena->spare;
		arena->spare = block;
		arena->spare_count++;
	}
	arena->blocks = NULL;
	arena->total = 0;
}

void
arena_free(struct arena *arena)
{
	struct arena_block *block;

	arena_clear(arena);
	while ((block = arena->spare) != NULL) {
		arena->spare = block->next;
		free(block);
	}
	arena->spare_count = 0;
}
