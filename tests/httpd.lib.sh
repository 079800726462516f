# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
#
# A private httpd for tests: its own ServerRoot, a free port on loopback,
# stopped by its own process id. Sourced after lib.sh.
#
#   start_httpd MPM CONF   starts httpd with CONF after the common part; sets
#                          $URL, $HTTPD_ROOT and $HTTPD_LOG (error log), which
#                          CONF may use as ${URL} and ${HTTPD_ROOT}
#   stop_httpd
#   check_httpd CONF       httpd -t; prints what it says
#   status ARGUMENT…       status code of a request by curl
#   headers ARGUMENT…      status line and header fields, without CRs
#   header NAME ARGUMENT…  the values of one field

: "${HTTPD?}" "${HTTPD_LIBEXEC?}" "${HTTPD_MODULE?}" "${CURL:=curl}"

HTTPD_PID=
HTTPD_ROOT=$TMP/httpd
HTTPD_LOG=$HTTPD_ROOT/error_log
URL=
export HTTPD_ROOT URL

# httpd refuses to serve as root. Its children need apikeyd's socket, so they
# get the socket's group.
httpd_user() {
	[ "$(id -u)" -eq 0 ] || return 0
	echo "User nobody"
	echo "Group #$(stat -c %g "$APIKEYD_VERIFY_SOCKET" 2>/dev/null ||
		echo 0)"
}

# httpd_common MPM: what every configuration begins with.
httpd_common() {
	cat <<-END
		ServerRoot "$HTTPD_ROOT"
		DefaultRuntimeDir "$HTTPD_ROOT/run"
		PidFile "$HTTPD_ROOT/run/httpd.pid"
		Mutex file:$HTTPD_ROOT/run
		ServerName localhost
		Listen ${URL#http://}
		ErrorLog "$HTTPD_ROOT/error_log"
		LogLevel info authnz_apikey:trace8
		LoadModule mpm_$1_module $HTTPD_LIBEXEC/mod_mpm_$1.so
	END
	for module in authn_core authz_core authz_user authz_host alias cgi dir \
		env headers include mime negotiation proxy proxy_http rewrite \
		setenvif; do
		echo "LoadModule ${module}_module $HTTPD_LIBEXEC/mod_$module.so"
	done
	cat <<-END
		LoadModule authnz_apikey_module $HTTPD_MODULE
		TypesConfig /dev/null
		DocumentRoot "$HTTPD_ROOT/htdocs"
		StartServers 1
		AddHandler cgi-script .cgi
		AddOutputFilter INCLUDES .shtml
		<Directory "$HTTPD_ROOT/htdocs">
			Options +ExecCGI +Includes
			Require all granted
		</Directory>
		AuthApiKeySocket "$APIKEYD_VERIFY_SOCKET"
	END
	httpd_user
}

# The children of a root's httpd are somebody else, so all this is readable.
httpd_prepare() {
	mkdir -p "$HTTPD_ROOT/run" "$HTTPD_ROOT/htdocs" || return
	chmod 755 "$HTTPD_ROOT" "$HTTPD_ROOT/run" "$HTTPD_ROOT/htdocs"
	[ "$(id -u)" -ne 0 ] || chmod go+x "$TMP"
}

# Above the usual services and below the kernel's own choice.
httpd_random_port() {
	echo $((10240 + $(od -An -N2 -tu2 /dev/urandom) % 20480))
}

# httpd has no word for "ready". It writes its PidFile once it listens; from
# then on a request waits for the first child by itself.
httpd_up() {
	until [ -s "$HTTPD_ROOT/run/httpd.pid" ]; do
		kill -0 "$HTTPD_PID" 2>/dev/null || return 1
		sleep 0.05
	done
}

# run_httpd ARGUMENT…: with what a sanitized module needs, and under the words
# of $HTTPD_UNDER, such as valgrind. httpd ends by a signal to its whole process
# group: not to ours. Built without the thread sanitizer, it hands its memory
# from thread to thread unseen: what it does to it there is left out.
# shellcheck disable=SC2086 # words
run_httpd() {
	LD_PRELOAD="${SANITIZER_PRELOAD-}" \
		TSAN_OPTIONS="${TSAN_OPTIONS-} ignore_noninstrumented_modules=1" \
		ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0" \
		exec setsid ${HTTPD_UNDER-} "$HTTPD" "$@"
}

# start_httpd MPM CONF
start_httpd() {
	httpd_prepare
	for _ in 1 2 3 4 5 6 7 8; do
		URL=http://127.0.0.1:$(httpd_random_port)
		{
			httpd_common "$1"
			cat "$2"
		} >"$HTTPD_ROOT/httpd.conf"
		rm -f "$HTTPD_ROOT/run/httpd.pid"
		run_httpd -DFOREGROUND -f "$HTTPD_ROOT/httpd.conf" \
			>"$HTTPD_ROOT/stdout" 2>&1 &
		HTTPD_PID=$!
		stop_at_end "$HTTPD_PID"
		httpd_up && return 0
		stop_httpd
		grep -q 'Address already in use' "$HTTPD_ROOT/stdout" || break
	done
	cat "$HTTPD_ROOT/stdout" "$HTTPD_LOG"
	return 1
}

stop_httpd() {
	[ -n "$HTTPD_PID" ] || return 0
	stop_pid "$HTTPD_PID"
	wait "$HTTPD_PID" 2>/dev/null
	HTTPD_PID=
}

# check_httpd CONF: prints httpd -t's words; true if it accepts CONF.
check_httpd() {
	httpd_prepare
	URL=http://127.0.0.1:1024
	{
		httpd_common event
		cat "$1"
	} >"$HTTPD_ROOT/check.conf"
	(run_httpd -t -f "$HTTPD_ROOT/check.conf" 2>&1)
}

status() {
	"$CURL" -s -o /dev/null -w '%{http_code}' --max-time 20 "$@"
}

headers() {
	"$CURL" -s -o /dev/null -D - --max-time 20 "$@" | tr -d '\r'
}

header() {
	field=$1
	shift
	headers "$@" | sed -n "s/^$field: //Ip"
}

# load_modules NAME…: lines for CONF, beyond those that all have.
load_modules() {
	for module; do
		echo "LoadModule ${module}_module $HTTPD_LIBEXEC/mod_$module.so"
	done
}

# give_httpd PATH…: what httpd's children write to.
give_httpd() {
	[ "$(id -u)" -ne 0 ] || chown -R nobody "$@"
}

# htdocs/env.cgi prints its environment.
write_env_cgi() {
	cat >"$HTTPD_ROOT/htdocs/env.cgi" <<-'END'
		#!/bin/sh
		echo "Content-Type: text/plain"
		echo
		env | sort
	END
	chmod 755 "$HTTPD_ROOT/htdocs/env.cgi"
}

# env_of NAME ARGUMENT…: a variable, as env.cgi got it.
env_of() {
	variable=$1
	shift
	"$CURL" -s --max-time 20 "$@" | sed -n "s/^$variable=//p"
}

# basic USER:PASSWORD: the header field.
basic() {
	echo "Authorization: Basic $(printf %s "$1" | base64 -w 0)"
}

# How many apikeyd has done.
verifications() {
	ctl --json status | sed -n 's/.*"verifications": *\([0-9]*\).*/\1/p'
}
