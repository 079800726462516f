/* SPDX-License-Identifier: BSD-2-Clause */
#include "connections.h"

#include <errno.h>

#include <http_log.h>
#include <ap_mpm.h>
#include <apr_hash.h>
#include <apr_reslist.h>
#include <apr_strings.h>

#include "settings.h"

APLOG_USE_MODULE(authnz_apikey);

enum {
	KEEP_IDLE = 1,  /* connections that are never closed for idleness */
	IDLE_MAX_S = 5, /* for those beyond; a new one costs little */
};

static apr_status_t
connection_open(void **connection, void *socket, apr_pool_t *pool)
{
	(void)pool;
	switch (
	    apikey_client_open((struct apikey_client **)connection, socket)) {
	case APIKEY_OK:
		return APR_SUCCESS;
	case APIKEY_NOMEM:
		return APR_ENOMEM;
	case APIKEY_ARGUMENT:
	case APIKEY_UNAVAILABLE:
	case APIKEY_TIMEOUT:
	case APIKEY_PROTOCOL:
	case APIKEY_IN_PROGRESS:
		break;
	}
	return APR_EINVAL;
}

static apr_status_t
connection_close(void *connection, void *socket, apr_pool_t *pool)
{
	(void)socket;
	(void)pool;
	apikey_client_close(connection);
	return APR_SUCCESS;
}

static apr_reslist_t *
list_open(apr_pool_t *pool, server_rec *server)
{
	const struct server_settings *settings = settings_of_server(server);
	const char *socket = settings_socket(settings);
	apr_reslist_t *list = NULL;
	int threads = 0;
	apr_status_t rc;

	ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
	if (threads < 1)
		threads = 1; /* prefork */
	rc = apr_reslist_create(&list, 0, KEEP_IDLE, threads,
	    apr_time_from_sec(IDLE_MAX_S), connection_open, connection_close,
	    (void *)socket, pool);
	if (rc != APR_SUCCESS) {
		ap_log_error(APLOG_MARK, APLOG_CRIT, rc, server,
		    "cannot prepare connections to apikeyd at %s", socket);
		return NULL;
	}
	/* HTTP/2 has threads of its own, so there may be a wait for one. */
	apr_reslist_timeout_set(
	    list, apr_time_from_msec(settings_timeout_ms(settings)));
	/* Closed before the pool's own memory goes, since a connection lives
	 * in the library's memory. */
	apr_reslist_cleanup_order_set(list, APR_RESLIST_CLEANUP_FIRST);
	return list;
}

void
connections_open(apr_pool_t *pool, server_rec *servers)
{
	apr_hash_t *lists = apr_hash_make(pool);

	for (server_rec *at = servers; at != NULL; at = at->next) {
		struct server_settings *server = settings_of_server(at);
		const char *key = apr_psprintf(pool, "%d %s",
		    settings_timeout_ms(server), settings_socket(server));
		apr_reslist_t *list =
		    apr_hash_get(lists, key, APR_HASH_KEY_STRING);

		if (list == NULL) {
			list = list_open(pool, at);
			apr_hash_set(lists, key, APR_HASH_KEY_STRING, list);
		}
		server->connections = list;
	}
}

/* A call of the library's on some connection. */
typedef enum apikey_status
ask_fn(struct apikey_client *client, void *context, int timeout_ms);

static enum apikey_status
ask(const request_rec *r, ask_fn *call, void *context, int *error)
{
	const struct server_settings *server = settings_of_server(r->server);
	int timeout_ms = settings_timeout_ms(server);
	apr_time_t begun = apr_time_now();
	enum apikey_status status;
	void *connection;

	*error = 0;
	if (server->connections == NULL)
		return APIKEY_UNAVAILABLE;
	if (apr_reslist_acquire(server->connections, &connection) !=
	    APR_SUCCESS)
		return APIKEY_TIMEOUT;
	timeout_ms -= (int)apr_time_as_msec(apr_time_now() - begun);
	status = call(connection, context, timeout_ms);
	if (status == APIKEY_UNAVAILABLE)
		*error = errno;
	if (status == APIKEY_OK || status == APIKEY_ARGUMENT)
		apr_reslist_release(server->connections, connection);
	else
		apr_reslist_invalidate(server->connections, connection);
	return status;
}

struct verification {
	const struct apikey_request *request;
	struct apikey_result *result;
};

static enum apikey_status
verify(struct apikey_client *client, void *context, int timeout_ms)
{
	const struct verification *v = context;

	return apikey_verify(client, v->request, v->result, timeout_ms);
}

enum apikey_status
connections_verify(const request_rec *r, const struct apikey_request *request,
    struct apikey_result *result, int *error)
{
	struct verification verification = {request, result};

	return ask(r, verify, &verification, error);
}

struct usage_question {
	const struct apikey_request *request;
	enum apikey_window window;
	struct apikey_usage *usage;
};

static enum apikey_status
ask_usage(struct apikey_client *client, void *context, int timeout_ms)
{
	const struct usage_question *q = context;

	return apikey_usage(
	    client, q->request, q->window, q->usage, timeout_ms);
}

enum apikey_status
connections_usage(const request_rec *r, const struct apikey_request *request,
    enum apikey_window window, struct apikey_usage *usage, int *error)
{
	struct usage_question question = {request, window, usage};

	return ask(r, ask_usage, &question, error);
}
