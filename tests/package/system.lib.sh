# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause
#
# After tests/lib.sh: the Debian packages of this tree, and systems to try them
# in. These take root, a mirror of Debian's, and minutes.

SUITE=bookworm
PACKAGES="apikeyctl apikeyd libapache2-mod-authnz-apikey libapikey-dev"
PACKAGES="$PACKAGES libapikey0 libpam-apikey"

# takes COMMAND…: skips all without one of them, or without root.
takes() {
	[ "$(id -u)" -eq 0 ] || skip_all "takes root"
	for command; do
		command -v "$command" >"$TMP/output" ||
			skip_all "there is no $command"
	done
}

# build_packages: into $TMP/packages, from what make dist packs, without a
# word of the compiler's unless it fails. Their tests are make check's. Those in
# $PACKAGES_BUILT are taken where it is set.
build_packages() {
	if [ -n "${PACKAGES_BUILT-}" ]; then
		cp -r "$PACKAGES_BUILT" "$TMP/packages"
		return
	fi
	mkdir "$TMP/packages"
	# Else the build would take make's targets and variables for its own.
	unset MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES TESTS
	{
		make -C "$top_builddir" distdir \
			distdir="$TMP/packages/apikeyd" &&
			cd "$TMP/packages/apikeyd" &&
			DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" \
				dpkg-buildpackage -b -us -uc
	} >"$TMP/build.log" 2>&1 || {
		tail -n 40 "$TMP/build.log" | diagnose
		give_up "the packages cannot be built"
	}
	cd "$TMP" || give_up "no $TMP"
}

# dependencies: of our packages, but for those among themselves.
dependencies() {
	for package in $PACKAGES; do
		dpkg-deb -f "$TMP/packages/$package"_*.deb Depends Pre-Depends
	done | sed 's/^[A-Za-z-]*: //' | tr ',' '\n' | sed 's/[(|].*//; s/ //g
		/^$/d; /^apache2-api-/d; /apikey/d' | sort -u
}

# make_root DIRECTORY PACKAGE…: a fresh system, and these in it.
make_root() {
	root=$1
	shift
	mmdebstrap --quiet --variant=minbase \
		--include="$(echo "$@" | tr ' ' ,)" "$SUITE" "$root" \
		>"$TMP/mmdebstrap.log" 2>&1 || {
		tail -n 20 "$TMP/mmdebstrap.log" | diagnose
		rm -rf "$root"
		skip_all "no fresh system to be had (see above)"
	}
	mkdir "$root/packages"
	cp "$TMP"/packages/*.deb "$root/packages"
	rm -f "$root"/packages/*-dbgsym_*
}

# boot ROOT SCRIPT TIMEOUT: systemd in this system, which runs the script once it
# is up, counts its results (a line each, "ok - …" or "not ok - …", in the end
# "end"), and powers off.
boot() {
	cp "$2" "$1/booted.sh"
	cat >"$1/etc/systemd/system/test.service" <<-END
		[Unit]
		Wants=multi-user.target
		After=multi-user.target
		[Service]
		Type=oneshot
		ExecStart=-/bin/sh /booted.sh
		StandardOutput=file:/results
		StandardError=file:/diagnostics
		ExecStopPost=/bin/systemctl --no-block poweroff
		TimeoutStartSec=${3}s
		[Install]
		WantedBy=default.target
	END
	chroot "$1" systemctl enable test.service >"$TMP/output" 2>&1 ||
		give_up "no unit in there: $(cat "$TMP/output")"
	# It wants a terminal. --keep-unit: there may be no systemd out here.
	# The capability: without it, it forbids mlock(2) whatever the limit.
	timeout "$(($3 + 100))" script -qec "systemd-nspawn -q --register=no \
		--keep-unit --private-network --capability=CAP_IPC_LOCK \
		-D '$1' -b" /dev/null >"$TMP/boot.log" 2>&1 </dev/null
	[ -s "$1/results" ] || {
		tail -n 20 "$TMP/boot.log" | diagnose
		skip_all "systemd does not boot here (see above)"
	}
	count_results "$1"
}

count_results() {
	ended=
	while read -r line; do
		case $line in
		'ok - '*) pass "${line#ok - }" ;;
		'not ok - '*)
			fail "${line#not ok - }" "see the diagnostics below"
			;;
		end) ended=yes ;;
		*) printf '%s\n' "$line" | diagnose ;;
		esac
	done <"$1/results"
	is "the script inside came to its end" "$ended" yes
	[ "$TESTS_FAILED" -eq 0 ] || tail -n 60 "$1/diagnostics" | diagnose
}
