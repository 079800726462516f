/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Varlink as it is on the wire, for tests that want to call what apikeyctl
 * would not, and as whoever runs it.
 *
 * varlink SOCKET
 *     Calls what standard input says, a line each: METHOD PARAMETERS, the
 *     latter JSON. Prints each answer on a line. All over one connection;
 *     ends when there is no more input, or no more answer (exit 1).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void
check(int condition, const char *what)
{
	if (condition)
		return;
	perror(what);
	exit(EXIT_FAILURE);
}

static int
open_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	check(fd >= 0, "socket");
	check(strlen(path) < sizeof address.sun_path, path);
	strcpy(address.sun_path, path);
	check(connect(fd, (struct sockaddr *)&address, sizeof address) == 0,
	    path);
	return fd;
}

static void
call(FILE *out, const char *line)
{
	size_t method = strcspn(line, " ");

	fprintf(out, "{\"method\":\"%.*s\",\"parameters\":%s}", (int)method,
	    line, line[method] != '\0' ? line + method + 1 : "{}");
	fputc('\0', out);
	check(fflush(out) == 0, "send");
}

/* Up to the NUL. */
static void
print_answer(FILE *in)
{
	int c;

	while ((c = getc(in)) != EOF && c != '\0')
		putchar(c);
	check(c == '\0', "no answer");
	putchar('\n');
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	FILE *in, *out;
	int fd;

	if (argc != 2) {
		fputs("usage: varlink SOCKET\n", stderr);
		return EXIT_FAILURE;
	}
	fd = open_socket(argv[1]);
	in = fdopen(fd, "r");
	out = fdopen(dup(fd), "w");
	check(in != NULL && out != NULL, "fdopen");
	while ((len = getline(&line, &size, stdin)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		call(out, line);
		print_answer(in);
	}
	free(line);
	fclose(in);
	fclose(out);
	return EXIT_SUCCESS;
}
