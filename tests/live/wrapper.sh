#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An allocator in front of another (a preloaded library that passes every call on): one event per call, not two.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

for metric in bytes calls; do
	run "${EXACT[@]}" -f folded -m $metric -o "$DIR/folded" -- env LD_PRELOAD="$W/preload_counter.so" "$W/primes"
	expect_status 0
	expect_equal "all $metric of primes" "$(folded_sum "$DIR/folded" ';worker;')" "$(total_of "$DIR/out" $metric)"
done
no_probe_left
