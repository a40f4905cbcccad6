#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 180
# 10,000 mapped files with code of their own: every stack is whole, both right after they were mapped and later.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

files=10000
mkdir "$DIR/copies"
target_start "$W/manymaps" -w $files "$W/reloaded_a.so" "$DIR/copies"
trace_start "${EXACT[@]}" -m calls -f folded -o "$DIR/folded" -p "$TARGET"
go
target_end
trace_end
expect_status 0
expect_equal "attached: calls" \
	"$(folded_sum "$DIR/folded" '^manymaps;_start;.*;main;call_all;run_mapped;malloc ')" $files
expect_equal "attached: truncated" "$(grep -c truncated "$DIR/folded")" 0
expect_err "mappings: 100[0-9][0-9] files known to the BPF side, [0-9]+ KiB of kernel memory"

no_probe_left
