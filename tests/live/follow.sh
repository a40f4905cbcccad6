#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a command starts is traced, over fork and exec: every call, under the name of the program that made it.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes
for name in red green; do cp "$W/script" "$DIR/$name"; done

# Of the recording, by program: expects "BYTES CALLS".
expect_program() {	# NAME WANTED
	run report --by program --ops 1 -f benchfmt "$DIR/seen.pb.gz"
	expect_equal "bytes and calls of $1" \
		"$(awk -v name="BenchmarkProgram/$1" '$1 == name { print $3, $5 }' "$DIR/out")" "$2"
}

seen() {	# OPTION|ARG...: traces the command, and expects it to end well
	run "${EXACT[@]}" -v -o "$DIR/seen.pb.gz" "$@"
	expect_status 0
	! grep -q 'lost  *[^n ]' "$DIR/out" || fail "calls were lost"
}

# Fork, exec, fork; the parents wait. Each process also prints nothing: all calls are those that are said.
seen -- "$W/script" a17:3 f a19:5 "x$DIR/red" a23:7 f a29:2 "x$DIR/green" a31:11
expect_program script "146 8"
expect_program red "219 9"
expect_program green "341 11"

# 60 children, one after another: child I calls I + 1 times, and execs another program.
seen -- "$W/script" c60 a101:0 "x$DIR/red" a103:1
expect_program script "$((101 * 60 * 61 / 2)) $((60 * 61 / 2))"
expect_program red "$((103 * 60)) 60"

# An exec by another thread than the first.
seen -- "$W/script" a17:3 "t$DIR/red" a23:7
expect_program red "161 7"

# It is followed on: what it loads then.
seen --alloc-fn 'late_alloc(size=1)' -- "$W/script" "t$DIR/red" "l$W/late.so" s700 a33:7
run report --by function --ops 1 -f benchfmt "$DIR/seen.pb.gz"
expect_equal "calls by use()" "$(awk '$1 == "BenchmarkFunction/use" { print $3, $5 }' "$DIR/out")" "231 7"

# What a process has when its first thread has exited is not gone.
waits_for_stdin() { grep -q '^0 0x0 ' "/proc/$(pgrep -P "$TARGET")/task"/*/syscall; }
target_start sh -c "echo ready; read -r line; \"$DIR/green\" k47:3 m s1500 k53:2 w; exit 0"
trace_start "${EXACT[@]}" --follow --view live -f folded -m bytes -p "$TARGET" -o "$DIR/folded"
go
wait_until 30 waits_for_stdin || fail "the process does not go on"
trace_stop
expect_status 0
expect_equal "live bytes" "$(folded_sum "$DIR/folded" ';allocate;step;malloc ')" $((3 * 47 + 2 * 53))
kill -KILL "$TARGET"

# Not followed: one process, whatever it starts.
seen --no-follow -- "$W/script" a17:3 f a19:5
expect_program script "51 3"

# What goes on when the command has ended is traced to its end; the exit status is the command's.
run "${EXACT[@]}" -o "$DIR/seen.pb.gz" -- sh -c "\"$DIR/red\" s700 a23:7 & exit 3"
expect_status 3
expect_err 'sh has ended; 1 process that it started is traced on'
expect_program red "161 7"

# A running process, and what it starts from then on.
target_start sh -c "echo ready; read -r line; \"$DIR/green\" a37:5; exit 0"
trace_start "${EXACT[@]}" --follow -p "$TARGET" -o "$DIR/seen.pb.gz"
go
trace_end
expect_status 0
expect_program green "185 5"

# A row for each process, where they are told apart. Two that have one number, which is used again, are two.
cat >"$DIR/reuse" <<END
for name in red green; do
	echo 40000 >/proc/sys/kernel/ns_last_pid
	"$DIR/\$name" a41:3
done
END
run "${EXACT[@]}" --by process -o "$DIR/seen.pb.gz" -- unshare -p -f --mount-proc bash "$DIR/reuse"
expect_status 0
run report --by process "$DIR/seen.pb.gz"
expect_out '123 B .* red \([0-9]+, inner 40001\)' '123 B .* green \([0-9]+, inner 40001\)'

# A library that is loaded while tracing, with an allocator that was not known: from when its probes are in place.
run "${EXACT[@]}" --alloc-fn 'late_alloc(size=1)' -o "$DIR/seen.pb.gz" -- \
	sh -c "\"$DIR/red\" l$W/late.so s700 a33:7; exit 0"
expect_status 0
run report --by function --ops 1 -f benchfmt "$DIR/seen.pb.gz"
expect_equal "calls by use()" "$(awk '$1 == "BenchmarkFunction/use" { print $3, $5 }' "$DIR/out")" "231 7"

# 200 processes that live for a moment.
run "${EXACT[@]}" -o "$DIR/seen.pb.gz" -- sh -c "for i in $(seq -s ' ' 200); do \"$DIR/red\" a43:2; done; exit 0"
expect_status 0
expect_program red "$((43 * 400)) 400"
run report "$DIR/seen.pb.gz"
expect_out '20[01] processes'

# It does not wait behind what it traces, unless whoever started it chose so; the command runs as it would without it.
nices_at() {	# NICE
	nice -n $(($1 - $(nice))) "$ALLOCTRACE" -o "$DIR/seen.pb.gz" -- \
		sh -c 'cut -d" " -f19 "/proc/$PPID/stat"; nice' 2>"$DIR/err" | tr '\n' ' '
}
expect_equal "nice values of alloctrace and the command" "$(nices_at 0)" "-10 0 "
expect_equal "nice values as chosen" "$(nices_at 5)" "5 5 "

no_probe_left
