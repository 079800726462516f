/* SPDX-License-Identifier: BSD-2-Clause */
/* pam_apikey: what it makes of what the daemon says, of options and faults. */
#include <errno.h>
#include <security/pam_appl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "faults.h"
#include "pam_stack.h"

/* What pam_authenticate() says with these options and this verdict. */
static int
authenticate(const char *options, enum verdict verdict, bool *identity)
{
	struct stack stack;
	int code;

	stack_open(&stack, options, NULL);
	stack.script.verdict = verdict;
	stack_start(&stack);
	code = pam_authenticate(stack.pamh, 0);
	*identity = has_identity(&stack);
	stack_close(&stack);
	return code;
}

START_TEST(every_verdict)
{
	static const int codes[VERDICT_COUNT] = {
	    [VERDICT_VALID] = PAM_SUCCESS,
	    [VERDICT_MALFORMED] = PAM_AUTH_ERR,
	    [VERDICT_UNKNOWN] = PAM_AUTH_ERR,
	    [VERDICT_REVOKED] = PAM_AUTH_ERR,
	    [VERDICT_DISABLED] = PAM_AUTH_ERR,
	    [VERDICT_EXPIRED] = PAM_ACCT_EXPIRED,
	    [VERDICT_ACCOUNT_INACTIVE] = PAM_AUTH_ERR,
	    [VERDICT_PRODUCT_DISABLED] = PAM_PERM_DENIED,
	    [VERDICT_ACCOUNT_MISMATCH] = PAM_AUTH_ERR,
	    [VERDICT_PRODUCT_MISMATCH] = PAM_AUTH_ERR,
	    [VERDICT_USER_MISMATCH] = PAM_AUTH_ERR,
	    [VERDICT_PERMISSION_DENIED] = PAM_PERM_DENIED,
	    [VERDICT_SERVICE_DENIED] = PAM_PERM_DENIED,
	    [VERDICT_ADDRESS_DENIED] = PAM_PERM_DENIED,
	    [VERDICT_RATE_LIMITED] = PAM_MAXTRIES,
	    [VERDICT_QUOTA_EXCEEDED] = PAM_MAXTRIES,
	};

	for (int v = VERDICT_VALID; v < VERDICT_COUNT; v++) {
		bool identity,
		    none = v == VERDICT_MALFORMED || v == VERDICT_UNKNOWN;

		ck_assert_int_eq(
		    authenticate("", (enum verdict)v, &identity), codes[v]);
		ck_assert_int_eq(identity, v == VERDICT_VALID);
		/* Only for what is no key of ours, and without an identity. */
		ck_assert_int_eq(authenticate("ignore_unknown_user",
				     (enum verdict)v, &identity),
		    none ? PAM_SUCCESS : codes[v]);
		ck_assert_int_eq(identity, v == VERDICT_VALID);
		ck_assert_int_eq(authenticate("ignore_authinfo_unavail",
				     (enum verdict)v, &identity),
		    codes[v]);
	}
}
END_TEST

/* A daemon that is not there, is silent, or talks nonsense. */
START_TEST(no_verdict)
{
	static const char *const lies[] = {
	    NULL, "HTTP/1.1 200 OK\r\n", "ak\x01\x80\xff\xff\xff\xff", "ak"};

	for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++)
		for (int ignore = 0; ignore < 2; ignore++) {
			struct stack stack;

			stack_open(&stack,
			    ignore ? "timeout=50 ignore_authinfo_unavail"
				   : "timeout=50",
			    NULL);
			stack.script.lie = lies[i];
			if (lies[i] == NULL)
				unlink(stack.daemon.path);
			stack_start(&stack);
			ck_assert_int_eq(pam_authenticate(stack.pamh, 0),
			    ignore ? PAM_SUCCESS : PAM_AUTHINFO_UNAVAIL);
			ck_assert(!has_identity(&stack));
			stack_close(&stack);
		}
}
END_TEST

START_TEST(mistyped_options)
{
	static const char *const wrong[] = {"nosuch", "any_users", "ANY_USER",
	    "any_user=yes", "product", "product=", "product=No_Slug",
	    "account=-a", "permission=admin", "permission=", "permision=write",
	    "scope=", "scope=a,b", "timeout=0", "timeout=1s", "timeout=60001",
	    "timeout=999999999999999999999", "timeout=", "socket=relative",
	    "socket=", "prompt=", "=", "debug=1"};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct stack stack;
		char options[128];

		snprintf(options, sizeof options,
		    "%s ignore_authinfo_unavail ignore_unknown_user", wrong[i]);
		stack_open(&stack, options, NULL);
		stack_start(&stack);
		ck_assert_msg(
		    pam_authenticate(stack.pamh, 0) == PAM_SERVICE_ERR,
		    "authenticate accepts %s", wrong[i]);
		ck_assert_msg(pam_acct_mgmt(stack.pamh, 0) == PAM_SERVICE_ERR,
		    "acct_mgmt accepts %s", wrong[i]);
		ck_assert_int_eq(atomic_load(&stack.daemon.connections), 0);
		stack_close(&stack);
	}
}
END_TEST

static void
assert_text(struct bytes got, const char *want)
{
	ck_assert_uint_eq(got.len, strlen(want));
	ck_assert_int_eq(memcmp(got.data, want, got.len), 0);
}

START_TEST(what_is_asked)
{
	const struct verify_request *asked;
	struct stack stack;
	struct bytes scope;

	stack_open(&stack,
	    "product=p account=a permission=write scope=s:1 scope=s:2 debug "
	    "[prompt=Key, please: ]",
	    NULL);
	stack_start(&stack);
	asked = &stack.script.seen.verify;
	pam_set_item(stack.pamh, PAM_RHOST, "2001:db8::7");
	ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_SUCCESS);
	ck_assert_str_eq(stack.answers.last, "Key, please: ");
	assert_text(asked->credential, pam_token);
	assert_text(asked->user, "alice");
	assert_text(asked->service, "probe");
	assert_text(asked->endpoint, "pam:probe");
	assert_text(asked->product, "p");
	assert_text(asked->account, "a");
	ck_assert_uint_eq(asked->permission, PERMISSION_WRITE);
	ck_assert_uint_eq(asked->scopes.count, 2);
	ck_assert(list_next(&stack.script.seen.verify.scopes, &scope));
	assert_text(scope, "s:1");
	ck_assert_uint_eq(asked->address.len, 16);
	ck_assert_uint_eq(asked->address.data[15], 7);
	stack_close(&stack);

	stack_open(&stack, "any_user", NULL);
	stack_start(&stack);
	asked = &stack.script.seen.verify;
	pam_set_item(stack.pamh, PAM_RHOST, "gateway.example");
	ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_SUCCESS);
	ck_assert_str_eq(stack.answers.last, "API key: ");
	ck_assert_uint_eq(asked->user.len, 0);
	ck_assert_uint_eq(asked->address.len, 0);
	stack_close(&stack);
}
END_TEST

START_TEST(empty_answer)
{
	struct stack stack;

	stack_open(&stack, "ignore_unknown_user", NULL);
	stack.answers.texts[0] = "";
	stack_start(&stack);
	ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_AUTH_ERR);
	ck_assert_int_eq(atomic_load(&stack.daemon.connections), 0);
	stack_close(&stack);
}
END_TEST

/* The first line asks and finds a password; the second is what is tested. */
START_TEST(try_first_pass)
{
	struct stack stack;

	stack_open(&stack, "", "try_first_pass");
	stack.script.malformed = "hunter2";
	stack.answers.texts[0] = "hunter2";
	stack.answers.texts[1] = pam_token;
	stack_start(&stack);
	ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_SUCCESS);
	ck_assert_int_eq(stack.answers.prompts, 2);
	assert_text(stack.script.seen.verify.credential, pam_token);
	stack_close(&stack);

	/* One that was made elsewhere, say. */
	stack_open(&stack, "", "try_first_pass");
	stack.answers.texts[0] = "made-elsewhere";
	stack_start(&stack);
	ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_SUCCESS);
	ck_assert_int_eq(stack.answers.prompts, 1);
	assert_text(stack.script.seen.verify.credential, "made-elsewhere");
	stack_close(&stack);

	/* It asks once only. */
	stack_open(&stack, "", "try_first_pass");
	stack.script.malformed = "hunter2";
	stack.answers.texts[0] = "hunter2";
	stack.answers.texts[1] = "hunter2";
	stack_start(&stack);
	ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_AUTH_ERR);
	ck_assert_int_eq(stack.answers.prompts, 2);
	stack_close(&stack);
}
END_TEST

/* Only malformed is "not a key": a key that is refused is not asked for again.
 */
START_TEST(try_first_pass_refused)
{
	static const enum verdict verdicts[] = {
	    VERDICT_UNKNOWN, VERDICT_REVOKED, VERDICT_EXPIRED};

	for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++) {
		struct stack stack;

		stack_open(&stack, "", "try_first_pass");
		stack.script.verdict = verdicts[i];
		stack.answers.texts[0] = pam_token;
		stack_start(&stack);
		ck_assert_int_ne(pam_authenticate(stack.pamh, 0), PAM_SUCCESS);
		ck_assert_int_eq(stack.answers.prompts, 1);
		stack_close(&stack);
	}
}
END_TEST

START_TEST(use_first_pass)
{
	struct stack stack;

	stack_open(&stack, "", "use_first_pass");
	stack.script.malformed = "hunter2";
	stack.answers.texts[0] = "hunter2";
	stack_start(&stack);
	ck_assert_int_ne(pam_authenticate(stack.pamh, 0), PAM_SUCCESS);
	ck_assert_int_eq(stack.answers.prompts, 1);
	assert_text(stack.script.seen.verify.credential, "hunter2");
	stack_close(&stack);

	stack_open(&stack, "use_first_pass", NULL);
	stack_start(&stack);
	ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_AUTH_ERR);
	ck_assert_int_eq(stack.answers.prompts, 0);
	stack_close(&stack);
}
END_TEST

START_TEST(environment)
{
	struct stack stack;
	pam_handle_t *pamh;

	stack_open(&stack, "", NULL);
	stack_start(&stack);
	pamh = stack.pamh;
	ck_assert_int_eq(pam_authenticate(pamh, 0), PAM_SUCCESS);
	ck_assert_str_eq(pam_getenv(pamh, "APIKEY_ID"), FAKE_KEY_ID);
	ck_assert_str_eq(pam_getenv(pamh, "APIKEY_ACCOUNT"), "acme");
	ck_assert_str_eq(pam_getenv(pamh, "APIKEY_PERMISSION"), "write");
	ck_assert_int_eq(pam_putenv(pamh, "APIKEY_ID=other"), PAM_SUCCESS);
	ck_assert_int_eq(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	ck_assert_str_eq(pam_getenv(pamh, "APIKEY_ID"), FAKE_KEY_ID);
	ck_assert_int_eq(pam_setcred(pamh, PAM_DELETE_CRED), PAM_SUCCESS);
	ck_assert(!has_identity(&stack));
	stack_close(&stack);

	stack_open(&stack, "noenv", NULL);
	stack_start(&stack);
	ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_SUCCESS);
	ck_assert_int_eq(
	    pam_setcred(stack.pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	ck_assert(!has_identity(&stack));
	ck_assert_int_eq(pam_acct_mgmt(stack.pamh, 0), PAM_SUCCESS);
	ck_assert_uint_eq(stack.script.seen.frame.type, FRAME_LOOKUP);
	stack_close(&stack);
}
END_TEST

START_TEST(account)
{
	struct stack stack;

	stack_open(&stack, "", NULL);
	stack_start(&stack);
	/* Nothing of ours before it: ignored, and nobody is asked. */
	ck_assert_int_eq(pam_acct_mgmt(stack.pamh, 0), PAM_SUCCESS);
	ck_assert_int_eq(atomic_load(&stack.daemon.connections), 0);
	ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_SUCCESS);
	ck_assert_int_eq(pam_acct_mgmt(stack.pamh, 0), PAM_SUCCESS);
	assert_text(stack.script.seen.key_id, FAKE_KEY_ID);
	stack.script.active = false;
	ck_assert_int_eq(pam_acct_mgmt(stack.pamh, 0), PAM_PERM_DENIED);
	unlink(stack.daemon.path);
	ck_assert_int_eq(pam_acct_mgmt(stack.pamh, 0), PAM_AUTHINFO_UNAVAIL);
	stack_close(&stack);

	stack_open(&stack, "", NULL);
	stack.script.expires_at = 1000; /* long ago */
	stack_start(&stack);
	ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_SUCCESS);
	stack.script.active = false;
	ck_assert_int_eq(pam_acct_mgmt(stack.pamh, 0), PAM_ACCT_EXPIRED);
	stack_close(&stack);
}
END_TEST

/* Who fails after somebody else's success is not taken for them. */
START_TEST(second_authentication)
{
	struct stack stack;

	stack_open(&stack, "", NULL);
	stack_start(&stack);
	ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_SUCCESS);
	ck_assert(has_identity(&stack));
	stack.script.verdict = VERDICT_UNKNOWN;
	stack.answers.prompts = 0;
	ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_AUTH_ERR);
	ck_assert(!has_identity(&stack));
	stack_close(&stack);
}
END_TEST

/*
 * Every allocation and system call below pam_authenticate() and
 * pam_acct_mgmt() fails once, each in its turn, while the daemon says no: that
 * must never end as a success, nor as an ignore, which shows as one here.
 */
START_TEST(faults_fail_closed)
{
	int fired = 0;

	if (!faults_possible())
		return;
	for (enum fault fault = 0; fault < FAULT_COUNT; fault++)
		for (int nth = 1; nth < 1000; nth++) {
			struct stack stack;
			int login, later;
			bool hit;

			stack_open(&stack, "", NULL);
			stack.script.active = false;
			stack_start(&stack);
			later = pam_authenticate(stack.pamh, 0);
			ck_assert_int_eq(later, PAM_SUCCESS);
			faults_arm(fault, nth);
			later = pam_acct_mgmt(stack.pamh, 0);
			stack.script.verdict = VERDICT_REVOKED;
			stack.answers.prompts = 0;
			login = pam_authenticate(stack.pamh, 0);
			hit = faults_disarm();
			ck_assert_int_ne(later, PAM_SUCCESS);
			ck_assert_int_ne(login, PAM_SUCCESS);
			stack_close(&stack);
			if (!hit)
				break;
			fired++;
		}
	ck_assert_int_ge(fired, FAULT_COUNT);
}
END_TEST

/* The same while the daemon says yes: whatever is refused leaves no identity
 * behind, neither in the environment nor for account. */
START_TEST(faults_leave_nothing)
{
	int refused = 0;

	if (!faults_possible())
		return;
	for (enum fault fault = 0; fault < FAULT_COUNT; fault++)
		for (int nth = 1; nth < 1000; nth++) {
			struct stack stack;
			int code;
			bool hit;

			stack_open(&stack, "", NULL);
			stack_start(&stack);
			faults_arm(fault, nth);
			code = pam_authenticate(stack.pamh, 0);
			hit = faults_disarm();
			/* libpam itself may fail after the module did not. */
			if (code == PAM_SYSTEM_ERR && has_identity(&stack))
				code = PAM_SUCCESS;
			ck_assert_int_eq(
			    code == PAM_SUCCESS, has_identity(&stack));
			if (code != PAM_SUCCESS) {
				refused++;
				/* Ignored, which asks nobody, and so
				 * succeeds with nobody there to ask. */
				unlink(stack.daemon.path);
				ck_assert_int_eq(
				    pam_acct_mgmt(stack.pamh, 0), PAM_SUCCESS);
				pam_setcred(stack.pamh, PAM_ESTABLISH_CRED);
				ck_assert(!has_identity(&stack));
			}
			stack_close(&stack);
			if (!hit)
				break;
		}
	ck_assert_int_ge(refused, 3);
}
END_TEST

static char logged[4096];

/* Takes the place of the system's log for libpam, fortified or not. */
__attribute__((format(printf, 1, 0))) static void
keep_log(const char *format, va_list arguments)
{
	size_t len = strlen(logged);

	vsnprintf(logged + len, sizeof logged - len, format, arguments);
}

__attribute__((format(printf, 3, 4))) void
__syslog_chk(int priority, int flag, const char *format, ...);

void
__syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list arguments;

	(void)priority;
	(void)flag;
	va_start(arguments, format);
	keep_log(format, arguments);
	va_end(arguments);
}

#undef syslog /* a macro, where functions are fortified by clang */

void
syslog(int priority, const char *format, ...)
{
	va_list arguments;

	(void)priority;
	va_start(arguments, format);
	keep_log(format, arguments);
	va_end(arguments);
}

static void
assert_logged(const char *options, enum verdict verdict, const char *lie,
    const char *wanted)
{
	struct stack stack;

	logged[0] = '\0';
	stack_open(&stack, options, NULL);
	stack.script.verdict = verdict;
	stack.script.lie = lie;
	if (strcmp(wanted, "No such file or directory") == 0)
		unlink(stack.daemon.path);
	stack_start(&stack);
	pam_authenticate(stack.pamh, 0);
	pam_acct_mgmt(stack.pamh, 0);
	stack_close(&stack);
	ck_assert_ptr_nonnull(strstr(logged, wanted));
	/* Neither the secret nor who tried. */
	ck_assert_ptr_null(strstr(logged, "003aUlTJ"));
	ck_assert_ptr_null(strstr(logged, "alice"));
}

START_TEST(log_lines)
{
	assert_logged("debug", VERDICT_VALID, NULL, "key " FAKE_KEY_ID);
	assert_logged(
	    "debug", VERDICT_REVOKED, NULL, "key " FAKE_KEY_ID ": revoked");
	assert_logged("debug", VERDICT_UNKNOWN, NULL, "key (none): unknown");
	assert_logged("debug", VERDICT_VALID, "nonsense", "protocol error");
	assert_logged("nosuch", VERDICT_VALID, NULL, "bad value: nosuch");
	assert_logged(
	    "debug", VERDICT_VALID, NULL, "No such file or directory");
}
END_TEST

int
main(void)
{
	Suite *suite;

	if (getenv("PAM_MODULE") == NULL) {
		puts("1..0 # SKIP PAM_MODULE is not set");
		return EXIT_SUCCESS;
	}
	suite = suite_create("pam");
	suite_add(suite, "every verdict", every_verdict);
	suite_add(suite, "no verdict", no_verdict);
	suite_add(suite, "mistyped options", mistyped_options);
	suite_add(suite, "what is asked", what_is_asked);
	suite_add(suite, "empty answer", empty_answer);
	suite_add(suite, "try_first_pass", try_first_pass);
	suite_add(suite, "try_first_pass, refused", try_first_pass_refused);
	suite_add(suite, "use_first_pass", use_first_pass);
	suite_add(suite, "environment", environment);
	suite_add(suite, "account", account);
	suite_add(suite, "second authentication", second_authentication);
	suite_add(suite, "log", log_lines);
	add_application_cases(suite);
	suite_add(suite, "faults fail closed", faults_fail_closed);
	suite_add(suite, "faults leave nothing", faults_leave_nothing);
	return suite_run(suite);
}
