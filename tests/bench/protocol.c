/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/frame.h"
#include "proto/message.h"

/* apikeyd */

static void
ask_apikeyd(struct writer *out, const char *token)
{
	static const uint8_t address[4] = {203, 0, 113, 7};
	struct verify_request request = {
	    .credential = bytes_of(token),
	    .permission = PERMISSION_READ,
	    .product = bytes_of("api"),
	    .service = bytes_of("httpd"),
	    .endpoint = bytes_of("GET /v1/organizations"),
	    .address = {address, sizeof address},
	};
	size_t begin = frame_begin(out, FRAME_VERIFY, 1);

	verify_request_write(out, &request);
	frame_end(out, begin);
}

static enum answer
judge_apikeyd(struct bytes in, const char *token, size_t *used)
{
	struct verify_reply reply;
	struct frame frame;
	enum frame_error error;

	switch (
	    frame_peek(in.data, in.len, frame_reply_limit, &frame, &error)) {
	case FRAME_SHORT:
		return ANSWER_SHORT;
	case FRAME_BAD:
		return ANSWER_WRONG;
	case FRAME_WHOLE:
		break;
	}
	*used = FRAME_HEADER_LEN + frame.body.len;
	/* The key ID is the token's beginning. */
	return frame.type == (FRAME_VERIFY | FRAME_REPLY) &&
		verify_reply_read(frame.body, &reply) &&
		reply.verdict == VERDICT_VALID &&
		memcmp(reply.id.data, token, reply.id.len) == 0
	    ? ANSWER_RIGHT
	    : ANSWER_WRONG;
}

/* The echo: apikeyd's request, and the same back. */

static enum answer
judge_echo(struct bytes in, const char *token, size_t *used)
{
	uint8_t expected[REQUEST_MAX];
	struct writer w = writer_over(expected, sizeof expected);

	ask_apikeyd(&w, token);
	if (in.len < w.len)
		return ANSWER_SHORT;
	*used = w.len;
	return memcmp(in.data, expected, w.len) == 0 ? ANSWER_RIGHT
						     : ANSWER_WRONG;
}

/* Redis: GET of the key ID, whose value ends in the ID. */

enum { KEY_ID_LEN = 15, REDIS_VALUE_LEN = 96 };

static void
ask_redis(struct writer *out, const char *token)
{
	char text[64];
	int len =
	    snprintf(text, sizeof text, "*2\r\n$3\r\nGET\r\n$%d\r\n%.*s\r\n",
		KEY_ID_LEN, KEY_ID_LEN, token);

	write_bytes(out, text, (size_t)len);
}

static enum answer
judge_redis(struct bytes in, const char *token, size_t *used)
{
	static const char head[] = "$96\r\n";
	const size_t head_len = sizeof head - 1;

	if (in.len > 0 && in.data[0] != '$')
		return ANSWER_WRONG;
	*used = head_len + REDIS_VALUE_LEN + 2;
	if (in.len < *used)
		return in.len >= head_len &&
			memcmp(in.data, head, head_len) != 0
		    ? ANSWER_WRONG
		    : ANSWER_SHORT;
	return memcmp(in.data, head, head_len) == 0 &&
		memcmp(in.data + *used - 2 - KEY_ID_LEN, token, KEY_ID_LEN) == 0
	    ? ANSWER_RIGHT
	    : ANSWER_WRONG;
}

/* saslauthd: counted strings login, password, service, realm; one request a
 * connection. */

static void
write_counted(struct writer *out, const char *text)
{
	write_u16(out, (uint16_t)strlen(text));
	write_bytes(out, text, strlen(text));
}

static void
ask_saslauthd(struct writer *out, const char *token)
{
	(void)token;
	write_counted(out, "bench");
	write_counted(out, "secret");
	write_counted(out, "bench");
	write_counted(out, "bench");
}

static enum answer
judge_saslauthd(struct bytes in, const char *token, size_t *used)
{
	(void)token;
	*used = 4;
	if (in.len < *used)
		return ANSWER_SHORT;
	return memcmp(in.data + 2, "OK", 2) == 0 ? ANSWER_RIGHT : ANSWER_WRONG;
}

/* MUNGE: a credential is made and checked, by its own library, which need not
 * be there to build this. */

struct munge {
	void *(*create)(void);
	void (*destroy)(void *context);
	int (*set)(void *context, int option, ...);
	int (*encode)(char **cred, void *context, const void *data, int len);
	int (*decode)(const char *cred, void *context, void **data, int *len,
	    uid_t *uid, gid_t *gid);
};

enum { MUNGE_OPT_SOCKET = 8 };

static const struct munge *
load_munge(void)
{
	static struct munge munge;
	void *library;

	if (munge.decode != NULL)
		return &munge;
	library = dlopen("libmunge.so.2", RTLD_NOW);
	if (library == NULL) {
		fprintf(stderr, "load: %s\n", dlerror());
		exit(1);
	}
	*(void **)&munge.create = dlsym(library, "munge_ctx_create");
	*(void **)&munge.destroy = dlsym(library, "munge_ctx_destroy");
	*(void **)&munge.set = dlsym(library, "munge_ctx_set");
	*(void **)&munge.encode = dlsym(library, "munge_encode");
	*(void **)&munge.decode = dlsym(library, "munge_decode");
	return &munge;
}

static bool
exchange_munge(const char *socket, const char *token)
{
	const struct munge *munge = load_munge();
	void *context = munge->create();
	char *credential = NULL;
	void *data = NULL;
	int len = 0;
	uid_t uid;
	gid_t gid;
	bool right;

	munge->set(context, MUNGE_OPT_SOCKET, socket);
	right = munge->encode(
		    &credential, context, token, (int)strlen(token)) == 0 &&
	    munge->decode(credential, context, &data, &len, &uid, &gid) == 0 &&
	    (size_t)len == strlen(token) &&
	    memcmp(data, token, (size_t)len) == 0;
	free(credential);
	free(data);
	munge->destroy(context);
	return right;
}

static const struct protocol protocols[] = {
    {.name = "apikeyd", .ask = ask_apikeyd, .judge = judge_apikeyd},
    {.name = "echo", .ask = ask_apikeyd, .judge = judge_echo},
    {.name = "redis", .ask = ask_redis, .judge = judge_redis},
    {.name = "saslauthd",
	.ask = ask_saslauthd,
	.judge = judge_saslauthd,
	.once = true},
    {.name = "munge", .exchange = exchange_munge},
};

const struct protocol *
protocol_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++)
		if (strcmp(protocols[i].name, name) == 0) {
			if (protocols[i].exchange == exchange_munge)
				load_munge();
			return &protocols[i];
		}
	return NULL;
}
