#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every input that fuzzing kept, once more, whatever compiler built this: those
# that reach what others do not, and those that once broke something.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

for program in ${FUZZ_TARGETS:?}; do
	name=${program##*/}
	ok "$name: every input of its corpus" \
		"$top_builddir/$program" "$top_srcdir/tests/fuzz/corpus/$name"
	echo "# $name: $(tail -n 1 "$TMP/output" | tr -cd "[:alnum:] ")"
done

# Inputs are full of the world's tokens: with others, few would get far.
same_tokens() {
	mkdir "$TMP/seeds" &&
		"$top_builddir/tests/fuzz/seeds" "$TMP/seeds" || return
	for token in "$TMP"/seeds/token/*; do
		cmp "$token" "$top_srcdir/tests/fuzz/corpus/token/${token##*/}" ||
			return
	done
}
ok "its tokens are those of the seeds (else: make fuzz-seeds)" same_tokens

mkdir "$TMP/empty"
nok "a corpus that is empty fails" \
	"$top_builddir/tests/fuzz/token" "$TMP/empty"
nok "and so does one that is gone" \
	"$top_builddir/tests/fuzz/token" "$TMP/gone"
done_testing
