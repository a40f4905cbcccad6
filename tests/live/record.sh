#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 300
# Recordings: the table of the live run, to the byte, for every view and grouping; the file's name; what can't be
# written; several files; names that are left to report.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../heap.sh"
need_root
need setpriv
remember_probes
chmod 755 "$DIR"
cp -L "$ALLOCTRACE" "$DIR/alloctrace"
out=$DIR/d
mkdir "$out"
chmod 755 "$out"

report() {	# ARGS...: as a user who may nothing
	(cd "$out" && setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs timeout -k 5 30 \
		"$DIR/alloctrace" report "$@" >"$DIR/report" 2>"$DIR/err" </dev/null)
	# shellcheck disable=SC2034 # expect_status reads it
	STATUS=$?
}

same() {	# WHAT TABLE ARGS...: a report equals the table
	report "${@:3}"
	expect_status 0
	[[ ! -s $DIR/err ]] || fail "$1: something on stderr"
	diff -u "$2" "$DIR/report" >"$DIR/diff" || fail "$1: report differs: $(head -20 "$DIR/diff")"
}

# Every grouping, every view; of frames also by calls and cumulative.
every=alloc,live,leaks,peak,temp,lifetimes,sizes
for by in site function line module stack thread; do
	run "${EXACT[@]}" --no-follow --view $every --by $by -T 0 -o "$out/all.txt" -o "$out/all.pb.gz" -- "$W/heap" -j
	expect_status 0
	[[ -s $out/all.txt ]] || fail "--by $by: no table"
	same "--by $by" "$out/all.txt" --by $by -T 0 all.pb.gz
	if [[ $by == site ]]; then
		cp "$DIR/out" "$DIR/result"
		cp "$out/all.pb.gz" "$out/site.pb.gz"
	fi
done
for args in '--by function --cum' '--by site --cum -m calls' '--by stack -m calls -T 7' '--by line --no-inline'; do
	# shellcheck disable=SC2086 # they are several
	run "${EXACT[@]}" --no-follow --view alloc,live,peak $args -o "$out/some.txt" -o "$out/some.pb.gz" -- \
		"$W/heap" -j
	expect_status 0
	# shellcheck disable=SC2086 # they are several
	same "$args" "$out/some.txt" $args some.pb.gz
done
# Samples, with their errors; several processes' threads.
run --sample 4096 --view alloc,live -o "$out/some.txt" -o "$out/some.pb.gz" -- "$W/sites" -k 7 20
expect_status 0
grep -q '±%' "$out/some.txt" || fail "no errors in a sampled table"
same "sampled" "$out/some.txt" some.pb.gz
run "${EXACT[@]}" --by thread -o "$out/some.txt" -o "$out/some.pb.gz" -- "$W/primes" 3
expect_status 0
same "threads" "$out/some.txt" --by thread some.pb.gz

# Intervals: a pair of files each, of one name.
target_start "$W/heap" -w -s -j
"$ALLOCTRACE" -q "${EXACT[@]}" --view live -i 1 -d 3500ms -p "$TARGET" -o "$out/i-%t.txt" -o "$out/i-%t.pb.gz" \
	>"$DIR/out" 2>"$DIR/err" </dev/null &
TRACE=$!
BACKGROUND+=("$TRACE")
wait_until 20 trace_attached || fail "no probes in place"
go
trace_end
kill -KILL "$TARGET"
n=0
for file in "$out"/i-*.pb.gz; do
	text=${file%.pb.gz}.txt
	[[ -s $text ]] || fail "$file has no table of the same name"
	# Behind a table for people comes an empty line, but for the last.
	report "${file##*/}"
	expect_status 0
	diff <(sed '$ { /^$/d }' "$text") <(sed '$ { /^$/d }' "$DIR/report") >"$DIR/diff" ||
		fail "${file##*/} differs: $(head "$DIR/diff")"
	n=$((n + 1))
done
[[ $n -ge 2 ]] || fail "$n recordings of several intervals"

# The sums are the workload's own.
for metric in bytes calls; do
	for view in live alloc; do
		report -q -f folded --view $view -m $metric site.pb.gz
		expect_status 0
		expect_heap "$DIR/report" "$DIR/result" $view $metric
	done
done

# Two files add up: each number of the folded stacks is twice that of one.
report -q -f folded --view alloc site.pb.gz
awk '{ $NF *= 2; print }' "$DIR/report" >"$DIR/twice"
report -q -f folded --view alloc site.pb.gz site.pb.gz
cmp "$DIR/twice" "$DIR/report" || fail "two files do not add up"
grep -q '^heap;.*;kept;malloc 203818$' "$DIR/report" || fail "kept is not 2 x 101 x 1009 bytes"

# Without names: those that are looked up by report are those that the live run has.
cp "$W/heap" "$DIR/private"
run "${EXACT[@]}" -q -o "$out/named.pb.gz" -- "$DIR/private" -j
expect_status 0
run "${EXACT[@]}" -q --no-names -o "$out/unnamed.pb.gz" -- "$DIR/private" -j
expect_status 0
report -q -f folded named.pb.gz
grep ';kept;' "$DIR/report" >"$DIR/named"
report -q -f folded unnamed.pb.gz
grep ';kept;' "$DIR/report" >"$DIR/unnamed"
[[ -s $DIR/named ]] || fail "no kept"
cmp "$DIR/named" "$DIR/unnamed" || fail "names that report looks up differ: $(cat "$DIR/named" "$DIR/unnamed")"
# On a machine that does not have the file, there is its place; elsewhere it is found by its build id alone.
mkdir "$DIR/elsewhere"
mv "$DIR/private" "$DIR/elsewhere/other-name"
report -q -f folded unnamed.pb.gz
expect_status 0
! grep -q ';kept;' "$DIR/report" || fail "a name of a file that is away"
grep -q ';private+0x[0-9a-f]*;malloc 101909$' "$DIR/report" || fail "no place in a file that is away"
same_id=$(readelf -n "$DIR/elsewhere/other-name" | sed -n 's/.*Build ID: //p')
if [[ -n $same_id ]]; then
	mkdir -p "$DIR/elsewhere/.build-id/${same_id:0:2}"
	mv "$DIR/elsewhere/other-name" "$DIR/elsewhere/.build-id/${same_id:0:2}/${same_id:2}.debug"
	report -q -f folded --symbol-path ../elsewhere unnamed.pb.gz
	grep ';kept;' "$DIR/report" | cmp - "$DIR/named" || fail "not found by its build id"
	# Another build of that name is not taken for it.
	cp "$W/primes" "$DIR/private"
	report -q -f folded unnamed.pb.gz
	! grep -q ';use_malloc;' "$DIR/report" || fail "the names of another program"
fi
run --no-names -o "$out/t.txt" -- true
expect_status 2
expect_one_error '--no-names is for recordings'

# record: its file's name, in the working directory, and nothing else.
mkdir "$DIR/here"
(cd "$DIR/here" && "$ALLOCTRACE" record -q -- "$W/leak" 10 >"$DIR/out" 2>"$DIR/err") || fail "record: exit status $?"
expect_files "$DIR/here" alloctrace.pb.gz
run record -q -f folded -o "$DIR/here/x" -- "$W/leak" 10
expect_status 0
grep -q '^leak;' "$DIR/here/x" || fail "record -f folded"

# A recording is nothing for a terminal, and a pipe gets it whole.
script -qec "'$ALLOCTRACE' -f pprof -- '$W/leak' 10" /dev/null >"$DIR/out" </dev/null
grep -q 'pprof cannot be written to a terminal' "$DIR/out" || fail "a recording on a terminal"
! LC_ALL=C grep -q $'\x1f\x8b' "$DIR/out" || fail "a recording on a terminal"
target_start "$W/leak" -w 10
"$ALLOCTRACE" -q -f pprof -p "$TARGET" 2>"$DIR/err" </dev/null > >(cat >"$out/pipe.pb.gz") &
TRACE=$!
BACKGROUND+=("$TRACE")
wait_until 20 trace_attached || fail "no probes in place"
go
target_end
trace_end
expect_status 0
report pipe.pb.gz
expect_status 0
grep -q leaky "$DIR/report" || fail "a recording through a pipe"

# Where it can't be written, nothing is traced, and no file is begun.
for bad in "$DIR/nowhere/x.pb.gz" /proc/x.pb.gz; do
	run record -o "$bad" -- touch "$DIR/started"
	expect_status 1
	expect_one_error "$bad"
	[[ ! -e $DIR/started ]] || fail "the command was started although $bad cannot be written"
done
run -o "$DIR/here/first.pb.gz" -o "$DIR/nowhere/x.txt" -- touch "$DIR/started"
expect_status 1
expect_one_error nowhere
[[ ! -e $DIR/started ]] || fail "the command was started although its second output cannot be written"
expect_files "$DIR/here" alloctrace.pb.gz x
no_probe_left
