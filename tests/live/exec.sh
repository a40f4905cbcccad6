#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A target that becomes another program while it is traced: both images' stacks get their own names.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

both() {	# CMD...
	run -f folded -o "$DIR/folded" -- "$W/execer" "$@"
	expect_status 0
	expect_functions "$DIR/folded" "$DIR/out" bytes before_exec
	expect_primes "$DIR/folded" "$DIR/out" bytes '(primes|execer)[a-z-]*'

	target_start "$W/execer" -w "$@"
	trace_start -f folded -p "$TARGET" -o "$DIR/folded"
	go
	target_end
	expect_status 0
	trace_end
	expect_status 0
	expect_functions "$DIR/folded" "$DIR/target.$N_TARGETS" bytes before_exec
	expect_primes "$DIR/folded" "$DIR/target.$N_TARGETS" bytes '(primes|execer)[a-z-]*'
}

both "$W/primes"
both "$W/primes" 3
# Allocators that were not mapped when tracing began.
both "$W/primes-static"
both "$W/primes-musl"
both env LD_PRELOAD="$LIBDIR/libmimalloc.so.2.0" "$W/primes"
# Itself, twice: two images of one file, and the sums of both.
run -f folded -m calls -o "$DIR/folded" -- "$W/execer" "$W/execer" "$W/primes"
expect_status 0
expect_equal "calls of before_exec" "$(folded_sum "$DIR/folded" ';before_exec;malloc [0-9]+$')" $((2 * 509))
expect_primes "$DIR/folded" "$DIR/out" calls '(primes|execer)'
no_probe_left
