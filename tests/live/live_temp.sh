#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Temporary blocks: freed before the thread's next allocation, or within --temp-age; and how long blocks live.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../heap.sh"
need_root
remember_probes

# The workload says FUNCTION, temporary blocks, their size, blocks in all, least and most ns that they lived.
temporary() {	# RESULT
	awk 'NF == 6 { print $1, $2 * $3, $2, $4 * $3, $4 }' "$1" >"$DIR/wanted"
	[[ -s $DIR/wanted ]] || fail "the workload said nothing"
}

for metric in bytes calls; do
	run "${EXACT[@]}" --view temp --temp-age 20ms -f folded -m $metric -o "$DIR/folded" -- "$W/temp"
	expect_status 0
	temporary "$DIR/out"
	expect_heap "$DIR/folded" "$DIR/wanted" live $metric
done
target_start "$W/temp" -w -s
trace_start "${EXACT[@]}" --view temp --temp-age 20ms -f folded -m calls -p "$TARGET" -o "$DIR/folded"
go
wait_until 30 target_said never || fail "the target does not come to its end"
trace_stop
expect_status 0
temporary "$DIR/target.$N_TARGETS"
expect_heap "$DIR/folded" "$DIR/wanted" live calls

# By default a millisecond: what was freed before the next allocation counts at any rate, what was kept never does.
run "${EXACT[@]}" --view temp -f folded -m calls -o "$DIR/folded" -- "$W/temp"
expect_status 0
temporary "$DIR/out"
expect_heap "$DIR/folded" <(grep -v '^pair_first' "$DIR/wanted") live calls
# An age above all of them: only what was never freed is not temporary.
run "${EXACT[@]}" --view temp --temp-age 1h -f folded -m calls -o "$DIR/folded" -- "$W/temp"
expect_status 0
expect_equal "temporary of kept_180ms" "$(folded_sum "$DIR/folded" ';kept_180ms;')" 53
expect_equal "temporary of other_thread" "$(folded_sum "$DIR/folded" ';other_thread;')" 97
expect_equal "temporary of never" "$(folded_sum "$DIR/folded" ';never;')" 0
no_probe_left
