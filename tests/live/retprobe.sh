#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Return probes of another tool in the traced process (the kernel replaces return addresses on its stack): the same
# stacks as without them.
. "$(dirname "$0")/../lib.sh"
need_root
need /sys/bus/event_source/devices/uprobe/format/retprobe
remember_probes

# Traces a program that waits, with return probes on the functions given (FILE FUNCTION pairs), to $DIR/NAME.
trace_with() {	# NAME HOW PROBES COMMAND...
	local name=$1 how=$2 probes=$3 probe=

	shift 3
	target_start "$@"
	if [[ -n $probes ]]; then
		# shellcheck disable=SC2086 # pairs
		"$W/retprobe" "$TARGET" $probes >"$DIR/probe.$N_TARGETS" 2>&1 &
		probe=$!
		BACKGROUND+=("$probe")
		wait_until 10 grep -q ready "$DIR/probe.$N_TARGETS" ||
			fail "no return probes: $(cat "$DIR/probe.$N_TARGETS")"
	fi
	trace_start "${EXACT[@]}" --unwind "$how" -f folded -m calls -o "$DIR/$name" -p "$TARGET"
	go
	target_end
	trace_end
	expect_status 0
	[[ -n $probe ]] || return 0
	grep -q '\[uprobes\]' "$DIR/$name" && fail "a frame in the trampoline: $(grep -m1 '\[uprobes\]' "$DIR/$name")"
	kill "$probe"
	wait "$probe" 2>/dev/null
}

same_stacks() {	# HOW PROBES COMMAND...
	trace_with plain "$1" '' "${@:3}"
	trace_with probed "$@"
	grep -q ';malloc ' "$DIR/plain" || fail "no stacks"
	cmp -s <(sort "$DIR/plain") <(sort "$DIR/probed") ||
		fail "$1, $3: $(diff <(sort "$DIR/plain") <(sort "$DIR/probed") | head -6)"
}

libc=$(realpath "$LIBDIR/libc.so.6")
for how in fp auto; do
	# The allocator and two of the chain, one of them twice: then the kernel keeps two entries for one call.
	same_stacks $how "$libc malloc $W/primes left $W/primes use_malloc $W/primes left" "$W/primes" -w
	same_stacks $how "$libc malloc $libc calloc $libc realloc $W/primes worker $W/primes right" "$W/primes" -w 3
done
# Frames without frame pointers, and those of a library that was loaded just now, which are unwound in user space.
same_stacks auto "$libc malloc $W/plugin.so plugin_work $W/dlopener call_plugin" "$W/dlopener" -w "$W/plugin.so"
no_probe_left
