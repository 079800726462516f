/* SPDX-License-Identifier: BSD-2-Clause */
#include "journald.h"

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "proto/cursor.h"

static const struct sockaddr_un address = {
    .sun_family = AF_UNIX,
    .sun_path = "/run/systemd/journal/socket",
};

/* A value that held a newline would be two fields. */
static void
write_field(struct writer *w, const char *name, const char *value, size_t len)
{
	write_bytes(w, name, strlen(name));
	write_u8(w, '=');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)value[i];

		write_u8(w, c < 0x20 || c == 0x7f ? '?' : c);
	}
	write_u8(w, '\n');
}

size_t
journald_entry(char out[JOURNALD_ENTRY_MAX], int priority, const char *text,
    size_t len, const struct log_field *fields, size_t count)
{
	struct writer w = writer_over((uint8_t *)out, JOURNALD_ENTRY_MAX);
	char digit = (char)('0' + priority);

	write_field(&w, "PRIORITY", &digit, 1);
	write_field(&w, "SYSLOG_IDENTIFIER", "apikeyd", strlen("apikeyd"));
	write_field(&w, "MESSAGE", text, len);
	for (size_t i = 0; i < count; i++)
		write_field(&w, fields[i].name, fields[i].value,
		    strlen(fields[i].value));
	return w.failed ? 0 : w.len;
}

static int journal = -1;

static void
open_socket(void)
{
	journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

bool
journald_send(int priority, const char *text, size_t len,
    const struct log_field *fields, size_t count)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	char entry[JOURNALD_ENTRY_MAX];
	size_t size = journald_entry(entry, priority, text, len, fields, count);

	pthread_once(&once, open_socket);
	/* Not connected: the journal may be restarted. */
	return size > 0 && journal >= 0 &&
	    sendto(journal, entry, size, MSG_NOSIGNAL | MSG_DONTWAIT,
		(const struct sockaddr *)&address, sizeof address) >= 0;
}
