/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for jansson. It is wiped when it is freed, since replies hold tokens;
 * and reading JSON gets by when memory is short.
 */
#ifndef DAEMON_JSON_MEMORY_H
#define DAEMON_JSON_MEMORY_H

#include <jansson.h>

#include "proto/cursor.h"

/* Longer texts are not read. */
enum { JSON_TEXT_MAX = 1 << 17 };

/* To be called before any other use of jansson. */
void json_memory_init(void);

/*
 * Whether an allocation of this thread's has failed since it last asked. Who
 * puts a value together does not look at each of its members: one for which
 * there was no memory is missing, and what was put together must not be used.
 */
bool json_memory_failed(void);

/*
 * A value's text, NUL-terminated, *len bytes without the NUL; flags are
 * json_dumpb()'s. The caller frees it with free(), and wipes it before where it
 * may hold a token. NULL where there is no memory; json_memory_failed() tells
 * nothing of that.
 */
char *json_text(const json_t *value, size_t flags, size_t *len);

/*
 * One value, duplicate names refused. NULL where text is none, or where there
 * is no memory: json_memory_failed() tells. On the loop's thread, and on that
 * which reads the audit log.
 */
json_t *json_read(struct bytes text);

#endif
