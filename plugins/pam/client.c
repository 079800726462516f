/* SPDX-License-Identifier: BSD-2-Clause */
#include "client.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "plugins/client/guard.h"
#include "proto/text.h"

static const char data_name[] = "pam_apikey.connection";

struct kept {
	struct apikey_client *client; /* NULL: taken */
	char socket[sizeof((struct sockaddr_un *)0)->sun_path];
};

static struct kept *
kept_of(const pam_handle_t *pamh)
{
	const void *data = NULL;

	if (pam_get_data(pamh, data_name, &data) != PAM_SUCCESS)
		return NULL;
	return (struct kept *)(uintptr_t)data; /* ours, and not constant */
}

static void
drop(struct kept *kept)
{
	if (kept->client == NULL)
		return;
	client_guard(kept->client);
	apikey_client_close(kept->client);
	kept->client = NULL;
}

static void
cleanup(pam_handle_t *pamh, void *data, int error_status)
{
	(void)pamh;
	(void)error_status;
	drop(data);
	free(data);
}

static const char *
path_of(const char *socket)
{
	return socket != NULL ? socket : APIKEY_DEFAULT_SOCKET;
}

enum apikey_status
client_take(
    pam_handle_t *pamh, const char *socket, struct apikey_client **client)
{
	struct kept *kept = kept_of(pamh);

	if (kept == NULL || kept->client == NULL ||
	    strcmp(kept->socket, path_of(socket)) != 0)
		return apikey_client_open(client, socket);
	*client = kept->client;
	kept->client = NULL;
	client_guard(*client);
	return APIKEY_OK;
}

/* Where there was none, one for the life of the handle; NULL: no memory. */
static struct kept *
kept_make(pam_handle_t *pamh)
{
	struct kept *kept = kept_of(pamh);

	if (kept != NULL)
		return kept;
	kept = calloc(1, sizeof *kept);
	if (kept == NULL ||
	    pam_set_data(pamh, data_name, kept, cleanup) == PAM_SUCCESS)
		return kept;
	free(kept);
	return NULL;
}

void
client_keep(
    pam_handle_t *pamh, const char *socket, struct apikey_client *client)
{
	struct kept *kept = kept_make(pamh);

	if (kept == NULL) {
		apikey_client_close(client);
		return;
	}
	drop(kept);
	if (text_copy(kept->socket, sizeof kept->socket, path_of(socket)))
		kept->client = client;
	else
		apikey_client_close(client);
}

void
client_drop(const pam_handle_t *pamh)
{
	struct kept *kept = kept_of(pamh);

	if (kept != NULL)
		drop(kept);
}
