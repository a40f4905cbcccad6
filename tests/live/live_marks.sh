#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SIGUSR1 is a mark: what was allocated since, and is still there, by generation.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../heap.sh"
need_root
remember_probes

step() {	# N
	go
	wait_until 10 target_said "step $1" || fail "no step $1"
}

mark() {	# N
	kill -USR1 "$TRACE"
	wait_until 10 grep -q "mark $1\$" "$DIR/err" || fail "no mark $1"
}

target_start "$W/steps"
trace_start "${EXACT[@]}" --view live --mark -p "$TARGET" -o "$DIR/table"
step 1
mark 1
step 2
mark 2
step 3
step 4
trace_stop
expect_status 0
kill "$TARGET"

# Since the first mark: second 103 - 30; since the second: third 107, moved 10, first 7. Bytes are by
# mark, blocks are not.
since=$(sed -n '/^since mark/,/^$/p' "$DIR/table")
[[ -n $since ]] || { cat "$DIR/table"; fail "nothing since a mark"; }
row() {	# FUNCTION REGEX
	grep -Eq "$2.* $1( |\+|\$)" <<<"$since" || { echo "$since"; fail "no row of $1 like: $2"; }
}
grep -Eq '^since mark .* 197 live blocks' <<<"$since" || { echo "$since"; fail "not 197 blocks"; }
row second '^35\.9 KiB +73 +35\.9 KiB +503 B'
row third '^26\.2 KiB +107 +26\.2 KiB +251 B'
row moved '^19\.6 KiB +10 +19\.6 KiB'
row first '^6\.90 KiB +7 +6\.90 KiB +1009 B'
# second's bytes are in the column of mark 1, the others' in that of mark 2.
column() {	# FUNCTION: where the third number of its row ends
	awk -v f=" $1 " '
		index($0 " ", f) && match($0, /^ *[0-9.]+ [KM]?i?B +[0-9]+ +[0-9.]+ [KM]?i?B/) { print RLENGTH }' \
		<<<"$(sed -E 's/ \([^)]*\)|\+0x[0-9a-f]+/ /' <<<"$since")"
}
[[ $(column second) -lt $(column third) ]] || { echo "$since"; fail "second and third have one generation"; }
expect_equal "first's generation" "$(column first)" "$(column third)"
# All that is live, whatever its generation.
grep -Eq '^live .* 228 blocks' "$DIR/table" || { cat "$DIR/table"; fail "not 228 blocks live"; }

# Without --mark the signal is not ours to take; with it a command does not get it.
run --mark --view alloc -- true
expect_status 2
expect_one_error 'mark'
no_probe_left
