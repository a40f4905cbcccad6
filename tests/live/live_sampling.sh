#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sampled: estimates that are right in the mean and spread as theory says, of what is live and of what was allocated.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../heap.sh"
need_root
remember_probes

RUNS=10

# Poisson over bytes with mean T and over calls with mean K: a call of s bytes is drawn with p = 1 - exp(-(s/T + 1/K));
# N of them are estimated with a variance of N s^2 (1 - p) / p. K is the one that the run had in the end. Each site of
# each run gives a deviation in units of that, which is N(0, 1): their mean over the runs lies within 4.5 /
# sqrt(RUNS), and their squares sum up to their number.
judge() {	# LIVE|ALLOC T K METRIC FILE...
	"$PYTHON" - "$@" <<'END'
import math, sys
what, T, K, metric, result, *runs = sys.argv[1:]
T, K = float(T), float(K)
truth, sizes = {}, {}
for line in open(result):
    f = line.split()
    if f[0].startswith("site_"):
        truth[f[0]] = int(f[2] if what == "live" else f[4])
    elif f[0] == "size":
        sizes[f[1]] = int(f[2])
names = sorted(truth)[:20]
deviations = {n: [] for n in names}
totals = []
for run in runs:
    got = dict.fromkeys(names, 0)
    total = 0
    for line in open(run):
        stack, value = line.rsplit(" ", 1)
        for frame in stack.split(";"):
            if frame in truth:
                total += int(value)
                if frame in got:
                    got[frame] += int(value)
    for n in names:
        s, p = sizes[n], -math.expm1(-(sizes[n] / T + 1 / K))
        unit = s if metric == "bytes" else 1
        deviations[n].append((got[n] - truth[n] * unit) / (unit * math.sqrt(truth[n] * (1 - p) / p)))
    variance = sum(truth[n] * (sizes[n] if metric == "bytes" else 1) ** 2 / math.expm1(sizes[n] / T + 1 / K)
                   for n in truth)
    totals.append((total - sum(truth[n] * (sizes[n] if metric == "bytes" else 1) for n in truth)) / math.sqrt(variance))
limit = 4.5 / math.sqrt(len(runs))
for n in names:
    mean = sum(deviations[n]) / len(runs)
    if abs(mean) > limit:
        print(f"{n}: the mean of {len(runs)} runs is {mean:.2f} standard errors off, {limit:.2f} is much")
mean = sum(totals) / len(runs)
if abs(mean) > limit:
    print(f"all sites: the mean of {len(runs)} runs is {mean:.2f} standard errors off, {limit:.2f} is much")
squares = [d * d for n in names for d in deviations[n]]
spread = sum(squares) / len(squares)
# 280 squares: 1 with a standard deviation of sqrt(2 / 280), and the tails of rare samples
if not 0.65 < spread < 1.5:
    print(f"the spread is {spread:.2f} of what theory says")
END
}

sample() {	# live|alloc T bytes|calls
	local i files=() report apart

	for i in $(seq 1 $RUNS); do
		run --view "$1" --sample "$2" --max-overhead off -f folded -m "$3" -o "$DIR/run.$i" -- \
			"$W/sites" -k 7 20
		expect_status 0
		files+=("$DIR/run.$i")
	done
	apart=$(sed -nE 's/^sampled .* or ([0-9.]+k?) calls apart.*/\1/p' "$DIR/err" | numfmt --from=si --format=%.0f)
	[[ $apart -gt 1 ]] || { cat "$DIR/err"; fail "$1 $3: how many calls are apart is not said"; }
	report=$(judge "$1" "$2" "$apart" "$3" "$DIR/out" "${files[@]}") || fail "the judge failed"
	[[ -z $report ]] || fail "$1 $3, a sample every $2: $report"
	cmp -s "$DIR/run.1" "$DIR/run.2" && fail "two runs draw the same samples"
	return 0
}

sample live 4096 bytes		# also: sites whose size is T
sample live 1024 calls
sample alloc 4096 bytes

# 1 is exact.
run --view live --sample 1 --max-overhead off -f folded -m calls -o "$DIR/folded" -- "$W/sites" -k 7 20
expect_status 0
expect_heap "$DIR/folded" "$DIR/out" live calls
no_probe_left
