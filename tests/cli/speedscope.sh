#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# speedscope (the npm package, in node) opens recordings: names, and the totals of what is shown first.
. "$(dirname "$0")/../lib.sh"
need node npm
R=$ROOT/tests/recordings
VERSION=1.25.0

# Once for all runs.
package=$O/tests/speedscope/node_modules/speedscope
if [[ ! -d $package ]]; then
	mkdir -p "$O/tests/speedscope"
	timeout 50 npm install --prefix "$O/tests/speedscope" --no-audit --no-fund --ignore-scripts \
		speedscope@$VERSION >"$DIR/out" 2>"$DIR/err" || skip "npm cannot install speedscope@$VERSION"
fi

open() {	# FILE
	node "$ROOT/tests/speedscope.js" "$package" "$1" >"$DIR/opened" 2>"$DIR/err" ||
		fail "speedscope does not open $1"
	grep -q "^file ${1##*/} profiles 1\$" "$DIR/opened" || fail "not one profile in $1"
}

total() {
	sed -n 's/^total //p' "$DIR/opened"
}

sum() {	# VIEW FILE
	run report -q -f folded --view "$1" "$2"
	expect_status 0
	folded_sum "$DIR/out"
}

self() {	# NAME
	awk -v name="$1" '{ n = $2; $1 = $2 = $3 = ""; sub(/^ */, ""); if ($0 == name) print n }' "$DIR/opened"
}

for name in heap sampled inlined; do
	open "$R/$name.pb.gz"
	expect_equal "$name" "$(total)" "$(sum alloc "$R/$name.pb.gz") bytes"
done
# It keeps the last line of a place: functions that are inlined are their callers'.
expect_equal "app::build" "$(self app::build)" $((3001 * 61))
expect_equal "app::two_lines" "$(self app::two_lines)" $((1009 * 127 + 503 * 251))
# The view that is shown first is the recording's.
run report -q -f pprof --view live -o "$DIR/live.pb.gz" "$R/heap.pb.gz"
expect_status 0
open "$DIR/live.pb.gz"
expect_equal "live" "$(total)" "$(sum live "$R/heap.pb.gz") bytes"
expect_equal "kept" "$(self kept)" $((101 * 1009))
run report -q -f pprof --view live -m calls -o "$DIR/calls.pb.gz" "$R/heap.pb.gz"
open "$DIR/calls.pb.gz"
expect_equal "blocks of kept" "$(self kept)" 101
# Our own file for it: each metric of each view, with the functions that were inlined.
for name in heap inlined; do
	run report -q -f speedscope -o "$DIR/$name.speedscope.json" "$R/$name.pb.gz"
	expect_status 0
	node "$ROOT/tests/speedscope.js" "$package" "$DIR/$name.speedscope.json" >"$DIR/opened" 2>"$DIR/err" ||
		fail "speedscope does not open its own format: $(cat "$DIR/err")"
	cp "$DIR/opened" "$DIR/$name.opened"
	totals=
	for view in alloc live leaks peak temp; do
		[[ $name == heap || $view == alloc ]] || continue
		totals+="$(sum $view "$R/$name.pb.gz") bytes "
		run report -q -m calls -f folded --view $view "$R/$name.pb.gz"
		totals+="$(folded_sum "$DIR/out") none "
	done
	expect_equal "totals of $name" "$(sed -n 's/^total //p' "$DIR/$name.opened" | tr '\n' ' ')" "$totals"
done
for function in app::build app::Builder::middle innermost; do
	grep -Eq "^frame [0-9]+ [1-9][0-9]* $function" "$DIR/inlined.opened" || fail "no inlined function $function"
done
# Places without names show, too: it drops those that have no line.
open "$R/unnamed.pb.gz"
expect_equal "unnamed" "$(total)" "$(sum leaks "$R/unnamed.pb.gz") bytes"
grep -Eq '^frame 100900 100900 leak\+0x[0-9a-f]+$' "$DIR/opened" || fail "no place of the leak"
