/* SPDX-License-Identifier: BSD-2-Clause */
#include "params.h"

#include <string.h>

struct params
params_over(json_t *object)
{
	return (struct params){.object = object};
}

void
param_wrong(struct params *params, const char *field, const char *expected)
{
	if (params->field != NULL)
		return;
	params->field = field;
	params->expected = expected;
}

/* The value under name, NULL for absent and null; remembers the name. */
static json_t *
take(struct params *params, const char *name)
{
	json_t *value = json_object_get(params->object, name);

	if (params->taken_count < PARAMS_MAX)
		params->taken[params->taken_count++] = name;
	return json_is_null(value) ? NULL : value;
}

bool
param_given(struct params *params, const char *name)
{
	return json_object_get(params->object, name) != NULL;
}

const char *
param_text(struct params *params, const char *name)
{
	json_t *value = take(params, name);

	if (value != NULL && !json_is_string(value))
		param_wrong(params, name, "expected a string");
	return json_string_value(value);
}

const char *
param_required_text(struct params *params, const char *name)
{
	const char *text = param_text(params, name);

	if (text != NULL)
		return text;
	param_wrong(params, name, "is required");
	return "";
}

int64_t
param_integer(struct params *params, const char *name)
{
	json_t *value = take(params, name);

	if (value != NULL && !json_is_integer(value))
		param_wrong(params, name, "expected a whole number");
	return json_integer_value(value);
}

bool
param_bool(struct params *params, const char *name)
{
	json_t *value = take(params, name);

	if (value != NULL && !json_is_boolean(value))
		param_wrong(params, name, "expected true or false");
	return json_is_true(value);
}

json_t *
param_array(struct params *params, const char *name)
{
	json_t *value = take(params, name);

	if (value != NULL && !json_is_array(value)) {
		param_wrong(params, name, "expected a list");
		return NULL;
	}
	return value;
}

json_t *
param_object(struct params *params, const char *name)
{
	json_t *value = take(params, name);

	if (value != NULL && !json_is_object(value)) {
		param_wrong(params, name, "expected an object");
		return NULL;
	}
	return value;
}

static bool
was_taken(const struct params *params, const char *name)
{
	for (unsigned i = 0; i < params->taken_count; i++)
		if (strcmp(params->taken[i], name) == 0)
			return true;
	return false;
}

bool
params_ok(struct params *params)
{
	const char *name;
	json_t *value;

	json_object_foreach (params->object, name, value)
		if (params->field == NULL && !was_taken(params, name)) {
			params->unknown = true;
			param_wrong(params, name, "is not a parameter");
		}
	return params->field == NULL;
}
