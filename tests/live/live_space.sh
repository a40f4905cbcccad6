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

# By uprobe_multi, which is what a program gets whose library calls clone(): reported, in every view, but not a vfork().
NOT_SEEN="^not seen .*share the target's memory"
for view in alloc live; do
	target_start "$W/sharedheap" -w -g
	trace_start "${EXACT[@]}" --view $view -p "$TARGET" --attach multi -f folded -o "$DIR/folded"
	go
	target_end
	trace_end
	expect_err "$NOT_SEEN"
	# A copy of the memory has copies of the probes.
	child=$(sed -n 's/^grandchild //p' "$DIR/target.$N_TARGETS")
	expect_err "process $child, forked by $TARGET, is not traced: removing its copies of the probes"
	target_start "$W/sharedheap" -w -v
	trace_start "${EXACT[@]}" --view $view -p "$TARGET" --attach multi -f folded -o "$DIR/folded"
	go
	target_end
	trace_end
	! grep -q "$NOT_SEEN" "$DIR/err" || fail "$view: a vfork() is reported"
done
# Launched, too: its file says so beforehand.
run "${EXACT[@]}" --view live -f folded -m calls -o "$DIR/folded" -- "$W/sharedheap"
expect_status 0
expect_equal "launched: kept" "$(folded_sum "$DIR/folded" ';kept;')" 100
expect_equal "launched: freed by children" "$(folded_sum "$DIR/folded" ';given;')" 0
expect_equal "launched: allocated by a child" "$(folded_sum "$DIR/folded" ';helper;')" 100
no_probe_left
