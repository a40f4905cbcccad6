#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is never freed, at the end of a launched command; exec ends the blocks of the image before.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../heap.sh"
need_root
remember_probes

# Leaks of a command that has ended are what it never freed, however young.
for metric in bytes calls; do
	run "${EXACT[@]}" --leaks -f folded -m $metric -o "$DIR/folded" -- "$W/heap"
	expect_status 0
	expect_heap "$DIR/folded" "$DIR/out" live $metric
done
# Unless an age is asked for.
run "${EXACT[@]}" --leaks --min-age 1h -f folded -o "$DIR/folded" -- "$W/heap"
[[ $STATUS -eq 0 || $STATUS -eq 3 ]] || fail "exit status $STATUS"
: >>"$DIR/folded"
expect_equal "leaks older than an hour" "$(folded_sum "$DIR/folded" 2>/dev/null)" 0

# The first image's blocks are gone with it, and the second's are there.
run "${EXACT[@]}" --view live -f folded -m calls -o "$DIR/folded" -- "$W/heap" -x "$W/steps"
expect_status 0
expect_equal "live blocks of an image that is gone" "$(folded_sum "$DIR/folded" ';kept;')" 0
grep -Eq '^frees +[0-9].*; [0-9.]+k? blocks? ended by exec or exit' "$DIR/err" ||
	fail "nothing said of the blocks that exec ended"
run "${EXACT[@]}" --view live -f folded -m calls -o "$DIR/folded" -- "$W/heap" -x "$W/heap"
expect_status 0
expect_heap "$DIR/folded" <(sed 1d "$DIR/out") live calls	# without the first image's line
for program in heap-static heap-musl; do
	run "${EXACT[@]}" --view live -f folded -m calls -o "$DIR/folded" -- "$W/heap" -x "$W/$program" -j
	expect_status 0
	expect_heap "$DIR/folded" <(sed 1d "$DIR/out") live calls
done
# Through a shell, which execs.
run "${EXACT[@]}" --leaks -f folded -m calls -o "$DIR/folded" -- sh -c "exec $W/heap"
expect_status 0
expect_heap "$DIR/folded" "$DIR/out" live calls

# A target that is killed: what it had until then.
target_start "$W/heap" -w -s
trace_start "${EXACT[@]}" --view live -f folded -p "$TARGET" -o "$DIR/folded"
go
wait_until 30 target_said '^done' || fail "the target does not come to its end"
kill -KILL "$TARGET"
trace_end
[[ $STATUS -eq 0 || $STATUS -eq 3 ]] || fail "exit status $STATUS after the target was killed"
no_probe_left
