#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is shown: groupings, sizes, the number of rows, names.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

# --by: each prints the summary and rows of its kind.
for by in site function module stack thread; do
	run "${EXACT[@]}" --by $by -o "$DIR/table" -- "$W/primes" 2
	expect_status 0
	case $by in
	site) grep -Eq 'use_malloc(\+0x[0-9a-f]+| \(primes\.c:[0-9]+\))' "$DIR/table" ;;
	function | stack) grep -Eq 'use_malloc' "$DIR/table" ;;
	module | thread) grep -Eq 'primes' "$DIR/table" ;;
	esac || { cat "$DIR/table"; fail "no rows by $by"; }
done
run "${EXACT[@]}" --by thread -f folded -o "$DIR/folded" -- "$W/primes" 2
expect_status 0
expect_equal "threads" "$(grep ';worker;' "$DIR/folded" | cut -d';' -f1 | sort -u | grep -Ec '^primes-[0-9]+$')" 2

# Two: what is inside of a row adds up to it.
run "${EXACT[@]}" --by program,function -T 0 -f benchfmt -o "$DIR/bench" -- "$W/primes"
expect_status 0
bytes_of() { awk -v name="^Benchmark$1\$" '$1 ~ name { n += $3 } END { printf "%.0f", n }' "$DIR/bench"; }
expect_equal "bytes of the program" "$(bytes_of 'Program/primes')" "$(bytes_of Total)"
expect_equal "bytes of its functions" "$(bytes_of 'Program/primes/Function/.*')" "$(bytes_of Total)"
[[ $(grep -c '^BenchmarkProgram/primes/Function/use_' "$DIR/bench") -eq 10 ]] || fail "not 10 functions of primes"

# --cum: what lies below counts: worker has it all.
run "${EXACT[@]}" --by function --cum -T 0 -o "$DIR/table" -- "$W/primes"
expect_status 0
grep -Eq '100(\.[0-9]+)?%?.*worker' "$DIR/table" || { cat "$DIR/table"; fail "worker does not have 100 %"; }

# -T: that many rows.
rows() { grep -Ec 'use_[a-z_]+' "$DIR/table"; }
run "${EXACT[@]}" --by function -T 3 -o "$DIR/table" -- "$W/primes"
expect_status 0
expect_equal "rows with -T 3" "$(rows)" 3
run "${EXACT[@]}" --by function -T 0 -o "$DIR/table" -- "$W/primes"
expect_equal "rows with -T 0" "$(rows)" 10

# --min-size, --max-size, both bounds belong to what is counted: exact.
run "${EXACT[@]}" -f folded -m calls --min-size 1013 --max-size 1277 -o "$DIR/folded" -- "$W/primes"
expect_status 0
expect_equal "right;use_malloc" "$(folded_sum "$DIR/folded" ';right;use_malloc;')" 503		# 1277
expect_equal "right;use_realloc" "$(folded_sum "$DIR/folded" ';right;use_realloc;')" 101	# 1013
expect_equal "right;use_posix_memalign" "$(folded_sum "$DIR/folded" ';right;use_posix_memalign;')" 53	# 1123
expect_equal "right;use_reallocarray" "$(folded_sum "$DIR/folded" ';right;use_reallocarray;')" 59	# 5 * 211
expect_equal "left;use_malloc" "$(folded_sum "$DIR/folded" ';left;use_malloc;')" 0		# 61
run "${EXACT[@]}" -f folded -m calls --min-size 1014 --max-size 1276 -o "$DIR/folded" -- "$W/primes"
expect_equal "right;use_malloc" "$(folded_sum "$DIR/folded" ';right;use_malloc;')" 0
expect_equal "right;use_realloc" "$(folded_sum "$DIR/folded" ';right;use_realloc;')" 0
expect_equal "right;use_posix_memalign" "$(folded_sum "$DIR/folded" ';right;use_posix_memalign;')" 53

# C++: demangled, or not; the right caller of operator new, with frame pointers and without.
for program in cxx cxx-nofp; do
	run "${EXACT[@]}" -f folded -o "$DIR/folded" -- "$W/$program"
	expect_status 0
	while IFS=$'\t' read -r name bytes _; do
		got=$(awk -v name=";$name;" 'index($0, name) { n += $NF } END { print n + 0 }' \
			<(sed -E 's/;operator new[^;]*;/;/g' "$DIR/folded"))
		# cashier's exceptions allocate as well: at least its own bytes there
		if [[ $name == *cashier* ]]; then [[ $got -ge $bytes ]]; else [[ $got -eq $bytes ]]; fi ||
			fail "$program: $name: $got bytes instead of $bytes"
	done <"$DIR/out"
	run "${EXACT[@]}" --no-demangle -f folded -o "$DIR/folded" -- "$W/$program"
	expect_status 0
	grep -q ';_ZN4shop4makeI' "$DIR/folded" || fail "$program: no mangled name with --no-demangle"
	! grep -q 'shop::' "$DIR/folded" || fail "$program: a demangled name with --no-demangle"
done

# A width that the terminal has not got is not needed: piped tables have no colour, whatever the variables say.
run -o "$DIR/table" -- "$W/primes"
! grep -q "$(printf '\033')" "$DIR/table" || fail "colour in a file"

# The summary: target, allocator, totals, cost.
run -o "$DIR/table" -- "$W/primes"
for word in primes glibc; do
	grep -q "$word" "$DIR/table" || { cat "$DIR/table"; fail "the summary has no $word"; }
done
no_probe_left
