/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Class 13: what a refusal's time tells. A token of a key that there is not,
 * and one of a key whose secret is another, take the same time: Welch's t of
 * the two is below 4.5 in at least one of some runs, since other processes
 * disturb it, and disturb it at random. In process, where a socket's time hides
 * nothing. For make torture: it is no test for a machine that is at work.
 *
 * An ID of each kind in turn is asked for many times over, as one would who
 * wants to know of it: so caches are as warm for both, and what differs is what
 * is done. An ID takes longer, up to 3 ns, the longer ago it was asked for
 * last, whether there is a key of it or not.
 *
 *   TIMING_SAMPLES   of both together, a run (1000000)
 */
#include <math.h>
#include <time.h>

#include "daemon/instant.h"
#include "tests/fuzz/world.h"
#include "tests/unit/suite.h"

/* Of few keys, how they happen to lie in memory is told from the mean. */
enum {
	RUNS = 5,
	KEYS = 2000,
	EACH = 500,
	WARM_UP = 10000,
	HISTOGRAM = 1 << 14
};

#define T_MAX 4.5

static struct world world;
static char ids[2][KEYS][TOKEN_ID_LEN]; /* of keys, and of none */

static void
random_text(char *out, size_t len, uint64_t *seed)
{
	for (size_t i = 0; i < len; i++)
		out[i] = base62_digit((unsigned)suite_below(seed, 62));
}

/* Keys as the first token's is, which are others' by their IDs and hashes. */
static void
make_keys(uint64_t *seed)
{
	struct token_view token;
	const struct key *like;

	token_parse(world.tokens[0], strlen(world.tokens[0]), &token);
	like = index_key(world.index, token.id);
	ck_assert_ptr_nonnull(like);
	for (size_t i = 0; i < KEYS; i++) {
		struct key *key = key_new();

		ck_assert_ptr_nonnull(key);
		*key = *like;
		random_text(ids[0][i], TOKEN_ID_LEN, seed);
		random_text(ids[1][i], TOKEN_ID_LEN, seed);
		memcpy(key->id, ids[0][i], sizeof key->id);
		random_text((char *)key->hash, sizeof key->hash, seed);
		key->limits = NULL;
		key->previous = NULL;
		key->details = NULL;
		key->details = key_new_details(key, like->details_len);
		ck_assert_ptr_nonnull(key->details);
		memcpy(key->details, like->details, like->details_len);
		ck_assert(index_add_key(world.index, key));
	}
}

/* How many samples took so many nanoseconds. */
static unsigned long histograms[2][HISTOGRAM];

/* A token of a key that there is, or of none, with a fresh secret. */
static void
make_token(char *out, bool unknown, size_t which, uint64_t *seed)
{
	const char *token = world.tokens[0];
	size_t len = strlen(token);
	char *secret = out + len - TOKEN_CHECK_LEN - TOKEN_SECRET_LEN;
	char *id = secret - 1 - TOKEN_ID_LEN;

	memcpy(out, token, len + 1);
	random_text(secret, TOKEN_SECRET_LEN, seed);
	memcpy(id, ids[unknown][which], TOKEN_ID_LEN);
	token_checksum(out, len - TOKEN_CHECK_LEN, out + len - TOKEN_CHECK_LEN);
}

static int64_t
clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* One refusal, in nanoseconds. */
static int64_t
time_of(const char *token)
{
	struct verify_request request = {.credential = bytes_of(token)};
	struct verify_reply reply;
	char id[KEY_ID_SIZE];
	int64_t start = clock_ns();

	verify(&world.verifier, &request, 1000, now_ms(), &reply, id);
	start = clock_ns() - start;
	ck_assert_int_eq(reply.verdict, VERDICT_UNKNOWN);
	return start;
}

/* The time that one in ten samples is above: the rest is what others did. */
static size_t
ninth_tenth(unsigned long samples)
{
	unsigned long below = 0;
	size_t at = 0;

	while (at < HISTOGRAM && below < samples / 10 * 9) {
		below += histograms[0][at] + histograms[1][at];
		at++;
	}
	return at;
}

struct moments {
	double count, mean, variance;
};

static struct moments
moments_of(const unsigned long *histogram, size_t end)
{
	struct moments m = {0, 0, 0};

	for (size_t i = 0; i < end; i++) {
		m.count += (double)histogram[i];
		m.mean += (double)histogram[i] * (double)i;
	}
	m.mean /= m.count;
	for (size_t i = 0; i < end; i++)
		m.variance += (double)histogram[i] * ((double)i - m.mean) *
		    ((double)i - m.mean);
	m.variance /= m.count - 1;
	return m;
}

/* |t| of a run. */
static double
run(unsigned long samples, uint64_t *seed)
{
	struct moments a, b;
	size_t end;
	double t;

	memset(histograms, 0, sizeof histograms);
	for (unsigned long i = 0; i < samples; i++) {
		size_t kind = next_random(seed) >> 40 & 1;
		char token[TOKEN_MAX + 1];
		int64_t ns;

		make_token(token, kind == 1, i / EACH % KEYS, seed);
		ns = time_of(token);

		if (ns < HISTOGRAM)
			histograms[kind][ns]++;
	}
	end = ninth_tenth(samples);
	a = moments_of(histograms[0], end);
	b = moments_of(histograms[1], end);
	t = fabs(a.mean - b.mean) /
	    sqrt(a.variance / a.count + b.variance / b.count);
	printf("# wrong secret %.2f ns, unknown ID %.2f ns, |t| = %.2f\n",
	    a.mean, b.mean, t);
	fflush(stdout);
	return t;
}

START_TEST(refusals_take_the_same_time)
{
	const char *text = getenv("TIMING_SAMPLES");
	unsigned long samples =
	    text != NULL ? strtoul(text, NULL, 10) : 1000000;
	uint64_t seed = 13;
	double least = INFINITY;

	world_init();
	world_make(&world);
	make_keys(&seed);
	run(WARM_UP, &seed);
	for (int i = 0; i < RUNS && least >= T_MAX; i++) {
		double t = run(samples, &seed);

		least = t < least ? t : least;
	}
	ck_assert_msg(least < T_MAX, "|t| = %.2f at the least", least);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("class 13: timing");

	suite_add(
	    suite, "refusals_take_the_same_time", refusals_take_the_same_time);
	return suite_run(suite);
}
