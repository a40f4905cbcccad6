#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A stripped Go service, plain and PIE: each faulty line's calls and bytes of a round, exactly, under its own function
# and line, although it is inlined; as the service itself computes them from capacities and lengths.
. "$(dirname "$0")/../lib.sh"
need_root
go_service
remember_probes
command go test -c -o "$DIR/x.test" . >"$DIR/out" 2>&1 || fail "the test does not build"
"$DIR/x.test" -test.run=Expected >"$DIR/expected" || fail "nothing is expected"

expected() {	# WHERE calls|bytes
	awk -v where="$1" -v c="$2" '$1 == where { print c == "calls" ? $2 : $3; found = 1 } END { exit !found }' \
		"$DIR/expected" || fail "$1 is not expected"
}

line_of() {	# TEXT
	local n

	n=$(grep -nF "$1" faults.go | cut -d: -f1)
	[[ $n =~ ^[0-9]+$ ]] || fail "faults.go has '$1' in lines: $n"
	echo "$n"
}

# A row's own numbers.
check_row() {	# WHAT NAME-REGEX CALLS BYTES
	awk -v re="^BenchmarkSite/$2\$" '$1 ~ re { print $5, $3 }' "$DIR/lines" >"$DIR/row"
	expect_equal "$1: allocs/op, B/op of $2" "$(cat "$DIR/row")" "$3 $4"
}

# What each line of the source allocates with all that it calls, by another reader of the same recording.
pprof_lines() {	# RECORDING INDEX UNIT
	command go tool pprof -lines -top -cum -sample_index="$2" -unit="$3" -nodecount=100000 -nodefraction=0 \
		-edgefraction=0 "$1" 2>/dev/null |
		awk '{ sub(/[A-Za-z]+$/, "", $4); sub(/.*\//, "", $7); print $6, $7, $4 }'
}

rounds=211
for kind in exe pie; do
	command go build -buildmode=$kind -ldflags='-s -w' -o "$DIR/service-$kind" . >"$DIR/out" 2>"$DIR/err" ||
		fail "$kind does not build"
	! readelf -SW "$DIR/service-$kind" | grep -Eq '\.(symtab|debug_)' || fail "$kind is not stripped"
	run "${EXACT[@]}" -q --ops $rounds -o "$DIR/$kind.pb.gz" -- "$DIR/service-$kind" $rounds
	expect_status 0
	run report -q -f benchfmt -T 0 "$DIR/$kind.pb.gz"
	expect_status 0
	cp "$DIR/out" "$DIR/lines"

	check_row "$kind" "main\\.[(][*]Stock[)]\\.Below~[(]faults\\.go:$(line_of 'found = append(')[)]" \
		"$(expected below calls)" "$(expected below bytes)"
	check_row "$kind" "main\\.[(][*]Stock[)]\\.Label~[(]faults\\.go:$(line_of 'fmt.Sprintf(')[)]" \
		"$(expected boxed calls)" "$(expected boxed bytes)"
	check_row "$kind" "main\\.[(][*]Stock[)]\\.Names~[(]faults\\.go:$(line_of 'all += ')[)]" \
		"$(expected names calls)" "$(expected names bytes)"
	pprof_lines "$DIR/$kind.pb.gz" alloc_objects count >"$DIR/cum.calls"
	pprof_lines "$DIR/$kind.pb.gz" alloc_space B >"$DIR/cum.bytes"
	for part in 'name WriteString(i.Name)' "equals WriteByte('=')" 'price FormatInt(' "end WriteByte('\n')"; do
		where=${part%% *}
		line=$(line_of "${part#* }")
		for column in calls bytes; do
			got=$(awk -v at="faults.go:$line" '$1 == "main.(*Item).write" && $2 == at { print $3 }' \
				"$DIR/cum.$column")
			expect_equal "$kind: $column of line $line ($where)" "${got:-0}" \
				$(($(expected "$where" $column) * rounds))
		done
	done

	# The goroutine's first function is at the root of each of their stacks.
	run report -q -f folded -m calls "$DIR/$kind.pb.gz"
	method='main\.[(][*]Stock[)]\.'
	faults=";$method(Below|Names|Page);"
	calls=$(folded_sum "$DIR/out" "$faults")
	expect_equal "$kind: calls below main.main" "$calls" "$(folded_sum "$DIR/out" \
		"^[^;]+;runtime\.goexit;runtime\.main;main\.main;${method}Round$faults")"
	expect_equal "$kind: calls of three faults" "$calls" \
		$((rounds * $(awk '$1 != "boxed" { n += $2 } END { print n }' "$DIR/expected")))
done

# By type: what grows, beside the 200 items of 56 bytes that the stock itself is, and what is boxed.
run report -q -f benchfmt -T 0 --by type "$DIR/exe.pb.gz"
check_type() {	# TYPE CALLS BYTES
	expect_equal "calls, bytes of $1" "$3 $2" "$(awk -v name="BenchmarkType/$1" -v n=$rounds \
		'$1 == name { printf "%.0f %.0f\n", $3 * n, $5 * n }' "$DIR/out")"
}
check_type '[]main.Item' $((rounds * $(expected below calls) + 1)) $((rounds * $(expected below bytes) + 200 * 56))
check_type 'uint64~(boxed)' $((rounds * 2)) $((rounds * 16))
no_probe_left
