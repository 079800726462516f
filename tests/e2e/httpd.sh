#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mod_authnz_apikey in a real httpd, asked by a real curl: every verdict as
# HTTP, under the event and the prefork MPM.
#
# shellcheck disable=SC2119,SC2317 # checks call functions by name

# shellcheck source=tests/lib.sh
. "${top_srcdir:?}/tests/lib.sh"
# shellcheck source=tests/httpd.lib.sh
. "$top_srcdir/tests/httpd.lib.sh"

# key NAME [OPTION…]: makes a key; sets $key.
key() {
	key=$(new_key "$@") || give_up "no key was made: $(cat "$TMP/output")"
	keys="$keys $key"
}

bearer() {
	echo "Authorization: Bearer $1"
}

# absent PATTERN FILE
absent() {
	! grep "$1" "$2"
}

write_configuration() {
	cat >"$TMP/test.conf" <<-'END'
		AuthApiKeyTimeout 2s
		LogFormat "%>s %U id=%{APIKEY_ID}e user=%u" test
		CustomLog access_log test
		AliasMatch ^/(valid|other|mine|write|scope|asks|any|all|none|not|forward|query|org|local|backend)(/.*)?$ ${HTTPD_ROOT}/htdocs/env.cgi
		SetEnvIf Authorization "(.+)" COPIED=$1
		SetEnvIf X-Fake "(.+)" APIKEY_ACCOUNT=$1
		ErrorDocument 401 /env.cgi

		<Location "/">
			AuthName "The \"API\""
		</Location>
		<LocationMatch "^/(valid|other|mine|write|scope|asks|any|all|none|not|forward|query|dir|strict)">
			AuthType ApiKey
			Require valid-user
		</LocationMatch>
		<Location "/mine">
			Require apikey-account acme
		</Location>
		<Location "/other">
			Require apikey-account globex initech
		</Location>
		<Location "/write">
			Require apikey-permission write
		</Location>
		<Location "/scope">
			Require apikey-scope appointments:export
		</Location>
		<Location "/asks/account">
			AuthApiKeyAccount globex
		</Location>
		<Location "/asks/product">
			AuthApiKeyProduct billing
		</Location>
		<Location "/asks/more">
			AuthApiKeyPermission write
			AuthApiKeyScope appointments:export appointments:import
		</Location>
		<Location "/asks/nothing">
			AuthApiKeyAccount %{env:NOT_SET_ANYWHERE}
		</Location>
		<LocationMatch "^/org/(?<org>[^/]+)">
			AuthType ApiKey
			Require apikey-account %{env:MATCH_ORG}
		</LocationMatch>
		<Location "/org/acme/jump">
			RewriteEngine On
			RewriteRule .* /org/globex/x [L]
		</Location>
		<Location "/org/acme/hop">
			RewriteEngine On
			RewriteRule .* /org/acme/x [L]
		</Location>
		<Location "/denied">
			AuthType ApiKey
			Require all denied
			ErrorDocument 403 /env.cgi
		</Location>
		SetEnvIf User-Agent blocked BLOCKED=1
		<Location "/local">
			AuthType ApiKey
			<RequireAny>
				Require local
				Require valid-user
			</RequireAny>
		</Location>
		<Location "/local/guarded">
			<RequireAll>
				Require local
				Require not env BLOCKED
			</RequireAll>
		</Location>
		ProxyPass "/proxied" "${URL}/backend"
		ProxyPass "/raw" "${URL}/backend" nocanon
		<LocationMatch "^/(proxied|raw)">
			AuthType ApiKey
			AuthApiKeyFrom bearer header:X-API-Key query:key
			Require valid-user
		</LocationMatch>
		<Location "/backend">
			CGIPassAuth On
		</Location>
		<Location "/any">
			<RequireAny>
				Require apikey-permission write
				Require apikey-account acme
			</RequireAny>
		</Location>
		<Location "/all">
			<RequireAll>
				Require apikey-account acme
				Require apikey-product appointments
				Require apikey-permission write
			</RequireAll>
		</Location>
		<Location "/none">
			<RequireAll>
				Require all granted
				<RequireNone>
					Require apikey-account acme
				</RequireNone>
			</RequireAll>
		</Location>
		<Location "/not">
			<RequireAll>
				Require all granted
				Require not apikey-permission write
			</RequireAll>
		</Location>
		<Location "/forward">
			AuthApiKeyForward On
			CGIPassAuth On
		</Location>
		<Location "/valid">
			CGIPassAuth On
		</Location>
		<Location "/query">
			AuthApiKeyFrom query:key
		</Location>
		DirectoryIndex index.html
		<Location "/strict/index.html">
			AuthApiKeyPermission write
		</Location>
	END
}

write_documents() {
	mkdir -p "$HTTPD_ROOT/htdocs/dir" "$HTTPD_ROOT/htdocs/strict"
	echo index >"$HTTPD_ROOT/htdocs/dir/index.html"
	echo index >"$HTTPD_ROOT/htdocs/strict/index.html"
	cat >"$HTTPD_ROOT/htdocs/env.cgi" <<-'END'
		#!/bin/sh
		echo "Content-Type: text/plain"
		echo
		env | sort
	END
	chmod 755 "$HTTPD_ROOT/htdocs/env.cgi"
}

# The module's own words alone: httpd's may name header fields.
module_log() {
	grep 'authnz_apikey:' "$HTTPD_LOG"
}

test_authentication() {
	is "$1: a valid key as bearer" \
		"$(status -H "$(bearer "$reader")" "$URL/valid")" 200
	is "$1: a valid key in X-API-Key" \
		"$(status -H "X-API-Key: $reader" "$URL/valid")" 200
	is "$1: the scheme's name in any case" \
		"$(status -H "Authorization: bEARER $reader" "$URL/valid")" 200
	is "$1: no credential" "$(status "$URL/valid")" 401
	is "$1: ... has a challenge without an error code" \
		"$(header WWW-Authenticate "$URL/valid")" \
		'Bearer realm="The \"API\""'
	is "$1: another scheme is no credential" \
		"$(header WWW-Authenticate -u a:b "$URL/valid")" \
		'Bearer realm="The \"API\""'
	for wrong in "${reader%?}" "${reader%??????}aaaaaa" nonsense ''; do
		is "$1: a malformed token" \
			"$(header WWW-Authenticate -H "$(bearer "$wrong")" "$URL/valid")" \
			'Bearer realm="The \"API\"", error="invalid_token"'
	done
	is "$1: ... is 401" \
		"$(status -H "$(bearer nonsense)" "$URL/valid")" 401
	is "$1: a longer token than any" "$(status -H "X-API-Key: \
$(head -c 5000 /dev/zero | tr '\0' a)" "$URL/valid")" 401
}

test_several() {
	is "$1: two places" "$(status -H "$(bearer "$reader")" \
		-H "X-API-Key: $reader" "$URL/valid")" 400
	is "$1: ... says invalid_request" "$(header WWW-Authenticate \
		-H "$(bearer "$reader")" -H "X-API-Key: $reader" \
		"$URL/valid")" \
		'Bearer realm="The \"API\"", error="invalid_request"'
	is "$1: two Authorization lines" "$(status -H "$(bearer "$reader")" \
		-H "$(bearer "$writer")" "$URL/valid")" 400
	is "$1: the second line after another scheme" \
		"$(status -H "Authorization: Basic YTpi" \
			-H "$(bearer "$reader")" "$URL/valid")" 400
	is "$1: two X-API-Key lines" "$(status -H "X-API-Key: $reader" \
		-H "X-API-Key: $writer" "$URL/valid")" 400
	is "$1: one place twice in the query" \
		"$(status "$URL/query?key=$reader&k%65y=$reader")" 400
}

test_authorization() {
	is "$1: Require apikey-account" \
		"$(status -H "$(bearer "$reader")" "$URL/mine")" 200
	is "$1: ... of others" \
		"$(status -H "$(bearer "$reader")" "$URL/other")" 403
	is "$1: ... has no challenge" "$(header WWW-Authenticate \
		-H "$(bearer "$reader")" "$URL/other")" ''
	is "$1: Require apikey-permission write" \
		"$(status -H "$(bearer "$writer")" "$URL/write")" 200
	is "$1: ... with a reading key" \
		"$(status -H "$(bearer "$reader")" "$URL/write")" 403
	is "$1: ... says insufficient_scope" "$(header WWW-Authenticate \
		-H "$(bearer "$reader")" "$URL/write")" \
		'Bearer realm="The \"API\"", error="insufficient_scope", scope="write"'
	is "$1: Require apikey-scope" \
		"$(status -H "$(bearer "$writer")" "$URL/scope")" 200
	is "$1: ... with a key without it" "$(header WWW-Authenticate \
		-H "$(bearer "$reader")" "$URL/scope")" \
		'Bearer realm="The \"API\"", error="insufficient_scope", scope="appointments:export"'
	is "$1: the path's account" \
		"$(status -H "$(bearer "$reader")" "$URL/org/acme/x")" 200
	is "$1: another path's account" \
		"$(status -H "$(bearer "$reader")" "$URL/org/globex/x")" 403
	is "$1: a path that holds the account's name and more" \
		"$(status -H "$(bearer "$reader")" "$URL/org/globex%20acme/x")" 403
	is "$1: a redirect to another path's account" \
		"$(status -H "$(bearer "$reader")" "$URL/org/acme/jump")" 403
	is "$1: a redirect within the account" \
		"$(status -H "$(bearer "$reader")" "$URL/org/acme/hop")" 200
	is "$1: RequireAny, the second line allows" \
		"$(status -H "$(bearer "$reader")" "$URL/any")" 200
	is "$1: ... without a trace of the first" "$(header WWW-Authenticate \
		-H "$(bearer "$reader")" "$URL/any")" ''
	is "$1: RequireAll" "$(status -H "$(bearer "$writer")" "$URL/all")" 200
	is "$1: ... with one line failing" \
		"$(status -H "$(bearer "$reader")" "$URL/all")" 403
	is "$1: RequireNone" \
		"$(status -H "$(bearer "$reader")" "$URL/none")" 403
	is "$1: ... wants a key" "$(status "$URL/none")" 401
	is "$1: Require not" \
		"$(status -H "$(bearer "$writer")" "$URL/not")" 403
	is "$1: ... for whom it does not mean" \
		"$(status -H "$(bearer "$reader")" "$URL/not")" 200
	is "$1: ... wants a key" "$(status "$URL/not")" 401
}

test_conditions() {
	is "$1: AuthApiKeyAccount" \
		"$(status -H "$(bearer "$reader")" "$URL/asks/account")" 403
	is "$1: AuthApiKeyProduct" \
		"$(status -H "$(bearer "$reader")" "$URL/asks/product")" 403
	is "$1: AuthApiKeyPermission and AuthApiKeyScope" \
		"$(header WWW-Authenticate -H "$(bearer "$writer")" "$URL/asks/more")" \
		'Bearer realm="The \"API\"", error="insufficient_scope", scope="write appointments:export appointments:import"'
	is "$1: a condition that comes to nothing lets nobody in" \
		"$(status -H "$(bearer "$writer")" "$URL/asks/nothing")" 403
	is "$1: a subrequest into a stricter section" \
		"$(status -H "$(bearer "$reader")" "$URL/strict/")" 403
	is "$1: ... keeps its challenge" "$(header WWW-Authenticate \
		-H "$(bearer "$reader")" "$URL/strict/")" \
		'Bearer realm="The \"API\"", error="insufficient_scope", scope="write"'
	is "$1: ... lets in who may" \
		"$(status -H "$(bearer "$writer")" "$URL/strict/")" 200
}

test_environment() {
	"$CURL" -s -H "$(bearer "$writer")" -H 'X-Fake: globex' \
		-H 'Apikey_Account: globex' -H 'APIKEY-ID: x' \
		"$URL/valid" >"$TMP/env"
	for line in "APIKEY_ID=$(key_id "$writer")" "APIKEY_NAME=writer" \
		APIKEY_ACCOUNT=acme APIKEY_PRODUCT=appointments \
		APIKEY_PERMISSION=write APIKEY_SCOPES=appointments:export \
		"REMOTE_USER=$(key_id "$writer")" AUTH_TYPE=ApiKey; do
		ok "$1: CGI sees $line" grep -qx "$line" "$TMP/env"
	done
	ok "$1: CGI does not see the token" absent "$writer" "$TMP/env"
	ok "$1: CGI does not see made-up identity headers" absent ^HTTP_APIKEY "$TMP/env"
	"$CURL" -s -H "X-API-Key: $writer" "$URL/valid" >"$TMP/env"
	ok "$1: CGI does not see X-API-Key" absent "$writer" "$TMP/env"
	"$CURL" -s "$URL/query?a=1&key=$writer&b=2" >"$TMP/env"
	ok "$1: CGI does not see a token of the query" absent "$writer" "$TMP/env"
	ok "$1: ... but the rest of it" \
		grep -qx 'QUERY_STRING=a=1&b=2' "$TMP/env"
	is "$1: ... and the answer is private" \
		"$(header Cache-Control "$URL/query?key=$writer")" private
	"$CURL" -s -H "$(bearer "$writer")" "$URL/forward" >"$TMP/env"
	ok "$1: AuthApiKeyForward On leaves it" \
		grep -qx "HTTP_AUTHORIZATION=Bearer $writer" "$TMP/env"
	ok "$1: CustomLog has the key ID" grep -q \
		"^200 /mine id=$(key_id "$reader") user=$(key_id "$reader")\$" \
		"$HTTPD_ROOT/access_log"
}

# Whoever answers for the module, the credential does not get there.
test_backends() {
	"$CURL" -s -H "X-API-Key: $writer" "$URL/local" >"$TMP/env"
	ok "$1: nor where no key was needed" absent "$writer" "$TMP/env"
	"$CURL" -s -H "X-API-Key: $writer" -H "$(bearer "$writer")" \
		"$URL/denied" >"$TMP/env"
	ok "$1: an ErrorDocument of a refusal without authentication" \
		grep -qx REDIRECT_STATUS=403 "$TMP/env"
	ok "$1: ... neither" absent "$writer" "$TMP/env"
	is "$1: a made-up credential takes away no variable" \
		"$(status -A blocked -H 'X-API-Key: 1' "$URL/local/guarded")" 403
	for path in proxied raw; do
		for field in "$(bearer "$writer")" "X-API-Key: $writer"; do
			"$CURL" -s -H "$field" "$URL/$path/x" >"$TMP/env"
			ok "$1: backend $path is asked" \
				grep -q '^REQUEST_URI=/backend/x' "$TMP/env"
			ok "$1: ... without ${field%%:*}" \
				absent "$writer" "$TMP/env"
		done
		"$CURL" -s "$URL/$path/x?a=1&key=$writer&b=%202" >"$TMP/env"
		ok "$1: backend $path has the query" \
			grep -qx 'QUERY_STRING=a=1&b=%202' "$TMP/env"
		ok "$1: ... without the token" \
			absent "$writer" "$TMP/env"
	done
}

test_limits() {
	key limited --rate 2/1h
	is "$1: DirectoryIndex, once" \
		"$(status -H "$(bearer "$key")" "$URL/dir/")" 200
	is "$1: DirectoryIndex counts once" \
		"$(status -H "$(bearer "$key")" "$URL/dir/")" 200
	headers -H "$(bearer "$key")" "$URL/dir/" >"$TMP/headers"
	ok "$1: over the rate" grep -q '^HTTP/1.1 429 ' "$TMP/headers"
	ok "$1: ... Retry-After in seconds" \
		grep -Eqx 'Retry-After: [1-9][0-9]*' "$TMP/headers"
	ok "$1: ... RateLimit-Policy" \
		grep -qx 'RateLimit-Policy: "burst";q=2;w=3600' "$TMP/headers"
	ok "$1: ... RateLimit" \
		grep -Eqx 'RateLimit: "burst";r=0;t=[0-9]+' "$TMP/headers"
}

test_changes() {
	key doomed
	is "$1: before key revoke" \
		"$(status -H "$(bearer "$key")" "$URL/valid")" 200
	ok "$1: key revoke" \
		"$APIKEYCTL" key revoke "$(key_id "$key")" --yes
	is "$1: right after key revoke" \
		"$(status -H "$(bearer "$key")" "$URL/valid")" 401
	"$CURL" -s -H "$(bearer "$key")" "$URL/valid" >"$TMP/env"
	ok "$1: the ErrorDocument of a refusal" \
		grep -qx REDIRECT_STATUS=401 "$TMP/env"
	ok "$1: ... does not see the token" absent "$key" "$TMP/env"
	ok "$1: ... nor an identity" absent ^APIKEY_ "$TMP/env"
	stop_apikeyd
	headers -H "$(bearer "$reader")" "$URL/valid" >"$TMP/headers"
	ok "$1: without the daemon" grep -q '^HTTP/1.1 503 ' "$TMP/headers"
	ok "$1: ... and the log says why" \
		grep -Eq '\((2|111)\)[^:]*: .*no answer from apikeyd at ' "$HTTPD_LOG"
	ok "$1: ... Retry-After" \
		grep -Eqx 'Retry-After: [1-9][0-9]*' "$TMP/headers"
	start_apikeyd
	is "$1: with the daemon back" \
		"$(status -H "$(bearer "$reader")" "$URL/valid")" 200
}

test_secrets() {
	for key in $keys; do
		! grep -qF "$key" "$HTTPD_LOG" "$HTTPD_ROOT/access_log" ||
			return 1
	done
	module_log | grep -q "key $(key_id "$reader"): "
}

# refuses CONFIGURATION WANTED: httpd -t names what is wrong.
refuses() {
	echo "$1" >"$TMP/wrong.conf"
	if check_httpd "$TMP/wrong.conf" >"$TMP/said"; then
		echo "# accepted: $1"
		return 1
	fi
	grep -qF -- "$2" "$TMP/said" || {
		sed 's/^/# /' "$TMP/said"
		return 1
	}
}

# in_location LINE: the line in a section.
in_location() {
	printf '<Location "/x">\n%s\n</Location>\n' "$1"
}

test_configuration() {
	for directive in 'AuthApiKeyFrom cookie:x' 'AuthApiKeyFrom header:' \
		'AuthApiKeyFrom bearer bearer' 'AuthApiKeyFrom basic basic' \
		'AuthApiKeyFrom header:Authorization' 'AuthApiKeyFrom' \
		'AuthApiKeyProduct Not_A_Slug' 'AuthApiKeyAccount %{broken' \
		'AuthApiKeyPermission admin' 'AuthApiKeyScope "a b"' \
		'AuthApiKeyForward Perhaps' 'AuthApiKeyEndpoint ""'; do
		ok "httpd -t refuses $directive" refuses \
			"$(in_location "$directive")" "${directive%% *}"
	done
	for line in 'apikey-account' 'apikey-account Not_A_Slug' \
		'apikey-permission admin' 'apikey-scope "a b"' \
		'apikey-product %{broken'; do
		ok "httpd -t refuses Require $line" refuses \
			"$(in_location "Require $line")" "Require ${line%% *}:"
	done
	for directive in 'AuthApiKeySocket relative/path' \
		'AuthApiKeyTimeout 0' 'AuthApiKeyTimeout soon' \
		'AuthApiKeyTimeout 2m'; do
		ok "httpd -t refuses $directive" refuses \
			"$directive" "${directive%% *}: "
	done
	ok "httpd -t refuses AuthApiKeySocket in a section" refuses \
		"$(in_location "AuthApiKeySocket /x")" AuthApiKeySocket
}

[ -n "${HTTPD_MODULE-}" ] || skip_all "built without mod_authnz_apikey"
[ -x "${HTTPD-}" ] || skip_all "there is no httpd"
reason=$(in_host_impossible) && skip_all "$reason"

keys=
httpd_prepare
write_configuration
write_documents
start_apikeyd || give_up "apikeyd does not start"
seed
key reader --permission read
reader=$key
key writer --permission write --scope appointments:export
writer=$key

test_configuration
for mpm in event prefork; do
	rm -f "$HTTPD_LOG" "$HTTPD_ROOT/access_log"
	ok "$mpm: httpd starts" start_httpd "$mpm" "$TMP/test.conf"
	[ -n "$HTTPD_PID" ] || continue
	test_authentication "$mpm"
	test_several "$mpm"
	test_authorization "$mpm"
	test_conditions "$mpm"
	test_environment "$mpm"
	test_backends "$mpm"
	test_limits "$mpm"
	test_changes "$mpm"
	ok "$mpm: no token in any log" test_secrets
	stop_httpd
done
stop_apikeyd
done_testing
