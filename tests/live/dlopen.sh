#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Libraries that come and go while the target is traced: their frames are named, also after they were unloaded.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

cp "$W/plugin.so" "$DIR/gone.so"
for metric in bytes calls; do
	run "${EXACT[@]}" -f folded -m $metric -o "$DIR/folded" -- \
		"$W/dlopener" "$W/plugin.so" "$W/plugin2.so" "$W/plugin.so"
	expect_status 0
	expect_functions "$DIR/folded" "$DIR/out" $metric
	expect_equal "with the right caller" "$(folded_sum "$DIR/folded" ';call_plugin;plugin_work;malloc [0-9]+$')" \
		"$(folded_sum "$DIR/folded" ';plugin_work;malloc [0-9]+$')"
done

target_start "$W/dlopener" -w "$W/plugin.so" "$W/plugin2.so"
trace_start "${EXACT[@]}" -f folded -p "$TARGET" -o "$DIR/folded"
go
target_end
trace_end
expect_status 0
expect_functions "$DIR/folded" "$DIR/target.1" bytes

# Called before alloctrace has heard of them: the kernel side sends such stacks with their memory, each once, and they
# are gone on with here; whether blocks are followed or not.
for view in 'alloc' 'temp --temp-age 1h'; do
	target_start "$W/dlopener" -w "$W/plugin.so" "$W/plugin2.so"
	# shellcheck disable=SC2086
	trace_start "${EXACT[@]}" --view $view -m calls -f folded -p "$TARGET" -o "$DIR/folded"
	work_unseen plugin_work
	expect_functions "$DIR/folded" "$DIR/target.$N_TARGETS" calls
	expect_equal "$view: stacks that are not whole" "$(grep -c truncated "$DIR/folded")" 0
done

# However deep their stacks: 600 KiB lie between.
target_start "$W/dlopener" -w -s 600 "$W/plugin.so"
trace_start "${EXACT[@]}" -f folded -p "$TARGET" -o "$DIR/folded"
work_unseen plugin_work
expect_functions "$DIR/folded" "$DIR/target.$N_TARGETS" bytes
expect_equal "stacks that are not whole" "$(grep -c truncated "$DIR/folded")" 0
expect_equal "below main" "$(folded_sum "$DIR/folded" ';main;(below;)+load;call_plugin;plugin_work;malloc [0-9]+$')" \
	"$(folded_sum "$DIR/folded" ';plugin_work;malloc [0-9]+$')"

# A file that was deleted after it was mapped still names its functions (/proc/PID/map_files).
cp "$W/primes" "$DIR/deleted"
target_start "$DIR/deleted" -w 2
rm "$DIR/deleted"
trace_start "${EXACT[@]}" -f folded -p "$TARGET" -o "$DIR/folded"
go
target_end
trace_end
expect_status 0
expect_primes "$DIR/folded" "$DIR/target.$N_TARGETS" bytes deleted

# One that was replaced by another program: the names are those of what runs, not of what lies there now.
cp "$W/primes" "$DIR/replaced"
target_start "$DIR/replaced" -w
cp "$W/forker" "$DIR/new"
mv "$DIR/new" "$DIR/replaced"
trace_start "${EXACT[@]}" -f folded -p "$TARGET" -o "$DIR/folded"
go
target_end
trace_end
expect_status 0
expect_primes "$DIR/folded" "$DIR/target.$N_TARGETS" bytes replaced
no_probe_left
