#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# With -i, growth by interval: a leak among steady churn is what has grown in every interval.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../heap.sh"
need_root
remember_probes

target_start "$W/leak" -w 0
trace_start "${EXACT[@]}" --view live -i 400ms -d 5s -p "$TARGET"
go
trace_end
expect_status 0
kill "$TARGET"

# The last interval, without what is reported at the end.
awk '/^target / { n += /interval/; on = /interval/ } on { print > (out "/interval." n) }' out="$DIR" "$DIR/out"
last=$(find "$DIR" -name 'interval.*' | sed 's/.*\.//' | sort -n | tail -1)
[[ $last -ge 10 ]] || fail "$last intervals in 5 s"
grown() {	# FUNCTION: in how many of the last intervals it has grown
	sed -nE "s/.*↑([0-9]+) $1[ +].*/\1/p" "$DIR/interval.$last"
}
for name in leaky cache buffered; do
	grep -q " ${name}[ +]" "$DIR/interval.$last" || fail "no row of $name in the last interval"
done
[[ $(grown leaky) -ge 7 ]] || { cat "$DIR/interval.$last"; fail "leaky is not marked: $(grown leaky)"; }
expect_equal "intervals that cache has grown in" "$(grown cache)" ""
[[ $(grown buffered) -lt 6 ]] || { cat "$DIR/interval.$last"; fail "buffered is marked: $(grown buffered)"; }
expect_equal "intervals that churn has grown in" "$(grown churn)" ""

# At the end of a command: exact.
for metric in bytes calls; do
	live_launched $metric "$W/leak" 300
done
no_probe_left
