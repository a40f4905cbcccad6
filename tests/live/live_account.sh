#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# seen = recorded + filtered + not sampled + lost, to the call, in every kind of run; and what is seen is what was done.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../heap.sh"
need_root
remember_probes

for view in alloc live; do
	run -v "${EXACT[@]}" --view $view -f folded -m calls -o "$DIR/folded" -- "$W/race" 1 100000
	expect_status 0
	calls=$(calls_made "$DIR/out")
	[[ $calls -gt 40000 ]] || fail "the workload did little"
	expect_account "$DIR/err" "$calls"
	expect_err "^account .* = $calls recorded\$"

	# Filtered: the rest is what the sites of the right sizes did.
	run -v "${EXACT[@]}" --view $view --min-size 1000 -f folded -m calls -o "$DIR/folded" -- "$W/sites" -k 1 20
	expect_status 0
	expect_account "$DIR/err" "$(calls_made "$DIR/out")"
	big=$(awk 'NR == FNR { if ($1 == "size") size[$2] = $3; next } $1 in size && size[$1] >= 1000 { sum += $5 }
		END { print sum }' "$DIR/out" "$DIR/out")
	expect_err "= $big recorded \+ [0-9]+ filtered\$"
	expect_equal "calls of 1000 bytes and more" "$(folded_sum "$DIR/folded")" "$big"

	# Not sampled.
	run -v --sample 256k --max-overhead off --view $view -f folded -o "$DIR/folded" -- "$W/sites" -k 1 20
	expect_status 0
	expect_account "$DIR/err" "$(calls_made "$DIR/out")"
	expect_err '= [0-9]+ recorded \+ [1-9][0-9]* not sampled$'

	# More threads than processors.
	run -v "${EXACT[@]}" --view $view -f folded -o "$DIR/folded" -- "$W/race" 5 300000
	expect_status 0
	expect_account "$DIR/err"

	# Lost: a table of stacks that is too small.
	run -v "${EXACT[@]}" --view $view --max-stacks 1000 -f folded -o "$DIR/folded" -- "$W/stacks" 3000 7
	expect_status 0		# the command's
	expect_account "$DIR/err" 21000
	expect_err '\+ [1-9][0-9]* lost$'
done

# Calls that fail are nobody's.
run -v "${EXACT[@]}" --view live -f folded -o "$DIR/folded" -- "$W/heapxx"
expect_status 0
expect_account "$DIR/err"
# Those whose return is never seen are lost, and no others.
run -v "${EXACT[@]}" --view live -f folded -o "$DIR/folded" -- "$W/heap" -j
expect_status 0
expect_account "$DIR/err"
expect_err '^lost +nothing'
run -v "${EXACT[@]}" --view live -f folded -o "$DIR/folded" -- "$W/heap"
expect_status 0
expect_account "$DIR/err"
expect_err '^account .* 24 lost$'
no_probe_left
