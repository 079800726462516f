/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mapped file that ends under us, because somebody cut it off, or whose disk
 * fails: a load or store there raises SIGBUS, which would end the process. In
 * the guarded mapping it does not: all of it becomes zeros in memory, it counts
 * as lost, and the load or store is done again. Everywhere else SIGBUS is what
 * it was.
 */
#ifndef DAEMON_MAPPING_H
#define DAEMON_MAPPING_H

#include <stdbool.h>
#include <stddef.h>

/*
 * One mapping at a time, the last one named, which is not lost then. Threads
 * that touch it begin afterwards, and must not block SIGBUS: the kernel ends a
 * process that does. False with errno.
 */
bool mapping_guard(void *start, size_t bytes);
bool mapping_is_lost(const void *start);
/*
 * How often it was lost so far: asked before another file is mapped in its
 * place, and given back once it is. Then it is not lost any more, unless that
 * file was meanwhile. Other threads may touch it all the time.
 */
unsigned mapping_losses(void);
void mapping_replaced(unsigned losses);
/* Before it is unmapped; another one's guard stays. */
void mapping_unguard(const void *start);

#endif
