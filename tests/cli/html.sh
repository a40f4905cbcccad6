#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# HTML reports in Chromium: widths and numbers, search, zoom, keyboard, screen readers, paper, hostile names.
. "$(dirname "$0")/../lib.sh"
need node chromium
R=$ROOT/tests/recordings

HTML_PAGES=$DIR "$O/tests/unit/test_html" >"$DIR/out" 2>"$DIR/err" || fail "unit/test_html"
# The format follows from the name.
run report -q --by thread -o "$DIR/heap.html" "$R/heap.pb.gz"
expect_status 0
run report -q --source-path "$ROOT/tests/workloads" -o "$DIR/inlined.html" "$R/inlined.pb.gz"
expect_status 0
for view in alloc live; do
	run report -q -f folded --view $view -o "$DIR/heap.$view" "$R/heap.pb.gz"
	expect_status 0
done
mv "$DIR/heap.alloc" "$DIR/heap.folded"
timeout 50 node "$ROOT/tests/html.js" "$DIR" >"$DIR/out" 2>"$DIR/err" || fail "in the browser"
