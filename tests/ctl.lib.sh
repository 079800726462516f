# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause
#
# After tests/lib.sh: all that apikeyctl's tables have, as its completion
# offers it.

# offers WORD…: what may stand in the place of the last word.
offers() {
	"$APIKEYCTL" __complete "$@" | cut -f 1 | grep -v '^:'
}

nouns() {
	offers '' | grep -vx help
}

# commands: every noun with its verb, a line each: "key allow add".
commands() {
	for noun in $(nouns); do
		verbs=$(offers "$noun" '')
		[ -n "$verbs" ] || echo "$noun"
		for verb in $verbs; do
			# Of two words, or of one that takes key IDs and the like:
			# these need a daemon, so that nothing is offered here.
			more=$(offers "$noun" "$verb" '')
			[ -n "$more" ] || echo "$noun $verb"
			for word in $more; do
				echo "$noun $verb $word"
			done
		done
	done
}

# options WORD…: of this command alone.
options() {
	offers "$@" -- | grep -vxE -e \
		'--(socket|verify-socket|json|pin-file|operation-id|help|version)'
}
