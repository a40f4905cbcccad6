#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 300
# Others put probes on the same functions of the same file, in another process, and take them out again, all the time:
# exact counts each time. When the kernel unregisters a uprobe it removes its breakpoint from each process where no
# consumer is left that wants it (register_for_each_vma() and filter_chain(), kernel/events/uprobes.c): ours stay.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../heap.sh"
need_root
remember_probes

RUNS=${RUNS:-2}
"$W/race" -f 1 >/dev/null &
other=$!
BACKGROUND+=("$other")

# Others, each in a loop until $DIR/stop is there; how often they came to their end in $DIR/NAME.
disturb() {	# NAME COMMAND...
	local name=$1

	shift
	while [[ ! -e $DIR/stop ]]; do
		timeout -k 5 20 "$@" >/dev/null 2>&1 </dev/null && echo >>"$DIR/$name"
	done &
	BACKGROUND+=($!)
}

libc=$(realpath "$LIBDIR/libc.so.6")
disturb multi "$ALLOCTRACE" "${EXACT[@]}" --view live -d 0.02 -p $other
disturb perf "$ALLOCTRACE" "${EXACT[@]}" --attach perf --view live -d 0.02 -p $other
probes="uprobe:$libc:malloc, uprobe:$libc:free, uretprobe:$libc:malloc { @ = count(); } interval:ms:50 { exit(); }"
if command -v bpftrace >/dev/null; then disturb bpftrace bpftrace -p $other -e "$probes"; fi
wait_until 30 test -s "$DIR/multi" -a -s "$DIR/perf" || fail "nobody attaches to the other process"

expect_disturbed() {	# N: as often at least, by those
	local name

	for name in multi perf; do
		[[ $(wc -l <"$DIR/$name") -ge $1 ]] || fail "$name: attached $(wc -l <"$DIR/$name") times in all"
	done
}

# A program that takes a moment, launched and attached to.
for _ in $(seq "$RUNS"); do
	for how in multi perf; do
		run -v "${EXACT[@]}" --attach $how --view live -m calls -f folded -o "$DIR/folded" -- "$W/race" 1 100000
		expect_status 0
		expect_heap "$DIR/folded" "$DIR/out" live calls
		expect_account "$DIR/err"
		target_start "$W/race" -w 1 100000
		trace_start "${EXACT[@]}" --attach $how --view alloc -m calls -f folded -p "$TARGET" -o "$DIR/folded"
		go
		target_end
		trace_end
		expect_status 0
		expect_heap "$DIR/folded" "$DIR/target.$N_TARGETS" alloc calls
	done
done
# A short one, which the others meet while its probes are put in place.
calls=
for _ in $(seq $((RUNS * 3))); do
	run -v "${EXACT[@]}" -f folded -m calls -o "$DIR/folded" -- sort /etc/passwd
	expect_status 0
	expect_account "$DIR/err" "$calls"
	calls=$(sed -n 's/^account  *\([0-9]*\) calls seen.*/\1/p' "$DIR/err")
done
expect_disturbed 3

touch "$DIR/stop"
kill $other
wait_until 60 is_gone "${BACKGROUND[1]}"

# A child that is not traced by whoever traces its parent loses its copies of the parent's probes; those of an
# alloctrace of its own stay. The one that removes them is kept from it until the other is there.
mkfifo "$DIR/child.go"
target_start bash -c 'echo ready; read; (echo "child $BASHPID"; read <"$1"
	for ((i = 0; i < 2000; i++)); do x="$i $i"; done; echo over) & wait; read' bash "$DIR/child.go"
parent=$TARGET
trace_start "${EXACT[@]}" --view live -p "$parent" -o "$DIR/parent"
parents=$TRACE
mv "$DIR/err" "$DIR/err.parent"
kill -STOP "$parents"
go
wait_until 10 target_said '^child' || fail "no child"
child=$(sed -n 's/^child //p' "$DIR/target.$N_TARGETS")
trace_start "${EXACT[@]}" -f folded -m calls -p "$child" -o "$DIR/folded"
kill -CONT "$parents"
wait_until 10 grep -q "process $child, forked by $parent, is not traced" "$DIR/err.parent" ||
	fail "the parent's tracer does not clean the child: $(cat "$DIR/err.parent")"
sleep 0.3
echo >"$DIR/child.go"
wait_until 20 target_said '^over' || fail "the child does not come to its end"
trace_end
expect_status 0
[[ $(folded_sum "$DIR/folded") -ge 2000 ]] || fail "$(folded_sum "$DIR/folded") calls of the child"
kill -KILL "$parent"
TRACE=$parents
trace_end
no_probe_left
