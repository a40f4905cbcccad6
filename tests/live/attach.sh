#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Attaching to a process that runs already, each way the kernel offers: exact counts, and an exact total, since the
# target's threads were made before.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

for how in auto multi perf; do
	for threads in 1 5; do
		for metric in bytes calls; do
			target_start "$W/primes" -w $threads
			trace_start "${EXACT[@]}" --attach $how -f folded -m $metric -p "$TARGET" -o "$DIR/folded"
			go
			target_end
			expect_status 0
			trace_end
			expect_status 0
			expect_primes "$DIR/folded" "$DIR/target.$N_TARGETS" $metric
			expect_equal "all $metric, $how, $threads threads" "$(folded_sum "$DIR/folded")" \
				"$(total_of "$DIR/target.$N_TARGETS" $metric)"
		done
	done
done
no_probe_left
