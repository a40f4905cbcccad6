#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 240
# Code in memory that is not the file's: hooks of many forms, a debugger's breakpoint. The target lives, while it is
# traced and after, its hooks are called as often as before; functions that are not changed are counted exactly.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

# A libc of its own: when another tracer takes its probe out of malloc in the system's, the kernel removes the
# breakpoint from every process that has had probes, the debugger's too.
mkdir "$DIR/lib"
cp "$LIBDIR/libc.so.6" "$DIR/lib"
hook_start() {	# ARGS...
	target_start env LD_LIBRARY_PATH="$DIR/lib" "$W/hook" "$@"
}

REPLACED='calls of [0-9]* ms, while its probes were replaced'
FOUND='is not probed: its code in memory differs from the file'

said_done() {	# TIMES
	[[ $(grep -c '^done' "$DIR/target.$N_TARGETS") -ge $1 ]]
}

# Of the target's first work.
expect_counted() {	# FUNCTION...
	awk '/^use_/ && !seen[$1]++' "$DIR/target.$N_TARGETS" >"$DIR/want"
	expect_functions "$DIR/folded" "$DIR/want" bytes "$@"
}

# Ends the target; it worked once while it was traced, and works once more.
target_works_on() {
	go
	target_end
	expect_status 0
	said_done 2 || fail "the target did not come to its end: $(cat "$DIR/target.$N_TARGETS")"
}

for how in multi perf; do
	for form in jump absolute register push short call int3 memory; do
		# What is found does not depend on how probes are attached.
		[[ $how == multi || $form == jump || $form == int3 ]] || continue
		hook_start $form malloc
		trace_start "${EXACT[@]}" --attach $how -f folded -p "$TARGET" -o "$DIR/folded"
		go
		wait_until 10 said_done 1 ||
			fail "$form, $how: the target does not work: $(cat "$DIR/target.$N_TARGETS")"
		trace_stop
		expect_status 0
		case $form in
		int3) expect_err "malloc of .*libc.so.6 $FOUND: a breakpoint\$" ;;
		call) expect_err "malloc of .*libc.so.6 $FOUND: a call to 0x" ;;
		*) expect_err "malloc of .*libc.so.6 $FOUND: a jump to hook\\+0x[0-9a-f]+\$" ;;
		esac
		expect_counted use_calloc
		expect_equal "bytes of use_malloc" "$(folded_sum "$DIR/folded" ';use_malloc;')" 0
		target_works_on
	done
done

# What is changed behind the site is nothing to the probe.
hook_start middle malloc
trace_start "${EXACT[@]}" -f folded -p "$TARGET" -o "$DIR/folded"
go
wait_until 10 said_done 1 || fail "middle: the target does not work"
trace_stop
expect_counted use_malloc use_calloc
! grep -q "$FOUND" "$DIR/err" || fail "a change behind the site counts as one at it"
target_works_on

# A page of the library is anonymous memory, where the kernel places no breakpoint and reports no error.
page_of() { nm -D "$DIR/lib/libc.so.6" | sed -n "s/^0*\([0-9a-f]*\)[0-9a-f]\{3\} [TW] $1@.*/\1/p"; }
hook_start moved malloc
trace_start "${EXACT[@]}" -f folded -p "$TARGET" -o "$DIR/folded"
go
wait_until 10 said_done 1 || fail "moved: the target does not work"
trace_stop
expect_err "malloc of .*libc.so.6 $FOUND: not mapped from the file\$"
[[ $(page_of malloc) == "$(page_of calloc)" ]] || expect_counted use_calloc
target_works_on

# A free that is changed matters to live views alone.
hook_start jump free
run -d 0.1 --view live -p "$TARGET"
expect_status 1
expect_err "live-heap views require a probe on free; use --view alloc"
trace_start "${EXACT[@]}" -f folded -p "$TARGET" -o "$DIR/folded"
go
wait_until 10 said_done 1 || fail "free: the target does not work"
trace_stop
expect_status 0
expect_counted use_malloc use_calloc
target_works_on

# check -p shows it.
hook_start absolute malloc calloc
run check -p "$TARGET"
expect_status 0
expect_out '^ *malloc  .*not probed: its code in memory differs .*: a jump to hook' '^ *calloc  .*not probed' \
	'^ *realloc  .*emulated'
go; wait_until 10 said_done 1; target_works_on

# Nothing is left: refused.
hook_start jump malloc calloc free all
run -d 0.1 -p "$TARGET"
expect_status 1
expect_err 'no allocator function can be probed safely'
go; wait_until 10 said_done 1; target_works_on

# A hook that comes while probes are there, and writes over them: they go once something is mapped.
for how in multi perf; do
	hook_start -l memory malloc
	trace_start "${EXACT[@]}" --attach $how -f folded -p "$TARGET" -o "$DIR/folded"
	go
	wait_until 10 grep -q "$FOUND" "$DIR/err" || fail "$how: a hook that comes late is not noticed"
	wait_until 10 grep -q "$REPLACED" "$DIR/err" || fail "$how: the other probes do not come back"
	go
	wait_until 10 said_done 1 || fail "late, $how: the target does not work: $(cat "$DIR/target.$N_TARGETS")"
	trace_stop
	expect_status 0
	expect_err "^ *not seen .*$REPLACED"
	expect_counted use_calloc
	target_works_on
done

# Probes that come and go (--max-overhead) come back to a function that was hooked meanwhile no more.
cat >"$DIR/busy.c" <<'END'
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
static char arena[64];
static void *mine(size_t n) { (void)n; return arena; }
int main(void)
{
	time_t end = time(0) + 10;
	void *at = dlsym(RTLD_DEFAULT, "malloc"), *to = mine;
	unsigned char code[14] = "\xff\x25\0\0\0";
	int fd = open("/proc/self/mem", O_RDWR), patched = 0;

	memcpy(code + 6, &to, 8);
	write(1, "ready\n", 6);
	while (time(0) < end) {
		if (!patched && time(0) > end - 8)
			patched = pwrite(fd, code, 14, (long)at) == 14;
		for (int i = 0; i < 1000; i++) {
			void *p = malloc(10);

			/* Or the compiler knows that malloc returns no array. */
			__asm__ volatile("" : "+r"(p));
			if (patched && p != arena)
				return 1;
			if (!patched)
				free(p);
			free(calloc(1, 10));
		}
	}
	return write(1, "done\n", 5) != 5;
}
END
gcc -O1 -fno-builtin "$DIR/busy.c" -o "$DIR/busy" || fail "a program can't be built"
target_start env LD_LIBRARY_PATH="$DIR/lib" "$DIR/busy"
trace_start --max-overhead 5 -p "$TARGET" -o "$DIR/table"
target_end
expect_status 0
trace_end
expect_err "malloc of .*libc.so.6 $FOUND: a jump to busy"
expect_equal "lines that say so" "$(grep -c "$FOUND" "$DIR/err")" 1

# A debugger's breakpoint: that function is left to it, before and after.
need gdb
for how in multi perf; do
	hook_start middle malloc
	mkfifo "$DIR/gdb.$how"
	gdb -q -nx -p "$TARGET" <"$DIR/gdb.$how" >"$DIR/gdb.out.$how" 2>&1 &
	BACKGROUND+=($!)
	debugger=$!
	exec {GDB}>"$DIR/gdb.$how"
	# The breakpoint counts, and lets the program go on.
	printf '%s\n' 'set pagination off' 'set $n = 0' 'break *(long)&malloc' commands silent 'set $n = $n + 1' \
		continue end continue >&$GDB
	stopped() {
		grep -q '^State:[[:space:]]*[St] ' "/proc/$TARGET/status" && grep -q Continuing "$DIR/gdb.out.$how"
	}
	wait_until 20 stopped || fail "gdb does not let the target go on: $(tail -3 "$DIR/gdb.out.$how")"
	sleep 0.3
	trace_start "${EXACT[@]}" --attach $how -f folded -p "$TARGET" -o "$DIR/folded"
	go
	wait_until 60 said_done 1 || fail "gdb, $how: the target does not work"
	trace_stop
	expect_status 0
	expect_err "malloc of .*libc.so.6 $FOUND: a breakpoint of the debugger, process $debugger\$"
	expect_counted use_calloc
	go
	wait_until 60 said_done 2 || fail "gdb, $how: the target does not work after the detach"
	printf 'print "last", $n\n' >&$GDB
	exec {GDB}>&-
	wait_until 20 is_gone "$debugger"
	# Calls of the first work and the second: the breakpoint is still there after the detach.
	wait "$TARGET"
	expect_equal "the target's status" $? 0
	grep -q "= 2018" "$DIR/gdb.out.$how" ||
		fail "the breakpoint was not hit 2018 times: $(tail -3 "$DIR/gdb.out.$how")"
done
no_probe_left
