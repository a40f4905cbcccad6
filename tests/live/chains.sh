#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 110,000 stacks of made-up callers, of which no two are alike: memory stays below its bound, and what finds no room is
# counted. Naming has a bound in time.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

calls=110000
/usr/bin/time -f '%M' -o "$DIR/kib" timeout 90 "$ALLOCTRACE" "${EXACT[@]}" --max-memory 200M -m calls -f folded \
	-o "$DIR/folded" -- "$W/chains" $calls >"$DIR/out" 2>"$DIR/err" </dev/null
STATUS=$?
expect_status 0
expect_equal "calls" "$(folded_sum "$DIR/folded")" $calls
lost=$(folded_sum "$DIR/folded" '^chains;\[stack not delivered\] ')
[[ $lost -gt 0 && $lost -lt $calls ]] || fail "$lost of $calls calls have no stack"
expect_err 'stacks: --max-memory, 200 MiB, is exhausted' \
	'^lost .*no memory left for stacks \(--max-memory\)' '^unnamed .*no memory left \(--max-memory\)'
[[ $(tail -1 "$DIR/kib") -lt $((200 << 10)) ]] || fail "it took $(tail -1 "$DIR/kib") KiB"

run "${EXACT[@]}" --max-naming 1ms -m calls -f folded -o "$DIR/folded" -- "$W/chains" 3000
expect_status 0
expect_equal "calls" "$(folded_sum "$DIR/folded")" 3000
expect_err 'symbol lookup exceeded --max-naming' '^unnamed .*no time left \(--max-naming\)'
no_probe_left
