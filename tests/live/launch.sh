#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Launching: through shells and env, with what goes in and out of CMD passed through.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

primes() {	# CMD...: traces it; primes runs somewhere in it, under the same pid
	run "${EXACT[@]}" -f folded -o "$DIR/folded" -- "$@"
	expect_status 0
	expect_primes "$DIR/folded" "$DIR/out" bytes "primes[a-z-]*"
}

primes "$W/primes"
primes bash -c "$W/primes"	# which execs it
primes sh -c "exec $W/primes"
primes env A=b "$W/primes"
primes env -i "$W/primes"
primes bash -c "exec $W/primes 3"
primes setarch -R "$W/primes"
# Another libc than the one that the shell had.
primes sh -c "exec $W/primes-static"
primes sh -c "exec $W/primes-musl"
primes env LD_PRELOAD="$LIBDIR/libjemalloc.so.2" "$W/primes"
(cd "$W" && PATH=$PWD:$PATH && primes primes) || exit 1	# found in PATH
(cd "$W" && primes ./primes) || exit 1

# Options end at CMD: what follows is CMD's, with or without "--".
run "${EXACT[@]}" -f folded -o "$DIR/folded" "$W/primes" -w </dev/null
expect_status 0
expect_out '^ready$'

# stdin and stdout.
printf 'b\na\n' | "$ALLOCTRACE" -q -o /dev/null -- sort >"$DIR/out" 2>"$DIR/err"
expect_equal "what sort said" "$(tr '\n' ' ' <"$DIR/out")" "a b "
[[ ! -s $DIR/err ]] || fail "-q -o: stderr is not empty"

# Without -o the report goes to stderr, so that CMD's stdout stays CMD's.
run -- "$W/primes"
expect_status 0
expect_equal "lines on stdout" "$(wc -l <"$DIR/out")" "$("$W/primes" | wc -l)"
expect_err 'use_malloc'

# Open files: CMD has those that alloctrace had, and none of alloctrace's.
run -o /dev/null -- sh -c 'ls -l /proc/self/fd; :'
expect_status 0
! grep -Eq 'bpf|perf_event|pidfd|eventpoll' "$DIR/out" || fail "CMD inherited alloctrace's files"

# Exit status and signals.
run -o /dev/null -- sh -c 'exit 7'
expect_status 7
run -o /dev/null -- sh -c 'kill -TERM $$'
expect_status 143
run -o /dev/null -- sh -c 'kill -KILL $$'
expect_status 137
# CMD may allocate nothing at all: its own status still counts.
run -o /dev/null -- "$W/hold" true
expect_status 0

# The environment and the signal mask and dispositions are as without alloctrace.
env -i PATH="$PATH" X=1 env >"$DIR/plain"
env -i PATH="$PATH" X=1 "$ALLOCTRACE" -q -o /dev/null -- env >"$DIR/traced"
cmp -s "$DIR/plain" "$DIR/traced" || fail "the environment differs: $(diff "$DIR/plain" "$DIR/traced")"
grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status >"$DIR/plain"
"$ALLOCTRACE" -q -o /dev/null -- grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status >"$DIR/traced"
cmp -s "$DIR/plain" "$DIR/traced" || fail "signals differ: $(diff "$DIR/plain" "$DIR/traced")"
no_probe_left
