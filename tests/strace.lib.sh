# shellcheck shell=sh
# shellcheck disable=SC2154 # lib.sh's
# SPDX-License-Identifier: BSD-2-Clause
#
# After lib.sh: apikeyd with faults in its system calls. All of the script is
# skipped where there can be none.

strace=${STRACE:-strace}
command -v "$strace" >"$TMP/output" 2>&1 || skip_all "no strace"
"$strace" -o /dev/null true 2>"$TMP/output" ||
	skip_all "strace cannot trace here"
[ "${SANITIZERS-}" != yes ] || skip_all "a sanitizer cannot be traced"

# shellcheck disable=SC2034 # for the scripts
sound=$APIKEYD
dying=$TMP/dying

# dying_at CALL N [FILE]: makes $dying, an apikeyd that is killed as one of its
# threads makes this system call the Nth time, on FILE where one is named.
dying_at() {
	cat >"$dying" <<END
#!/bin/sh
exec '$strace' -D -f -o /dev/null ${3:+-P "$3"} -e trace=$1 \\
	-e inject=$1:signal=SIGKILL:when=$2 '$sound' "\$@"
END
	chmod +x "$dying"
}

# start PROGRAM
start() {
	APIKEYD=$1
	# shellcheck disable=SC2119 # without arguments
	start_apikeyd >"$TMP/output" 2>&1
}
