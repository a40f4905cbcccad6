#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# alloctrace check: features with yes or no and why, and for a target each function, where and at what cost.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

run check
expect_status 0
expect_out uprobe_multi BTF '[0-9]+(\.[0-9]+)? (ns|us)'
[[ $(wc -L <"$DIR/out") -le 200 ]] || fail "lines of $(wc -L <"$DIR/out") columns"

target_start "$W/primes" -w
run check -p "$TARGET"
expect_status 0
for name in malloc calloc realloc posix_memalign; do
	grep -Eq "\\b$name\\b" "$DIR/out" || fail "check -p does not name $name"
done
expect_out 'libc\.so\.6' '%?(rdi|rsi)'
go

for lib in libjemalloc.so.2 libtcmalloc_minimal.so.4 libmimalloc.so.2.0; do
	target_start env LD_PRELOAD="$LIBDIR/$lib" "$W/primes" -w
	run check -p "$TARGET"
	expect_status 0
	expect_out "${lib%%.so*}"
	go
	target_end
done

# Without rights it says what is missing; that is its purpose, not a failure of its own.
if command -v setpriv >/dev/null; then
	chmod 755 "$DIR"
	cp "$ALLOCTRACE" "$DIR/alloctrace"
	setpriv --reuid 65534 --regid 65534 --clear-groups "$DIR/alloctrace" check >"$DIR/out" 2>"$DIR/err" </dev/null
	STATUS=$?
	[[ $STATUS -le 1 ]] || fail "exit status $STATUS without rights"
	expect_out '[Nn]o'
fi
no_probe_left
