#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --ops N, of a Go benchmark: its calls per operation are those that go test -benchmem counts, its bytes those that were
# requested (-benchmem has size classes); stripped, plain and PIE; and its fixed build.
# beside: yes
. "$(dirname "$0")/../lib.sh"
need_root
go_service
remember_probes

bench() {	# BINARY NAME: the testing package runs it once, and then 500 times
	run "${EXACT[@]}" -q --ops 501 -o "$DIR/a.pb.gz" -- "$1" -test.run='^$' -test.bench="^Benchmark$2\$" \
		-test.benchtime=500x -test.benchmem
	expect_status 0
	read -r BYTES ALLOCS < <(awk '/^Benchmark/ { for (i = 3; i < NF; i++) {
		if ($(i + 1) == "B/op") b = $i; if ($(i + 1) == "allocs/op") a = $i } } END { print b, a }' "$DIR/out")
	[[ $BYTES -gt 0 && $ALLOCS -gt 0 ]] || fail "$1 $2: no benchmark"
	# Like the runtime, whole calls: what the first few operations leave for later ones is not one of each.
	run report -q -f folded -m calls "$DIR/a.pb.gz"
	expect_equal "$1 $2: allocs/op" "$(($(folded_sum "$DIR/out" ";inventory\\.Benchmark$2;") / 501))" "$ALLOCS"
	run report -q -f benchfmt -T 0 --by function "$DIR/a.pb.gz"
}

row() {	# FUNCTION: allocs/op and B/op
	awk -v name="BenchmarkFunction/$1" '$1 == name && $2 == 501 { print $5, $3 }' "$DIR/out"
}

for kind in exe pie; do
	x=$DIR/$kind.test
	command go test -c -buildmode=$kind -ldflags='-s -w' -o "$x" . >"$DIR/out" 2>"$DIR/err" ||
		fail "the benchmark does not build as $kind"
	bench "$x" Below
	read -r calls bytes < <("$x" -test.run=Expected | awk '$1 == "below" { print $2, $3 }')
	expect_equal "$kind: Below" "$(row 'inventory.(*Stock).Below')" "$calls $bytes"
	# Here sizes are those of classes; go test adds what the runtime allocates meanwhile.
	[[ $ALLOCS -eq $calls && $BYTES -ge $bytes && $BYTES -lt $((bytes + 64)) ]] ||
		fail "$kind: -benchmem says $BYTES B/op, $ALLOCS allocs/op: not $bytes and $calls"
	bench "$x" Round
done
names=$("$DIR/exe.test" -test.run=Expected | awk '$1 == "names" { print $3 }')
bench "$DIR/exe.test" Names
expect_equal "Names" "$(row 'inventory.(*Stock).Names')" "$ALLOCS $names"
[[ $BYTES -gt $names ]] || fail "size classes of $BYTES bytes, and $names were requested"
bench "$DIR/exe.test" Label
expect_equal "Label" "$(row 'inventory.(*Stock).Label')" "2 16"
bench "$DIR/exe.test" Page

# The fix: nothing but one slice, one label, one string.
rm expect_test.go
command go test -c -tags fixed -ldflags='-s -w' -o "$DIR/fixed.test" . >"$DIR/out" 2>"$DIR/err" || fail "no fixed build"
bench "$DIR/fixed.test" Round
expect_equal "allocs/op of the fixed build" "$ALLOCS" 3
expect_equal "fixed: Below" "$(row 'inventory.(*Stock).Below')" "1 11200"
no_probe_left
