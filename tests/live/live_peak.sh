#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The live heap at its highest moment, which is a single event: exact by function, and another one than at the end.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../heap.sh"
need_root
remember_probes

# The workload says FUNCTION, at the summit BYTES BLOCKS, in the end BYTES BLOCKS.
for metric in bytes calls; do
	run "${EXACT[@]}" --view peak -f folded -m $metric -o "$DIR/folded" -- "$W/peak"
	expect_status 0
	expect_heap "$DIR/folded" "$DIR/out" live $metric
	[[ $metric == calls ]] ||
		expect_equal "all of the summit" "$(folded_sum "$DIR/folded")" \
			"$(awk '$1 == "summit" { print $2 }' "$DIR/out")"
	run "${EXACT[@]}" --view live -f folded -m $metric -o "$DIR/folded" -- "$W/peak"
	expect_status 0
	expect_heap "$DIR/folded" "$DIR/out" alloc $metric	# the third and fourth column
done

# Attached, and stopped long after the summit.
target_start "$W/peak" -w -s
trace_start "${EXACT[@]}" --view peak -f folded -p "$TARGET" -o "$DIR/folded"
go
wait_until 30 target_said summit || fail "the target does not come to its end"
trace_stop
expect_status 0
expect_heap "$DIR/folded" "$DIR/target.$N_TARGETS" live bytes
no_probe_left
