#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A target that forks while it is traced: the parent's numbers stay the parent's, and the child is not hurt.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

for how in multi perf; do
	for metric in bytes calls; do
		run "${EXACT[@]}" --attach $how -f folded -m $metric -o "$DIR/folded" -- "$W/forker"
		expect_status 0
		expect_functions "$DIR/folded" "$DIR/out" $metric before_fork in_parent
		target_start "$W/forker" -w
		trace_start "${EXACT[@]}" --attach $how -f folded -m $metric -p "$TARGET" -o "$DIR/folded"
		go
		target_end
		expect_status 0
		trace_end
		expect_status 0
		expect_functions "$DIR/folded" "$DIR/target.$N_TARGETS" $metric before_fork in_parent
	done
done
no_probe_left
