#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Allocator functions that call allocator functions through other code: one event, the outermost, with its size; one
# live block. Preloaded, and in the program.
# beside: yes
# limit: 300
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

# WHAT OPTIONS... -- COMMAND...: of work() and of what it calls.
expect_work() {
	local what=$1 metric view wanted

	shift
	for metric in calls bytes; do
		for view in alloc live; do
			wanted=$([[ $view == alloc ]] && echo "3000 600000" || echo "100 20000")
			wanted=$([[ $metric == calls ]] && echo "${wanted% *}" || echo "${wanted#* }")
			run "${EXACT[@]}" --view $view -f folded -m $metric -o "$DIR/folded" "$@"
			expect_status 0
			expect_equal "$what: $view, $metric" "$(folded_sum "$DIR/folded" ';work;')" "$wanted"
			# The caller is the program's.
			expect_equal "$what: $view, $metric of a helper" "$(folded_sum "$DIR/folded" ';tracked;')" 0
		done
	done
}

for kind in header log jump; do
	expect_work "$kind, preloaded" -- env LD_PRELOAD="$W/wrapper-$kind.so" "$W/wrapped"
	expect_work "$kind, in the program" -- "$W/wrapped-$kind"
done
expect_work "helper, preloaded, by frame pointers" --unwind fp -- env LD_PRELOAD="$W/wrapper-helper.so" "$W/wrapped"
expect_work "helper, by frame pointers" --unwind fp -- "$W/wrapped-helper"
expect_work "header, by perf" --attach perf -- "$W/wrapped-header"
expect_work "no wrapper" -- "$W/wrapped"

# Calls that are no sample are told apart as well: all are counted.
for kind in helper jump; do
	run --sample 64M --max-overhead off -o "$DIR/table" -- "$W/wrapped-$kind"
	expect_status 0
	plain=$(sed -n 's/^account *\([0-9.kM]*\) calls seen.*/\1/p' "$DIR/table" "$DIR/err")
	run --sample 64M --max-overhead off -o "$DIR/table" -- "$W/wrapped"
	expect_equal "$kind: calls seen of which none is a sample" "$plain" \
		"$(sed -n 's/^account *\([0-9.kM]*\) calls seen.*/\1/p' "$DIR/table" "$DIR/err")"
	[[ -n $plain ]] || fail "no account"
done

# What is left of a call on the stack, where the way there leads through a library that alloctrace has not heard of yet.
target_start env LD_PRELOAD="$W/wrapper-helper.so" "$W/dlopener" -w "$W/leftover.so"
trace_start "${EXACT[@]}" -m calls -f folded -p "$TARGET" -o "$DIR/folded"
work_unseen plugin_work
for function in first second; do
	expect_equal "calls of $function" "$(folded_sum "$DIR/folded" ";$function;malloc ")" 601
done

for metric in calls bytes; do
	run "${EXACT[@]}" -f folded -m $metric -o "$DIR/folded" -- "$W/newheader"
	expect_status 0
	expect_equal "operator new, $metric" "$(folded_sum "$DIR/folded" ';by_new;')" \
		"$([[ $metric == calls ]] && echo 1000 || echo 100000)"
	expect_equal "operator new[], $metric" "$(folded_sum "$DIR/folded" ';by_array;')" \
		"$([[ $metric == calls ]] && echo 1000 || echo 50500)"
	run "${EXACT[@]}" --view live -f folded -m $metric -o "$DIR/folded" -- "$W/newheader"
	expect_equal "operator new, live $metric" "$(folded_sum "$DIR/folded" ';by_new;')" \
		"$([[ $metric == calls ]] && echo 100 || echo 10000)"
done
no_probe_left
