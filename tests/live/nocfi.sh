#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Code without .eh_frame: by its .debug_frame, wherever that is; else a frame pointer is followed, which leaves callers
# out where the code keeps none: "[?]" says so, in every format.
# beside: yes
. "$(dirname "$0")/../lib.sh"
need_root
need cc objcopy strip
remember_probes

cd "$DIR" || exit 1
bare='-DBARE -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-exceptions -fomit-frame-pointer'
build() {	# OUT FLAGS-OF-BARE FLAGS-OF-THE-OTHER
	local flags=(-D_GNU_SOURCE -std=gnu11 -O1 -fno-optimize-sibling-calls)
	# shellcheck disable=SC2086
	if ! { cc "${flags[@]}" $2 -c -o bare.o "$ROOT/tests/workloads/nocfi.c" &&
		cc "${flags[@]}" $3 -c -o other.o "$ROOT/tests/workloads/nocfi.c" && cc -o "$1" other.o bare.o; }; then
		fail "$1 does not build"
	fi
}
main='_start;__libc_start_main(_impl)?;__libc_start_call_main;main'
whole="^[a-z]*;$main;above;with_rules;outer;middle;leaf;malloc "
calls() {	# WHAT PROGRAM REGEXP
	run "${EXACT[@]}" -f folded -m calls -o folded -- "./$2"
	expect_status 0
	expect_equal "calls of $1" "$(folded_sum folded "$3")" 103
}
certain() {
	grep -q '\[' folded && fail "not certain: $(grep -m1 '\[' folded)"
	grep -q '^uncertain' err && fail "said to be uncertain"
}

for fp in -fomit-frame-pointer -fno-omit-frame-pointer; do
	build own "$bare -g" $fp
	calls "its own .debug_frame" own "$whole"
	certain
	build packed "$bare -g -gz=zlib" $fp
	calls "a compressed .debug_frame" packed "$whole"
	certain
done
# In the separate debug file: by debuglink, with and without a build id to compare.
objcopy --only-keep-debug own own.debug || fail objcopy
strip own || fail strip
objcopy --add-gnu-debuglink=own.debug own || fail "objcopy --add-gnu-debuglink"
calls "the .debug_frame of a debug file" own '^own;.*;malloc '
expect_equal "frames named from it" "$(folded_sum folded "$whole")" 103
certain

# The code keeps a frame pointer: nothing is left out, whatever it has no rules for.
build kept "$bare -fno-omit-frame-pointer" -fno-omit-frame-pointer
calls "code that keeps a frame pointer" kept "$whole"
certain

# It keeps none: rbp is with_rules' own.
build guess "$bare" -fno-omit-frame-pointer
calls "code that keeps none" guess "^guess;$main;above;\\[\\?\\];leaf;malloc "
expect_err '^uncertain +103 of 103 calls \(100\.0 %\): callers may be missing at \[\?\]'
for by in stack function site line; do
	run "${EXACT[@]}" --by $by -- ./guess
	expect_status 0
	grep -qE 'leaf.* +?< \[\?\] < above < main' err || fail "no [?] --by $by"
done
run "${EXACT[@]}" --cum -- ./guess
expect_status 0
grep -qE '^ +0 B .* \[\?\] < above < main' err || fail "no [?] in --cum"
run "${EXACT[@]}" --list 'leaf|above' -- ./guess
expect_status 0
grep -qE '^uncertain +103 of 103' out err || fail "--list does not say what is uncertain"
# And without a symbol nothing says where the function starts.
strip guess
calls "code without symbols" guess '^guess;.*;\[\?\];guess\+0x[0-9a-f]+;malloc '

# Nobody keeps one: what rbp holds leads nowhere, or to an end that is none.
build none "$bare" -fomit-frame-pointer
calls "code below code without frame pointers" none '^none;\[(truncated: no unwind information|\?)\];leaf;malloc '
no_probe_left
