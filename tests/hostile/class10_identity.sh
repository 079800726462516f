#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Class 10: one client's identity for another's request. Many requests at once, with several keys, under each MPM, while apikeyd is
# restarted, httpd is restarted gracefully and children end by
# MaxConnectionsPerChild: every answer is the right one, to the right key, or
# 503; no child crashes; descriptors return to where they were.
#
# HTTPD_REQUESTS (1000) and HTTPD_RESTARTS (2) a load, HTTPD_MPMS. Under
# valgrind: HTTPD_UNDER="valgrind --log-file=FILE.%p".
#
# shellcheck disable=SC2119,SC2317 # checks call functions by name

# shellcheck source=tests/lib.sh
. "${top_srcdir:?}/tests/lib.sh"
# shellcheck source=tests/httpd.lib.sh
. "$top_srcdir/tests/httpd.lib.sh"

THREADS=16
CONCURRENCY=64
TIMEOUT_MS=2000

write_configuration() {
	# A connection that is kept may be closed in the moment that the client uses
	# it again, and this is not about that.
	cat <<-END
		KeepAlive Off
		AuthApiKeyTimeout ${TIMEOUT_MS}ms
		StartServers 2
		ServerLimit 40
		<IfModule mpm_prefork_module>
			StartServers 8
			MinSpareServers 8
			MaxSpareServers 32
			MaxRequestWorkers 32
		</IfModule>
		<IfModule !mpm_prefork_module>
			ThreadsPerChild $THREADS
			MaxRequestWorkers 32
			MinSpareThreads 32
			MaxSpareThreads 32
		</IfModule>
	END
	cat <<-'END'
		Alias "/write" "${HTTPD_ROOT}/htdocs"
		Alias "/basic" "${HTTPD_ROOT}/htdocs"
		Header always set Asked-By "expr=%{reqenv:APIKEY_ID}" env=APIKEY_ID
		<LocationMatch "^/(key|write)/">
			AuthType ApiKey
			Require valid-user
		</LocationMatch>
		Alias "/key" "${HTTPD_ROOT}/htdocs"
		<Location "/write/">
			Require apikey-permission write
		</Location>
		<Location "/basic/">
			AuthType Basic
			AuthName "Keys"
			AuthBasicProvider apikey
			AuthApiKeyAnyUser On
			Require valid-user
		</Location>
	END
}

# load NAME COUNT URL ARGUMENT…: one client with its share of the concurrency;
# a line of status and key ID each.
load() {
	file=$TMP/answers.$1 urls="$URL$3?[1-$2]"
	shift 3
	"$CURL" -s --no-progress-meter --parallel --parallel-immediate \
		--parallel-max $((CONCURRENCY / 4)) -o /dev/null --max-time 60 \
		-w "%{http_code} %header{asked-by}\n" "$@" "$urls" \
		>"$file" 2>/dev/null &
	clients="$clients $!"
}

# load_all REQUESTS
load_all() {
	clients='' share=$(($1 / 4))
	rm -f "$TMP"/answers.*
	load good "$share" /key/file -H "Authorization: Bearer $reader"
	load basic "$share" /basic/file -u "x:$writer"
	load refused "$share" /write/file \
		-H "Authorization: Bearer $reader"
	load wrong "$share" /key/file \
		-H "Authorization: Bearer $unknown"
}

# only CLIENT LINE: each of its answers is this one or 503.
only() {
	! sed "s/[[:space:]]*\$//" "$TMP/answers.$1" | grep -vx -e "$2" -e 503
}

answered() {
	cat "$TMP"/answers.* 2>/dev/null | wc -l
}

# await_answers COUNT: or the end of all clients.
await_answers() {
	while [ "$(answered)" -lt "$1" ]; do
		alive=
		for client in $clients; do
			kill -0 "$client" 2>/dev/null && alive=yes
		done
		[ -n "$alive" ] || return
		sleep 0.02
	done
}

# during_load REQUESTS TIMES COMMAND…: the command so many times, evenly.
during_load() {
	requests=$1 times=$2 turn=0
	shift 2
	load_all "$requests"
	while [ "$turn" -lt "$times" ]; do
		turn=$((turn + 1))
		await_answers $((requests * turn / (times + 1)))
		"$@"
	done
	for client in $clients; do
		wait "$client"
	done
}

# all_right REQUESTS: each client's answers are the wanted ones or 503.
all_right() {
	id=$(key_id "$reader")
	sort "$TMP"/answers.* | uniq -c | sort -rn
	[ "$(answered)" -eq $(($1 / 4 * 4)) ] || return
	only good "200 $id" && only refused "403 $id" && only wrong 401 &&
		only basic "200 $(key_id "$writer")"
}

# How many of the answers were 503.
unavailable() {
	grep -hc '^503' "$TMP"/answers.* | awk '{ n += $1 } END { print n }'
}

restart_apikeyd() {
	stop_apikeyd && start_apikeyd
}

restart_httpd() {
	kill -USR1 "$HTTPD_PID"
}

children() {
	cat "/proc/$HTTPD_PID/task/$HTTPD_PID/children"
}

# The most descriptors that a child has.
descriptors() {
	for child in $(children); do
		find "/proc/$child/fd" -mindepth 1 2>/dev/null | wc -l
	done | sort -n | tail -1
}

# Sockets alone: the usage thread opens its files when it needs them.
daemon_sockets() {
	find "/proc/$APIKEYD_PID/fd" -mindepth 1 -lname 'socket:*' | wc -l
}

# settles MOST COMMAND…: it comes to print no more than MOST, while there
# is a request now and then: httpd closes what was idle when it uses another.
settles() {
	most=$1 turn=0
	shift
	until [ "$("$@")" -le "$most" ]; do
		turn=$((turn + 1))
		[ "$turn" -lt 200 ] || {
			echo "$("$@"), not $most"
			return 1
		}
		for _ in 1 2 3 4; do
			status -H "Authorization: Bearer $reader" "$URL/key/file" \
				>"$TMP/output"
		done
		[ -z "$HTTPD_PID" ] || sleep 0.1
	done
}

# The daemon lives, but does not answer. On a busy machine httpd may be slow,
# too.
test_stopped() {
	kill -STOP "$APIKEYD_PID"
	slow=$("$CURL" -s -o /dev/null -w '%{http_code} %{time_total}' \
		-H "Authorization: Bearer $reader" "$URL/key/file")
	kill -CONT "$APIKEYD_PID"
	echo "$slow"
	echo "$slow" | awk -v limit="$TIMEOUT_MS" '{ exit !($1 == 503 &&
		$2 * 1000 >= limit * 0.9 && $2 * 1000 < limit + 18000) }'
}

test_mpm() {
	mpm=$1
	rm -f "$HTTPD_LOG"
	daemon_base=$(daemon_sockets)
	ok "$mpm: httpd starts" start_httpd "$mpm" "$TMP/test.conf"
	[ -n "$HTTPD_PID" ] || return
	status "$URL/file" >"$TMP/output"
	base=$(descriptors)
	during_load "$REQUESTS" "$RESTARTS" restart_apikeyd
	ok "$mpm: every answer is right or 503" all_right "$REQUESTS"
	echo "# $mpm: $(answered) requests, $RESTARTS restarts of apikeyd:" \
		"$(unavailable) times 503"
	nok "$mpm: no child crashed" grep -E 'exit signal|AH00052' "$HTTPD_LOG"
	[ -n "${HTTPD_UNDER-}" ] ||
		ok "$mpm: a child's descriptors return to $base and one" \
			settles $((base + 1)) descriptors
	ok "$mpm: a daemon that is stopped costs the timeout" test_stopped
	during_load "$REQUESTS" 2 restart_httpd
	ok "$mpm: graceful restarts: every answer is right" all_right "$REQUESTS"
	nok "$mpm: ... no child crashed" grep -E 'exit signal|AH00052' "$HTTPD_LOG"
	# Under valgrind the timeout is a real one.
	[ -n "${HTTPD_UNDER-}" ] ||
		is "$mpm: ... none 503" "$(unavailable)" 0
	stop_httpd
	ok "$mpm: apikeyd's sockets return to $daemon_base" \
		settles "$daemon_base" daemon_sockets
	# Each child that is born takes valgrind seconds.
	[ -z "${HTTPD_UNDER-}" ] || return
	echo 'MaxConnectionsPerChild 200' | cat "$TMP/test.conf" - \
		>"$TMP/mortal.conf"
	ok "$mpm: httpd starts with mortal children" \
		start_httpd "$mpm" "$TMP/mortal.conf"
	during_load "$REQUESTS" 0 true
	ok "$mpm: ... every answer is right" all_right "$REQUESTS"
	nok "$mpm: ... no child crashed" grep -E 'exit signal|AH00052' "$HTTPD_LOG"
	stop_httpd
	ok "$mpm: ... apikeyd's sockets return to $daemon_base" \
		settles "$daemon_base" daemon_sockets
}

[ -n "${HTTPD_MODULE-}" ] || skip_all "built without mod_authnz_apikey"
[ -x "${HTTPD-}" ] || skip_all "there is no httpd"
reason=$(in_host_impossible) && skip_all "$reason"

REQUESTS=${HTTPD_REQUESTS:-1000}
RESTARTS=${HTTPD_RESTARTS:-2}
httpd_prepare
{
	load_modules auth_basic
	write_configuration
} >"$TMP/test.conf"
echo content >"$HTTPD_ROOT/htdocs/file"
start_apikeyd || give_up "apikeyd does not start"
seed
reader=$(new_key reader --permission read)
writer=$(new_key writer --permission write)
unknown=dk_7Hq2mZx0pLs9_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf1RCbBj

for mpm in ${HTTPD_MPMS:-event worker prefork}; do
	test_mpm "$mpm"
done
stop_apikeyd
done_testing
