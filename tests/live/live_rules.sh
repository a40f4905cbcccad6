#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The counting rules of the live heap, to the byte and to the block: launched, attached, through each kind of probe,
# with other allocators and with one in front of another.
# beside: yes
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../heap.sh"
need_root
remember_probes

for metric in bytes calls; do
	live_launched $metric "$W/heap"
	grep -q '^# [1-9]' "$DIR/out" || fail "no address was used again: the test does not test that"
	live_attached $metric "$W/heap" -w -s
done
run "${EXACT[@]}" --attach perf --view live -f folded -o "$DIR/folded" -- "$W/heap"
expect_status 0
expect_heap "$DIR/folded" "$DIR/out" live bytes

live_launched calls "$W/heap-static"
live_launched bytes "$W/heap-musl" -j
live_launched bytes env LD_PRELOAD="$W/preload_counter.so" "$W/heap"
live_launched calls env LD_PRELOAD="$W/preload_counter.so" "$W/heap"
for lib in libjemalloc.so.2 libtcmalloc_minimal.so.4 libmimalloc.so.2.0; do
	[[ -e $LIBDIR/$lib ]] || continue
	live_launched bytes env LD_PRELOAD="$LIBDIR/$lib" "$W/heap" -j
	live_attached calls env LD_PRELOAD="$LIBDIR/$lib" "$W/heap" -j -w -s
done
no_probe_left
