# shellcheck shell=sh disable=SC2317 # functions are called by the steps
# SPDX-License-Identifier: BSD-2-Clause
#
# Follows the steps that steps.awk printed, as root of a throw-away root:
#
#     sh follow.sh STEPS INSTEAD
#
# INSTEAD is the list of the commands that are not run as they stand. Says
# "ok - …" or "not ok - …" of each, and nothing more after the first that
# fails. A command fails where it does not print the lines that are shown below
# it, or exits with anything but 0, unless the next one is "echo $?".
#
# KEY-ID in a command is the ID of the key whose *.token file was named last.
set -u

STEPS=$1
INSTEAD=$2
OUTPUT=/tmp/output
TITLE=
MISSING=
TOKEN=/nonexistent
LAST= # the command that was run last, where it failed
CODE=0

first_line() {
	printf '%s\n' "$1" | sed '2,$d; s/#/\\#/g'
}

# gave_up COMMAND WHY: nothing that follows makes sense.
gave_up() {
	printf "not ok - %s: %s\n" "$TITLE" "$(first_line "$1")"
	{
		printf '%s\n' "$1" "$2" "it printed:"
		cat "$OUTPUT"
		echo "the end of apikeyd's log:"
		tail -n 20 /tmp/apikeyd.log
	} 2>/dev/null | sed 's/^/# /'
	exit 1
}

# A failure was not meant: the page does not show its exit code.
settle() {
	[ "$CODE" -eq 0 ] || gave_up "$LAST" "exit code $CODE"
}

section() {
	settle
	TITLE=$1
	MISSING=
}

needs() {
	MISSING=
	command -v "$1" >/dev/null && return
	MISSING=$1
	echo "ok - $TITLE # SKIP there is no $1"
}

file() {
	[ -z "$MISSING" ] || return 0
	settle
	{ mkdir -p "$(dirname "$1")" && printf '%s' "$2" >"$1"; } ||
		gave_up "$1" "cannot be written"
	case $1 in
	/home/alice/*) chown alice: "$1" ;;
	esac
}

# instead_of COMMAND: what the list says of it, "" where it is not there.
instead_of() {
	awk -v command="$1" '
		/^#/ { next }
		/^[^\t]/ { here = $0 == command; next }
		here { print substr($0, 2) }' "$INSTEAD"
}

# For a command that goes on in the background: until COMMAND succeeds.
until_it() {
	tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ "$tries" -lt 100 ] || return 1
		sleep 0.1
	done
}

# As its unit does: as user apikeyd where there is one, and with the master key
# as a credential where it was made one.
start_apikeyd() {
	CREDENTIALS_DIRECTORY=
	(umask 022 && mkdir -p /etc/apikeyd)
	as_user=
	if getent passwd apikeyd >/dev/null; then
		as_user="setpriv --reuid=apikeyd --regid=apikeyd"
		as_user="$as_user --groups=apikeyd,apikey"
		install -d -o apikeyd -m 700 /var/lib/apikeyd
		install -d -o apikeyd /run/apikeyd
	fi
	if [ -e /etc/apikeyd/master-key.cred ]; then
		CREDENTIALS_DIRECTORY=/run/credentials
		install -d "$CREDENTIALS_DIRECTORY" && systemd-creds decrypt \
			--name=apikeyd.master-key /etc/apikeyd/master-key.cred \
			"$CREDENTIALS_DIRECTORY/apikeyd.master-key" &&
			chgrp apikeyd "$CREDENTIALS_DIRECTORY"/* &&
			chmod 440 "$CREDENTIALS_DIRECTORY"/*
	fi
	export CREDENTIALS_DIRECTORY
	# shellcheck disable=SC2086 # words
	(umask 077 && exec $as_user apikeyd) >>/tmp/apikeyd.log 2>&1 &
	APIKEYD_PID=$!
	until_it apikeyctl status
}

stop_apikeyd() {
	kill "$APIKEYD_PID" && wait "$APIKEYD_PID"
}

listening() {
	ss -Hltn "sport = :$1" | grep -q .
}

remember_token() {
	for name in $(printf '%s\n' "$1" | grep -o '[A-Za-z0-9/._-]*\.token'); do
		case $name in
		/*) TOKEN=$name ;;
		*) TOKEN=$2/$name ;;
		esac
	done
}

# Each line that is shown was printed, in this order; "..." is anything.
shown_was_printed() {
	[ -z "$1" ] || printf '%s' "$1" | awk '
		function pattern(line) {
			gsub(/[][\\.*^$+?(){}|]/, "\\\\&", line)
			gsub(/\\\.\\\.\\\./, ".*", line)
			gsub(/[ \t]+/, "[ \t]+", line)
			return "^[ \t]*" line "[ \t\r]*$"
		}
		FNR == NR { if ($0 != "...") wanted[++n] = $0; next }
		at < n { if ($0 ~ pattern(wanted[at + 1])) at++ }
		END {
			if (at < n)
				print "was not printed: " wanted[at + 1]
			exit at < n
		}' - "$OUTPUT"
}

# as_shown root|user COMMAND: sets CODE.
as_shown() {
	last_code=$CODE home=$PWD
	CODE=0
	if [ "$1" = root ]; then
		typed=$(printf '%s\n' "$2" |
			sed "s/KEY-ID/$(sed 's/_[^_]*$//' "$TOKEN" 2>/dev/null)/g")
		(exit "$last_code")
		eval "$typed" >"$OUTPUT" 2>&1 </dev/null || CODE=$?
	else
		home=/home/alice
		(cd $home && runuser -u alice -- sh -c "$2") \
			>"$OUTPUT" 2>&1 </dev/null || CODE=$?
	fi
	remember_token "$2" "$home"
}

# run root|user COMMAND OUTPUT
run() {
	said=$(instead_of "$2")
	[ -z "$said" ] || printf "%s\n" "$2" >>/tmp/used
	[ -z "$MISSING" ] || return 0
	# shellcheck disable=SC2016 # as it stands
	[ "$2" = 'echo $?' ] || settle
	typed=$2
	case $said in
	*"run: "*)
		typed=$(printf '%s\n' "$said" | sed -n 's/^run: //p')
		;;
	?*)
		printf "ok - %s: %s # SKIP %s\n" "$TITLE" "$(first_line "$2")" "$said"
		return
		;;
	esac
	as_shown "$1" "$typed"
	LAST=$2
	why=$(shown_was_printed "$3") || gave_up "$2" "$why"
	[ "$CODE" -ne 0 ] || printf "ok - %s: %s\n" "$TITLE" "$(first_line "$2")"
}

cd /root || exit
# shellcheck source=/dev/null
. "$STEPS"
settle
# As the unit does: as apikeyd where there is such a user, and with the master
# key as a credential where it was made one.
start_apikeyd() {
	CREDENTIALS_DIRECTORY=
	(umask 022 && mkdir -p /etc/apikeyd)
	if [ -e /etc/apikeyd/master-key.cred ]; then
		CREDENTIALS_DIRECTORY=/run/credentials
		install -d /run/credentials &&
			systemd-creds decrypt --name=apikeyd.master-key \
				/etc/apikeyd/master-key.cred \
				/run/credentials/apikeyd.master-key &&
			chmod 400 /run/credentials/apikeyd.master-key
	fi
	export CREDENTIALS_DIRECTORY
	apikeyd >>/tmp/apikeyd.log 2>&1 &
	APIKEYD_PID=$!
	until_it apikeyctl status
}

stop_apikeyd() {
	kill "$APIKEYD_PID" && wait "$APIKEYD_PID"
}
echo "# the end"
