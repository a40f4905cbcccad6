#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Probes in every process that maps a file: a process that is not traced, and whose code was patched, is not harmed.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

mkdir "$DIR/lib"
cp "$LIBDIR/libc.so.6" "$DIR/lib"
start() {	# ARGS...
	target_start env LD_LIBRARY_PATH="$DIR/lib" "$@"
}

# Traces another process with the same library. It goes on while the patched one works.
for form in jump int3; do
	start "$W/hook" $form malloc
	hooked=$TARGET n_hooked=$N_TARGETS
	start "$W/primes" -w 1
	trace_start "${EXACT[@]}" --follow -f folded -m calls -p "$TARGET" -o "$DIR/folded"
	expect_err "process $hooked \\(hook\\): malloc of .*libc.so.6 is not probed in any process: its code in memory"
	go "$n_hooked"
	wait_until 10 grep -q '^done' "$DIR/target.$n_hooked" || fail "$form: the hooked process does not work"
	go
	target_end
	expect_status 0
	trace_end
	expect_status 0
	[[ $(folded_sum "$DIR/folded" ';use_calloc;') -gt 0 ]] || fail "calloc was not traced"
	expect_equal "calls of malloc" "$(folded_sum "$DIR/folded" ';use_malloc;malloc ')" 0
	TARGET=$hooked
	go "$n_hooked"
	target_end
	expect_status 0
done

# It is patched while the probes are there.
start "$W/hook" -l jump malloc
hooked=$TARGET n_hooked=$N_TARGETS
start "$W/primes" -w 1
trace_start "${EXACT[@]}" --follow -f folded -m calls -p "$TARGET" -o "$DIR/folded"
go "$n_hooked"
wait_until 10 grep -q "process $hooked (hook): malloc of .*libc.so.6 is not probed in any process" "$DIR/err" ||
	fail "the patch was not seen"
go "$n_hooked"
wait_until 10 grep -q '^done' "$DIR/target.$n_hooked" || fail "the process that was hooked later does not work"
go
target_end
expect_status 0
trace_end
expect_status 0
TARGET=$hooked
go "$n_hooked"
target_end
expect_status 0
no_probe_left
