#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Blocks followed by perf's uprobes and return probes, as on kernels without uprobe_multi: the same stacks with the same
# numbers as by uprobe_multi, where each way is exact by itself.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../heap.sh"
need_root
remember_probes

same() {	# VIEW-AND-OPTIONS METRIC CMD...
	local how

	for how in multi perf; do
		# shellcheck disable=SC2086 # options
		run "${EXACT[@]}" -v --attach $how --view $1 -m "$2" -f folded -o "$DIR/$how" -- "${@:3}"
		expect_status 0
		expect_account "$DIR/err"
		expect_err "attached by (uprobe_)?${how/perf/perf uprobes}"
	done
	cmp -s <(sort "$DIR/multi") <(sort "$DIR/perf") ||
		fail "$*: $(diff <(sort "$DIR/multi") <(sort "$DIR/perf") | head -6)"
}

for metric in bytes calls; do
	same live $metric "$W/heap"
	expect_heap "$DIR/perf" "$DIR/out" live $metric
	same live $metric "$W/heapxx"
	expect_heap "$DIR/perf" "$DIR/out" live $metric
	same peak $metric "$W/peak"
	expect_heap "$DIR/perf" "$DIR/out" live $metric
done
same live calls "$W/heap-static"
same alloc calls "$W/primes" 3
same 'temp --temp-age 20ms' calls "$W/temp"

# Threads that free each other's blocks: no two runs are the same, each is exact. And attached, all views at once.
run "${EXACT[@]}" -v --attach perf --view live -m calls -f folded -o "$DIR/folded" -- "$W/race" 3 500000
expect_status 0
expect_heap "$DIR/folded" "$DIR/out" live calls
expect_account "$DIR/err"
target_start "$W/heap" -w -s -j
trace_start "${EXACT[@]}" --attach perf --view live,peak,temp,lifetimes,sizes -T 0 -p "$TARGET" -o "$DIR/table"
go
wait_until 30 target_said '^done' || fail "the target does not come to its end"
trace_stop
expect_status 0
grep -q '^lost  *nothing' "$DIR/table" || { head -20 "$DIR/table"; fail "something was lost"; }
no_probe_left
