/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes the first inputs of every corpus to DIRECTORY/TARGET/seed-…: what a
 * fuzzer would take long to come to by itself, such as tokens that are right.
 *
 *     seeds DIRECTORY
 */
#include <errno.h>
#include <sys/stat.h>

#include "proto/frame.h"
#include "proto/usage_message.h"
#include "seeds.h"

static const char *directory;
struct world seed_world;
uint8_t seed[SEED_MAX];

void
seed_save(const char *target, const char *name, const void *data, size_t len)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", directory, target);
	mkdir(path, 0777);
	snprintf(path, sizeof path, "%s/%s/seed-%s", directory, target, name);
	file = fopen(path, "we");
	if (file == NULL || fwrite(data, 1, len, file) != len ||
	    fclose(file) != 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(EXIT_FAILURE);
	}
}

void
seed_save_number(
    const char *target, size_t number, const void *data, size_t len)
{
	char name[32];

	snprintf(name, sizeof name, "%02zu", number);
	seed_save(target, name, data, len);
}

static void
save_texts(const char *target, const char *const *texts)
{
	for (size_t i = 0; texts[i] != NULL; i++)
		seed_save_number(target, i, texts[i], strlen(texts[i]));
}

/* Frames, and what is answered to them */

static const uint8_t office[] = {203, 0, 113, 7};
static const char scopes[] = "\003a:b\003c:d";

static struct verify_request
full_request(enum world_key key)
{
	return (struct verify_request){
	    .credential = bytes_of(seed_world.tokens[key]),
	    .permission = PERMISSION_WRITE,
	    .account = bytes_of("acme"),
	    .product = bytes_of("mail"),
	    .user = bytes_of("alice"),
	    .service = bytes_of("httpd"),
	    .endpoint = bytes_of("GET /v1/things"),
	    .address = {office, sizeof office},
	    .scopes = {2, bytes_of(scopes)},
	};
}

static void
write_verify(struct writer *w, const struct verify_request *request)
{
	size_t begin = frame_begin(w, FRAME_VERIFY, 0);

	verify_request_write(w, request);
	frame_end(w, begin);
}

static void
write_signature(struct writer *w, const char *payload)
{
	char hex[SIGNATURE_LEN + 1];
	size_t begin = frame_begin(w, FRAME_VERIFY_SIGNATURE, 0);
	struct signature_request request = {
	    .key_id = world_key_id(&seed_world, WORLD_HMAC),
	    .payload = bytes_of(payload)};

	world_sign(&seed_world, NULL, 0, request.payload, hex);
	request.signature = bytes_of(hex);
	signature_request_write(w, &request);
	write_bytes(w, payload, strlen(payload));
	frame_end(w, begin);
}

static void
write_other(struct writer *w, uint8_t type, struct bytes body)
{
	size_t begin = frame_begin(w, type, 0);

	write_bytes(w, body.data, body.len);
	frame_end(w, begin);
}

static void
write_lookup(struct writer *w)
{
	size_t begin = frame_begin(w, FRAME_LOOKUP, 0);

	lookup_request_write(w, world_key_id(&seed_world, WORLD_PLAIN));
	frame_end(w, begin);
}

static void
write_usage(struct writer *w, enum window window, enum world_key key)
{
	struct usage_request request = {(uint8_t)window, full_request(key)};
	size_t begin = frame_begin(w, FRAME_USAGE, 0);

	usage_request_write(w, &request);
	frame_end(w, begin);
}

/* The input of the frames target, and its answer as one of the client's. */
static void
save_frames(const char *name, const struct writer *w, uint8_t question)
{
	static uint8_t answer[SEED_MAX];
	struct bytes in = {seed + 1, w->len - 1};
	struct writer out = writer_over(answer, sizeof answer);
	static char later[SEED_MAX];
	struct peer peer = {.uid = 1000};
	struct conn conn = {.replies = later};
	void *session = verify_plane.opened(&seed_world.verifier, &conn, &peer);
	size_t used;

	fuzz_require(!w->failed, "a seed fits");
	seed_save("frames", name, seed, w->len);
	write_u8(&out, question);
	write_u8(&out, UINT8_MAX);
	verify_plane.received(&seed_world.verifier, session, in, &used, &out);
	world_settle(&seed_world);
	write_bytes(&out, later, conn.len);
	verify_plane.closed(&seed_world.verifier, session);
	seed_save("client", name, answer, out.len);
}

/* Over the seed, with what comes before the stream. */
static struct writer
stream(void)
{
	struct writer w = writer_over(seed, sizeof seed);

	write_u8(&w, 1); /* uid 1000, byte by byte */
	return w;
}

static void
save_all_frames(void)
{
	char name[32];
	struct writer w;

	for (int i = 0; i < WORLD_KEYS; i++) {
		struct verify_request bare = {
		    .credential = bytes_of(seed_world.tokens[i])};
		struct verify_request full = full_request((enum world_key)i);

		w = stream();
		write_verify(&w, i == WORLD_BOUND ? &full : &bare);
		snprintf(name, sizeof name, "verify-%02d", i);
		save_frames(name, &w, 0);
	}
	w = stream();
	for (int i = 0; i < 4; i++)
		write_verify(&w,
		    &(struct verify_request){
			.credential =
			    bytes_of(seed_world.tokens[WORLD_RATED])});
	save_frames("rated", &w, 1);
	w = stream();
	write_verify(
	    &w, &(struct verify_request){.credential = bytes_of("ak_short")});
	save_frames("malformed", &w, 0);
	w = stream();
	write_signature(&w, "{\"paid\":true}");
	save_frames("signature", &w, 3);
	w = stream();
	write_u8(&w, 'a');
	save_frames("cut", &w, 0);
	w = stream();
	write_other(&w, FRAME_PING, bytes_of(""));
	write_other(&w, FRAME_PING, bytes_of("pong"));
	save_frames("ping", &w, 4);
	w = stream();
	write_other(&w, FRAME_LOOKUP, bytes_of(""));
	save_frames("empty", &w, 2);
	w = stream();
	write_lookup(&w);
	save_frames("lookup", &w, 2);
	w = stream();
	write_usage(&w, WINDOW_24H, WORLD_BOUND);
	write_usage(&w, WINDOW_30D, WORLD_PLAIN);
	save_frames("usage", &w, 5);
}

/* Texts */

static const char *const texts[] = {"0", "1d12h", "90s", "500ms", "100/60s",
    "5/m", "1000/month", "2026-11-21", "2026-11-21T03:11:00Z",
    "2026-11-21T03:11:00.5+01:00", "1700000000", "203.0.113.7",
    "203.0.113.0/24", "2001:db8::/32", "::ffff:203.0.113.7", "fe80::1%eth0",
    "a-slug", "appointments:export", "Gr\xc3\xbc\xc3\x9f\x65", NULL};

static const char *const settings[] = {
    "verify_socket_group = \"apikey\"\nmaster_key_file = \"/etc/key\"\n",
    "# a comment\nlog_level = debug\nmax_connections = 10\n"
    "max_connections_per_uid = 5\n",
    "request_timeout = \"5s\"\nsignature_window = 300s\n"
    "expected_keys = 1000\n",
    "log_level = '${HOME}'\n", "log_levle = debug\n", NULL};

static const char *const logs[] = {"F\"a\":1\nB\"b\":2\nO\"c\":3\nB\"d\":4\n",
    "B\"a\":1\nRxx\nB\"d\":4\nC12", "F\"a\":1\nF\"b\":2\nC7\nO\"z\":1",
    "R{\"sequence\":1,\"mac\":\"00112233445566778899aabbccddeeff\"}\n", NULL};

/* What stands for tokens and stretches: see scan.c. */
static const char *const scans[] = {"\377an \200 and\n\n\201\n",
    "\1a\nb\200\201\202\203", "\37_\200_", "\201x\236\n\200\237\237\201\n\202",
    "\377\237\237\237\237_\n_\203", NULL};

/* Requests to httpd, see credential.c; '$': a token. */
static void
save_credentials(void)
{
	static const char *const requests[] = {
	    "\17Bearer $\n\n\n$",
	    "\17Negotiate x, bearer  $\n$\na=1&api_key=$&b=2",
	    "\217Basic dXNlcjpwYXNz\n\napi%5fkey=$;x",
	    "\2Basic OmFrX3g=\n", /* ":ak_x" */
	};
	const char *token = seed_world.tokens[WORLD_PLAIN];

	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		struct writer w = writer_over(seed, sizeof seed);

		for (const char *at = requests[i]; *at != '\0'; at++)
			if (*at == '$')
				write_bytes(&w, token, strlen(token));
			else
				write_u8(&w, (uint8_t)*at);
		seed_save_number("credential", i, seed, w.len);
	}
}

static void
save_tokens(void)
{
	for (size_t i = 0; i < WORLD_KEYS; i++)
		seed_save_number("token", i, seed_world.tokens[i],
		    strlen(seed_world.tokens[i]));
	seed_save("token", "cut", seed_world.tokens[0],
	    strlen(seed_world.tokens[0]) - 1);
	seed_save("token", "id", seed_world.tokens[0], 3 + TOKEN_ID_LEN);
}

int
main(int argc, char **argv)
{
	if (argc != 2) {
		fputs("usage: seeds DIRECTORY\n", stderr);
		return 2;
	}
	directory = argv[1];
	world_init();
	world_make(&seed_world);
	seed_world.verifier.usage = world_usage();
	save_all_frames();
	seeds_of_store();
	seeds_of_admin();
	save_texts("text", texts);
	save_texts("settings", settings);
	save_tokens();
	save_credentials();
	seeds_of_usage();
	save_texts("audit", logs);
	save_texts("scan", scans);
	world_free(&seed_world);
	return 0;
}
