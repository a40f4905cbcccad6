#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Source lines and inlined functions of a C++ program built with -O2 -g: exact counts for each line.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

SRC=$ROOT/tests/workloads/inlined.cc
line_of() {	# MARK
	grep -n "// LINE $1\$" "$SRC" | cut -d: -f1
}


# Frames of their own in a folded stack, the innermost last; with --no-inline none.
run "${EXACT[@]}" -f folded -m calls -o "$DIR/folded" -- "$W/inlined"
expect_status 0
expect_equal "calls through three inlined functions" \
	"$(folded_sum "$DIR/folded" ';main;app::build;app::Builder::middle;innermost;malloc ')" 3001
expect_equal "calls by two_lines" "$(folded_sum "$DIR/folded" ';main;app::two_lines;malloc ')" $((1009 + 503))
grep -q ';app::grow;std::vector<int, std::allocator<int> >::reserve;' "$DIR/folded" || fail "no inlined vector::reserve"
run "${EXACT[@]}" -f folded -m calls --no-inline -o "$DIR/folded" -- "$W/inlined"
expect_equal "calls without inlined functions" "$(folded_sum "$DIR/folded" ';main;app::build;malloc ')" 3001
! grep -q innermost "$DIR/folded" || fail "an inlined function with --no-inline"

# Rows by site, line and function.
innermost=$(line_of innermost) first=$(line_of first) second=$(line_of second)
NO_COLOR=1 run -m calls -o "$DIR/report" -- "$W/inlined"
grep -Eq "3\.00k .* innermost \(inlined\.cc:$innermost\) < app::Builder::middle < app::build < main" "$DIR/report" ||
	{ cat "$DIR/report"; fail "no site innermost"; }
grep -Eq "1\.01k .* app::two_lines \(inlined\.cc:$first\) < main" "$DIR/report" || fail "no site two_lines, first"
grep -Eq "503 .* app::two_lines \(inlined\.cc:$second\) < main" "$DIR/report" || fail "no site two_lines, second"
grep -Eq "std::vector<int, std::allocator<int> >::reserve \\(" "$DIR/report" || fail "no site in std::vector"
run "${EXACT[@]}" -m calls --by line -o "$DIR/report" -- "$W/inlined"
grep -Eq "3\.00k .* inlined\.cc:$innermost < " "$DIR/report" || fail "no line innermost"
grep -Eq "503 .* inlined\.cc:$second < main" "$DIR/report" || fail "no line second"
run "${EXACT[@]}" -m calls --by function --cum -o "$DIR/report" -- "$W/inlined"
grep -Eq "^ *0 .* 3\.00k .* app::build < main" "$DIR/report" || fail "no cumulative app::build"
grep -Eq "^3\.00k .* 3\.00k .* innermost < " "$DIR/report" || fail "no innermost"

# The source with counts; without its directory, and with it moved.
run "${EXACT[@]}" --list 'two_lines|middle' -o "$DIR/report" -- "$W/inlined"
expect_status 0
grep -Eq "^ 125 KiB  1\.01k   125 KiB  1\.01k +$first +void \*p = malloc\(127\);" "$DIR/report" ||
	{ cat "$DIR/report"; fail "no listing of two_lines"; }
grep -Eq "^ +179 KiB  3\.00k +$(line_of middle) +void \*p = innermost\(n\);" "$DIR/report" ||
	fail "no listing of middle"
mkdir -p "$DIR/build/tests/workloads" "$DIR/elsewhere/workloads"
cp "$SRC" "$ROOT/tests/workloads/workload.h" "$DIR/build/tests/workloads"
(cd "$DIR/build" && g++ -O2 -g -o inlined tests/workloads/inlined.cc) || fail "g++"
mv "$DIR/build/tests/workloads/inlined.cc" "$DIR/elsewhere/workloads"
run "${EXACT[@]}" --list two_lines -o "$DIR/report" -- "$DIR/build/inlined"
grep -q '^source not found: .*/tests/workloads/inlined.cc (try --source-path' "$DIR/report" || fail "it does not say so"
run "${EXACT[@]}" --list two_lines --source-path "/nonexistent:$DIR/elsewhere" -o "$DIR/report" -- "$DIR/build/inlined"
grep -Eq "$second +void \*p = malloc\(251\);" "$DIR/report" || fail "not found below --source-path"

# Debugging information in a file of its own, and none at all.
cp "$W/inlined" "$DIR/prog"
(cd "$DIR" && objcopy --only-keep-debug prog prog.debug && strip -s prog && objcopy --add-gnu-debuglink=prog.debug prog)
run "${EXACT[@]}" -f folded -m calls -o "$DIR/folded" -- "$DIR/prog"
expect_equal "calls, with a debug file" \
	"$(folded_sum "$DIR/folded" ';main;app::build;app::Builder::middle;innermost;malloc ')" 3001
rm "$DIR/prog.debug"
run "${EXACT[@]}" -f folded -m calls -o "$DIR/folded" -- "$DIR/prog"
expect_equal "calls, with nothing" "$(folded_sum "$DIR/folded" ';malloc ')" \
	"$(folded_sum "$DIR/folded")"

# Split: the lines are in the program; what is inlined would be in a file that is not read, which is said once.
(cd "$DIR" && g++ -I"$ROOT/tests/workloads" -O2 -g -gsplit-dwarf -o split "$SRC") || fail "g++ -gsplit-dwarf"
run "${EXACT[@]}" -m calls --by line -o "$DIR/report" -- "$DIR/split"
grep -Eq "3\.00k .* inlined\.cc:$innermost < main" "$DIR/report" || fail "no line innermost, split"
expect_equal "how often it is said" \
	"$(grep -c 'split: inlined functions are missing: they are in .dwo or .dwp files' "$DIR/err")" 1
no_probe_left
