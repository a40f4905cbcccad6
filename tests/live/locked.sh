#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A program that changes its mappings all the time: the kernel does not say what is mapped while it does. Stacks are
# whole all the same, also where nobody takes away what is sent.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

files=20 rounds=3
mkdir "$DIR/copies"
target_start "$W/manymaps" -w -l $files "$W/reloaded_a.so" "$DIR/copies" $rounds
trace_start "${EXACT[@]}" -m calls -f folded -o "$DIR/folded" -p "$TARGET"
trace_freeze
go
target_end
kill -CONT "$TRACE"
trace_end
expect_status 0
expect_equal "calls with whole stacks" \
	"$(folded_sum "$DIR/folded" '^manymaps;clone3;start_thread;call_all_there;call_all;run_mapped;malloc ')" \
	$((files * rounds))
expect_equal "truncated" "$(grep -c truncated "$DIR/folded")" 0
no_probe_left
