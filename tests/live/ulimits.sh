#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Limits that are too low are named in one line; a copy that gives its rights away refuses to work.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes
target_start "$W/loop" -w -f

limited() {	# ULIMIT-OPTION VALUE
	(ulimit "$1" "$2" && "$ALLOCTRACE" -p "$TARGET" -d 300ms -o "$DIR/table" >"$DIR/out" 2>"$DIR/err" </dev/null)
	STATUS=$?
}

# Who may raise a hard limit does: then it works.
for limit in '-n 20 .ulimit -n.' '-v 30000 .ulimit -v.' '-s 128 .ulimit -s.'; do
	read -r option value text <<<"$limit"
	limited "$option" "$value"
	if [[ $STATUS -eq 0 || $STATUS -eq 3 ]]; then
		[[ -s $DIR/table ]] || fail "no report under ulimit $option $value"
		continue
	fi
	expect_status 1
	expect_one_error "$text"
done

cp "$ALLOCTRACE" "$DIR/suid"
chmod 755 "$DIR"
for mode in 4755 2755; do
	chmod "$mode" "$DIR/suid"
	setpriv --reuid=65534 --regid=65534 --clear-groups "$DIR/suid" --help >"$DIR/out" 2>"$DIR/err"
	STATUS=$?
	expect_status 1
	expect_one_error 'setuid or setgid'
done
no_probe_left
