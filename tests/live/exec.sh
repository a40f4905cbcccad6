#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A target that becomes another program while it is traced: both images' stacks get their own names.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

launched() {	# CMD...
	run "${EXACT[@]}" -f folded -o "$DIR/folded" -- "$W/execer" "$@"
	expect_status 0
	expect_functions "$DIR/folded" "$DIR/out" bytes before_exec
	expect_primes "$DIR/folded" "$DIR/out" bytes '(primes|execer)[a-z-]*'
}

attached() {	# CMD...
	target_start "$W/execer" -w "$@"
	trace_start "${EXACT[@]}" -f folded -p "$TARGET" -o "$DIR/folded"
	go
	target_end
	expect_status 0
	trace_end
	expect_status 0
	expect_functions "$DIR/folded" "$DIR/target.$N_TARGETS" bytes before_exec
	expect_primes "$DIR/folded" "$DIR/target.$N_TARGETS" bytes '(primes|execer)[a-z-]*'
}

launched "$W/primes"
launched "$W/primes" 3
attached "$W/primes"
attached "$W/primes" 3
# Allocators that were not mapped when tracing began: a launched command waits until they are probed.
launched "$W/primes-static"
launched "$W/primes-musl"
launched env LD_PRELOAD="$LIBDIR/libmimalloc.so.2.0" "$W/primes"

# A process that runs already does not wait for us: the new image gets its probes a moment after its exec.
for program in primes-static primes-musl; do
	target_start "$W/execer" -w "$W/$program" -w
	trace_start "${EXACT[@]}" -f folded -p "$TARGET" -o "$DIR/folded"
	go
	wait_until 10 grep -q '^before_exec' "$DIR/target.$N_TARGETS" || fail "no exec"
	sleep 1
	go
	target_end
	expect_status 0
	trace_end
	expect_status 0
	expect_functions "$DIR/folded" "$DIR/target.$N_TARGETS" bytes before_exec
	expect_primes "$DIR/folded" "$DIR/target.$N_TARGETS" bytes "$program"
done

# Itself, twice: two images of one file, and the sums of both.
run "${EXACT[@]}" -f folded -m calls -o "$DIR/folded" -- "$W/execer" "$W/execer" "$W/primes"
expect_status 0
expect_equal "calls of before_exec" "$(folded_sum "$DIR/folded" ';before_exec;malloc [0-9]+$')" $((2 * 509))
expect_primes "$DIR/folded" "$DIR/out" calls '(primes|execer)'
no_probe_left
