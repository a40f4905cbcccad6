#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Targets that cannot be traced, and rights that are missing: one line that says what to do, and nothing left behind.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

refused() {	# REGEX ARGS...
	local re=$1

	shift
	run "$@"
	expect_status 1
	expect_one_error "$re"
}

refused '999999999' -p 999999999
refused 'kernel thread' -p 2
refused 'no-such-name-9' -p no-such-name-9

if "$W/tiny32" </dev/null >/dev/null 2>&1; then	# a kernel may run no 32-bit programs
	target_start "$W/tiny32"
	refused '32-bit' -p "$TARGET"
	run -- "$W/tiny32"
	expect_status 1
	expect_err '32-bit'
fi

# A zombie.
sh -c 'sleep 0 & exec sleep 30' &
BACKGROUND+=($!)
zombie=
find_zombie() { zombie=$(pgrep -P "$!" -r Z | head -1); [[ -n $zombie ]]; }
if wait_until 5 find_zombie; then
	refused "$zombie" -p "$zombie"
fi

# A thread's id that is not the process's.
target_start "$W/primes" -w 2
thread=$(find "/proc/$TARGET/task" -mindepth 1 -maxdepth 1 -printf '%f\n' | grep -vx "$TARGET")
refused "$TARGET" -p "$thread"

# A static binary without symbols has nothing to probe.
target_start "$W/primes-static-stripped" -w
refused '(no|not).*(allocat|symbol)' -p "$TARGET"
go

# CMD.
refused 'no-such-command-9' -- no-such-command-9
refused '/no/such/file' -- /no/such/file
touch "$DIR/plain"
refused "$DIR/plain" -- "$DIR/plain"
refused "$DIR" -- "$DIR"

# Without rights: another user's process, and one's own.
need setpriv
chmod 755 "$DIR"
cp "$ALLOCTRACE" "$DIR/alloctrace"
unprivileged() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$DIR/alloctrace" "$@" >"$DIR/out" 2>"$DIR/err" </dev/null
	STATUS=$?
}
target_start "$W/primes" -w
unprivileged -p "$TARGET"
expect_status 1
expect_one_error 'sudo|root|CAP_'
cp "$W/hold" "$DIR/hold"
unprivileged -- "$DIR/hold" true
expect_status 1
expect_one_error 'sudo|root|CAP_'

# Root without CAP_BPF and CAP_SYS_ADMIN.
setpriv --bounding-set -bpf,-sys_admin --inh-caps -bpf,-sys_admin "$ALLOCTRACE" -p "$TARGET" \
	>"$DIR/out" 2>"$DIR/err" </dev/null
STATUS=$?
expect_status 1
expect_one_error 'CAP_|privilege|root'

# A kernel without BTF.
if unshare -m true 2>/dev/null; then
	mkdir "$DIR/empty"
	unshare -m sh -c 'mount --bind "$1" /sys/kernel/btf && shift && exec "$@"' sh "$DIR/empty" "$ALLOCTRACE" \
		 -p "$TARGET" >"$DIR/out" 2>"$DIR/err" </dev/null
	STATUS=$?
	expect_status 1
	expect_one_error 'BTF'
fi
go
no_probe_left
