#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Several processes at once, by pid and by name: each one's numbers under its own name.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

ln -s "$W/primes" "$DIR/seven"
cp "$W/primes" "$DIR/copied"	# another inode: the same code in two files
target_start "$W/primes" -w 2
a=$TARGET
target_start "$DIR/seven" -w 3
b=$TARGET
target_start "$DIR/copied" -w 1
c=$TARGET

trace_start "${EXACT[@]}" -p "$a,seven,$c" -o "$DIR/seen.pb.gz"
for n in 1 2 3; do go $n; done
for pid in $a $b $c; do
	TARGET=$pid
	target_end
	expect_status 0
done
trace_end
expect_status 0
run report -f folded -m calls "$DIR/seen.pb.gz" -o "$DIR/folded"
expect_primes <(grep '^primes;' "$DIR/folded") "$DIR/target.1" calls
expect_primes <(grep '^seven;' "$DIR/folded") "$DIR/target.2" calls seven
expect_primes <(grep '^copied;' "$DIR/folded") "$DIR/target.3" calls copied

# A row for each process, and for each program.
run report --by process --ops 1 -f benchfmt "$DIR/seen.pb.gz"
for n in 1 2 3; do
	pid=$(echo "$a $b $c" | cut -d' ' -f$n)
	expect_equal "calls of process $pid" "$(awk -v pid="($pid)" 'index($1, pid) { print $5 }' "$DIR/out")" \
		"$(total_of "$DIR/target.$n" calls)"
done
run report --by program --ops 1 -f benchfmt "$DIR/seen.pb.gz"
expect_equal "calls of copied" "$(awk '$1 == "BenchmarkProgram/copied" { print $5 }' "$DIR/out")" \
	"$(total_of "$DIR/target.3" calls)"

# Whoever was not named is not traced.
target_start "$W/primes" -w
other=$TARGET
target_start "$W/primes" -w
trace_start "${EXACT[@]}" -f folded -m calls -p "$TARGET" -o "$DIR/folded"
go 4
go 5
target_end
trace_end
expect_equal calls "$(folded_sum "$DIR/folded")" "$(total_of "$DIR/target.5" calls)"
TARGET=$other
target_end

# Of a list, what can't be traced is skipped while anything is left.
sleep 0 &
dead=$!
wait $dead
target_start "$W/primes-static-stripped" -w
bare=$TARGET
target_start "$W/primes" -w
trace_start "${EXACT[@]}" -f folded -m calls -p "$dead,$bare,no-such-name-9,2,$TARGET" -o "$DIR/folded"
go
target_end
trace_end
expect_status 0
expect_primes "$DIR/folded" "$DIR/target.$N_TARGETS" calls
for why in "no such process: $dead" "process $bare .*no allocator function" 'no-such-name-9' 'kernel thread'; do
	expect_err "^alloctrace: skipped: .*$why"
done

# In one of them the kernel takes no probe: the report says so, and has all of the other's calls.
for how in multi perf; do
	target_start "$W/primes" -w
	refused=$TARGET
	target_start "$W/primes" -w
	REFUSED_PID=$refused REFUSED_FILE=libc.so.6 LD_PRELOAD=$W/refused.so \
		trace_start "${EXACT[@]}" --attach $how -f folded -m calls -p "$refused,$TARGET" -o "$DIR/folded"
	go $((N_TARGETS - 1))
	go
	target_end
	trace_end
	expect_status 0
	expect_primes "$DIR/folded" "$DIR/target.$N_TARGETS" calls
	expect_err "^alloctrace: skipped: cannot attach to .*libc.so.6 in process $refused by .*: Cannot allocate" \
		"^not seen +libc.so.6 in process $refused: cannot attach its probes: Cannot allocate memory"
done

# Nothing is left: that is an error.
run -p "$dead,no-such-name-9"
expect_status 1
expect_equal "lines" "$(grep -c '^alloctrace: no ' "$DIR/err")" 2
run -p "$dead,$bare"
expect_status 1
expect_err '^alloctrace: skipped: no such process'
expect_err '^alloctrace: process .*no allocator function'
TARGET=$bare
go 6
no_probe_left
