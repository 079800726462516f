#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Power cuts: a disk is a file on a file system that can clone files at once,
# so a clone is what the disk held at that moment, without what was not synced.
# Within what was synced nothing is written in another order, as a disk with a
# cache of its own might.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

[ "$(id -u)" = 0 ] || skip_all "only root can mount"
for tool in mkfs.xfs mkfs.ext4 unshare; do
	command -v "$tool" >"$TMP/output" || skip_all "no $tool"
done
truncate -s 1G "$TMP/host.img"
mkdir "$TMP/host"
mkfs.xfs -q -m reflink=1 "$TMP/host.img" >"$TMP/output" 2>&1 ||
	skip_all "mkfs.xfs: $(tail -n 1 "$TMP/output")"

# Mounts are of this name space and end with it.
cat >"$TMP/disks" <<'END'
mount -o loop "$TMP/host.img" "$TMP/host" || exit 77
cd "$TMP/host" && mkdir disk cut && truncate -s 128M disk.img || exit 77
mkfs.ext4 -q -F disk.img && mount -o loop disk.img disk || exit 77
"$top_builddir/tests/crash/powercut" "$TMP/host/disk" "$TMP/host/disk.img" \
	"$TMP/host/cut" "$TMP/host/cut.img"
END
export TMP top_builddir
code=0
unshare -m sh "$TMP/disks" >"$TMP/result" 2>"$TMP/output" || code=$?
[ "$code" != 77 ] || skip_all "$(tail -n 1 "$TMP/output")"
cat "$TMP/result"
diagnose <"$TMP/output"
exit "$code"
