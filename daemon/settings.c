/* SPDX-License-Identifier: BSD-2-Clause */
#include "settings.h"

#include <confuse.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/text.h"

static const struct {
	const char *name;
	enum log_level level;
} levels[] = {
    {"error", LOG_LEVEL_ERROR},
    {"warning", LOG_LEVEL_WARNING},
    {"notice", LOG_LEVEL_NOTICE},
    {"info", LOG_LEVEL_INFO},
    {"debug", LOG_LEVEL_DEBUG},
};

static const struct range {
	const char *name;
	long min, max;
} ranges[] = {
    {"max_connections", 1, 1000000},
    {"max_connections_per_uid", 1, 1000000},
    {"expected_keys", 1, 10000000},
    {"usage_journal_size", 16, 4096},
};

/* Durations, in milliseconds. */
static const struct duration {
	const char *name;
	int64_t min, max;
	const char *expected;
} durations[] = {
    {"request_timeout", 10, 3600000, "from 10ms to 1h, such as 5s"},
    {"signature_window", 1000, 86400000, "from 1s to 1d, such as 300s"},
    {"usage_retention", 31 * INT64_C(86400000), 3660 * INT64_C(86400000),
	"from 31d to 3660d, such as 31d"},
    {"usage_flush_interval", 10, 3600000, "from 10ms to 1h, such as 2s"},
};

void
settings_default(struct settings *settings)
{
	*settings = (struct settings){
	    .verify_socket_group = "apikey",
	    .log_level = LOG_LEVEL_NOTICE,
	    .log_verifications = VERIFY_LOG_OFF,
	    .limits =
		{
		    .connections = 4096,
		    .connections_per_uid = 1024,
		    .request_timeout_ms = 5000,
		},
	    .signature_window = 300,
	    .expected_keys = 100000,
	    .usage_retention = 31,
	    .usage_flush_interval = 2000,
	    .usage_journal_size = 64,
	};
}

static bool
level_parse(const char *text, enum log_level *level)
{
	for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
		if (strcmp(levels[i].name, text) == 0) {
			*level = levels[i].level;
			return true;
		}
	}
	return false;
}

/* libconfuse's errors and ours: one line with file and line number. */
__attribute__((format(printf, 2, 0))) static void
log_problem(cfg_t *cfg, const char *format, va_list args)
{
	char text[512];

	vsnprintf(text, sizeof text, format, args);
	log_error("%s:%d: %s", cfg->filename, cfg->line, text);
}

/* Validators run when a value has been read, so the line is its own. */
static const char *
text_of(cfg_opt_t *opt)
{
	const char *text = cfg_opt_getnstr(opt, 0);

	return text != NULL ? text : "";
}

static int
check_range(cfg_t *cfg, cfg_opt_t *opt)
{
	long value = cfg_opt_getnint(opt, 0);

	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
		const struct range *range = &ranges[i];

		if (strcmp(range->name, cfg_opt_name(opt)) != 0)
			continue;
		if (value >= range->min && value <= range->max)
			return 0;
		cfg_error(cfg, "%s = %ld: expected a number from %ld to %ld",
		    range->name, value, range->min, range->max);
	}
	return -1;
}

static int
check_duration(cfg_t *cfg, cfg_opt_t *opt)
{
	int64_t ms;

	for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
		const struct duration *d = &durations[i];

		if (strcmp(d->name, cfg_opt_name(opt)) != 0)
			continue;
		if (duration_parse(text_of(opt), &ms) && ms >= d->min &&
		    ms <= d->max)
			return 0;
		cfg_error(cfg, "%s = %s: expected a duration %s", d->name,
		    text_of(opt), d->expected);
	}
	return -1;
}

static int
check_level(cfg_t *cfg, cfg_opt_t *opt)
{
	enum log_level level;

	if (level_parse(text_of(opt), &level))
		return 0;
	cfg_error(cfg,
	    "%s = %s: expected error, warning, notice, info or debug",
	    cfg_opt_name(opt), text_of(opt));
	return -1;
}

static int
check_verify_log(cfg_t *cfg, cfg_opt_t *opt)
{
	enum verify_log_mode mode;

	if (verify_log_mode_parse(text_of(opt), &mode))
		return 0;
	cfg_error(cfg, "%s = %s: expected off, sampled or all",
	    cfg_opt_name(opt), text_of(opt));
	return -1;
}

static int
check_group(cfg_t *cfg, cfg_opt_t *opt)
{
	size_t max = sizeof((struct settings *)NULL)->verify_socket_group - 1;

	if (label_valid(text_of(opt), 1, max))
		return 0;
	cfg_error(cfg, "%s: expected the name of a group, 1 to %zu bytes",
	    cfg_opt_name(opt), max);
	return -1;
}

static int
check_path(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = text_of(opt);

	if (text[0] == '\0' || (text[0] == '/' && strlen(text) < PATH_MAX))
		return 0;
	cfg_error(
	    cfg, "%s = %s: expected an absolute path", cfg_opt_name(opt), text);
	return -1;
}

static void
set_validators(cfg_t *cfg)
{
	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
		cfg_set_validate_func(cfg, ranges[i].name, check_range);
	for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++)
		cfg_set_validate_func(cfg, durations[i].name, check_duration);
	cfg_set_validate_func(cfg, "log_level", check_level);
	cfg_set_validate_func(cfg, "log_verifications", check_verify_log);
	cfg_set_validate_func(cfg, "verify_socket_group", check_group);
	cfg_set_validate_func(cfg, "master_key_file", check_path);
}

/* Of what has passed the validators; an absent setting keeps its value. */
static void
apply(cfg_t *cfg, struct settings *settings)
{
	struct server_limits *limits = &settings->limits;
	int64_t ms;

	snprintf(settings->verify_socket_group,
	    sizeof settings->verify_socket_group, "%s",
	    cfg_getstr(cfg, "verify_socket_group"));
	snprintf(settings->master_key_file, sizeof settings->master_key_file,
	    "%s", cfg_getstr(cfg, "master_key_file"));
	level_parse(cfg_getstr(cfg, "log_level"), &settings->log_level);
	verify_log_mode_parse(
	    cfg_getstr(cfg, "log_verifications"), &settings->log_verifications);
	limits->connections = (unsigned)cfg_getint(cfg, "max_connections");
	limits->connections_per_uid =
	    (unsigned)cfg_getint(cfg, "max_connections_per_uid");
	if (duration_parse(cfg_getstr(cfg, "request_timeout"), &ms))
		limits->request_timeout_ms = (unsigned)ms;
	if (duration_parse(cfg_getstr(cfg, "signature_window"), &ms))
		settings->signature_window = (unsigned)(ms / 1000);
	settings->expected_keys = (unsigned)cfg_getint(cfg, "expected_keys");
	if (duration_parse(cfg_getstr(cfg, "usage_retention"), &ms))
		settings->usage_retention = (unsigned)(ms / 86400000);
	if (duration_parse(cfg_getstr(cfg, "usage_flush_interval"), &ms))
		settings->usage_flush_interval = (unsigned)ms;
	settings->usage_journal_size =
	    (unsigned)cfg_getint(cfg, "usage_journal_size");
}

/* libconfuse 3.3 counts a line with a comment as three, so its errors would
 * name the wrong line: it gets to see none that begin with #. */
static void
copy_without_comments(FILE *in, FILE *out)
{
	int c, quote = 0;

	while ((c = getc(in)) != EOF) {
		if (quote == 0 && c == '#')
			while (c != '\n' && c != EOF)
				c = getc(in);
		else if (c == quote)
			quote = 0;
		else if (quote == 0 && (c == '"' || c == '\''))
			quote = c;
		else if (quote != 0 && c == '\\') {
			putc(c, out);
			c = getc(in);
		}
		if (c != EOF)
			putc(c, out);
	}
}

static bool
parse_text(cfg_t *cfg, FILE *file)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len), *in = NULL;
	bool ok = false;

	if (out != NULL) {
		copy_without_comments(file, out);
		if (fclose(out) == 0)
			in = fmemopen(text, len, "r");
	}
	if (in == NULL) {
		log_error("%s: not enough memory", cfg->filename);
	} else {
		ok = cfg_parse_fp(cfg, in) == CFG_SUCCESS;
		fclose(in);
	}
	free(text);
	return ok;
}

static bool
parse(struct settings *settings, const char *path, FILE *file)
{
	char timeout[32], window[32], retention[32], flush[32], level[16] = "";
	bool ok = false;
	cfg_t *cfg;

	/* The values so far are the defaults, in libconfuse's words. */
	snprintf(timeout, sizeof timeout, "%ums",
	    settings->limits.request_timeout_ms);
	snprintf(window, sizeof window, "%us", settings->signature_window);
	snprintf(retention, sizeof retention, "%ud", settings->usage_retention);
	snprintf(flush, sizeof flush, "%ums", settings->usage_flush_interval);
	for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
		if (levels[i].level == settings->log_level)
			snprintf(level, sizeof level, "%s", levels[i].name);
	}
	cfg_opt_t options[] = {
	    CFG_STR("verify_socket_group", settings->verify_socket_group,
		CFGF_NONE),
	    CFG_STR("master_key_file", settings->master_key_file, CFGF_NONE),
	    CFG_STR("log_level", level, CFGF_NONE),
	    CFG_STR("log_verifications",
		verify_log_mode_text(settings->log_verifications), CFGF_NONE),
	    CFG_INT("max_connections", settings->limits.connections, CFGF_NONE),
	    CFG_INT("max_connections_per_uid",
		settings->limits.connections_per_uid, CFGF_NONE),
	    CFG_STR("request_timeout", timeout, CFGF_NONE),
	    CFG_STR("signature_window", window, CFGF_NONE),
	    CFG_INT("expected_keys", settings->expected_keys, CFGF_NONE),
	    CFG_STR("usage_retention", retention, CFGF_NONE),
	    CFG_STR("usage_flush_interval", flush, CFGF_NONE),
	    CFG_INT(
		"usage_journal_size", settings->usage_journal_size, CFGF_NONE),
	    CFG_END(),
	};

	cfg = cfg_init(options, CFGF_NONE);
	if (cfg != NULL) {
		cfg_set_error_function(cfg, log_problem);
		set_validators(cfg);
		cfg->filename = strdup(path); /* cfg_free() frees it */
	}
	if (cfg == NULL || cfg->filename == NULL)
		log_error("%s: not enough memory", path);
	else
		ok = parse_text(cfg, file);
	if (ok)
		apply(cfg, settings);
	cfg_free(cfg);
	return ok;
}

bool
settings_read(struct settings *settings, const char *path, bool must_exist)
{
	FILE *file = fopen(path, "re");
	struct stat st;
	bool ok;

	if (file == NULL) {
		if (errno == ENOENT && !must_exist)
			return true;
		log_error("%s: cannot read the configuration: %s", path,
		    strerror(errno));
		return false;
	}
	/* A scanner made by flex ends the process where read(2) fails. */
	if (fstat(fileno(file), &st) != 0 || S_ISDIR(st.st_mode)) {
		log_error("%s: is a directory, not a configuration file", path);
		ok = false;
	} else {
		ok = parse(settings, path, file);
	}
	fclose(file);
	return ok;
}
