#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Tokens that were made elsewhere and imported open every door that a token of
# apikeyd's opens: httpd's, PAM's and the command's.
#
# shellcheck disable=SC2016,SC2119,SC2317 # checks call functions by name

# shellcheck source=tests/lib.sh
. "${top_srcdir:?}/tests/lib.sh"
# shellcheck source=tests/httpd.lib.sh
. "$top_srcdir/tests/httpd.lib.sh"

old='legacy_token.0123456789/abc+def=='
alices='alices:token-of-0123456789~!*'
longest=$(printf '%0512d' 7)
gone='revoked_token.0123456789/abcdef'

# line NAME TOKEN [MORE]
line() {
	printf '{"account":"acme","product":"appointments","name":"%s","sha256":"%s"%s}\n' \
		"$1" "$(printf %s "$2" | sha256sum | cut -d' ' -f1)" "${3-}"
}

import_tokens() {
	{
		line old "$old" ',"permission":"read"'
		line alices "$alices" ',"user":"alice"'
		line longest "$longest"
		line gone "$gone" ',"user":"alice"'
	} >"$TMP/tokens"
	ctl key import "$TMP/tokens"
}

id_of() {
	ctl key list --json | tr '{' '\n' |
		sed -n "s/.*\"id\":\"\\([^\"]*\\)\".*\"name\":\"$1\".*/\\1/p"
}

### The command

test_command() {
	is "key verify" "$(verdict "$old")" valid
	is "key verify: the longest" "$(verdict "$longest")" valid
	is "key verify: revoked" "$(verdict "$gone")" revoked
	is "key verify: one character more" "$(verdict "$old=")" malformed
}

### httpd

write_configuration() {
	load_modules auth_basic authn_file
	cat <<-'END'
		AuthApiKeyTimeout 2s
		CustomLog access_log "%r %>s %u id=%{APIKEY_ID}e"
		LogLevel authnz_apikey:debug
		AliasMatch ^/(key|basic|any|both|after|write|forward)$ ${HTTPD_ROOT}/htdocs/env.cgi
		SetEnvIf Authorization "(.+)" COPIED=$1
		<Location "/">
			AuthName "Keys"
			CGIPassAuth On
			Require valid-user
		</Location>
		<Location "/key">
			AuthType ApiKey
			AuthApiKeyFrom bearer header:X-API-Key query:key
		</Location>
		<LocationMatch "^/(basic|any|both|after|write|forward)">
			AuthType Basic
			AuthBasicProvider apikey
		</LocationMatch>
		<Location "/any">
			AuthApiKeyAnyUser On
		</Location>
		<Location "/both">
			AuthBasicProvider apikey file
			AuthUserFile ${HTTPD_ROOT}/users
		</Location>
		<Location "/after">
			AuthBasicProvider file apikey
			AuthUserFile ${HTTPD_ROOT}/users
		</Location>
		<Location "/write">
			AuthApiKeyAnyUser On
			AuthApiKeyPermission write
		</Location>
		<Location "/forward">
			AuthApiKeyForward On
		</Location>
	END
}

test_apikey() {
	is "bearer" "$(status -H "Authorization: Bearer $old" "$URL/key")" 200
	is "header" "$(status -H "X-API-Key: $old" "$URL/key")" 200
	is "query" "$(status -G --data-urlencode "key=$old" "$URL/key")" 200
	is "the longest" \
		"$(status -H "Authorization: Bearer $longest" "$URL/key")" 200
	is "who it is" "$(env_of REMOTE_USER \
		-H "Authorization: Bearer $old" "$URL/key")" "$id"
	is "not quite it" \
		"$(status -H "Authorization: Bearer $old=" "$URL/key")" 401
	is "revoked" "$(status -H "Authorization: Bearer $gone" "$URL/key")" 401
	is "bearer: copied by SetEnvIf, it is taken away" "$(env_of COPIED \
		-H "Authorization: Bearer $old" "$URL/key")" ""
	"$CURL" -s -G --data-urlencode "key=$old" "$URL/key" >"$TMP/env"
	ok "query: CGI is asked" grep -q ^REQUEST_URI= "$TMP/env"
	nok "query: ... and sees no token" grep -q legacy_token "$TMP/env"
}

test_basic() {
	is "Basic: the key's user" "$(status -u "alice:$alices" "$URL/basic")" 200
	is "... is who it is" \
		"$(env_of REMOTE_USER -u "alice:$alices" "$URL/basic")" alice
	is "Basic: another user" "$(status -u "bob:$alices" "$URL/basic")" 403
	is "Basic: a user for a key without one" \
		"$(status -u "bob:$old" "$URL/basic")" 403
	# What stands before an underscore is no key ID here.
	is "Basic: a part of the token as user" \
		"$(status -u "legacy:$old" "$URL/basic")" 403
	is "Basic: any user" "$(status -u "bob:$old" "$URL/any")" 200
	is "... is whose the key is" \
		"$(env_of REMOTE_USER -u "bob:$old" "$URL/any")" "$id"
	is "Basic: the longest" "$(status -u "x:$longest" "$URL/any")" 200
	is "Basic: revoked" "$(header WWW-Authenticate -u "alice:$gone" \
		"$URL/basic")" 'Basic realm="Keys"'
	is "Basic: a permission that is missing" \
		"$(status -u "x:$old" "$URL/write")" 403
	is "Basic: two passwords" "$(status -H "$(basic "alice:$alices")" \
		-H "$(basic "alice:$alices")" "$URL/basic")" 401
	for path in basic any both; do
		"$CURL" -s -u "alice:$alices" "$URL/$path" >"$TMP/env"
		ok "/$path: CGI is asked" grep -q ^REQUEST_URI= "$TMP/env"
		nok "/$path: ... without the password" grep -Eq \
			'^(HTTP_AUTHORIZATION|COPIED)=' "$TMP/env"
	done
	is "AuthApiKeyForward On" "$(env_of HTTP_AUTHORIZATION \
		-u "alice:$alices" "$URL/forward")" \
		"$(basic "alice:$alices" | cut -d' ' -f2-)"
}

# asked PASSWORD: how many verifications a password costs.
asked() {
	before=$(verifications)
	status -u "alice:$1" "$URL/basic" >"$TMP/output"
	echo $(($(verifications) - before))
}

test_providers() {
	for path in both after; do
		is "/$path: the file's user" \
			"$(status -u bob:secret "$URL/$path")" 200
		is "... keeps the password" "$(env_of HTTP_AUTHORIZATION \
			-u bob:secret "$URL/$path")" \
			"$(basic bob:secret | cut -d' ' -f2-)"
		is "/$path: a wrong password" "$(header WWW-Authenticate \
			-u bob:wrong "$URL/$path")" 'Basic realm="Keys"'
		is "/$path: a key's user" \
			"$(status -u "alice:$alices" "$URL/$path")" 200
		is "/$path: revoked" \
			"$(status -u "alice:$gone" "$URL/$path")" 401
	done
	is "what may be a token is asked about" "$(asked nonsense)" 1
	is "... an empty password not" "$(asked '')" 0
	is "... one that is too long not" "$(asked "${longest}7")" 0
	is "... one that is not printable not" \
		"$(asked "$(printf 'non\001sense')")" 0
	is "... nor in another character set" "$(asked 'pässword')" 0
}

test_without_apikeyd() {
	is "no apikeyd: the file's user" "$(status -u bob:secret "$URL/both")" 200
	headers -u "alice:$alices" "$URL/both" >"$TMP/headers"
	ok "no apikeyd: a key" grep -q '^HTTP/[0-9.]* 503 ' "$TMP/headers"
	ok "... with Retry-After" grep -Eq '^Retry-After: [0-9]+$' "$TMP/headers"
	nok "... and no challenge" grep -q ^WWW-Authenticate "$TMP/headers"
	is "no apikeyd: nobody else" \
		"$(status -u "alice:$alices" "$URL/basic")" 503
	is "no apikeyd: bearer" \
		"$(status -H "Authorization: Bearer $old" "$URL/key")" 503
}

# Whether httpd is there; says why not.
has_httpd() {
	[ -n "${HTTPD_MODULE-}" ] || echo "built without mod_authnz_apikey"
	[ -z "${HTTPD_MODULE-}" ] || [ -x "${HTTPD-}" ] || echo "there is no httpd"
	in_host_impossible
}

prepare_httpd() {
	httpd_prepare
	write_configuration >"$TMP/test.conf"
	write_env_cgi
	# openssl passwd -apr1 -salt abcdefgh secret
	echo 'bob:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/' >"$HTTPD_ROOT/users"
	ok "httpd starts" start_httpd event "$TMP/test.conf"
}

### PAM

# service NAME OPTION…: this module, after a line that has asked already and
# lets nobody in; or, with the option "alone", without one.
service() {
	name=$1
	shift
	{
		[ "$1" = alone ] || echo "auth [default=ignore] $PAM_MODULE" \
			"socket=$APIKEYD_VERIFY_SOCKET account=nobodys"
		[ "$1" != alone ] || shift
		echo "auth required $PAM_MODULE" \
			"socket=$APIKEYD_VERIFY_SOCKET timeout=5000 $*"
	} >"$TMP/pam.d/$name"
}

# login SERVICE FIRST SECOND: by alice, with what is typed at the prompts.
login() {
	printf '%s\n%s\n' "$2" "$3" |
		"$top_builddir/tests/e2e/pam_driver" "$TMP/pam.d" "$1" alice \
			authenticate | tr '\n' ' ' | sed 's/ $//'
}

test_pam() {
	mkdir -p "$TMP/pam.d"
	service alone alone
	service trying try_first_pass
	service using use_first_pass
	is "PAM" "$(login alone "$alices" "")" "authenticate PAM_SUCCESS"
	is "PAM: revoked" "$(login alone "$gone" "")" "authenticate PAM_AUTH_ERR"
	is "PAM: not quite it" \
		"$(login alone "$alices=" "")" "authenticate PAM_AUTH_ERR"
	is "PAM: of nobody" "$(login alone "$old" "")" "authenticate PAM_AUTH_ERR"
	is "try_first_pass: the token first" \
		"$(login trying "$alices" "")" "authenticate PAM_SUCCESS"
	is "try_first_pass: a password first" \
		"$(login trying hunter2 "$alices")" "authenticate PAM_SUCCESS"
	is "try_first_pass: two passwords" \
		"$(login trying hunter2 hunter3)" "authenticate PAM_AUTH_ERR"
	is "try_first_pass: after a revoked one nobody is asked" \
		"$(login trying "$gone" "$alices")" "authenticate PAM_AUTH_ERR"
	is "use_first_pass: the token first" \
		"$(login using "$alices" "")" "authenticate PAM_SUCCESS"
	is "use_first_pass: a password first" \
		"$(login using hunter2 "$alices")" "authenticate PAM_AUTH_ERR"
}

start_apikeyd || give_up "apikeyd does not start"
seed
is "import" "$(import_tokens)" "Imported 4 keys."
id=$(id_of old)
ctl key revoke "$(id_of gone)" --yes >"$TMP/output" 2>&1

test_command
if [ -n "${PAM_MODULE-}" ]; then
	test_pam
else
	skip PAM "built without PAM"
fi
reason=$(has_httpd)
if [ -z "$reason" ]; then
	prepare_httpd
	[ -n "$HTTPD_PID" ] || done_testing
	test_apikey
	test_basic
	test_providers
	stop_apikeyd
	test_without_apikeyd
	nok "nothing of it in httpd's logs" grep -Fq -e "$old" -e legacy_token \
		-e "$alices" -e "$longest" -e "$gone" -e nonsense -e secret \
		"$HTTPD_LOG" "$HTTPD_ROOT/access_log"
	stop_httpd
else
	skip httpd "$reason"
	stop_apikeyd
fi
nok "nothing of it in apikeyd's log" grep -Fq -e "$old" -e "$alices" \
	-e "$longest" -e "$gone" -e hunter "$TMP/apikeyd.log"
done_testing
