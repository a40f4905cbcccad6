#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A process that may call nothing but read, write and exit survives being traced, return probes included.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../heap.sh"
need_root
remember_probes

for confined in filter strict; do
	for how in multi perf; do
		for view in alloc live; do
			target_start "$W/strict" $confined
			trace_start "${EXACT[@]}" --attach $how --view $view -f folded -m calls -p "$TARGET" \
				-o "$DIR/folded"
			go
			target_end
			expect_status 0
			target_said '^done' || fail "$confined, $how, $view: it did not come to its end"
			trace_end
			expect_status 0
			[[ $view == live ]] || expect_heap "$DIR/folded" "$DIR/target.$N_TARGETS" $view calls
		done
	done
done
# Attached while it works, detached while it works: the probes go away under it.
no_probe_left
