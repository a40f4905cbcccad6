#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Ctrl-C and SIGTERM end a run with its report; the target goes on.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

for signal in INT TERM; do
	target_start "$W/primes" -w -s 2
	trace_start "${EXACT[@]}" -f folded -p "$TARGET" -o "$DIR/folded"
	go
	wait_until 20 grep -q total "$DIR/target.$N_TARGETS" || fail "the target does not work"
	kill -$signal "$TRACE"
	trace_end
	expect_status 0
	expect_primes "$DIR/folded" "$DIR/target.$N_TARGETS" bytes
	kill -0 "$TARGET" || fail "the target is gone after SIG$signal"
	kill "$TARGET"
done

# A second Ctrl-C quits at once: here the report cannot be written, since nobody reads the pipe.
mkfifo "$DIR/pipe"
exec 8<>"$DIR/pipe"
target_start "$W/stacks" -w 10000 1000000
trace_start "${EXACT[@]}" -f folded -p "$TARGET" -o "$DIR/pipe"
go
sleep 2
kill -INT "$TRACE"
sleep 1
! is_gone "$TRACE" || fail "it ended although nobody read its output"
kill -INT "$TRACE"
wait_until 3 is_gone "$TRACE" || fail "a second Ctrl-C does not end it"
kill "$TARGET"

# The same when the target's end, not Ctrl-C, brought the report about.
target_start "$W/stacks" -w 10000 3
trace_start "${EXACT[@]}" -f folded -p "$TARGET" -o "$DIR/pipe"
go
target_end
sleep 1
for _ in 1 2; do
	kill -INT "$TRACE" 2>/dev/null
	sleep 0.2
done
wait_until 3 is_gone "$TRACE" || fail "Ctrl-C, twice, does not end a report that nobody reads"
exec 8>&-

# Under nohup a hangup changes nothing.
target_start "$W/loop" -w -f
trap '' HUP
trace_start "${EXACT[@]}" -p "$TARGET"
trap - HUP
go
kill -HUP "$TRACE"
sleep 0.3
! is_gone "$TRACE" || fail "a hangup ends it although it was told to ignore that"
trace_stop
expect_status 0
kill "$TARGET"

# With CMD, Ctrl-C goes to CMD too (one process group); what alloctrace is sent alone is passed on.
"$ALLOCTRACE" -v "${EXACT[@]}" -f folded -o "$DIR/folded" -- "$W/primes" -s >"$DIR/said" 2>"$DIR/err" </dev/null &
TRACE=$!
BACKGROUND+=("$TRACE")
wait_until 20 grep -q total "$DIR/said" || fail "CMD does not work"
kill -TERM "$TRACE"
trace_end
expect_status 143
expect_primes "$DIR/folded" "$DIR/said" bytes
no_probe_left
