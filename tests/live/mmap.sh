#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --mmap: what a program maps itself, to the byte and by stack, whatever it gives back; nothing of it is in the heap's
# totals, and nothing that an allocator maps is in these.
. "$(dirname "$0")/../lib.sh"
need_root

# What the workload said of each function, in both views; and no row of anybody else, but for stacks of threads.
expect_mapped() {	# RECORDING SAID [NAME...]  (of functions that have nothing)
	local name mapped left

	[[ -s $2 ]] || fail "the workload said nothing"
	run report --view mapped -f folded -o "$DIR/mapped" "$1"
	run report --view mappings -f folded -o "$DIR/left" "$1"
	while IFS=$'\t' read -r name mapped left; do
		[[ $name == by_* ]] || continue
		expect_equal "mapped $name" "$(folded_sum "$DIR/mapped" ";$name;")" "$mapped"
		expect_equal "still mapped $name" "$(folded_sum "$DIR/left" ";$name;")" "$left"
	done <"$2"
	for name in by_file by_file_over by_file_move by_failing by_failing_move by_malloc "${@:3}"; do
		expect_equal "mapped $name" "$(folded_sum "$DIR/mapped" ";$name;")" 0
	done
	grep -vE ';(by_[a-z_]+|threads|heap|pthread_create);' "$DIR/mapped" && fail "that is none of the program's own"
	grep -q 'lost)' "$DIR/err" && fail "calls were lost"
}

for program in mapper mapper-static mapper-musl; do
	[[ -x $W/$program ]] || continue
	# It moves mappings to addresses of its choice, as what copies its own code does.
	run --mmap --force -o "$DIR/r.pb.gz" -- "$W/$program"
	expect_status 0
	expect_mapped "$DIR/r.pb.gz" "$DIR/out"
done
zcat "$DIR/r.pb.gz" | grep -aq mapped_inuse_space || fail "no sample type mapped_inuse_space"
run report "$DIR/r.pb.gz"
expect_out '^allocated .* in [0-9]+ calls' '^mapped .* in [0-9.k]+ calls, still mapped .* mappings;' ' MAPS '

# By two probes for each function. A child that is not followed has nothing in it, and takes nothing away.
run --mmap --attach perf --no-follow -o "$DIR/r.pb.gz" -- "$W/mapper"
expect_status 0
sed -i '/^by_child/d' "$DIR/out"
expect_mapped "$DIR/r.pb.gz" "$DIR/out" by_child

# An allocator whose heap comes by mmap: nothing of it is the program's.
if [[ -e $LIBDIR/libjemalloc.so.2 ]]; then
	run --mmap -o "$DIR/r.pb.gz" -- env LD_PRELOAD="$LIBDIR/libjemalloc.so.2" "$W/mapper"
	expect_status 0
	cp "$DIR/out" "$DIR/said"
	expect_err 'besides [0-9.]+ MiB by allocators'
	expect_mapped "$DIR/r.pb.gz" "$DIR/said"
fi

# The heap is the same with it and without.
for with in "" --mmap; do
	run --view alloc,live $with --sample 1 -f json -o "$DIR/json$with" -- "$W/mapper"
	expect_status 0
done
$PYTHON - "$DIR/json" "$DIR/json--mmap" <<'PY' || fail "the heap differs"
import json, sys
a, b = (json.load(open(f)) for f in sys.argv[1:])
for key in "seen", "recorded", "heap", "account":
	assert a["facts"][key] == b["facts"][key], (key, a["facts"][key], b["facts"][key])
assert [v["view"] for v in b["views"]] == ["alloc", "live", "mapped", "mappings"]
for x, y in zip(a["views"], b["views"]):
	assert x["rows"] and [r["bytes"] for r in x["rows"]] == [r["bytes"] for r in y["rows"]], x["view"]
PY

# A process that runs; alone, without its heap. What is given back again is not mapped before, and stays out.
target_start "$W/mapper" -w
trace_start --view mappings -f folded -o "$DIR/left" -p "$TARGET"
go
wait_until 10 grep -q by_child "$DIR/target.1" || fail "the workload has not come to its end"
wait_until 10 eval 'grep -q "^0 " /proc/$TARGET/syscall'
trace_stop
expect_status 0
! grep -q '^allocated' "$DIR/err" || fail "the heap was traced"
while IFS=$'\t' read -r name mapped left; do
	[[ $name != by_* ]] || expect_equal "still mapped $name, -p" "$(folded_sum "$DIR/left" ";$name;")" "$left"
done <"$DIR/target.1"

# What a command starts; threads that do nothing else; many mappings, beside each other.
run --mmap -f json --by function -o "$DIR/json" -- bash -c "'$W/mapper' -s 1; '$W/mapper' -n 20000"
expect_status 0
cp "$DIR/out" "$DIR/said"
$PYTHON - "$DIR/json" "$DIR/said" <<'PY' || fail "the totals are not those of the workload"
import json, sys
lines = [line.split("\t") for line in open(sys.argv[2])]
report = json.load(open(sys.argv[1]))
facts = report["facts"]["mapped"]
assert facts["lost_calls"] == 0 and facts["not_followed"] == 0, facts
for i, view in (1, "mapped"), (2, "mappings"):
	rows = next(v["rows"] for v in report["views"] if v["view"] == view)
	by = {r["function"]: r["bytes"] for r in rows}
	assert all(by.get(line[0], 0) == int(line[i]) for line in lines), (view, by, lines)
PY

# A ring that is full: losses are counted, and said.
target_start "$W/mapper" -w
trace_start --mmap --ring-size 64K -p "$TARGET"
trace_freeze
go
wait_until 10 grep -q by_child "$DIR/target.2" || fail "the workload has not come to its end"
kill -CONT "$TRACE"
trace_stop
grep -qE '[0-9.k]+ calls? lost \(--ring-size\): *$|calls? lost' "$DIR/out" "$DIR/err" || fail "no loss is shown"
