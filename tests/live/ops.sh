#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --ops N, of a program of C: in the table, in a recording, as benchmark lines, and sampled. (gobench.sh: of Go.)
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

# The total is what the program did.
run "${EXACT[@]}" -q --ops 7 -f benchfmt -o "$DIR/lines" -- "$W/primes"
expect_status 0
awk -v bytes="$(total_of "$DIR/out" bytes)" -v calls="$(total_of "$DIR/out" calls)" '
	$1 == "BenchmarkTotal" { found = $2 == 7 && $4 == "B/op" && $6 == "allocs/op" &&
		sprintf("%.0f %.0f", $3 * 7, $5 * 7) == bytes " " calls }
	END { exit !found }' "$DIR/lines" || fail "not what primes did: $(cat "$DIR/lines" "$DIR/out")"
! grep -Evq '^(goos: linux|(view|by): [a-z]+|Benchmark[A-Z][^[:space:]]*	[0-9]+(	[0-9.e+-]+ [^[:space:]]+)+)$' \
	"$DIR/lines" || fail "$(cat "$DIR/lines")"

# In the table, and in that of a recording, but not of the intervals before the end.
run "${EXACT[@]}" --ops 7 -o "$DIR/table" -o "$DIR/a.pb.gz" -- "$W/primes"
run report "$DIR/a.pb.gz"
expect_out '^per op +[0-9.]+ B/op, [0-9.]+ allocs/op in 7 operations$' '^ *BYTES .* B/OP +ALLOCS/OP .*SITE'
diff "$DIR/table" "$DIR/out" >"$DIR/diff" || fail "the recording's table differs: $(cat "$DIR/diff")"
run report --ops 14 "$DIR/a.pb.gz"
expect_out '^per op .* in 14 operations$'
run "${EXACT[@]}" --ops 7 -i 100ms -o "$DIR/%t.txt" -- "$W/loop" 1 300007
expect_status 0
reports=("$DIR"/2*.txt)
[[ ${#reports[@]} -gt 1 ]] || fail "one report alone: ${reports[*]}"
expect_equal "reports that have operations" "$(grep -l '^per op' "${reports[@]}")" "${reports[-1]}"

# Sampled, rows have errors.
run --sample 4k -q --ops 7 -f benchfmt -o "$DIR/lines" -- "$W/primes" 7
expect_status 0
grep -q '^BenchmarkTotal	7	[0-9.]* B/op	[0-9.]* allocs/op$' "$DIR/lines" ||
	fail "the total is no exact one"
grep -Eq '^BenchmarkSite/.* stderr-B/op	.* allocs/op	[0-9.]+ stderr-allocs/op$' "$DIR/lines" ||
	fail "no errors: $(cat "$DIR/lines")"
no_probe_left
