#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# beside: yes
# limit: 240
# How many instructions the verifier looks at to load each program, which is what the start takes: the kernel refuses
# a million, and older ones need more for the same program than this one.
. "$(dirname "$0")/../lib.sh"
need_root

readonly MOST=200000

# Of the running alloctrace, from what the kernel says about each program it has open (Linux 5.16 and later).
verified() {
	local f n=0 worst=0

	for f in /proc/"$TRACE"/fdinfo/*; do
		count=$(sed -n 's/^verified_insns:[[:space:]]*//p' "$f" 2>/dev/null)
		[[ -n $count ]] || continue
		n=$((n + 1))
		((count > worst)) && worst=$count
	done
	echo "$n $worst"
}

readonly VIEWS=live,peak,temp,lifetimes,sizes
for options in "--unwind fp" "--unwind eh_frame" "--unwind eh_frame --max-depth 512" "--unwind fp --max-depth 512" \
	"--view $VIEWS --unwind fp" "--view $VIEWS --unwind eh_frame" \
	"--view $VIEWS --unwind eh_frame --max-depth 512 --attach perf" "--view live --sample 524288" \
	"--by label --created-by" "--by goroutine --view alloc,$VIEWS --max-depth 512" "--view mapped --max-depth 512" \
	"--view mappings --attach perf" "--kernel --view $VIEWS --max-depth 512"; do
	target_start "$W/primes" -w -s
	# shellcheck disable=SC2086
	trace_start -p "$TARGET" $options
	read -r n worst < <(verified)
	[[ $n -gt 0 ]] || skip "the kernel does not say how many instructions it verified"
	# Free, and call or entry and return; the one that does nothing.
	[[ $n -ge $([[ $options == *--view* ]] && echo 3 || echo 2) ]] || fail "$options: $n programs"
	[[ $worst -gt 100 && $worst -lt $MOST ]] || fail "$options: $worst instructions verified for one program"
	echo "$options: $n programs, the largest $worst instructions"
	kill -KILL "$TARGET"
	trace_stop
done
