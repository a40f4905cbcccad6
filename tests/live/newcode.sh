#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Code that a program has just made, before alloctrace has heard of it: the kernel knows what is mapped, so that stacks
# through it are whole all the same.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

is_done() {
	[[ $(grep -c ready "$DIR/target.$N_TARGETS") -eq 2 ]]
}

pieces=499
for view in alloc live; do
	target_start "$W/newcode" $pieces
	trace_start "${EXACT[@]}" --view $view -m calls -f folded -o "$DIR/folded" -p "$TARGET"
	trace_freeze
	go
	wait_until 10 is_done || fail "the target is not done"
	kill -CONT "$TRACE"
	go
	target_end
	trace_end
	expect_status 0
	expect_equal "$view: whole stacks" "$(folded_sum "$DIR/folded" \
		'^newcode;_start;.*;main;make_and_call;\[anon\][^;]*;below_new_code;take;malloc ')" $pieces
	expect_equal "$view: calls" "$(folded_sum "$DIR/folded" ';take;malloc ')" $pieces
done
no_probe_left
