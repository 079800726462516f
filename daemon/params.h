/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a call's parameters, strictly: a wrong type or an unknown name is
 * an error, and the first error wins. A method reads what it takes and then
 * asks params_ok() once.
 */
#ifndef DAEMON_PARAMS_H
#define DAEMON_PARAMS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/cursor.h"

enum { PARAMS_MAX = 40 };

struct params {
	json_t *object;
	const char *taken[PARAMS_MAX]; /* names that were asked for */
	unsigned taken_count;
	const char *field; /* the first that is wrong; NULL: none so far */
	const char *expected;
	bool unknown; /* field is no parameter of this method */
};

struct params params_over(json_t *object);

/* Whether name is there at all, even as null. */
bool param_given(struct params *params, const char *name);

/*
 * The value, or NULL, 0 or false where it is absent or null. Texts are the
 * JSON's: valid UTF-8 without NUL bytes inside, living as long as the call.
 */
const char *param_text(struct params *params, const char *name);
int64_t param_integer(struct params *params, const char *name);
bool param_bool(struct params *params, const char *name);
json_t *param_array(struct params *params, const char *name);
json_t *param_object(struct params *params, const char *name);

/* The same of what has to be there; "" where it is not, which is recorded. */
const char *param_required_text(struct params *params, const char *name);

/* Records that field is not what it should be, unless something was wrong
 * already. Both texts have to last as long as params. */
void
param_wrong(struct params *params, const char *field, const char *expected);

/* True where nothing was wrong and no name is left that was not asked for. */
bool params_ok(struct params *params);

#endif
