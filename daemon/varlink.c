/* SPDX-License-Identifier: BSD-2-Clause */
#include "varlink.h"

#include <stdlib.h>
#include <string.h>

#include "json_memory.h"
#include "secret.h"

/* Far above what any call takes; a longer beginning would be copied and looked
 * through at each byte of a peer that sends them one by one. */
enum { MESSAGE_MAX = 1 << 16 };
_Static_assert((int)MESSAGE_MAX < (int)JSON_TEXT_MAX, "a message is read");

struct session {
	struct varlink_service *service;
	struct conn *conn;
	struct peer peer;
	struct call *pending; /* the call being worked on */
	bool receiving;       /* in received(): no conn_resume() wanted */
	bool aborted;         /* left without an answer: no further calls */
	void *memory;         /* a service's, see call_remember() */
	void (*gone)(void *memory);
};

struct call {
	const struct varlink_service *service;
	struct session *session; /* NULL: the caller has gone */
	const char *method;      /* of the service, without its interface;
				    borrowed from message; else NULL */
	json_t *message;
	json_t *parameters; /* borrowed from message, or an empty object */
	struct peer peer;
	bool oneway;
	bool more;
	bool confirmed;
};

void
varlink_init(void)
{
	json_memory_init();
}

const struct peer *
call_peer(const struct call *call)
{
	return &call->peer;
}

json_t *
call_parameters(const struct call *call)
{
	return call->parameters;
}

const char *
call_method(const struct call *call)
{
	return call->method;
}

bool
call_remember(struct call *call, void *memory, void (*gone)(void *memory))
{
	if (call->session == NULL)
		return false;
	call->session->memory = memory;
	call->session->gone = gone;
	return true;
}

void *
call_remembered(const struct call *call)
{
	return call->session != NULL ? call->session->memory : NULL;
}

void
call_confirm(struct call *call)
{
	call->confirmed = true;
}

bool
call_is_confirmed(const struct call *call)
{
	return call->confirmed;
}

static void
call_free(struct call *call)
{
	json_decref(call->parameters);
	json_decref(call->message);
	free(call);
}

/* There is no memory to answer: closes, so that no later answer is taken for
 * the one that is missing. */
static void
abandon(struct session *session)
{
	session->aborted = true;
	conn_finish(session->conn);
}

static void
send_envelope(struct session *session, const json_t *envelope)
{
	size_t len;
	char *text;

	json_memory_failed(); /* what did before was looked at */
	text = json_text(envelope, JSON_COMPACT, &len);
	if (text == NULL) {
		abandon(session);
		return;
	}
	conn_send(session->conn, text, len + 1);
	secret_wipe(text, len);
	free(text);
}

/* Sends a reply's envelope and ends the call. */
static void
finish(struct call *call, json_t *envelope)
{
	struct session *session = call->session;
	bool oneway = call->oneway;

	call_free(call);
	if (session != NULL) {
		session->pending = NULL;
		if (!oneway)
			send_envelope(session, envelope);
		if (!session->receiving)
			conn_resume(session->conn);
	}
	json_decref(envelope);
}

static void
tell_answer(const struct call *call, const char *error)
{
	const struct varlink_service *service = call->service;

	if (service->answered != NULL)
		service->answered(service->context, call, error);
}

void
call_reply(struct call *call, json_t *parameters)
{
	if (json_memory_failed()) {
		json_decref(parameters);
		call_abort(call);
		return;
	}
	tell_answer(call, NULL);
	finish(call,
	    json_pack("{s:o}", "parameters",
		parameters != NULL ? parameters : json_object()));
}

bool
call_wants_more(const struct call *call)
{
	return call->more;
}

bool
call_is_gone(const struct call *call)
{
	return call->session == NULL;
}

bool
call_continue(struct call *call, json_t *parameters)
{
	bool whole = !json_memory_failed();
	json_t *envelope =
	    json_pack("{s:o, s:b}", "parameters", parameters, "continues", 1);

	if (call->session != NULL && whole)
		send_envelope(call->session, envelope);
	else if (call->session != NULL)
		abandon(call->session);
	json_decref(envelope);
	return call->session == NULL || !conn_is_clogged(call->session->conn);
}

void
call_abort(struct call *call)
{
	struct session *session = call->session;

	call_free(call);
	if (session != NULL) {
		session->pending = NULL;
		abandon(session);
	}
}

static void
answer_error(struct call *call, const char *interface, const char *error,
    json_t *parameters)
{
	tell_answer(call, error);
	finish(call,
	    json_pack("{s:s++, s:o}", "error", interface, ".", error,
		"parameters", parameters != NULL ? parameters : json_object()));
}

void
call_error(struct call *call, const char *error, json_t *parameters)
{
	answer_error(call, call->service->interface, error, parameters);
}

static const char standard[] = "org.varlink.service";

void
call_invalid_parameter(struct call *call, const char *parameter)
{
	answer_error(call, standard, "InvalidParameter",
	    json_pack("{s:s}", "parameter", parameter));
}

void
call_expected_more(struct call *call)
{
	answer_error(call, standard, "ExpectedMore", NULL);
}

/* org.varlink.service */

static const char standard_description[] =
    "# What every Varlink service offers.\n"
    "interface org.varlink.service\n"
    "\n"
    "method GetInfo() -> (\n"
    "  vendor: string,\n"
    "  product: string,\n"
    "  version: string,\n"
    "  url: string,\n"
    "  interfaces: []string\n"
    ")\n"
    "\n"
    "method GetInterfaceDescription(interface: string) -> "
    "(description: string)\n"
    "\n"
    "error InterfaceNotFound (interface: string)\n"
    "error MethodNotFound (method: string)\n"
    "error MethodNotImplemented (method: string)\n"
    "error InvalidParameter (parameter: string)\n"
    "error PermissionDenied ()\n"
    "error ExpectedMore ()\n";

static void
get_info(struct varlink_service *service, struct call *call)
{
	call_reply(call,
	    json_pack("{s:s, s:s, s:s, s:s, s:[s, s]}", "vendor",
		service->vendor, "product", service->product, "version",
		service->version, "url", service->url, "interfaces", standard,
		service->interface));
}

static void
get_description(struct varlink_service *service, struct call *call)
{
	const char *name =
	    json_string_value(json_object_get(call->parameters, "interface"));
	const char *description = NULL;

	if (name == NULL) {
		call_invalid_parameter(call, "interface");
		return;
	}
	if (strcmp(name, service->interface) == 0)
		description = service->description;
	else if (strcmp(name, standard) == 0)
		description = standard_description;
	if (description == NULL)
		answer_error(call, standard, "InterfaceNotFound",
		    json_pack("{s:s}", "interface", name));
	else
		call_reply(
		    call, json_pack("{s:s}", "description", description));
}

/* The method's name behind "INTERFACE.", or NULL. */
static const char *
method_of(const char *method, const char *interface)
{
	size_t len = strlen(interface);

	if (strncmp(method, interface, len) != 0 || method[len] != '.')
		return NULL;
	return method + len + 1;
}

/* Clients tell a service that is none of what they look for from one that is
 * older than they are. */
static void
answer_unknown(const struct varlink_service *service, struct call *call,
    const char *method)
{
	const char *dot = strrchr(method, '.');

	if (dot == NULL || method_of(method, standard) != NULL ||
	    method_of(method, service->interface) != NULL)
		answer_error(call, standard, "MethodNotFound",
		    json_pack("{s:s}", "method", method));
	else
		answer_error(call, standard, "InterfaceNotFound",
		    json_pack(
			"{s:s%}", "interface", method, (size_t)(dot - method)));
}

static void
dispatch(struct session *session, struct call *call, const char *method)
{
	struct varlink_service *service = session->service;
	const char *name = method_of(method, standard);

	if (name != NULL && strcmp(name, "GetInfo") == 0) {
		get_info(service, call);
		return;
	}
	if (name != NULL && strcmp(name, "GetInterfaceDescription") == 0) {
		get_description(service, call);
		return;
	}
	name = method_of(method, service->interface);
	call->method = name;
	if (name == NULL || !service->dispatch(service->context, call, name))
		answer_unknown(service, call, method);
}

/*
 * A call out of one message. NULL where it is none: Varlink has no error for
 * that, the connection is closed.
 */
static struct call *
call_from(struct session *session, struct bytes message)
{
	struct call *call = calloc(1, sizeof *call);
	json_t *parameters;

	if (call == NULL)
		return NULL;
	call->service = session->service;
	call->session = session;
	call->peer = session->peer;
	json_memory_failed(); /* what did before is not this call's */
	call->message = json_read(message);
	parameters = json_object_get(call->message, "parameters");
	if (parameters == NULL || json_is_null(parameters))
		call->parameters = json_object();
	else
		call->parameters = json_incref(parameters);
	call->oneway = json_is_true(json_object_get(call->message, "oneway"));
	call->more = !call->oneway &&
	    json_is_true(json_object_get(call->message, "more"));
	if (json_is_string(json_object_get(call->message, "method")) &&
	    json_is_object(call->parameters))
		return call;
	call_free(call);
	return NULL;
}

static void *
admin_opened(void *context, struct conn *conn, const struct peer *peer)
{
	struct session *session = calloc(1, sizeof *session);

	if (session == NULL)
		return NULL;
	session->service = context;
	session->conn = conn;
	session->peer = *peer;
	return session;
}

/* One message a call: replies go by conn_send(), so a peer that does not read
 * them is not to have the next call answered before they are gone. */
static enum plane_status
admin_received(void *context, void *opaque, struct bytes in, size_t *used,
    struct writer *out)
{
	struct session *session = opaque;
	struct bytes message = {.data = in.data};
	const uint8_t *end;
	struct call *call;

	(void)context;
	(void)out; /* replies may be long, so they go by conn_send() */
	*used = 0;
	if (session == NULL)
		return PLANE_CLOSE; /* no memory for a session */
	end = memchr(in.data, 0, in.len);
	if (end == NULL)
		return PLANE_MORE;
	message.len = (size_t)(end - in.data);
	*used = message.len + 1;
	call = call_from(session, message);
	if (call == NULL)
		return PLANE_CLOSE;
	session->pending = call;
	session->receiving = true;
	dispatch(session, call,
	    json_string_value(json_object_get(call->message, "method")));
	session->receiving = false;
	if (session->aborted)
		return PLANE_CLOSE;
	if (session->pending != NULL)
		return PLANE_WAIT;
	return *used < in.len ? PLANE_FULL : PLANE_MORE;
}

static void
admin_sent(void *context, void *opaque)
{
	struct session *session = opaque;

	(void)context;
	if (session != NULL && session->pending != NULL &&
	    session->service->sent != NULL)
		session->service->sent(
		    session->service->context, session->pending);
}

static void
admin_closed(void *context, void *opaque)
{
	struct session *session = opaque;

	(void)context;
	if (session == NULL)
		return;
	/* What the call began goes on; only nobody hears how it ended. */
	if (session->pending != NULL)
		session->pending->session = NULL;
	if (session->memory != NULL)
		session->gone(session->memory);
	free(session);
}

const struct plane admin_plane = {
    .name = "admin",
    .unfinished_max = MESSAGE_MAX,
    /* Any local user may send messages, which take long to read. */
    .takes_turns = true,
    .limits =
	{
	    .connections = 256,
	    .connections_per_uid = 32,
	    .connections_privileged = 64,
	},
    .opened = admin_opened,
    .received = admin_received,
    .sent = admin_sent,
    .closed = admin_closed,
};
