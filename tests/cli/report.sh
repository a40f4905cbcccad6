#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Stored recordings (tests/recordings) give the same tables everywhere, without root and without the traced files; files
# that are damaged, hostile or something else are one clear error.
#
# GOLDEN_UPDATE=1 writes the expected tables; then look at git diff. The recordings are of tests/workloads, built below
# /opt/demo: heap -j with --sample 1 --by thread and every view, sites 20 with --sample 4096, inlined with --sample 1,
# and leak 100 with --sample 1 --view leaks --no-names; primes -r 4 with --sample 1 -i 250ms.
. "$(dirname "$0")/../lib.sh"
need setpriv gzip jq python3

# A place that everybody can read, and a user who may nothing.
chmod 755 "$DIR"
cp -L "$ALLOCTRACE" "$DIR/alloctrace"
cp "$ROOT"/tests/recordings/*.pb.gz "$DIR"
as_nobody=()
[[ $EUID -ne 0 ]] || as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs)
chmod 644 "$DIR"/*.pb.gz

report() {	# ARGS...
	(cd "$DIR" && timeout -k 5 30 "${as_nobody[@]}" ./alloctrace report "$@" >"$DIR/out" 2>"$DIR/err" </dev/null)
	# shellcheck disable=SC2034 # expect_status reads it
	STATUS=$?
}

golden() {	# NAME ARGS...
	local file=$ROOT/tests/recordings/$1.txt

	report "${@:2}"
	expect_status 0
	[[ ! -s $DIR/err ]] || fail "$1: something on stderr"
	[[ -z ${GOLDEN_UPDATE:-} ]] || cp "$DIR/out" "$file"
	diff -u "$file" "$DIR/out" >"$DIR/diff" || fail "$1 differs: $(head -20 "$DIR/diff")"
}

golden heap heap.pb.gz
for by in function line module stack thread; do golden heap-$by --view alloc,live --by $by heap.pb.gz; done
golden heap-cum --view alloc --by function --cum -m calls -T 12 heap.pb.gz
golden heap-twice --view leaks -T 3 heap.pb.gz heap.pb.gz
golden sampled -T 12 sampled.pb.gz
golden sampled-calls -m calls -T 12 sampled.pb.gz
golden inlined --by line inlined.pb.gz
golden inlined-proper --no-inline --by stack inlined.pb.gz
golden two --by module sampled.pb.gz inlined.pb.gz
for by in process program container user cgroup; do golden host-$by --by $by host.pb.gz; done
golden host-two --by program,site -T 2 host.pb.gz
golden heap-two --view live,sizes --by module,function -T 4 heap.pb.gz
golden parts-first --time ,400ms -T 5 parts.pb.gz
golden parts-rest --time 400ms, -T 5 --by function parts.pb.gz
golden host-inlined --by container,module host.pb.gz inlined.pb.gz

# Folded: the summary goes to stderr, and sums are those of what the workload said when it was recorded.
report -f folded --view live -m calls -q heap.pb.gz
expect_status 0
expect_equal "blocks of kept" "$(folded_sum "$DIR/out" ';kept;malloc ')" 101
expect_equal "blocks of half_freed" "$(folded_sum "$DIR/out" ';half_freed;malloc ')" 107
report -f folded -q inlined.pb.gz
expect_equal "bytes of the inlined functions" \
	"$(folded_sum "$DIR/out" ';app::build.*;app::Builder::middle.*;innermost.*;malloc ')" $((3001 * 61))

# What was allocated in parts of the time is all of it; that is kept in what is made of the file.
report -f pprof -q --ignore nowhere parts.pb.gz
cp "$DIR/out" "$DIR/whole.pb.gz"
chmod 644 "$DIR/whole.pb.gz"
for file in parts whole; do
	for m in bytes calls; do
		sum=0
		for time in ',300ms' '300ms,700ms' '700ms,'; do
			report -f folded -q -m $m --time "$time" $file.pb.gz
			expect_status 0
			sum=$((sum + $(folded_sum "$DIR/out")))
		done
		report -f folded -q -m $m parts.pb.gz
		expect_equal "$m of all parts of $file" "$sum" "$(folded_sum "$DIR/out")"
	done
done

# JSON and CSV: valid for other readers, with what the table has. The facts need no summary beside them.
report -f json -T 0 heap.pb.gz
expect_status 0
[[ ! -s $DIR/err ]] || fail "json: something on stderr"
expect_equal "lines of json" "$(wc -l <"$DIR/out")" 1
expect_equal "blocks of kept" "$(jq -r '.views[] | select(.view == "live") | .rows[] |
	select(.site | startswith("kept ")) | .calls' "$DIR/out")" 101
expect_equal "bytes of each view" \
	"$(jq '[.views[] | (.rows | map(.bytes) | add) == .total.bytes] | all' "$DIR/out")" true
report -f csv -T 2 --view live -q heap.pb.gz
expect_equal "bytes of the csv" "$(python3 -c 'import csv, sys
print(sum(int(row["bytes"]) for row in csv.DictReader(sys.stdin)))' <"$DIR/out")" \
	"$(report -f json -q --view live heap.pb.gz; jq '.views[0].total.bytes' "$DIR/out")"

# Parts, and what is left of them as a file; differences; callers.
report --view live --focus '^kept$' -f folded -q -m calls heap.pb.gz
expect_equal "blocks of kept" "$(folded_sum "$DIR/out")" 101
report --view live --focus '^kept$' heap.pb.gz
expect_out '^shown +99\.5 KiB in 101 blocks \([0-9.]+ %\): --focus \^kept\$$'
report --hide '^innermost|middle' --show-from '^main$' --focus app::build -f folded -q inlined.pb.gz
expect_status 0
expect_equal "stacks without what is hidden" "$(cut -d' ' -f1 "$DIR/out" | sort -u)" 'inlined;main;app::build;malloc'
report -f folded -q --view alloc --diff-base heap.pb.gz heap.pb.gz
expect_equal "lines that differ" "$(awk '$NF != $(NF - 1)' "$DIR/out" | wc -l)" 0
report --diff-base sampled.pb.gz --view leaks heap.pb.gz
expect_status 1
expect_one_error 'sampled\.pb\.gz: it has no view leaks'
report --view live --callers '^kept$' heap.pb.gz
expect_out '^ *BYTES +% +CALLERS > FUNCTION$' '^99\.5 KiB +[0-9.]+ +  make$' '^99\.5 KiB +[0-9.]+ +kept$'

# Go's benchmark format: of the views that there are the first that has such lines, and by as many operations as said.
report -f benchfmt -q --ops 1000 --by function heap.pb.gz
expect_status 0
expect_out '^goos: linux$' '^view: alloc$' '^by: function$' '^BenchmarkTotal	1000	' '^BenchmarkFunction/'
report -f benchfmt -q --ops 1 -T 0 --view live heap.pb.gz
expect_equal "bytes of all lines" "$(awk '/^BenchmarkSite/ { n += $3 } END { printf "%.0f", n }' "$DIR/out")" \
	"$(awk '/^BenchmarkTotal/ { printf "%.0f", $3 }' "$DIR/out")"
expect_out '^BenchmarkTotal	1	[0-9]+ B/op	[0-9]+ blocks/op$'
# Two groupings: what is inside of each row adds up to it, and the rows to the total.
report -f benchfmt -q --ops 1 --by program,site -T 2 host.pb.gz
expect_out '^by: program,site$' \
	'^BenchmarkProgram/redis/Site/create_string\+0x2	1	48000 B/op	4 allocs/op$'
for level in '[^/]*/[^/]*|BenchmarkRest' '[^/]*/redis/.*'; do
	bytes=$(awk -v level="^($level)\$" '$1 ~ level { n += $3 } END { printf "%.0f", n }' "$DIR/out")
	case $level in
	*Rest) expect_equal "bytes of programs" "$bytes" 252000 ;;
	*) expect_equal "bytes of redis" "$bytes" 64000 ;;
	esac
done
report --by program,function --cum host.pb.gz
expect_status 0
expect_out ' CUM% .* PROGRAM, FUNCTION < CALLERS$' '  main$'
# What a recording says of its operations, and another number.
run report -q -f pprof --ops 7 -o "$DIR/ops.pb.gz" "$DIR/heap.pb.gz"
expect_status 0
chmod 644 "$DIR/ops.pb.gz"
report --view alloc "$DIR/ops.pb.gz"
expect_out '^per op .* in 7 operations$' ' B/OP +ALLOCS/OP '
report --view alloc --ops 9 "$DIR/ops.pb.gz" "$DIR/ops.pb.gz"
expect_out '^per op .* in 9 operations$'
report --view alloc "$DIR/ops.pb.gz" "$DIR/ops.pb.gz"
expect_out '^per op .* in 14 operations$'
report --view alloc "$DIR/ops.pb.gz" heap.pb.gz
! grep -q '^per op' "$DIR/out" || fail "operations of one recording stand for both"
rm "$DIR/ops.pb.gz"

# Without names, and without the program: where its code lies. (Names of what is here are looked up by build id.)
report unnamed.pb.gz
expect_status 0
expect_out '^98\.5 KiB +[0-9.]+ +[0-9.]+ +100 .* leak\+0x[0-9a-f]+ < leak\+0x'

# What is recorded of a recording is the same file, but for alloctrace's version.
unversioned() {
	zcat "$1" | sed -E 's/alloctrace [0-9]+\.[0-9]+\.[0-9]+/alloctrace/'
}

for name in heap sampled inlined unnamed host; do
	run report -q -f pprof -o "$DIR/again.pb.gz" "$DIR/$name.pb.gz"
	expect_status 0
	cmp <(unversioned "$DIR/again.pb.gz") <(unversioned "$DIR/$name.pb.gz") ||
		fail "$name.pb.gz, recorded once more, differs"
done

# --- what can't be

refused() {	# STATUS REGEX ARGS...
	report "${@:3}"
	expect_status "$1"
	expect_one_error "$2"
}

refused 1 'sampled\.pb\.gz: it has no view live: it was recorded with --view alloc' --view live sampled.pb.gz
refused 1 'inlined\.pb\.gz: it does not distinguish threads' --by thread inlined.pb.gz
refused 1 'inlined\.pb\.gz: it does not distinguish threads' --by site,thread inlined.pb.gz
refused 1 'host\.pb\.gz: it does not distinguish goroutines' --by program,goroutine host.pb.gz
refused 2 'no meaning with --by function,site' --by function,site --cum host.pb.gz
refused 1 'nowhere\.pb\.gz' nowhere.pb.gz
refused 2 '--pid|-p' -p 1 heap.pb.gz
refused 2 'sample' --sample 1 heap.pb.gz
report
expect_status 2

# Files: the error names the one that is meant.
bad() {	# NAME REGEX
	refused 1 "^alloctrace: $1: .*($2)" heap.pb.gz "$1"
}

: >"$DIR/empty"
bad empty 'empty'
printf 'PK\3\4 no profile' >"$DIR/magic"
bad magic 'damaged, or something else'
printf '\37\213' >"$DIR/short"
bad short 'damaged or cut off'
head -c 1000 "$DIR/heap.pb.gz" >"$DIR/cut"
bad cut 'damaged or cut off'
head -c 32M /dev/zero | gzip -9 | tee "$DIR/zeros" "$DIR/zeros" >/dev/null
for _ in 1 2 3 4; do cat "$DIR/zeros"; done >"$DIR/bomb"
refused 1 '^alloctrace: bomb: .*--max-memory' --max-memory 256M bomb
printf 'plain text\n' >"$DIR/text"
bad text 'damaged, or something else'

# Profiles by hand: proto NAME 'TEXT', python writes what the text says.
cat >"$DIR/hand.py" <<'END'
import gzip, sys
def varint(n):
    n &= (1 << 64) - 1
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])
def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value
def profile(values=(5, 500), locations=(1, 2), mapping=1, function=1, name=b"f", ids=(1, 2), types=(1, 3), start=b""):
    texts = [start, b"objects", b"count", b"space", b"bytes", b"/bin/x", name, b"f.c"]
    line = field(4, field(1, function) + field(2, 7))
    return b"".join([
        *(field(1, field(1, t) + field(2, t + 1)) for t in types),
        field(2, field(1, b"".join(map(varint, locations))) + field(2, b"".join(map(varint, values)))),
        field(3, field(1, 1) + field(2, 0x1000) + field(3, 0x9000) + field(5, 5) + field(7, 1)),
        *(field(4, field(1, i) + field(2, mapping) + field(3, 0x1000 + i) + line) for i in ids),
        field(5, field(1, 1) + field(2, 6) + field(4, 7)),
        *(field(6, t) for t in texts)])
files = {
    "good": profile(), "location": profile(locations=(1, 3)), "location0": profile(locations=(0,)),
    "mapping": profile(mapping=2), "function": profile(function=9), "twice": profile(ids=(1, 1)),
    "noid": profile(ids=(0, 1)), "few": profile(values=(5,)), "many": profile(values=(5, 6, 7)),
    "types": profile(types=(5, 6)), "text": profile(types=(1, 99)), "negative": profile(values=(-5, -500)),
    "least": profile(values=(1, -1 << 63)), "strings": profile(start=b"x"),
    "most": profile(values=(1, (1 << 63) - 1)),
    "names": profile(name=b"a;b\nc\x1b[31m [truncated: depth limit]\xff\xc2\x85"),
    "mark": profile(name=b"[truncated: depth limit]"), "loop": profile(locations=(1, 2) * 5000),
    "over": profile(values=(1, (1 << 63) - 1)) + field(2, field(1, b"\1") + field(2, varint(1) + varint(1))),
}
for name, data in files.items():
    with open(f"{sys.argv[1]}/hand-{name}", "wb") as f:
        f.write(data)
END
$PYTHON "$DIR/hand.py" "$DIR" || fail "no profiles by hand"

report -q -f folded hand-good
expect_status 0
expect_equal "a good profile" "$(cat "$DIR/out")" "x;f;f;allocation 500"
bad hand-location 'location 3, which is not there'
bad hand-location0 'location 0, which is not there'
bad hand-mapping 'mapping 2, which is not there'
bad hand-function 'function 9, which is not there'
bad hand-twice 'location 1 is there twice'
bad hand-noid 'location 0 is there twice, or has no number'
bad hand-few '1 values, and there are 2 types'
bad hand-many '3 values, and there are 2 types'
bad hand-types 'no heap profile: its values are /bin/x'
bad hand-negative 'negative counts'
bad hand-least 'negative counts'
bad hand-strings 'does not begin with an empty one'
bad hand-over 'add up to more than 2\^63'
report -q -f folded hand-most
expect_status 0
expect_equal "2^63 - 1 bytes" "$(cat "$DIR/out")" "x;f;f;allocation 9223372036854775807"
refused 1 '^alloctrace: hand-most: .*add up to more than 2\^63' hand-most hand-most
report -q -f folded hand-names
expect_status 0
expect_equal "lines" "$(wc -l <"$DIR/out")" 1
expect_out '^x;a:b\\x0ac\\x1b\[31m .*;a:b[^;]*;allocation 500$'
! LC_ALL=C grep -q $'[\x01-\x09\x0b-\x1f\x7f]' "$DIR/out" || fail "a control character from a name"
report hand-names
expect_status 0
! LC_ALL=C grep -q $'[\x01-\x09\x0b-\x1f\x7f]' "$DIR/out" || fail "a control character from a name"
report -q -f folded hand-mark
expect_status 0
! grep -q '^x;\[truncated' "$DIR/out" || fail "a name that looks like a mark is one"
report --by stack hand-loop
expect_status 0
expect_out '^ *500 B +100\.0'
