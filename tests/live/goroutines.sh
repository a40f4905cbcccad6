#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# beside: yes
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

# "calls creator" of all goroutines that one function has made, and the same of the line.
made() {	# FIELD
	awk -v f="$1" '$3 != "-" { n[$f] += $2 } END { for (by in n) print n[by], by }' "$DIR/out" | sort
}

# The last frame of each stack is who made the goroutine: the runtime's own traceback says the same.
creators() {	# NAME
	run "${EXACT[@]}" -q --min-size 10007 --max-size 10007 --created-by -m calls -T 0 -o "$DIR/c.txt" \
		-o "$DIR/c.pb.gz" -- "$DIR/$1"
	expect_status 0
	cp "$DIR/out" "$DIR/says"
	run report -q --created-by "$DIR/c.pb.gz"
	expect_status 2
	run report -q -m calls -T 0 -o "$DIR/again.txt" "$DIR/c.pb.gz"
	cmp "$DIR/c.txt" "$DIR/again.txt" || fail "$1: a recording with creators is another table"
	run report -q -f folded -m calls "$DIR/c.pb.gz"
	cp "$DIR/out" "$DIR/folded"
	cp "$DIR/says" "$DIR/out"
	sed -n 's/^[^;]*;created by \([^;]*\);runtime\.goexit;.* \([0-9]*\)$/\2 \1/p' "$DIR/folded" |
		awk '{ n[$2] += $1 } END { for (by in n) print n[by], by }' | sort >"$DIR/creators"
	diff <(made 3) "$DIR/creators" >"$DIR/differ" || fail "$1: creators differ: $(cat "$DIR/differ")"
	expect_equal "$1: of the first goroutine" "$(folded_sum "$DIR/folded" \
		'^[^;]*;runtime\.goexit;runtime\.main;main\.main;')" 307
	run report -q -m calls --by line --cum -T 0 "$DIR/c.pb.gz"
	sed -n 's/^ .*  created by \(main\.go:[0-9]*\)$/\1/p' "$DIR/out" | sort >"$DIR/lines"
	cp "$DIR/says" "$DIR/out"
	diff <(made 4 | sed 's/^[0-9]* //' | sort) "$DIR/lines" >"$DIR/differ" ||
		fail "$1: lines of creators differ: $(cat "$DIR/differ")"
}

build plain -ldflags=-w
check plain
creators plain
run report -q -m calls -T 0 "$DIR/c.pb.gz"
site=' main\.work \(main\.go:[0-9]+\)' serve='main\.\(\*pool\)\.serve' start='main\.\(\*pool\)\.start'
expect_out "$site < $serve < .*runtime\.goexit < created by $start\$"
command go tool pprof -traces -lines -sample_index=alloc_objects "$DIR/c.pb.gz" >"$DIR/traces" 2>/dev/null
grep -Eq '^ +created by main\.spawn .*/main\.go:[0-9]+$' "$DIR/traces" || fail "pprof shows no creator"
run "${EXACT[@]}" -q --no-names --created-by -m calls -o "$DIR/u.pb.gz" -- "$DIR/plain"
run report -q -f folded -m calls "$DIR/u.pb.gz"
expect_equal "named by the report" "$(folded_sum "$DIR/out" \
	';created by main.spawn;runtime.goexit;main.spawn.func1;main.work;')" 980
command go tool pprof -raw "$DIR/g.pb.gz" >"$DIR/raw" 2>/dev/null
expect_equal "labels of goroutines in the recording" "$(grep -c 'goroutine:\[' "$DIR/raw")" 13
build stripped '-ldflags=-s -w'
check stripped
creators stripped
build pie -buildmode=pie '-ldflags=-s -w'
check pie
creators pie
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

# Where the runtime's code compares the number with something else, nothing is known, which is said; calls count.
LC_ALL=C sed 's/\x48\x83\xba\(.\)\x00\x00\x00\x01/\x48\x83\xba\1\x00\x00\x00\x02/g' "$DIR/stripped" >"$DIR/changed"
! cmp -s "$DIR/stripped" "$DIR/changed" || fail "there was nothing to change"
chmod +x "$DIR/changed"
run "${EXACT[@]}" --min-size 10007 --max-size 10007 --by goroutine --created-by -m calls -T 0 -- "$DIR/changed"
expect_status 0
expect_err '^not seen +numbers, labels and creators of goroutines of changed, because the code' \
	'^ *2\.44k +100\.0 .*  \(unknown goroutine\)  .* < runtime\.goexit$'
! grep -q 'created by' "$DIR/err" || fail "creators are made up"

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
