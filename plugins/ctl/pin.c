/* SPDX-License-Identifier: BSD-2-Clause */
#include "pin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "prompt.h"

/* More than any PIN twice, so that one that is too long is seen to be. */
enum { PIN_MIN = 4, PIN_MAX = 64, ROOM = 2 * PIN_MAX + 16 };

struct secret {
	char text[ROOM];
	size_t len;
};

/* file: NULL where it is not from one. errno is that of the reading. */
static enum ctl_exit
report(const char *file)
{
	const char *why = strerror(errno);

	fputs("apikeyctl: cannot read the PIN", stderr);
	if (file != NULL) {
		fputs(" file ", stderr);
		output_text(stderr, file);
	}
	fprintf(stderr, ": %s\n", why);
	return CTL_NOT_PERMITTED;
}

static enum ctl_exit
read_secret(const char *file, const char *question, struct secret *secret)
{
	bool read = file != NULL
	    ? prompt_file(file, secret->text, ROOM, &secret->len)
	    : prompt_secret(question, secret->text, ROOM, &secret->len);

	return read ? CTL_DONE : report(file);
}

static enum ctl_exit
check(const struct secret *secret, const char *option)
{
	if (secret->len == 0) {
		fprintf(stderr,
		    "apikeyctl: a PIN is required: give it at a prompt, on "
		    "standard input or with --%s FILE\n",
		    option);
		return CTL_NOT_PERMITTED;
	}
	if (secret->len >= PIN_MIN && secret->len <= PIN_MAX &&
	    memchr(secret->text, 0, secret->len) == NULL)
		return CTL_DONE;
	fputs("apikeyctl: a PIN has 4 to 64 bytes\n", stderr);
	return CTL_USAGE;
}

static enum ctl_exit
set_parameter(
    json_t *parameters, const char *field, const struct secret *secret)
{
	json_t *value = json_stringn(secret->text, secret->len);

	if (value != NULL && json_object_set_new(parameters, field, value) == 0)
		return CTL_DONE;
	fputs("apikeyctl: a PIN is text in UTF-8\n", stderr);
	return CTL_USAGE;
}

enum ctl_exit
pin_add(const struct invocation *inv, json_t *parameters)
{
	bool is_old = strcmp(inv->command->pin, "pin") != 0;
	const char *file = json_string_value(json_object_get(
	    inv->globals, is_old ? "old_pin_file" : "pin_file"));
	struct secret secret = {.len = 0};
	enum ctl_exit code =
	    read_secret(file, is_old ? "Current PIN: " : "PIN: ", &secret);

	if (code == CTL_DONE)
		code = check(&secret, is_old ? "old-pin-file" : "pin-file");
	if (code == CTL_DONE)
		code = set_parameter(parameters, inv->command->pin, &secret);
	explicit_bzero(&secret, sizeof secret);
	return code;
}

/* The same on two lines, as passwd(1) wants it from a pipe, is said once. */
static void
take_once(struct secret *secret)
{
	size_t half = secret->len / 2;

	if (secret->len % 2 == 1 && secret->text[half] == '\n' &&
	    memcmp(secret->text, secret->text + half + 1, half) == 0)
		secret->len = half;
}

/* What no prompt could ever be given again. */
static enum ctl_exit
check_one_line(const struct secret *secret)
{
	for (size_t i = 0; i < secret->len; i++) {
		unsigned char c = (unsigned char)secret->text[i];

		if (c >= 0x20 && c != 0x7f)
			continue;
		fputs("apikeyctl: a PIN is one line without control "
		      "characters\n",
		    stderr);
		return CTL_USAGE;
	}
	return CTL_DONE;
}

enum ctl_exit
pin_add_new(const struct invocation *inv, json_t *parameters)
{
	const char *file =
	    json_string_value(json_object_get(inv->globals, "pin_file"));
	struct secret secret = {.len = 0}, again = {.len = 0};
	enum ctl_exit code = read_secret(file, "New PIN: ", &secret);

	if (code == CTL_DONE && file == NULL)
		take_once(&secret);
	if (code == CTL_DONE)
		code = check(&secret, "pin-file");
	if (code == CTL_DONE)
		code = check_one_line(&secret);
	if (code == CTL_DONE && file == NULL && prompt_asks()) {
		code = read_secret(NULL, "The same again: ", &again);
		if (code == CTL_DONE &&
		    (again.len != secret.len ||
			memcmp(again.text, secret.text, secret.len) != 0)) {
			fputs("apikeyctl: these were two different PINs; "
			      "nothing was changed\n",
			    stderr);
			code = CTL_USAGE;
		}
	}
	if (code == CTL_DONE)
		code = set_parameter(parameters, "pin", &secret);
	explicit_bzero(&secret, sizeof secret);
	explicit_bzero(&again, sizeof again);
	return code;
}
