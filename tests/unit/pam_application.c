/* SPDX-License-Identifier: BSD-2-Clause */
/* pam_apikey in applications that are odd, long-lived, forked or threaded. */
#include "pam_stack.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How an application may answer a prompt. */
struct oddity {
	const char *name;
	int code;         /* what the conversation returns */
	bool no_response; /* no array at all */
	bool no_text;     /* an array without a text */
	size_t fill;      /* so many letters */
	const char *text;
	size_t text_len;
	int wanted;
};

static int
converse_oddly(int count, const struct pam_message **messages,
    struct pam_response **responses, void *context)
{
	const struct oddity *oddity = context;
	struct pam_response *out;

	(void)messages;
	*responses = NULL;
	if (oddity->no_response || oddity->code != PAM_SUCCESS)
		return oddity->code;
	out = calloc((size_t)count, sizeof *out);
	ck_assert_ptr_nonnull(out);
	*responses = out;
	if (oddity->no_text)
		return PAM_SUCCESS;
	out->resp = calloc(1, oddity->fill + oddity->text_len + 1);
	ck_assert_ptr_nonnull(out->resp);
	memset(out->resp, 'x', oddity->fill);
	if (oddity->text != NULL)
		memcpy(
		    out->resp + oddity->fill, oddity->text, oddity->text_len);
	return PAM_SUCCESS;
}

#define TEXT(text) (text), sizeof(text) - 1

static const struct oddity oddities[] = {
    {"an error", PAM_CONV_ERR, false, false, 0, NULL, 0, -1},
    {"out of memory", PAM_BUF_ERR, false, false, 0, NULL, 0, -1},
    {"try again", PAM_CONV_AGAIN, false, false, 0, NULL, 0, -1},
    {"ignore", PAM_IGNORE, false, false, 0, NULL, 0, -1},
    {"no response", PAM_SUCCESS, true, false, 0, NULL, 0, -1},
    {"no text", PAM_SUCCESS, false, true, 0, NULL, 0, -1},
    {"an empty text", PAM_SUCCESS, false, false, 0, TEXT(""), PAM_AUTH_ERR},
    {"a NUL first", PAM_SUCCESS, false, false, 0, TEXT("\0dk_x"), PAM_AUTH_ERR},
};

/* A -1 is any failure: libpam's versions differ in which. */
static void
play(const struct oddity *oddity, const char *options)
{
	struct oddity own = *oddity;
	struct pam_conv conversation = {converse_oddly, &own};
	struct stack stack;
	int code;

	stack_open(&stack, options, NULL);
	ck_assert_int_eq(pam_start_confdir("probe", "alice", &conversation,
			     stack.daemon.directory, &stack.pamh),
	    PAM_SUCCESS);
	code = pam_authenticate(stack.pamh, 0);
	if (oddity->wanted == -1)
		ck_assert_msg(code != PAM_SUCCESS, "%s: in", oddity->name);
	else
		ck_assert_msg(code == oddity->wanted, "%s: %d, not %d",
		    oddity->name, code, oddity->wanted);
	ck_assert(!has_identity(&stack));
	ck_assert_int_eq(atomic_load(&stack.daemon.connections), 0);
	stack_close(&stack);
}

START_TEST(odd_conversations)
{
	for (size_t i = 0; i < sizeof oddities / sizeof oddities[0]; i++) {
		play(&oddities[i], "");
		/* None of it is the daemon's fault, or an unknown key. */
		play(&oddities[i],
		    "ignore_authinfo_unavail ignore_unknown_user "
		    "try_first_pass");
	}
}
END_TEST

START_TEST(no_conversation)
{
	struct pam_conv conversation = {NULL, NULL};
	struct stack stack;

	stack_open(&stack, "ignore_authinfo_unavail", NULL);
	if (pam_start_confdir("probe", "alice", &conversation,
		stack.daemon.directory, &stack.pamh) == PAM_SUCCESS) {
		ck_assert_int_ne(pam_authenticate(stack.pamh, 0), PAM_SUCCESS);
		ck_assert_int_eq(atomic_load(&stack.daemon.connections), 0);
	}
	stack_close(&stack);
}
END_TEST

/* Long ones and ones with a NUL in them reach the daemon as what they are. */
START_TEST(long_and_cut_answers)
{
	static const size_t sizes[] = {1, 511, 512, 4096, 5000, 100000};

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct oddity oddity = {.fill = sizes[i]};
		struct pam_conv conversation = {converse_oddly, &oddity};
		struct stack stack;

		stack_open(&stack, "", NULL);
		stack.script.verdict = VERDICT_MALFORMED;
		ck_assert_int_eq(
		    pam_start_confdir("probe", "alice", &conversation,
			stack.daemon.directory, &stack.pamh),
		    PAM_SUCCESS);
		ck_assert_int_ne(pam_authenticate(stack.pamh, 0), PAM_SUCCESS);
		/* libpam may refuse what is very long by itself. */
		if (atomic_load(&stack.daemon.requests) > 0)
			ck_assert_uint_eq(
			    stack.script.seen.verify.credential.len,
			    sizes[i] < CREDENTIAL_MAX_LEN ? sizes[i]
							  : CREDENTIAL_MAX_LEN);
		else
			ck_assert_uint_gt(sizes[i], 500);
		stack_close(&stack);
	}
	{
		struct oddity oddity = {.text = "dk_x\0y", .text_len = 6};
		struct pam_conv conversation = {converse_oddly, &oddity};
		struct stack stack;

		stack_open(&stack, "", NULL);
		stack.script.verdict = VERDICT_MALFORMED;
		ck_assert_int_eq(
		    pam_start_confdir("probe", "alice", &conversation,
			stack.daemon.directory, &stack.pamh),
		    PAM_SUCCESS);
		ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_AUTH_ERR);
		ck_assert_uint_eq(stack.script.seen.verify.credential.len, 4);
		stack_close(&stack);
	}
}
END_TEST

/* Nothing is said, with PAM_SILENT or without. */
START_TEST(says_nothing)
{
	static const int flags[] = {0, PAM_SILENT, PAM_DISALLOW_NULL_AUTHTOK,
	    PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK};

	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
		for (int valid = 0; valid < 2; valid++) {
			struct stack stack;

			stack_open(&stack, "debug", NULL);
			stack.script.verdict =
			    valid ? VERDICT_VALID : VERDICT_REVOKED;
			stack_start(&stack);
			ck_assert_int_eq(pam_authenticate(stack.pamh, flags[i]),
			    valid ? PAM_SUCCESS : PAM_AUTH_ERR);
			pam_acct_mgmt(stack.pamh, flags[i]);
			pam_setcred(stack.pamh,
			    (int)(PAM_ESTABLISH_CRED |
				((unsigned)flags[i] & PAM_SILENT)));
			ck_assert_int_eq(stack.answers.prompts, 1);
			ck_assert_int_eq(stack.answers.others, 0);
			stack_close(&stack);
		}
}
END_TEST

/* No user, an empty one, and one no key can have. */
START_TEST(odd_users)
{
	static const char *const users[] = {"", "\n\033[31malice", NULL};
	struct stack stack;
	char longest[300];

	for (size_t i = 0; users[i] != NULL; i++) {
		stack_open(&stack, "any_user ignore_unknown_user", NULL);
		stack_start(&stack);
		pam_set_item(stack.pamh, PAM_USER, users[i]);
		if (users[i][0] == '\0')
			ck_assert_int_ne(
			    pam_authenticate(stack.pamh, 0), PAM_SUCCESS);
		else
			ck_assert_int_eq(
			    pam_authenticate(stack.pamh, 0), PAM_SUCCESS);
		stack_close(&stack);
	}
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	stack_open(&stack, "ignore_authinfo_unavail", NULL);
	stack_start(&stack);
	pam_set_item(stack.pamh, PAM_USER, longest);
	ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_AUTH_ERR);
	ck_assert_int_eq(atomic_load(&stack.daemon.connections), 0);
	stack_close(&stack);
}
END_TEST

/* Whose key it was is whose it stays. */
START_TEST(changed_user)
{
	struct stack stack;

	stack_open(&stack, "", NULL);
	stack_start(&stack);
	ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_SUCCESS);
	pam_set_item(stack.pamh, PAM_USER, "bob");
	ck_assert_int_eq(pam_acct_mgmt(stack.pamh, 0), PAM_PERM_DENIED);
	pam_set_item(stack.pamh, PAM_USER, "alice");
	ck_assert_int_eq(pam_acct_mgmt(stack.pamh, 0), PAM_SUCCESS);
	stack_close(&stack);

	stack_open(&stack, "any_user", NULL);
	stack_start(&stack);
	ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_SUCCESS);
	pam_set_item(stack.pamh, PAM_USER, "bob");
	ck_assert_int_eq(pam_acct_mgmt(stack.pamh, 0), PAM_SUCCESS);
	stack_close(&stack);
}
END_TEST

/* The account line's own options hold, too. The key has a: acme,
 * p: appointments, write, appointments:export and b. */
START_TEST(account_options)
{
	static const struct {
		const char *options;
		int code;
	} lines[] = {
	    {"account=acme product=appointments permission=write scope=b "
	     "scope=appointments:export",
		PAM_SUCCESS},
	    {"account=other", PAM_PERM_DENIED},
	    {"product=other", PAM_PERM_DENIED},
	    {"scope=appointments", PAM_PERM_DENIED},
	    {"scope=export", PAM_PERM_DENIED},
	    {"scope=b scope=c", PAM_PERM_DENIED},
	};

	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		struct stack stack;

		/* The scripted daemon says yes to all of them before. */
		stack_open(&stack, lines[i].options, NULL);
		stack_start(&stack);
		ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_SUCCESS);
		ck_assert_int_eq(pam_acct_mgmt(stack.pamh, 0), lines[i].code);
		stack_close(&stack);
	}
}
END_TEST

/* One handle and many: each time anew. */
START_TEST(repeated)
{
	struct stack stack;

	stack_open(&stack, "", NULL);
	for (int i = 0; i < 25; i++) {
		bool valid = i % 3 != 1;

		stack_start(&stack);
		for (int j = 0; j < 2; j++) {
			bool now = valid == (j == 0);

			stack.answers.prompts = 0;
			stack.script.verdict =
			    now ? VERDICT_VALID : VERDICT_USER_MISMATCH;
			pam_set_item(
			    stack.pamh, PAM_USER, j == 0 ? "alice" : "bob");
			ck_assert_int_eq(pam_authenticate(stack.pamh, 0),
			    now ? PAM_SUCCESS : PAM_AUTH_ERR);
			ck_assert_int_eq(has_identity(&stack), now);
		}
		pam_end(stack.pamh, PAM_SUCCESS);
		stack.pamh = NULL;
	}
	stack_close(&stack);
}
END_TEST

/* A handle that is begun in one process and ended in another, as sshd does. */
START_TEST(forked)
{
	struct stack stack;
	int code;
	pid_t pid;

	stack_open(&stack, "", NULL);
	stack_start(&stack);
	ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_SUCCESS);
	pid = fork();
	if (pid == 0) {
		bool good = pam_acct_mgmt(stack.pamh, 0) == PAM_SUCCESS &&
		    pam_setcred(stack.pamh, PAM_ESTABLISH_CRED) == PAM_SUCCESS;

		stack.answers.prompts = 0;
		good = good && pam_authenticate(stack.pamh, 0) == PAM_SUCCESS;
		pam_end(stack.pamh, PAM_SUCCESS);
		_exit(good ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &code, 0), pid);
	ck_assert_int_eq(code, 0);
	ck_assert_int_eq(pam_acct_mgmt(stack.pamh, 0), PAM_SUCCESS);
	stack_close(&stack);
	/* The child wrote nothing to the parent's, and made two of its own. */
	ck_assert_int_eq(atomic_load(&stack.daemon.connections), 3);
}
END_TEST

/* The descriptor of the only connection to the daemon, or -1. What the daemon
 * itself has of it, in this process, too, has no name at its other end. */
static int
connection_of(const struct stack *stack)
{
	struct sockaddr_un peer;
	int found = -1;

	for (int fd = 3; fd < 256; fd++) {
		socklen_t len = sizeof peer;

		memset(&peer, 0, sizeof peer);
		if (getpeername(fd, (struct sockaddr *)&peer, &len) != 0 ||
		    strcmp(peer.sun_path, stack->daemon.path) != 0)
			continue;
		ck_assert_int_eq(found, -1);
		found = fd;
	}
	return found;
}

/* Account asks by the connection of authenticate, and leaves none. */
START_TEST(one_connection)
{
	struct stack stack;

	stack_open(&stack, "", NULL);
	stack_start(&stack);
	ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_SUCCESS);
	ck_assert_int_ne(connection_of(&stack), -1);
	stack.script.active = false;
	ck_assert_int_eq(pam_acct_mgmt(stack.pamh, 0), PAM_PERM_DENIED);
	ck_assert_int_eq(atomic_load(&stack.daemon.connections), 1);
	ck_assert_int_eq(connection_of(&stack), -1);
	stack.script.active = true;
	ck_assert_int_eq(pam_acct_mgmt(stack.pamh, 0), PAM_SUCCESS);
	ck_assert_int_eq(connection_of(&stack), -1);
	stack_close(&stack);
}
END_TEST

/* A handle may live long: it has no connection but until account. */
START_TEST(connection_is_not_for_long)
{
	struct stack stack;

	stack_open(&stack, "", NULL);
	stack_start(&stack);
	ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_SUCCESS);
	ck_assert_int_eq(
	    pam_setcred(stack.pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	ck_assert_int_eq(connection_of(&stack), -1);

	stack.answers.prompts = 0;
	ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_SUCCESS);
	stack.answers.prompts = 0;
	stack.script.verdict = VERDICT_REVOKED;
	ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_AUTH_ERR);
	ck_assert_int_eq(connection_of(&stack), -1);

	stack.answers.prompts = 0;
	stack.script.verdict = VERDICT_VALID;
	ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_SUCCESS);
	pam_end(stack.pamh, PAM_SUCCESS);
	stack.pamh = NULL;
	ck_assert_int_eq(connection_of(&stack), -1);
	stack_close(&stack);
}
END_TEST

/* An account line that asks elsewhere does so. */
START_TEST(other_socket)
{
	struct stack stack, other;

	stack_open(&stack, "", NULL);
	stack_open(&other, "", NULL);
	other.script.active = false;
	stack_account_elsewhere(&stack, &other);
	stack_start(&stack);
	ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_SUCCESS);
	ck_assert_int_eq(pam_acct_mgmt(stack.pamh, 0), PAM_PERM_DENIED);
	ck_assert_int_eq(atomic_load(&other.daemon.connections), 1);
	stack_close(&other);
	stack_close(&stack);
}
END_TEST

/* Applications that close every descriptor and open their own keep them. */
START_TEST(other_descriptors)
{
	for (int account = 0; account < 2; account++) {
		struct stack stack;
		struct stat before, after;
		int fd, null = open("/dev/null", O_RDONLY);

		ck_assert_int_ge(null, 0);
		stack_open(&stack, "", NULL);
		stack_start(&stack);
		ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_SUCCESS);
		fd = connection_of(&stack);
		ck_assert_int_eq(dup2(null, fd), fd);
		ck_assert_int_eq(fstat(fd, &before), 0);
		if (account)
			ck_assert_int_eq(
			    pam_acct_mgmt(stack.pamh, 0), PAM_SUCCESS);
		pam_end(stack.pamh, PAM_SUCCESS);
		stack.pamh = NULL;
		ck_assert_int_eq(
		    atomic_load(&stack.daemon.connections), 1 + account);
		ck_assert_int_eq(fstat(fd, &after), 0);
		ck_assert(before.st_ino == after.st_ino);
		close(fd);
		close(null);
		stack_close(&stack);
	}
}
END_TEST

/* Says "valid" to whom has a 'g' at the end, in the name of who asks. */
static void
serve_by_user(struct fake_daemon *daemon, int fd, int nth)
{
	struct fake_request request = {.frame = {0}};

	(void)nth;
	while (fake_read(daemon, fd, &request)) {
		uint8_t data[FRAME_MAX];
		struct writer w = writer_over(data, sizeof data);
		struct bytes user = request.verify.user;

		if (request.frame.type == FRAME_LOOKUP)
			fake_lookup(&w, request.frame.id, true, true);
		else
			fake_verdict(&w, request.frame.id,
			    user.len > 0 && user.data[user.len - 1] == 'g'
				? VERDICT_VALID
				: VERDICT_USER_MISMATCH);
		if (!fake_write(daemon, fd, data, w.len))
			return;
	}
}

enum { THREADS = 4, ROUNDS = 5 };

/* Returns NULL, or what went wrong. */
static void *
log_in_and_out(void *context)
{
	const struct stack *stack = context;
	const char *wrong = NULL;

	for (int i = 0; i < ROUNDS && wrong == NULL; i++) {
		bool good = (i + (pthread_self() % 7 < 3)) % 2 == 0;
		struct answers answers = {.texts = {pam_token}};
		struct pam_conv conversation = {stack_converse, &answers};
		pam_handle_t *pamh = NULL;
		const char *id;

		if (pam_start_confdir("probe", good ? "good-g" : "bad-b",
			&conversation, stack->daemon.directory,
			&pamh) != PAM_SUCCESS)
			return "no handle";
		if (pam_authenticate(pamh, 0) !=
		    (good ? PAM_SUCCESS : PAM_AUTH_ERR))
			wrong = "another verdict";
		id = pam_getenv(pamh, "APIKEY_ID");
		if ((id != NULL) != good)
			wrong = "another identity";
		if (good && pam_acct_mgmt(pamh, 0) != PAM_SUCCESS)
			wrong = "no account";
		pam_end(pamh, PAM_SUCCESS);
	}
	return (void *)(uintptr_t)wrong;
}

/* Many threads, a handle each. */
START_TEST(threaded)
{
	struct stack stack;
	pthread_t threads[THREADS];

	stack_open(&stack, "", NULL);
	stack.daemon.serve = serve_by_user;
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, log_in_and_out, &stack),
		    0);
	for (int i = 0; i < THREADS; i++) {
		void *wrong;

		ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
		ck_assert_msg(
		    wrong == NULL, "%s", wrong != NULL ? (char *)wrong : "");
	}
	stack_close(&stack);
}
END_TEST

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
serve_silence(struct fake_daemon *daemon, int fd, int nth)
{
	(void)nth;
	fake_linger(daemon, fd);
}

/* A daemon that is silent costs its timeout, and no more. */
START_TEST(timeout_is_kept)
{
	struct stack stack;
	int64_t start;

	stack_open(&stack, "timeout=120", NULL);
	stack.daemon.serve = serve_silence;
	stack_start(&stack);
	start = now_ms();
	ck_assert_int_eq(pam_authenticate(stack.pamh, 0), PAM_AUTHINFO_UNAVAIL);
	ck_assert_int_ge(now_ms() - start, 120);
	ck_assert_int_lt(now_ms() - start, 5000);
	stack_close(&stack);
}
END_TEST

void
add_application_cases(Suite *suite)
{
	suite_add(suite, "odd conversations", odd_conversations);
	suite_add(suite, "no conversation", no_conversation);
	suite_add(suite, "long answers", long_and_cut_answers);
	suite_add(suite, "says nothing", says_nothing);
	suite_add(suite, "odd users", odd_users);
	suite_add(suite, "changed user", changed_user);
	suite_add(suite, "account options", account_options);
	suite_add(suite, "repeated", repeated);
	suite_add(suite, "forked", forked);
	suite_add(suite, "one connection", one_connection);
	suite_add(suite, "not for long", connection_is_not_for_long);
	suite_add(suite, "other socket", other_socket);
	suite_add(suite, "other descriptors", other_descriptors);
	suite_add(suite, "threaded", threaded);
	suite_add(suite, "timeout", timeout_is_kept);
}
