#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# While a report is written that nobody reads, tracing goes on: the main thread takes events and sets marks, and the
# last report has everything that was allocated meanwhile.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../heap.sh"
need_root
remember_probes

step() {	# N
	go
	wait_until 10 target_said "step $1" || fail "no step $1"
}

# A thread waits in write().
writes() {
	grep -q '^1 ' "/proc/$TRACE"/task/*/syscall
}

# Reports fill the pipe, sooner or later, and then every look finds it.
blocked() {
	for _ in 1 2 3 4 5; do
		writes || return 1
		sleep 0.1
	done
}

main_waits_for_events() {
	grep -Eq '^(232|281) ' "/proc/$TRACE/syscall"
}

# For the thread that makes a report: futex, FUTEX_WAIT.
main_waits() {
	grep -q '^202 ' "/proc/$TRACE/syscall"
}

pipe_open() {
	rm -f "$DIR/pipe"
	mkfifo "$DIR/pipe"
	exec 8<>"$DIR/pipe"
}

# What comes is read from now on, to $DIR/reports.
pipe_read() {
	cat <&8 >"$DIR/reports" &
	READER=$!
	BACKGROUND+=("$READER")
}

# All that came was read.
pipe_close() {
	echo END >&8
	wait_until 20 grep -q '^END$' "$DIR/reports" || fail "the pipe is not read"
	kill "$READER"
	exec 8>&-
	sed -i '/^END$/d' "$DIR/reports"
}

pipe_open
target_start "$W/steps"
trace_start "${EXACT[@]}" -i 20ms --view live --mark -p "$TARGET" -o "$DIR/pipe"
step 1
wait_until 30 blocked || fail "reports do not fill a pipe"
wait_until 5 main_waits_for_events || fail "the main thread waits for the reader of a report"
kill -USR1 "$TRACE"
wait_until 10 grep -q 'mark 1' "$DIR/err" || fail "no mark is set while a report is written"
step 2
kill -USR1 "$TRACE"
wait_until 10 grep -q 'mark 2' "$DIR/err" || fail "no second mark"
step 3
step 4
kill -TERM "$TRACE"
sleep 0.5
! is_gone "$TRACE" || fail "it ended although nobody read its reports"
pipe_read
trace_end
expect_status 0
pipe_close
kill "$TARGET"
# The last report has all of it: as in live/live_marks.
last=$(tac "$DIR/reports" | sed '/^target/q' | tac)
grep -Eq '^live .* 228 blocks' <<<"$last" || { echo "$last"; fail "not 228 blocks live"; }
grep -Eq '^since mark .* 197 live blocks' <<<"$last" || { echo "$last"; fail "not 197 blocks since the first mark"; }

# New stacks come meanwhile, more than the ring holds, and the target ends.
pipe_open
target_start "$W/stacks" -w 8192 20
trace_start "${EXACT[@]}" -i 20ms --ring-size 64k --by stack -p "$TARGET" -o "$DIR/pipe"
wait_until 30 blocked || fail "reports do not fill a pipe"
go
target_end
wait_until 5 main_waits || fail "the main thread does not wait for the report under way"
pipe_read
trace_end
expect_status 0
pipe_close
last=$(tac "$DIR/reports" | sed '/^target/q' | tac)
grep -q '^lost  *nothing' <<<"$last" || fail "$last"
grep -Eq "^account +$((8192 * 20)) calls seen = $((8192 * 20)) recorded" <<<"$last" || fail "$last"
no_probe_left
