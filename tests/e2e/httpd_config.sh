#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# mod_authnz_apikey's directives: where they may stand, what they replace when
# sections are nested, and that httpd -t names what is wrong. And what the
# module exports and needs.
#
# shellcheck disable=SC2016,SC2119,SC2317 # checks call functions by name

# shellcheck source=tests/lib.sh
. "${top_srcdir:?}/tests/lib.sh"
# shellcheck source=tests/httpd.lib.sh
. "$top_srcdir/tests/httpd.lib.sh"

# in_context CONTEXT LINE
in_context() {
	case $1 in
	server) echo "$2" ;;
	vhost) printf '<VirtualHost *:1>\n%s\n</VirtualHost>\n' "$2" ;;
	Directory) printf '<Directory /x>\n%s\n</Directory>\n' "$2" ;;
	Location) printf '<Location /x>\n%s\n</Location>\n' "$2" ;;
	LocationMatch) printf '<LocationMatch "^/(?<x>.)">\n%s\n</LocationMatch>\n' "$2" ;;
	Files) printf '<Directory /x>\n<Files x>\n%s\n</Files>\n</Directory>\n' "$2" ;;
	If) printf '<Location /x>\n<If "true">\n%s\n</If>\n</Location>\n' "$2" ;;
	Limit) printf '<Location /x>\n<Limit GET>\n%s\n</Limit>\n</Location>\n' "$2" ;;
	RequireAny) printf '<Location /x>\n<RequireAny>\n%s\n</RequireAny>\n</Location>\n' "$2" ;;
	esac
}

# takes CONTEXT LINE
takes() {
	{
		load_modules auth_basic authn_socache
		in_context "$1" "$2"
	} >"$TMP/context.conf"
	check_httpd "$TMP/context.conf"
}

# refuses CONTEXT LINE WORDS…: httpd -t fails, and says these.
refuses() {
	context=$1 line=$2
	shift 2
	if takes "$context" "$line" >"$TMP/said"; then
		echo "accepted"
		return 1
	fi
	for words; do
		grep -qF -e "$words" "$TMP/said" || {
			cat "$TMP/said"
			return 1
		}
	done
}

test_contexts() {
	while read -r line; do
		for context in server vhost Directory Location LocationMatch \
			Files If; do
			ok "$context takes $line" takes "$context" "$line"
		done
		ok "Limit does not take $line" \
			refuses Limit "$line" "${line%% *}"
	done <<-'END'
		AuthApiKeyFrom bearer header:X-Key basic query:key
		AuthApiKeyAccount %{env:MATCH_X}
		AuthApiKeyProduct appointments
		AuthApiKeyPermission write
		AuthApiKeyScope a:b c:d %{env:X}
		AuthApiKeyEndpoint "%{REQUEST_METHOD} /x"
		AuthApiKeyAnyUser On
		AuthApiKeyPreflight Allow
		AuthApiKeyForward On
		AuthApiKeyPassHeaders On
	END
	while read -r line; do
		for context in server vhost; do
			ok "$context takes $line" takes "$context" "$line"
		done
		for context in Directory Location If; do
			ok "$context does not take $line" \
				refuses "$context" "$line" "${line%% *}"
		done
	done <<-'END'
		AuthApiKeySocket /run/x.sock
		AuthApiKeyTimeout 1s
	END
	while read -r line; do
		for context in Directory Location LocationMatch Files If \
			Limit RequireAny; do
			ok "$context takes $line" takes "$context" "$line"
		done
	done <<-'END'
		Require apikey-account acme globex
		Require apikey-product %{env:X}
		Require apikey-permission read
		Require apikey-scope a:b
	END
	ok "Location takes RequireNone" takes Location "<RequireAll>
Require all granted
<RequireNone>
Require apikey-account acme
</RequireNone>
</RequireAll>"
}

# What is wrong, and words of what is expected.
test_values() {
	while IFS='|' read -r line expected; do
		ok "refused: $line" \
			refuses server "$line" "${line%% *}" "$expected"
	done <<-'END'
		AuthApiKeySocket relative|absolute path
		AuthApiKeyTimeout 0|1ms to 60s
		AuthApiKeyTimeout -1|1ms to 60s
		AuthApiKeyTimeout 61s|1ms to 60s
		AuthApiKeyTimeout soon|1ms to 60s
		AuthApiKeyTimeout 1s 2s|takes one argument
		AuthApiKeyFrom|expected one or more
		AuthApiKeyFrom cookie:x|'cookie:x' is not bearer
		AuthApiKeyFrom header:|'header:' is not bearer
		AuthApiKeyFrom "header:a b"|'header:a b' is not bearer
		AuthApiKeyFrom query:a&b|'query:a&b' is not bearer
		AuthApiKeyFrom basic basic|'basic' twice
		AuthApiKeyFrom header:Authorization|say bearer
		AuthApiKeyAccount Not_A_Slug|'Not_A_Slug' is not a name
		AuthApiKeyAccount %{broken|cannot parse
		AuthApiKeyProduct ""|takes one argument
		AuthApiKeyPermission admin|'admin' is not read, write
		AuthApiKeyScope "a b"|'a b' is not a scope
		AuthApiKeyEndpoint ""|takes one argument
		AuthApiKeyAnyUser Perhaps|must be On or Off
		AuthApiKeyForward 1|must be On or Off
		AuthApiKeyPassHeaders|
		AuthApiKeyPreflight Always|'Always' is not Allow or Check
	END
	while IFS='|' read -r line expected; do
		ok "refused: $line" \
			refuses Location "$line" "${line%% *}" "$expected"
	done <<-'END'
		Require apikey-account|expected a name
		Require apikey-account Not_A_Slug|'Not_A_Slug' is not a name
		Require apikey-product %{broken|cannot parse
		Require apikey-permission admin|'admin' is not read, write
		Require apikey-scope "a b"|'a b' is not a scope
		AuthnCacheProvideFor apikey|'apikey' cannot be cached
		AuthDigestProvider apikey|AuthDigestProvider
	END
	echo 'AuthBasicProvider apikey' >"$TMP/context.conf"
	nok "AuthBasicProvider needs mod_auth_basic" check_httpd "$TMP/context.conf"
}

# What an inner section says, what stays of the outer one's.
write_configuration() {
	cat <<-'END'
		AuthApiKeyProduct appointments
		AuthApiKeyEndpoint "of the server"
		<Location "/">
			AuthType ApiKey
			AuthName "Keys"
			AuthApiKeyAccount acme
			AuthApiKeyScope a:b
			Require valid-user
		</Location>
		<Location "/inner">
			AuthApiKeyPermission write
		</Location>
		<Location "/inner/other-account">
			AuthApiKeyAccount globex
		</Location>
		<Location "/inner/reads">
			AuthApiKeyPermission read
		</Location>
		<Location "/scopes">
			AuthApiKeyScope c:d
			AuthApiKeyScope e:f
		</Location>
		<Location "/free">
			AuthType None
			Require all granted
		</Location>
		<Location "/from">
			AuthApiKeyFrom header:X-Key
		</Location>
		<Location "/from/inner">
			AuthApiKeyForward On
		</Location>
		<Directory "${HTTPD_ROOT}/htdocs/denied">
			AllowOverride None
		</Directory>
		<Directory "${HTTPD_ROOT}/htdocs/htaccess">
			AllowOverride AuthConfig
		</Directory>
		<Directory "${HTTPD_ROOT}/htdocs/limited">
			AllowOverride Limit
		</Directory>
		<VirtualHost *:*>
			ServerName first.example.org
		</VirtualHost>
		<VirtualHost *:*>
			ServerName second.example.org
			AuthApiKeyProduct billing
			AuthApiKeyTimeout 1s
		</VirtualHost>
		<VirtualHost *:*>
			ServerName dead.example.org
			AuthApiKeySocket ${HTTPD_ROOT}/no.sock
		</VirtualHost>
	END
}

write_documents() {
	for name in inner inner/other-account inner/reads scopes free from \
		from/inner htaccess limited; do
		mkdir -p "$HTTPD_ROOT/htdocs/$name"
		echo text >"$HTTPD_ROOT/htdocs/$name/file"
	done
	echo text >"$HTTPD_ROOT/htdocs/file"
	for name in htaccess limited; do
		echo 'AuthApiKeyPermission write' \
			>"$HTTPD_ROOT/htdocs/$name/.htaccess"
	done
}

test_merging() {
	while read -r wanted key path more; do
		[ "$key" = reader ] && token=$reader || token=$writer
		is "$key $path $more" "$(status ${more:+-H "$more"} \
			-H "Authorization: Bearer $token" "$URL$path")" "$wanted"
	done <<-'END'
		200 reader /file
		403 reader /inner/file
		200 writer /inner/file
		403 writer /inner/other-account/file
		200 reader /inner/reads/file
		403 writer /scopes/file
		200 reader /free/file
		401 reader /from/file
		401 reader /from/inner/file
		403 reader /htaccess/file
		200 writer /htaccess/file
		500 reader /limited/file
		403 writer /file Host: second.example.org
		200 writer /file Host: first.example.org
		503 writer /file Host: dead.example.org
	END
	is "a header's key" \
		"$(status -H "X-Key: $reader" "$URL/from/inner/file")" 200
	is "no key" "$(status "$URL/file")" 401
}

test_symbols() {
	if ! command -v nm >/dev/null || ! command -v objdump >/dev/null; then
		skip "exports and needs" "no binutils"
		return
	fi
	is "the module exports itself" "$(nm -D --defined-only "$HTTPD_MODULE" |
		awk '$2 != "A" { print $3 }')" authnz_apikey_module
	is "... and needs libc alone" "$(objdump -p "$HTTPD_MODULE" |
		awk '$1 == "NEEDED" { print $2 }' |
		grep -Ev '^(libc\.so|lib(a|ub|t|l)san\.so|ld-linux|libgcc_s|libm\.so)')" ''
}

[ -n "${HTTPD_MODULE-}" ] || skip_all "built without mod_authnz_apikey"
[ -x "${HTTPD-}" ] || skip_all "there is no httpd"
reason=$(in_host_impossible) && skip_all "$reason"

httpd_prepare
test_symbols
test_contexts
test_values
write_configuration >"$TMP/test.conf"
write_documents
start_apikeyd || give_up "apikeyd does not start"
seed
reader=$(new_key reader --scope a:b)
writer=$(new_key writer --scope a:b --scope c:d --permission write)
ok "httpd starts" start_httpd event "$TMP/test.conf"
[ -n "$HTTPD_PID" ] || done_testing
test_merging
stop_httpd
stop_apikeyd
done_testing
