#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 180
# "Nothing was recorded" says why: what the target did meanwhile, or where the kernel places no probe.
. "$(dirname "$0")/../lib.sh"
need_root
need gcc python3
remember_probes
cd "$DIR" || exit 1

nothing() {	# REGEX PID
	run -d 600ms -p "$2"
	expect_status 3
	expect_err "nothing was recorded: .*$1"
}

sleep 100 &
BACKGROUND+=($!)
SLEEPER=$!
wait_until 5 grep -q 'sleep' "/proc/$SLEEPER/comm"
nothing 'it slept all the time' "$SLEEPER"

cat >spin.c <<'C'
int main(void) { for (volatile unsigned long i = 0;; i++); }
C
gcc -O1 -o spin spin.c || fail gcc
./spin &
SPINNER=$!
BACKGROUND+=("$SPINNER")
wait_until 5 grep -qx spin "/proc/$SPINNER/comm"
nothing 'it used [0-9.]+ m?s of CPU time, and called none of the [0-9]+ probed functions' "$SPINNER"
kill -STOP "$SPINNER"
nothing 'it was stopped all the time' "$SPINNER"
kill -KILL "$SPINNER"

# A shell that waits for who does the work.
cat >parent.c <<'C'
#include <sys/wait.h>
#include <unistd.h>
int main(void)
{
	if (!fork())
		execl("./spin", "./spin", (char *)0);
	wait(0);
	return 0;
}
C
gcc -O1 -o parent parent.c || fail gcc
./parent &
PARENT=$!
BACKGROUND+=("$PARENT")
wait_until 5 pgrep -P "$PARENT" -x spin >/dev/null
CHILD=$(pgrep -P "$PARENT")
BACKGROUND+=("$CHILD")
nothing "its children did the work.*spin $CHILD" "$PARENT"
kill -KILL "$CHILD"

# Said as well of what was launched, and beside what was recorded; not of a child that does little.
cat >worker.c <<'C'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	free(malloc(argc));
	if (!fork()) {
		for (volatile unsigned long i = 0; argc > 1 && i < 200000000; i++)
			;
		_exit(0);
	}
	wait(0);
	return 0;
}
C
gcc -O1 -fno-builtin -o worker worker.c || fail gcc
run --no-follow -o table -- ./worker busy
expect_status 0
expect_one_error 'its children did the work; .* not traced \([0-9.]+ m?s of CPU time\)$'
run -q --no-follow -o table -- ./worker busy
expect_equal "what -q says" "$(wc -c <"$DIR/err")" 0
run --no-follow -o table -- ./worker
expect_equal "what is said of little" "$(wc -c <"$DIR/err")" 0
run -d 1 --no-follow -o table -- sh -c './worker & exec sleep 2'
expect_equal "what is said of a child that does little" "$(wc -c <"$DIR/err")" 0

target_start "$W/primes" -w
trace_start "${EXACT[@]}" --min-size 1G -p "$TARGET" -o "$DIR/table"
go
trace_end
expect_status 3
expect_err 'nothing was recorded: the target made no allocation of that size'

# --- text that is mapped writable

cat >rwx.c <<'C'
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	char c;

	(void)argv;
	if (argc > 1 && write(1, "ready\n", 6) == 6)
		while (read(0, &c, 1) == 1 && c != '\n')
			;
	for (int i = 0; i < 1000; i++)
		free(malloc(100));
	return 0;
}
C
gcc -O1 -fno-builtin -static -o rwx rwx.c || fail gcc
python3 - rwx <<'P'
import struct, sys
f = open(sys.argv[1], 'r+b')
h = f.read(64)
off, = struct.unpack_from('<Q', h, 32)
size, n = struct.unpack_from('<HH', h, 54)
for i in range(n):
    f.seek(off + i * size)
    kind, flags = struct.unpack('<II', f.read(8))
    if kind == 1 and flags & 1:
        f.seek(off + i * size + 4)
        f.write(struct.pack('<I', flags | 2))
P
run "${EXACT[@]}" -- ./rwx
expect_status 1
expect_one_error 'rwx: its text is mapped writable, where the kernel cannot attach probes'
target_start ./rwx -w
run -d 1 -p "$TARGET"
expect_status 1
expect_one_error 'rwx: its text is mapped writable, where the kernel cannot attach probes'
run check -p "$TARGET"
expect_status 1
expect_out 'no: its text is mapped writable'
go

if command -v valgrind >/dev/null; then
	valgrind -q --tool=none sleep 100 2>/dev/null &
	GRIND=$!
	BACKGROUND+=("$GRIND")
	sleep 4
	run -d 600ms -p "$GRIND"
	if [[ $STATUS -eq 3 ]]; then
		expect_err 'it runs under valgrind'
	fi
fi
no_probe_left
