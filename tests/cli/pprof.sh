#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 240
# go tool pprof reads recordings, with the same sums; what it writes can be reported, and says what is missing; report
# reads the heap profiles of Go programs, with the sums that go tool pprof has.
. "$(dirname "$0")/../lib.sh"
need go gcc
export GOCACHE=$DIR/cache GOPATH=$DIR/path GO111MODULE=off HOME=$DIR PPROF_TMPDIR=$DIR
R=$ROOT/tests/recordings

pprof() {	# ARGS...
	command go tool pprof -symbolize=none "$@" >"$DIR/pprof" 2>"$DIR/err" || fail "go tool pprof $*"
}

# The number in "Showing nodes accounting for N, P% of TOTAL total", without its unit.
pprof_total() {
	sed -nE 's/^Showing nodes accounting for .* of ([0-9]+)B? total$/\1/p' "$DIR/pprof"
}

ours() {	# VIEW METRIC FILE...: the sum of all stacks
	run report -q -f folded --view "$1" -m "$2" "${@:3}"
	expect_status 0
	folded_sum "$DIR/out"
}

# Flat sums by function, in rows "NAME NUMBER", of what -top printed.
pprof_rows() {
	awk '/flat%/ { rows = 1; next } rows && $1 != 0 { n = $1; sub(/B$/, "", n); $1 = $2 = $3 = $4 = $5 = ""
		sub(/^ */, ""); print $0, n }' "$DIR/pprof" | sed 's/ (inline) / /' | sort
}

# By the innermost name: the last but one of a folded line.
our_rows() {
	awk '{ n = $NF; sub(/;[^;]* [0-9]+$/, ""); sub(/.*;/, ""); sum[$0] += n }
		END { for (name in sum) printf "%s %.0f\n", name, sum[name] }' "$DIR/out" | sort
}

# --- sums and rows, by every type of value, of stacks that are whole

types='alloc_objects:alloc:calls alloc_space:alloc:bytes inuse_objects:live:calls inuse_space:live:bytes'
for name in heap inlined sampled; do
	for type in $types; do
		IFS=: read -r index view metric <<<"$type"
		[[ $name == heap || $view == alloc ]] || continue
		pprof -top -nodecount=100000 -nodefraction=0 -unit=B -sample_index="$index" "$R/$name.pb.gz"
		total=$(ours "$view" "$metric" "$R/$name.pb.gz")
		expect_equal "$name: $index" "$(pprof_total)" "$total"
		[[ $total -gt 1000 ]] || fail "$name: $index is $total"
		diff <(pprof_rows) <(our_rows) >"$DIR/diff" || fail "$name: rows of $index differ: $(head "$DIR/diff")"
	done
done
# What is shown without -sample_index, and who wrote it.
pprof -top "$R/heap.pb.gz"
grep -q '^Type: alloc_space$' "$DIR/pprof" || fail "the default is not alloc_space: $(head -5 "$DIR/pprof")"
grep -q '^alloctrace [0-9.]*: heap (pid [0-9]*), glibc' "$DIR/pprof" || fail "no comment: $(head -5 "$DIR/pprof")"
grep -q '^File: heap$' "$DIR/pprof" || fail "heap is not the main file: $(head -5 "$DIR/pprof")"

# --- the other reports

pprof -top -cum -unit=B -sample_index=inuse_space "$R/heap.pb.gz"
grep -Eq '^ *0B? +0% .* main$' "$DIR/pprof" || fail "-cum: no main"
expect_equal "main, cumulative" "$(awk '$NF == "main" { sub(/B/, "", $4); print $4 }' "$DIR/pprof")" \
	"$(ours live bytes "$R/heap.pb.gz" >/dev/null; folded_sum "$DIR/out" ';main;')"
pprof -peek '^kept$' -sample_index=inuse_objects "$R/heap.pb.gz"
grep -Eq '^ +101 +100% .* make$' "$DIR/pprof" || fail "-peek: kept is not called by make: $(cat "$DIR/pprof")"
pprof -traces -unit=B "$R/inlined.pb.gz"
grep -q 'innermost (inline)$' "$DIR/pprof" || fail "-traces: innermost is not inlined"
grep -A3 'innermost (inline)' "$DIR/pprof" | tr -s ' \n' ' ' |
	grep -q '183061B innermost (inline) app::Builder::middle (inline) app::build main' ||
	fail "-traces: not the callers of innermost: $(cat "$DIR/pprof")"
pprof -traces -unit=B "$R/heap.pb.gz"
grep -Eq '^ +allocator: *malloc' "$DIR/pprof" || fail "-traces: no allocator"
grep -Eq '^ +pid: *[0-9]+' "$DIR/pprof" || fail "-traces: no pid"
pprof -list '^app::two_lines$' -unit=B -source_path="$ROOT/tests/workloads" -trim_path=/src/tests/workloads \
	"$R/inlined.pb.gz"
grep -Eq ' 128143B +128143B .*malloc\(127\);' "$DIR/pprof" ||
	fail "-list: not 1009 x 127 bytes: $(head -60 "$DIR/pprof")"
grep -Eq ' 126253B +126253B .*malloc\(251\);' "$DIR/pprof" || fail "-list: not 503 x 251 bytes"

# Against itself nothing is left; twice the file against once is once. Lists of types are equal if views are.
pprof -top -unit=B -diff_base="$R/heap.pb.gz" -sample_index=alloc_space "$R/heap.pb.gz"
grep -Eq '^Showing nodes accounting for 0B?, ' "$DIR/pprof" ||
	fail "-diff_base: something is left: $(head "$DIR/pprof")"
pprof -top -unit=B -diff_base="$R/sampled.pb.gz" -nodefraction=0 -nodecount=1000 "$R/inlined.pb.gz"
grep -Eq '^ *183061B .* innermost' "$DIR/pprof" || fail "-diff_base: no innermost"
grep -Eq '^ *-[0-9]+B .* site_00$' "$DIR/pprof" || fail "-diff_base: site_00 is not taken off"

# Not named: pprof has the places; one that has the file names it.
pprof -top -unit=B -sample_index=inuse_space "$R/unnamed.pb.gz"
grep -Eq '^ *100900B .* leak\+0x[0-9a-f]+$' "$DIR/pprof" || fail "no place of the leak: $(cat "$DIR/pprof")"

# Who it was, where there are several.
pprof -tags -unit=B "$R/host.pb.gz"
tr -s ' ' <"$DIR/pprof" >"$DIR/tags"
for tag in program:redis container:docker:web user:www-data cgroup:/system.slice/nginx.service; do
	awk -v key="${tag%%:*}" -v value="${tag#*:}" '$1 == key ":" { on = 1; next } /^ [^ ]+: Total/ { on = 0 }
		on && $NF == value { found = 1 } END { exit !found }' "$DIR/tags" ||
		fail "-tags: no $tag: $(cat "$DIR/tags")"
done
pprof -top -unit=B -tagfocus container=docker:web "$R/host.pb.gz"
expect_equal "bytes of docker:web" \
	"$(awk '/flat%/ { on = 1; next } on { n += $1 } END { print n }' "$DIR/pprof")" 68000
pprof -tags "$R/heap.pb.gz"
! grep -Eq '^ *(program|container|user|cgroup):' "$DIR/pprof" || fail "-tags: one program has a label"

# --- what pprof writes: rows and sums stay, the rest is said to be missing

pprof -proto -output="$DIR/again.pb.gz" "$R/heap.pb.gz"
run report "$DIR/again.pb.gz"
expect_status 0
expect_out '^missing +losses, errors of estimates, ages, and views' '^target +heap \(pid [0-9]+\), glibc' \
	'^99\.5 KiB +1\.0 +95\.7 +101 +1009 B +kept \(heap\.c:33\) < make'
! grep -Eq '^(lost|frees) ' "$DIR/out" || fail "losses are told of a file that has no count of them"
for view in alloc live; do
	for by in site function line stack thread; do
		rows="s/OLDEST//; / (KiB|MiB|B) /!d; /^(target|allocated|live|left|peak|cost|frees)/d"
		run report --view $view --by $by -T 0 "$R/heap.pb.gz"
		# Without the age of the oldest block; a thread has the program's name.
		sed -nE "/^ *BYTES/,\$p" "$DIR/out" | sed -E "$rows; s/ [0-9.]+ (s|ms|us) / /" | tr -s ' ' |
			sort >"$DIR/want"
		run report --view $view --by $by -T 0 "$DIR/again.pb.gz"
		expect_status 0
		sed -nE "/^ *BYTES/,\$p" "$DIR/out" | sed -E "$rows" | tr -s ' ' | sort >"$DIR/got"
		diff "$DIR/want" "$DIR/got" >"$DIR/diff" ||
			fail "--view $view --by $by after pprof: $(head "$DIR/diff")"
	done
done
run report --view peak "$DIR/again.pb.gz"
expect_status 1
expect_one_error 'it has no view peak: it was recorded with --view alloc,live'
# Two files in one, and a difference, which has negative counts.
pprof -proto -output="$DIR/both.pb.gz" "$R/inlined.pb.gz" "$R/inlined.pb.gz"
expect_equal "both" "$(ours alloc bytes "$DIR/both.pb.gz")" $((2 * $(ours alloc bytes "$R/inlined.pb.gz")))
pprof -proto -output="$DIR/less.pb.gz" -base="$R/sampled.pb.gz" "$R/inlined.pb.gz"
run report "$DIR/less.pb.gz"
expect_status 1
expect_one_error 'less\.pb\.gz: .*negative counts'

# --- Go's own

cp "$ROOT/tests/workloads/goheap.go" "$DIR"
command go build -o "$DIR/goheap" "$DIR/goheap.go" >"$DIR/out" 2>"$DIR/err" || fail "goheap does not build"
for exact in '' 1; do
	EXACT=$exact "$DIR/goheap" "$DIR/heap" "$DIR/allocs" "$DIR/served" >"$DIR/out" 2>"$DIR/err" ||
		fail "goheap fails"
	for name in heap allocs served; do
		for type in $types; do
			IFS=: read -r index view metric <<<"$type"
			pprof -top -unit=B -sample_index="$index" "$DIR/$name"
			total=$(ours "$view" "$metric" "$DIR/$name")
			expect_equal "Go's $name: $index" "$(pprof_total)" "$total"
			[[ $total -gt 10 ]] || fail "Go's $name: $index is $total"
		done
		run report "$DIR/$name"
		expect_status 0
		expect_out '^missing +.*another program' 'main\.keep \(goheap\.go:[0-9]+\) < main\.main'
		[[ -n $exact ]] || expect_out '^missing +.*; a sample every 512 KiB'
	done
done
# Every block of 10240 (the size class of 10007) was counted.
run report -q -f folded --view live -m calls "$DIR/heap"
expect_equal "blocks that Go keeps" "$(awk '/main\.keep;allocation / { if ($NF >= 307) print "all" }' "$DIR/out")" all
