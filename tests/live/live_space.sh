#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A heap belongs to an address space: children that share it (clone() with CLONE_VM, vfork()) allocate and free in it,
# and their exec or exit ends no block of the others.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../heap.sh"
need_root
remember_probes

for attach in auto perf multi; do
	target_start "$W/sharedheap" -w -s
	trace_start "${EXACT[@]}" --view live -f folded -m calls -p "$TARGET" --attach $attach -o "$DIR/folded"
	go
	wait_until 30 target_said '^done' || fail "the target does not come to its end"
	trace_stop
	expect_status 0
	kill -KILL "$TARGET"
	expect_equal "$attach: kept" "$(folded_sum "$DIR/folded" ';kept;')" 100
	# By uprobe_multi children are not seen from Linux 6.11 on.
	[[ $attach != multi ]] || continue
	expect_equal "$attach: freed by children" "$(folded_sum "$DIR/folded" ';given;')" 0
	expect_equal "$attach: allocated by a child" "$(folded_sum "$DIR/folded" ';helper;')" 100
done
# Launched, too: its file says so beforehand.
run "${EXACT[@]}" --view live -f folded -m calls -o "$DIR/folded" -- "$W/sharedheap"
expect_status 0
expect_equal "launched: kept" "$(folded_sum "$DIR/folded" ';kept;')" 100
expect_equal "launched: freed by children" "$(folded_sum "$DIR/folded" ';given;')" 0
expect_equal "launched: allocated by a child" "$(folded_sum "$DIR/folded" ';helper;')" 100
no_probe_left
