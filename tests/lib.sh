# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause
#
# What every script of tests/ starts with:
#
#     . "$top_srcdir/tests/lib.sh"
#     start_apikeyd
#     seed
#     token=$(new_key "CRM Sync")
#     ok "a fresh key is valid" verify "$token"
#     done_testing
#
# It gives a temporary directory $TMP, apikeyd in it, and TAP on stdout.
# At the end, however it comes, what was started is stopped by its own pid
# and $TMP is removed. Paths of what is tested come from make (see
# AM_TESTS_ENVIRONMENT); a script can be run alone by
# `make check TESTS=tests/e2e/NAME.sh VERBOSE=1`.
#
# Checks run their command in this shell, not in a child, so that a function
# may set variables; what it prints is shown if the check fails.

set -u
: "${top_srcdir:?is set by make check}" "${top_builddir:?}"
: "${APIKEYD:?}" "${APIKEYCTL:?}"

TMP=$(mktemp -d "${TMPDIR:-/tmp}/apikeyd-test.XXXXXX") || exit 99
READY=$top_builddir/tests/ready
# Milliseconds that nothing should need, even under a sanitizer on a busy
# machine: a test that waits as long has failed.
PATIENCE=$((20000 * ${TEST_SLOWNESS:-1}))

### The end

STOP_PIDS=

# stop_at_end PID: also stops this process of ours.
stop_at_end() {
	STOP_PIDS="$STOP_PIDS $1"
}

# stop_pid PID [SIGNAL]: ends it, by force if it takes too long (and fails
# then).
stop_pid() {
	kill "-${2:-TERM}" "$1" 2>/dev/null || return 0
	"$READY" --exit "$PATIENCE" "$1" && return 0
	echo "process $1 did not end on SIG${2:-TERM}: killed" >&2
	kill -KILL "$1"
	"$READY" --exit "$PATIENCE" "$1"
	return 1
}

cleanup() {
	for pid in $STOP_PIDS ${APIKEYD_PID-}; do
		stop_pid "$pid"
	done
	rm -rf "$TMP"
}
# shellcheck disable=SC2154 # the trap assigns it
trap 'status=$?; trap - EXIT; cleanup; exit "$status"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

### TAP

TESTS_RUN=0
TESTS_FAILED=0

# As diagnostics, which a harness does not take for results.
diagnose() {
	sed 's/^/# /'
}

pass() {
	TESTS_RUN=$((TESTS_RUN + 1))
	echo "ok $TESTS_RUN - $1"
}

# fail DESCRIPTION [WHY]; without WHY it is on stdin, but never by a pipe: what
# a pipe ends in is a shell of its own, and counts for itself.
fail() {
	TESTS_RUN=$((TESTS_RUN + 1))
	TESTS_FAILED=$((TESTS_FAILED + 1))
	echo "not ok $TESTS_RUN - $1"
	if [ $# -gt 1 ]; then
		printf '%s\n' "$2" | diagnose
	else
		diagnose
	fi
}

# ok DESCRIPTION COMMAND…: it succeeds.
ok() {
	description=$1
	shift
	exits "$description" 0 "$@"
}

# nok DESCRIPTION COMMAND…: it fails, in whatever way (but a crash).
nok() {
	description=$1
	shift
	code=0
	"$@" >"$TMP/output" 2>&1 || code=$?
	if [ "$code" -ne 0 ] && [ "$code" -lt 126 ]; then
		pass "$description"
	else
		fail "$description" "exit code $code of: $*
$(cat "$TMP/output")"
	fi
}

# exits DESCRIPTION CODE COMMAND…: with exactly this exit code.
exits() {
	description=$1 exit_wanted=$2
	shift 2
	code=0
	"$@" >"$TMP/output" 2>&1 || code=$?
	if [ "$code" -eq "$exit_wanted" ]; then
		pass "$description"
	else
		fail "$description" "exit code $code, not $exit_wanted, of: $*
$(cat "$TMP/output")"
	fi
}

# is DESCRIPTION GOT WANTED
is() {
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1" "got:    $2
wanted: $3"
	fi
}

# like DESCRIPTION TEXT PATTERN: a line of TEXT matches the extended regular
# expression.
like() {
	if printf '%s\n' "$2" | grep -Eq -e "$3"; then
		pass "$1"
	else
		fail "$1" "got:    $2
wanted: /$3/"
	fi
}

# unlike DESCRIPTION TEXT PATTERN: no line of TEXT matches.
unlike() {
	if printf '%s\n' "$2" | grep -Eq -e "$3"; then
		fail "$1" "got:      $2
unwanted: /$3/"
	else
		pass "$1"
	fi
}

# skip DESCRIPTION REASON: in place of one check.
skip() {
	TESTS_RUN=$((TESTS_RUN + 1))
	echo "ok $TESTS_RUN - $1 # SKIP $2"
}

# skip_all REASON: in place of all, before the first.
skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

# give_up WHY: nothing that follows makes sense.
give_up() {
	echo "Bail out! $1"
	exit 99
}

done_testing() {
	echo "1..$TESTS_RUN"
	if [ "$TESTS_FAILED" -gt 0 ] || [ "$TESTS_RUN" -eq 0 ]; then
		log_tail | diagnose
		exit 1
	fi
	exit 0
}

log_tail() {
	if [ -s "$TMP/apikeyd.log" ]; then
		echo "the end of apikeyd's log:"
		tail -n 40 "$TMP/apikeyd.log"
	fi
}

# await COMMAND…: until it succeeds, which cannot be heard of otherwise; fails
# where it does not in time.
await() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ "$tries" -lt $((PATIENCE / 50)) ] || return
		sleep 0.05
	done
}

### apikeyd

APIKEYD_PID=
APIKEYD_ADMIN_SOCKET=$TMP/run/admin.sock
APIKEYD_VERIFY_SOCKET=$TMP/run/verify.sock
export APIKEYD_ADMIN_SOCKET APIKEYD_VERIFY_SOCKET

# start_ready COMMAND…: in the background, output to $TMP/apikeyd.log; comes
# back once it said that it is ready, and fails if it does not. $! is its pid.
start_ready() {
	[ -x "$READY" ] || give_up "$READY is not built"
	# A new one each time: who wrote to the last may not have closed it yet,
	# and its end would be taken for this one's.
	rm -f "$TMP/ready"
	mkfifo "$TMP/ready" || return
	"$READY" "$PATIENCE" "$TMP/ready" "$@" >>"$TMP/apikeyd.log" 2>&1 &
	read -r word <"$TMP/ready" && [ "$word" = ready ] && return
	echo "$1: ${word:-no word} where readiness was awaited"
	log_tail
	return 1
}

# start_apikeyd [ARGUMENT…]: the state in $TMP/state stays between starts.
# Sets APIKEYD_PID. Where it does not start, fails, and the exit code is in
# APIKEYD_CODE.
start_apikeyd() {
	mkdir -p "$TMP/state" "$TMP/run" || return
	chmod 700 "$TMP/state"
	if start_ready "$APIKEYD" --state-directory "$TMP/state" \
		--runtime-directory "$TMP/run" "$@"; then
		APIKEYD_PID=$!
		return
	fi
	stop_pid "$!"
	APIKEYD_CODE=0
	# shellcheck disable=SC2034 # for the caller
	wait "$!" || APIKEYD_CODE=$?
	return 1
}

# Each of these awaits the end and returns apikeyd's exit code.
end_apikeyd() {
	pid=$APIKEYD_PID
	APIKEYD_PID=
	stop_pid "$pid" "$1" || return
	wait "$pid"
}

stop_apikeyd() {
	end_apikeyd TERM
}

kill_apikeyd() {
	end_apikeyd KILL 2>/dev/null
}

### What most tests begin with

ctl() {
	"$APIKEYCTL" "$@"
}

SEED_ACCOUNT=acme
SEED_PRODUCT=appointments

# seed [ACCOUNT [PRODUCT]]: an approved account that has a product. For
# new_key these are the last ones seeded.
seed() {
	SEED_ACCOUNT=${1:-acme}
	SEED_PRODUCT=${2:-appointments}
	{
		ctl account create "$SEED_ACCOUNT" --status approved &&
			ctl product create "$SEED_PRODUCT" &&
			ctl product enable "$SEED_PRODUCT" \
				--account "$SEED_ACCOUNT"
	} >"$TMP/output" 2>&1 && return
	{
		cat "$TMP/output"
		log_tail
	} | diagnose
	give_up "account $SEED_ACCOUNT and product $SEED_PRODUCT were not made"
}

# new_key NAME [OPTION…]: prints the token.
new_key() {
	name=$1
	shift
	ctl key create --account "$SEED_ACCOUNT" --product "$SEED_PRODUCT" \
		--name "$name" "$@" 2>>"$TMP/output"
}

# key_id TOKEN: the public part.
key_id() {
	echo "${1%_*}"
}

# misspelt TOKEN: another character at its end.
misspelt() {
	case $1 in
	*0) echo "${1%?}1" ;;
	*) echo "${1%?}0" ;;
	esac
}

# verify TOKEN [OPTION…]
verify() {
	token=$1
	shift
	printf '%s\n' "$token" | ctl key verify "$@"
}

# verdict TOKEN [OPTION…]: prints the one word.
verdict() {
	verify "$@" --json | sed -n 's/.*"verdict": *"\([a-z_]*\)".*/\1/p'
}

# little_memory DESCRIPTION KIB MOST: that apikeyd has taken, or skipped where
# what is freed is kept, so that what still uses it is found.
little_memory() {
	if [ "${SANITIZERS-}" = yes ] || [ -n "${TEST_UNDER-}" ]; then
		skip "$1" "${TEST_UNDER:-a sanitizer} keeps what is freed"
	else
		ok "$1" [ "$2" -le "$3" ]
	fi
}

### Programs that load a plugin of ours

# in_host COMMAND…: for a program that was built without the sanitizers. It
# has leaks of its own.
in_host() {
	[ -n "${SANITIZER_PRELOAD-}" ] || {
		"$@"
		return
	}
	LD_PRELOAD="$SANITIZER_PRELOAD${LD_PRELOAD:+ $LD_PRELOAD}" \
		ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0" "$@"
}

# Where a plugin of this build cannot be loaded into such a program: why.
in_host_impossible() {
	[ "${SANITIZERS-}" = yes ] && [ -z "${SANITIZER_PRELOAD-}" ] &&
		echo "this compiler's sanitizers cannot be preloaded"
}
