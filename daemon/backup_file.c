/* SPDX-License-Identifier: BSD-2-Clause */
#include "backup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

/* Reads exactly so much. */
static bool
fill(struct backup_file *file, size_t from, size_t len)
{
	if (fread(file->bytes + from, 1, len, file->stream) == len)
		return true;
	log_error("%s: %s", file->path,
	    ferror(file->stream) ? strerror(errno)
				 : "is cut off; nothing was changed");
	return false;
}

static bool
damaged(const struct backup_file *file)
{
	log_error("%s: is not as it was written, near byte %ld; nothing was "
		  "changed",
	    file->path, ftell(file->stream));
	return false;
}

static bool
read_head(struct backup_file *file, const uint8_t *master)
{
	struct backup_reader reader;
	uint8_t check[KEY_CHECK_BYTES];

	if (fread(file->bytes, 1, BACKUP_HEAD_LEN, file->stream) !=
		BACKUP_HEAD_LEN ||
	    !backup_read_head(file->bytes, &file->head)) {
		log_error("%s: is no backup of apikeyd; nothing was changed",
		    file->path);
		return false;
	}
	master_key_check(master, check);
	if (memcmp(check, file->head.key_check, KEY_CHECK_BYTES) != 0) {
		log_error("%s: made under another master key than the one "
			  "given; nothing was changed",
		    file->path);
		return false;
	}
	file->ring = keyring_unwrap(file->head.wrapped, master);
	return (file->ring != NULL &&
		   backup_head_is_sealed(&reader, file->bytes, file->ring)) ||
	    damaged(file);
}

bool
backup_file_open(struct backup_file *file, const char *path,
    const uint8_t master[SECRET_KEY_BYTES])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	*file = (struct backup_file){.path = path};
	if (fd < 0 || fstat(fd, &st) != 0) {
		log_error("%s: %s", path, strerror(errno));
		return false;
	}
	/* It is read twice. */
	if (!S_ISREG(st.st_mode)) {
		log_error("%s: is not a regular file", path);
		close(fd);
		return false;
	}
	file->stream = fdopen(fd, "r");
	if (file->stream == NULL) {
		log_error("%s: %s", path, strerror(errno));
		close(fd);
		return false;
	}
	if (read_head(file, master))
		return true;
	backup_file_close(file);
	return false;
}

void
backup_file_close(struct backup_file *file)
{
	if (file->stream != NULL)
		fclose(file->stream);
	keyring_free(file->ring);
	file->stream = NULL;
	file->ring = NULL;
}

static bool
read_root(struct backup_file *file, struct bytes data)
{
	struct record_name name = record_name_root();
	struct bytes name_bytes = {name.bytes, name.len};
	struct record_view view;
	const char *problem;

	return record_open(name_bytes, data, file->ring, &view, &problem) &&
	    record_to_root(&view, &file->root);
}

/* The next block, whose MAC is right. */
static bool
read_block(struct backup_file *file, struct backup_reader *reader,
    enum backup_block_type *type, struct reader *payload)
{
	size_t len;

	if (!fill(file, 0, BACKUP_BLOCK_HEAD_LEN))
		return false;
	if (!backup_block_head(file->bytes, type, &len))
		return damaged(file);
	if (!fill(file, BACKUP_BLOCK_HEAD_LEN, len + MAC_BYTES))
		return false;
	len += BACKUP_BLOCK_HEAD_LEN + MAC_BYTES;
	return backup_read_block(
		   reader, (struct bytes){file->bytes, len}, payload) ||
	    damaged(file);
}

bool
backup_file_read(struct backup_file *file, take_entry_fn *take, void *context)
{
	struct backup_reader reader;
	struct backup_entry entry;
	enum backup_block_type type;
	struct reader payload;
	struct bytes root;

	rewind(file->stream);
	if (!fill(file, 0, BACKUP_HEAD_LEN))
		return false;
	if (!backup_head_is_sealed(&reader, file->bytes, file->ring))
		return damaged(file);
	while (read_block(file, &reader, &type, &payload)) {
		if (type == BACKUP_END)
			return (backup_read_end(&reader, &payload, &root) &&
				   read_root(file, root) &&
				   getc(file->stream) == EOF) ||
			    damaged(file);
		while (backup_next_entry(&reader, &payload, &entry))
			if (take != NULL && !take(context, &entry))
				return false;
		if (!reader_done(&payload))
			return damaged(file);
	}
	return false;
}
