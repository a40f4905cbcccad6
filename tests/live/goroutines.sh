#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 240
# Go: which goroutine allocates, by its number, to the call; stripped, and PIE; and what a recording has of it.
. "$(dirname "$0")/../lib.sh"
need_root
go_env
remember_probes

cp -r "$ROOT/tests/workloads/goroutines" "$DIR/src" && cd "$DIR/src" || exit 1

build() {	# NAME ARGS...
	CGO_ENABLED=0 command go build -o "$DIR/$1" "${@:2}" . >"$DIR/out" 2>"$DIR/err" || fail "$1 does not build"
}

# Calls of main.work by goroutine: with blocks of one size alone, there is nothing else.
wanted() {
	awk '{ print $2, "goroutine " $1 }' "$DIR/out" | sort
}

rows() {	# FILE
	awk -F '  +' '/^ *CALLS/ { on = 1; next } on && NF > 5 { sub(/^ */, ""); print $1, $6 }' "$1" | sort
}

check() {	# NAME
	run "${EXACT[@]}" --min-size 10007 --max-size 10007 --by goroutine -m calls -T 0 -o "$DIR/g.txt" \
		-o "$DIR/g.pb.gz" -- "$DIR/$1"
	expect_status 0
	expect_equal "$1: goroutines" "$(wc -l <"$DIR/out")" 13
	diff <(wanted) <(rows "$DIR/g.txt") >"$DIR/differ" || fail "$1: goroutines differ: $(cat "$DIR/differ")"
	run report --by goroutine -m calls -T 0 -o "$DIR/again.txt" "$DIR/g.pb.gz"
	expect_status 0
	cmp "$DIR/g.txt" "$DIR/again.txt" || fail "$1: a recording is another table"
}

build plain -ldflags=-w
check plain
command go tool pprof -raw "$DIR/g.pb.gz" >"$DIR/raw" 2>/dev/null
expect_equal "labels of goroutines in the recording" "$(grep -c 'goroutine:\[' "$DIR/raw")" 13
build stripped '-ldflags=-s -w'
check stripped
build pie -buildmode=pie '-ldflags=-s -w'
check pie
# Two processes have goroutines of the same number.
mkfifo "$DIR/start" && exec 5<>"$DIR/start"
for i in 1 2; do
	"$DIR/plain" wait <"$DIR/start" >"$DIR/says.$i" &
	BACKGROUND+=($!)
	pids[i]=$!
done
wait_until 10 grep -q plain "/proc/${pids[1]}/comm" && wait_until 10 grep -q plain "/proc/${pids[2]}/comm"
trace_start "${EXACT[@]}" --min-size 10007 --max-size 10007 --by goroutine -m calls -T 0 -o "$DIR/two.txt" \
	-p "${pids[1]},${pids[2]}"
echo xx >&5
trace_end
for i in 1 2; do
	awk -v pid="${pids[i]}" '{ print $2, "goroutine " $1 " of plain (" pid ")" }' "$DIR/says.$i"
done | sort >"$DIR/wanted"
diff "$DIR/wanted" <(rows "$DIR/two.txt") >"$DIR/differ" || fail "two processes differ: $(cat "$DIR/differ")"

# What asks for none, and what is not Go.
run "${EXACT[@]}" -q -o "$DIR/none.pb.gz" -- "$DIR/plain"
expect_status 0
run report --by goroutine "$DIR/none.pb.gz"
expect_status 1
expect_err 'it does not distinguish goroutines: record with --by goroutine'
run "${EXACT[@]}" --by goroutine -m calls -- "$W/primes" 1
expect_status 0
expect_err '  \(not Go: no goroutine\) '
! grep -q 'goroutine [0-9]' "$DIR/err" || fail "a program of C has goroutines"
no_probe_left
