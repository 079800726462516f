#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Class 21: an interface of the host in the wrong phase. What httpd makes of a
# request, and what it says: one verification however many subrequests and
# redirects there are, HTTP/2 and proxies, preflight requests, JSON refusals, and
# attempts to get in without a key.
#
# shellcheck disable=SC2016,SC2119,SC2317 # checks call functions by name

# shellcheck source=tests/lib.sh
. "${top_srcdir:?}/tests/lib.sh"
# shellcheck source=tests/httpd.lib.sh
. "$top_srcdir/tests/httpd.lib.sh"

write_configuration() {
	load_modules http2 proxy_connect proxy_wstunnel allowmethods \
		access_compat cache cache_disk
	cat <<-'END'
		AuthApiKeyTimeout 1s
		Protocols h2c http/1.1
		AliasMatch ^/(env|pre|hide|not|open|both|doc|fixed|if|alias|backend|limits|bare)(/.*)?$ ${HTTPD_ROOT}/htdocs/env.cgi
		<AuthzProviderAlias apikey-account not-acme acme>
		</AuthzProviderAlias>
		<Location "/">
			AuthName "Keys"
			CGIPassAuth On
		</Location>
		<LocationMatch "^/(env|pre|not|both|doc|fixed|if|alias|limits|site|ssi|rewrite|nego|via|ws)">
			AuthType ApiKey
			Require valid-user
		</LocationMatch>
		<Location "/pre">
			AuthApiKeyPreflight Allow
		</Location>
		<Location "/pre/far">
			<RequireAll>
				Require ip 192.0.2.1
				Require valid-user
			</RequireAll>
		</Location>
		<Location "/doc">
			ErrorDocument 401 "go away
		</Location>
		<Location "/fixed">
			ErrorDocument 401 /open
		</Location>
		<Location "/both">
			Require apikey-account globex
		</Location>
		<Location "/not">
			<RequireAll>
				Require all granted
				Require not apikey-account globex
			</RequireAll>
		</Location>
		<Location "/bare">
			<RequireAll>
				Require all granted
				Require not apikey-account globex
			</RequireAll>
		</Location>
		CacheRoot ${HTTPD_ROOT}/cache
		CacheQuickHandler Off
		<Location "/site/cached.html">
			CacheEnable disk
			Header set Cache-Control "max-age=1000"
		</Location>
		<Location "/alias">
			<RequireAll>
				Require all granted
				Require not not-acme
			</RequireAll>
		</Location>
		<Location "/if">
			<If "%{HTTP:X-Door} == 'open'">
				AuthApiKeyPermission write
			</If>
		</Location>
		AddType text/html .html .shtml
		AddType text/plain .txt
		DirectoryIndex missing.html index.shtml
		<Directory ${HTTPD_ROOT}/htdocs/nego>
			Options +MultiViews
		</Directory>
		RewriteEngine On
		RewriteRule ^/rewrite$ /env [PT]
		<Directory ${HTTPD_ROOT}/htdocs/site>
			ErrorDocument 404 /site/sorry.shtml
			RewriteEngine On
			RewriteRule ^moved$ /env/moved [L]
		</Directory>
		ProxyPass "/via" "${URL}/backend"
		RewriteRule ^/ws/(.*) ws://127.0.0.1:%{SERVER_PORT}/backend/$1 [P]
		<Location "/limits/public">
			Header set Cache-Control "public, max-age=9"
		</Location>
		<Location "/limits/never">
			Header set Cache-Control "no-store"
		</Location>
		<Location "/limits">
			AuthApiKeyFrom query:key
		</Location>
		ProxyRequests On
		<Proxy "http://*">
			AuthType ApiKey
			AuthName "Proxy"
			Require valid-user
		</Proxy>
		AllowCONNECT 1-65535
		<Proxy "localhost:*">
			AuthType ApiKey
			AuthName "Proxy"
			Require valid-user
		</Proxy>
	END
}

write_documents() {
	write_env_cgi
	for name in site nego ssi; do
		mkdir -p "$HTTPD_ROOT/htdocs/$name"
	done
	cat >"$HTTPD_ROOT/htdocs/site/index.shtml" <<-'END'
		<!--#include virtual="/env/a" --><!--#include virtual="part.html" -->
		<!--#include virtual="/env.cgi" --><!--#fsize virtual="part.html" -->
	END
	echo part >"$HTTPD_ROOT/htdocs/site/part.html"
	echo cached >"$HTTPD_ROOT/htdocs/site/cached.html"
	mkdir -p "$HTTPD_ROOT/cache"
	give_httpd "$HTTPD_ROOT/cache"
	echo '<!--#include virtual="part.html" -->' \
		>"$HTTPD_ROOT/htdocs/site/sorry.shtml"
	echo english >"$HTTPD_ROOT/htdocs/nego/page.html"
	echo plain >"$HTTPD_ROOT/htdocs/nego/page.txt"
}

# cost ARGUMENT…: a request's status and what it costs.
cost() {
	before=$(verifications)
	code=$(status -H "$bearer" "$@")
	echo "$code $(($(verifications) - before))"
}

test_once() {
	is "plain" "$(cost "$URL/env")" "200 1"
	is "HEAD" "$(cost -I "$URL/env")" "200 1"
	is "PATH_INFO" "$(cost "$URL/env/more/of/it")" "200 1"
	is "DirectoryIndex and mod_include" "$(cost "$URL/site/")" "200 1"
	is "ErrorDocument with mod_include" "$(cost "$URL/site/none")" "404 1"
	is "mod_rewrite in a directory" "$(cost "$URL/site/moved")" "200 1"
	is "mod_rewrite in the server" "$(cost "$URL/rewrite")" "200 1"
	is "MultiViews" "$(cost "$URL/nego/page")" "200 1"
	is "a Range" "$(cost -r 0-3 "$URL/site/part.html")" "206 1"
	is "a backend" "$(cost "$URL/via/x")" "200 1"
	is "a refusal of Require" "$(cost "$URL/both")" "403 1"
	is "not modified" "$(cost -H 'If-None-Match: *' \
		"$URL/site/part.html")" "304 1"
	before=$(verifications)
	if command -v h2load >/dev/null; then
		timeout $((PATIENCE / 1000)) h2load -n 200 -c 4 -m 16 \
			-H "$bearer" "$URL/site/part.html" >"$TMP/h2" 2>&1
		ok "HTTP/2 streams beside each other" \
			grep -q "^status codes: 200 2xx" "$TMP/h2"
		is "... one verification each" \
			"$(($(verifications) - before))" 200
	else
		skip "HTTP/2 streams" "there is no h2load"
	fi
	is "HTTP/2 DirectoryIndex and mod_include" \
		"$(cost --http2-prior-knowledge "$URL/site/")" "200 1"
	is "HTTP/2 without a key" \
		"$(status --http2-prior-knowledge "$URL/env")" 401
}

preflight() {
	status -X OPTIONS -H 'Origin: https://example.org' \
		-H 'Access-Control-Request-Method: PUT' "$@"
}

test_preflight() {
	is "preflight, AuthApiKeyPreflight Allow" "$(preflight "$URL/pre")" 200
	is "... and nothing else: OPTIONS" "$(status -X OPTIONS "$URL/pre")" 401
	is "... GET with its headers" "$(preflight -X GET "$URL/pre")" 401
	is "... another host's section" "$(preflight "$URL/pre/far")" 403
	is "... for httpd's own answer" "$(preflight "$URL/pre/../env")" 401
	is "preflight, Check" "$(preflight "$URL/env")" 401
	is "... costs nothing" "$(before=$(verifications)
		preflight "$URL/pre" >/dev/null
		echo $(($(verifications) - before)))" 0
}


# problem ARGUMENT…: type and body.
problem() {
	"$CURL" -s -w '%{content_type}\n' --max-time 20 "$@"
}

test_problems() {
	is "a refusal as JSON" "$(problem "$URL/env")" \
		'{"type":"about:blank","title":"Unauthorized","status":401,"detail":"An API key is needed."}
application/problem+json'
	is "... for a key that may not" "$(problem -H "$bearer" "$URL/both")" \
		'{"type":"about:blank","title":"Forbidden","status":403,"detail":"The API key does not give access to this."}
application/problem+json'
	is "... is as long as it says" "$(header Content-Length "$URL/env")" \
		"$("$CURL" -s "$URL/env" | wc -c | tr -d ' ')"
	is "... HEAD" "$(header Content-Length -I "$URL/env")" \
		"$(header Content-Length "$URL/env")"
	is "... HEAD's type" "$(header Content-Type -I "$URL/env")" \
		application/problem+json
	is "... over HTTP/2" "$(problem --http2-prior-knowledge "$URL/env" |
		tail -1)" application/problem+json
	while read -r wanted accept; do
		is "Accept: $accept" "$(problem -H "Accept: $accept" "$URL/env" |
			tail -1 | tr " " _)" "$wanted"
	done <<-'END'
		application/problem+json application/json
		application/problem+json application/problem+json
		application/problem+json text/html;q=0.5, application/*
		application/problem+json */*
		application/problem+json text/plain, APPLICATION/JSON;q=0.1
		application/problem+json application/json;q=1e999, text/html;q=nan
		text/html;_charset=iso-8859-1 application/json;q=-1
		text/html;_charset=iso-8859-1 ;,;=;q,,,q=,*
		text/html;_charset=iso-8859-1 text/html,application/xhtml+xml,*/*;q=0.8
		text/html;_charset=iso-8859-1 text/html, application/json;q=0.9
		text/html;_charset=iso-8859-1 application/json;q=0
		text/html;_charset=iso-8859-1 text/plain
	END
	is "ErrorDocument with a text wins" "$("$CURL" -s "$URL/doc")" "go away"
	is "ErrorDocument with a path wins" \
		"$(env_of REDIRECT_STATUS "$URL/fixed")" 401
	is "... and keeps its challenge" "$(header WWW-Authenticate "$URL/fixed")" \
		'Bearer realm="Keys"'
	is "a key in the query makes a public answer private" \
		"$(header Cache-Control "$URL/limits/public?key=$reader")" private
	is "... and leaves no-store" "$(header Cache-Control \
		"$URL/limits/never?key=$reader" | sort | xargs)" "no-store private"
	is "others' errors stay" "$(problem -H "$bearer" "$URL/nego/none" |
		tail -1)" 'text/html; charset=iso-8859-1'
	token=$(new_key limited --rate 1/1h)
	status "$URL/limits?key=$token" >"$TMP/output"
	headers "$URL/limits?key=$token" >"$TMP/headers"
	ok "429 is not stored" grep -qx 'Cache-Control: no-store' "$TMP/headers"
	ok "... and is JSON" grep -qx 'Content-Type: application/problem+json' \
		"$TMP/headers"
	after=$(sed -n 's/^Retry-After: //p' "$TMP/headers")
	ok "... Retry-After is not before the bucket allows" \
		[ "$after" -ge 3590 ] && [ "$after" -le 3600 ]
	is "... RateLimit says the same" "$(sed -n 's/^RateLimit: .*t=//p' \
		"$TMP/headers")" "$after"
}

test_proxies() {
	target=$URL/open
	is "a forward proxy wants a key" \
		"$(status -x "$URL" "$target")" 407
	is "... by its own header" "$(header Proxy-Authenticate -x "$URL" \
		"$target")" 'Bearer realm="Proxy"'
	is "... Authorization is not for it" \
		"$(status -x "$URL" -H "$bearer" "$target")" 407
	is "... Proxy-Authorization is" "$(status -x "$URL" --proxy-header \
		"Proxy-Authorization: Bearer $token" "$target")" 429
	is "... lets in" "$(status -x "$URL" -H \
		"Proxy-Authorization: Bearer $reader" "$target")" 200
	is "... does not show it" "$(env_of HTTP_PROXY_AUTHORIZATION -x "$URL" \
		-H "Proxy-Authorization: Bearer $reader" "$target")" ''
	is "... CONNECT" "$("$CURL" -s -o /dev/null -w '%{http_connect}' \
		-p -x "$URL" "http://localhost:${URL##*:}/open")" 407
}

test_websocket() {
	set -- --max-time 5 -H "Upgrade: websocket" -H "Connection: Upgrade" \
		-H "Sec-WebSocket-Version: 13" \
		-H "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" "$URL/ws/chat"
	"$CURL" -s -H "$bearer" "$@" >"$TMP/env"
	ok "a WebSocket backend is asked" grep -q \
		"^REQUEST_URI=/backend/chat" "$TMP/env"
	nok "... without the credential" grep -q "$reader" "$TMP/env"
	is "a WebSocket without a key" "$(status "$@")" 401
}

# raw TEXT…: a request as it stands; prints the status.
# shellcheck disable=SC2059,SC2094 # the text has escapes; await does not read
raw() {
	: >"$TMP/raw"
	{
		printf "$@"
		# At the end of its input curl is gone.
		await [ -s "$TMP/raw" ]
	} | "$CURL" -sN --max-time 20 "telnet://${URL#http://}" >>"$TMP/raw"
	sed -n '1s/^HTTP[^ ]* \([0-9]*\).*/\1/p' "$TMP/raw"
}

test_attacks() {
	host="Host: localhost\r\nConnection: close\r\n"
	for path in /env /env/ //env /%65nv /./env /open/../env /env%2f \
		/env.cgi/../env '/env?x' '/env;x'; do
		case $(status --path-as-is --request-target "$path" "$URL") in
		401 | 404) pass "no key: $path" ;;
		*) fail "no key: $path" "let in" ;;
		esac
	done
	nok "TRACE reaches no handler" sh -c '"$0" -s -X TRACE "$1" |
		grep SCRIPT_NAME' "$CURL" "$URL/env"
	is "an unknown method" "$(status -X BREW "$URL/env")" 401
	is "HTTP/1.0" "$(status -0 -H Host: "$URL/env")" 401
	is "a folded header is one header" "$(raw \
		"GET /env HTTP/1.1\r\n${host}Authorization: Bearer\r\n $reader\r\n\r\n")" 200
	is "a NUL in a header" "$(raw \
		"GET /env HTTP/1.1\r\n${host}Authorization: Bearer $reader\0x\r\n\r\n")" 400
	is "another name for the header" \
		"$(status -H "X_API_Key: $reader" "$URL/env")" 401
	is "the environment's name" \
		"$(status -H "Apikey-Id: $id" -H "REMOTE_USER: $id" "$URL/env")" 401
	is "the key ID alone" "$(status -H "Authorization: Bearer $id" "$URL/env")" 401
	is "half of the secret" "$(problem -H "Authorization: Bearer ${reader%????????????}" \
		"$URL/env" | head -1)" \
		'{"type":"about:blank","title":"Unauthorized","status":401,"detail":"What was sent is not a complete API key."}'
	is "Expect" "$(status -H 'Expect: 100-continue' -d x "$URL/env")" 401
	is "a cacheable document" "$(status -H "$bearer" "$URL/site/cached.html")" 200
	is "... without a key" "$(status "$URL/site/cached.html")" 401
	is "... is in no cache" "$(find "$HTTPD_ROOT/cache" -type f | wc -l)" 0
	is "Require not, no key" "$(status "$URL/not")" 401
	is "Require not without AuthType" "$(status "$URL/bare")" 500
	is "Require not with an alias, no key" "$(status "$URL/alias")" 401
	is "... the alias's account" "$(status -H "$bearer" "$URL/alias")" 403
	is "<If> adds a condition" "$(status -H "$bearer" -H 'X-Door: open' "$URL/if")" 403
	is "... and takes none away" "$(status -H 'X-Door: shut' "$URL/if")" 401
	is "a long list of credentials" "$(status -H "X-API-Key: $(yes , |
		head -n 3000 | tr -d '\n')" "$URL/env")" 400
}

[ -n "${HTTPD_MODULE-}" ] || skip_all "built without mod_authnz_apikey"
[ -x "${HTTPD-}" ] || skip_all "there is no httpd"
reason=$(in_host_impossible) && skip_all "$reason"

httpd_prepare
write_configuration >"$TMP/test.conf"
write_documents
start_apikeyd || give_up "apikeyd does not start"
seed
reader=$(new_key reader --permission read)
id=$(key_id "$reader")
bearer="Authorization: Bearer $reader"

ok "httpd starts" start_httpd event "$TMP/test.conf"
[ -n "$HTTPD_PID" ] || done_testing
test_once
test_preflight
test_problems
test_proxies
test_websocket
test_attacks
nok "no child crashed" grep -E 'exit signal|AH00052' "$HTTPD_LOG"
nok "no token in any log" grep -F "$reader" "$HTTPD_LOG"
stop_httpd
stop_apikeyd
done_testing
