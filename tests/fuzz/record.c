/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lies in keys.tdb. Input: records, see given.h. Each is opened as it is,
 * and a second time with the length and the MAC it should have; then all are
 * loaded into an index, as at a start.
 */
#include "daemon/log.h"
#include "given.h"

static struct given given;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_set_level((enum log_level)0); /* nobody reads it */
	fuzz_require(secret_init(), "libsodium works");
	given.ring = keyring_new();
	fuzz_require(given.ring != NULL, "there is memory");
	return 0;
}

union anything {
	struct root root;
	struct account account;
	struct product product;
	struct enabled_record enabled;
	struct operation operation;
	struct operator_user user;
	struct limit_record limit;
	struct pin pin;
	struct key_record key;
	struct key_more_record more;
	struct outbox_piece piece;
	struct import_record import;
};

#define COPY(kind, object)                                \
	do {                                              \
		read = record_to_##kind(view, &object);   \
		if (read)                                 \
			record_from_##kind(out, &object); \
	} while (0)

/*
 * Reads a record and writes what was read. False where it cannot be read, or
 * where what it holds is not written by itself (a part of a key).
 */
static bool
copy(struct record_view *view, struct record *out)
{
	union anything u;
	struct account account;
	struct product product;
	bool read = false;

	memset(&u, 0, sizeof u);
	switch (view->kind) {
	case RECORD_ROOT:
		COPY(root, u.root);
		break;
	case RECORD_ACCOUNT:
		COPY(account, u.account);
		break;
	case RECORD_PRODUCT:
		COPY(product, u.product);
		break;
	case RECORD_ENABLED:
		read = record_to_enabled(view, &u.enabled);
		memcpy(account.slug, u.enabled.account, sizeof account.slug);
		memcpy(product.slug, u.enabled.product, sizeof product.slug);
		if (read)
			record_from_enabled(
			    out, &account, &product, u.enabled.enabled);
		break;
	case RECORD_OPERATION:
		COPY(operation, u.operation);
		break;
	case RECORD_OPERATOR:
		COPY(operator, u.user);
		break;
	case RECORD_LIMIT:
		read = record_to_limit(view, &u.limit);
		memcpy(account.slug, u.limit.account, sizeof account.slug);
		if (read)
			record_from_limit(
			    out, u.limit.uid, &account, u.limit.live);
		break;
	case RECORD_PIN:
		COPY(pin, u.pin);
		break;
	case RECORD_KEY:
		if (record_to_key(view, &u.key))
			fuzz_use_bytes(u.key.details);
		break;
	case RECORD_IMPORT:
		COPY(import, u.import);
		break;
	case RECORD_OUTBOX:
		COPY(outbox, u.piece);
		break;
	case RECORD_KEY_MORE:
		if (record_to_key_more(view, &u.more))
			fuzz_use_bytes(u.more.details);
		break;
	}
	fuzz_use(&u, sizeof u);
	return read;
}

/* What was read and written reads the same. */
static void
check_copy(struct record_view *view)
{
	static struct record first, second;
	struct record_view again;
	const char *problem;

	if (!copy(view, &first))
		return;
	record_seal(&first, view->sequence, given.ring);
	fuzz_require(
	    record_open((struct bytes){first.name.bytes, first.name.len},
		(struct bytes){first.data, first.len}, given.ring, &again,
		&problem) &&
		copy(&again, &second),
	    "what was written can be read");
	record_seal(&second, view->sequence, given.ring);
	fuzz_require(first.len == second.len &&
		first.name.len == second.name.len &&
		memcmp(first.name.bytes, second.name.bytes, first.name.len) ==
		    0 &&
		memcmp(first.data, second.data, first.len) == 0,
	    "there is one way to write a record");
}

/* False once a record was refused, as a start would end there. */
static bool
take(struct bytes name, struct bytes data, struct loader *loader)
{
	static struct record copied;
	const struct record *record;
	struct record_view view;
	const char *problem = NULL;

	if (record_open(name, data, NULL, &view, &problem))
		copy(&view, &copied);
	else
		fuzz_require(problem != NULL, "a refusal says why");
	/* A store has each name once. */
	if (given_find(&given, name) != NULL ||
	    (record = given_put(&given, name, data)) == NULL)
		return true;
	name = (struct bytes){record->name.bytes, record->name.len};
	data = (struct bytes){record->data, record->len};
	problem = NULL;
	if (!record_open(name, data, given.ring, &view, &problem)) {
		fuzz_require(problem != NULL, "a refusal says why");
		return true;
	}
	check_copy(&view);
	fuzz_require(record_open(name, data, given.ring, &view, &problem),
	    "a record opens twice");
	/* The root is read before the rest, and by itself. */
	return view.kind == RECORD_ROOT || load_record(loader, &view, &problem);
}

/* The details of a key by themselves. */
static void
check_details(struct bytes in)
{
	static uint8_t again[KEY_DETAILS_MAX];
	struct writer w = writer_over(again, sizeof again);
	struct key_details details;

	if (!key_details_read(in, &details))
		return;
	key_details_write(&w, &details);
	fuzz_require(!w.failed && bytes_equal(in, (struct bytes){again, w.len}),
	    "there is one way to write details");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_over(data, size);
	struct index *index = index_new();
	struct loader *loader = index != NULL ? loader_new(index) : NULL;
	bool going = true;

	given.count = 0;
	fuzz_require(loader != NULL, "there is memory");
	check_details((struct bytes){data, size});
	while (going && r.left > 0) {
		struct bytes name = read_string8(&r, UINT8_MAX);
		struct bytes body = read_string16(&r, UINT16_MAX);

		going = !r.failed && take(name, body, loader);
	}
	if (going && load_finish(loader))
		given_check_index(index);
	loader_free(loader);
	index_free(index);
	return 0;
}
