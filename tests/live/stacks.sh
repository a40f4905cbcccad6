#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Many distinct stacks: none mixed with another, none forgotten; and what happens when there is no room for more.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

# 10,007 stacks of 31 frames, 3 calls each.
run "${EXACT[@]}" -f folded -m calls -o "$DIR/folded" -- "$W/stacks" 10007 3
expect_status 0
awk '$NF != 3 { bad = 1 } END { exit bad }' <(grep ';leaf;malloc ' "$DIR/folded") || fail "a stack has not 3 calls"
expect_equal "distinct stacks" "$(grep -c ';leaf;malloc ' "$DIR/folded")" 10007
# Each is what the program did: bits from the root down, by one() and zero().
awk '{
	bits = 0; weight = 1
	sub(/ [0-9]+$/, "")
	n = split($0, f, ";")
	for (i = 1; i <= n; i++)
		if (f[i] == "one" || f[i] == "zero") { bits += (f[i] == "one") * weight; weight *= 2 }
	if (weight != 16384 || bits >= 10007 || seen[bits]++) { print; exit 1 }
}' <(grep ';leaf;malloc ' "$DIR/folded") >"$DIR/out" || fail "a stack that cannot be"

# More than there is room for: what is lost is counted, said, and makes the status 4; nothing is invented.
run "${EXACT[@]}" -f folded -m calls --max-stacks 1000 -o "$DIR/folded" -- "$W/stacks" 5003 3
expect_status 0	# CMD's own
sum=$(folded_sum "$DIR/folded")
[[ $sum -gt 0 && $sum -lt 15009 ]] || fail "$sum calls with room for 1000 stacks"
target_start "$W/stacks" -w 5003 3
trace_start "${EXACT[@]}" -f folded -m calls --max-stacks 1000 -p "$TARGET" -o "$DIR/folded"
go
target_end
trace_end
expect_status 4
expect_err 'stack'

# A small ring loses no stack, not even one that comes once.
for rounds in 1 31; do
	run "${EXACT[@]}" -f folded -m calls --ring-size 64k -o "$DIR/folded" -- "$W/stacks" 10007 $rounds
	expect_status 0
	expect_equal "all calls" "$(folded_sum "$DIR/folded")" $((10007 * rounds))
	! grep -q 'not delivered' "$DIR/folded" || fail "stacks without frames"
	expect_err '^lost +nothing'
done

# --max-depth: that many frames, the innermost.
run "${EXACT[@]}" -f folded -m calls --max-depth 5 -o "$DIR/folded" -- "$W/stacks" 16 3
expect_status 0
deepest=$(awk -F';' 'NF > most { most = NF } END { print most }' "$DIR/folded")
[[ $deepest -le 8 ]] || fail "$deepest frames with --max-depth 5"
expect_equal "all calls" "$(folded_sum "$DIR/folded" ';leaf;malloc ')" 48

# 127 frames, and a stack that is deeper: cut at the root, exact at the leaf.
run "${EXACT[@]}" -f folded -m calls -o "$DIR/folded" -- "$W/stacks" 64 3 40
expect_status 0
expect_equal "distinct stacks" "$(grep -c ';leaf;malloc ' "$DIR/folded")" 64
no_probe_left
