#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Follows README.md and the manual pages to the letter: each command in them is
# run, each file written, and what is shown as output was printed. In a
# throw-away root over this machine's own (an overlay) with processes and a
# network of its own, so that paths and ports are the documented ones. What is
# not run as it stands is in tests/docs/instead.txt, with the reason.
# shellcheck disable=SC2016,SC2154 # backquotes; top_srcdir is set by make check

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

PATH=$PATH:/usr/sbin:/sbin
INNER="--pid --net --fork --kill-child"
if [ -z "${DOCS_NAMESPACE-}" ]; then
	[ "$(id -u)" -eq 0 ] || skip_all "a throw-away root takes root"
	[ -n "${PAM_MODULE-}" ] || skip_all "built without PAM"
	[ -n "${HTTPD_MODULE-}" ] || skip_all "built without mod_authnz_apikey"
	for tool in ip runuser setpriv ss systemd-creds systemd-sysusers; do
		command -v "$tool" >/dev/null || skip_all "there is no $tool"
	done
	# shellcheck disable=SC2086 # words
	unshare --mount $INNER true 2>/dev/null || skip_all "no namespaces here"
	DOCS_NAMESPACE=yes
	export DOCS_NAMESPACE
	# shellcheck disable=SC2086
	exec unshare --mount /bin/sh "$0"
fi
unset DOCS_NAMESPACE MAKEFLAGS MAKELEVEL MFLAGS

# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"
TOOLS=$top_srcdir/tests/docs
ROOT=$TMP/layers/root


### The throw-away root

root_end() {
	mountpoint -q "$TMP/layers" || return 0
	umount -R -l "$TMP/layers" && rmdir "$TMP/layers"
}
# Never removed while anything is mounted in it.
trap 'status=$?; trap - EXIT; root_end && cleanup; exit "$status"' EXIT

devices() {
	mount -t tmpfs -o mode=755 docs "$1" &&
		mkdir "$1/pts" "$1/shm" && chmod 1777 "$1/shm" &&
		mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 \
			docs "$1/pts" &&
		ln -s pts/ptmx "$1/ptmx" && ln -s /proc/self/fd "$1/fd" &&
		ln -s /proc/self/fd/0 "$1/stdin" &&
		mknod -m 666 "$1/null" c 1 3 && mknod -m 666 "$1/zero" c 1 5 &&
		mknod -m 666 "$1/random" c 1 8 &&
		mknod -m 666 "$1/urandom" c 1 9 &&
		mknod -m 666 "$1/tty" c 5 0
}

root_begin() {
	mkdir "$TMP/layers" &&
		mount -t tmpfs -o mode=755 docs "$TMP/layers" &&
		mkdir "$TMP/layers/upper" "$TMP/layers/work" "$ROOT" &&
		mount -t overlay docs -o \
			"lowerdir=/,upperdir=$TMP/layers/upper,workdir=$TMP/layers/work" \
			"$ROOT" &&
		mount -t tmpfs -o mode=755 docs "$ROOT/run" &&
		mount -t tmpfs -o mode=1777 docs "$ROOT/tmp" &&
		mkdir "$ROOT/run/lock" && devices "$ROOT/dev"
}

# What ./autogen.sh install does after the build.
root_install() {
	make -C "$top_builddir" install DESTDIR="$ROOT" prefix=/usr/local &&
		cp "$TOOLS/follow.sh" "$TOOLS/instead.txt" \
			"$top_builddir/tests/varlink" "$ROOT/tmp"
}

### The pages

# followed SOURCE [AWK ARGUMENT...]: all of it, in a root of its own; what is
# said of each step is in $TMP/followed.
followed() {
	source=$1
	shift
	awk -f "$TOOLS/steps.awk" "$@" "$source" >"$TMP/steps" || return
	{ root_begin && root_install && cp "$TMP/steps" "$ROOT/tmp/steps"; } \
		>"$TMP/output" 2>&1 ||
		give_up "no throw-away root: $(cat "$TMP/output")"
	# shellcheck disable=SC2086 # words
	timeout 300 unshare --mount $INNER chroot "$ROOT" env -i \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		HOME=/root LC_ALL=C.UTF-8 TERM=dumb \
		sh -c 'mount -t proc proc /proc && ip link set lo up &&
			exec sh /tmp/follow.sh /tmp/steps /tmp/instead.txt' \
		</dev/null >"$TMP/followed" 2>&1
	cat "$ROOT/tmp/used" >>"$TMP/used" 2>/dev/null
	root_end && grep -q '^# the end$' "$TMP/followed"
}

# follow PAGE [AWK ARGUMENT...]: counts its steps.
follow() {
	page=$1
	shift
	: >"$TMP/followed"
	end=0
	followed "$top_srcdir/$page" "$@" || end=$?
	sed "s|^\(not ok\|ok\) - |&${page##*/}: |" "$TMP/followed"
	TESTS_RUN=$((TESTS_RUN + $(grep -c '^\(not \)\{0,1\}ok ' "$TMP/followed")))
	TESTS_FAILED=$((TESTS_FAILED + $(grep -c '^not ok ' "$TMP/followed")))
	ok "$page was followed to its end" [ "$end" -eq 0 ]
}

# Built for the directories that the pages name?
{ root_begin && root_install; } >"$TMP/output" 2>&1 ||
	give_up "no throw-away root: $(cat "$TMP/output")"
for part in /usr/local/lib/security/pam_apikey.so \
	/usr/lib/apache2/modules/mod_authnz_apikey.so; do
	[ -e "$ROOT$part" ] || {
		root_end
		skip_all "configured for other directories: no $part"
	}
done
root_end || give_up "a throw-away root stays"

follow README.md -v markdown=1
for page in $(cd "$top_srcdir" && find daemon plugins -name '*.scd' | sort); do
	awk -f "$TOOLS/steps.awk" "$top_srcdir/$page" >"$TMP/steps"
	! grep -q '^run' "$TMP/steps" || follow "$page"
done
sort -u "$TMP/used" >"$TMP/used.sorted"
grep -v '^[#	]' "$TOOLS/instead.txt" | sort -u >"$TMP/listed"
is "tests/docs/instead.txt lists no command that is not there" \
	"$(comm -13 "$TMP/used.sorted" "$TMP/listed")" ""

### That this test can fail

# spoilt DESCRIPTION LINES
spoilt() {
	printf '# A\n\n```\n%b\n```\n' "$2" >"$TMP/spoilt.scd"
	nok "$1" followed "$TMP/spoilt.scd"
}
spoilt "a command that fails is noticed" '# true\n# false'
spoilt "... in the middle" '# false\n# true'
spoilt "... of a user" '# useradd -m alice\n$ cd /root'
spoilt "another exit code than the one that is shown" '# (exit 3)\n# echo $?\n1'
spoilt "another output than the one that is shown" '# echo one\ntwo'
spoilt "... in another order" '# echo one; echo two\ntwo\none'
printf '# A\n\n```\n# echo one; (exit 3)\no...\n# echo $?\n3\n```\n' \
	>"$TMP/sound.scd"
ok "what holds is followed" followed "$TMP/sound.scd"
done_testing
