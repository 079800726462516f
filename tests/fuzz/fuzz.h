/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every fuzz target needs. A target is a program of one function, which
 * libFuzzer calls with inputs it makes up, or replay.c with those of the
 * corpus.
 *
 * A target uses all that it parsed: of a value that nobody looks at, the
 * optimiser removes the reading, and the bug with it.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/cursor.h"

/* The names are libFuzzer's. The first is called once, before any input. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What has to hold whatever the input is; both fuzzer and replay take an abort
 * for a finding. */
static inline void
fuzz_require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s\n", what);
	abort();
}

/* Reads every byte, so that a sanitizer sees what may not be read. */
static inline void
fuzz_use(const void *data, size_t len)
{
	const uint8_t *bytes = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = sum * 31 + bytes[i];
	__asm__ volatile("" : : "r"(sum));
}

static inline void
fuzz_use_bytes(struct bytes bytes)
{
	fuzz_use(bytes.data, bytes.len);
}

/* A copy that ends with a NUL; the caller frees it. */
static inline char *
fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	fuzz_require(text != NULL, "there is memory");
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

#endif
