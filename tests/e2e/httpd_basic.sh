#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Keys as HTTP Basic passwords, for clients that know nothing else: curl -u,
# git, WebDAV. Both ways: the provider behind mod_auth_basic, and AuthApiKeyFrom
# basic.
#
# shellcheck disable=SC2016,SC2119,SC2317 # checks call functions by name

# shellcheck source=tests/lib.sh
. "${top_srcdir:?}/tests/lib.sh"
# shellcheck source=tests/httpd.lib.sh
. "$top_srcdir/tests/httpd.lib.sh"

write_configuration() {
	load_modules auth_basic authn_file authn_socache socache_shmcb dav \
		dav_fs auth_form request session session_cookie
	cat <<-'END'
		AuthApiKeyTimeout 1s
		CustomLog access_log "%>s %u id=%{APIKEY_ID}e %U"
		AliasMatch ^/(basic|any|from|only|both|cached|authz|asks|alias|loose|form|local|forward)(/.*)?$ ${HTTPD_ROOT}/htdocs/env.cgi
		SetEnvIf Authorization "(.+)" COPIED=$1
		AuthnCacheSOCache shmcb
		<AuthnProviderAlias apikey other-name>
		</AuthnProviderAlias>
		<Location "/">
			AuthName "Keys"
			CGIPassAuth On
		</Location>
		<LocationMatch "^/(basic|any|both|cached|authz|asks|alias|loose|local|forward|git|dav)">
			AuthType Basic
			AuthBasicProvider apikey
			Require valid-user
		</LocationMatch>
		<Location "/any">
			AuthApiKeyAnyUser On
		</Location>
		<Location "/forward">
			AuthApiKeyForward On
		</Location>
		<LocationMatch "^/(from|only)">
			AuthType ApiKey
			Require valid-user
		</LocationMatch>
		<Location "/from">
			AuthApiKeyFrom bearer basic
		</Location>
		<Location "/only">
			AuthApiKeyFrom basic
		</Location>
		<Location "/both">
			AuthBasicProvider apikey file
			AuthUserFile ${HTTPD_ROOT}/users
		</Location>
		<Location "/cached">
			AuthBasicProvider socache apikey
			AuthnCacheProvideFor file
		</Location>
		<Location "/authz">
			Require apikey-permission write
		</Location>
		<Location "/asks">
			AuthApiKeyPermission write
		</Location>
		<Location "/alias">
			AuthBasicProvider other-name
		</Location>
		<Location "/loose">
			AuthBasicAuthoritative Off
		</Location>
		<Location "/local">
			<RequireAny>
				Require local
				Require valid-user
			</RequireAny>
		</Location>
		<Location "/form">
			AuthType Form
			AuthFormProvider apikey
			Session On
			SessionCookieName s path=/
			Require valid-user
		</Location>
		<Location "/basic/jump">
			RewriteEngine On
			RewriteRule .* /any/there [L]
		</Location>
		SetEnv GIT_PROJECT_ROOT ${HTTPD_ROOT}/git
		SetEnv GIT_HTTP_EXPORT_ALL 1
		ScriptAlias "/git" "${GIT_HTTP_BACKEND}"
		DavLockDB ${HTTPD_ROOT}/dav-lock/db
		Alias "/dav" "${HTTPD_ROOT}/dav"
		<Location "/dav">
			Dav On
			<RequireAny>
				<RequireAll>
					Require method GET HEAD OPTIONS PROPFIND
					Require valid-user
				</RequireAll>
				Require apikey-permission write
			</RequireAny>
		</Location>
	END
}

write_documents() {
	mkdir -p "$HTTPD_ROOT/dav" "$HTTPD_ROOT/dav-lock" "$HTTPD_ROOT/git"
	write_env_cgi
	# openssl passwd -apr1 -salt abcdefgh secret
	echo 'alice:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/' \
		>"$HTTPD_ROOT/users"
	give_httpd "$HTTPD_ROOT/dav" "$HTTPD_ROOT/dav-lock"
}

test_passwords() {
	id=$(key_id "$reader")
	is "the key's user" "$(status -u "alice:$alices" "$URL/basic")" 200
	is "... is who it is" "$(env_of REMOTE_USER -u "alice:$alices" "$URL/basic")" alice
	is "the key ID" "$(status -u "$id:$reader" "$URL/basic")" 200
	is "... is who it is" "$(env_of REMOTE_USER -u "$id:$reader" "$URL/basic")" "$id"
	is "another user" "$(status -u "bob:$alices" "$URL/basic")" 403
	is "a user for a key without one" "$(status -u "bob:$reader" "$URL/basic")" 403
	is "no user" "$(status -u ":$reader" "$URL/basic")" 403
	is "another key's ID" "$(status -u "$id:$writer" "$URL/basic")" 403
	is "a part of the key ID" "$(status -u "${id%?}:$reader" "$URL/basic")" 403
	is "a longer user than any" \
		"$(status -u "$(printf '%0200d' 1):$reader" "$URL/basic")" 403
	is "AuthApiKeyAnyUser" "$(status -u "bob:$reader" "$URL/any")" 200
	is "... is whose the key is" "$(env_of REMOTE_USER -u "bob:$reader" "$URL/any")" "$id"
	is "... with no user" "$(status -u ":$reader" "$URL/any")" 200
	is "no credential" "$(header WWW-Authenticate "$URL/basic")" \
		'Basic realm="Keys"'
	for wrong in "${reader%?}" "${reader%??????}aaaaaa" nonsense ''; do
		is "a wrong password: '${wrong##*_}'" "$(header WWW-Authenticate \
			-u "$id:$wrong" "$URL/basic")" 'Basic realm="Keys"'
	done
	is "another key of that ID" "$(status -u "$id:$unknown" "$URL/any")" 401
	is "bearer is no Basic" \
		"$(status -H "Authorization: Bearer $reader" "$URL/basic")" 401
	is "two passwords" "$(status -H "$(basic "$id:$reader")" \
		-H "$(basic "$id:$reader")" "$URL/basic")" 400
	is "two passwords, one of them bearer" "$(status -H "$(basic "$id:$reader")" \
		-H "Authorization: Bearer $reader" "$URL/basic")" 400
	is "a NUL in it" "$(status -H "Authorization: Basic $(printf '%s:%s\0x' \
		"$id" "$reader" | base64 -w 0)" "$URL/only")" 401
	is "an alias of the provider" "$(status -u "bob:$alices" "$URL/alias")" 403
	is "... lets in" "$(status -u "$id:$reader" "$URL/alias")" 200
	is "AuthBasicAuthoritative Off" "$(status -u "bob:$alices" "$URL/loose")" 403
	is "a key in the place of the user" \
		"$(status -u "$reader:" "$URL/basic")" 401
	is "... is told so" "$("$CURL" -s -u "$reader:x" "$URL/basic" |
		sed -n 's/.*"detail":"\(.*\)".*/\1/p')" \
		"The API key was sent as the user name, not as the password."
	is "... is shown to no CGI" "$(env_of COPIED -u "$reader:" "$URL/local")" ""
	is "... neither" "$(env_of HTTP_AUTHORIZATION -u "$reader:" "$URL/local")" ""
	is "a redirect to a section with other settings" \
		"$(status -u "$id:$reader" "$URL/basic/jump")" 200
	is "mod_auth_form may not use it" "$(status -d httpd_username="$id" \
		-d httpd_password="$reader" "$URL/form")" 500
}

test_from() {
	id=$(key_id "$reader")
	is "AuthApiKeyFrom basic: the key ID" \
		"$(status -u "$id:$reader" "$URL/from")" 200
	is "... bearer" "$(status -H "Authorization: Bearer $reader" "$URL/from")" 200
	is "... AUTH_TYPE" "$(env_of AUTH_TYPE -u "$id:$reader" "$URL/from")" ApiKey
	is "... another user" "$(status -u "bob:$reader" "$URL/from")" 403
	is "... no user" "$(status -u ":$reader" "$URL/from")" 403
	is "... both challenges" "$(header WWW-Authenticate "$URL/from")" \
		'Bearer realm="Keys"
Basic realm="Keys"'
	is "... and no Bearer without it" \
		"$(header WWW-Authenticate "$URL/only")" 'Basic realm="Keys"'
	is "... two credentials" "$(status -H "$(basic "$id:$reader")" \
		-H "Authorization: Bearer $reader" "$URL/from")" 400
	for wrong in a YTpi "$reader" '' '====' 'YTp/*'; do
		is "... wrong: '${wrong##*_}'" \
			"$(status -H "Authorization: Basic $wrong" "$URL/from")" 401
	done
}

test_verdicts() {
	is "Require, refused" "$(status -u "$(key_id "$reader"):$reader" "$URL/authz")" 403
	is "Require, met" "$(status -u "$(key_id "$writer"):$writer" "$URL/authz")" 200
	headers -u "$(key_id "$reader"):$reader" "$URL/asks" >"$TMP/headers"
	ok "a condition of the section" grep -q ' 403 ' "$TMP/headers"
	nok "... has no challenge" grep -q WWW-Authenticate "$TMP/headers"
	limited=$(new_key limited --rate 1/1h)
	is "the first of a rate of one" \
		"$(status -u "$(key_id "$limited"):$limited" "$URL/basic")" 200
	headers -u "$(key_id "$limited"):$limited" "$URL/basic" >"$TMP/headers"
	ok "429" grep -q ' 429 ' "$TMP/headers"
	ok "... with Retry-After" grep -Eq '^Retry-After: [0-9]+$' "$TMP/headers"
	before=$(verifications)
	is "the other provider's user" "$(status -u alice:secret "$URL/both")" 200
	is "... is asked about, once" "$(verifications)" $((before + 1))
	is "... with its password left" \
		"$(env_of HTTP_AUTHORIZATION -u alice:secret "$URL/both")" \
		"Basic $(printf alice:secret | base64)"
	is "a key beside them" "$(status -u "$(key_id "$reader"):$reader" "$URL/both")" 200
	doomed=$(new_key doomed)
	for turn in 1 2; do
		is "socache in front, turn $turn" \
			"$(status -u "$(key_id "$doomed"):$doomed" "$URL/cached")" 200
	done
	ctl key revoke "$(key_id "$doomed")" --yes >"$TMP/output"
	is "... and revoked" "$(status -u "$(key_id "$doomed"):$doomed" "$URL/cached")" 401
	stop_apikeyd
	headers -u "$(key_id "$reader"):$reader" "$URL/loose" >"$TMP/headers"
	ok "503" grep -q ' 503 ' "$TMP/headers"
	ok "... with Retry-After" grep -Eq '^Retry-After: [0-9]+$' "$TMP/headers"
	start_apikeyd
}

test_stripping() {
	for path in basic any from local; do
		"$CURL" -s -u "$(key_id "$reader"):$reader" "$URL/$path" >"$TMP/env"
		ok "/$path: CGI is asked" grep -q ^REQUEST_URI= "$TMP/env"
		nok "/$path: ... without the password" grep -Eq \
			'^(HTTP_AUTHORIZATION|COPIED)=' "$TMP/env"
	done
	is "AuthApiKeyForward On" "$(env_of HTTP_AUTHORIZATION \
		-u "$(key_id "$reader"):$reader" "$URL/forward")" \
		"$(basic "$(key_id "$reader"):$reader" | cut -d' ' -f2-)"
}

git() {
	HOME=$TMP GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0 \
		GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org \
		GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org \
		command git -c http.proxy= -c init.defaultBranch=main "$@"
}

# git_url USER TOKEN
git_url() {
	echo "http://$1:$2@${URL#http://}/git/project.git"
}

test_git() {
	if ! command -v git >/dev/null || [ ! -x "$GIT_HTTP_BACKEND" ]; then
		skip git "there is no git"
		return
	fi
	git init -q --bare "$HTTPD_ROOT/git/project.git"
	give_httpd "$HTTPD_ROOT/git"
	ok "git clone" git clone -q "$(git_url alice "$alices")" "$TMP/work"
	git -C "$TMP/work" commit -q --allow-empty -m first
	ok "git push" git -C "$TMP/work" push -q origin HEAD:main
	ok "git fetch" git -C "$TMP/work" fetch -q
	ok "git clone by key ID" git clone -q \
		"$(git_url "$(key_id "$reader")" "$reader")" "$TMP/again"
	is "... has what was pushed" "$(git -C "$TMP/again" log --format=%s)" first
	exits "git clone with another's key" 128 git clone -q \
		"$(git_url bob "$alices")" "$TMP/bobs"
	exits "git clone with no key" 128 git clone -q "$URL/git/project.git" "$TMP/none"
}

dav() {
	status -u "$(key_id "$1"):$1" -X "$2" "$URL/dav/$3"
}

test_dav() {
	echo text >"$TMP/file"
	is "PUT with a reading key" "$(status -u "$(key_id "$reader"):$reader" \
		-T "$TMP/file" "$URL/dav/file")" 403
	is "PUT" "$(status -u "$(key_id "$writer"):$writer" \
		-T "$TMP/file" "$URL/dav/file")" 201
	is "MKCOL" "$(dav "$writer" MKCOL collection/)" 201
	is "MOVE" "$(status -u "$(key_id "$writer"):$writer" -X MOVE \
		-H "Destination: $URL/dav/collection/file" "$URL/dav/file")" 201
	"$CURL" -s -u "$(key_id "$writer"):$writer" -X PROPFIND \
		-H 'Depth: 1' "$URL/dav/collection/" >"$TMP/listing"
	ok "PROPFIND" grep -q '<D:href>/dav/collection/file</D:href>' "$TMP/listing"
	is "GET" "$("$CURL" -s -u "$(key_id "$reader"):$reader" \
		"$URL/dav/collection/file")" text
	is "DELETE with a reading key" "$(dav "$reader" DELETE collection/)" 403
	is "DELETE" "$(dav "$writer" DELETE collection/)" 204
}

[ -n "${HTTPD_MODULE-}" ] || skip_all "built without mod_authnz_apikey"
[ -x "${HTTPD-}" ] || skip_all "there is no httpd"
reason=$(in_host_impossible) && skip_all "$reason"

GIT_HTTP_BACKEND=$(command git --exec-path 2>/dev/null)/git-http-backend
export GIT_HTTP_BACKEND
httpd_prepare
write_configuration >"$TMP/test.conf"
write_documents
start_apikeyd || give_up "apikeyd does not start"
seed
reader=$(new_key reader --permission read)
writer=$(new_key writer --permission write)
alices=$(new_key alices --user alice --permission write)
# Well-formed, checksum and all; no key of this store.
unknown=dk_7Hq2mZx0pLs9_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf1RCbBj

ok "httpd starts" start_httpd event "$TMP/test.conf"
[ -n "$HTTPD_PID" ] || done_testing
test_passwords
test_from
test_verdicts
test_stripping
test_git
test_dav
nok "no token in any log" grep -F -e "$reader" -e "$writer" -e "$alices" \
	"$HTTPD_LOG" "$HTTPD_ROOT/access_log"
stop_httpd
stop_apikeyd
done_testing
