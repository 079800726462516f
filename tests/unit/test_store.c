/* SPDX-License-Identifier: BSD-2-Clause */
/* keys.tdb: what was acknowledged is there again, and what is not as it was
 * written is not believed. */
/* Fortified, pread and its kin are inline functions, which cannot be replaced.
 */
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tdb.h>

#include "daemon/log.h"
#include "daemon/record.h"
#include "daemon/store.h"
#include "stock.h"

enum { EXPECTED_KEYS = 100 };

/* The log's place: counts the lines and keeps the last. */

static unsigned errors, notices;
static char last_error[512];

void
log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(last_error, sizeof last_error, format, args);
	va_end(args);
	errors++;
}

void
log_warning(const char *format, ...)
{
	(void)format;
}

void
log_notice(const char *format, ...)
{
	(void)format;
	notices++;
}

/* The disk's place: tdb's system calls, of which one may fail. */

#define INTERPOSED __attribute__((visibility("default")))

static struct fault {
	int at;    /* the how-many-th call from now on fails; 0: none */
	int error; /* with this errno */
	bool from; /* and all after it */
} sync_fault, write_fault, read_fault;
static int syncs;

static bool
strikes(struct fault *fault)
{
	if (fault->at == 0 || --fault->at > 0)
		return false;
	if (fault->from)
		fault->at = 1;
	errno = fault->error;
	return true;
}

INTERPOSED int fdatasync(int fd);
INTERPOSED int
fdatasync(int fd)
{
	(void)fd; /* no test cuts the power */
	syncs++;
	return strikes(&sync_fault) ? -1 : 0;
}

INTERPOSED int fsync(int fd);
INTERPOSED int
fsync(int fd)
{
	(void)fd;
	syncs++;
	return strikes(&sync_fault) ? -1 : 0;
}

typedef ssize_t pwrite_fn(int fd, const void *data, size_t len, off_t at);
typedef ssize_t pread_fn(int fd, void *data, size_t len, off_t at);

static ssize_t
real_pwrite(int fd, const void *data, size_t len, off_t at)
{
	union {
		void *symbol;
		pwrite_fn *function;
	} real = {dlsym(RTLD_NEXT, "pwrite64")};

	return real.function(fd, data, len, at);
}

INTERPOSED ssize_t pwrite64(int fd, const void *data, size_t len, off_t at);
INTERPOSED ssize_t
pwrite64(int fd, const void *data, size_t len, off_t at)
{
	return strikes(&write_fault) ? -1 : real_pwrite(fd, data, len, at);
}

INTERPOSED pwrite_fn pwrite;
INTERPOSED ssize_t
pwrite(int fd, const void *data, size_t len, off_t at)
{
	return strikes(&write_fault) ? -1 : real_pwrite(fd, data, len, at);
}

static ssize_t
real_pread(int fd, void *data, size_t len, off_t at)
{
	union {
		void *symbol;
		pread_fn *function;
	} real = {dlsym(RTLD_NEXT, "pread64")};

	return real.function(fd, data, len, at);
}

INTERPOSED ssize_t pread64(int fd, void *data, size_t len, off_t at);
INTERPOSED ssize_t
pread64(int fd, void *data, size_t len, off_t at)
{
	return strikes(&read_fault) ? -1 : real_pread(fd, data, len, at);
}

INTERPOSED pread_fn pread;
INTERPOSED ssize_t
pread(int fd, void *data, size_t len, off_t at)
{
	return strikes(&read_fault) ? -1 : real_pread(fd, data, len, at);
}

/* Files */

static char directory[64];
static const uint8_t master[SECRET_KEY_BYTES] = {1, 2, 3};

struct image {
	uint8_t *data;
	size_t len;
};

static const char *
in_directory(const char *name)
{
	static char path[128];

	snprintf(path, sizeof path, "%s/%s", directory, name);
	return path;
}

static struct image
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

static void
file_write(const void *data, size_t len)
{
	int fd =
	    open(in_directory("keys.tdb"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	close(fd);
}

static bool
file_is(const void *data, size_t len)
{
	struct image now = file_read();
	bool same = now.len == len && memcmp(now.data, data, len) == 0;

	free(now.data);
	return same;
}

/* What a store holds: its records one after the other, names sorted. */

struct content {
	size_t count;
	struct item {
		uint8_t name[RECORD_NAME_MAX + 1];
		uint64_t sequence;
		uint8_t mac[MAC_BYTES];
	} items[6000];
};

static int
by_name(const void *a, const void *b)
{
	return memcmp(a, b, RECORD_NAME_MAX + 1);
}

static bool
collect(void *context, struct record_view *view, const char **problem)
{
	struct content *content = context;
	struct item *item = &content->items[content->count];

	(void)problem;
	ck_assert(content->count < 6000);
	content->count++;
	memset(item, 0, sizeof *item);
	item->name[0] = (uint8_t)view->kind;
	memcpy(item->name + 1, view->name.data, view->name.len);
	item->sequence = view->sequence;
	memcpy(item->mac, view->mac.data, MAC_BYTES);
	return true;
}

static void
sort(struct content *content)
{
	qsort(
	    content->items, content->count, sizeof content->items[0], by_name);
}

static bool
same_content(const struct content *a, const struct content *b)
{
	return a->count == b->count &&
	    memcmp(a->items, b->items, a->count * sizeof a->items[0]) == 0;
}

static const struct item *
find(const struct content *content, char kind, const char *name)
{
	struct item wanted = {.name = {(uint8_t)kind}};

	memcpy(wanted.name + 1, name, strlen(name));
	return bsearch(&wanted, content->items, content->count,
	    sizeof content->items[0], by_name);
}

/* One store at a time. */

static struct store *store;
static struct keyring *ring;
static struct content content;

static bool
open_store(void)
{
	content.count = 0;
	store = store_open(
	    directory, EXPECTED_KEYS, master, &ring, collect, &content);
	sort(&content);
	ck_assert((store != NULL) == (ring != NULL));
	return store != NULL;
}

static void
close_store(void)
{
	store_stop(store);
	store_free(store);
	keyring_free(ring);
}

static struct content
reopened(void)
{
	ck_assert_msg(open_store(), "%s", last_error);
	close_store();
	return content;
}

static void
with_store(void)
{
	strcpy(directory, "/tmp/apikeyd-store-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	ck_assert(store_create(directory, EXPECTED_KEYS, master));
}

static void
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
static size_t under_way;

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

static void
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

/* A change that writes one account, or more than one. */

enum { WRITES_MAX = 1200 };

static struct store_change *
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

static void
free_change(struct store_change *change)
{
	free(change->writes);
	free(change);
}

static void
submit(struct store_change *change)
{
	under_way++;
	store_submit(store, change);
}

static void
start(void)
{
	ck_assert(store_start(store, on_ready, NULL));
}

/* Submits a change of one record and waits for it. */
static enum store_result
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

static void
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

/* Tests */

START_TEST(empty_store)
{
	char unfinished[128];
	struct store_facts facts;
	struct stat st;

	ck_assert_int_eq(stat(in_directory("keys.tdb"), &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert_int_ne(stat(in_directory("keys.tdb.new"), &st), 0);
	ck_assert(open_store());
	ck_assert_uint_eq(content.count, 0);
	start();
	store_facts(store, &facts);
	ck_assert_uint_eq(facts.sequence, 0);
	ck_assert_uint_eq(facts.records, 0);
	ck_assert(!facts.suspect);
	close_store();
	/* What a creation that was cut off has left does not matter. */
	strcpy(unfinished, in_directory("keys.tdb.new"));
	ck_assert_int_eq(rename(in_directory("keys.tdb"), unfinished), 0);
	ck_assert(store_create(directory, EXPECTED_KEYS, master));
	ck_assert_uint_eq(reopened().count, 0);
	ck_assert_uint_eq(errors, 0);
}
END_TEST

/* All that gathers while the thread has not begun goes in one transaction. */
START_TEST(group_commit)
{
	enum { CHANGES = 100 };
	struct store_change *changes[CHANGES];
	struct store_facts facts;
	char slug[32];

	ck_assert(open_store());
	for (unsigned i = 0; i < CHANGES; i++) {
		snprintf(slug, sizeof slug, "account%u", i);
		changes[i] = new_change(slug, 1 + i % 3);
		submit(changes[i]);
	}
	syncs = 0;
	start();
	wait_for_all();
	store_facts(store, &facts);
	ck_assert_uint_eq(facts.generation, 1);
	ck_assert_uint_eq(facts.sequence, CHANGES);
	ck_assert_int_gt(syncs, 0);
	ck_assert_int_lt(syncs, 8);
	for (unsigned i = 0; i < CHANGES; i++) {
		ck_assert_int_eq(changes[i]->result, STORE_OK);
		/* In the order they were submitted in. */
		ck_assert_uint_eq(changes[i]->sequence, i + 1);
		ck_assert_uint_eq(changes[i]->operation.sequence, i + 1);
	}
	close_store();
	ck_assert(open_store());
	ck_assert_uint_eq(content.count, facts.records);
	for (unsigned i = 0; i < CHANGES; i++) {
		const struct item *item;
		struct record_name name = record_name_operation(i + 1);
		uint8_t key[RECORD_NAME_MAX + 1] = {0};

		snprintf(slug, sizeof slug, "account%u", i);
		item = find(&content, 'A', slug);
		ck_assert(item != NULL && item->sequence == i + 1);
		snprintf(slug, sizeof slug, "account%u-1", i);
		item = find(&content, 'A', slug);
		ck_assert((item != NULL) == (i % 3 > 0));
		memcpy(key, name.bytes, name.len);
		ck_assert_ptr_nonnull(bsearch(key, content.items, content.count,
		    sizeof content.items[0], by_name));
		free_change(changes[i]);
	}
	close_store();
}
END_TEST

/* No transaction takes more than so many, but a change is never split. */
START_TEST(large_batches_are_cut)
{
	struct store_change *changes[] = {new_change("a", 600),
	    new_change("b", 400), new_change("c", 1), new_change("d", 1200),
	    new_change("e", 1)};
	struct store_facts facts;

	ck_assert(open_store());
	for (size_t i = 0; i < 5; i++)
		submit(changes[i]);
	start();
	wait_for_all();
	store_facts(store, &facts);
	ck_assert_uint_eq(facts.generation, 4);
	ck_assert_uint_eq(facts.records, 600 + 400 + 1 + 1200 + 1 + 5);
	for (size_t i = 0; i < 5; i++) {
		ck_assert_uint_eq(changes[i]->sequence, i + 1);
		free_change(changes[i]);
	}
	close_store();
	ck_assert_uint_eq(reopened().count, facts.records);
}
END_TEST

START_TEST(stopping_commits_what_was_submitted)
{
	struct store_change *change = new_change("late", 3);

	ck_assert(open_store());
	start();
	submit(change);
	store_stop(store);
	store_collect(store);
	ck_assert_uint_eq(under_way, 0);
	ck_assert_int_eq(change->result, STORE_OK);
	free_change(change);
	store_free(store);
	keyring_free(ring);
	ck_assert_uint_eq(reopened().count, 4);
}
END_TEST

START_TEST(existing_names)
{
	struct store_change *first = new_change("a", 2),
			    *second = new_change("b", 2),
			    *third = new_change("c", 1);

	first->writes[1].is_new = true;
	second->writes[1] = first->writes[1];
	ck_assert(open_store());
	/* In one transaction, the others go in all the same. */
	submit(first);
	submit(second);
	submit(third);
	start();
	wait_for_all();
	ck_assert_int_eq(first->result, STORE_OK);
	ck_assert_int_eq(second->result, STORE_EXISTS);
	ck_assert_uint_eq(second->sequence, 0);
	ck_assert_int_eq(third->result, STORE_OK);
	ck_assert_uint_eq(third->sequence, 2);
	close_store();
	reopened();
	/* All of a change, or none of it. */
	ck_assert_ptr_null(find(&content, 'A', "b"));
	ck_assert_ptr_nonnull(find(&content, 'A', "a-1"));
	ck_assert_uint_eq(content.count, 5);
	free_change(first);
	free_change(second);
	free_change(third);
}
END_TEST

START_TEST(erasing_and_replacing)
{
	struct store_change *change = new_change("a", 4);

	fill(3);
	ck_assert(open_store());
	start();
	submit(change);
	wait_for_all();
	change->writes[1].erase = true;
	change->writes[2].erase = true;
	submit(change);
	wait_for_all();
	/* What is not there is gone already. */
	submit(change);
	wait_for_all();
	ck_assert_int_eq(change->result, STORE_OK);
	close_store();
	reopened();
	ck_assert_uint_eq(content.count, 3 + 3 + 2 + 3);
	ck_assert_uint_eq(find(&content, 'A', "a-3")->sequence, 6);
	ck_assert_ptr_null(find(&content, 'A', "a-1"));
	free_change(change);
}
END_TEST

/* Operations take the place of the one that is OPERATIONS_KEPT older. */
START_TEST(operations_are_kept_and_go)
{
	struct store_change *change = new_change("a", 1);
	struct store_facts facts;

	ck_assert(open_store());
	start();
	for (int i = 0; i < OPERATIONS_KEPT + 10; i++) {
		submit(change);
		wait_for_all();
	}
	store_facts(store, &facts);
	ck_assert_uint_eq(facts.records, 1 + OPERATIONS_KEPT);
	close_store();
	ck_assert_uint_eq(reopened().count, 1 + OPERATIONS_KEPT);
	free_change(change);
}
END_TEST

/* A file nobody may believe: one line says so, and it stays as it is. */
static void
check_refused(const struct image *image, const char *why)
{
	errors = notices = 0;
	ck_assert_msg(!open_store(), "opened");
	ck_assert_uint_eq(errors, 1);
	ck_assert_uint_eq(notices, 0);
	ck_assert_ptr_nonnull(strstr(last_error, "keys.tdb"));
	ck_assert_msg(strstr(last_error, why) != NULL, "%s", last_error);
	ck_assert_ptr_null(strchr(last_error, '\n'));
	if (image != NULL)
		ck_assert(file_is(image->data, image->len));
}

START_TEST(wrong_master_key)
{
	static const uint8_t other[SECRET_KEY_BYTES] = {1, 2, 4};
	struct image image;

	fill(3);
	image = file_read();
	store = store_open(
	    directory, EXPECTED_KEYS, other, &ring, collect, &content);
	ck_assert(store == NULL && ring == NULL);
	ck_assert_uint_eq(errors, 1);
	ck_assert_ptr_nonnull(strstr(last_error, "another master key"));
	ck_assert(file_is(image.data, image.len));
	free(image.data);
}
END_TEST

START_TEST(missing_file)
{
	struct stat st;

	unlink(in_directory("keys.tdb"));
	check_refused(NULL, "No such file");
	ck_assert_int_ne(stat(in_directory("keys.tdb"), &st), 0);
}
END_TEST

START_TEST(cut_files)
{
	struct image image;

	fill(20);
	image = file_read();
	for (size_t len = 0; len < image.len;
	     len += len % 4096 == 0 || image.len - len < 20 ? 1 : 1365) {
		struct image cut = {image.data, len};

		errors = 0;
		file_write(cut.data, cut.len);
		if (open_store()) {
			/* Nothing but unused space was cut off. */
			close_store();
			ck_assert_uint_eq(content.count, 40);
			continue;
		}
		ck_assert_uint_eq(errors, 1);
		ck_assert_ptr_nonnull(strstr(last_error, "damaged"));
		ck_assert(file_is(cut.data, cut.len));
	}
	free(image.data);
}
END_TEST

static size_t
to_next_used(const struct image *image, size_t at, size_t most)
{
	size_t step = 1;

	while (step < most && at + step < image->len &&
	    image->data[at + step] == 0)
		step++;
	return step;
}

/* Any byte of the file: either it does not matter, and then all is there, or
 * nothing is believed and nothing written. */
START_TEST(flipped_bytes)
{
	static const uint8_t flips[] = {0xff, 0x01, 0x80};
	static struct content whole;
	struct image image;
	size_t refused = 0, healed = 0, step;
	uint64_t seed = 8;

	fill(6);
	image = file_read();
	whole = reopened();
	/* Some of what is used, and fewer of the empty rest. */
	for (size_t at = 0; at < image.len; at += step) {
		uint8_t old = image.data[at];

		step = old != 0 ? 1 + suite_below(&seed, 24)
				: to_next_used(&image, at, 1500);
		image.data[at] ^= flips[suite_below(&seed, 3)];
		file_write(image.data, image.len);
		errors = notices = 0;
		if (open_store()) {
			close_store();
			ck_assert_uint_eq(errors, 0);
			ck_assert(same_content(&content, &whole));
			healed += notices;
		} else {
			ck_assert_uint_eq(errors, 1);
			ck_assert(file_is(image.data, image.len));
			refused++;
		}
		image.data[at] = old;
	}
	ck_assert_uint_gt(refused, 100);
	ck_assert_uint_gt(healed, 0);
	free(image.data);
}
END_TEST

/* Behind the store's back */

static TDB_CONTEXT *
open_raw(void)
{
	TDB_CONTEXT *tdb =
	    tdb_open(in_directory("keys.tdb"), 0, TDB_NOMMAP, O_RDWR, 0);

	ck_assert_ptr_nonnull(tdb);
	return tdb;
}

static TDB_DATA
raw_name(const char *name)
{
	union {
		const char *in;
		unsigned char *out;
	} pointer = {name};

	return (TDB_DATA){pointer.out, strlen(name)};
}

START_TEST(deleted_records)
{
	struct image image;
	TDB_CONTEXT *tdb;

	fill(5);
	tdb = open_raw();
	ck_assert_int_eq(tdb_delete(tdb, raw_name("Aaccount3")), 0);
	tdb_close(tdb);
	image = file_read();
	check_refused(&image, "missing");
	free(image.data);
}
END_TEST

START_TEST(added_records)
{
	struct image image;
	TDB_CONTEXT *tdb;
	TDB_DATA data;

	fill(5);
	tdb = open_raw();
	data = tdb_fetch(tdb, raw_name("Aaccount3"));
	/* Under a name of its own it is not what it was. */
	ck_assert_int_eq(
	    tdb_store(tdb, raw_name("Aaccount9"), data, TDB_INSERT), 0);
	tdb_close(tdb);
	free(data.dptr);
	image = file_read();
	check_refused(&image, "wrong MAC");
	ck_assert_ptr_nonnull(strstr(last_error, "A account9"));
	free(image.data);
}
END_TEST

START_TEST(one_record_rolled_back)
{
	struct image image;
	TDB_CONTEXT *tdb;
	TDB_DATA old;

	fill(5);
	tdb = open_raw();
	old = tdb_fetch(tdb, raw_name("Aaccount3"));
	tdb_close(tdb);
	ck_assert(open_store());
	start();
	ck_assert_int_eq(write_account("account3"), STORE_OK);
	close_store();
	tdb = open_raw();
	ck_assert_int_eq(
	    tdb_store(tdb, raw_name("Aaccount3"), old, TDB_REPLACE), 0);
	tdb_close(tdb);
	free(old.dptr);
	image = file_read();
	check_refused(&image, "older than the rest");
	free(image.data);
}
END_TEST

START_TEST(no_root)
{
	struct image image;
	TDB_CONTEXT *tdb;

	fill(1);
	tdb = open_raw();
	ck_assert_int_eq(tdb_delete(tdb, raw_name("R")), 0);
	tdb_close(tdb);
	image = file_read();
	check_refused(&image, "no root record");
	free(image.data);
}
END_TEST

/* A chain that bites its own tail must not be walked for ever. */
START_TEST(circular_chain)
{
	struct image image;
	size_t roots = 0;

	image = file_read();
	/* tdb's record header: next, rec_len, key_len, data_len, hash, magic,
	 * then the key; that of the root is one letter. An old copy of it may
	 * lie in the recovery area, so any that looks like it is taken. */
	for (uint32_t at = 24; at + 25 < image.len; at += 4) {
		static const uint32_t live = 0x26011999, one = 1;

		if (memcmp(image.data + at + 20, &live, 4) != 0 ||
		    memcmp(image.data + at + 8, &one, 4) != 0 ||
		    image.data[at + 24] != 'R')
			continue;
		memcpy(image.data + at, &at, 4);
		roots++;
	}
	ck_assert_uint_gt(roots, 0);
	file_write(image.data, image.len);
	check_refused(&image, "damaged");
	free(image.data);
}
END_TEST

/* What a kill while the file grew leaves: every record is sound, the file is
 * not. It is copied into a new one. */
START_TEST(structure_is_healed)
{
	static struct content whole;
	struct image image;
	struct stat st;
	uint8_t *grown;

	fill(20);
	whole = reopened();
	image = file_read();
	grown = calloc(1, image.len + 4096);
	memcpy(grown, image.data, image.len);
	memset(grown + image.len, 0x5a, 4096);
	file_write(grown, image.len + 4096);
	/* Nor does it matter what an attempt before has left. */
	ck_assert_int_eq(close(open(in_directory("keys.tdb.rebuild"),
			     O_CREAT | O_WRONLY, 0600)),
	    0);
	errors = notices = 0;
	ck_assert(open_store());
	ck_assert_uint_eq(notices, 1);
	ck_assert_uint_eq(errors, 0);
	ck_assert(same_content(&content, &whole));
	ck_assert_int_ne(stat(in_directory("keys.tdb.rebuild"), &st), 0);
	/* And goes on as if nothing had been. */
	start();
	ck_assert_int_eq(write_account("later"), STORE_OK);
	close_store();
	notices = 0;
	reopened();
	ck_assert_uint_eq(notices, 0);
	ck_assert_uint_eq(content.count, whole.count + 2);
	free(grown);
	free(image.data);
}
END_TEST

/* Where the copy cannot be written, the original is left alone. */
START_TEST(healing_on_a_failing_disk)
{
	struct image image;
	uint8_t *grown;
	struct stat st;
	bool opened = false;

	fill(20);
	image = file_read();
	grown = calloc(1, image.len + 4096);
	memcpy(grown, image.data, image.len);
	memset(grown + image.len, 0x5a, 4096);
	for (int at = 1; !opened; at++) {
		file_write(grown, image.len + 4096);
		sync_fault = (struct fault){at, EIO, false};
		errors = 0;
		opened = open_store();
		if (opened)
			break;
		ck_assert_uint_ge(errors, 1);
		ck_assert_int_ne(
		    stat(in_directory("keys.tdb.rebuild"), &st), 0);
		sync_fault.at = 0;
		/* Whichever of the two it is now, it is whole. */
		ck_assert(open_store());
		close_store();
		ck_assert_uint_eq(content.count, 40);
	}
	ck_assert_int_gt(sync_fault.at, 0); /* every one had its turn */
	sync_fault.at = 0;
	close_store();
	free(grown);
	free(image.data);
}
END_TEST

/* Failing disks */

/* Commits with a full disk at the at-th write of tdb; true while it was hit. */
static bool
full_at(int at, int error)
{
	enum store_result result;
	struct store_facts facts;
	struct content before = reopened();
	bool hit;

	ck_assert(open_store());
	start();
	write_fault = (struct fault){at, error, true};
	result = write_account("one-more");
	hit = result != STORE_OK;
	write_fault.at = 0;
	ck_assert(!hit || result == STORE_FULL || result == STORE_UNKNOWN);
	store_facts(store, &facts);
	ck_assert(facts.suspect == (result == STORE_UNKNOWN));
	if (result == STORE_FULL) {
		/* Room again: the store goes on. */
		ck_assert_int_eq(write_account("two-more"), STORE_OK);
		close_store();
		reopened();
		ck_assert_ptr_null(find(&content, 'A', "one-more"));
		ck_assert_uint_eq(content.count, before.count + 2);
	} else if (hit) {
		ck_assert_int_eq(write_account("two-more"), STORE_SUSPECT);
		close_store();
		reopened();
		ck_assert_ptr_null(find(&content, 'A', "two-more"));
		ck_assert_uint_ge(content.count, before.count);
	} else {
		close_store();
	}
	return hit;
}

static void
check_full(int error)
{
	struct image image;
	int at = 1;

	fill(10);
	image = file_read();
	while (full_at(at, error)) {
		file_write(image.data, image.len);
		at++;
	}
	ck_assert_int_gt(at, 3);
	file_write(image.data, image.len);
	free(image.data);
}

START_TEST(full_disk)
{
	check_full(ENOSPC);
	check_full(EFBIG);
	check_full(EDQUOT);
}
END_TEST

/* The first write of a commit finds no room: that is plainly "full". */
START_TEST(full_disk_is_said_to_be_full)
{
	fill(10);
	ck_assert(open_store());
	start();
	write_fault = (struct fault){1, ENOSPC, true};
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(write_account("x"), STORE_FULL);
	write_fault.at = 0;
	ck_assert_int_eq(write_account("x"), STORE_OK);
	close_store();
	ck_assert_uint_eq(reopened().count, 22);
}
END_TEST

/* A large change that finds no room does not take small ones with it. */
START_TEST(full_disk_and_a_batch)
{
	struct store_change *changes[3];

	fill(3);
	ck_assert(open_store());
	changes[0] = new_change("account0", 1);
	changes[1] = new_change("new", 1);
	changes[2] = new_change("account1", 1);
	for (size_t i = 0; i < 3; i++)
		submit(changes[i]);
	/* The batch, then the first and second alone. */
	write_fault = (struct fault){1, ENOSPC, false};
	start();
	wait_for_all();
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(changes[i]->result, STORE_OK);
		ck_assert_uint_eq(changes[i]->sequence, 3 + i + 1);
		free_change(changes[i]);
	}
	close_store();
	ck_assert_uint_eq(reopened().count, 10);
}
END_TEST

/* EIO at each sync and each write of a commit: nothing more is acknowledged,
 * and what was is there after the next start. */
static bool
broken_at(struct fault *fault, int at)
{
	struct store_facts facts;
	enum store_result result;

	ck_assert(open_store());
	start();
	ck_assert_int_eq(write_account("before"), STORE_OK);
	*fault = (struct fault){at, EIO, false};
	result = write_account("account1");
	fault->at = 0;
	if (result == STORE_OK) {
		close_store();
		return false;
	}
	ck_assert_int_eq(result, STORE_UNKNOWN);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(write_account("after"), STORE_SUSPECT);
	store_facts(store, &facts);
	ck_assert(facts.suspect && facts.reason[0] != '\0');
	close_store();
	reopened();
	ck_assert_uint_eq(find(&content, 'A', "before")->sequence, 6);
	ck_assert_ptr_null(find(&content, 'A', "after"));
	/* The change nobody was told of: there or not. */
	ck_assert_uint_eq(content.count,
	    find(&content, 'A', "account1")->sequence == 7 ? 13 : 12);
	return true;
}

static int
check_broken(struct fault *fault)
{
	struct image image;
	int at = 1;

	fill(5);
	image = file_read();
	while (broken_at(fault, at)) {
		file_write(image.data, image.len);
		at++;
	}
	free(image.data);
	return at - 1;
}

START_TEST(broken_syncs)
{
	/* tdb syncs four times a commit; without mmap it is each fdatasync. */
	ck_assert_int_ge(check_broken(&sync_fault), 4);
}
END_TEST

START_TEST(broken_writes)
{
	ck_assert_int_ge(check_broken(&write_fault), 4);
}
END_TEST

START_TEST(broken_reads)
{
	ck_assert_int_ge(check_broken(&read_fault), 4);
}
END_TEST

/* A batch that fails is failed as a whole. */
START_TEST(broken_batch)
{
	struct store_change *changes[10];
	char slug[32];

	fill(2);
	ck_assert(open_store());
	for (unsigned i = 0; i < 10; i++) {
		snprintf(slug, sizeof slug, "new%u", i);
		changes[i] = new_change(slug, 1);
		submit(changes[i]);
	}
	sync_fault = (struct fault){1, EIO, false};
	start();
	wait_for_all();
	for (unsigned i = 0; i < 10; i++) {
		ck_assert_int_eq(changes[i]->result, STORE_UNKNOWN);
		ck_assert_uint_eq(changes[i]->sequence, 0);
		free_change(changes[i]);
	}
	close_store();
	reopened();
	ck_assert(content.count == 4 || content.count == 24);
}
END_TEST

/* It would have tdb say "done" without waiting for the disk. */
START_TEST(syncs_cannot_be_turned_off)
{
	setenv("TDB_NO_FSYNC", "1", 1);
	ck_assert(open_store());
	start();
	syncs = 0;
	ck_assert_int_eq(write_account("a"), STORE_OK);
	ck_assert_int_ge(syncs, 4);
	close_store();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store");

	if (!secret_init())
		return EXIT_FAILURE;
	stock_with(with_store, without_store);
	stock_add(suite, "empty_store", empty_store);
	stock_add(suite, "group_commit", group_commit);
	stock_add(suite, "large_batches_are_cut", large_batches_are_cut);
	stock_add(suite, "stopping_commits_what_was_submitted",
	    stopping_commits_what_was_submitted);
	stock_add(suite, "existing_names", existing_names);
	stock_add(suite, "erasing_and_replacing", erasing_and_replacing);
	stock_add(
	    suite, "operations_are_kept_and_go", operations_are_kept_and_go);
	stock_add(suite, "wrong_master_key", wrong_master_key);
	stock_add(suite, "missing_file", missing_file);
	stock_add(suite, "cut_files", cut_files);
	stock_add(suite, "flipped_bytes", flipped_bytes);
	stock_add(suite, "deleted_records", deleted_records);
	stock_add(suite, "added_records", added_records);
	stock_add(suite, "one_record_rolled_back", one_record_rolled_back);
	stock_add(suite, "no_root", no_root);
	stock_add(suite, "circular_chain", circular_chain);
	stock_add(suite, "structure_is_healed", structure_is_healed);
	stock_add(
	    suite, "healing_on_a_failing_disk", healing_on_a_failing_disk);
	stock_add(suite, "full_disk", full_disk);
	stock_add(suite, "full_disk_is_said_to_be_full",
	    full_disk_is_said_to_be_full);
	stock_add(suite, "full_disk_and_a_batch", full_disk_and_a_batch);
	stock_add(suite, "broken_syncs", broken_syncs);
	stock_add(suite, "broken_writes", broken_writes);
	stock_add(suite, "broken_reads", broken_reads);
	stock_add(suite, "broken_batch", broken_batch);
	stock_add(
	    suite, "syncs_cannot_be_turned_off", syncs_cannot_be_turned_off);
	return suite_run(suite);
}
