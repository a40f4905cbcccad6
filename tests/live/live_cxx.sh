#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# C++: sized and aligned delete, exceptions out of what allocates, an operator new that throws.
# beside: yes
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../heap.sh"
need_root
remember_probes

for metric in bytes calls; do
	live_launched $metric "$W/heapxx"
	live_attached $metric "$W/heapxx" -w -s
	# Where blocks are not followed a call that fails can't be told from one that succeeds.
	run "${EXACT[@]}" --view alloc -f folded -m $metric -o "$DIR/folded" -- "$W/heapxx"
	expect_status 0
	expect_heap "$DIR/folded" <(grep -Ev '^(too_much|nothrow_fails) ' "$DIR/out") alloc $metric
done

# Allocators whose own operator new may throw: its return must not be probed, so that its blocks are never live; the
# program is what it is without alloctrace, and what was allocated is right.
"$W/heapxx" >"$DIR/plain"
for lib in libjemalloc.so.2 libtcmalloc_minimal.so.4 libmimalloc.so.2.0; do
	[[ -e $LIBDIR/$lib ]] || continue
	# mimalloc, compiled as C, ends the program instead of throwing.
	LD_PRELOAD=$LIBDIR/$lib "$W/heapxx" 2>/dev/null | cmp -s "$DIR/plain" - || continue
	run "${EXACT[@]}" --view live -o "$DIR/table" -- env LD_PRELOAD="$LIBDIR/$lib" "$W/heapxx"
	expect_status 0
	cmp -s "$DIR/plain" "$DIR/out" || fail "$lib: it says something else"
	run "${EXACT[@]}" --view live -f folded -o "$DIR/folded" -- env LD_PRELOAD="$LIBDIR/$lib" "$W/heapxx"
	expect_status 0
	# Never too much: a block that was freed is not live.
	for name in sized_delete unsized_delete aligned_delete array_delete aligned_array_delete nothrow_fails \
		too_much unwound_and_thrown; do
		expect_equal "$lib: live bytes of $name" "$(folded_sum "$DIR/folded" ";$name;")" 0
	done
	run "${EXACT[@]}" --view alloc -f folded -m bytes -o "$DIR/folded" -- env LD_PRELOAD="$LIBDIR/$lib" "$W/heapxx"
	expect_status 0
	expect_heap "$DIR/folded" <(grep -Ev '^(too_much|nothrow_fails) ' "$DIR/out") alloc bytes
done
no_probe_left
