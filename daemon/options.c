/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "log.h"
#include "options.h"
#include "proto/text.h"
#include "settings.h"

static const char help[] =
    "Usage: apikeyd [OPTION]...\n"
    "Issues and verifies API keys for the programs of this host.\n"
    "\n"
    "  --config FILE             read FILE (default: " DEFAULT_CONFIG_FILE ",\n"
    "                            which may be absent)\n"
    "  --state-directory DIR     where keys are kept (default:\n"
    "                            $STATE_DIRECTORY or /var/lib/apikeyd)\n"
    "  --runtime-directory DIR   where sockets are made (default:\n"
    "                            $RUNTIME_DIRECTORY or /run/apikeyd)\n"
    "  --check-config            say what is wrong with the configuration\n"
    "                            and exit\n"
    "  --rekey NEW-KEY-FILE      put the store under this master key and "
    "exit;\n"
    "                            while no daemon runs\n"
    "  --restore FILE            put the backup in FILE in the store's "
    "place\n"
    "                            and exit; while no daemon runs\n"
    "  --version                 print the version and exit\n"
    "  --help                    print this and exit\n"
    "\n"
    "Runs in the foreground as any user. SIGHUP reads the configuration\n"
    "again, SIGTERM ends it.\n";

/* A directory: as given, else the first of systemd's list, else the default. */
static bool
choose_directory(char out[PATH_MAX], const char *variable, const char *fallback)
{
	const char *list = getenv(variable);
	size_t len;

	if (out[0] != '\0')
		return true;
	if (list == NULL || list[0] == '\0')
		list = fallback;
	len = strcspn(list, ":");
	if (len >= PATH_MAX) {
		log_error("$%s: path too long", variable);
		return false;
	}
	memcpy(out, list, len);
	out[len] = '\0';
	return true;
}

static bool
copy_path(char out[PATH_MAX], const char *path)
{
	if (path[0] != '\0' && text_copy(out, PATH_MAX, path))
		return true;
	log_error("expected a directory, got \"%s\"", path);
	return false;
}

enum {
	CONFIG = 256,
	STATE,
	RUNTIME,
	CHECK,
	REKEY,
	RESTORE,
	VERSION,
	HELP,
};

/* Whoever asked for it has it, or is told: the exit code. */
static int
print(const char *text)
{
	if (fputs(text, stdout) >= 0 && fflush(stdout) == 0)
		return 0;
	log_error("cannot write to standard output: %s", strerror(errno));
	return 1;
}

/* One that getopt has returned; as options_read(). */
static int
take_option(struct options *options, int option)
{
	switch (option) {
	case CONFIG:
		options->config_file = optarg;
		return -1;
	case STATE:
		return copy_path(options->state_directory, optarg) ? -1 : 1;
	case RUNTIME:
		return copy_path(options->runtime_directory, optarg) ? -1 : 1;
	case CHECK:
		options->check_config = true;
		return -1;
	case REKEY:
		options->rekey_file = optarg;
		return -1;
	case RESTORE:
		options->restore_file = optarg;
		return -1;
	case VERSION:
		return print("apikeyd " PACKAGE_VERSION "\n");
	case HELP:
		return print(help);
	default: /* getopt has said what */
		fputs("Try: apikeyd --help\n", stderr);
		return 1;
	}
}

int
options_read(int argc, char **argv, struct options *options)
{
	static const struct option names[] = {
	    {"config", required_argument, NULL, CONFIG},
	    {"state-directory", required_argument, NULL, STATE},
	    {"runtime-directory", required_argument, NULL, RUNTIME},
	    {"check-config", no_argument, NULL, CHECK},
	    {"rekey", required_argument, NULL, REKEY},
	    {"restore", required_argument, NULL, RESTORE},
	    {"version", no_argument, NULL, VERSION},
	    {"help", no_argument, NULL, HELP},
	    {NULL, 0, NULL, 0},
	};
	int option, code;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		code = take_option(options, option);
		if (code >= 0)
			return code;
	}
	if (optind < argc) {
		log_error("unexpected argument: %s; see apikeyd --help",
		    argv[optind]);
		return 1;
	}
	return choose_directory(options->state_directory, "STATE_DIRECTORY",
		   "/var/lib/apikeyd") &&
		choose_directory(options->runtime_directory,
		    "RUNTIME_DIRECTORY", "/run/apikeyd")
	    ? -1
	    : 1;
}

bool
options_read_settings(const struct options *options, struct settings *settings)
{
	bool named = options->config_file != NULL;

	return settings_read(settings,
	    named ? options->config_file : DEFAULT_CONFIG_FILE, named);
}
