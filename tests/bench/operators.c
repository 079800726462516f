/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operators at work: changes over the admin socket, as fast as they are
 * acknowledged.
 *
 *     operators create|update ADMIN-SOCKET [OPTION]... [<TOKENS]
 *     operators append FILE [--seconds S]
 *
 *   --operators N   at once, each on a connection of its own (1)
 *   --seconds S     for how long (1)
 *   --changes N     instead: so many of each operator
 *   --product P     for which keys are created (api)
 *   --pin PIN       given with each
 *
 * create makes keys of account acme; update disables, enables, renames and
 * rotates keys whose tokens are on stdin. append is what a change is measured
 * by: 512 bytes at the end of a file, and fdatasync(2). Prints one line:
 * changes, seconds, rate, and p50 in nanoseconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugins/ctl/varlink_client.h"
#include "proto/token.h"
#include "samples.h"

enum { TIMEOUT_MS = 60000 };

struct work;
/* Makes the n-th change; false where it was not acknowledged. */
typedef bool change_fn(struct work *work, unsigned long n);

struct options {
	const char *path, *product, *pin;
	change_fn *change;
	unsigned operators;
	double seconds;
	unsigned long changes;
	char (*ids)[KEY_ID_MAX + 1];
	size_t id_count;
};

/* Of one operator. */
struct work {
	pthread_t thread;
	const struct options *options;
	unsigned number;
	struct varlink_client client;
	int fd; /* to append to */
	unsigned long done;
	size_t sample_count;
	uint32_t *samples;
};

static void
die(const char *what)
{
	fprintf(stderr, "operators: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Takes the reference to parameters. */
static bool
call(struct work *work, const char *method, json_t *parameters)
{
	char name[96];
	json_t *reply = NULL;
	bool done;

	snprintf(name, sizeof name, "io.apikeyd.Admin.%s", method);
	done = varlink_call(&work->client, name, parameters, TIMEOUT_MS,
		   &reply) == VARLINK_OK &&
	    json_object_get(reply, "error") == NULL;
	if (!done && reply != NULL)
		json_dumpf(reply, stderr, 0);
	json_decref(reply);
	json_decref(parameters);
	return done;
}

static bool
create(struct work *work, unsigned long n)
{
	char name[64];

	snprintf(name, sizeof name, "Bench %u-%lu", work->number, n);
	return call(work, "CreateKey",
	    json_pack("{s:{s:s, s:s, s:s}, s:s?}", "settings", "account",
		"acme", "product", work->options->product, "name", name, "pin",
		work->options->pin));
}

static bool
update(struct work *work, unsigned long n)
{
	const struct options *options = work->options;
	/* Each operator has keys of its own, each of them four changes. */
	size_t share = options->id_count / options->operators;
	const char *id =
	    options->ids[work->number * share + n / 4 * 7919 % share];
	char name[64];

	switch (n % 4) {
	case 0:
		return call(work, "DisableKey", json_pack("{s:s}", "id", id));
	case 1:
		return call(work, "EnableKey", json_pack("{s:s}", "id", id));
	case 2:
		snprintf(name, sizeof name, "Renamed %lu", n);
		return call(work, "UpdateKey",
		    json_pack(
			"{s:s, s:{s:s}}", "id", id, "settings", "name", name));
	default:
		return call(work, "RotateKey", json_pack("{s:s}", "id", id));
	}
}

static bool
append(struct work *work, unsigned long n)
{
	static const char record[512];

	(void)n;
	return write(work->fd, record, sizeof record) == sizeof record &&
	    fdatasync(work->fd) == 0;
}

static void *
run_operator(void *context)
{
	struct work *work = context;
	const struct options *options = work->options;
	uint64_t end = now_ns() + (uint64_t)(options->seconds * 1e9);

	for (unsigned long n = 0;
	     options->changes != 0 ? n < options->changes : now_ns() < end;
	     n++) {
		uint64_t begun = now_ns();

		if (!options->change(work, n))
			die("a change was not acknowledged");
		if (work->sample_count < SAMPLES_MAX)
			work->samples[work->sample_count++] =
			    (uint32_t)(now_ns() - begun);
		work->done++;
	}
	return NULL;
}

static void
prepare(struct work *work, const struct options *options, unsigned number)
{
	*work = (struct work){.options = options, .number = number, .fd = -1};
	work->samples = malloc(SAMPLES_MAX * sizeof *work->samples);
	if (work->samples == NULL)
		die("no memory");
	varlink_init(&work->client, options->path);
	if (options->change != append)
		return;
	work->fd = open(
	    options->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (work->fd < 0)
		die(options->path);
}

static void
run(const struct options *options)
{
	struct work *works = calloc(options->operators, sizeof *works);
	unsigned long done = 0;
	uint64_t begun, ns;

	if (works == NULL)
		die("no memory");
	for (unsigned i = 0; i < options->operators; i++)
		prepare(&works[i], options, i);
	begun = now_ns();
	for (unsigned i = 0; i < options->operators; i++)
		if (pthread_create(
			&works[i].thread, NULL, run_operator, &works[i]) != 0)
			die("pthread_create");
	for (unsigned i = 0; i < options->operators; i++) {
		pthread_join(works[i].thread, NULL);
		done += works[i].done;
	}
	ns = now_ns() - begun;
	/* Of the first: they are all alike. */
	qsort(works[0].samples, works[0].sample_count, sizeof *works[0].samples,
	    compare_samples);
	printf("changes=%lu seconds=%.3f rate=%.1f p50=%u\n", done,
	    (double)ns / 1e9, (double)done * 1e9 / (double)ns,
	    percentile(works[0].samples, works[0].sample_count, 50));
}

static void
read_ids(struct options *options)
{
	char line[TOKEN_MAX + 2];
	size_t room = 0;

	while (fgets(line, sizeof line, stdin) != NULL) {
		struct token_view view;

		line[strcspn(line, "\n")] = '\0';
		if (token_parse(line, strlen(line), &view) != REASON_NONE)
			die("not a token on stdin");
		if (options->id_count == room) {
			room = room > 0 ? 2 * room : 1024;
			options->ids =
			    realloc(options->ids, room * sizeof *options->ids);
			if (options->ids == NULL)
				die("no memory");
		}
		snprintf(options->ids[options->id_count++], KEY_ID_MAX + 1,
		    "%.*s", (int)view.key_id_len, line);
	}
	if (options->id_count < options->operators)
		die("too few tokens on stdin");
}

static void
read_options(struct options *options, int argc, char **argv)
{
	enum { OPERATORS = 256, SECONDS, CHANGES, PRODUCT, PIN };
	static const struct option names[] = {
	    {"operators", required_argument, NULL, OPERATORS},
	    {"seconds", required_argument, NULL, SECONDS},
	    {"changes", required_argument, NULL, CHANGES},
	    {"product", required_argument, NULL, PRODUCT},
	    {"pin", required_argument, NULL, PIN},
	    {NULL, 0, NULL, 0},
	};
	static const struct {
		const char *name;
		change_fn *change;
	} kinds[] = {
	    {"create", create}, {"update", update}, {"append", append}};
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
		switch (option) {
		case OPERATORS:
			options->operators = (unsigned)atoi(optarg);
			break;
		case SECONDS:
			options->seconds = atof(optarg);
			break;
		case CHANGES:
			options->changes = strtoul(optarg, NULL, 10);
			break;
		case PRODUCT:
			options->product = optarg;
			break;
		case PIN:
			options->pin = optarg;
			break;
		default:
			exit(2);
		}
	for (size_t i = 0;
	     argc - optind == 2 && i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(argv[optind], kinds[i].name) == 0)
			options->change = kinds[i].change;
	if (options->change == NULL || options->operators == 0) {
		fputs("usage: operators create|update|append PATH "
		      "[OPTION]...\n",
		    stderr);
		exit(2);
	}
	options->path = argv[optind + 1];
}

int
main(int argc, char **argv)
{
	static struct options options = {
	    .operators = 1, .seconds = 1, .product = "api"};

	read_options(&options, argc, argv);
	if (options.change == update)
		read_ids(&options);
	run(&options);
	return 0;
}
