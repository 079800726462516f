/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files that make seeds share; see seeds.c. */
#ifndef TESTS_FUZZ_SEEDS_H
#define TESTS_FUZZ_SEEDS_H

#include "world.h"

enum { SEED_MAX = 1 << 17 };

extern struct world seed_world; /* whose tokens they hold */
extern uint8_t seed[SEED_MAX];  /* room for one */

/* As DIRECTORY/TARGET/seed-NAME. */
void
seed_save(const char *target, const char *name, const void *data, size_t len);
void seed_save_number(
    const char *target, size_t number, const void *data, size_t len);

/* Its accounts, products and keys as records; see given.h. */
void seed_write_keys(struct writer *w);

void seeds_of_admin(void);
void seeds_of_store(void);
void seeds_of_usage(void);

#endif
