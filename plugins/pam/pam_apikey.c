/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pam_apikey: an API key in the place of a password.
 *
 * Fails closed: nothing but APIKEY_OK with APIKEY_VALID becomes PAM_SUCCESS,
 * and PAM_IGNORE has three causes only: the two ignore_ options (outcome.c),
 * and account without an authentication of ours before it. Lives in other
 * people's processes: no globals, threads, signal handlers, openlog or setenv.
 * The log has key IDs and verdicts, never a credential nor a user name, which
 * some people take for the place to type a password into.
 */
#include <errno.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "client.h"
#include "identity.h"
#include "options.h"
#include "outcome.h"
#include "plugins/client/apikey.h"
#include "proto/text.h"

static bool
options_read(
    pam_handle_t *pamh, struct options *options, int argc, const char **argv)
{
	const char *wrong = options_parse(options, argc, argv);

	if (wrong == NULL)
		return true;
	pam_syslog(pamh, LOG_ERR, "unknown option or bad value: %s", wrong);
	return false;
}

/* A text item of the handle, or NULL where it is not set. */
static const char *
item_text(const pam_handle_t *pamh, int item)
{
	const void *value = NULL;

	if (pam_get_item(pamh, item, &value) != PAM_SUCCESS)
		return NULL;
	return value;
}

/* What was typed. own: the same, where it is ours to wipe and free and not the
 * handle's. */
struct credential {
	const char *text;
	char *own;
	bool may_ask; /* for another one, if this is no token of a key */
};

static void
credential_end(struct credential *credential)
{
	if (credential->own != NULL) {
		explicit_bzero(credential->own, strlen(credential->own));
		free(credential->own);
	}
	credential->own = NULL;
	credential->text = NULL;
}

/*
 * Gets the credential; returns a PAM code. A password that an earlier module
 * has asked for is taken first, as with every module that uses
 * pam_get_authtok(). use_first_pass never asks; try_first_pass asks once more
 * where that password is no key's token, which apikeyd alone knows: tokens that
 * were made elsewhere look like anything.
 */
static int
credential_get(
    pam_handle_t *pamh, const struct options *options, struct credential *out)
{
	bool first = item_text(pamh, PAM_AUTHTOK) != NULL;
	int code;

	if (options->use_first_pass && !first)
		return PAM_AUTH_ERR;
	out->may_ask =
	    first && options->try_first_pass && !options->use_first_pass;
	code = pam_get_authtok(pamh, PAM_AUTHTOK, &out->text, options->prompt);
	return code == PAM_SUCCESS ? PAM_SUCCESS : outcome_failed(code);
}

/* Asks for another one; the earlier is left to the modules after this. */
static int
credential_ask(
    pam_handle_t *pamh, const struct options *options, struct credential *out)
{
	int code;

	out->may_ask = false;
	code = pam_prompt(
	    pamh, PAM_PROMPT_ECHO_OFF, &out->own, "%s", options->prompt);
	out->text = out->own;
	return code == PAM_SUCCESS ? PAM_SUCCESS : outcome_failed(code);
}

/* errno is that of the call. */
static void
log_unanswered(const pam_handle_t *pamh, const struct options *options,
    enum apikey_status status)
{
	const char *socket =
	    options->socket != NULL ? options->socket : APIKEY_DEFAULT_SOCKET;

	if (status == APIKEY_UNAVAILABLE)
		pam_syslog(pamh, LOG_ERR, "%s: %s: %m", socket,
		    apikey_status_text(status));
	else
		pam_syslog(pamh, LOG_ERR, "%s: %s", socket,
		    apikey_status_text(status));
}

/* Keeps errno for the log. */
static void
close_client(struct apikey_client *client)
{
	int saved = errno;

	apikey_client_close(client);
	errno = saved;
}

/* PAM_RHOST where it is an address; a name is not worth looking up: whoever
 * owns its DNS zone would choose the address. */
static const char *
remote_address(const pam_handle_t *pamh)
{
	const char *host = item_text(pamh, PAM_RHOST);
	struct address address;

	return host != NULL && address_parse(host, &address) ? host : NULL;
}

static enum apikey_status
verify(pam_handle_t *pamh, const struct options *options, const char *user,
    const char *credential, struct apikey_result *result)
{
	struct apikey_request request = APIKEY_REQUEST_INIT;
	const char *service = item_text(pamh, PAM_SERVICE);
	struct apikey_client *client;
	enum apikey_status status;
	char endpoint[256]; /* the library cuts it to what is counted */

	if (service == NULL)
		service = "";
	snprintf(endpoint, sizeof endpoint, "pam:%s", service);
	request.token = credential;
	request.token_len = strlen(credential);
	request.address = remote_address(pamh);
	request.service = service;
	request.endpoint = endpoint;
	request.account = options->account;
	request.product = options->product;
	request.user = options->any_user ? NULL : user;
	request.permission = options->permission;
	request.scopes = options->scopes;
	request.scope_count = options->scope_count;
	status = apikey_client_open(&client, options->socket);
	if (status != APIKEY_OK)
		return status;
	status = apikey_verify(client, &request, result, options->timeout_ms);
	/* Account asks about whom this lets in. */
	if (status == APIKEY_OK && result->verdict == APIKEY_VALID)
		client_keep(pamh, options->socket, client);
	else
		close_client(client);
	return status;
}

static void
log_verify(const pam_handle_t *pamh, const struct options *options,
    enum apikey_status status, const struct apikey_result *result)
{
	if (status != APIKEY_OK)
		log_unanswered(pamh, options, status);
	else if (result->verdict != APIKEY_VALID)
		pam_syslog(pamh, LOG_NOTICE, "key %s: %s",
		    result->id[0] != '\0' ? result->id : "(none)",
		    apikey_verdict_text(result->verdict));
	else if (options->debug)
		pam_syslog(pamh, LOG_DEBUG, "key %s: valid", result->id);
}

/* Whether there is none now: nobody is to be taken for whoever came in before
 * on this handle. */
static bool
forget(pam_handle_t *pamh)
{
	int code = identity_forget(pamh);

	client_drop(pamh);
	return identity_unexport(pamh) == PAM_SUCCESS && code == PAM_SUCCESS;
}

/* Keeps for setcred and account who came in, or nothing. Returns a PAM code. */
static int
admit(pam_handle_t *pamh, const struct options *options, const char *user,
    const struct apikey_result *result)
{
	int code = identity_set(pamh, result, options->any_user ? NULL : user);

	if (code == PAM_SUCCESS && !options->noenv)
		code = identity_export(pamh, identity_get(pamh));
	if (code == PAM_SUCCESS)
		return PAM_SUCCESS;
	forget(pamh);
	return outcome_failed(code);
}

/*
 * Shows the credential to apikeyd; returns a PAM code. *user is the one it was
 * shown for. *other: that it is nothing of ours, and another one may be asked
 * for.
 */
static int
present(pam_handle_t *pamh, const struct options *options,
    const struct credential *credential, const char **user,
    struct apikey_result *result, bool *other)
{
	enum apikey_status status;

	*other = credential->may_ask;
	if (credential->text == NULL || credential->text[0] == '\0')
		return PAM_AUTH_ERR;
	*other = false;
	/* The application may have changed it while it asked. */
	*user = item_text(pamh, PAM_USER);
	if (*user == NULL || (*user)[0] == '\0')
		return PAM_USER_UNKNOWN;
	status = verify(pamh, options, *user, credential->text, result);
	*other = credential->may_ask && status == APIKEY_OK &&
	    result->verdict == APIKEY_MALFORMED;
	if (!*other)
		log_verify(pamh, options, status, result);
	return outcome_verify(status, result->verdict, options);
}

static int
authenticate(pam_handle_t *pamh, const struct options *options)
{
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct credential credential = {NULL, NULL, false};
	const char *user = NULL;
	bool other = false;
	int code = pam_get_user(pamh, &user, NULL);

	if (code != PAM_SUCCESS)
		return outcome_failed(code);
	/* An empty user would ask for nobody's key, which is anybody's. */
	if (user == NULL || user[0] == '\0')
		return PAM_USER_UNKNOWN;
	code = credential_get(pamh, options, &credential);
	if (code == PAM_SUCCESS)
		code =
		    present(pamh, options, &credential, &user, &result, &other);
	if (other) {
		code = credential_ask(pamh, options, &credential);
		if (code == PAM_SUCCESS)
			code = present(
			    pamh, options, &credential, &user, &result, &other);
	}
	credential_end(&credential);
	if (code == PAM_SUCCESS)
		code = admit(pamh, options, user, &result);
	return code;
}

int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct options options;

	(void)flags; /* an empty credential is refused with or without */
	if (!forget(pamh))
		return PAM_SYSTEM_ERR;
	if (!options_read(pamh, &options, argc, argv))
		return PAM_SERVICE_ERR;
	return authenticate(pamh, &options);
}

int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	const struct identity *identity = identity_get(pamh);
	struct options options;
	int code = PAM_SUCCESS;

	/* After account as a rule; where there is no such line, now. */
	client_drop(pamh);
	if (!options_read(pamh, &options, argc, argv))
		return PAM_SERVICE_ERR;
	if (((unsigned)flags & PAM_DELETE_CRED) != 0)
		code = identity_unexport(pamh);
	/* Also where the application has changed PAM_USER, as sudo does: it
	 * tells by which key this handle was authenticated. */
	else if (identity != NULL && !options.noenv)
		code = identity_export(pamh, identity);
	/* With nobody to set credentials for there is nothing to fail at: the
	 * stack remembers what authenticate said. */
	return code == PAM_SUCCESS ? PAM_SUCCESS : PAM_CRED_ERR;
}

static bool
has_expired(const struct identity *identity)
{
	struct timespec now;

	if (identity->key.expires_at == 0)
		return false;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 >=
	    identity->key.expires_at;
}

static enum apikey_status
lookup(pam_handle_t *pamh, const struct options *options,
    const struct identity *identity, bool *accepted)
{
	struct apikey_result result = APIKEY_RESULT_INIT;
	struct apikey_client *client;
	enum apikey_status status;
	int found = 0, active = 0;

	*accepted = false;
	status = client_take(pamh, options->socket, &client);
	if (status != APIKEY_OK)
		return status;
	status = apikey_lookup(client, identity->key.id, &found, &active,
	    &result, options->timeout_ms);
	close_client(client);
	/* A key ID is never given to another account. */
	*accepted = status == APIKEY_OK && found && active &&
	    strcmp(result.account, identity->key.account) == 0;
	return status;
}

int
pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	const struct identity *identity = identity_get(pamh);
	struct options options;
	enum apikey_status status;
	bool accepted;

	(void)flags;
	if (!options_read(pamh, &options, argc, argv))
		return PAM_SERVICE_ERR;
	if (identity == NULL)
		return PAM_IGNORE;
	if (!identity_is_of(identity, item_text(pamh, PAM_USER)) ||
	    !options_met_by(&options, &identity->key)) {
		pam_syslog(pamh, LOG_NOTICE,
		    "key %s: not for this user or line", identity->key.id);
		return PAM_PERM_DENIED;
	}
	status = lookup(pamh, &options, identity, &accepted);
	if (status != APIKEY_OK) {
		log_unanswered(pamh, &options, status);
		return outcome_unanswered(status, &options);
	}
	if (accepted)
		return PAM_SUCCESS;
	pam_syslog(
	    pamh, LOG_NOTICE, "key %s: no longer active", identity->key.id);
	return has_expired(identity) ? PAM_ACCT_EXPIRED : PAM_PERM_DENIED;
}
