#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# ./autogen.sh             makes configure
# ./autogen.sh TARGET...   also installs the packages that are missing (Debian),
#                          configures in build/ and makes these targets:
#                          all, check, demo, install, ...
#
# CI=true asks nothing, makes warnings errors, and has check also build with
# clang, test with the sanitizers, and tell what the tests run. CONFIGURE_FLAGS
# go to configure.
set -eu

# packages PURPOSE…: the only list there is, one package a line under what it
# is for: build, demo, check, analyze, coverage, fuzz, valgrind, packages (for
# check-packages and check-systemd), and what is for the tests of CI or for the
# benchmark alone, since it brings services that a machine of yours should not
# begin to offer.
packages() {
	awk -v wanted=" $* " '
		/^#/ { purpose = $2; next }
		index(wanted, " " purpose " ") { print $1 }' <<-'END'
		# build
		apache2-dev
		autoconf
		automake
		check
		gcc
		libc6-dev
		libconfuse-dev
		libevent-dev
		libjansson-dev
		libpam0g-dev
		libsmartcols-dev
		libsodium-dev
		libtdb-dev
		libtool
		make
		pkg-config
		scdoc
		# demo
		apache2-bin
		curl
		libpam-wrapper
		pamtester
		# check
		clang
		e2fsprogs
		faketime
		g++
		git
		iproute2
		man-db
		mount
		netcat-openbsd
		nghttp2-client
		openssh-client
		openssl
		php-cli
		sshpass
		strace
		sudo
		systemd
		xfsprogs
		zsh
		# analyze
		cppcheck
		# coverage
		gcovr
		# fuzz
		clang
		libclang-rt-dev
		# valgrind
		valgrind
		# packages
		debhelper
		dpkg-dev
		fakeroot
		iproute2
		lintian
		mmdebstrap
		systemd-container
		# ci
		apache2
		dovecot-imapd
		openssh-server
		prometheus
		vsftpd
		# bench
		apache2-utils
		munge
		redis-server
		sasl2-bin
		valgrind
		whois
		wrk
	END
}

# What a target takes.
purposes() {
	echo build
	for target; do
		case $target in
		demo) echo demo ;;
		bench) echo demo bench ;;
		fuzz) echo fuzz ;;
		*check* | analyze | coverage | torture)
			echo demo check
			case $target in
			analyze | coverage) echo "$target" ;;
			check-bench) echo bench ;;
			check-packages | check-systemd) echo packages ;;
			check-valgrind) echo valgrind ;;
			esac
			[ "${CI-}" != true ] || echo ci coverage
			;;
		esac
	done
}

say() {
	echo "autogen.sh: $*" >&2
}

die() {
	say "$@"
	exit 1
}

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "run as root, or install sudo, or first: $*"
	fi
}

# install_packages PURPOSE…: what of theirs is missing; $found_new if some was.
found_new=
install_packages() {
	command -v dpkg-query >/dev/null || {
		say "not Debian: these have to be there: $(packages "$@" | xargs)"
		return
	}
	missing=
	for package in $(packages "$@"); do
		installed "$package" || missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	say "missing packages:$missing"
	if [ "${CI-}" != true ] && [ -t 0 ]; then
		printf 'Install them? [Y/n] '
		read -r answer
		case $answer in
		'' | [yY]*) ;;
		*) die "nothing was installed" ;;
		esac
	fi
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update
	# shellcheck disable=SC2086 # a list of words
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install \
		--no-install-recommends $missing
	found_new=yes
}

make_configure() {
	mkdir -p m4
	autoreconf -fi
}

# newer A B: A is, or there is no B.
newer() {
	[ ! -e "$2" ] || [ -n "$(find "$1" -newer "$2")" ]
}

# Only where something changed: make does the rest itself. Packages that came in
# are to be found: what configure did not find is left out, or skipped.
configure_build() {
	flags=${CONFIGURE_FLAGS-}
	[ "${CI-}" != true ] || flags="--enable-werror $flags"
	if newer configure.ac configure; then
		make_configure
	fi
	mkdir -p build
	if [ -n "$found_new" ] || newer configure build/config.status ||
		[ ! -e build/Makefile ] ||
		[ "$(cat build/flags 2>/dev/null)" != "$flags" ]; then
		# shellcheck disable=SC2086 # a list of words
		(cd build && ../configure $flags)
		echo "$flags" >build/flags
	fi
}

# counts DIRECTORY...: of the test runs in these, as the last line.
counts() {
	for directory; do
		make -s --no-print-directory -C "$directory" test-counts
	done | awk '{ passed += $1; failed += $2; skipped += $3 }
		END { printf "%d passed, %d failed, %d skipped\n",
			passed, failed, skipped }'
}

cd "$(dirname "$0")"
if [ $# -eq 0 ]; then
	make_configure
	exit
fi

# shellcheck disable=SC2046 # a list of words
install_packages $(purposes "$@")
configure_build

# The last target first in the arguments loses its place: one by one, so that
# their output does not mix.
status=0
failed=
tested=
for target; do
	steps=$target
	if [ "$target" = check ]; then
		tested=build
		if [ "${CI-}" = true ]; then
			steps="check check-clang coverage"
			tested="build build/coverage"
		fi
	fi
	for step in $steps; do
		VERBOSE=1 make -C build -j"$(nproc)" "$step" || {
			status=$?
			failed="$failed $step"
		}
	done
done
[ -z "$failed" ] || echo "autogen.sh: failed:$failed"
if [ -n "$tested" ]; then
	# shellcheck disable=SC2086 # a list of words
	counts $tested
fi
exit "$status"
