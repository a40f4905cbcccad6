#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A program that is launched: every byte and every call, in the right function, whatever the number of threads.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

for threads in 1 7; do
	for metric in bytes calls; do
		run "${EXACT[@]}" -f folded -m $metric -o "$DIR/folded" -- "$W/primes" $threads
		expect_status 0
		expect_primes "$DIR/folded" "$DIR/out" $metric
	done
done

# One thread: nothing else allocates, so the whole report is what primes did.
for program in primes primes-nopie primes-stripped; do
	for metric in bytes calls; do
		run "${EXACT[@]}" -f folded -m $metric -o "$DIR/folded" -- "$W/$program"
		expect_status 0
		expect_equal "$program: all $metric" "$(folded_sum "$DIR/folded")" "$(total_of "$DIR/out" $metric)"
	done
done

# main is the root of every stack of the single thread that has frame pointers all the way.
run "${EXACT[@]}" -f folded -o "$DIR/folded" -- "$W/primes"
[[ $(grep -c '^primes;.*main;thread_main;worker;' "$DIR/folded") -ge 19 ]] || fail "main is not above worker"
# glibc's own functions, by their own names.
for call in 'malloc;malloc' 'calloc;calloc' 'regrow;realloc' 'posix_memalign;posix_memalign'; do
	grep -Eq ";use_$call [0-9]+\$" "$DIR/folded" || fail "no use_$call"
done
no_probe_left
