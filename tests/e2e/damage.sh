#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A store, a key or a configuration that is not what it should be: one line
# that names the file and the cause, exit code 1, and nothing written.
# shellcheck source=tests/lib.sh
. "$top_srcdir/tests/lib.sh"

keys=$TMP/state/keys.tdb

# facts: contents, size, time of every file of the store.
facts() {
	cksum "$TMP"/state/*
	stat -c '%n %s %y %a' "$TMP"/state/*.*
}

# refused DESCRIPTION PATTERN [ARGUMENT...]: a start that fails as it should.
refused() {
	what=$1 wanted=$2
	shift 2
	before=$(facts)
	code=0
	said=$(timeout -s KILL 20 "$APIKEYD" --state-directory "$TMP/state" \
		--runtime-directory "$TMP/run" "$@" 2>&1) || code=$?
	is "$what: exit code" "$code" 1
	is "$what: one line" "$(printf '%s\n' "$said" | wc -l)" 1
	like "$what: which says so" "$said" "$wanted"
	# The lock file holds the pid of whoever came last.
	is "$what: nothing is written" \
		"$(facts | grep -v /lock)" "$(printf '%s\n' "$before" | grep -v /lock)"
}

save() {
	rm -rf "$TMP/saved"
	cp -a "$TMP/state" "$TMP/saved"
}

restore() {
	rm -rf "$TMP/state"
	cp -a "$TMP/saved" "$TMP/state"
}

# flip FILE OFFSET: one bit of this byte.
flip() {
	byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
	# shellcheck disable=SC2059 # the format is the byte
	printf "\\$(printf %03o $((byte ^ 1)))" |
		dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# offset_of TEXT FILE: of its first occurrence.
offset_of() {
	grep -aboF -e "$1" "$2" | head -n 1 | cut -d: -f1
}

# shellcheck disable=SC2119 # without arguments
start_apikeyd || give_up "apikeyd does not start"
seed acme
token=$(new_key first --scope one:read)
i=0
while [ "$i" -lt 30 ]; do
	new_key "key $i" --scope "a:$i" >"$TMP/last"
	i=$((i + 1))
done
id=$(key_id "$token")
record=K${id#*_}
ok "SIGTERM ends it with 0" stop_apikeyd
save

### The master key

printf '%064d\n' 7 >"$TMP/other.key"
chmod 600 "$TMP/other.key"
echo "master_key_file = \"$TMP/other.key\"" >"$TMP/other.conf"
refused "another master key" "$keys: made with another master key" \
	--config "$TMP/other.conf"
echo "master_key_file = \"$TMP/none.key\"" >"$TMP/none.conf"
refused "a master key file that is not there" "$TMP/none.key: .*missing" \
	--config "$TMP/none.conf"
rm "$TMP/state/master.key"
refused "master.key gone" "$TMP/state/master.key: the master key is missing"
echo nonsense >"$TMP/state/master.key"
chmod 400 "$TMP/state/master.key"
refused "nonsense in master.key" "$TMP/state/master.key: "
restore

### keys.tdb

size=$(stat -c %s "$keys")
offset=$(offset_of "$record" "$keys")
for length in 0 1 31 168 4096 $((offset + 50)); do
	truncate -s "$length" "$keys"
	refused "keys.tdb cut to $length bytes" "$keys: damaged"
	restore
done

for byte in 14 22 40 100; do
	flip "$keys" $((offset + byte))
	refused "byte $byte of a key's record" "$keys: damaged"
	restore
done
flip "$keys" $((offset + 60))
refused "a key's record" "$keys: damaged at record K ${id#*_}: "
restore
flip "$keys" 3
refused "a byte of the header" "$keys: damaged"
restore
head -c "$size" /dev/zero >"$keys"
refused "nothing but zeros" "$keys: damaged"
restore

rm "$keys"
refused "keys.tdb gone beside master.key" "keys.tdb is missing"
restore
rm "$TMP/state/master.key" "$keys"
touch "$TMP/state/usage.journal"
refused "keys.tdb gone beside other files" "keys.tdb is missing"
restore

# Behind every record, where nothing but free space is.
for length in $((size * 7 / 8)) $((size - 1)); do
	truncate -s "$length" "$keys"
	refused "keys.tdb cut to $length of $size bytes" \
		"$keys: damaged: its end is cut off"
	restore
done


### What heals

printf 'these bytes are nobody'"'"'s' >>"$keys"
ok "bytes behind the end (as a kill while it grows can leave) are no harm" \
	start_apikeyd
is "every key verifies" "$(verdict "$token")$(verdict "$(cat "$TMP/last")")" \
	validvalid
like "and status says so" "$(ctl status --json)" '"store": *"sound"'
like "the log tells of the copy" "$(cat "$TMP/apikeyd.log")" \
	"$keys: every record is sound but the file's structure was not"
stop_apikeyd
: >"$TMP/apikeyd.log"
ok "the next start finds it whole" start_apikeyd
unlike "and copies nothing" "$(cat "$TMP/apikeyd.log")" "copied"
stop_apikeyd

### Permissions

chmod 755 "$TMP/state"
chmod 644 "$keys" "$TMP/state/master.key"
: >"$TMP/apikeyd.log"
# start_apikeyd makes the directory 0700 itself.
start_ready "$APIKEYD" --state-directory "$TMP/state" \
	--runtime-directory "$TMP/run" ||
	give_up "apikeyd does not start on what is too open"
APIKEYD_PID=$!
is "what is ours and too open is tightened" \
	"$(stat -c %a "$TMP/state" "$TMP/state/master.key" "$keys" | xargs)" \
	"700 600 600"
for path in "$TMP/state" "$TMP/state/master.key" "$keys"; do
	like "with a warning that names ${path##*/}" \
		"$(cat "$TMP/apikeyd.log")" "$path: mode was .*too open"
done
stop_apikeyd
restore

mv "$TMP/state/master.key" "$TMP/elsewhere.key"
ln -s "$TMP/elsewhere.key" "$TMP/state/master.key"
refused "master.key as a symbolic link" "$TMP/state/master.key: "
rm "$TMP/state/master.key"
restore
mv "$keys" "$TMP/elsewhere.tdb"
ln -s "$TMP/elsewhere.tdb" "$keys"
refused "keys.tdb as a symbolic link" "$keys: "
rm "$keys"
restore

if [ "$(id -u)" -eq 0 ]; then
	for path in "$TMP/state" "$TMP/state/master.key" "$keys"; do
		chown 12345 "$path"
		refused "${path##*/} of another user" \
			"$path: belongs to uid 12345"
		restore
	done
else
	skip "files of another user" "only root can make them"
fi

### The configuration

echo 'log_level = notice' >"$TMP/good.conf"
printf '# a "comment\nlog_level = notice # another\nlog_levle = debug\n' >"$TMP/bad.conf"
refused "an unknown setting" "$TMP/bad.conf:3: .*log_levle" \
	--config "$TMP/bad.conf"
refused "the same under --check-config" "$TMP/bad.conf:3: " --check-config \
	--config "$TMP/bad.conf"
exits "--check-config of a good one" 0 "$APIKEYD" --check-config \
	--config "$TMP/good.conf"
is "says nothing" "$(cat "$TMP/output")" ""
refused "a configuration that is not there" "$TMP/absent.conf: " \
	--config "$TMP/absent.conf"

cp "$TMP/good.conf" "$TMP/live.conf"
start_apikeyd --config "$TMP/live.conf" || give_up "apikeyd does not start"
cp "$TMP/bad.conf" "$TMP/live.conf"
: >"$TMP/apikeyd.log"
kill -HUP "$APIKEYD_PID"
# Whoever is answered was answered after the signal had been seen to.
verdict "$token" >"$TMP/output"
like "SIGHUP with a bad one is refused" "$(cat "$TMP/apikeyd.log")" \
	"live.conf:3: .*log_levle"
like "and the old stays" "$(cat "$TMP/apikeyd.log")" "stays as it was"
is "verification goes on" "$(verdict "$token")" valid
ok "SIGTERM ends it with 0 all the same" stop_apikeyd
done_testing
