/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration file: input is the file. */
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/settings.h"
#include "fuzz.h"
#include "proto/text.h"

static int file;
static char path[64];

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_set_level((enum log_level)0); /* nobody reads it */
	file = memfd_create("settings", MFD_CLOEXEC);
	fuzz_require(file >= 0, "there is a file");
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	return 0;
}

static void
check(const struct settings *settings)
{
	const struct server_limits *limits = &settings->limits;

	fuzz_require(label_valid(settings->verify_socket_group, 1,
			 sizeof settings->verify_socket_group - 1),
	    "a group has a name");
	fuzz_require(settings->master_key_file[0] == '\0' ||
		settings->master_key_file[0] == '/',
	    "a path is absolute");
	fuzz_require(settings->log_level >= LOG_LEVEL_ERROR &&
		settings->log_level <= LOG_LEVEL_DEBUG,
	    "there is a log level");
	fuzz_require(limits->connections >= 1 &&
		limits->connections_per_uid >= 1 &&
		limits->request_timeout_ms >= 10 &&
		limits->request_timeout_ms <= 3600000,
	    "limits are within their ranges");
	fuzz_require(settings->signature_window >= 1 &&
		settings->expected_keys >= 1 &&
		settings->expected_keys <= 10000000,
	    "numbers are within their ranges");
	fuzz_use(settings, sizeof *settings);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings settings, before;

	fuzz_require(ftruncate(file, 0) == 0 &&
		pwrite(file, data, size, 0) == (ssize_t)size,
	    "the file is written");
	memset(&settings, 0, sizeof settings);
	settings_default(&settings);
	before = settings;
	if (!settings_read(&settings, path, true))
		fuzz_require(memcmp(&settings, &before, sizeof settings) == 0,
		    "what is refused changes nothing");
	check(&settings);
	return 0;
}
