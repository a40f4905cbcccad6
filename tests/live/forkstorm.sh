#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A target that forks 100 to 500 times a second: its children are rid of the probes, and reports come as they should.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

# A copy of the C library: what is done to its probes is done with all processes that have it.
cp "$LIBDIR/libc.so.6" "$DIR"
storm() { target_start env LD_LIBRARY_PATH="$DIR" "$W/forks" -w "$@" "$DIR/libc.so.6"; }

# The children do nothing for 5 s, and look in the end whether their code is the file's.
mkdir "$DIR/r"
storm 100 3 5000
trace_start "${EXACT[@]}" --attach multi -i 500ms -f folded -m calls -p "$TARGET" -o "$DIR/r/%t"
go
target_end
trace_end
expect_status 0
expect_equal "children with copies of the probes" "$(awk '$1 == "dirty" { print $2 }' "$DIR/target.1")" 0
mapfile -t reports < <(ls "$DIR/r")
# Names count seconds; it took at least 8.
[[ ${#reports[@]} -ge 6 ]] || fail "${#reports[@]} reports in 8 s, one each 500 ms"
expect_functions "$DIR/r/${reports[-1]}" "$DIR/target.1" calls allocate

# -d ends it, whatever else there is to do: the report says after how long.
storm 500 8 400
trace_start "${EXACT[@]}" -d 5 -p "$TARGET" -o "$DIR/table"
go
trace_end
expect_status 0
grep -Eq ' (4\.[789]|5\.[0-2])[0-9] s' <(head -3 "$DIR/table") || fail "not 5 s: $(head -3 "$DIR/table")"

# So does a signal, as soon as it comes.
storm 500 8 400
trace_start "${EXACT[@]}" -p "$TARGET" -o "$DIR/table"
from=$(date +%s%N)
go
sleep 2
kill -TERM "$TRACE"
ms=$((($(date +%s%N) - from) / 1000000))
trace_end
expect_status 0
said=$(sed -nE '1s/.* ([0-9.]+) s$/\1/p' "$DIR/table")
awk -v said="$said" -v ms="$ms" 'BEGIN { exit !(said >= 2 && said <= ms / 1000 + 1) }' ||
	fail "SIGTERM after $ms ms, tracing ended after $said s"
no_probe_left
