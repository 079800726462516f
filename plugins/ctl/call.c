/* SPDX-License-Identifier: BSD-2-Clause */
#include "call.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "output.h"
#include "pin.h"

enum { TIMEOUT_MS = 10000, OPERATION_ID_BYTES = 16 };

static const struct error_row {
	const char *name;
	enum ctl_exit code;
} errors[] = {
    {CALL_INTERFACE "NotFound", CTL_NOT_FOUND},
    {CALL_INTERFACE "NotPermitted", CTL_NOT_PERMITTED},
    {CALL_INTERFACE "PinRequired", CTL_NOT_PERMITTED},
    {CALL_INTERFACE "PinWrong", CTL_NOT_PERMITTED},
    {CALL_INTERFACE "PinLocked", CTL_NOT_PERMITTED},
    {CALL_INTERFACE "Conflict", CTL_CONFLICT},
    {CALL_INTERFACE "InvalidArgument", CTL_USAGE},
    {CALL_INTERFACE "StoreFailed", CTL_REFUSED},
    {"org.varlink.service.InvalidParameter", CTL_USAGE},
    {"org.varlink.service.PermissionDenied", CTL_NOT_PERMITTED},
};

enum ctl_exit
call_exit(const char *error)
{
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
		if (strcmp(errors[i].name, error) == 0)
			return errors[i].code;
	return CTL_REFUSED;
}

/*
 * The daemon speaks of parameters, a person of options: "expires_at: ..." is
 * about --expires. An option's field is its parameter's name or the beginning
 * of it.
 */
static const struct option_row *
option_of(const struct command *command, const char *parameter)
{
	const struct option_row *row = command->options;

	for (; row != NULL && row->name != NULL; row++)
		if (strncmp(row->field, parameter, strlen(row->field)) == 0)
			return row;
	return NULL;
}

static void
print_message(
    const struct command *command, const char *parameter, const char *message)
{
	size_t len = parameter != NULL ? strlen(parameter) : 0;
	const struct option_row *row = NULL;

	if (len > 0 && strncmp(message, parameter, len) == 0 &&
	    message[len] == ':')
		row = option_of(command, parameter);
	if (row != NULL) {
		fprintf(stderr, "--%s", row->name);
		message += len;
	}
	output_text(stderr, message);
}

/* What the daemon answered instead of a result. */
static enum ctl_exit
report_error(
    const struct command *command, const char *name, const json_t *parameters)
{
	const char *message =
	    json_string_value(json_object_get(parameters, "message"));

	fputs("apikeyctl: ", stderr);
	if (message != NULL) {
		print_message(command,
		    json_string_value(json_object_get(parameters, "field")),
		    message);
	} else {
		fputs("the daemon answered with the error ", stderr);
		output_text(stderr, name);
	}
	fputc('\n', stderr);
	return call_exit(name);
}

enum ctl_exit
report_unreachable(const char *path, int error, const char *denied)
{
	bool not_permitted = error == EACCES || error == EPERM;

	fprintf(stderr, "apikeyctl: cannot reach apikeyd at %s: %s%s%s\n", path,
	    error != 0 ? strerror(error) : "it closed the connection",
	    not_permitted ? ": " : "", not_permitted ? denied : "");
	return not_permitted ? CTL_NOT_PERMITTED : CTL_NO_DAEMON;
}

enum ctl_exit
report_silence(const struct varlink_client *client, enum varlink_status status,
    const json_t *parameters)
{
	enum ctl_exit code = CTL_NO_DAEMON;
	const char *operation_id =
	    json_string_value(json_object_get(parameters, "operation_id"));

	switch (status) {
	case VARLINK_UNAVAILABLE:
		code = report_unreachable(client->path, client->error,
		    "apikeyd lets everybody connect, so look at the "
		    "permissions of the socket and of the directories above "
		    "it");
		break;
	case VARLINK_TIMEOUT:
		fprintf(stderr,
		    "apikeyctl: no answer from apikeyd at %s in %d s\n",
		    client->path, TIMEOUT_MS / 1000);
		break;
	case VARLINK_NOMEM:
		fputs("apikeyctl: out of memory\n", stderr);
		return CTL_REFUSED;
	case VARLINK_PROTOCOL:
	case VARLINK_UNREAD:
	case VARLINK_OK:
		fprintf(stderr,
		    "apikeyctl: the answer at %s makes no sense; is that "
		    "apikeyd's admin socket?\n",
		    client->path);
		break;
	}
	if (client->sent && operation_id != NULL)
		fprintf(stderr,
		    "It is not known whether the change was made. Repeating "
		    "it with --operation-id %s is safe.\n",
		    operation_id);
	return code;
}

/* Whether the daemon wants a PIN that it has not been given yet. */
static bool
wants_pin(
    const struct command *command, const char *error, const json_t *parameters)
{
	return command->pin != NULL &&
	    strcmp(error, CALL_INTERFACE "PinRequired") == 0 &&
	    json_object_get(parameters, command->pin) == NULL;
}

enum ctl_exit
call_on(const struct invocation *inv, struct varlink_client *client,
    const char *method, json_t *parameters, json_t **result)
{
	const struct command *command = inv->command;
	char full_name[96];
	enum varlink_status status;
	json_t *reply;
	const char *error;

	*result = NULL;
	snprintf(full_name, sizeof full_name, CALL_INTERFACE "%s", method);
	status =
	    varlink_call(client, full_name, parameters, TIMEOUT_MS, &reply);
	if (status != VARLINK_OK)
		return report_silence(client, status, parameters);
	*result = json_object_get(reply, "parameters");
	*result = *result != NULL ? json_incref(*result) : json_object();
	error = json_string_value(json_object_get(reply, "error"));
	if (error != NULL) {
		bool again = wants_pin(command, error, parameters);
		enum ctl_exit code = again
		    ? pin_add(inv, parameters)
		    : report_error(command, error, *result);

		json_decref(*result);
		json_decref(reply);
		*result = NULL;
		if (again && code == CTL_DONE)
			return call_on(inv, client, method, parameters, result);
		return code;
	}
	json_decref(reply);
	return CTL_DONE;
}

enum ctl_exit
call_once(const struct invocation *inv, const char *method, json_t *parameters,
    json_t **result)
{
	struct varlink_client client;
	enum ctl_exit code;

	varlink_init(&client, inv->socket);
	code = call_on(inv, &client, method, parameters, result);
	varlink_close(&client);
	return code;
}

enum ctl_exit
call_follow(const struct invocation *inv, const char *method,
    bool (*each)(void *context, const json_t *parameters), void *context,
    int outlet)
{
	struct varlink_client client;
	enum varlink_status status;
	enum ctl_exit code = CTL_DONE;
	json_t *reply = NULL;
	const char *error;
	char full_name[96];
	bool goes_on = true;

	snprintf(full_name, sizeof full_name, CALL_INTERFACE "%s", method);
	varlink_init(&client, inv->socket);
	client.outlet = outlet;
	status = varlink_begin(&client, full_name, inv->parameters, TIMEOUT_MS);
	while (goes_on && status == VARLINK_OK) {
		json_decref(reply);
		status = varlink_next(&client, &reply);
		if (status != VARLINK_OK)
			break;
		error = json_string_value(json_object_get(reply, "error"));
		if (error != NULL) {
			code = report_error(inv->command, error,
			    json_object_get(reply, "parameters"));
			break;
		}
		goes_on = each(context, json_object_get(reply, "parameters"));
		if (goes_on &&
		    !json_is_true(json_object_get(reply, "continues"))) {
			fputs("apikeyctl: apikeyd is stopping\n", stderr);
			code = CTL_NO_DAEMON;
			break;
		}
	}
	if (status == VARLINK_UNREAD)
		output_fail(EPIPE);
	else if (status != VARLINK_OK)
		code = report_silence(&client, status, inv->parameters);
	json_decref(reply);
	varlink_close(&client);
	return code;
}

bool
call_add_operation_id(struct invocation *inv)
{
	unsigned char random[OPERATION_ID_BYTES];
	char hex[2 * OPERATION_ID_BYTES + 1];

	if (inv->operation_id != NULL)
		return json_object_set_new(inv->parameters, "operation_id",
			   json_string(inv->operation_id)) == 0;
	if (getrandom(random, sizeof random, 0) != sizeof random) {
		perror("apikeyctl: getrandom");
		return false;
	}
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(hex + 2 * i, 3, "%02x", random[i]);
	return json_object_set_new(
		   inv->parameters, "operation_id", json_string(hex)) == 0;
}
