#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# httpd with a location that apikeyd guards, beside an open one and beside
# passwords.
# shellcheck source=tests/bench/bench.lib.sh
. "$top_srcdir/tests/bench/bench.lib.sh"
# shellcheck source=tests/httpd.lib.sh
. "$top_srcdir/tests/httpd.lib.sh"

if [ ! -e "${HTTPD_MODULE:-none}" ] || ! command -v wrk >/dev/null; then
	missing "httpd" "mod_authnz_apikey is not built, or wrk not installed"
	exit 0
fi

mkdir "$TMP/state" && chmod 700 "$TMP/state"
serve apikeyd "$TMP/state"
APIKEYD_ADMIN_SOCKET=$TMP/apikeyd/admin.sock
APIKEYD_VERIFY_SOCKET=$TMP/apikeyd/verify.sock
seed acme api
token=$(new_key Bench) || give_up "no key"

httpd_prepare
for location in open protected sha bcrypt; do
	mkdir "$HTTPD_ROOT/htdocs/$location"
	head -c 1024 /dev/zero | tr '\0' x >"$HTTPD_ROOT/htdocs/$location/file"
done
# 1,001 users; the last one is asked for.
awk 'BEGIN { for (i = 0; i < 1000; i++)
	printf "user%d:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=\n", i }' \
	>"$HTTPD_ROOT/sha"
htpasswd -bs "$HTTPD_ROOT/sha" bench secret 2>"$TMP/output" ||
	give_up "htpasswd: install apache2-utils"
htpasswd -cbB -C 5 "$HTTPD_ROOT/bcrypt" bench secret 2>"$TMP/output"
chmod 644 "$HTTPD_ROOT/sha" "$HTTPD_ROOT/bcrypt"
{
	load_modules auth_basic authn_file
	cat <<-END
		LogLevel warn authnz_apikey:warn
		MaxKeepAliveRequests 0
		ThreadsPerChild 64
		MaxRequestWorkers 128
		<Location "/protected">
			AuthType ApiKey
			AuthName "Bench"
			Require valid-user
		</Location>
	END
	for kind in sha bcrypt; do
		cat <<-END
			<Location "/$kind">
				AuthType Basic
				AuthName "Bench"
				AuthBasicProvider file
				AuthUserFile "$HTTPD_ROOT/$kind"
				Require valid-user
			</Location>
		END
	done
} >"$TMP/httpd.conf"
HTTPD_UNDER="taskset -c 0"
start_httpd event "$TMP/httpd.conf" >"$TMP/output" ||
	give_up "httpd: $(cat "$TMP/output")"
# apikeyd beside it, as on a host of one service.
basic=$(basic bench:secret)

# get LOCATION CONNECTIONS: requests a second, all of them answered 200.
get() {
	case $1 in
	protected) field="Authorization: Bearer $token" ;;
	sha | bcrypt) field=$basic ;;
	open) field="Accept: */*" ;;
	esac
	taskset -c 1 wrk -t 1 -c "$2" -d "${seconds%.*}s" -H "$field" \
		"$URL/$1/file" >"$TMP/output" 2>&1 ||
		give_up "wrk: $(cat "$TMP/output")"
	! grep -q 'Non-2xx' "$TMP/output" ||
		give_up "$1: $(grep Non-2xx "$TMP/output")"
	awk '/^Requests\/sec/ { print "rate=" $2 }' "$TMP/output" \
		>>"$TMP/race.httpd$2.$1"
}

[ "${seconds%.*}" -ge 1 ] || seconds=1
for round in $(seq "$rounds"); do
	for connections in 16 64; do
		for location in open protected sha bcrypt; do
			[ "$connections" = 16 ] || case $location in
			sha | bcrypt) continue ;;
			esac
			get "$location" "$connections"
		done
	done
	say "httpd: round $round of $rounds"
done
judge "httpd, 16 connections, protected against open" \
	httpd16 rate protected open ge 0.70
judge "httpd, 64 connections, protected against open" \
	httpd64 rate protected open ge 0.60
judge "httpd, 16 connections, against 1,001 users with {SHA}" \
	httpd16 rate protected sha ge 2
judge "httpd, 16 connections, against bcrypt of cost 5" \
	httpd16 rate protected bcrypt ge 30
