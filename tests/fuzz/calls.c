/* SPDX-License-Identifier: BSD-2-Clause */
#include "calls.h"

enum { RESULTS_MAX = 7 };

struct world world;
struct conn conns[CALLS_PEERS];

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static char replies[CALLS_PEERS][WORLD_REPLIES_MAX];

	(void)argc;
	(void)argv;
	world_init();
	for (size_t i = 0; i < CALLS_PEERS; i++)
		conns[i].replies = replies[i];
	return 0;
}

size_t
calls_begin(const uint8_t *data, size_t size)
{
	size_t count;

	world_make(&world);
	if (size == 0)
		return 0;
	count = data[0] % (RESULTS_MAX + 1);
	if (count > size - 1)
		count = size - 1;
	world.results = data + 1;
	world.results_left = count;
	return 1 + count;
}
