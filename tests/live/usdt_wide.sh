#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Programs that tell of their own samples (otel_memory) among others, where probes are in every process that maps the
# file: their samples are recorded, calls of the others, and nothing twice; also after fork and exec.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

ln -s "$W/otel" "$DIR/teller"
ln -s "$W/primes" "$DIR/caller"

# Every seventh call is a sample, and stands for seven.
expect_both() {	# FOLDED TELLER SAID
	expect_equal "calls of take_kept" "$(folded_sum "$1" "^$2;.*take_kept;otel_memory:alloc ")" 700
	expect_equal "calls of take_gone" "$(folded_sum "$1" "^$2;.*take_gone;otel_memory:alloc ")" 490
	expect_equal "all of $2" "$(folded_sum "$1" "^$2;.*;take_")" 1190
	grep -v take_ "$1" >"$DIR/others"
	expect_primes "$DIR/others" "$3" calls caller
}

is_seen() {	# PID
	grep -q "process $1: its own samples (otel_memory) are recorded" "$DIR/err"
}

# Chosen by pid: one that tells, one that does not, each traced as it is by itself; and with their children.
for follow in --no-follow --follow; do
	target_start "$DIR/caller" -w
	caller=$TARGET said=$DIR/target.$N_TARGETS n=$N_TARGETS
	target_start "$DIR/teller"
	trace_start "${EXACT[@]}" $follow -m calls -f folded -o "$DIR/rows" -p "$caller,$TARGET"
	wait_until 10 is_seen "$TARGET" || fail "samples are not recorded ($follow)"
	go "$n"
	go
	wait_until 10 grep -q '^take_gone' "$DIR/target.$N_TARGETS" || fail "the target does not come to its end"
	go
	target_end
	TARGET=$caller
	target_end
	trace_end
	expect_status 0
	expect_both "$DIR/rows" teller "$said"
done

# The host, by name: programs that start later. One works in a child, one becomes the other.
trace_start "${EXACT[@]}" -m calls -f folded -o "$DIR/rows" --comm teller --comm caller
target_start "$DIR/teller" -c -e "$DIR/caller"
wait_until 10 is_seen "$TARGET" || fail "samples of a program that came later are not recorded"
go
wait_until 10 grep -q '^take_gone' "$DIR/target.$N_TARGETS" || fail "the child does not come to its end"
go
target_end
trace_stop
expect_status 0
sed -n '/^left/,$p' "$DIR/target.$N_TARGETS" >"$DIR/said"
expect_both "$DIR/rows" teller "$DIR/said"

# An allocator of its own has no probes on calls where its samples are recorded: nothing but samples comes.
{ sleep 1; echo; echo; } | "$ALLOCTRACE" -q "${EXACT[@]}" --follow -o "$DIR/usdt.pb.gz" -- "$W/otel-static" \
	>"$DIR/out" 2>"$DIR/err" || fail "exit status $?"
run report -m calls -f folded "$DIR/usdt.pb.gz" -o "$DIR/rows"
expect_equal "calls of take_kept" "$(folded_sum "$DIR/rows" 'take_kept;otel_memory:alloc ')" 700
run report -f json "$DIR/usdt.pb.gz"
hits=$($PYTHON -c 'import json, sys; print(json.load(sys.stdin)["facts"]["cost"]["hits"])' <"$DIR/out")
expect_equal "probe hits" "$hits" 170

# Of one that comes when its file is known, the first sample counts, however short it runs.
trace_start "${EXACT[@]}" -m calls -f folded -o "$DIR/rows" --comm otel-static
target_start "$W/otel-static"
wait_until 10 is_seen "$TARGET" || fail "samples of a static program are not recorded"
"$W/otel-static" </dev/null >/dev/null
trace_stop
expect_status 0
expect_equal "all of a short process" "$(folded_sum "$DIR/rows" ';take_')" 1190

# Live-heap views go by calls: the blocks of the first ones would seem to be leaks.
{ sleep 1; echo; echo; } | "$ALLOCTRACE" -q "${EXACT[@]}" --follow --view live -m calls -f folded -o "$DIR/rows" -- \
	"$DIR/teller" >"$DIR/out" 2>"$DIR/err" || fail "exit status $?"
expect_equal "live blocks" "$(folded_sum "$DIR/rows" 'take_kept;malloc ')" 700
no_probe_left
