#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# alloctrace killed by SIGKILL leaves no probe: its programs are gone from the kernel, the target runs on at full speed
# and can be traced again.
. "$(dirname "$0")/../lib.sh"
need_root
need bpftool jq
remember_probes

for how in multi perf; do
	"$W/latency" >"$DIR/latency.$how" 2>&1 &
	BACKGROUND+=($!)
	TARGET=$!
	wait_until 10 grep -q ready "$DIR/latency.$how" ||
		fail "the target is not ready"
	"$ALLOCTRACE" -v --attach $how -p "$TARGET" >"$DIR/out" 2>"$DIR/err" </dev/null &
	TRACE=$!
	BACKGROUND+=("$TRACE")
	wait_until 20 grep -q '^traced' "$DIR/latency.$how" ||
		fail "the target does not notice that it is traced ($how)"
	mapfile -t programs < <(programs_of "$TRACE")
	[[ ${#programs[@]} -gt 0 ]] || fail "alloctrace holds no BPF program"
	kill -KILL "$TRACE"
	# The target itself says that its calls are fast again.
	wait_until 20 grep -q '^untraced' "$DIR/latency.$how" || fail "the target is still slow after SIGKILL ($how)"
	wait_until 5 programs_gone "${programs[@]}" || fail "BPF programs are left after SIGKILL: ${programs[*]}"
	wait "$TARGET" || fail "the target failed"
done

# While it runs and is killed over and over, a target keeps working and the next alloctrace counts exactly.
target_start "$W/primes" -w -s 2
for _ in 1 2 3; do
	trace_start -p "$TARGET" -o "$DIR/never"
	kill -KILL "$TRACE"
	wait "$TRACE" 2>/dev/null
done
trace_start "${EXACT[@]}" -f folded -p "$TARGET" -o "$DIR/folded"
go
wait_until 20 grep -q total "$DIR/target.1" || fail "the target does not work"
trace_stop
expect_status 0
expect_primes "$DIR/folded" "$DIR/target.1" bytes
[[ ! -e $DIR/never ]] || fail "a killed run wrote its output"

# A launched command is stopped while its probes are attached: killed at any moment of that, alloctrace leaves it
# running.
for delay in 02 04 06 08 10 11 12 13 14 15 16 18 20 25; do
	"$ALLOCTRACE" -q -- sleep 30 >/dev/null 2>&1 </dev/null &
	TRACE=$!
	sleep "0.$delay"
	child=$(pgrep -P "$TRACE" | head -1)
	kill -KILL "$TRACE"
	wait "$TRACE" 2>/dev/null
	[[ -n $child ]] || continue
	goes_on() { [[ ! -e /proc/$child ]] || [[ $(awk '{ print $3 }' "/proc/$child/stat") != T ]]; }
	wait_until 2 goes_on || fail "the command stays stopped after alloctrace was killed"
	kill "$child" 2>/dev/null
done
no_probe_left
