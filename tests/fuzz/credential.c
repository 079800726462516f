/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where mod_authnz_apikey finds credentials in a request, and takes them out
 * again. Input: which sources it looks at (a byte), then lines: Authorization,
 * X-Api-Key, the query, an environment variable.
 *
 * In a request that they were taken out of, there is none left to be found.
 */
#include <apr_general.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "fuzz.h"
#include "plugins/apache/credential.h"

#define HEADER    "X-Api-Key"
#define PARAMETER "api_key"

static const struct source sources_there_are[] = {
    {SOURCE_BEARER, NULL},
    {SOURCE_BASIC, NULL},
    {SOURCE_HEADER, HEADER},
    {SOURCE_QUERY, PARAMETER},
};

/* APR's pools would hide a read behind the end: each piece of its own. */
static struct piece {
	struct piece *next;
} * pieces;

void *
apr_palloc(apr_pool_t *pool, apr_size_t size)
{
	struct piece *piece = malloc(sizeof *piece + size);

	(void)pool;
	fuzz_require(piece != NULL, "there is memory");
	piece->next = pieces;
	pieces = piece;
	return piece + 1;
}

static void
free_pieces(void)
{
	while (pieces != NULL) {
		struct piece *next = pieces->next;

		free(pieces);
		pieces = next;
	}
}

/* httpd's, which is in no library: '+' and %XX, a bad escape stays. */
int
ap_unescape_urlencoded(char *query)
{
	char *out = query;

	for (; *query != '\0'; query++, out++) {
		char hex[] = {query[0] == '%' ? query[1] : 'x',
		    query[0] == '%' && query[1] != '\0' ? query[2] : 'x', '\0'};
		char *end;
		long value = strtol(hex, &end, 16);

		*out = *query == '+' ? ' ' : *query;
		if (end == hex + 2 && apr_isxdigit(hex[0])) {
			*out = (char)value;
			query += 2;
		}
	}
	*out = '\0';
	return 0;
}

static apr_pool_t *pool;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_require(apr_initialize() == APR_SUCCESS &&
		apr_pool_create(&pool, NULL) == APR_SUCCESS,
	    "APR works");
	return 0;
}

static apr_array_header_t *
choose_sources(uint8_t bits)
{
	apr_array_header_t *sources =
	    apr_array_make(pool, 4, sizeof(struct source));

	for (size_t i = 0; i < 4; i++)
		if ((bits >> i & 1) != 0)
			APR_ARRAY_PUSH(sources, struct source) =
			    sources_there_are[i];
	return sources;
}

static void
check_credential(const struct credential *credential)
{
	fuzz_use(credential->token, strlen(credential->token));
	fuzz_use(credential->sent, strlen(credential->sent));
	fuzz_require(
	    (credential->user != NULL) == (credential->from == SOURCE_BASIC),
	    "Basic alone has a user");
	if (credential->user != NULL)
		fuzz_require(strchr(credential->user, ':') == NULL,
		    "a user name ends before the colon");
	fuzz_require(!credential_is_token(credential->token) ||
		(credential_is_plausible(credential->token) &&
		    credential_holds_token(credential)),
	    "a token is one in every respect");
}

/* The query in a URI or a request line. */
static const char *
query_in(const char *text)
{
	const char *mark = strchr(text, '?');

	return mark == NULL
	    ? NULL
	    : apr_pstrmemdup(pool, mark + 1, strcspn(mark + 1, " #"));
}

static bool
holds_any(
    const request_rec *r, const char *query, const apr_array_header_t *sources)
{
	return credential_find(pool, r->headers_in, query,
		   r->proxyreq == PROXYREQ_PROXY, sources)
		   ->nelts > 0;
}

static void
check_stripped(request_rec *r, const apr_array_header_t *sources,
    const apr_array_header_t *found)
{
	const char *copy;

	fuzz_require(!holds_any(r, r->args, sources) &&
		!holds_any(r, r->parsed_uri.query, sources) &&
		!holds_any(r, query_in(r->unparsed_uri), sources) &&
		!holds_any(r, query_in(r->the_request), sources),
	    "what was taken out is not found again");
	for (int i = 0; i < found->nelts; i++) {
		const struct credential *credential =
		    &APR_ARRAY_IDX(found, i, struct credential);

		copy = apr_table_get(r->subprocess_env, "COPY");
		fuzz_require(copy == NULL ||
			!credential_is_token(credential->token) ||
			strstr(copy, credential->token) == NULL,
		    "a token is not in the environment any more");
		credential_strip_copies(r, credential);
		copy = apr_table_get(r->subprocess_env, "COPY");
		fuzz_require(
		    copy == NULL || strstr(copy, credential->token) == NULL,
		    "nor what apikeyd says is one");
	}
}

static void
fill(request_rec *r, char *lines, bool proxied)
{
	char *authorization = strsep(&lines, "\n");
	char *header = strsep(&lines, "\n");
	char *query = strsep(&lines, "\n");
	char *copy = strsep(&lines, "\n");

	if (query != NULL) /* as httpd takes a request line apart */
		query[strcspn(query, " #")] = '\0';
	memset(r, 0, sizeof *r);
	r->pool = pool;
	r->proxyreq = proxied ? PROXYREQ_PROXY : PROXYREQ_NONE;
	r->headers_in = apr_table_make(pool, 4);
	r->subprocess_env = apr_table_make(pool, 4);
	apr_table_set(
	    r->headers_in, credential_authorization(proxied), authorization);
	if (header != NULL)
		apr_table_set(r->headers_in, HEADER, header);
	if (copy != NULL)
		apr_table_set(r->subprocess_env, "COPY", copy);
	r->args = apr_pstrdup(pool, query);
	r->parsed_uri.query = apr_pstrdup(pool, query);
	r->unparsed_uri =
	    apr_pstrcat(pool, "/x?", query != NULL ? query : "", NULL);
	r->the_request =
	    apr_pstrcat(pool, "GET ", r->unparsed_uri, " HTTP/1.1", NULL);
	r->filename = r->unparsed_uri;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	apr_array_header_t *sources, *found;
	char *text;
	request_rec r;

	if (size < 1)
		return 0;
	text = fuzz_text(data + 1, size - 1);
	fill(&r, text, (data[0] & 0x80) != 0);
	sources = choose_sources(data[0]);
	found = credential_find(
	    pool, r.headers_in, r.args, r.proxyreq == PROXYREQ_PROXY, sources);
	fuzz_require(
	    (credential_count(found) == CREDENTIAL_ONE) == (found->nelts == 1),
	    "one is one");
	for (int i = 0; i < found->nelts; i++)
		check_credential(&APR_ARRAY_IDX(found, i, struct credential));
	credential_strip(&r, sources, found);
	check_stripped(&r, sources, found);
	free_pieces();
	free(text);
	return 0;
}
