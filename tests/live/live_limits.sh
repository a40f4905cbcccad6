#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Bounds: more live blocks than the table holds, more overhead than is allowed.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../heap.sh"
need_root
remember_probes

# Blocks: those beyond are counted as lost, and the program goes on at its pace.
target_start "$W/blocks" -w 50000
trace_start "${EXACT[@]}" --view live --max-blocks 10000 -f folded -m calls -p "$TARGET" -o "$DIR/folded"
go
wait_until 20 target_said '^kept' || fail "the target does not come to its end"
trace_stop
expect_status 4
live=$(folded_sum "$DIR/folded" ';kept;')
[[ $live -ge 5000 && $live -le 12000 ]] || fail "$live of 50000 blocks in a table of 10000"
expect_err '^lost .*--max-blocks'
expect_account "$DIR/err" 50000
lost=$(sed -nE 's/^lost +([0-9.]+)(k?) of.*/\1 \2/p' "$DIR/err" | awk '{ print $1 * ($2 == "k" ? 1000 : 1) }')
awk -v live="$live" -v lost="$lost" 'BEGIN { d = live + lost - 50000; exit !(d > -200 && d < 200) }' ||
	fail "$live live and $lost lost of 50000"
go
target_end
expect_status 0

# More than the first of two tables has room for: none is lost, all are found again.
target_start "$W/blocks" -w 300000
trace_start "${EXACT[@]}" --view live -f folded -m calls -p "$TARGET" -o "$DIR/folded"
go
wait_until 60 target_said '^kept' || fail "the target does not come to its end"
trace_stop
expect_status 0
expect_equal "live blocks" "$(folded_sum "$DIR/folded" ';kept;')" 300000
expect_err '^lost +nothing'
run "${EXACT[@]}" --view live -f folded -m calls -o "$DIR/folded" -- "$W/blocks" 300000
[[ $STATUS -eq 3 ]] || expect_status 0
expect_equal "live blocks once all are freed" "$(folded_sum "$DIR/folded" ';kept;' 2>/dev/null)" 0
expect_err '^frees +300k' '^lost +nothing'

# Blocks that are freed make room again: churn far beyond the bound loses nothing.
run "${EXACT[@]}" -v --view live --max-blocks 5000 -f folded -m calls -o "$DIR/folded" -- "$W/race" 1 300000
expect_status 0
expect_heap "$DIR/folded" "$DIR/out" live calls
expect_err '^lost +nothing'

# Overhead, with blocks followed: it stops by itself, says what it would need, and the target goes on.
"$W/race" -f 1 >"$DIR/race" &
race=$!
BACKGROUND+=("$race")
"$ALLOCTRACE" --view live --max-overhead 1 -p $race -d 30s -o "$DIR/table" >"$DIR/out" 2>"$DIR/err" </dev/null &
TRACE=$!
BACKGROUND+=("$TRACE")
wait_until 15 is_gone "$TRACE" || fail "it goes on with far more than 1 % of overhead"
wait "$TRACE"
STATUS=$?
[[ $STATUS -eq 1 || $STATUS -eq 4 ]] || fail "exit status $STATUS"
expect_err '--max-overhead' '%'
kill -0 $race || fail "the target is gone"

# In the allocation view it keeps to it, by windows: said in the summary.
run --max-overhead 2 -d 3s -p $race -o "$DIR/table"
expect_status 0
grep -Eiq '(window|traced|share).*%|%.*(window|traced|share)' "$DIR/table" ||
	{ cat "$DIR/table"; fail "it does not say what share was traced"; }
kill -TERM $race
wait_until 10 is_gone $race || fail "the target does not end"
wait $race
expect_equal "exit status of the target" $? 0
no_probe_left
