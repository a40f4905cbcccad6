#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --view rss: every page that comes is counted, by the stack that touched it and by what was touched; pages that replace
# others are not; and all of it is what the kernel's own counters say.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../resident.sh"
need_root

RSS=(--view rss --sample 1)
head -c 2097152 /dev/urandom >"$DIR/file"

# Of these nothing came.
expect_none() {	# FOLDED
	local name

	for name in by_replacing by_zeroes by_failing by_userfault by_child_copying; do
		expect_equal "$name" "$(folded_sum "$1" ";$name;")" 0
	done
}

# Shared and static: heap, stack, files, copies, huge pages, system calls, threads that map and unmap, a userfaultfd.
for program in resident resident-static; do
	run "${RSS[@]}" -f folded -o "$DIR/folded" -- "$W/$program" "$DIR/file" fork
	expect_status 0
	expect_explained "$DIR/err"
	expect_resident "$DIR/folded" "$DIR/out"
	expect_none "$DIR/folded"
	for class in heap:heap anonymous:anonymous again:anonymous populate:anonymous read:anonymous thread:anonymous \
		shared:shared shared_file:shared file:file "copy:file copy" stack:stack; do
		expect_class "$DIR/folded" "by_${class%%:*}" "${class#*:}"
	done
	grep -q '^by_huge' "$DIR/out" && expect_class "$DIR/folded" by_huge "huge page"
	[[ $(folded_sum "$DIR/folded" ';by_stack;') -ge $((39 * 4096)) ]] || fail "by_stack has not its pages"
done

# A child that is not followed has nothing in it.
run "${RSS[@]}" --no-follow -f folded -o "$DIR/folded" -- "$W/resident" "$DIR/file" fork
expect_status 0
expect_equal "by_child, not followed" "$(folded_sum "$DIR/folded" ';by_child;')" 0
expect_equal "by_anonymous" "$(folded_sum "$DIR/folded" ';by_anonymous;')" $((1009 * 4096))

# A process that runs; and what others do meanwhile is not in it. Recorded, and read again.
target_start "$W/resident" -w 3
trace_start "${RSS[@]}" -o "$DIR/rss.pb.gz" -p "$TARGET"
"$W/resident" "$DIR/file" >/dev/null
go
target_end
trace_end
expect_status 0
expect_explained "$DIR/err"
grep -q "^target *resident (pid $TARGET)" "$DIR/err" || fail "the summary does not name the process"
run report -f folded -m calls "$DIR/rss.pb.gz"
expect_status 0
expect_equal "pages of touch_rounds" "$(folded_sum "$DIR/out" ';touch_rounds;.*\[anonymous\]')" $((3 * 16384))
expect_equal "pages of another process" "$(folded_sum "$DIR/out" ';by_')" 0
run report "$DIR/rss.pb.gz"
expect_explained "$DIR/out"
grep -q 'FAULTS' "$DIR/out" || fail "no column of faults"
zcat "$DIR/rss.pb.gz" | grep -aq 'rss_space' || fail "no sample type rss_space"

# The whole host, by name; sampled: totals are exact all the same.
trace_start --view rss -f json -o "$DIR/json" --comm resident
"$W/resident" "$DIR/file" fork >"$DIR/said"
trace_stop
expect_status 0
$PYTHON - "$DIR/json" "$DIR/said" <<'PY' || fail "the totals are not those of the workload"
import json, sys
said = sum(int(line.split()[1]) for line in open(sys.argv[2]))
facts = json.load(open(sys.argv[1]))["facts"]
resident = facts["resident"]
assert facts["sampled"]["mean_bytes"] == 65536, facts["sampled"]
assert resident["grown_bytes"] == facts["seen"]["bytes"], resident
assert said < resident["grown_bytes"] < said + (8 << 20), (said, resident)
PY
expect_json_explained "$DIR/json"

# Interpreters and other runtimes have no allocator that it has to know.
run --view rss -f folded -o "$DIR/folded" -- "$PYTHON" -c 'x = bytearray(64 << 20)'
expect_status 0
expect_explained "$DIR/err"
mib=$(($(folded_sum "$DIR/folded" 'memset.*\[(anonymous|huge page)\]') >> 20))
[[ $mib -gt 48 && $mib -lt 80 ]] || fail "python3: $mib MiB instead of 64"	# 16 MiB are eight standard errors
