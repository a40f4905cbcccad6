#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Where the report goes: a file is written whole or not at all, and a reader that goes away ends the run quietly.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes
out=$DIR/d
mkdir "$out"

# | head
target_start "$W/stacks" -w 10000 3
"$ALLOCTRACE" "${EXACT[@]}" -f folded -p "$TARGET" 2>"$DIR/err" </dev/null > >(head -1 >"$DIR/out") &
TRACE=$!
BACKGROUND+=("$TRACE")
wait_until 20 trace_attached || fail "no probes in place"
go
target_end
trace_end
expect_status 0
[[ ! -s $DIR/err ]] || fail "it is not quiet when the reader goes away"
wait_until 5 test -s "$DIR/out" || fail "nothing came through the pipe"

# %p, %t, %h, %%.
"$ALLOCTRACE" -q "${EXACT[@]}" -f folded -o "$out/%h-%p-%t-%%.txt" -- "$W/primes" >"$DIR/out" 2>"$DIR/err" ||
	fail "exit status $?"
name=$(ls "$out")
[[ $name =~ ^"$(uname -n)"-[0-9]+-[0-9]{8}T[0-9]{6}-%\.txt$ ]] || fail "name is '$name'"
expect_primes "$out/$name" "$DIR/out" bytes
rm "$out/$name"
run -o "$out/%x" -- "$W/primes"
expect_status 2
expect_err '%x'
expect_files "$out"

# An old file is replaced only by a whole new one, keeps its name, and nothing else is left.
echo old >"$out/report"
run "${EXACT[@]}" -f folded -o "$out/report" -- "$W/primes"
expect_status 0
expect_primes "$out/report" "$DIR/out" bytes
expect_files "$out" report

# A directory that is not there or cannot be written: said before CMD is started.
for bad in "$DIR/nowhere/report" /proc/report "$DIR"; do
	run -o "$bad" -- touch "$DIR/started"
	expect_status 1
	expect_one_error "$bad"
	[[ ! -e $DIR/started ]] || fail "CMD was started although -o $bad cannot work"
done

# A full disk: an error, no file, no temporary file; the old file is as it was.
mkdir "$DIR/full"
mount -t tmpfs -o size=16k tmpfs "$DIR/full"
echo old >"$DIR/full/report"
run "${EXACT[@]}" -f folded -o "$DIR/full/report" -- "$W/stacks" 3000 2
expect_status 1
expect_err '^alloctrace: .*full/report.*No space left'
expect_equal "the old file" "$(cat "$DIR/full/report")" old
expect_files "$DIR/full" report
run "${EXACT[@]}" -f folded -o "$DIR/full/other" -- "$W/stacks" 3000 2
expect_status 1
expect_files "$DIR/full" report
umount "$DIR/full"

# The same on stdout: /dev/full.
target_start "$W/primes" -w
"$ALLOCTRACE" "${EXACT[@]}" -f folded -p "$TARGET" >/dev/full 2>"$DIR/err" </dev/null &
TRACE=$!
BACKGROUND+=("$TRACE")
wait_until 20 trace_attached || fail "no probes in place"
go
target_end
trace_end
expect_status 1
expect_err 'No space left'

# Not a regular file: written directly.
run "${EXACT[@]}" -f folded -o /dev/stdout -- "$W/hold" sort /dev/null
expect_status 0
mkfifo "$DIR/pipe"
cat "$DIR/pipe" >"$DIR/read" &
run "${EXACT[@]}" -f folded -o "$DIR/pipe" -- "$W/primes"
expect_status 0
expect_primes "$DIR/read" "$DIR/out" bytes
no_probe_left
