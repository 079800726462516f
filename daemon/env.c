/* SPDX-License-Identifier: BSD-2-Clause */
#include "env.h"

#include <errno.h>
#include <stdlib.h>

bool
env_number(const char *name, unsigned long long *value)
{
	const char *text = getenv(name);
	unsigned long long number;
	char *end;

	*value = 0;
	/* strtoull(3) alone would take a sign and white space. */
	if (text == NULL || text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno != 0 || *end != '\0')
		return false;
	*value = number;
	return true;
}
