#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A target that becomes another program while it is traced: both images' stacks get their own names.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../heap.sh"
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
# A thread that is not the first takes its pid; the first one, which the probes were limited to, is gone.
launched -t "$W/primes"
launched -t "$W/primes" 3
launched -t "$W/primes-musl"

# A process that runs already does not wait for us: the new image gets its probes a moment after its exec.
is_ready() {	# TIMES: so often it has waited for us
	[[ $(grep -c '^ready' "$DIR/target.$N_TARGETS") -eq $1 ]]
}

slowly() {	# OPTION... -- CMD...  (programs that wait, one after the other)
	local options=()

	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	shift
	target_start "$@"
	trace_start "${EXACT[@]}" "${options[@]}" -f folded -p "$TARGET" -o "$DIR/folded"
	for ((n = 2; n <= $(printf '%s\n' "$@" | grep -cx -e -w); n++)); do
		go
		wait_until 10 is_ready "$n" || fail "no exec"
		sleep 1
	done
	go
	target_end
	expect_status 0
	trace_end
	expect_status 0
}

expect_images() {	# N: so many before primes
	expect_equal "calls of before_exec" "$(folded_sum "$DIR/folded" ';before_exec;malloc [0-9]+$')" $(($1 * 509))
	expect_primes "$DIR/folded" "$DIR/target.$N_TARGETS" calls 'primes[a-z-]*'
}

for program in primes-static primes-musl; do
	slowly -m calls -- "$W/execer" -w "$W/$program" -w
	expect_images 1
done
for mode in multi perf; do
	slowly -m calls --attach $mode -- "$W/execer" -w -t "$W/primes" -w
	expect_images 1
	slowly -m calls --attach $mode -- "$W/execer" -w -t "$W/execer" -w -t "$W/primes-static" -w
	expect_images 2
	# Blocks are followed in both images: every call once, and one more by pthread_create().
	slowly --attach $mode --view live -- "$W/execer" -w -t "$W/primes" -w
	expect_account "$DIR/err" $((509 + 1 + $(total_of "$DIR/target.$N_TARGETS" calls)))
done

# Itself, twice: two images of one file, and the sums of both.
run "${EXACT[@]}" -f folded -m calls -o "$DIR/folded" -- "$W/execer" "$W/execer" "$W/primes"
expect_status 0
expect_equal "calls of before_exec" "$(folded_sum "$DIR/folded" ';before_exec;malloc [0-9]+$')" $((2 * 509))
expect_primes "$DIR/folded" "$DIR/out" calls '(primes|execer)'
no_probe_left
