/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the configuration says: the AuthApiKey* directives.
 *
 * Everything that can be wrong is found while the configuration is read, so
 * that `httpd -t` names the directive, what was wrong and what is expected.
 */
#ifndef APACHE_SETTINGS_H
#define APACHE_SETTINGS_H

#include <httpd.h>
#include <http_config.h>
#include <ap_expr.h>
#include <apr_reslist.h>

enum source_kind {
	SOURCE_BEARER, /* Authorization: Bearer TOKEN */
	SOURCE_BASIC,  /* Authorization: Basic USER:TOKEN in base64 */
	SOURCE_HEADER, /* NAME: TOKEN */
	SOURCE_QUERY,  /* ?NAME=TOKEN */
};

/* One place where a credential may come from. */
struct source {
	enum source_kind kind;
	const char *name; /* of the header or parameter, else NULL */
};

struct server_settings {
	const char *socket; /* NULL: APIKEY_DEFAULT_SOCKET */
	int timeout_ms;     /* 0: the default */
	/* This process's connections; made by connections_open(). */
	apr_reslist_t *connections;
};

/* Expressions are NULL and lists are NULL where nothing was said. */
struct dir_settings {
	const apr_array_header_t *sources; /* struct source */
	const ap_expr_info_t *account, *product, *permission, *endpoint;
	apr_array_header_t *scopes; /* const ap_expr_info_t * */
	/* 1 and 0 as it was said, -1: nothing was said. */
	int forward;
	int any_user;
	int pass_headers;
	int preflight;
	int basic_provider; /* AuthBasicProvider names us */
};

/* What AuthBasicProvider calls us. */
#define PROVIDER_NAME "apikey"

extern const command_rec settings_commands[];

void *settings_create_server(apr_pool_t *pool, server_rec *server);
void *settings_merge_server(apr_pool_t *pool, void *outer, void *inner);
void *settings_create_dir(apr_pool_t *pool, char *path);
void *settings_merge_dir(apr_pool_t *pool, void *outer, void *inner);

struct server_settings *settings_of_server(const server_rec *server);
const struct dir_settings *settings_of(const request_rec *r);

/* Where credentials are looked for; never NULL. */
const apr_array_header_t *settings_sources(const struct dir_settings *dir);
const char *settings_socket(const struct server_settings *server);
int settings_timeout_ms(const struct server_settings *server);

/*
 * Reads text as the string expression of a directive or Require line, checked
 * by valid() where it is plain text. Returns NULL, or what to tell the
 * operator: name, what was wrong, expected.
 */
const char *settings_expression(cmd_parms *cmd, const char *name,
    const char *text, int (*valid)(const char *text), const char *expected,
    const ap_expr_info_t **out);

/* For settings_expression(). */
int settings_slug_valid(const char *text);
int settings_scope_valid(const char *text);
int settings_permission_valid(const char *text);
#define EXPECTED_SLUG                                                   \
	"a name of lower-case letters, digits and hyphens, at most 63 " \
	"characters, or an expression"
#define EXPECTED_SCOPE                                       \
	"a scope of letters, digits and :._/- , at most 64 " \
	"characters, or an expression"
#define EXPECTED_PERMISSION "read, write or an expression"

#endif
