#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Folded stacks as flamegraph.pl wants them: the real one reads every line and draws our functions.
. "$(dirname "$0")/../lib.sh"
need_root
flamegraph=$(dpkg -L libdevel-nytprof-perl 2>/dev/null | grep '/flamegraph\.pl$')
[[ -n $flamegraph ]] || skip "needs flamegraph.pl (libdevel-nytprof-perl)"

run "${EXACT[@]}" -f folded -o "$DIR/folded" -- "$W/cxx"
expect_status 0
bad=$(grep -Evn '^[^;]+(;[^;]+)+ [0-9]+$' "$DIR/folded")
[[ -z $bad ]] || fail "not a folded line: $bad"
perl "$flamegraph" --countname=bytes "$DIR/folded" >"$DIR/out.svg" 2>"$DIR/err" || fail "flamegraph.pl fails"
[[ ! -s $DIR/err ]] || fail "flamegraph.pl complains"
# (it writes round brackets for angle ones)
for name in 'shop::make(shop::item)' 'shop::make_array(short)' 'shop::catch_all'; do
	grep -qF "<title>$name" "$DIR/out.svg" || fail "no $name in the flame graph"
done
# Its root says the sum.
sum=$(folded_sum "$DIR/folded")
grep -Eo '<title>all \([0-9,]+ bytes' "$DIR/out.svg" | tr -d , | grep -q "($sum bytes" ||
	fail "the root is not $sum bytes"

# A comm with a space, a semicolon or a control character in it stays one frame of one line.
cp "$W/primes" "$DIR/a; b 1"
run "${EXACT[@]}" -f folded -o "$DIR/folded" -- "$DIR/a; b 1"
expect_status 0
expect_equal "process names" "$(cut -d';' -f1 "$DIR/folded" | sort -u | wc -l)" 1
expect_equal "all bytes" "$(folded_sum "$DIR/folded")" "$(total_of "$DIR/out" bytes)"
perl "$flamegraph" "$DIR/folded" >"$DIR/out.svg" 2>"$DIR/err" || fail "flamegraph.pl fails"
[[ ! -s $DIR/err ]] || fail "flamegraph.pl complains"
no_probe_left
