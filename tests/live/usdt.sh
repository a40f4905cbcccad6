#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Programs that tell of their own samples (otel_memory): these are recorded instead of every call, exactly as they are
# told; the semaphores are raised meanwhile and lowered again, also in a child; calls are recorded with --no-usdt, and
# where a probe would overwrite what its function keeps.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

# Every seventh call is a sample, and stands for seven: of 700 calls of 1009 bytes, and of 490 of 37.
work() {	# PROGRAM LISTENERS ARGS...
	target_start "$W/$1"
	trace_start "${EXACT[@]}" -p "$TARGET" -o "$DIR/usdt.pb.gz" "${@:3}"
	go
	wait_until 10 grep -q '^take_gone' "$DIR/target.$N_TARGETS" || fail "the target does not come to its end"
	trace_stop
	expect_status 0
	go
	target_end
	expect_equal "listeners of $1" "$(grep -m 1 '^listeners' "$DIR/target.$N_TARGETS")" "listeners $2"
	expect_equal "listeners of $1 after it" "$(tail -n 1 "$DIR/target.$N_TARGETS")" "listeners 0"
}

# Stacks from main on.
expect_rows() {	# VIEW METRIC ROW...
	run report "$DIR/usdt.pb.gz" --view "$1" -m "$2" -f folded -o "$DIR/rows"
	expect_status 0
	expect_equal "$2 of --view $1" "$(sed -E "s/^.*;main;/main;/" "$DIR/rows" | sort)" \
		"$(printf '%s\n' "${@:3}" | sort)"
}

expect_samples() {
	run report "$DIR/usdt.pb.gz"
	expect_out '^samples +170 by the program itself \(otel_memory\)' '^account +170 calls seen = 170 recorded$'
	expect_rows alloc bytes "main;take_kept;otel_memory:alloc 706300" "main;take_gone;otel_memory:alloc 18130"
	expect_rows alloc calls "main;take_kept;otel_memory:alloc 700" "main;take_gone;otel_memory:alloc 490"
}

for program in otel otel5 otel-static otel5-static; do
	work $program 101 --view live --view alloc
	grep -q 'recorded instead of every call' "$DIR/err" || fail "it is not said that samples are recorded"
	expect_samples
	expect_rows live bytes "main;take_kept;otel_memory:alloc 706300"
done
# Frees are not asked for where they are not needed. Perf events have their semaphores elsewhere.
work otel 1
expect_samples
work otel5 1 --attach perf
expect_samples

# Where the nop is not safe, and where samples are not wanted: every call.
run check
unsafe=("otel5leaf 0")
grep -q '^ *yes *nops emulated' "$DIR/out" || unsafe=()
for args in "${unsafe[@]}" "otel 0 --no-usdt" "otel-static 0 --no-usdt"; do
	# shellcheck disable=SC2086 # words
	work $args
	run report "$DIR/usdt.pb.gz" -m calls -f folded -o "$DIR/rows"
	expect_equal "calls of $args" "$(folded_sum "$DIR/rows" take_kept)/$(folded_sum "$DIR/rows" take_gone)" 700/490
	run report "$DIR/usdt.pb.gz"
	expect_out '^account +1.19k calls seen = 1.19k recorded$'
	grep -q '^samples' "$DIR/out" && fail "samples of $args"
done

# A command, from its beginning on.
{ sleep 1; echo; echo; } | "$ALLOCTRACE" -q "${EXACT[@]}" --no-follow -m calls -f folded -o "$DIR/rows" -- \
	"$W/otel" >"$DIR/out" 2>"$DIR/err" || fail "exit status $?"
expect_equal "calls of a command" "$(folded_sum "$DIR/rows" 'take_kept;otel_memory:alloc ')" 700

# A child does not go on taking samples for nobody.
said_by_child() {
	[[ $(grep -c '^child' "$DIR/target.$N_TARGETS") -ge $1 ]]
}

target_start "$W/otel" -k
trace_start "${EXACT[@]}" -p "$TARGET"
go
for ((i = 1; i <= 100; i++)); do
	go
	wait_until 10 said_by_child $i || fail "the child says nothing"
	grep -q '^child 0' "$DIR/target.$N_TARGETS" && break
	sleep 0.05
done
grep -q '^child 0' "$DIR/target.$N_TARGETS" || fail "the child's semaphore stays raised"
trace_stop

target_start "$W/otel"
run check -p "$TARGET"
expect_out 'otel_memory:alloc +\+0 +nop ' \
	'its own samples \(otel_memory\): recorded instead of every call of the process; --no-usdt'
((${#unsafe[@]})) || { no_probe_left; exit 0; }
target_start "$W/otel5leaf"
run check -p "$TARGET"
expect_out 'otel_memory:alloc +not probed: this kernel would overwrite the red zone' \
	'its own samples \(otel_memory\) are not used'
no_probe_left
