/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Verifies the API keys on standard input, one a line, each over a connection
 * of its own and all at the same time, in an event loop.
 *
 *	cc loop.c $(pkg-config --cflags --libs libapikey)
 *	./a.out [SOCKET [TIMEOUT_MS]] <FILE
 *
 * Exits 0 if all are valid, 1 if not, 2 if nobody knows.
 */
#include <apikey.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum { JOBS_MAX = 64 };

struct job {
	struct apikey_client *client;
	struct apikey_request request; /* stay where they are meanwhile */
	struct apikey_result result;
	enum apikey_status status;
	int watched; /* what epoll watches for this job, or -1 */
	char token[256];
};

static struct job jobs[JOBS_MAX];

/* Has epoll watch what the client wants, after each call of it. */
static void
watch(int loop, struct job *job)
{
	int fd =
	    job->status == APIKEY_IN_PROGRESS ? apikey_fd(job->client) : -1;
	short wanted = apikey_events(job->client);
	struct epoll_event event = {0};

	event.data.ptr = job;
	if ((wanted & POLLIN) != 0)
		event.events |= EPOLLIN;
	if ((wanted & POLLOUT) != 0)
		event.events |= EPOLLOUT;
	/* Where the client has closed it, it is off the list already. */
	if (job->watched >= 0 && job->watched != fd)
		epoll_ctl(loop, EPOLL_CTL_DEL, job->watched, NULL);
	if (fd >= 0)
		epoll_ctl(loop,
		    fd == job->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd,
		    &event);
	job->watched = fd;
}

static void
start(int loop, struct job *job, const char *path, int timeout_ms)
{
	static const struct apikey_request nothing = APIKEY_REQUEST_INIT;

	job->watched = -1;
	job->result.size = sizeof job->result;
	job->request = nothing;
	job->request.token = job->token;
	job->request.token_len = strlen(job->token);
	job->request.endpoint = "example: loop";
	job->status = apikey_client_open(&job->client, path);
	if (job->status != APIKEY_OK)
		return;
	job->status = apikey_start(
	    job->client, &job->request, &job->result, 1, timeout_ms);
	watch(loop, job);
}

static void
advance(int loop, struct job *job, unsigned events)
{
	short revents = 0;

	if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0)
		revents |= POLLIN;
	if ((events & EPOLLOUT) != 0)
		revents |= POLLOUT;
	job->status = apikey_advance(job->client, revents);
	watch(loop, job);
}

/* Milliseconds until somebody wants to be called; -1: nobody ever. */
static int
patience(size_t count)
{
	int least = -1;

	for (size_t i = 0; i < count; i++) {
		int own = apikey_timeout_ms(jobs[i].client);

		if (own >= 0 && (least < 0 || own < least))
			least = own;
	}
	return least;
}

static void
run(int loop, size_t count)
{
	int timeout_ms;

	while ((timeout_ms = patience(count)) >= 0) {
		struct epoll_event events[JOBS_MAX];
		int ready = epoll_wait(loop, events, JOBS_MAX, timeout_ms);

		for (int i = 0; i < ready; i++)
			advance(loop, events[i].data.ptr, events[i].events);
		for (size_t i = 0; i < count; i++)
			if (apikey_timeout_ms(jobs[i].client) == 0)
				advance(loop, &jobs[i], 0);
	}
}

static int
report(const struct job *job)
{
	if (job->status != APIKEY_OK) {
		printf("(%s)\n", apikey_status_text(job->status));
		return 2;
	}
	printf("%s %s\n", apikey_verdict_text(job->result.verdict),
	    job->result.id);
	return job->result.verdict == APIKEY_VALID ? 0 : 1;
}

int
main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : NULL;
	int timeout_ms = argc > 2 ? atoi(argv[2]) : 1000;
	int loop = epoll_create1(EPOLL_CLOEXEC);
	size_t count = 0;
	int code = 0;

	while (count < JOBS_MAX &&
	    fgets(jobs[count].token, sizeof jobs[count].token, stdin) != NULL) {
		jobs[count].token[strcspn(jobs[count].token, "\n")] = '\0';
		start(loop, &jobs[count], path, timeout_ms);
		count++;
	}
	run(loop, count);
	for (size_t i = 0; i < count; i++) {
		int one = report(&jobs[i]);

		if (one > code)
			code = one;
		apikey_client_close(jobs[i].client);
	}
	explicit_bzero(jobs, sizeof jobs);
	return code;
}
