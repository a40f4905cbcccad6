#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A launched command that cannot be held until its probes are in place: what is not seen is in the summary, and all that
# comes later is counted.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes
mkfifo "$DIR/stdin"
exec 9<>"$DIR/stdin"

launch() {	# ARGS...
	# What the last one said is not to be taken for this one's.
	rm -f "$DIR/out"
	"$ALLOCTRACE" "${EXACT[@]}" -f folded -o "$DIR/folded" "$@" >"$DIR/out" 2>"$DIR/err" <"$DIR/stdin" &
	TRACE=$!
	BACKGROUND+=("$TRACE")
	wait_until 20 grep -q ready "$DIR/out" || fail "the command does not start"
}

expect_late() {	# WHY
	wait_until 10 grep -q "$1" "$DIR/err" || fail "not said: $1"
	# The probes of the last stop that was missed.
	sleep 1
	echo >&9
	trace_end
	expect_status 0
	expect_err "^not seen +first calls of process [0-9]+: $1"
	expect_primes "$DIR/folded" "$DIR/out" bytes
}

# No such signal: the kernel refuses to send it.
launch --hold-signal 1000 -- "$W/primes" -w
expect_late 'the kernel could not stop it'

# The kernel takes no probe where its loader has mapped the libraries.
loader=$(basename "$(readlink -f /lib64/ld-linux-x86-64.so.2)")
for how in multi perf; do
	REFUSED_FILE=$loader LD_PRELOAD=$W/refused.so launch --attach $how -- "$W/primes" -w
	expect_late "it cannot be held where $loader has mapped its libraries"
done

# It ends before its probes are there.
run --hold-signal 1000 -o /dev/null -- "$W/hold" true
expect_err 'first calls of process [0-9]+: the kernel could not stop it'

# Whenever it is stopped, somebody else continues it, before alloctrace can look.
is_stopped() { [[ $(awk '{ print $3 }' "/proc/$child/stat") == T ]]; }
# shellcheck disable=SC2016 # for the inner shell
launch -- sh -c 'echo ready; read -r line; echo go; exec "$0" -w' "$W/primes"
child=$(pgrep -P "$TRACE" -x sh)
trace_freeze
echo >&9
for _ in exec libraries loaded; do
	wait_until 5 is_stopped || fail "the command is not stopped at its exec"
	kill -CONT "$child"
done
went_on() { sed 1d "$DIR/out" | grep -q ready; }
wait_until 10 went_on || fail "the command does not go on"
kill -CONT "$TRACE"
expect_late 'it was continued from outside'

# Held as it should be, there is nothing to say.
run "${EXACT[@]}" -f folded -o "$DIR/folded" -- "$W/primes"
expect_status 0
expect_primes "$DIR/folded" "$DIR/out" bytes
! grep -q 'not seen' "$DIR/err" || fail "something is said to be not seen"
no_probe_left
