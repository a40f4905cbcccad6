#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Libraries that take each other's place at one address: each stack is walked by the rules of the file that was there
# then, and named after it, whether alloctrace has heard of it or not.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

expect_turns() {	# WHAT ROUNDS
	local site

	for site in site_a site_b; do
		expect_equal "$1: calls of $site" "$(folded_sum "$DIR/folded" ";$site;malloc ")" $(($2 / 2))
		expect_equal "$1: with the right callers" \
			"$(folded_sum "$DIR/folded" "^reloader;_start;.*;main;load_and_run;run_plugin;run;$site;malloc ")" \
			$(($2 / 2))
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

for i in 1 2; do
	reload "in turns" 4000 run turns 4000 "$W/reloaded_a.so" "$W/reloaded_b.so"
done
reload "alloctrace stopped" 400 freeze turns 400 "$W/reloaded_a.so" "$W/reloaded_b.so"
reload "mapping threads" 1000 run turns 1000 "$W/reloaded_a.so" "$W/reloaded_b.so" 2
no_probe_left
