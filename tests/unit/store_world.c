/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stock.h"
#include "counted_log.h"
#include "store_disk.h"
#include "store_world.h"

struct store *store;
struct keyring *ring;
struct content content;

char directory[64];
const uint8_t master[SECRET_KEY_BYTES] = {1, 2, 3};

const char *
in_directory(const char *name)
{
	static char path[128];

	snprintf(path, sizeof path, "%s/%s", directory, name);
	return path;
}

struct image
file_read(void)
{
	struct image image = {NULL, 0};
	int fd = open(in_directory("keys.tdb"), O_RDONLY);
	struct stat st;

	ck_assert(fd >= 0 && fstat(fd, &st) == 0);
	image.len = (size_t)st.st_size;
	image.data = malloc(image.len + 1);
	ck_assert(read(fd, image.data, image.len) == (ssize_t)image.len);
	close(fd);
	return image;
}

void
file_write(const void *data, size_t len)
{
	int fd =
	    open(in_directory("keys.tdb"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	close(fd);
}

bool
file_is(const void *data, size_t len)
{
	struct image now = file_read();
	bool same = now.len == len && memcmp(now.data, data, len) == 0;

	free(now.data);
	return same;
}

static int
by_name(const void *a, const void *b)
{
	return memcmp(a, b, RECORD_NAME_MAX + 1);
}

bool
collect(void *context, struct record_view *view, const char **problem)
{
	struct content *into = context;
	struct item *item = &into->items[into->count];

	(void)problem;
	ck_assert(into->count < 6000);
	into->count++;
	memset(item, 0, sizeof *item);
	item->name[0] = (uint8_t)view->kind;
	memcpy(item->name + 1, view->name.data, view->name.len);
	item->sequence = view->sequence;
	memcpy(item->mac, view->mac.data, MAC_BYTES);
	return true;
}

static void
sort(void)
{
	qsort(content.items, content.count, sizeof content.items[0], by_name);
}

bool
same_content(const struct content *a, const struct content *b)
{
	return a->count == b->count &&
	    memcmp(a->items, b->items, a->count * sizeof a->items[0]) == 0;
}

const struct item *
find_named(const void *name, size_t len)
{
	uint8_t wanted[RECORD_NAME_MAX + 1] = {0};

	memcpy(wanted, name, len);
	return bsearch(wanted, content.items, content.count,
	    sizeof content.items[0], by_name);
}

const struct item *
find(char kind, const char *name)
{
	char named[RECORD_NAME_MAX + 1];

	return find_named(
	    named, (size_t)snprintf(named, sizeof named, "%c%s", kind, name));
}

bool
open_store(void)
{
	content.count = 0;
	store = store_open(
	    directory, EXPECTED_KEYS, master, &ring, collect, &content);
	sort();
	ck_assert((store != NULL) == (ring != NULL));
	return store != NULL;
}

void
close_store(void)
{
	store_stop(store);
	store_free(store);
	keyring_free(ring);
}

struct content
reopened(void)
{
	ck_assert_msg(open_store(), "%s", last_error);
	close_store();
	return content;
}

void
with_store(void)
{
	strcpy(directory, "/tmp/apikeyd-store-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert(store_create(directory, EXPECTED_KEYS, master));
}

void
without_store(void)
{
	static const char *const names[] = {
	    "keys.tdb", "keys.tdb.new", "keys.tdb.rebuild", "audit.log"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		unlink(in_directory(names[i]));
	ck_assert_int_eq(rmdir(directory), 0); /* no other file was left */
}

/* The loop's place: waits until all that was submitted has come back. */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t came = PTHREAD_COND_INITIALIZER;
static unsigned ready_count;
size_t under_way;

static void
on_ready(void *context)
{
	(void)context;
	pthread_mutex_lock(&lock);
	ready_count++;
	pthread_cond_signal(&came);
	pthread_mutex_unlock(&lock);
}

static void
on_done(struct store_change *change)
{
	(void)change;
	under_way--;
}

void
wait_for_all(void)
{
	while (under_way > 0) {
		pthread_mutex_lock(&lock);
		while (ready_count == 0)
			pthread_cond_wait(&came, &lock);
		ready_count = 0;
		pthread_mutex_unlock(&lock);
		store_collect(store);
	}
}

struct store_change *
new_change(const char *slug, size_t count)
{
	struct store_change *change = calloc(1, sizeof *change);
	struct account *account = stock_account(slug);

	change->writes = calloc(count, sizeof *change->writes);
	change->count = count;
	change->done = on_done;
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			snprintf(account->slug, sizeof account->slug,
			    "%.40s-%zu", slug, i);
		record_from_account(&change->writes[i].record, account);
	}
	snprintf(
	    change->operation.id, sizeof change->operation.id, "op-%s", slug);
	change->operation.kind = RECORD_ACCOUNT;
	free(account);
	return change;
}

void
free_change(struct store_change *change)
{
	free(change->writes);
	free(change);
}

void
submit(struct store_change *change)
{
	under_way++;
	store_submit(store, change);
}

void
start(void)
{
	ck_assert(store_start(store, on_ready, NULL));
}

enum store_result
write_account(const char *slug)
{
	struct store_change *change = new_change(slug, 1);
	enum store_result result;

	submit(change);
	wait_for_all();
	result = change->result;
	ck_assert((result == STORE_OK) == (change->sequence != 0));
	free_change(change);
	return result;
}

void
fill(unsigned accounts)
{
	char slug[32];

	ck_assert(open_store());
	start();
	for (unsigned i = 0; i < accounts; i++) {
		snprintf(slug, sizeof slug, "account%u", i);
		ck_assert_int_eq(write_account(slug), STORE_OK);
	}
	close_store();
}
