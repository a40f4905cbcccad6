#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 240
# 20,000 mapped files that have no name any more: a bounded number is kept open, the rest is said to be left out, and
# every call is counted.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

# Half of what may be open: 16,384, or three quarters of the limit.
files=20000 kept=8192 quarter=$(ulimit -Hn)
if [[ $quarter != unlimited && $quarter -lt 21845 ]]; then
	quarter=$((quarter / 4))
	kept=$((quarter * 3 / 2))
fi
mkdir "$DIR/copies"
target_start "$W/manymaps" -w -u $files "$W/reloaded_a.so" "$DIR/copies"
trace_start "${EXACT[@]}" -m calls -f folded -o "$DIR/folded" -p "$TARGET"
open=$(find "/proc/$TRACE/fd" -lname "$DIR/copies/*" | wc -l)
[[ $open -eq $kept ]] || fail "$open files are kept open"
go
target_end
trace_end 60
expect_status 0
expect_err "copies/[0-9]+.so: not read: at most [0-9]+ files are kept open, and $kept or 1024 MiB" \
	"^not seen +$((files - kept)) mapped files: too many"
expect_equal "calls" "$(folded_sum "$DIR/folded" '^manymaps;.*;malloc ')" $files
no_probe_left
