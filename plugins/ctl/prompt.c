/* SPDX-License-Identifier: BSD-2-Clause */
#include "prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

int
prompt_open(void)
{
	return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

static void
say(int fd, const char *text)
{
	/* A question that cannot be shown gets no answer either. */
	if (write(fd, text, strlen(text)) < 0)
		return;
}

bool
prompt_confirm(int tty, const char *question)
{
	char answer[16] = "", byte;
	size_t len = 0;
	ssize_t n;

	say(tty, question);
	while ((n = read(tty, &byte, 1)) == 1 && byte != '\n')
		if (len < sizeof answer - 1)
			answer[len++] = byte;
	if (n != 1)
		return false;
	return strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0;
}

/* Reads to the end, or to the end of the line. */
static bool
read_all(int fd, bool line, char *secret, size_t room, size_t *len)
{
	char chunk[512];
	bool good = false;
	ssize_t n;

	*len = 0;
	for (;;) {
		size_t take;

		n = read(fd, chunk, line ? 1 : sizeof chunk);
		if (n <= 0)
			break;
		take = (size_t)n;
		if (take > room - *len)
			take = room - *len;
		memcpy(secret + *len, chunk, take);
		*len += take;
		if (line && chunk[0] == '\n')
			break;
	}
	good = n >= 0;
	explicit_bzero(chunk, sizeof chunk);
	if (*len > 0 && secret[*len - 1] == '\n')
		--*len;
	if (*len > 0 && secret[*len - 1] == '\r')
		--*len;
	return good;
}

static volatile sig_atomic_t caught;

static void
note_signal(int number)
{
	caught = number;
}

/*
 * The terminal gets its echo back before a signal takes its course: without
 * SA_RESTART the read comes back, and the signal is raised again at the end.
 */
static bool
read_silently(int tty, char *secret, size_t room, size_t *len)
{
	static const int signals[] = {
	    SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
	enum { SIGNALS = sizeof signals / sizeof signals[0] };
	struct sigaction old[SIGNALS], action = {.sa_handler = note_signal};
	struct termios shown, silent;
	bool good;
	int error;

	if (tcgetattr(tty, &shown) != 0)
		return false;
	silent = shown;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK);
	caught = 0;
	for (size_t i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &action, &old[i]);
	tcsetattr(tty, TCSAFLUSH, &silent);
	good = read_all(tty, true, secret, room, len);
	error = errno;
	tcsetattr(tty, TCSAFLUSH, &shown);
	say(tty, "\n");
	for (size_t i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &old[i], NULL);
	if (caught != 0)
		raise(caught);
	errno = error;
	return good;
}

bool
prompt_asks(void)
{
	return isatty(STDIN_FILENO);
}

bool
prompt_secret(const char *question, char *secret, size_t room, size_t *len)
{
	bool good;
	int tty, error;

	*len = 0;
	if (!prompt_asks())
		return read_all(STDIN_FILENO, false, secret, room, len);
	tty = prompt_open();
	if (tty < 0)
		return false;
	say(tty, question);
	good = read_silently(tty, secret, room, len);
	error = errno;
	close(tty);
	errno = error;
	return good;
}

bool
prompt_file(const char *path, char *secret, size_t room, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	bool good;
	int error;

	*len = 0;
	if (fd < 0)
		return false;
	good = read_all(fd, false, secret, room, len);
	error = errno;
	close(fd);
	errno = error;
	return good;
}
