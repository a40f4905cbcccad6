#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 180
# --max-overhead: probes that come and go, estimates that are right all the same; where there can be no gaps, an end
# with a message.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

# The summary's "traced" line: share of the time in per cent, windows.
traced() {	# FILE
	sed -nE 's/^traced +([0-9.]+) % of the time, in ([0-9]+) windows? .*/\1 \2/p' "$1"
}

# Of the sites workload: bytes and order of what it said, and of the report. What a site is off by is judged by its
# error, which theory gives: it was counted for that share of the time, in samples that far apart at most.
judge() {	# FOLDED RESULT SHARE MEAN
	"$PYTHON" - "$@" <<'END'
import math, re, sys
folded, result, share, mean = sys.argv[1:]
share, mean = float(share) / 100, float(mean)
truth, size, got = {}, {}, {}
for line in open(result):
    f = line.split()
    if f[0].startswith("site_"):
        truth[f[0]] = int(f[3])
    elif f[0] == "size":
        size[f[1]] = int(f[2])
for line in open(folded):
    for name in re.findall(r";(site_\d\d);", line):
        got[name] = got.get(name, 0) + int(line.split()[-1])
top = sorted(truth, key=truth.get, reverse=True)[:10]
def error(name):
    p = share * -math.expm1(-size[name] / mean) if mean > 1 else share
    return math.sqrt((1 - p) / p * size[name] / truth[name]) + 0.01
for name in top:
    off = abs(got.get(name, 0) / truth[name] - 1)
    if off > max(0.1, 4 * error(name)):
        print(f"{name}: {got.get(name, 0)} bytes instead of {truth[name]}, {100 * off:.1f} % off")
# Neighbours differ by 15 %, so that order is certain where errors are small.
for a, b in zip(sorted(got, key=got.get, reverse=True)[:10], top):
    if a != b and abs(truth[a] / truth[b] - 1) > max(0.2, 4 * math.hypot(error(a), error(b))):
        print(f"{a} in the place of {b}")
all_got, all_truth = sum(got.values()), sum(truth.values())
if abs(all_got / all_truth - 1) > 0.1:
    print(f"all: {all_got} bytes instead of {all_truth}")
END
}

# At a rate that it keeps with probes as well, for 10 s: some 20 % of a CPU while there are probes, ten times the
# budget. What a hit costs is ten times as much on some virtual machines as on others.
run check
expect_status 0
rate=$(sed -nE 's/^ +([0-9]+) ns +at an instruction that is emulated.*/\1/p' "$DIR/out")
[[ ${rate:-0} -gt 0 ]] || fail "check does not tell what a hit costs"
rate=$((200000000 / rate))
[[ $rate -lt 200000 ]] || rate=200000
target_start "$W/sites" -w -r $rate -t 10000
trace_start --max-overhead 2 -f folded -p "$TARGET" -o "$DIR/folded"
go
target_end
trace_end
expect_status 0
read -r share windows < <(traced "$DIR/err")
[[ -n ${windows:-} ]] || fail "no windows"
[[ $windows -ge 4 ]] || fail "$windows windows in 10 s"
awk -v share="$share" 'BEGIN { exit !(share > 0.5 && share < 60) }' || fail "$share % of the time traced"
mean=$(sed -nE 's/^alloctrace: a sample every ([0-9]+) bytes from now on.*/\1/p' "$DIR/err" | sort -n | tail -1)
report=$(judge "$DIR/folded" "$DIR/target.$N_TARGETS" "$share" "${mean:-1}") || fail "the judge failed"
[[ -z $report ]] || fail "$report"
expect_err '^account +[0-9]+ calls seen = [0-9]+ recorded' 'totals and rows are scaled up' \
	'^cost .* and what attaching and detaching take'
! grep -q 'unaccounted' "$DIR/err" || fail "calls are unaccounted for"
! grep -q 'totals are exact' "$DIR/err" || fail "totals are called exact"

# As fast as it can, it does far less while there are probes. How much less can't be told of a loop that does nothing
# but allocate: a lower bound, and said to be one.
target_start "$W/sites" -w -t 10000
trace_start --max-overhead 2 -m calls -f folded -p "$TARGET" -o "$DIR/folded"
go
target_end
trace_end
expect_status 0
expect_err '^allocated +at least ' 'scaled up by time, which makes totals a lower bound and rows rough'
read -r share windows < <(traced "$DIR/err")
seen=$(sed -nE 's/^account +([0-9]+) calls seen.*/\1/p' "$DIR/err")
truth=$(awk '/^site_/ { n += $5 } END { print n }' "$DIR/target.$N_TARGETS")
awk -v got="$(folded_sum "$DIR/folded" ';site_')" -v seen="$seen" -v share="$share" -v truth="$truth" '
	BEGIN { exit !(got > 0.5 * seen / (share / 100) && got < 1.05 * truth) }' ||
	fail "$(folded_sum "$DIR/folded") calls of $truth; $seen were seen in $share % of the time"

# Programs that are executed, with another allocator than the first, and probes in two files.
target_start "$W/execer" -w env LD_PRELOAD="$LIBDIR/libjemalloc.so.2" "$W/sites" -r $rate -t 4000
trace_start --max-overhead 1 -o "$DIR/table" -p "$TARGET"
go
target_end
trace_end
expect_status 0
[[ -n $(traced "$DIR/table") ]] || { cat "$DIR/table"; fail "no windows"; }
grep -q 'site_00' "$DIR/table" || { cat "$DIR/table"; fail "no site_00"; }

# A slow program stays traced all the time, and its numbers are exact.
target_start "$W/primes" -w
trace_start --sample 1 -f folded -m calls -p "$TARGET" -o "$DIR/folded"
go
target_end
trace_end
expect_status 0
expect_primes "$DIR/folded" "$DIR/target.$N_TARGETS" calls
! grep -q '^traced' "$DIR/err" || fail "windows for a slow program"

# What is live can't be told with gaps: a report, a message that says what it would take, status 4.
target_start "$W/loop" -w -f
trace_start --view live --max-overhead 3 -o "$DIR/table" -p "$TARGET"
go
trace_end 20
expect_status 4
expect_err 'tracing stopped: it costs [0-9.]+ % of a CPU per process, more than --max-overhead 3, ' \
	'use --max-overhead (off|[0-9]+), a larger --sample.*, or --view alloc'
grep -q '^live ' "$DIR/table" || fail "no report"
kill -KILL "$TARGET"

# A command goes on without us, and its status is ours.
run --view live --max-overhead 3 -o "$DIR/table" -- "$W/loop" 1 6000000
expect_status 0
expect_err 'tracing stopped: '
expect_out '^bytes 186000000 calls 6000000'

# Without a limit it goes on.
target_start "$W/sites" -w -r 2000 -t 2500
trace_start --view live --max-overhead 50 -o "$DIR/table" -p "$TARGET"
go
target_end
trace_end
expect_status 0
! grep -q 'tracing stopped' "$DIR/err" || fail "it ended below the limit"

# perf's probes can't come and go: it is said, once.
target_start "$W/loop" -w -f
trace_start --attach perf --max-overhead 3 -d 6s -o "$DIR/table" -p "$TARGET"
go
trace_end
expect_status 0
expect_equal "warnings" "$(grep -c 'more than --max-overhead 3' "$DIR/err")" 1
kill -KILL "$TARGET"
no_probe_left
