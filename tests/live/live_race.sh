#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Threads that free, move and use again each other's blocks at full speed: live = allocated - freed, to the block.
# A hundred million events: RACE_EVENTS=100000000 tests/run 'live/live_race' (three minutes).
# limit: 900
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../heap.sh"
need_root
remember_probes

events=${RACE_EVENTS:-2000000}
timeout -k 5 800 "$ALLOCTRACE" "${EXACT[@]}" --view live -f folded -m calls -o "$DIR/folded" -- "$W/race" 2 "$events" \
	>"$DIR/out" 2>"$DIR/err" </dev/null
STATUS=$?
expect_status 0
expect_heap "$DIR/folded" "$DIR/out" live calls
[[ $(awk '$1 == "events" { print $2 }' "$DIR/out") -ge $events ]] || fail "too few events"

# More threads than processors, bytes, and attached.
run "${EXACT[@]}" --view live -f folded -m bytes -o "$DIR/folded" -- "$W/race" 7 500000
expect_status 0
expect_heap "$DIR/folded" "$DIR/out" live bytes
target_start "$W/race" -w 3 500000
trace_start "${EXACT[@]}" --view alloc -f folded -m bytes -p "$TARGET" -o "$DIR/folded"
go
target_end
expect_status 0
trace_end
expect_status 0
expect_heap "$DIR/folded" "$DIR/target.$N_TARGETS" alloc bytes
no_probe_left
