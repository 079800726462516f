/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Load for a server on a UNIX socket, and what became of it.
 *
 *     load PROTOCOL SOCKET [OPTION]... <TOKENS
 *
 *   --clients N       at once, each a thread that waits for its answers (1)
 *   --depth N         requests a client sends before it reads (1)
 *   --reconnect       a connection for each batch of requests
 *   --seconds S       for how long (1)
 *   --requests N      instead: so many of each client
 *   --cpu N           where the clients run (anywhere)
 *   --server PID      whose processor time is counted
 *
 * Tokens are taken in turn, each client beginning at another. Prints one line
 * of name=value: requests, seconds, wrong, and in nanoseconds p50, p99 (of a
 * batch) and server (of its processors, a request).
 */
#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol.h"
#include "samples.h"

enum { ANSWERS_MAX = 256 * 1024, TOKEN_SIZE = 128 };

struct load {
	const struct protocol *protocol;
	const char *socket;
	unsigned clients, depth, cpu;
	bool reconnect, pinned;
	double seconds;
	unsigned long
	    requests; /* of each client; 0: as many as there is time */
	pid_t server;
	char (*tokens)[TOKEN_SIZE];
	size_t token_count;
	atomic_bool over;
};

struct client {
	pthread_t thread;
	struct load *load;
	size_t next; /* token */
	int fd;
	unsigned long requests, wrong;
	size_t sample_count;
	uint32_t *samples; /* ns a batch */
	uint8_t *out, *in;
};

static void
die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int
open_connection(const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	const struct timespec pause = {0, 50000000};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int tries = 200;

	snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
	/* Refused: bound, but not listening yet. A slow start is not what is
	 * measured. */
	while (fd >= 0 &&
	    connect(fd, (struct sockaddr *)&name, sizeof name) != 0) {
		if (errno != ECONNREFUSED || tries-- == 0)
			die(path);
		nanosleep(&pause, NULL);
	}
	if (fd < 0)
		die("socket");
	return fd;
}

static void
send_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			die("send");
		data += sent;
		len -= (size_t)sent;
	}
}

static const char *
token_of(const struct client *client, size_t n)
{
	const struct load *load = client->load;

	return load->tokens[(client->next + n) % load->token_count];
}

/* Reads until all answers of a batch have come. */
static void
read_answers(struct client *client)
{
	const struct load *load = client->load;
	size_t have = 0, taken = 0, used;

	for (unsigned n = 0; n < load->depth;) {
		struct bytes rest = {client->in + taken, have - taken};
		enum answer answer = rest.len == 0
		    ? ANSWER_SHORT
		    : load->protocol->judge(rest, token_of(client, n), &used);
		ssize_t got;

		if (answer == ANSWER_WRONG) {
			client->wrong += load->depth - n;
			return;
		}
		if (answer == ANSWER_RIGHT) {
			taken += used;
			n++;
			continue;
		}
		got = read(client->fd, client->in + have, ANSWERS_MAX - have);
		if (got <= 0) {
			client->wrong += load->depth - n;
			return;
		}
		have += (size_t)got;
	}
}

static void
run_batch(struct client *client)
{
	const struct load *load = client->load;
	struct writer w = writer_over(client->out, load->depth * REQUEST_MAX);

	if (load->protocol->exchange != NULL) {
		for (unsigned n = 0; n < load->depth; n++)
			if (!load->protocol->exchange(
				load->socket, token_of(client, n)))
				client->wrong++;
		return;
	}
	for (unsigned n = 0; n < load->depth; n++)
		load->protocol->ask(&w, token_of(client, n));
	if (client->fd < 0)
		client->fd = open_connection(load->socket);
	send_all(client->fd, client->out, w.len);
	read_answers(client);
	if (load->reconnect || load->protocol->once) {
		close(client->fd);
		client->fd = -1;
	}
}

static void *
run_client(void *context)
{
	struct client *client = context;
	const struct load *load = client->load;

	while (load->requests != 0 ? client->requests < load->requests
				   : !atomic_load(&load->over)) {
		uint64_t begun = now_ns();

		run_batch(client);
		if (client->sample_count < SAMPLES_MAX)
			client->samples[client->sample_count++] =
			    (uint32_t)(now_ns() - begun);
		client->requests += load->depth;
		client->next = (client->next + load->depth) % load->token_count;
		if (client->wrong > 0)
			break;
	}
	return NULL;
}

/* All of its threads. */
static uint64_t
server_ns(pid_t pid)
{
	char pattern[64];
	glob_t files;
	uint64_t sum = 0;

	snprintf(
	    pattern, sizeof pattern, "/proc/%d/task/*/schedstat", (int)pid);
	if (pid == 0 || glob(pattern, 0, NULL, &files) != 0)
		return 0;
	for (size_t i = 0; i < files.gl_pathc; i++) {
		FILE *file = fopen(files.gl_pathv[i], "re");
		unsigned long long ns = 0;

		if (file == NULL)
			continue;
		if (fscanf(file, "%llu", &ns) == 1)
			sum += ns;
		fclose(file);
	}
	globfree(&files);
	return sum;
}

static void
report(const struct load *load, struct client *clients, uint64_t ns,
    uint64_t cpu_ns)
{
	uint32_t *all =
	    calloc((size_t)load->clients * SAMPLES_MAX, sizeof *all);
	unsigned long requests = 0, wrong = 0;
	size_t count = 0;

	if (all == NULL)
		die("no memory");
	for (unsigned i = 0; i < load->clients; i++) {
		memcpy(all + count, clients[i].samples,
		    clients[i].sample_count * sizeof *all);
		count += clients[i].sample_count;
		requests += clients[i].requests;
		wrong += clients[i].wrong;
	}
	sort_samples(all, count);
	printf("requests=%lu seconds=%.3f wrong=%lu rate=%.0f p50=%u p99=%u "
	       "server=%.0f\n",
	    requests, (double)ns / 1e9, wrong,
	    (double)requests * 1e9 / (double)ns, percentile(all, count, 50),
	    percentile(all, count, 99),
	    requests > 0 ? (double)cpu_ns / (double)requests : 0);
	free(all);
	if (wrong > 0)
		exit(1);
}

static void
prepare_client(struct client *client, struct load *load, unsigned n)
{
	*client = (struct client){.load = load,
	    .fd = -1,
	    .next = load->token_count / load->clients * n,
	    .samples = malloc(SAMPLES_MAX * sizeof *client->samples),
	    .out = malloc((size_t)load->depth * REQUEST_MAX),
	    .in = malloc(ANSWERS_MAX)};
	if (client->samples == NULL || client->out == NULL ||
	    client->in == NULL)
		die("no memory");
	/* Connecting is part of what is measured only where it is repeated. */
	if (!load->reconnect && !load->protocol->once &&
	    load->protocol->exchange == NULL)
		client->fd = open_connection(load->socket);
}

static void
run(struct load *load)
{
	struct client *clients = calloc(load->clients, sizeof *clients);
	struct timespec duration = {(time_t)load->seconds,
	    (long)((load->seconds - (double)(time_t)load->seconds) * 1e9)};
	uint64_t begun, cpu;

	if (clients == NULL)
		die("no memory");
	for (unsigned i = 0; i < load->clients; i++)
		prepare_client(&clients[i], load, i);
	cpu = server_ns(load->server);
	begun = now_ns();
	for (unsigned i = 0; i < load->clients; i++)
		if (pthread_create(
			&clients[i].thread, NULL, run_client, &clients[i]) != 0)
			die("pthread_create");
	if (load->requests == 0) {
		nanosleep(&duration, NULL);
		atomic_store(&load->over, true);
	}
	for (unsigned i = 0; i < load->clients; i++)
		pthread_join(clients[i].thread, NULL);
	report(load, clients, now_ns() - begun, server_ns(load->server) - cpu);
}

static void
read_tokens(struct load *load)
{
	size_t room = 0;
	char line[TOKEN_SIZE];

	while (fgets(line, sizeof line, stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (load->token_count == room) {
			room = room > 0 ? 2 * room : 1024;
			load->tokens =
			    realloc(load->tokens, room * sizeof *load->tokens);
			if (load->tokens == NULL)
				die("no memory");
		}
		memcpy(load->tokens[load->token_count++], line, sizeof line);
	}
	if (load->token_count == 0)
		die("no tokens on stdin");
}

static void
pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof set, &set) != 0)
		die("sched_setaffinity");
}

static void
read_options(struct load *load, int argc, char **argv)
{
	enum {
		CLIENTS = 256,
		DEPTH,
		RECONNECT,
		SECONDS,
		REQUESTS,
		CPU,
		SERVER
	};
	static const struct option names[] = {
	    {"clients", required_argument, NULL, CLIENTS},
	    {"depth", required_argument, NULL, DEPTH},
	    {"reconnect", no_argument, NULL, RECONNECT},
	    {"seconds", required_argument, NULL, SECONDS},
	    {"requests", required_argument, NULL, REQUESTS},
	    {"cpu", required_argument, NULL, CPU},
	    {"server", required_argument, NULL, SERVER},
	    {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
		switch (option) {
		case CLIENTS:
			load->clients = (unsigned)atoi(optarg);
			break;
		case DEPTH:
			load->depth = (unsigned)atoi(optarg);
			break;
		case RECONNECT:
			load->reconnect = true;
			break;
		case SECONDS:
			load->seconds = atof(optarg);
			break;
		case REQUESTS:
			load->requests = strtoul(optarg, NULL, 10);
			break;
		case CPU:
			load->cpu = (unsigned)atoi(optarg);
			load->pinned = true;
			break;
		case SERVER:
			load->server = (pid_t)atoi(optarg);
			break;
		default:
			exit(2);
		}
	if (argc - optind != 2 || load->clients == 0 || load->depth == 0 ||
	    (load->protocol = protocol_by_name(argv[optind])) == NULL) {
		fputs("usage: load PROTOCOL SOCKET [OPTION]... <TOKENS\n",
		    stderr);
		exit(2);
	}
	load->socket = argv[optind + 1];
}

int
main(int argc, char **argv)
{
	static struct load load = {.clients = 1, .depth = 1, .seconds = 1};

	read_options(&load, argc, argv);
	read_tokens(&load);
	if (load.pinned)
		pin(load.cpu);
	run(&load);
	return 0;
}
