/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many peers at the sockets that want no good, and one that does.
 *
 *     crowd half|drip|deaf SOCKET COUNT ROUNDS   COUNT connections at once:
 *         each sends half a frame, or a byte of it now and then, or asks and
 *         never reads; until the daemon has closed them all, so many times
 *     crowd talk SOCKET COUNT ROUNDS             COUNT connections to the admin
 *         socket, each of which sends so often what fills a read: calls of no
 *         method, which want no answer
 *     crowd garbage SOCKET COUNT                 COUNT frames of random bytes
 *     crowd guess SOCKET COUNT SOURCES TOKEN     secrets for the token's key,
 *         for clients of so many addresses
 *     crowd calm SOCKET COUNT TOKEN [VERDICT]    one verification after the
 *         other, which are valid or what is said; prints the 99th percentile of
 *         their times in nanoseconds
 *
 * 1 where the daemon does other than it should, or nothing for a minute.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/random.h>
#include <sys/resource.h>

#include "dial.h"
#include "proto/frame.h"
#include "proto/message.h"
#include "tests/bench/samples.h"

enum {
	PATIENCE_MS = 60000,
	DRIP_MS = 100,
	SPARE = 20,   /* descriptors beside the crowd's */
	ASKED = 64,   /* requests sent at once */
	HALF = 50,    /* bytes of a frame that is never whole */
	ANSWER = 4096 /* the longest that is looked at */
};

static void
fail(const char *what)
{
	fprintf(stderr, "crowd: %s\n", what);
	exit(1);
}

/* Crowds */

struct guest {
	size_t sent;
};

/* What one of a crowd does when it has come, and then now and then. */
struct manner {
	const char *name;
	void (*begin)(int fd);
	void (*go_on)(int fd, struct guest *guest); /* NULL: nothing */
	short waits_for;
	bool told; /* why it is closed */
};

static uint8_t half[FRAME_HEADER_LEN + HALF];

static void
make_half(void)
{
	struct writer w = writer_over(half, sizeof half);
	size_t begin = frame_begin(&w, FRAME_VERIFY, 1);

	frame_end_before(&w, begin, 2 * HALF);
	memset(half + w.len, 'x', HALF);
}

static void
send_half(int fd)
{
	if (send(fd, half, sizeof half, MSG_NOSIGNAL) != sizeof half)
		fail("half a frame cannot be sent");
}

static void
send_byte(int fd, struct guest *guest)
{
	if (guest->sent < sizeof half)
		send(fd, half + guest->sent++, 1, MSG_NOSIGNAL);
}

static void
drip(int fd)
{
	send(fd, half, 1, MSG_NOSIGNAL);
}

/* Until the daemon, which does not get rid of its answers, takes no more. */
static void
ask_on(int fd)
{
	uint8_t ping[FRAME_HEADER_LEN + 64] = {0};
	struct writer w = writer_over(ping, sizeof ping);
	size_t begin = frame_begin(&w, FRAME_PING, 1);

	w.len = sizeof ping;
	frame_end(&w, begin);
	while (send(fd, ping, sizeof ping, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		;
}

static void
ask_again(int fd, struct guest *guest)
{
	(void)guest;
	ask_on(fd);
}

static const struct manner manners[] = {
    {"half", send_half, NULL, POLLIN, true},
    {"drip", drip, send_byte, POLLIN, true},
    {"deaf", ask_on, ask_again, 0, false},
};

static bool
says_slow(int fd)
{
	uint8_t said[ANSWER];
	struct frame frame;
	enum frame_error error;
	struct error_reply reply;
	ssize_t n = read(fd, said, sizeof said);

	return n > 0 &&
	    frame_peek(said, (size_t)n, frame_reply_limit, &frame, &error) ==
	    FRAME_WHOLE &&
	    frame.type == FRAME_ERROR && error_reply_read(frame.body, &reply) &&
	    reply.error == FRAME_ERROR_SLOW;
}

static void
turn(const struct manner *manner, struct pollfd *fds, struct guest *guests,
    size_t *count)
{
	for (size_t i = *count; i-- > 0;) {
		if (fds[i].revents == 0) {
			if (manner->go_on != NULL)
				manner->go_on(fds[i].fd, &guests[i]);
			continue;
		}
		if (manner->told && !says_slow(fds[i].fd))
			fail("closed without the word why");
		close(fds[i].fd);
		fds[i] = fds[--*count];
		guests[i] = guests[*count];
	}
}

static void
crowd(const struct manner *manner, const char *path, size_t count)
{
	struct pollfd *fds = calloc(count, sizeof *fds);
	struct guest *guests = calloc(count, sizeof *guests);
	struct rlimit limit = {count + SPARE, count + SPARE};
	uint64_t begun = now_ns();

	if (fds == NULL || guests == NULL ||
	    setrlimit(RLIMIT_NOFILE, &limit) != 0)
		die("room for a crowd");
	for (size_t i = 0; i < count; i++) {
		fds[i].fd = connect_to(path);
		fds[i].events = manner->waits_for;
		guests[i].sent = 1;
		manner->begin(fds[i].fd);
	}
	while (count > 0) {
		if (now_ns() - begun > PATIENCE_MS * UINT64_C(1000000))
			fail("the daemon does not close them");
		if (poll(fds, count, DRIP_MS) < 0)
			die("poll");
		turn(manner, fds, guests, &count);
	}
	free(guests);
	free(fds);
}

/* Talk */

static const char call[] = "{\"method\":\"\",\"oneway\":true}";
enum { CALLS = 65536 / sizeof call };

struct talker {
	size_t sent; /* of calls */
	unsigned long rounds;
};

/* False once it has said all. Who was too slow in the middle of a call has been
 * closed, and begins anew. */
static bool
talk_on(const char *path, int *fd, struct talker *talker, const char *calls)
{
	size_t all = CALLS * sizeof call;
	ssize_t n = send(*fd, calls + talker->sent, all - talker->sent,
	    MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno == EPIPE) {
		close(*fd);
		*fd = connect_to(path);
		talker->sent = 0;
	} else if (n < 0 && errno != EAGAIN) {
		die("send");
	}
	talker->sent += n > 0 ? (size_t)n : 0;
	if (talker->sent == all) {
		talker->sent = 0;
		talker->rounds--;
	}
	return talker->rounds > 0;
}

static void
talk(const char *path, size_t count, unsigned long rounds)
{
	struct pollfd *fds = calloc(count, sizeof *fds);
	struct talker *talkers = calloc(count, sizeof *talkers);
	static char calls[CALLS * sizeof call];
	size_t left = count;

	if (fds == NULL || talkers == NULL)
		die("room for a crowd");
	for (size_t i = 0; i < CALLS; i++)
		memcpy(calls + i * sizeof call, call, sizeof call);
	for (size_t i = 0; i < count; i++) {
		fds[i] = (struct pollfd){connect_to(path), POLLOUT, 0};
		talkers[i].rounds = rounds;
	}
	while (left > 0) {
		if (poll(fds, count, PATIENCE_MS) <= 0)
			fail("the daemon does not listen");
		for (size_t i = 0; i < count; i++)
			if (fds[i].revents != 0 &&
			    !talk_on(path, &fds[i].fd, &talkers[i], calls)) {
				close(fds[i].fd);
				fds[i].fd = -1; /* which poll() passes over */
				left--;
			}
	}
	free(talkers);
	free(fds);
}

/* Floods */

static void
fill_randomly(void *data, size_t len)
{
	if (getrandom(data, len, 0) != (ssize_t)len)
		die("getrandom");
}

/* Until the daemon closes. */
static size_t
read_all(int fd)
{
	uint8_t answer[ANSWER];
	size_t len = 0, n;

	while ((n = read_some(fd, answer, sizeof answer)) > 0)
		len += n;
	return len;
}

static void
garbage(const char *path, unsigned long count)
{
	uint8_t frame[64];

	for (unsigned long i = 0; i < count; i++) {
		int fd = connect_to(path);

		fill_randomly(frame, sizeof frame);
		frame[0] = 'a'; /* its kind of wrong is another each time */
		frame[1] = i % 2 == 0 ? 'k' : frame[1];
		frame[2] = i % 4 == 0 ? FRAME_VERSION : frame[2];
		if (send(fd, frame, sizeof frame, MSG_NOSIGNAL) < 0)
			die("send");
		shutdown(fd, SHUT_WR);
		read_all(fd);
		close(fd);
	}
}

static void
write_request(struct writer *w, const struct verify_request *request)
{
	size_t begin = frame_begin(w, FRAME_VERIFY, 1);

	verify_request_write(w, request);
	frame_end(w, begin);
}

/* The verdict at the front of the answers; takes it from them. */
static enum verdict
next_verdict(int fd, uint8_t *answers, size_t size, size_t *len)
{
	struct verify_reply reply;
	struct frame frame;
	enum frame_error error;
	size_t used;
	ssize_t n;

	while (frame_peek(answers, *len, frame_reply_limit, &frame, &error) !=
	    FRAME_WHOLE) {
		n = read(fd, answers + *len, size - *len);
		if (n <= 0)
			fail("no answer");
		*len += (size_t)n;
	}
	if (!verify_reply_read(frame.body, &reply))
		fail("an answer that is none");
	used = FRAME_HEADER_LEN + frame.body.len;
	*len -= used;
	memmove(answers, answers + used, *len);
	return reply.verdict;
}

/* Another secret for the key of this token. */
static void
guess_token(const struct token_view *token, char out[TOKEN_MAX + 1])
{
	uint8_t secret[TOKEN_SECRET_BYTES];
	char prefix[TOKEN_MAX] = "";

	memcpy(prefix, token->text, (size_t)(token->id - token->text) - 1);
	fill_randomly(secret, sizeof secret);
	token_make(prefix, token->id, secret, out);
}

static void
guess(const char *path, unsigned long count, unsigned sources, const char *text)
{
	uint8_t out[ASKED * 256], answers[ASKED * 256], address[4] = {10};
	char guessed[TOKEN_MAX + 1];
	struct token_view token;
	int fd = connect_to(path);
	size_t len = 0;

	if (token_parse(text, strlen(text), &token) != REASON_NONE)
		fail("that is no token");
	for (unsigned long i = 0; i < count; i += ASKED) {
		struct writer w = writer_over(out, sizeof out);

		for (unsigned long k = i; k < i + ASKED; k++) {
			address[2] = (uint8_t)(k % sources >> 8);
			address[3] = (uint8_t)(k % sources);
			guess_token(&token, guessed);
			write_request(&w,
			    &(struct verify_request){
				.credential = bytes_of(guessed),
				.address = {address, sizeof address}});
		}
		if (send(fd, out, w.len, MSG_NOSIGNAL) != (ssize_t)w.len)
			die("send");
		for (unsigned k = 0; k < ASKED; k++)
			if (next_verdict(fd, answers, sizeof answers, &len) !=
			    VERDICT_UNKNOWN)
				fail("a guess is not unknown");
	}
	close(fd);
}

/* The one who behaves */

static void
calm(const char *path, unsigned long count, const char *token,
    const char *wanted)
{
	uint8_t out[512], answers[ANSWER];
	struct writer w = writer_over(out, sizeof out);
	uint32_t *samples = calloc(count, sizeof *samples);
	int fd = connect_to(path);
	size_t len = 0;

	if (samples == NULL)
		die("memory");
	write_request(
	    &w, &(struct verify_request){.credential = bytes_of(token)});
	for (unsigned long i = 0; i < count; i++) {
		uint64_t begun = now_ns();

		if (send(fd, out, w.len, MSG_NOSIGNAL) != (ssize_t)w.len)
			die("send");
		if (strcmp(verdict_text(
			       next_verdict(fd, answers, sizeof answers, &len)),
			wanted) != 0)
			fail("another verdict");
		samples[i] = (uint32_t)(now_ns() - begun);
	}
	sort_samples(samples, count);
	printf("%u\n", percentile(samples, count, 99));
	free(samples);
	close(fd);
}

int
main(int argc, char **argv)
{
	const char *what = argc > 3 ? argv[1] : "";
	unsigned long count = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;

	make_half();
	for (size_t i = 0; i < sizeof manners / sizeof manners[0]; i++) {
		if (strcmp(what, manners[i].name) != 0 || argc != 5)
			continue;
		for (long left = strtol(argv[4], NULL, 10); left > 0; left--)
			crowd(&manners[i], argv[2], count);
		return 0;
	}
	if (strcmp(what, "talk") == 0 && argc == 5)
		talk(argv[2], count, strtoul(argv[4], NULL, 10));
	else if (strcmp(what, "garbage") == 0 && argc == 4)
		garbage(argv[2], count);
	else if (strcmp(what, "guess") == 0 && argc == 6)
		guess(argv[2], count, (unsigned)atoi(argv[4]), argv[5]);
	else if (strcmp(what, "calm") == 0 && (argc == 5 || argc == 6))
		calm(argv[2], count, argv[4], argc == 6 ? argv[5] : "valid");
	else
		fail("half|drip|deaf|talk|garbage|guess|calm SOCKET COUNT ...");
	return 0;
}
