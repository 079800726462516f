#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Class 4: replies that carry what memory held before. The same requests to the
# same store are answered with the same bytes, whatever malloc() hands out.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

peer=$top_builddir/tests/hostile/peer
[ "${SANITIZERS-}" != yes ] ||
	skip_all "a sanitizer's malloc() fills memory as it likes"

# calls: what is asked at the admin socket, each ended by a NUL.
calls() {
	for call in 'GetAccount","parameters":{"slug":"acme"}' \
		'GetProduct","parameters":{"slug":"appointments"}' \
		"GetKey\",\"parameters\":{\"id\":\"$id\"}" \
		'ListKeys","parameters":{}' \
		'ListAccounts","parameters":{"after":"x"}' \
		'CreateAccount","parameters":{"slug":"acme"}' \
		'CreateAccount","parameters":{"slug":"-"}' 'Nothing"'; do
		printf '{"method":"io.apikeyd.Admin.%s}\0' "$call"
	done
}

# answers FILL: to everything, by a daemon whose malloc() fills with this.
answers() {
	rm -rf "$TMP/state"
	cp -a "$TMP/saved" "$TMP/state"
	MALLOC_PERTURB_=$1
	export MALLOC_PERTURB_
	# shellcheck disable=SC2119 # without arguments
	start_apikeyd || give_up "apikeyd does not start"
	unset MALLOC_PERTURB_
	calls | "$peer" say "$APIKEYD_ADMIN_SOCKET" >"$TMP/$1"
	"$peer" frames "$token" | "$peer" say "$APIKEYD_VERIFY_SOCKET" \
		>"$TMP/$1.frames"
	stop_apikeyd
}

# shellcheck disable=SC2119 # without arguments
start_apikeyd || give_up "apikeyd does not start"
seed acme
token=$(new_key first --scope a:b --allow 10.0.0.0/8=lan)
new_key second >"$TMP/output"
id=$(key_id "$token")
stop_apikeyd
cp -a "$TMP/state" "$TMP/saved"

for fill in 85 170 255; do
	answers "$fill"
done
is "(all was answered)" "$(tr '\0' '\n' <"$TMP/85" | grep -c '^{')" 8
ok "(frames were answered)" [ -s "$TMP/85.frames" ]
for kind in "" .frames; do
	ok "no byte${kind:+ of frames} depends on memory's contents before" \
		cmp "$TMP/85$kind" "$TMP/170$kind"
	ok "whatever they were" cmp "$TMP/85$kind" "$TMP/255$kind"
done
done_testing
