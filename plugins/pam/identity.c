/* SPDX-License-Identifier: BSD-2-Clause */
#include "identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/text.h"

static const char data_name[] = "pam_apikey.identity";

static void
cleanup(pam_handle_t *pamh, void *data, int error_status)
{
	(void)pamh;
	(void)error_status;
	free(data);
}

const struct identity *
identity_get(const pam_handle_t *pamh)
{
	const void *data = NULL;

	if (pam_get_data(pamh, data_name, &data) != PAM_SUCCESS)
		return NULL;
	return data;
}

int
identity_set(
    pam_handle_t *pamh, const struct apikey_result *key, const char *user)
{
	struct identity *identity = calloc(1, sizeof *identity);
	int code;

	if (identity == NULL)
		return PAM_BUF_ERR;
	identity->key = *key;
	code = user == NULL ||
		text_copy(identity->user, sizeof identity->user, user)
	    ? pam_set_data(pamh, data_name, identity, cleanup)
	    : PAM_BUF_ERR;
	if (code != PAM_SUCCESS)
		free(identity);
	return code;
}

int
identity_forget(pam_handle_t *pamh)
{
	/* libpam keeps the name with no data behind it. */
	return identity_get(pamh) == NULL
	    ? PAM_SUCCESS
	    : pam_set_data(pamh, data_name, NULL, NULL);
}

bool
identity_is_of(const struct identity *identity, const char *user)
{
	return identity->user[0] == '\0' ||
	    (user != NULL && strcmp(identity->user, user) == 0);
}

static int
put(pam_handle_t *pamh, const char *name, const char *value)
{
	char text[128]; /* the longest name and an account's slug: 80 */
	int len = snprintf(text, sizeof text, "%s=%s", name, value);

	if (len < 0 || (size_t)len >= sizeof text)
		return PAM_BUF_ERR;
	return pam_putenv(pamh, text);
}

int
identity_export(pam_handle_t *pamh, const struct identity *identity)
{
	int code = put(pamh, "APIKEY_ID", identity->key.id);

	if (code == PAM_SUCCESS)
		code = put(pamh, "APIKEY_ACCOUNT", identity->key.account);
	if (code == PAM_SUCCESS)
		code = put(pamh, "APIKEY_PERMISSION",
		    apikey_permission_text(identity->key.permission));
	return code;
}

int
identity_unexport(pam_handle_t *pamh)
{
	static const char *const names[] = {
	    "APIKEY_ID", "APIKEY_ACCOUNT", "APIKEY_PERMISSION"};
	int code = PAM_SUCCESS;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (pam_getenv(pamh, names[i]) != NULL &&
		    pam_putenv(pamh, names[i]) != PAM_SUCCESS)
			code = PAM_BUF_ERR;
	return code;
}
