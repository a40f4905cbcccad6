#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 240
# Go: under which labels (pprof.Do) it is allocated, to the call, while their memory is used again; cut where they are
# many or long; as a map and as a list; and what a recording has of them.
. "$(dirname "$0")/../lib.sh"
need_root
go_env
remember_probes

cp -r "$ROOT/tests/workloads/golabels" "$DIR/src" && cd "$DIR/src" || exit 1

build() {	# NAME DIRECTORY ARGS...
	(cd "$2" && CGO_ENABLED=0 command go build -o "$DIR/$1" "${@:3}" .) >"$DIR/out" 2>"$DIR/err" ||
		fail "$1 does not build"
}

rows() {	# FILE
	awk -F '  +' '/^ *CALLS/ { on = 1; next } on && NF > 5 { sub(/^ */, ""); print $1, $6 }' "$1" | sort
}

check() {	# NAME SETS
	run "${EXACT[@]}" --min-size 10007 --max-size 10007 --by label -m calls -T 0 -o "$DIR/l.txt" \
		-o "$DIR/l.pb.gz" -- "$DIR/$1"
	expect_status 0
	expect_equal "$1: sets of labels" "$(wc -l <"$DIR/out")" "$2"
	sort "$DIR/out" >"$DIR/wanted"
	diff "$DIR/wanted" <(rows "$DIR/l.txt") >"$DIR/differ" || fail "$1: labels differ: $(cat "$DIR/differ")"
	run report --by label -m calls -T 0 -o "$DIR/again.txt" "$DIR/l.pb.gz"
	expect_status 0
	cmp "$DIR/l.txt" "$DIR/again.txt" || fail "$1: a recording is another table"
}

build plain . -ldflags=-w
check plain 21
# pprof has them as those of Go's own profiles.
command go tool pprof -tags -sample_index=alloc_objects "$DIR/l.pb.gz" 2>/dev/null >"$DIR/tags"
grep -A3 '^ *endpoint: Total 294' "$DIR/tags" >"$DIR/endpoint"
for tag in '119\.0 .*: /go$' '114\.0 .*: /api$' '61\.0 .*: /other$'; do
	grep -Eq "^ *$tag" "$DIR/endpoint" || fail "pprof does not show $tag"
done
build stripped . '-ldflags=-s -w'
check stripped 21
build pie . -buildmode=pie '-ldflags=-s -w'
check pie 21
build list ./list '-ldflags=-s -w'
check list 5

# A program that sets none has none; C has no such thing; and a recording without them says so.
(cd "$ROOT/tests/workloads/goroutines" && CGO_ENABLED=0 command go build -o "$DIR/none" .) ||
	fail "the program without labels does not build"
run "${EXACT[@]}" --min-size 10007 --max-size 10007 --by label -m calls -o "$DIR/none.txt" -o "$DIR/none.pb.gz" -- \
	"$DIR/none"
expect_status 0
expect_equal "of a program without labels" "$(rows "$DIR/none.txt")" '2.44k (no labels)'
run report --by goroutine "$DIR/none.pb.gz"
expect_status 1
run "${EXACT[@]}" -q -o "$DIR/plain.pb.gz" -- "$DIR/none"
run report --by label "$DIR/plain.pb.gz"
expect_status 1
expect_err 'it has no labels of goroutines: record with --by label'
run "${EXACT[@]}" --by label -m calls -- "$W/primes" 1
expect_status 0
expect_err '  \(not Go: no labels\) '
no_probe_left
