#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Stacks that are read in place: while their pages move, and where they can't be read so (memory that the kernel itself
# doesn't see). Each call is seen, and its whole stack.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

calls=20011
for unwind in eh_frame fp; do
	run "${EXACT[@]}" -v --unwind $unwind -m calls -f folded -o "$DIR/folded" -- "$W/moving" $calls
	expect_status 0
	"$ALLOCTRACE" check | grep -q '^ *yes *direct loads' && expect_err "stacks are read in place"
	for where in stack:7 secret:5; do
		grep -q "^on_${where%:*} $calls$" "$DIR/out" || continue
		stack=";on_${where%:*}"
		for ((i = 0; i <= ${where#*:}; i++)); do
			stack+=";deeper"
		done
		n=$(grep -c "on_${where%:*};" "$DIR/folded")
		expect_equal "$unwind: stacks below on_${where%:*}" "$n" 1
		grep -Eq "$stack;malloc $calls\$" "$DIR/folded" ||
			fail "$unwind: $(grep "on_${where%:*};" "$DIR/folded")"
	done
	grep -q truncated "$DIR/folded" && fail "$unwind: $(grep truncated "$DIR/folded")"
	grep -q "^on_stack $calls$" "$DIR/out" || fail "the workload ran otherwise: $(cat "$DIR/out")"
done
no_probe_left
