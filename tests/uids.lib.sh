# shellcheck shell=sh
# SPDX-License-Identifier: BSD-2-Clause
#
# For tests of who may do what: other uids, and calls as they are on the wire.
# After lib.sh.

: "${top_builddir:?is set by make check}"

[ "$(id -u)" -eq 0 ] || skip_all "takes root, to become other users"
command -v setpriv >"$TMP/output" || skip_all "there is no setpriv"

# The build may be where others cannot go.
mkdir -p "$TMP/bin" "$TMP/run"
cp "$APIKEYD" "$APIKEYCTL" "$top_builddir/tests/varlink" "$TMP/bin" ||
	give_up "the programs cannot be copied"
APIKEYCTL=$TMP/bin/apikeyctl
chmod 755 "$TMP" "$TMP/bin" "$TMP/bin/"* "$TMP/run"
setpriv --reuid 61005 --regid 61005 --clear-groups "$APIKEYCTL" --version \
	>"$TMP/output" 2>&1 ||
	skip_all "other users cannot run what is in $TMP"

# as UID COMMAND…: a command, or ctl or raw.
as() {
	uid=$1 command=$2
	shift 2
	case $command in
	ctl) set -- "$APIKEYCTL" "$@" ;;
	raw) set -- "$TMP/bin/varlink" "$APIKEYD_ADMIN_SOCKET" ;;
	*) set -- "$command" "$@" ;;
	esac
	setpriv --reuid "$uid" --regid "$uid" --clear-groups "$@"
}

# raw: calls from stdin, a line each: METHOD PARAMETERS.
raw() {
	"$TMP/bin/varlink" "$APIKEYD_ADMIN_SOCKET"
}

# error_name: of each answer on stdin, "-" where it is none.
error_name() {
	sed 's/.*"error": *"\([^"]*\)".*/\1/; t
		s/.*/-/'
}

# raw_ok METHOD PARAMETERS: one call; exits 6 for Conflict, else 1 or 0.
raw_ok() {
	case $(echo "io.apikeyd.Admin.$1 $2" | raw | tee "$TMP/answer" |
		error_name) in
	-) return 0 ;;
	*.Conflict) return 6 ;;
	esac
	return 1
}

# names MEMBER: its values in the JSON on stdin, a line each.
names() {
	tr ',' '\n' | sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"
}
