#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The flame graph is XML that a browser shows; there it zooms, searches, and keeps both in its address.
. "$(dirname "$0")/../lib.sh"
need xmllint chromium node
R=$ROOT/tests/recordings

for name in heap sampled inlined host; do
	run report -q --view alloc -o "$DIR/$name.svg" "$R/$name.pb.gz"
	expect_status 0
	xmllint --noout "$DIR/$name.svg" 2>"$DIR/err" || fail "$name is no XML: $(cat "$DIR/err")"
	for id in frames search matched unzoom details title; do
		expect_equal "elements $id" "$(xmllint --xpath "count(//*[@id='$id'])" "$DIR/$name.svg")" 1
	done
	run report -q -f folded --view alloc "$R/$name.pb.gz"
	expect_equal "bytes of $name" "$(grep -o '<title>all ([0-9,]* bytes' "$DIR/$name.svg" | tr -cd 0-9)" \
		"$(folded_sum "$DIR/out")"
done

# What the page is after its script has run; nothing may be logged.
open() {	# QUERY
	timeout 50 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$DIR/chromium" \
		--enable-logging=stderr --v=0 --window-size=1400,800 --dump-dom \
		"file://$DIR/heap.svg$1" >"$DIR/page" 2>"$DIR/log" ||
		fail "chromium fails: $(tail -3 "$DIR/log")"
	! grep CONSOLE "$DIR/log" || fail "the page logs something"
}

frames() {	# CLASS: how many frames have it
	grep -Eo 'class="func_g[^"]*"' "$DIR/page" | grep -c "$1"
}


open ''
expect_equal "frames that match" "$(frames match)" 0
expect_equal "frames that are hidden" "$(frames hide)" 0
open '?s=^big_kept$'
expect_equal "frames that match" "$(frames match)" 1
share=$(grep -o '<title>big_kept ([0-9,]* bytes, [0-9.]*%' "$DIR/heap.svg" | sed 's/.*, //')
[[ $share == [1-9]* ]] || fail "big_kept has no share: $share"
grep -q "Matched: $share<" "$DIR/page" || fail "matched is not $share: $(grep -o 'Matched[^<]*' "$DIR/page")"
# Zoomed into it: it has the whole width, as its callers have, and others are gone.
x=$(grep '<title>big_kept (' -A1 "$DIR/heap.svg" | grep -o 'x="[0-9.]*%"' | head -1 | tr -cd 0-9.)
depth=$(grep '<title>big_kept (' "$DIR/heap.svg" | grep -o 'data-depth="[0-9]*"' | tr -cd 0-9)
open "?x=$x&y=$depth&s=big_kept&i=1"
expect_equal "width of big_kept" "$(grep -A1 '<title>big_kept (' "$DIR/page" | grep -o ' width="[^"]*"' | head -1)" \
	' width="100%"'
expect_equal "callers" "$(frames parent)" "$depth"
[[ $(frames hide) -gt 10 ]] || fail "others are not hidden"
grep -q "Matched: 100.00%<" "$DIR/page" || fail "matched is not all: $(grep -o 'Matched[^<]*' "$DIR/page")"
# What is no regular expression is searched as it is; what the address says is text.
open '?s=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E(&flame=1'
expect_equal "frames that match" "$(frames match)" 0
grep -q "Matched: 0.00%<" "$DIR/page" || fail "nothing is said of a search that finds nothing"
! grep -q '<img' "$DIR/page" || fail "the address became an element"
timeout 50 node "$ROOT/tests/svg.js" "$DIR/heap.svg" >"$DIR/out" 2>"$DIR/err" || fail "in the browser"
