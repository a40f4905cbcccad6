#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# diff and trend: which recordings are on which side, what is shown of them, when a build fails, and what is refused.
. "$(dirname "$0")/../lib.sh"
need gzip jq

# write.py FILE SECONDS NAME=BYTES...: a heap profile as other programs write it, taken then.
cat >"$DIR/write.py" <<'END'
import sys
def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])
def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value
texts = [b"", b"alloc_objects", b"count", b"alloc_space", b"bytes", b"inuse_objects", b"inuse_space", b"/bin/x"]
rows = [r.rsplit("=", 1) for r in sys.argv[3:]]
out = b"".join(field(1, field(1, t) + field(2, u)) for t, u in ((1, 2), (3, 4), (5, 2), (6, 4)))
for i, (name, size) in enumerate(rows, 1):
    values = b"".join(map(varint, (1, int(size), 1, int(size))))
    out += field(2, field(1, varint(i)) + field(2, values))
    out += field(4, field(1, i) + field(2, 1) + field(3, 0x1000 + i) + field(4, field(1, i)))
    out += field(5, field(1, i) + field(2, len(texts)))
    texts.append(name.encode())
out += field(3, field(1, 1) + field(2, 0x1000) + field(3, 0x9000) + field(5, 7) + field(7, 1))
out += b"".join(field(6, t) for t in texts) + field(9, int(sys.argv[2]) * 10**9)
open(sys.argv[1], "wb").write(out)
END
profile() {	# FILE SECONDS NAME=BYTES...
	"$PYTHON" "$DIR/write.py" "$DIR/$1" "${@:2}" || fail "no profile $1"
}

cd "$DIR" || fail "no $DIR"
recordings=$ROOT/tests/recordings

# --- the measurements that benchstat's documentation has as its example, and what it says of them

json_old=(1726 1723 1707 1707 1713 1729 1736 1707 1705 1774)
json_new=(1423 1416 1411 1413 1412 1426 1422 1424 1447 1425)
gob_old=(3069 3075 3069 3067 3207 3064 3064 3058 3059 3062)
gob_new=(3075 3065 3059 3065 3060 3081 3186 3135 3087 3062)
for i in "${!json_old[@]}"; do
	profile "old$i.pb" $((1000 + i)) "json=${json_old[i]}" "gob=${gob_old[i]}"
	profile "new$i.pb" $((2000 + i)) "json=${json_new[i]}" "gob=${gob_new[i]}" "more=1"
done
run diff --by function --ops 1 old?.pb -- new?.pb
expect_status 0
expect_out '^compared +B/op of view alloc by function: medians' '^tested +Mann-Whitney, n=10;' \
	'^ *1718 ±1%  *1423 ±1%  *-17\.20%  *-295\.5  *<0\.001\*  json$' \
	'^ *3066 ±0%  *3070 ±2%  * ~  *\+4\.500  *0\.446    gob$' '^ *0  *1 ±0%  *new  .*  more$' \
	'^note +1 row is not on both sides'
expect_equal "the last line" "$(tail -n 1 out | tr -s ' ' | sed 's/^ //')" "2295 2090 -8.94% [geomean]"
cp out want

# Options may follow, and labels do what -- does; the order of files changes nothing but what their line says.
run diff old?.pb --by function -- new?.pb --ops 1
expect_status 0
cmp out want || fail "options behind the files change something"
run diff --by function --ops 1 old{9..0}.pb -- new{5..9}.pb new{0..4}.pb
expect_status 0
diff <(grep -v 'recordings:' out) <(grep -v 'recordings:' want) >diffs || fail "the order of files: $(cat diffs)"
labelled=()
for i in {0..9}; do labelled+=("was=old$i.pb" "is=new$i.pb"); done
run diff --by function --ops 1 "${labelled[@]}"
expect_status 0
expect_out '^ +was +is +DELTA'
diff -w <(sed '/DELTA/d' out) <(sed '/DELTA/d' want) >diffs || fail "labels: $(cat diffs)"

# JSON: the same numbers, not rounded.
json() {	# WANT FILTER: of out
	expect_equal "$2" "$(jq -r "$2" out)" "$1"
}
run diff --by function --ops 1 -f json --fail-above 900 old?.pb -- new?.pb
expect_status 0
expect_equal "lines" "$(wc -l <out)" 1
json 'diff 1 alloc function B/op mann-whitney 10 10' \
	'[.type, .version, .view, .by[0], .unit, .test, (.before.recordings, .after.recordings | length)] | join(" ")'
json '1718 1422.5 -172 true' \
	'.rows[] | select(.name == "json") | "\(.before.median) \(.after.median) \(.change * 1000 | round) \(.evident)"'
json '3065.5 3070 0.446102 false' \
	'.rows[] | select(.name == "gob") | "\(.before.median) \(.after.median) \(.p * 1e6 | round / 1e6) \(.evident)"'
json '0 1 null true null' \
	'.rows[] | select(.name == "more") | "\(.before.median) \(.after.median) \(.change) \(.appeared) \(.vanished)"'
json '2294.892 2089.755 -8.94 2 1' \
	'.geomean | [(.before, .after | . * 1e3 | round / 1e3), (.change * 1e4 | round / 100), .rows, .rows_of_one_side]
		| join(" ")'
json '900 false null' '.gate | "\(.limit_percent) \(.failed) \(.reasons)"'
run diff --by function --ops 1 -T 1 -o out.json old?.pb -- new?.pb
expect_status 0
expect_equal "rest" "$(jq -c '[(.rows | length), .rest]' out.json)" '[1,{"rows":2,"evident":1}]'

# --- the gate

run diff --by function --fail-above 5% -q old?.pb -- new?.pb
expect_status 0
expect_out '^gate +passed'
run diff --by function --fail-above 5 -o gate.txt new?.pb -- old?.pb
expect_status 1
expect_one_error '^alloctrace: growth above 5 %: total \+6\.69% \(p<0\.001\); 1 row: json \+20\.77%$'
grep -q '^gate  *failed: growth above 5 %' gate.txt || fail "the file does not have the gate"
run diff --by function --fail-above 30 new?.pb -- old?.pb
expect_status 0
# Three runs of each side are no evidence.
run diff --by function --fail-above 5 new{1,2,3}.pb -- old{1,2,3}.pb
expect_status 0
expect_out 'need >= 4 recordings of each side' 'need >= 6 recordings of a side'

# --- one of each: a file does not differ from itself; errors of recordings decide, and others have none

for file in heap sampled inlined host; do
	run diff --by function --fail-above 0 "$recordings/$file.pb.gz" "$recordings/$file.pb.gz"
	expect_status 0
	expect_out '^gate +passed' '\[total\]$' '\(no row differs\)$' 'standard errors of the two recordings alone'
done
run diff --by function old1.pb new1.pb
expect_status 0
expect_out '^tested +nothing: .*do not say how good' ' ~ .* json$'
for args in '--by function' '--by stack' '--by program,site' '--by module --cum' '-m calls' '--view live' \
	'--normalize calls'; do
	# shellcheck disable=SC2086 # words
	run diff $args "$recordings/heap.pb.gz" "$recordings/heap.pb.gz"
	expect_status 0
	expect_out '\(no row differs\)$'
done
run diff "$recordings/sampled.pb.gz" "$recordings/inlined.pb.gz"
expect_status 0
expect_out ' new  .*\[|  new  ' '  gone  '

# --- trend

mkdir series
for i in {1..9}; do
	profile "series/$i.pb.gz" $((3600 * i)) "leak=$((100000 + 1000 * i))" "warm=$((i < 4 ? 20000 * i : 80000))" \
		"saw=$((50000 + 10000 * (i % 2)))"
done
touch series/notes
run trend --by function series
expect_status 0
expect_out '^trend +9 recordings in 8h00m, x$' '^tested +3 rows: 1 rises steadily, 1 rose and levels off, 0 rise' \
	'^ *\+1000 B +\+1000 B +\+1000 B +<0\.001 +98\.6 KiB +106 KiB  leak$'
cp out want
run trend --by function series/{5..9}.pb.gz series/{1..4}.pb.gz
expect_status 0
cmp out want || fail "the order of files changes a trend"
run trend --by function --min-growth 5 series
expect_status 0
expect_out 'tested +3 rows: 0 rise steadily, 1 rose and levels off, 1 rises by less'

run trend --by function -f json series
expect_status 0
json 'trend 9 1 3 1 0' '"\(.type) \(.recordings) \(.runs) \(.rows_tested) \(.rows_level_off) \(.rows_slow)"'
json 'leak 1000 1000 1000 101000 109000 rises 0' \
	'.rows[] | "\(.name) \(.per_hour) \(.low) \(.high) \(.first) \(.last) \(.verdict) \(.restarts)"'

# --- what can't be

refused() {	# STATUS REGEX ARGS...
	run "${@:3}"
	expect_status "$1"
	expect_one_error "$2"
}

refused 2 'diff needs a file' diff
refused 2 'nothing to compare it with' diff old1.pb
refused 2 'which of these files' diff old1.pb old2.pb old3.pb
refused 2 'a third' diff a=old1.pb b=old2.pb c=old3.pb
refused 2 'on no side' diff a=old1.pb old2.pb
refused 2 'nothing to compare it with' diff a=old1.pb a=old2.pb
refused 1 'cannot open nowhere' diff old1.pb nowhere
refused 1 '^alloctrace: write\.py: not a profile' diff old1.pb write.py
refused 1 'sampled\.pb\.gz: it has no view live' diff --view live "$recordings/sampled.pb.gz" old1.pb
refused 1 'old1\.pb: it does not say how long' diff --normalize time old1.pb new1.pb
refused 1 'how many operations' diff --normalize ops old1.pb new1.pb
refused 2 'contradicts --normalize' diff --normalize calls --ops 2 old1.pb new1.pb
refused 2 'one --view' diff --view alloc,live old1.pb new1.pb
refused 2 'nothing to compare in --view sizes' diff --view sizes old1.pb new1.pb
refused 2 'a table or json, not --format pprof' diff -o x.pb.gz old1.pb new1.pb
refused 2 'a table or json, not --format csv' trend -f csv series
refused 2 'alpha 2 is not a number from' diff --alpha 2 old1.pb new1.pb
refused 2 'fail-above x is not a percentage' diff --fail-above x old1.pb new1.pb
refused 2 'report does not take --fail-above' report --fail-above 1 old1.pb
refused 2 'does not take --pid' trend -p 1 series
refused 2 'about what is live' trend --view alloc series
refused 1 'at least 5 recordings, and there are 4' trend series/{1..4}.pb.gz
refused 1 'taken at the same time' trend series/*.gz series/1.pb.gz
mkdir empty
refused 1 'empty: no file in it is called \*\.pb\.gz' trend empty
"$ALLOCTRACE" diff old1.pb new1.pb >/dev/full 2>err
# shellcheck disable=SC2034 # expect_status reads it
STATUS=$?
expect_status 1
expect_err 'No space left'
