#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Class 8: a file, directory or socket that is too open, or somebody else's.
# Each file of the state directory in turn is open to all, linked, a pipe, or
# another user's: apikeyd does not start on it, or makes it private. What it
# makes itself is private from the start.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

state=$TMP/state
umask 0
# shellcheck disable=SC2119 # without arguments
start_apikeyd || give_up "apikeyd does not start"
seed
token=$(new_key first)
verify "$token" >"$TMP/output"

# open_to_others DIRECTORY: what others could read, write or enter.
open_to_others() {
	find "$1" ! -type l -perm /077
}
is "all that it makes is its own alone, whatever the umask" \
	"$(open_to_others "$state")" ""
modes=$(stat -c '%a %n' "$TMP/run"/*.sock)
like "verify.sock is its group's" "$modes" '^660 .*/verify.sock$'
like "admin.sock is everybody's, and asks who it is" "$modes" \
	'^666 .*/admin.sock$'
# Of its own files, not of what it was started with.
for fd in "/proc/$APIKEYD_PID/fd"/*; do
	case $(readlink "$fd") in
	"$state"*)
		sed -n "s/^flags:[^0-9]*/${fd##*/} /p" \
			"/proc/$APIKEYD_PID/fdinfo/${fd##*/}"
		;;
	esac
done >"$TMP/flags"
ok "(there are descriptors)" [ -s "$TMP/flags" ]
# O_CLOEXEC is 02000000.
is "no descriptor is left to a program that it might run" \
	"$(awk 'int($2 / 1000000) % 10 < 2 { print $1 }' "$TMP/flags")" ""
stop_apikeyd
umask 077
cp -a "$state" "$TMP/sound"
files=$(cd "$state" && find . -type f)

# Each spoils one file.
make_open() {
	chmod 0666 "$1"
}
make_link() {
	mv "$1" "$TMP/outside"
	ln -s "$TMP/outside" "$1"
}
make_second_name() {
	ln "$1" "$TMP/outside"
}
make_pipe() {
	rm "$1"
	mkfifo "$1"
}
make_directory() {
	rm "$1"
	mkdir "$1"
}
make_foreign() {
	chown 65534 "$1"
}

# spoil HOW FILE: and whether it holds then.
spoil() {
	rm -rf "$state" "$TMP/outside"
	cp -a "$TMP/sound" "$state"
	"make_$1" "$state/$2"
	cp -p "$TMP/outside" "$TMP/before" 2>/dev/null
	: >"$TMP/apikeyd.log"
	if start_apikeyd >"$TMP/output" 2>&1; then
		end=started
		[ "$(verdict "$token")" = valid ] || end="started without the key"
		stop_apikeyd # usage files are opened by then
		[ -z "$(open_to_others "$state")" ] || end="left open"
		[ ! -e "$TMP/outside" ] ||
			cmp -s "$TMP/outside" "$TMP/before" ||
			end="written where the link leads"
	elif [ "$APIKEYD_CODE" -eq 1 ]; then
		end=refused
		grep -qF "${2#./}" "$TMP/apikeyd.log" ||
			end="refused without a word"
	else
		end="exit code $APIKEYD_CODE"
	fi
}

kinds="open link second_name pipe directory"
[ "$(id -u)" -ne 0 ] || kinds="$kinds foreign"
for kind in $kinds; do
	for file in $files; do
		spoil "$kind" "$file"
		like "${file#./}, $kind" "$end" '^(started|refused)$'
		echo "# $end"
	done
done
done_testing
