/* SPDX-License-Identifier: BSD-2-Clause */
#include "json_memory.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "secret.h"

/*
 * jansson (2.14) does not see that it has no memory for a text which it
 * collects: it goes on, and writes past the end of what it has. So no
 * allocation may fail while it reads. What it takes for the longest text is put
 * by beforehand, and given up when malloc() says no; without it nothing is
 * read. It is never touched, so it takes no room but in the address space.
 *
 * The most is taken by a list of empty objects: 90 bytes for each byte of text;
 * so it is enough for a message and a line of the audit log at the same time.
 */
enum { RESERVE = 128 * JSON_TEXT_MAX };

static _Atomic(void *) reserve;

/* Each thread's: what one lacks is not missing in another's values. */
static _Thread_local bool reading;
static _Thread_local bool failed;

/* The size stands before the memory. */
union header {
	size_t size;
	max_align_t align;
};

static void *
allocate(size_t size)
{
	void *block = malloc(size);

	if (block == NULL && reading) {
		free(atomic_exchange(&reserve, NULL));
		block = malloc(size);
	}
	return block;
}

static void *
wiping_malloc(size_t size)
{
	union header *block;

	if (size > SIZE_MAX - sizeof *block)
		return NULL;
	block = allocate(sizeof *block + size);
	if (block == NULL) {
		failed = true;
		return NULL;
	}
	block->size = size;
	return block + 1;
}

static void
wiping_free(void *memory)
{
	union header *block = memory;

	if (block == NULL)
		return;
	block--;
	secret_wipe(block + 1, block->size);
	free(block);
}

bool
json_memory_failed(void)
{
	bool did = failed;

	failed = false;
	return did;
}

static bool
put_by(void)
{
	void *none = NULL, *more;

	if (atomic_load(&reserve) != NULL)
		return true;
	more = malloc(RESERVE);
	/* Another thread may have been first. */
	if (more != NULL &&
	    !atomic_compare_exchange_strong(&reserve, &none, more))
		free(more);
	return more != NULL;
}

void
json_memory_init(void)
{
	json_set_alloc_funcs(wiping_malloc, wiping_free);
	put_by();
}

/* Writing a text takes many times what its memory does: so not once to measure
 * it, and once more to have it. */
char *
json_text(const json_t *value, size_t flags, size_t *len)
{
	enum { MOST_ARE_SHORTER = 2048 };
	size_t room = MOST_ARE_SHORTER, had;
	char *text;

	do {
		had = room;
		text = malloc(had);
		*len = text != NULL ? json_dumpb(value, text, had, flags) : 0;
		room = *len + 1;
		if (*len > 0 && room <= had) {
			text[*len] = '\0';
			return text;
		}
		if (text != NULL)
			secret_wipe(text, had);
		free(text);
	} while (*len > 0);
	failed = false; /* NULL tells */
	return NULL;
}

json_t *
json_read(struct bytes text)
{
	json_t *value;

	if (text.len > JSON_TEXT_MAX)
		return NULL;
	if (!put_by()) {
		failed = true;
		return NULL;
	}
	reading = true;
	value = json_loadb(
	    (const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
	reading = false;
	return value;
}
