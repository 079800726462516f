#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2317 # commands are text, functions are called by name
#
# The main job on real parts, as a transcript: a key is issued, a credential
# comes in, a verdict goes out. Run by `./autogen.sh demo` or `make demo`.
# What is shown after a $ is what is run. Exits 0 only if every step did what
# it says.

# shellcheck source=tests/lib.sh
. "${top_srcdir:?}/tests/lib.sh"

FAILURES=0
if [ -t 1 ] && [ -z "${NO_COLOR-}" ]; then
	bold=$(printf '\033[1m') green=$(printf '\033[32m')
	red=$(printf '\033[31m') plain=$(printf '\033[0m')
else
	bold='' green='' red='' plain=''
fi

STEP=0
# step TEXT: what comes next, and why.
step() {
	STEP=$((STEP + 1))
	printf '\n%s\n' "$1" | fold -s -w 72 | sed "s/ *\$//" |
		sed "2s/^/$bold$STEP. /; 3,\$s/^/   $bold/; 2,\$s/\$/$plain/"
}

# run COMMAND: shows it and what it prints; $CODE is its exit code.
run() {
	printf '   $ %s\n' "$1"
	CODE=0
	eval "$1" >"$TMP/out" 2>&1 || CODE=$?
	tr -d '\r' <"$TMP/out" | sed '/^$/d; s/^/     /'
}

# expect TEXT COMMAND…: the check mark, where the command succeeds.
expect() {
	text=$1
	shift
	if "$@" >"$TMP/why" 2>&1; then
		printf '   %s✓ %s%s\n' "$green" "$text" "$plain"
		return
	fi
	FAILURES=$((FAILURES + 1))
	printf '   %sFAILED: %s%s\n' "$red" "$text" "$plain"
	cat "$TMP/why"
}

succeeded() {
	[ "$CODE" -eq 0 ]
}

# answered STATUS: what httpd said to the last request.
answered() {
	succeeded && grep -q "^HTTP/1.1 $1 " "$TMP/out"
}

# refused WORDS: how PAM said no.
refused() {
	[ "$CODE" -ne 0 ] && grep -qi "$1" "$TMP/out"
}

finish() {
	echo
	if [ "$FAILURES" -eq 0 ]; then
		echo "${green}Every step did what it says.$plain"
		exit 0
	fi
	echo "$red$FAILURES FAILED$plain"
	log_tail
	exit 1
}

# A host that was not built with the sanitizers needs theirs first of all.
pamtester() {
	LD_PRELOAD="${SANITIZER_PRELOAD:+$SANITIZER_PRELOAD }libpam_wrapper.so" \
		ASAN_OPTIONS=detect_leaks=0 PAM_WRAPPER=1 \
		PAM_WRAPPER_SERVICE_DIR="$TMP/pam.d" "$PAMTESTER" "$@"
}

# Well-formed, checksum and all; no key of this store.
# shellcheck disable=SC2034
stranger=dk_7Hq2mZx0pLs9_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf1RCbBj

# There may be a proxy for the world outside.
curl() {
	"$CURL" --noproxy '*' "$@"
}

apikeyctl() {
	"$APIKEYCTL" "$@"
}

for part in "httpd ${HTTPD_MODULE:+$HTTPD}" "curl ${CURL-}" \
	"pamtester ${PAM_MODULE:+$PAMTESTER}"; do
	[ -x "${part#* }" ] || {
		echo "FAILED: ${part%% *} is missing; ./autogen.sh demo installs" \
			"what is needed, and the plugins have to be built"
		exit 1
	}
done
# shellcheck source=tests/httpd.lib.sh
. "$top_srcdir/tests/httpd.lib.sh"
cd "$TMP" || exit 1

echo "apikeyd in a temporary directory, $TMP."
echo "Nothing outside it is changed, and at the end it is removed."

step "Start apikeyd. It alone has the keys, and it gives the verdicts. It \
listens on two UNIX sockets: one for administration, one for verifications."
printf '   $ %s\n' 'apikeyd --state-directory state --runtime-directory run &'
expect "apikeyd says that it is ready" start_apikeyd
[ -n "$APIKEYD_PID" ] || finish

step "An account is the organisation that keys belong to. A product is what \
keys are for, and is enabled for an account."
run 'apikeyctl account create acme --status approved'
expect "the account is there" succeeded
run 'apikeyctl product create appointments'
expect "the product is there" succeeded
run 'apikeyctl product enable appointments --account acme'
expect "acme may have keys for it" succeeded

step "Issue a key. Its token is shown this once: apikeyd keeps only a hash. \
(This one is worthless by the time you read it.)"
run 'apikeyctl key create --account acme --product appointments \
       --name "CRM Sync" >crm.token'
run 'cat crm.token'
expect "the key is there" test -s crm.token
run 'apikeyctl key list'
expect "it is listed" succeeded

step "Put it in front of a web site: httpd with mod_authnz_apikey, which asks \
apikeyd about every request to this location."
cat >site.conf <<'END'
<Location "/">
    AuthType ApiKey
    AuthName "Appointments"
    AuthApiKeyProduct appointments
    Require apikey-account acme
</Location>
END
run 'cat site.conf'
printf '   $ %s\n' 'httpd -f httpd.conf -DFOREGROUND &'
expect "httpd runs" start_httpd event site.conf
[ -n "$HTTPD_PID" ] || finish
echo "Monday, 9:00" >"$HTTPD_ROOT/htdocs/index.html"
chmod 644 "$HTTPD_ROOT/htdocs/index.html"

step "A client sends the token as a header. (From a file, as a command's \
arguments can be seen by everybody on the machine.)"
run 'echo "Authorization: Bearer $(cat crm.token)" >crm.header'
run 'curl -sS -i -H @crm.header "$URL/"'
expect "200: the page" answered 200
run 'curl -sS -D- -o /dev/null "$URL/"'
expect "401 without a token: please authenticate" answered 401
run 'sed "s/a\$/b/; t; s/.\$/a/" crm.header >wrong.header'
run 'curl -sS -D- -o /dev/null -H @wrong.header "$URL/"'
expect "401 for a mistyped token: its checksum is wrong" answered 401
run 'echo "Authorization: Bearer $stranger" >stranger.header'
run 'curl -sS -D- -o /dev/null -H @stranger.header "$URL/"'
expect "401 for a token that is whole, but that nobody was given" answered 401

step "The same daemon behind a login: a PAM stack with pam_apikey.so. \
The key names the user it is for. pamtester plays the part of sshd, and \
libpam_wrapper has PAM read pam.d here instead of the one in /etc."
mkdir -p pam.d
for type in auth account; do
	echo "$type required $PAM_MODULE socket=$APIKEYD_VERIFY_SOCKET"
done >pam.d/demo
printf '%s required pam_deny.so\n' auth account >pam.d/other
run 'cat pam.d/demo'
run 'apikeyctl key create --account acme --product appointments \
       --name "Login of alice" --user alice >alice.token'
expect "alice has a key" test -s alice.token
run 'pamtester demo alice authenticate acct_mgmt <alice.token'
expect "alice is let in" succeeded
run 'pamtester demo bob authenticate acct_mgmt <alice.token'
expect "bob is not, with the key of alice" refused 'authentication failure'
run 'pamtester demo alice authenticate acct_mgmt <crm.token'
expect "nor is alice, with a key that is not for a login" \
	refused 'authentication failure'

step "Revoke the first key. Once the command is done the key is of no use: \
nothing keeps an old verdict."
run 'apikeyctl key revoke "$(sed "s/_[^_]*\$//" crm.token)" --yes'
expect "it is revoked" succeeded
run 'curl -sS -D- -o /dev/null -H @crm.header "$URL/"'
expect "401 for the very next request" answered 401

step "Stop apikeyd. No answer is never a yes."
printf '   $ %s\n' "kill $APIKEYD_PID"
expect "apikeyd ends in good order" stop_apikeyd
run 'curl -sS -D- -o /dev/null -H @crm.header "$URL/"'
expect "503 from httpd: try again later" answered 503
run 'pamtester demo alice authenticate <alice.token'
expect "PAM says that it cannot tell" refused 'cannot retrieve'

step "Start it again on the same directory: what was reported as done is \
still there."
printf '   $ %s\n' 'apikeyd --state-directory state --runtime-directory run &'
expect "apikeyd says that it is ready" start_apikeyd
run 'curl -sS -D- -o /dev/null -H @crm.header "$URL/"'
expect "401: revoked stays revoked" answered 401
run 'pamtester demo alice authenticate acct_mgmt <alice.token'
expect "alice is let in again" succeeded
finish
