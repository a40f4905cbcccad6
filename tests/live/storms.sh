#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 240
# Many processes, execs, mappings and files at once: every call counts, and nothing is kept of what has gone. In a pid
# namespace of its own, so that every process means those of this test.
[[ $EUID -ne 0 || -n ${STORMS_INSIDE-} ]] ||
	STORMS_INSIDE=1 exec unshare -p -f --mount-proc --kill-child bash "$0" "$@"
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

storm() { "$W/storm" "$@" </dev/null || fail "storm $*: status $?"; }

expect_calls() {	# FUNCTION WANTED
	expect_equal "calls of step() by $1()" "$(folded_sum "$DIR/folded" ";$1;step;malloc [0-9]+\$")" "$2"
}

open_files() {
	local files=("/proc/$TRACE/fd"/*)

	echo ${#files[@]}
}

few_open() { [[ $(open_files) -lt $1 ]]; }
many_open() { [[ $(open_files) -ge $1 ]]; }

# --- processes, execs, mappings

trace_start "${EXACT[@]}" --exe "$W/storm" --exe "$W/script" -m calls -f folded -o "$DIR/folded"
storm bomb 300 1009
storm spawn 200 8 "$W/script" a1013:3
storm exec 150 1019
storm thread 100 1021
storm map 3 10000 1031
trace_stop
expect_status 0
expect_err '^lost       nothing'
expect_calls bomb 300
expect_calls exec 252
expect_calls map 10000
expect_equal "calls of scripts" "$(folded_sum "$DIR/folded" ';allocate;step;malloc [0-9]+$')" 600
# Each process ends once, also if threads that exec have taken its first one's place.
read -r seen ended < <(sed -nE 's/^host +([0-9.k]+) processes of .*, ([0-9.k]+) ended.*/\1 \2/p' "$DIR/err")
expect_equal "processes that have ended" "$ended" "$seen"

# --- files

# Maps copies of a file that have no name; when it has unmapped them, all but a few descriptors are closed, while it
# goes on. Of files with probes, too.
target_start "$W/storm" -w files 600 1033 "$W/reloaded_a.so" "$DIR"
target_start "$W/storm" -w files 12 1033 "$W/primes-static" "$DIR"
trace_start "${EXACT[@]}" -a -m calls -f folded -o "$DIR/folded"
go 1
go 2
wait_until 30 many_open 650 || fail "$(open_files) descriptors"
go 1
go 2
wait_until 60 few_open 100 || fail "$(open_files) descriptors are open after all was unmapped"
"$W/script" a1013:5
go 1
go 2
target_end
expect_status 0
trace_stop
expect_status 0
expect_err '^lost       nothing' '; 1[2-9] files with an allocator first mapped meanwhile'
expect_calls files 4
expect_equal "calls of another" "$(folded_sum "$DIR/folded" ';allocate;step;malloc [0-9]+$')" 5

# A file and its only process are gone before anyone looks at them.
cp "$W/primes-static" "$DIR/gone" || exit 1
trace_start "${EXACT[@]}" -a -o "$DIR/table"
trace_freeze
"$DIR/gone" 1 >/dev/null || fail "gone: status $?"
rm "$DIR/gone"
kill -CONT "$TRACE"
"$W/script" a1013:5
trace_stop
expect_status 0
grep -q "^not seen .*files of processes that had ended before these could be read" "$DIR/table" ||
	fail "nothing is said of it: $(head "$DIR/table")"
no_probe_left
