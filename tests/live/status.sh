#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Exit status: 0 done, 1 failed, 2 usage, 3 nothing was recorded, 4 incomplete (tests/live/stacks.sh).
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

target_start "$W/hold" true
run -d 300ms -p "$TARGET"
expect_status 3
[[ $(wc -l <"$DIR/err") -ge 1 ]] || fail "it does not say that nothing was recorded"

# Everything filtered away is nothing recorded, too.
target_start "$W/primes" -w
trace_start --min-size 1G -p "$TARGET" -o "$DIR/table"
go
trace_end
expect_status 3

run -p 999999999
expect_status 1
run --no-such-option
expect_status 2

# A target that ends at once, and one that ends before anything is attached.
run -o "$DIR/table" -- true
expect_status 0
run -o "$DIR/table" -- false
expect_status 1
no_probe_left
