#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Unwind rules that few functions have, each below every call of a program: whole stacks, not a frame left out.
. "$(dirname "$0")/../lib.sh"
need_root
need "$W/rules"
remember_probes

whole() {	# CASE STACK: all 101 calls have it
	run "${EXACT[@]}" -f folded -m calls -o "$DIR/folded" -- "$W/rules" "$1"
	expect_status 0
	expect_equal "calls of $1 below the whole stack" "$(folded_sum "$DIR/folded" "^rules;$2;leaf;malloc ")" 101
	expect_equal "truncated stacks of $1" "$(grep -c truncated "$DIR/folded")" 0
}

main='_start;__libc_start_main(_impl)?;__libc_start_call_main;main'
thread='(__)?clone3?;start_thread;thread'

# Other stacks, above the thread's own and below it: by rbp, and by the old stack pointer left on the new stack.
whole switch-low "$thread;call_on;busy"
whole switch-high "$thread;call_on;busy"
whole saved-low "$thread;call_on_saved;busy"
whole saved-high "$thread;call_on_saved;busy"

# Frames whose size a row does not hold.
whole big-262000 "$main;big_262000;busy"
whole big-300000 "$main;big_300000;busy"
whole big-7000000 "$main;big_7000000;busy"

whole realigned "$main;realigned(\\.constprop\\.0)?;busy"
whole sum "$main;by_sum;busy"

# Where a signal has interrupted a frame all its registers are known: the CFA is in r10 there.
whole r10 "$main;interrupted;by_r10;[^;]*;skip_ud2;handler"
whole r10-altstack "$main;interrupted;by_r10;[^;]*;skip_ud2;handler"

# A register that calls keep, but nobody can tell where it is: the stack is cut there, and says so.
run "${EXACT[@]}" -f folded -m calls -o "$DIR/folded" -- "$W/rules" rbx
expect_status 0
expect_equal "calls below a CFA in rbx" "$(folded_sum "$DIR/folded" \
	'^rules;\[truncated: unsupported unwind rule\];by_rbx;busy;leaf;malloc ')" 101
expect_err '^truncated +101 of 101 calls'

# Frames that lead to each other for ever end where they come round.
run "${EXACT[@]}" -f folded -m calls -o "$DIR/folded" -- "$W/rules" round
expect_status 0
expect_equal "calls that went round" "$(folded_sum "$DIR/folded" \
	'^rules;\[truncated: unsupported unwind rule\];(round_and_round;)+leaf_and_exit;leaf;malloc ')" 101
no_probe_left
