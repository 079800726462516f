/* SPDX-License-Identifier: BSD-2-Clause */
#include "directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[64];
static int fd = -1;

void
directory_empty(void)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			unlinkat(fd, entry->d_name, 0);
	if (dir != NULL)
		closedir(dir);
}

static void
remove_directory(void)
{
	directory_empty();
	rmdir(path);
}

const char *
directory_make(void)
{
	strcpy(path,
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm/apikeyd-fuzz.XXXXXX"
					  : "/tmp/apikeyd-fuzz.XXXXXX");
	fuzz_require(mkdtemp(path) != NULL, "there is a directory");
	atexit(remove_directory);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fuzz_require(fd >= 0, "it can be opened");
	return path;
}

void
directory_write(const char *name, const void *data, size_t len)
{
	int file =
	    openat(fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	fuzz_require(file >= 0 && write(file, data, len) == (ssize_t)len,
	    "a file is written");
	close(file);
}

struct bytes
directory_read(const char *name)
{
	int file = openat(fd, name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *data;

	if (file < 0)
		return (struct bytes){NULL, 0};
	fuzz_require(fstat(file, &st) == 0, "there is a file");
	data = malloc((size_t)st.st_size + 1);
	fuzz_require(
	    data != NULL && read(file, data, (size_t)st.st_size) == st.st_size,
	    "a file is read");
	close(file);
	return (struct bytes){data, (size_t)st.st_size};
}
