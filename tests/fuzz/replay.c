/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In the place of libFuzzer, for every compiler: hands the files named, and
 * those of the directories named, to the target. To have none is a failure:
 * a corpus that was lost tests nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "fuzz.h"

/* Exactly as large as the file, so that a sanitizer sees its end. */
static bool
run_file(const char *path, size_t size)
{
	uint8_t *data = malloc(size > 0 ? size : 1);
	FILE *file = fopen(path, "re");
	bool whole =
	    data != NULL && file != NULL && fread(data, 1, size, file) == size;

	if (file != NULL)
		fclose(file);
	if (whole)
		LLVMFuzzerTestOneInput(data, size);
	else
		fprintf(stderr, "%s: cannot be read\n", path);
	free(data);
	return whole;
}

static long run_path(const char *path);

static long
run_directory(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	char name[4096];
	long count = 0;

	if (directory == NULL)
		return -1;
	while (count >= 0 && (entry = readdir(directory)) != NULL) {
		long more;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
		more = run_path(name);
		count = more < 0 ? -1 : count + more;
	}
	closedir(directory);
	return count;
}

/* How many inputs were run; -1 where one could not be. */
static long
run_path(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	if (S_ISDIR(st.st_mode))
		return run_directory(path);
	return run_file(path, (size_t)st.st_size) ? 1 : -1;
}

int
main(int argc, char **argv)
{
	long total = 0;

	LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		long count = run_path(argv[i]);

		if (count < 0)
			return EXIT_FAILURE;
		total += count;
	}
	printf("%ld inputs\n", total);
	return total > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
