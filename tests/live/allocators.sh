#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# beside: yes
# limit: 240
# Every allocator that Debian ships, preloaded; musl; static programs. The same program, the same numbers.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

check() {	# NAME CMD...
	local name=$1 metric

	shift
	for metric in bytes calls; do
		run "${EXACT[@]}" -f folded -m $metric -o "$DIR/folded" -- "$@"
		[[ $STATUS -eq 0 ]] || fail "$name: exit status $STATUS"
		expect_primes "$DIR/folded" "$DIR/out" $metric "primes[a-z-]*"
	done
}

attached() {	# NAME CMD... (that waits)
	local name=$1

	shift
	target_start "$@"
	trace_start "${EXACT[@]}" -f folded -m calls -p "$TARGET" -o "$DIR/folded"
	go
	target_end
	trace_end
	[[ $STATUS -eq 0 ]] || fail "$name: exit status $STATUS"
	expect_primes "$DIR/folded" "$DIR/target.$N_TARGETS" calls "primes[a-z-]*"
	expect_equal "$name: all calls" "$(folded_sum "$DIR/folded")" "$(total_of "$DIR/target.$N_TARGETS" calls)"
}

for lib in libjemalloc.so.2 libtcmalloc_minimal.so.4 libtcmalloc.so.4 libmimalloc.so.2.0; do
	need "$LIBDIR/$lib"
	check "$lib" env LD_PRELOAD="$LIBDIR/$lib" "$W/primes"
	check "$lib, 3 threads" env LD_PRELOAD="$LIBDIR/$lib" "$W/primes" 3
	attached "$lib" env LD_PRELOAD="$LIBDIR/$lib" "$W/primes" -w 2
done
for program in primes-static primes-musl primes-musl-static; do
	check "$program" "$W/$program"
	check "$program, 3 threads" "$W/$program" 3
	attached "$program" "$W/$program" -w 2
done
no_probe_left
