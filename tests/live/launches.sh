#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 240
# Commands that are launched four at a time on busy CPUs: each is recorded from its first call on. LAUNCHES=500 for a
# long run.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

for ((i = 0; i < $(nproc); i++)); do
	while :; do :; done &
	BACKGROUND+=($!)
done

launch() {	# N
	timeout -k 5 90 "$ALLOCTRACE" -q "${EXACT[@]}" -f folded -m calls -o "$DIR/folded.$1" -- "$W/primes" \
		>"$DIR/said.$1" 2>"$DIR/err.$1" </dev/null
	echo $? >"$DIR/status.$1"
}

for ((i = 0; i < ${LAUNCHES:-24}; i += 4)); do
	pids=()
	for k in 1 2 3 4; do
		launch $k &
		pids+=($!)
	done
	wait "${pids[@]}"
	for k in 1 2 3 4; do
		expect_equal "status of launch $((i + k)) ($(cat "$DIR/err.$k"))" "$(cat "$DIR/status.$k")" 0
		expect_equal "calls of launch $((i + k))" "$(folded_sum "$DIR/folded.$k" ';(left|right);')" \
			"$(total_of "$DIR/said.$k" calls)"
	done
done
no_probe_left
