/* SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

#include <sodium.h>

#include "daemon/admin_import.h"
#include "daemon/instant.h"
#include "daemon/limits.h"
#include "daemon/log.h"
#include "tests/random.h"

/* Random numbers that are the same in every run */

#define RANDOM_SEED 0x9E3779B97F4A7C15ULL

static uint64_t random_state;

static const char *
random_name(void)
{
	return "the same in every run";
}

static uint32_t
random_next(void)
{
	return (uint32_t)(next_random(&random_state) >> 32);
}

static void
random_fill(void *const out, const size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)out)[i] = (uint8_t)random_next();
}

static randombytes_implementation same_numbers = {
    .implementation_name = random_name,
    .random = random_next,
    .buf = random_fill,
};

/* Argon2id is slow on purpose, and an input may ask for it many times. */
int
crypto_pwhash(unsigned char *const out, unsigned long long out_len,
    const char *const password, unsigned long long password_len,
    const unsigned char *const salt, unsigned long long passes, size_t memory,
    int algorithm)
{
	(void)passes;
	(void)memory;
	(void)algorithm;
	return crypto_generichash(out, (size_t)out_len,
	    (const unsigned char *)password, password_len, salt,
	    crypto_pwhash_SALTBYTES);
}

/* The server's place */

void
conn_send(struct conn *conn, const void *data, size_t len)
{
	fuzz_require(len <= WORLD_REPLIES_MAX - conn->len,
	    "a call's answer is of a bearable length");
	memcpy(conn->replies + conn->len, data, len);
	conn->len += len;
}

bool
conn_is_clogged(const struct conn *conn)
{
	(void)conn;
	return false;
}

void
conn_resume(struct conn *conn)
{
	(void)conn;
}

void
conn_finish(struct conn *conn)
{
	conn->finished = true;
}

void
server_counters(const struct server *server, const struct plane *plane,
    struct server_counters *counters)
{
	(void)server;
	(void)plane;
	memset(counters, 0, sizeof *counters);
}

/* The store's place: what it was given waits for world_settle(). One world is
 * there at a time. */

static struct world *the_world;
static struct store_change *submitted, **last_submitted = &submitted;
static uint64_t sequence;

enum { DISK_MAX = 256 };

void
store_submit(struct store *store, struct store_change *change)
{
	(void)store;
	fuzz_require(
	    admin_role(&the_world->admin, change->operation.uid) >= ROLE_ADMIN,
	    "who changes something may do so");
	change->next = NULL;
	*last_submitted = change;
	last_submitted = &change->next;
}

/* There is nothing to be backed up. */
void
store_submit_task(struct store *store, struct store_task *task)
{
	(void)store;
	task->run(task, NULL);
	task->done(task);
}

void
store_facts(struct store *store, struct store_facts *facts)
{
	(void)store;
	memset(facts, 0, sizeof *facts);
	facts->sequence = sequence;
}

/* There is no audit.log, and nothing in it. */
int
store_audit_fd(const struct store *store)
{
	(void)store;
	return -1;
}

const char *
store_result_text(enum store_result result)
{
	return result == STORE_OK ? "done" : "not done";
}

/* What the store has, by name. The first world is made by calls; later ones
 * begin with what that one had. */
struct disk {
	struct record records[DISK_MAX];
	size_t count;
};

static struct disk disk, first_disk;
static struct keyring *ring;

static struct record *
on_disk(const struct record_name *name)
{
	for (size_t i = 0; i < disk.count; i++)
		if (disk.records[i].name.len == name->len &&
		    memcmp(disk.records[i].name.bytes, name->bytes,
			name->len) == 0)
			return &disk.records[i];
	return NULL;
}

static enum store_result
may_write(const struct store_change *change)
{
	for (size_t i = 0; i < change->count; i++)
		if (change->writes[i].is_new &&
		    on_disk(&change->writes[i].record.name) != NULL)
			return STORE_EXISTS;
	return change->count + 1 <= DISK_MAX - disk.count ? STORE_OK
							  : STORE_FULL;
}

static void
write_record(const struct record *record, uint64_t number)
{
	struct record *place = on_disk(&record->name);

	if (place == NULL)
		place = &disk.records[disk.count++];
	*place = *record;
	record_seal(place, number, ring);
}

static void
write_change(const struct store_change *change)
{
	struct record operation;

	for (size_t i = 0; i < change->count; i++) {
		const struct store_write *write = &change->writes[i];
		struct record *record = on_disk(&write->record.name);

		if (!write->erase)
			write_record(&write->record, change->sequence);
		else if (record != NULL)
			*record = disk.records[--disk.count];
	}
	if (change->operation.id[0] != 0 && !change->no_trace) {
		record_from_operation(&operation, &change->operation);
		write_record(&operation, change->sequence);
	}
}

static enum store_result
next_result(struct world *world)
{
	uint8_t result;

	if (world->results_left == 0)
		return STORE_OK;
	world->results_left--;
	result = *world->results++;
	return result > STORE_SUSPECT ? STORE_OK : (enum store_result)result;
}

static void
commit_next(struct world *world)
{
	struct store_change *change = submitted;

	submitted = change->next;
	if (submitted == NULL)
		last_submitted = &submitted;
	change->result = next_result(world);
	if (change->result == STORE_OK)
		change->result = may_write(change);
	change->sequence = 0;
	if (change->result == STORE_OK) {
		change->sequence = ++sequence;
		change->operation.sequence = sequence;
		write_change(change);
	}
	change->done(change);
	admin_collected(&world->admin);
}

/* The worker's place */

static STAILQ_HEAD(, job) jobs = STAILQ_HEAD_INITIALIZER(jobs);

void
worker_submit(struct worker *worker, struct job *job)
{
	(void)worker;
	STAILQ_INSERT_TAIL(&jobs, job, link);
}

static void
run_next_job(void)
{
	struct job *job = STAILQ_FIRST(&jobs);

	STAILQ_REMOVE_HEAD(&jobs, link);
	job->run(job);
	job->done(job, true);
}

void
world_settle(struct world *world)
{
	do {
		while (submitted != NULL || !STAILQ_EMPTY(&jobs)) {
			if (submitted != NULL)
				commit_next(world);
			else
				run_next_job();
		}
	} while (world_answer_usage() || admin_import_portion(&world->admin));
	fuzz_require(
	    changes_idle(world->admin.changes), "every change comes to an end");
}

/* Connections */

void
world_connect(struct world *world, struct conn *conn, uid_t uid)
{
	struct peer peer = {.uid = uid};

	conn->len = 0;
	conn->finished = false;
	conn->session = admin_plane.opened(&world->service, conn, &peer);
	fuzz_require(conn->session != NULL, "there is memory");
}

void
world_disconnect(struct conn *conn)
{
	admin_plane.closed(NULL, conn->session);
	conn->session = NULL;
}

enum plane_status
world_send(struct conn *conn, const char *message, size_t len)
{
	static uint8_t out[16384];
	struct writer w = writer_over(out, sizeof out);
	struct bytes in = {(const uint8_t *)message, len};
	enum plane_status status;
	size_t used;

	status = admin_plane.received(NULL, conn->session, in, &used, &w);
	fuzz_require(used == len && w.len == 0,
	    "a message is taken as a whole and answered by conn_send()");
	return status;
}

/* What there is in it */

static struct conn root;
static char tokens[WORLD_KEYS][TOKEN_MAX + 1];

static const char *
ask(struct world *world, const char *method, const char *parameters)
{
	char text[2048];
	int len = snprintf(text, sizeof text,
	    "{\"method\":\"io.apikeyd.Admin.%s\",\"parameters\":%s}", method,
	    parameters);

	fuzz_require(len > 0 && (size_t)len < sizeof text, "a call fits");
	root.len = 0;
	world_send(&root, text, (size_t)len + 1);
	world_settle(world);
	if (strncmp(root.replies, "{\"parameters\"", 13) != 0)
		fprintf(stderr, "%s\n%s\n", text, root.replies);
	fuzz_require(strncmp(root.replies, "{\"parameters\"", 13) == 0,
	    "the world can be made");
	return root.replies;
}

static void
keep_token(struct world *world, enum world_key number, const char *reply)
{
	const char *token = strstr(reply, "\"token\":\"");
	size_t len;

	fuzz_require(token != NULL, "a new key has a token");
	token += strlen("\"token\":\"");
	len = strcspn(token, "\"");
	fuzz_require(len <= TOKEN_MAX, "a token has its length");
	memcpy(world->tokens[number], token, len);
	world->tokens[number][len] = '\0';
}

static const struct {
	enum world_key number;
	const char *settings;
} keys[] = {
    {WORLD_PLAIN, "\"account\":\"acme\",\"product\":\"mail\""},
    {WORLD_RATED,
	"\"account\":\"acme\",\"product\":\"mail\",\"rate\":{\"limit\":3,"
	"\"per_seconds\":31536000}"},
    {WORLD_BOUND,
	"\"account\":\"acme\",\"product\":\"mail\",\"permission\":\"write\","
	"\"user\":\"alice\",\"services\":[\"httpd\",\"sshd\"],"
	"\"callers\":[{\"uid\":1000,\"login\":\"www\"}],"
	"\"scopes\":[\"a:b\",\"c:d\"],\"environment\":\"production\","
	"\"allowlist\":{\"enabled\":true,\"entries\":[{\"cidr\":"
	"\"203.0.113.0/24\",\"label\":\"Office\"},{\"cidr\":"
	"\"2001:db8::/32\"}]}"},
    {WORLD_DISABLED, "\"account\":\"acme\",\"product\":\"mail\""},
    {WORLD_REVOKED, "\"account\":\"acme\",\"product\":\"mail\""},
    {WORLD_EXPIRED,
	"\"account\":\"acme\",\"product\":\"mail\","
	"\"expires_in_ms\":86400000"},
    {WORLD_SUSPENDED, "\"account\":\"bolt\",\"product\":\"mail\""},
    {WORLD_RECOVERABLE, "\"account\":\"acme\",\"product\":\"vault\""},
    {WORLD_HMAC, "\"account\":\"acme\",\"product\":\"mail\",\"type\":\"hmac\""},
    {WORLD_ROTATED, "\"account\":\"acme\",\"product\":\"mail\""},
};

static struct key *
key_of(struct world *world, enum world_key number)
{
	const char *text = world->tokens[number];
	struct token_view token;
	struct key *key;

	fuzz_require(token_parse(text, strlen(text), &token) == REASON_NONE,
	    "a token is one");
	key = index_key(world->index, token.id);
	fuzz_require(key != NULL, "a token is a key's");
	return key;
}

static void
ask_of_key(struct world *world, const char *method, enum world_key number,
    const char *more)
{
	char id[KEY_ID_SIZE], text[128];

	key_id_text(key_of(world, number), id);
	snprintf(text, sizeof text, "{\"id\":\"%s\"%s}", id, more);
	ask(world, method, text);
}

/* The token that is made next is the same however many random numbers were
 * drawn before: the corpora are full of them. */
static void
choose_token(enum world_key number)
{
	random_state = RANDOM_SEED * (2 + (uint64_t)number);
}

static void
make_keys(struct world *world)
{
	char text[1024];

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		snprintf(text, sizeof text,
		    "{\"settings\":{\"name\":\"key %zu\",%s}%s}", i,
		    keys[i].settings,
		    keys[i].number == WORLD_RECOVERABLE ? ",\"pin\":\"1234\""
							: "");
		choose_token(keys[i].number);
		keep_token(
		    world, keys[i].number, ask(world, "CreateKey", text));
	}
	ask_of_key(world, "DisableKey", WORLD_DISABLED, "");
	ask_of_key(world, "RevokeKey", WORLD_REVOKED, ",\"reason\":\"lost\"");
	choose_token(WORLD_NEWER);
	ask_of_key(
	    world, "RotateKey", WORLD_ROTATED, ",\"overlap_ms\":86400000");
	keep_token(world, WORLD_NEWER, root.replies);
	ask(world, "SuspendAccount", "{\"slug\":\"bolt\"}");
}

struct bytes
world_key_id(const struct world *world, enum world_key key)
{
	const char *token = world->tokens[key];

	return (struct bytes){(const uint8_t *)token,
	    strlen(token) - TOKEN_CHECK_LEN - TOKEN_SECRET_LEN - 1};
}

void
world_sign(const struct world *world, const void *first, size_t first_len,
    struct bytes payload, char hex[SIGNATURE_LEN + 1])
{
	const char *token = world->tokens[WORLD_HMAC];
	uint8_t signature[SIGNATURE_BYTES];

	secret_sign(token, strlen(token), first, first_len, payload.data,
	    payload.len, signature);
	sodium_bin2hex(hex, SIGNATURE_LEN + 1, signature, sizeof signature);
}

bool
world_accepts(enum world_key key)
{
	return key == WORLD_PLAIN || key == WORLD_RATED ||
	    key == WORLD_RECOVERABLE || key == WORLD_ROTATED ||
	    key == WORLD_NEWER;
}

void
world_reset_rates(struct world *world)
{
	rate_reset(key_of(world, WORLD_RATED)->limits, monotonic_ms());
}

static const struct {
	const char *method, *parameters;
} beginning[] = {
    {"CreateAccount", "{\"slug\":\"acme\",\"status\":\"approved\"}"},
    {"CreateAccount", "{\"slug\":\"bolt\",\"status\":\"approved\"}"},
    {"CreateAccount", "{\"slug\":\"idle\"}"},
    {"CreateProduct", "{\"slug\":\"mail\",\"prefix\":\"ak\"}"},
    {"CreateProduct",
	"{\"slug\":\"vault\",\"prefix\":\"sk_live\",\"recoverable\":true,"
	"\"require_pin\":true}"},
    {"CreateProduct", "{\"slug\":\"unused\"}"},
    {"EnableProduct", "{\"slug\":\"mail\",\"account\":\"acme\"}"},
    {"EnableProduct", "{\"slug\":\"vault\",\"account\":\"acme\"}"},
    {"EnableProduct", "{\"slug\":\"mail\",\"account\":\"bolt\"}"},
    {"AddOperator",
	"{\"login\":\"alice\",\"uid\":700,\"role\":\"admin\","
	"\"accounts\":[\"acme\"]}"},
    {"AddOperator", "{\"login\":\"carol\",\"uid\":800,\"role\":\"auditor\"}"},
    {"SetPin", "{\"pin\":\"1234\"}"},
};

/* What no call can make: a key of the past. */
static void
expire(struct world *world)
{
	static struct record records[KEY_RECORDS_MAX];
	struct key *key = key_of(world, WORLD_EXPIRED);
	size_t count;

	key->expires_at = 1;
	count = records_from_key(records, key);
	for (size_t i = 0; i < count; i++)
		write_record(&records[i], key->sequence);
}

static void
make(struct world *world)
{
	world_connect(world, &root, 0);
	for (size_t i = 0; i < sizeof beginning / sizeof beginning[0]; i++)
		ask(world, beginning[i].method, beginning[i].parameters);
	make_keys(world);
	world_disconnect(&root);
	expire(world);
	first_disk = disk;
	memcpy(tokens, world->tokens, sizeof tokens);
}

static void
load(struct world *world)
{
	struct loader *loader = loader_new(world->index);
	struct record_view view;
	const char *problem;

	fuzz_require(loader != NULL, "there is memory");
	for (size_t i = 0; i < disk.count; i++) {
		const struct record *record = &disk.records[i];

		fuzz_require(record_open((struct bytes){record->name.bytes,
					     record->name.len},
				 (struct bytes){record->data, record->len},
				 world->ring, &view, &problem) &&
			load_record(loader, &view, &problem),
		    "what was written can be loaded");
	}
	fuzz_require(load_finish(loader), "and is all there is");
	loader_free(loader);
}

/* All but what the index holds. */
static void
start(struct world *world)
{
	static const char description[] = "interface io.apikeyd.Admin\n";
	struct admin *admin = &world->admin;

	memset(admin, 0, sizeof *admin);
	world->index = index_new();
	fuzz_require(world->index != NULL, "there is memory");
	verifier_init(&world->verifier, world->index, world->ring);
	admin->index = world->index;
	admin->changes = changes_new(NULL, world->index);
	fuzz_require(admin->changes != NULL, "there is memory");
	admin->ring = world->ring;
	admin->verifier = &world->verifier;
	admin->state_directory = "/nowhere";
	admin->stopping = true; /* nothing goes on for ever */
	admin->started_at = monotonic_ms();
	world->service = admin_service(admin, description);
}

static void
stop(struct world *world)
{
	fuzz_require(world->admin.import == NULL, "an import comes to an end");
	changes_free(world->admin.changes);
	index_free(world->index);
}

void
world_make(struct world *world)
{
	memset(world, 0, sizeof *world);
	the_world = world;
	world->ring = ring;
	random_state = ~RANDOM_SEED; /* not what the first world drew */
	disk = first_disk;
	sequence = 1000; /* behind all that the first world had */
	start(world);
	if (first_disk.count == 0)
		make(world);
	else
		load(world);
	memcpy(world->tokens, tokens, sizeof tokens);
}

void
world_restart(struct world *world)
{
	stop(world);
	start(world);
	load(world);
	admin_import_resume(&world->admin);
	world_settle(world);
}

void
world_free(struct world *world)
{
	stop(world);
}

void
world_init(void)
{
	static char replies[WORLD_REPLIES_MAX];

	root.replies = replies;
	log_set_level((enum log_level)0); /* nobody reads it */
	random_state = RANDOM_SEED;
	fuzz_require(
	    randombytes_set_implementation(&same_numbers) == 0 && secret_init(),
	    "libsodium works");
	varlink_init();
	ring = keyring_new();
	fuzz_require(ring != NULL, "there is memory");
}
