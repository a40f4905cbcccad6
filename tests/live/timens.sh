#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# In a time namespace, whose CLOCK_MONOTONIC is not the kernel's: ages of blocks, and what was mapped when.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../heap.sh"
need_root
remember_probes
unshare -T --monotonic 1 true 2>"$DIR/why" || skip "$(cat "$DIR/why")"

for offset in 0 100000 -10; do
	printf '#!/bin/sh\nexec unshare -T --monotonic %d "%s" "$@"\n' $offset "$ALLOCTRACE" >"$DIR/in"
	chmod +x "$DIR/in"

	target_start "$W/steps"
	ALLOCTRACE=$DIR/in trace_start "${EXACT[@]}" --leaks --min-age 700ms -f folded -m calls -o "$DIR/folded" \
		-p "$TARGET"
	go
	wait_until 10 target_said 'step 1' || fail "no step 1"
	sleep 1
	go
	wait_until 10 target_said 'step 2' || fail "no step 2"
	trace_stop
	kill "$TARGET"
	expect_status 0
	expect_equal "older than 0.7 s, $offset s off" \
		"$(folded_sum "$DIR/folded" ';first;') $(folded_sum "$DIR/folded" ';second;')" "61 0"

	# Libraries are known by when they were mapped.
	ALLOCTRACE=$DIR/in run "${EXACT[@]}" -f folded -o "$DIR/folded" -- \
		"$W/dlopener" "$W/plugin.so" "$W/plugin2.so" "$W/plugin.so"
	expect_status 0
	expect_functions "$DIR/folded" "$DIR/out" bytes
	expect_equal "stacks that are not whole, $offset s off" "$(grep -c truncated "$DIR/folded")" 0
done
no_probe_left
