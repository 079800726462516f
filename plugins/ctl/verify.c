/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands that take a token: key verify, and key check without daemon. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "verify.h"

#include "call.h"
#include "output.h"
#include "prompt.h"
#include "proto/text.h"
#include "proto/token.h"

enum ctl_exit
credential_read(struct credential *credential)
{
	int error;

	if (prompt_secret("Token: ", credential->text, sizeof credential->text,
		&credential->len))
		return CTL_DONE;
	error = errno;
	explicit_bzero(credential, sizeof *credential);
	fprintf(
	    stderr, "apikeyctl: cannot read the token: %s\n", strerror(error));
	return CTL_REFUSED;
}

static const char *
reason_sentence(enum apikey_reason reason)
{
	switch (reason) {
	case APIKEY_REASON_NONE:
		return "It has the right shape and checksum; whether the key "
		       "is known was not asked.";
	case APIKEY_REASON_TRUNCATED:
		return "It begins as a token does, but its end is missing.";
	case APIKEY_REASON_CHECKSUM:
		return "It has the shape of a token, but a character is wrong.";
	case APIKEY_REASON_SHAPE:
		return "It is not a token at all.";
	}
	return "";
}

/*
 * Why the answer was not yes, and which option or command would change it. No
 * default, so that the compiler finds a verdict without a sentence.
 */
static const char *
verdict_sentence(enum apikey_verdict verdict)
{
	switch (verdict) {
	case APIKEY_NO_ANSWER:
	case APIKEY_VALID:
	case APIKEY_MALFORMED: /* its reason says more */
		return NULL;
	case APIKEY_UNKNOWN:
		return "There is no such key, or its secret or signature is "
		       "wrong; which of them is not told.";
	case APIKEY_REVOKED:
		return "It was revoked, which is for good.";
	case APIKEY_DISABLED:
		return "It is disabled; key enable lifts that.";
	case APIKEY_EXPIRED:
		return "Its time is over; key update --expires gives it more.";
	case APIKEY_ACCOUNT_INACTIVE:
		return "Its account is pending or suspended; account approve "
		       "lifts that.";
	case APIKEY_PRODUCT_DISABLED:
		return "Its product is not enabled for its account; product "
		       "enable lifts that.";
	case APIKEY_ACCOUNT_MISMATCH:
		return "It is of another account than --account says.";
	case APIKEY_PRODUCT_MISMATCH:
		return "It is for another product than --product says.";
	case APIKEY_USER_MISMATCH:
		return "It is not a key of the user that --user names.";
	case APIKEY_PERMISSION_DENIED:
		return "It lacks the --permission or a --scope that was asked "
		       "for.";
	case APIKEY_SERVICE_DENIED:
		return "It is only for some services, of which --service names "
		       "none, or for host services run as other users than "
		       "you.";
	case APIKEY_ADDRESS_DENIED:
		return "It is only for some addresses, of which --address "
		       "gives none.";
	case APIKEY_RATE_LIMITED:
		return "Its rate is used up; there will be calls again in a "
		       "while.";
	case APIKEY_QUOTA_EXCEEDED:
		return "Its quota is used up; key update --quota gives it "
		       "more.";
	}
	return NULL;
}

/* What is right or wrong about the form of a text of this length. */
static const char *
form_sentence(enum apikey_reason reason, size_t len)
{
	if (len > 0)
		return reason_sentence(reason);
	return prompt_asks() ? "Nothing was typed."
			     : "Nothing came on standard input.";
}

static const struct field check_fields[] = {
    {"id", "Key ID", text_plain, ABSENT_LEFT_OUT, true},
    {"reason", "Reason", text_plain, ABSENT_LEFT_OUT, true},
    {"meaning", "Meaning", text_plain, ABSENT_LEFT_OUT, true},
    {0},
};

static void
print_check(bool json, json_t *answer, const char *meaning)
{
	if (json) {
		output_json(answer);
		return;
	}
	puts(json_is_true(json_object_get(answer, "well_formed"))
		? "well-formed"
		: "malformed");
	json_object_set_new(answer, "meaning", json_string(meaning));
	output_fields(check_fields, answer);
}

static enum ctl_exit
run_check(struct invocation *inv)
{
	struct credential credential;
	struct token_view view;
	enum ctl_exit code = credential_read(&credential);
	enum reason reason;
	size_t len;
	json_t *answer;

	if (code != CTL_DONE)
		return code;
	len = credential.len;
	reason = token_parse(credential.text, credential.len, &view);
	if (reason == REASON_NONE)
		answer = json_pack("{s:b,s:s%}", "well_formed", 1, "id",
		    view.text, view.key_id_len);
	else
		answer = json_pack("{s:b,s:s,s:s}", "well_formed", 0, "verdict",
		    verdict_text(VERDICT_MALFORMED), "reason",
		    reason_text(reason));
	explicit_bzero(&credential, sizeof credential);
	print_check(
	    inv->json, answer, form_sentence((enum apikey_reason)reason, len));
	json_decref(answer);
	return reason == REASON_NONE ? CTL_DONE : CTL_REFUSED;
}

static void
put_text(json_t *answer, const char *name, const char *text)
{
	if (*text != '\0')
		json_object_set_new(answer, name, json_string(text));
}

static void
put_number(json_t *answer, const char *name, uint64_t number)
{
	json_object_set_new(answer, name, json_integer((json_int_t)number));
}

static void
put_scopes(json_t *answer, const char *scopes)
{
	json_t *list = json_array();

	while (*scopes != '\0') {
		size_t len = strcspn(scopes, " ");

		json_array_append_new(list, json_stringn(scopes, len));
		scopes += len + (scopes[len] == ' ');
	}
	if (json_array_size(list) > 0)
		json_object_set(answer, "scopes", list);
	json_decref(list);
}

/* The result for --json: what is empty is not there. */
static json_t *
answer_of(const struct apikey_result *result)
{
	json_t *answer = json_object();
	char expires[TIME_TEXT_MAX];

	put_text(answer, "verdict", apikey_verdict_text(result->verdict));
	if (result->reason != APIKEY_REASON_NONE)
		put_text(answer, "reason", apikey_reason_text(result->reason));
	if (result->verdict == APIKEY_MALFORMED ||
	    result->verdict == APIKEY_UNKNOWN)
		return answer;
	put_text(answer, "id", result->id);
	put_text(answer, "name", result->name);
	put_text(answer, "account", result->account);
	put_text(answer, "product", result->product);
	if (result->permission != APIKEY_PERMISSION_NONE)
		put_text(answer, "permission",
		    apikey_permission_text(result->permission));
	put_scopes(answer, result->scopes);
	put_text(answer, "user", result->user);
	put_text(answer, "environment", result->environment);
	if (result->expires_at != 0) {
		time_text(result->expires_at, expires);
		put_text(answer, "expires_at", expires);
	}
	if (result->retry_after_ms != 0)
		put_number(answer, "retry_after_ms", result->retry_after_ms);
	if (result->rate_limit != 0)
		put_number(answer, "rate_remaining", result->rate_remaining);
	if (result->quota_limit != 0)
		put_number(answer, "quota_remaining", result->quota_remaining);
	return answer;
}

/* How long to wait, in whole seconds: a little too long rather than too
 * short. */
static char *
text_wait(json_t *value)
{
	json_t *whole =
	    json_integer((json_integer_value(value) + 999) / 1000 * 1000);
	char *text = text_duration(whole);

	json_decref(whole);
	return text;
}

static const struct field verify_fields[] = {
    {"reason", "Reason", text_plain, ABSENT_LEFT_OUT, true},
    {"meaning", "Meaning", text_plain, ABSENT_LEFT_OUT, true},
    {"id", "Key ID", text_plain, ABSENT_LEFT_OUT, true},
    {"name", "Name", text_plain, ABSENT_LEFT_OUT, true},
    {"account", "Account", text_plain, ABSENT_LEFT_OUT, true},
    {"product", "Product", text_plain, ABSENT_LEFT_OUT, true},
    {"permission", "Permission", text_plain, ABSENT_LEFT_OUT, true},
    {"scopes", "Scopes", text_list, ABSENT_LEFT_OUT, true},
    {"user", "User", text_plain, ABSENT_LEFT_OUT, true},
    {"environment", "Environment", text_plain, ABSENT_LEFT_OUT, true},
    {"expires_at", "Expires", text_time, ABSENT_LEFT_OUT, true},
    {"retry_after_ms", "Retry after", text_wait, ABSENT_LEFT_OUT, true},
    {"rate_remaining", "Rate left", text_plain, ABSENT_LEFT_OUT, true},
    {"quota_remaining", "Quota left", text_plain, ABSENT_LEFT_OUT, true},
    {0},
};

/* The verdict alone on the first line, so that a script can take it. */
static void
print_result(const struct invocation *inv, const struct apikey_request *request,
    const struct apikey_result *result)
{
	json_t *answer = answer_of(result);
	const char *meaning = result->verdict == APIKEY_MALFORMED
	    ? form_sentence(result->reason, request->token_len)
	    : verdict_sentence(result->verdict);

	if (inv->json) {
		output_json(answer);
	} else {
		puts(apikey_verdict_text(result->verdict));
		if (meaning != NULL)
			json_object_set_new(
			    answer, "meaning", json_string(meaning));
		output_fields(verify_fields, answer);
	}
	json_decref(answer);
}

/* The texts stay those of the invocation; scopes has room for them all. */
static void
fill_request(const struct invocation *inv, struct apikey_request *request,
    const char *scopes[SCOPES_MAX])
{
	const json_t *list = json_object_get(inv->parameters, "scopes");
	const char *permission = parameter_text(inv, "permission");
	json_t *scope;
	size_t i;

	request->address = parameter_text(inv, "address");
	request->service = parameter_text(inv, "service");
	request->endpoint = parameter_text(inv, "endpoint");
	request->account = parameter_text(inv, "account");
	request->product = parameter_text(inv, "product");
	request->user = parameter_text(inv, "user");
	if (permission != NULL)
		request->permission = strcmp(permission, "write") == 0
		    ? APIKEY_PERMISSION_WRITE
		    : APIKEY_PERMISSION_READ;
	json_array_foreach (list, i, scope) {
		scopes[i] = json_string_value(scope);
	}
	request->scopes = scopes;
	request->scope_count = json_array_size(list);
}

static enum ctl_exit
report_status(
    const struct invocation *inv, enum apikey_status status, int error)
{
	if (status == APIKEY_UNAVAILABLE)
		return report_unreachable(inv->verify_socket, error,
		    "you have to be root or in its group (apikey by "
		    "default)");
	fprintf(stderr, "apikeyctl: apikeyd at %s: %s\n", inv->verify_socket,
	    apikey_status_text(status));
	return status == APIKEY_ARGUMENT ? CTL_USAGE
	    : status == APIKEY_NOMEM     ? CTL_REFUSED
					 : CTL_NO_DAEMON;
}

enum ctl_exit
verify_ask(const struct invocation *inv, verify_call *ask, const void *proof)
{
	struct apikey_request request = APIKEY_REQUEST_INIT;
	struct apikey_result result = APIKEY_RESULT_INIT;
	const char *scopes[SCOPES_MAX];
	struct apikey_client *client;
	enum apikey_status status =
	    apikey_client_open(&client, inv->verify_socket);
	int error;

	fill_request(inv, &request, scopes);
	if (status == APIKEY_OK)
		status = ask(client, proof, &request, &result);
	error = errno;
	apikey_client_close(client);
	if (status != APIKEY_OK)
		return report_status(inv, status, error);
	print_result(inv, &request, &result);
	return result.verdict == APIKEY_VALID ? CTL_DONE : CTL_REFUSED;
}

static enum apikey_status
ask_token(struct apikey_client *client, const void *proof,
    struct apikey_request *request, struct apikey_result *result)
{
	const struct credential *credential = proof;

	request->token = credential->text;
	request->token_len = credential->len;
	return apikey_verify(client, request, result, VERIFY_TIMEOUT_MS);
}

static enum ctl_exit
run_verify(struct invocation *inv)
{
	struct credential credential;
	enum ctl_exit code = credential_read(&credential);

	if (code != CTL_DONE)
		return code;
	code = verify_ask(inv, ask_token, &credential);
	explicit_bzero(&credential, sizeof credential);
	return code;
}

const struct option_row verify_options[] = {
    VERIFY_OPTION_ROWS,
    {0},
};

const struct command verify_commands[] = {
    {.noun = "key",
	.verb = "verify",
	.summary = "Ask whether the token on stdin is good",
	.example = "apikeyctl key verify --permission write --address "
		   "203.0.113.7 <crm.token",
	.exits = "0 valid; 1 any other verdict",
	.options = verify_options,
	.takes_token = true,
	.run = run_verify},
    {.noun = "key",
	.verb = "check",
	.summary = "Check the form of the token on stdin, offline",
	.example = "apikeyctl key check <crm.token",
	.exits = "0 well-formed; 1 malformed",
	.takes_token = true,
	.run = run_check},
    {0},
};
