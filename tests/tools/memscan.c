/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looks for a text in another process's memory.
 *
 *     memscan PID <TEXT
 *
 * Prints a line for each place in writable memory where it lies: the address
 * and the mapping's name. Exits 0 if there is none, 1 if there is one, 2 if
 * memory may not be read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 256, CHUNK = 1 << 20 };

/* Pieces overlap by the text's length, so none falls between two. */
static unsigned
scan(int memory, uint64_t from, uint64_t to, const char *text, size_t len,
    const char *name)
{
	static char chunk[CHUNK];
	unsigned found = 0;

	while (from + len <= to) {
		size_t want = to - from < CHUNK ? (size_t)(to - from) : CHUNK;
		ssize_t n = pread(memory, chunk, want, (off_t)from);
		char *at = chunk;
		size_t left;

		if (n < (ssize_t)len)
			break; /* a guard page */
		left = (size_t)n;
		while ((at = memmem(at, left, text, len)) != NULL) {
			printf("%#llx %s\n",
			    (unsigned long long)from +
				(unsigned long long)(at - chunk),
			    name);
			found++;
			at++;
			left = (size_t)n - (size_t)(at - chunk);
		}
		from += (uint64_t)n - len + 1;
	}
	return found;
}

int
main(int argc, char **argv)
{
	char path[64], line[512], text[TEXT_MAX];
	unsigned found = 0;
	FILE *maps;
	int memory;

	if (argc != 2 || fgets(text, sizeof text, stdin) == NULL) {
		fputs("usage: memscan PID <TEXT\n", stderr);
		return 2;
	}
	text[strcspn(text, "\n")] = '\0';
	snprintf(path, sizeof path, "/proc/%s/maps", argv[1]);
	maps = fopen(path, "re");
	snprintf(path, sizeof path, "/proc/%s/mem", argv[1]);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	if (maps == NULL || memory < 0) {
		fprintf(stderr, "memscan: %s: %s\n", path, strerror(errno));
		return 2;
	}
	while (fgets(line, sizeof line, maps) != NULL) {
		unsigned long long from, to;
		char rights[8], name[256] = "(anonymous)";

		if (sscanf(line, "%llx-%llx %7s %*s %*s %*s %255s", &from, &to,
			rights, name) >= 3 &&
		    rights[1] == 'w')
			found +=
			    scan(memory, from, to, text, strlen(text), name);
	}
	fclose(maps);
	close(memory);
	return found > 0;
}
