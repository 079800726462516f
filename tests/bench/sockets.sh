#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Verifications beside a bare echo, Redis GET, saslauthd and MUNGE.
# shellcheck source=tests/bench/bench.lib.sh
. "$top_srcdir/tests/bench/bench.lib.sh"

fill "$TMP/state" "$keys"
serve apikeyd "$TMP/state"
contender apikeyd apikeyd "$TMP/apikeyd/verify.sock" "$pid" \
	"$TMP/state.tokens"

taskset -c 0 "$top_builddir/tests/bench/echo" "$TMP/echo.sock" >/dev/null &
contender echo echo "$TMP/echo.sock" $! "$TMP/state.tokens"
stop_at_end $!
await_socket "$TMP/echo.sock"

references=
if command -v redis-server >/dev/null; then
	taskset -c 0 redis-server --port 0 --unixsocket "$TMP/redis.sock" \
		--save '' --appendonly no --dir "$TMP" >"$TMP/redis.log" 2>&1 &
	stop_at_end $!
	await_socket "$TMP/redis.sock"
	redis_fill "$TMP/redis.sock" "$TMP/state.tokens"
	contender redis redis "$TMP/redis.sock" $! "$TMP/state.tokens"
	references="$references redis"
else
	missing "everything against Redis" "redis-server is not installed"
fi
if command -v munged >/dev/null; then
	mkdir -m 700 "$TMP/munge"
	head -c 1024 /dev/urandom >"$TMP/munge/key"
	chmod 400 "$TMP/munge/key"
	# As many threads as saslauthd has processes.
	taskset -c 0 munged --foreground --force --num-threads=5 \
		--socket="$TMP/munge.sock" --key-file="$TMP/munge/key" \
		--log-file="$TMP/munge/log" --pid-file="$TMP/munge/pid" \
		--seed-file="$TMP/munge/seed" >"$TMP/munge.log" 2>&1 &
	stop_at_end $!
	contender munge munge "$TMP/munge.sock" $! "$TMP/state.tokens"
	await_socket "$TMP/munge.sock"
	references="$references munge"
else
	missing "everything against MUNGE" "munge is not installed"
fi
# Its database is where Cyrus SASL was built to have it: a mount of our own.
if command -v saslauthd >/dev/null && [ "$(id -u)" -eq 0 ] &&
	[ -e /etc/sasldb2 ]; then
	mkdir -m 700 "$TMP/sasl"
	echo secret | saslpasswd2 -p -c -f "$TMP/sasldb2" -u bench bench
	# A session of its own: its end ends its whole process group.
	# shellcheck disable=SC2016 # for the shell within
	taskset -c 0 setsid unshare -m sh -c '
		mount --bind "$1/sasldb2" /etc/sasldb2 &&
			exec saslauthd -d -n 5 -a sasldb -m "$1/sasl"' \
		sh "$TMP" >"$TMP/saslauthd.log" 2>&1 &
	stop_at_end $!
	contender saslauthd saslauthd "$TMP/sasl/mux" $! "$TMP/state.tokens"
	await_socket "$TMP/sasl/mux"
	references="$references saslauthd"
else
	missing "everything against saslauthd" \
		"sasl2-bin is not installed, or this is not root"
fi

race 16 "apikeyd echo $references" --clients 16 --cpu 1
race 1 "apikeyd echo" --clients 1 --cpu 0
race pipe "apikeyd echo ${references%%munge*}" --clients 4 --depth 128 --cpu 1
race 16new "apikeyd $references" --clients 16 --reconnect --cpu 1
counted apikeyd

judge "server CPU, 16 clients, against a bare echo" \
	16 server apikeyd echo le 1.15
judge "p50, 1 client on the same CPU, against a bare echo" \
	1 p50 apikeyd echo le 1.20
case $references in *redis*)
	judge "requests/s, 16 clients, against Redis GET" \
		16 rate apikeyd redis ge 1.3
	judge "requests/s, pipelined 128 by 4, against Redis GET" \
		pipe rate apikeyd redis ge 2.0
	judge "connection a request, 16 clients, against Redis GET" \
		16new rate apikeyd redis ge 1.2
	;;
esac
case $references in *saslauthd*)
	judge "16 clients, connection kept, against saslauthd" \
		16 rate apikeyd saslauthd ge 9
	judge "connection a request, 16 clients, against saslauthd" \
		16new rate apikeyd saslauthd ge 3
	;;
esac
case $references in *munge*)
	judge "16 clients, connection kept, against MUNGE" \
		16 rate apikeyd munge ge 10
	judge "connection a request, 16 clients, against MUNGE" \
		16new rate apikeyd munge ge 3.5
	;;
esac
for each in apikeyd echo $references; do
	for mode in 16 1 pipe 16new; do
		[ -e "$TMP/race.$mode.$each" ] &&
			say "$each, $mode: $(field "$mode" "$each" rate | median)/s"
	done
done
