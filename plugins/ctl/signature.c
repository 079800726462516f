/* SPDX-License-Identifier: BSD-2-Clause */
/* Signing with an hmac key, offline, and asking whether a signature is good. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "proto/text.h"
#include "proto/token.h"
#include "verify.h"

/* Reads up to size bytes. The length, or -1 with errno. */
static ssize_t
read_whole(int fd, void *out, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, (char *)out + len, size - len);

		if (n == 0)
			break;
		if (n > 0)
			len += (size_t)n;
		else if (errno != EINTR)
			return -1;
	}
	return (ssize_t)len;
}

struct payload {
	char data[PAYLOAD_MAX_LEN + 1]; /* one more, to see that it is too long
					 */
	size_t len;
};

static enum ctl_exit
read_payload(struct payload *payload)
{
	ssize_t len =
	    read_whole(STDIN_FILENO, payload->data, sizeof payload->data);

	if (len < 0) {
		fprintf(stderr, "apikeyctl: cannot read the payload: %s\n",
		    strerror(errno));
		return CTL_REFUSED;
	}
	if (len > PAYLOAD_MAX_LEN) {
		fprintf(stderr,
		    "apikeyctl: the payload on stdin: at most %d bytes\n",
		    PAYLOAD_MAX_LEN);
		return CTL_USAGE;
	}
	payload->len = (size_t)len;
	return CTL_DONE;
}

/* Sign */

/* The token in the file, without the newline at its end. */
static enum ctl_exit
read_token(const char *path, struct credential *credential)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct token_view view;
	ssize_t len = -1;
	int error;

	if (fd >= 0)
		len = read_whole(fd, credential->text, sizeof credential->text);
	error = errno;
	if (fd >= 0)
		close(fd);
	if (len < 0) {
		fputs("apikeyctl: --token-file: ", stderr);
		output_text(stderr, path);
		fprintf(stderr, ": %s\n", strerror(error));
		return CTL_USAGE;
	}
	while (len > 0 && strchr("\r\n", credential->text[len - 1]) != NULL)
		len--;
	credential->len = (size_t)len;
	if (token_parse(credential->text, credential->len, &view) ==
	    REASON_NONE)
		return CTL_DONE;
	fprintf(stderr,
	    "apikeyctl: --token-file: %s: expected one token, and nothing "
	    "else\n",
	    path);
	return CTL_USAGE;
}

static void
sign(const struct credential *credential, const char *prefix, size_t prefix_len,
    const struct payload *payload, char hex[SIGNATURE_LEN + 1])
{
	unsigned char signature[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(
	    &state, (const unsigned char *)credential->text, credential->len);
	crypto_auth_hmacsha256_update(
	    &state, (const unsigned char *)prefix, prefix_len);
	crypto_auth_hmacsha256_update(
	    &state, (const unsigned char *)payload->data, payload->len);
	crypto_auth_hmacsha256_final(&state, signature);
	sodium_bin2hex(hex, SIGNATURE_LEN + 1, signature, sizeof signature);
	explicit_bzero(&state, sizeof state);
}

/* timestamp: NULL where it was signed without one. */
static void
print_signature(bool as_json, const char *hex, json_t *timestamp)
{
	json_t *document;

	if (!as_json) {
		puts(hex);
		return;
	}
	document =
	    json_pack("{s:s, s:O*}", "signature", hex, "timestamp", timestamp);
	output_json(document);
	json_decref(document);
}

static enum ctl_exit
run_sign(struct invocation *inv)
{
	static struct payload payload;
	json_t *timestamp = json_object_get(inv->parameters, "timestamp");
	char prefix[TIMESTAMP_TEXT_MAX], hex[SIGNATURE_LEN + 1];
	size_t prefix_len = 0;
	struct credential credential;
	enum ctl_exit code =
	    read_token(parameter_text(inv, "token_file"), &credential);

	if (code == CTL_DONE)
		code = read_payload(&payload);
	if (code == CTL_DONE) {
		if (timestamp != NULL)
			prefix_len = timestamp_text(
			    json_integer_value(timestamp), prefix);
		sign(&credential, prefix, prefix_len, &payload, hex);
		print_signature(inv->json, hex, timestamp);
	}
	explicit_bzero(&credential, sizeof credential);
	return code;
}

/* Verify */

static enum apikey_status
ask_signature(struct apikey_client *client, const void *proof,
    struct apikey_request *request, struct apikey_result *result)
{
	return apikey_verify_signature(
	    client, proof, request, result, VERIFY_TIMEOUT_MS);
}

static enum ctl_exit
run_verify_signature(struct invocation *inv)
{
	static struct payload payload;
	struct apikey_signature signature = APIKEY_SIGNATURE_INIT;
	const json_t *timestamp = json_object_get(inv->parameters, "timestamp");
	enum ctl_exit code = read_payload(&payload);

	if (code != CTL_DONE)
		return code;
	signature.key_id = parameter_text(inv, "id");
	signature.signature = parameter_text(inv, "signature");
	signature.payload = payload.data;
	signature.payload_len = payload.len;
	signature.has_timestamp = timestamp != NULL;
	signature.timestamp = json_integer_value(timestamp);
	return verify_ask(inv, ask_signature, &signature);
}

static const struct option_row sign_options[] = {
    {.name = "token-file",
	.metavar = "FILE",
	.field = "token_file",
	.kind = &value_path,
	.help = "where the key's token is"},
    {.name = "timestamp",
	.metavar = "T",
	.field = "timestamp",
	.kind = &value_timestamp,
	.help = "sign T.PAYLOAD"},
    {0},
};

static const struct option_row verify_signature_options[] = {
    {.name = "signature",
	.metavar = "HEX",
	.field = "signature",
	.kind = &value_signature,
	.help = "HMAC-SHA-256 in lower-case hexadecimal"},
    {.name = "timestamp",
	.metavar = "T",
	.field = "timestamp",
	.kind = &value_timestamp,
	.help = "it was signed with T"},
    VERIFY_OPTION_ROWS,
    {0},
};

static const char *const sign_required[] = {"token-file", NULL};
static const char *const verify_signature_required[] = {"signature", NULL};

const struct command signature_commands[] = {
    {.noun = "key",
	.verb = "sign",
	.summary = "Sign the payload on stdin with an hmac key, offline",
	.example = "apikeyctl key sign --token-file crm.token <payload.json",
	.options = sign_options,
	.required = sign_required,
	.run = run_sign},
    {.noun = "key",
	.verb = "verify-signature",
	.summary = "Ask whether the payload on stdin has a good signature",
	.example = "apikeyctl key verify-signature dk_7Hq2mZx0pLs9 \\\n"
		   "    --signature \"$signature\" <payload.json",
	.exits = "0 valid; 1 any other verdict",
	.positionals = key_id,
	.options = verify_signature_options,
	.required = verify_signature_required,
	.run = run_verify_signature},
    {0},
};
