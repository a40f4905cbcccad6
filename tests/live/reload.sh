#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 300
# Libraries that take each other's place at one address: each stack is walked by the rules of the file that was there
# then, and named after it, whether alloctrace has heard of it or not.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

expect_turns() {	# WHAT ROUNDS
	local site callers='^reloader;_start;.*;main;load_and_run;run_plugin;run'

	for site in site_a site_b; do
		expect_equal "$1: calls of $site" "$(folded_sum "$DIR/folded" ";$site;malloc ")" $(($2 / 2))
		expect_equal "$1: with the right callers" \
			"$(folded_sum "$DIR/folded" "$callers;$site;malloc ")" $(($2 / 2))
	done
	expect_equal "$1: truncated" "$(grep -c truncated "$DIR/folded")" 0
}

again() {	# MOST ROUNDS
	[[ $(sed -n 's/^again //p' "$DIR/target.$N_TARGETS") -ge $1 ]] ||
		skip "they are loaded at other addresses here: $(tail -1 "$DIR/target.$N_TARGETS")"
}

reload() {	# WHAT ROUNDS freeze|run ARGS...
	local what=$1 rounds=$2 freeze=$3

	shift 3
	target_start "$W/reloader" -w "$@"
	trace_start "${EXACT[@]}" -m calls -f folded -o "$DIR/folded" -p "$TARGET"
	[[ $freeze == run ]] || trace_freeze
	go
	wait_until 60 grep -q again "$DIR/target.$N_TARGETS" || fail "$what: the target is not done"
	kill -CONT "$TRACE"
	target_end
	trace_end
	expect_status 0
	again $((rounds * 9 / 10))
	expect_turns "$what" "$rounds"
}

reload "in turns" 4000 run turns 4000 "$W/reloaded_a.so" "$W/reloaded_b.so"
reload "alloctrace stopped" 400 freeze turns 400 "$W/reloaded_a.so" "$W/reloaded_b.so"
reload "mapping threads" 1000 run turns 1000 "$W/reloaded_a.so" "$W/reloaded_b.so" 2

# Of what was rewritten in place nothing can be told any more but that it was called; by whom, if its rules were read
# before. Only the last one still has its names.
rounds=12
target_start "$W/reloader" -w rewrite $rounds "$W/reloaded_a.so" "$W/reloaded_b.so" "$DIR/rewritten.so"
trace_start "${EXACT[@]}" --min-size 101 --max-size 211 -m calls -f folded -o "$DIR/folded" -p "$TARGET"
go
target_end
trace_end
expect_status 0
again $((rounds * 9 / 10))
rewritten='rewritten.so\+0x[0-9a-f]+'
whole=$(folded_sum "$DIR/folded" ";main;load_and_run;run_plugin;(run|$rewritten);(site_b|$rewritten);malloc ")
broken=$(folded_sum "$DIR/folded" "^reloader;\\[truncated[^;]*;(\\[unknown\\]|$rewritten)[^;]*;malloc ")
expect_equal "rewritten: of an earlier one" "$(grep -c site_a "$DIR/folded")" 0
expect_equal "rewritten: calls" $((whole + broken)) $rounds
[[ $whole -ge $((rounds / 4)) ]] || fail "rewritten: $whole of $rounds stacks are whole"
no_probe_left
