#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A target has mapped a file whose file system does not answer any more. What is there has no probes and no names; all
# the rest goes on, and ends when it should.
. "$(dirname "$0")/../lib.sh"
need_root
need /dev/fuse
remember_probes

# Mounted anew each time, in another place: MNT.
hangfs_start() {	# FILE
	local said

	MNT=$(mktemp -d "$DIR/mnt.XXXXXX")
	said=$MNT.says
	"$W/hangfs" "$MNT" "$1" >"$said" 2>&1 &
	HANGFS=$!
	BACKGROUND+=("$HANGFS")
	ready_or_gone() { grep -q ready "$said" || is_gone "$HANGFS"; }
	wait_until 10 ready_or_gone || fail "hangfs is not ready"
	grep -q ready "$said" || skip "cannot mount FUSE: $(cat "$said")"
}

# What waits for it gets an error then.
hangfs_end() {
	kill -TERM "$HANGFS"
	wait_until 10 is_gone "$HANGFS" || fail "hangfs does not end"
	wait "$HANGFS" || fail "hangfs: exit status $?"
	! mountpoint -q "$MNT" || fail "$MNT is still mounted"
}

# It hangs from the start on.
hangfs_start "$W/plugin.so"
target_start env LD_PRELOAD="$MNT/lib.so" "$W/primes" -w
kill -USR1 "$HANGFS"
trace_start "${EXACT[@]}" -f folded -p "$TARGET" -o "$DIR/folded"
expect_err "$MNT/lib.so: its file system does not respond"
go
target_end
trace_end 20
expect_status 0
expect_primes "$DIR/folded" "$DIR/target.$N_TARGETS" bytes
no_probe_left
hangfs_end

# It answered when it was read: its code has names, also when it does not answer any more at the end.
hangfs_start "$W/plugin.so"
target_start env LD_BIND_NOW=1 "$W/dlopener" -w "$MNT/lib.so"
trace_start "${EXACT[@]}" -f folded -p "$TARGET" -o "$DIR/folded"
go
target_end
kill -USR1 "$HANGFS"
trace_end 20
expect_status 0
expect_functions "$DIR/folded" "$DIR/target.$N_TARGETS" bytes
no_probe_left
hangfs_end

# The allocator itself is on it.
hangfs_start "$LIBDIR/libc.so.6"
target_start env LD_PRELOAD="$MNT/lib.so" "$W/primes" -w
trace_start "${EXACT[@]}" -f folded -p "$TARGET" -o "$DIR/folded"
go
target_end
trace_end 20
expect_status 0
expect_primes "$DIR/folded" "$DIR/target.$N_TARGETS" bytes
no_probe_left
hangfs_end
