/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "instant.h"
#include "limits.h"
#include "load_impl.h"
#include "store.h"

struct loader *
loader_new(struct index *index)
{
	struct loader *loader = calloc(1, sizeof *loader);

	if (loader != NULL)
		loader->index = index;
	return loader;
}

void
loader_free(struct loader *loader)
{
	if (loader != NULL)
		free(loader->pieces);
	free(loader);
}

/*
 * An account or product that was named, whether it has come yet or not. One
 * that has not is known by its sequence, 0: no committed record has that.
 */
static struct account *
named_account(struct index *index, const char *slug)
{
	struct account *account = index_account(index, slug);

	if (account != NULL)
		return account;
	account = calloc(1, sizeof *account);
	if (account == NULL)
		return NULL;
	memcpy(account->slug, slug, strlen(slug));
	if (index_add_account(index, account))
		return account;
	free(account);
	return NULL;
}

static struct product *
named_product(struct index *index, const char *slug)
{
	struct product *product = index_product(index, slug);

	if (product != NULL)
		return product;
	product = calloc(1, sizeof *product);
	if (product == NULL)
		return NULL;
	memcpy(product->slug, slug, strlen(slug));
	if (index_add_product(index, product))
		return product;
	free(product);
	return NULL;
}

/* What became of a record. */
enum loaded { LOADED, NONSENSE, NO_MEMORY };

static enum loaded
loaded_if(bool done)
{
	return done ? LOADED : NO_MEMORY;
}

static enum loaded
load_account(struct loader *loader, struct record_view *view)
{
	struct account loaded = {.enabled = NULL}, *account;

	if (!record_to_account(view, &loaded))
		return NONSENSE;
	if (loaded.status == ACCOUNT_DELETED)
		return LOADED;
	account = named_account(loader->index, loaded.slug);
	if (account == NULL)
		return NO_MEMORY;
	/* What others have already said of it stays. */
	loaded.keys = account->keys;
	loaded.usage_id = account->usage_id;
	loaded.slug_len = account->slug_len;
	loaded.staged = account->staged;
	loaded.enabled = account->enabled;
	loaded.enabled_count = account->enabled_count;
	loaded.enabled_capacity = account->enabled_capacity;
	*account = loaded;
	return LOADED;
}

static enum loaded
load_product(struct loader *loader, struct record_view *view)
{
	struct product loaded = {.keys = 0}, *product;

	if (!record_to_product(view, &loaded))
		return NONSENSE;
	if (loaded.deleted)
		return LOADED;
	product = named_product(loader->index, loaded.slug);
	if (product == NULL)
		return NO_MEMORY;
	loaded.keys = product->keys;
	loaded.usage_id = product->usage_id;
	loaded.slug_len = product->slug_len;
	loaded.staged = product->staged;
	*product = loaded;
	return LOADED;
}

static enum loaded
load_enabled(struct loader *loader, struct record_view *view)
{
	struct enabled_record enabled;
	struct account *account;
	struct product *product;

	if (!record_to_enabled(view, &enabled))
		return NONSENSE;
	if (!enabled.enabled)
		return LOADED;
	account = named_account(loader->index, enabled.account);
	product = named_product(loader->index, enabled.product);
	return loaded_if(account != NULL && product != NULL &&
	    index_enable(account, product));
}

static void *
copy_of(const void *data, size_t len)
{
	void *copy = malloc(len);

	if (copy != NULL)
		memcpy(copy, data, len);
	return copy;
}

/* The key of a K record; details that lie elsewhere are still zeros. */
static struct key *
key_from_record(struct index *index, const struct key_record *record)
{
	struct key *key = key_new();

	if (key == NULL)
		return NULL;
	memcpy(key->id, record->id, TOKEN_ID_LEN);
	key->type = record->type;
	key->state = record->state;
	key->permission = record->permission;
	key->flags = record->flags;
	memcpy(key->hash, record->hash, TOKEN_HASH_BYTES);
	key->created_at = record->created_at;
	key->expires_at = record->expires_at;
	key->account = named_account(index, record->account);
	key->product = named_product(index, record->product);
	if (key->account == NULL || key->product == NULL ||
	    key_new_details(key, record->details_len) == NULL)
		goto fail;
	memcpy(key->details, record->details.data, record->details.len);
	if (record->previous.until != 0 &&
	    (key->previous = copy_of(
		 &record->previous, sizeof record->previous)) == NULL)
		goto fail;
	if ((record->limits.rate_limit != 0 ||
		record->limits.quota_period != QUOTA_NONE) &&
	    (key->limits = copy_of(&record->limits, sizeof record->limits)) ==
		NULL)
		goto fail;
	if (key->limits != NULL)
		rate_reset(key->limits, monotonic_ms());
	return key;
fail:
	key_free(key);
	return NULL;
}

static bool
add_piece(struct loader *loader, const struct piece *piece, struct bytes data)
{
	struct piece *added;

	if (loader->piece_count == loader->piece_capacity) {
		size_t capacity = 2 * loader->piece_capacity + 64;
		struct piece *pieces =
		    reallocarray(loader->pieces, capacity, sizeof *pieces);

		if (pieces == NULL)
			return false;
		loader->pieces = pieces;
		loader->piece_capacity = capacity;
	}
	added = &loader->pieces[loader->piece_count++];
	*added = *piece;
	added->len = (uint16_t)data.len;
	memcpy(added->data, data.data, data.len);
	return true;
}

static enum loaded
load_key(struct loader *loader, struct record_view *view)
{
	struct piece first = {.sequence = view->sequence};
	struct key_record record;
	struct key *key;

	if (!record_to_key(view, &record))
		return NONSENSE;
	if (record.state == KEY_DELETED)
		return LOADED;
	memcpy(first.id, record.id, TOKEN_ID_LEN);
	if (record.details.len < record.details_len &&
	    !add_piece(loader, &first, record.details))
		return NO_MEMORY;
	key = key_from_record(loader->index, &record);
	if (key == NULL)
		return NO_MEMORY;
	key->sequence = view->sequence;
	if (record.staged ? index_stage_key(loader->index, key)
			  : index_add_key(loader->index, key))
		return LOADED;
	key_free(key);
	return NO_MEMORY;
}

static enum loaded
load_key_more(struct loader *loader, struct record_view *view)
{
	struct piece piece = {.sequence = view->sequence};
	struct key_more_record more;

	if (!record_to_key_more(view, &more))
		return NONSENSE;
	memcpy(piece.id, more.id, TOKEN_ID_LEN);
	piece.n = more.n;
	return loaded_if(add_piece(loader, &piece, more.details));
}

static enum loaded
load_operation(struct loader *loader, struct record_view *view)
{
	struct operation operation;

	if (!record_to_operation(view, &operation))
		return NONSENSE;
	index_note_operation(loader->index, &operation);
	return LOADED;
}

/* An operator that was named, as named_account(). */
static struct operator_user *
named_operator(struct index *index, uint32_t uid)
{
	struct operator_user *user = index_operator(index, uid);

	if (user != NULL)
		return user;
	user = calloc(1, sizeof *user);
	if (user == NULL)
		return NULL;
	user->uid = uid;
	if (index_add_operator(index, user))
		return user;
	free(user);
	return NULL;
}

static enum loaded
load_operator(struct loader *loader, struct record_view *view)
{
	struct operator_user loaded = {.accounts = NULL}, *user;

	if (!record_to_operator(view, &loaded))
		return NONSENSE;
	if (loaded.deleted)
		return LOADED;
	user = named_operator(loader->index, loaded.uid);
	if (user == NULL)
		return NO_MEMORY;
	/* What others have already said of it stays. */
	loaded.accounts = user->accounts;
	loaded.account_count = user->account_count;
	*user = loaded;
	return LOADED;
}

static enum loaded
load_limit(struct loader *loader, struct record_view *view)
{
	struct limit_record limit;
	struct operator_user *user;
	struct account *account;

	if (!record_to_limit(view, &limit))
		return NONSENSE;
	if (!limit.live)
		return LOADED;
	user = named_operator(loader->index, limit.uid);
	account = named_account(loader->index, limit.account);
	return loaded_if(user != NULL && account != NULL &&
	    operator_limit_to(user, account));
}

static enum loaded
load_pin(struct loader *loader, struct record_view *view)
{
	struct pin pin = {.uid = 0};

	if (!record_to_pin(view, &pin))
		return NONSENSE;
	return loaded_if(
	    pin.deleted || index_put_pin(loader->index, &pin, NULL));
}

static enum loaded
load_import(struct loader *loader, struct record_view *view)
{
	struct import_record import;

	if (!record_to_import(view, &import))
		return NONSENSE;
	return loaded_if(index_note_import(loader->index, &import));
}

static const struct {
	enum record_kind kind;
	enum loaded (*load)(struct loader *loader, struct record_view *view);
} loaders[] = {
    {RECORD_ACCOUNT, load_account},
    {RECORD_PRODUCT, load_product},
    {RECORD_ENABLED, load_enabled},
    {RECORD_KEY, load_key},
    {RECORD_KEY_MORE, load_key_more},
    {RECORD_OPERATION, load_operation},
    {RECORD_OPERATOR, load_operator},
    {RECORD_LIMIT, load_limit},
    {RECORD_PIN, load_pin},
    {RECORD_IMPORT, load_import},
};

bool
load_record(void *context, struct record_view *view, const char **problem)
{
	static const char *const problems[] = {
	    [LOADED] = NULL,
	    [NONSENSE] = "its contents make no sense",
	    [NO_MEMORY] = store_no_memory,
	};
	struct loader *loader = context;

	for (size_t i = 0; i < sizeof loaders / sizeof loaders[0]; i++)
		if (loaders[i].kind == view->kind) {
			*problem = problems[loaders[i].load(loader, view)];
			return *problem == NULL;
		}
	*problem = "unknown kind of record";
	return false;
}
