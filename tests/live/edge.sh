#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The corners of the counting rules: size 0, overflow, realloc(p, 0).
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

for metric in bytes calls; do
	run "${EXACT[@]}" -f folded -m $metric -o "$DIR/folded" -- "$W/edge"
	expect_status 0
	expect_functions "$DIR/folded" "$DIR/out" $metric
done
no_probe_left
