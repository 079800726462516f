# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# A private httpd for tests: its own ServerRoot, a free port on loopback,
# stopped by its own process id. Sourced after lib.sh.
#
#   start_httpd MPM CONF   starts httpd with CONF after the common part; sets
#                          $URL, $HTTPD_ROOT and $HTTPD_LOG (error log)
#   stop_httpd
#   check_httpd CONF       httpd -t; prints what it says
#   status ARGUMENT…       status code of a request by curl
#   headers ARGUMENT…      status line and header fields, without CRs
#   header NAME ARGUMENT…  the values of one field
#
# $HTTPD, $HTTPD_LIBEXEC and $HTTPD_MODULE come from lib.sh. $VERIFY_SOCKET
# names the daemon's socket.

HTTPD_ROOT=
HTTPD_PID=
HTTPD_LOG=

# httpd refuses to serve as root. Its children need the socket, so they get
# the socket's group.
httpd_user() {
	[ "$(id -u)" -eq 0 ] || return 0
	echo "User nobody"
	echo "Group #$(stat -c %g "$VERIFY_SOCKET" 2>/dev/null || echo 0)"
}

# httpd_common MPM: what every configuration begins with.
httpd_common() {
	cat <<-END
		ServerRoot "$HTTPD_ROOT"
		DefaultRuntimeDir "$HTTPD_ROOT/run"
		PidFile "$HTTPD_ROOT/run/httpd.pid"
		Mutex file:$HTTPD_ROOT/run
		ServerName localhost
		Listen 127.0.0.1:$HTTPD_PORT
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
		TypesConfig /dev/null
		LoadModule authnz_apikey_module $HTTPD_MODULE
		DocumentRoot "$HTTPD_ROOT/htdocs"
		StartServers 1
		AddHandler cgi-script .cgi
		AddOutputFilter INCLUDES .shtml
		<Directory "$HTTPD_ROOT/htdocs">
			Options +ExecCGI +Includes
			Require all granted
		</Directory>
		AuthApiKeySocket "$VERIFY_SOCKET"
	END
	httpd_user
}

httpd_prepare() {
	HTTPD_ROOT=$TMP/httpd
	HTTPD_LOG=$HTTPD_ROOT/error_log
	mkdir -p "$HTTPD_ROOT/run" "$HTTPD_ROOT/htdocs"
	chmod 755 "$HTTPD_ROOT" "$HTTPD_ROOT/run" "$HTTPD_ROOT/htdocs"
	# The children of a root's httpd are somebody else.
	[ "$(id -u)" -ne 0 ] || chmod go+x "$TMP"
}

# A port above the usual services and below the kernel's own choice.
httpd_random_port() {
	echo $((10240 + $(od -An -N2 -tu2 /dev/urandom) % 20480))
}

# httpd has no word for "ready": waits until it listens, or has ended. From
# then on a request waits for the first child by itself.
httpd_up() {
	until curl -s -o /dev/null --max-time 20 "$URL/"; do
		kill -0 "$HTTPD_PID" 2>/dev/null || return 1
		sleep 0.05
	done
	kill -0 "$HTTPD_PID" 2>/dev/null
}

# start_httpd MPM CONF
start_httpd() {
	httpd_prepare
	for _ in 1 2 3 4 5 6 7 8; do
		HTTPD_PORT=$(httpd_random_port)
		URL=http://127.0.0.1:$HTTPD_PORT
		{
			httpd_common "$1"
			cat "$2"
		} >"$HTTPD_ROOT/httpd.conf"
		# httpd ends by a signal to its whole process group: not to ours.
		setsid "$HTTPD" -DFOREGROUND -f "$HTTPD_ROOT/httpd.conf" \
			>"$HTTPD_ROOT/stdout" 2>&1 &
		HTTPD_PID=$!
		httpd_up && return 0
		stop_httpd
		grep -q 'Address already in use' "$HTTPD_ROOT/stdout" \
			"$HTTPD_LOG" 2>/dev/null || break
	done
	sed 's/^/# /' "$HTTPD_ROOT/stdout" "$HTTPD_LOG" >&2
	return 1
}

stop_httpd() {
	[ -n "$HTTPD_PID" ] || return 0
	kill -TERM "$HTTPD_PID" 2>/dev/null
	wait "$HTTPD_PID" 2>/dev/null
	HTTPD_PID=
}

# check_httpd CONF: prints httpd -t's words; true if it accepts CONF.
check_httpd() {
	httpd_prepare
	HTTPD_PORT=1024
	{
		httpd_common event
		cat "$1"
	} >"$HTTPD_ROOT/check.conf"
	"$HTTPD" -t -f "$HTTPD_ROOT/check.conf" 2>&1
}

status() {
	curl -s -o /dev/null -w '%{http_code}' --max-time 20 "$@"
}

headers() {
	curl -s -o /dev/null -D - --max-time 20 "$@" | tr -d '\r'
}

header() {
	name=$1
	shift
	headers "$@" | sed -n "s/^$name: //Ip"
}
