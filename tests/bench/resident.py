# SPDX-License-Identifier: GPL-2.0-or-later
"""What --view rss costs: touching pages and nothing else, and a compiler that is started again and again; and whether
its estimates come within the errors that it states."""
import collections
import json
import math
import os
import statistics
import subprocess

from inputs import clang, make_unit
from rows import go, interleaved, ns_of
from tools import ALLOCTRACE, DEVNULL, ENV, Alloctrace, Failed, Tool, workload

ROUNDS = "6"    # of 64 MiB
UNITS = 4


def show(title, unit, tools, values, limits):
    print(f"\n{title}")
    medians = {n: statistics.median(v) for n, v in values.items() if v}
    for tool in tools:
        m, v = medians[tool.name], values[tool.name]
        x = statistics.median(a / b for a, b in zip(v, values["bare"]))
        limit = limits.get(tool.name)
        said = f"; wanted: at most {limit}x: {'met' if x <= limit else 'missed'}" if limit else ""
        print(f"  {tool.name:<14}{m:>10.{0 if unit == 'ns' else 2}f} {unit} ({min(v):.4g} to {max(v):.4g})  {x:5.2f}x "
              f"bare{said}", flush=True)


def bench_resident(scratch, runs):
    """Ratios are the medians of those of each round: its runs are a second apart."""
    tools = [Tool(scratch), Alloctrace(scratch, "1 of 16", "-q", "--view", "rss"),
             Alloctrace(scratch, "every fault", "-q", "--view", "rss", "--sample", "1")]
    values, _ = interleaved(tools, runs,
                            lambda tool: ns_of(go([workload("resident"), "-w", ROUNDS], tool, True)[1]))
    show("Resident memory: touching pages alone, ns a page", "ns", tools, values, {"1 of 16": 1.2})
    unit = f"{scratch}/unit.c"
    make_unit(unit)
    compile_all = " && ".join([f"{clang()} -c -O1 -o /dev/null {unit}"] * UNITS)
    tools = [Tool(scratch), Alloctrace(scratch, "1 of 16", "-q", "--view", "rss", "--follow")]
    values, _ = interleaved(tools, runs, lambda tool: go(["/bin/sh", "-c", compile_all], tool, False)[0])
    show(f"Resident memory: {UNITS} compilations in a row, s", "s", tools, values, {"1 of 16": 1.03})


# --- estimates

LARGE = 500 * 4096
Estimate = collections.namedtuple("Estimate", "true bytes error")


def functions_of(row):
    return [name.split(" ")[0] for name in [row["stack"], *row.get("callers", [])]]


def estimates(scratch):
    """One run at the default sampling: by function, and of all, what is known and what is estimated."""
    out = f"{scratch}/rss.json"
    command = [ALLOCTRACE, "-q", "--view", "rss", "--by", "stack", "--top", "0", "-f", "json", "-o", out, "--",
               workload("resident"), f"{scratch}/pages", "fork"]
    done = subprocess.run(command, env=ENV, stdin=DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(done.stderr.strip()[:200])
    with open(out) as f:
        report = json.load(f)
    resident = report["facts"]["resident"]
    rows = report["views"][0]["rows"]
    known = {name: int(bytes_) for name, bytes_ in (line.split("\t") for line in done.stdout.splitlines())}

    def estimate(true, of):
        return Estimate(true, sum(r["bytes"] for r in of), math.sqrt(sum(r.get("bytes_error", 0) ** 2 for r in of)))

    change = resident["end_bytes"] - resident["start_bytes"] - resident["not_counted_bytes"]
    counted = resident["grown_bytes"] - resident["shrunk_bytes"] + resident["by_others_bytes"]
    return (estimate(resident["grown_bytes"], rows),
            [estimate(true, [r for r in rows if name in functions_of(r)]) for name, true in known.items()],
            abs(change - counted) / resident["grown_bytes"])


def show_estimates(title, of):
    ratios = [e.bytes / e.true for e in of]
    within = [sum(abs(e.bytes - e.true) <= times * e.error for e in of) / len(of) for times in (1, 2)]
    print(f"  {title:<28}{100 * within[0]:>6.1f} % within the error, {100 * within[1]:5.1f} % within twice that; "
          f"mean {statistics.mean(ratios):.4f} of the truth +- {statistics.stdev(ratios) / math.sqrt(len(ratios)):.4f}",
          flush=True)


def bench_resident_rows(scratch, runs):
    """A standard error is right if the truth is within it in 68 % of runs, and within twice that in 95 %."""
    with open(f"{scratch}/pages", "wb") as f:
        f.write(os.urandom(2 << 20))
    runs *= 40
    totals, functions, mismatches = zip(*(estimates(scratch) for _ in range(runs)))
    all_of = [e for one in functions for e in one]
    print(f"\nResident memory: estimates of {runs} runs, 1 page of 16")
    show_estimates("sums of rows", totals)
    show_estimates("functions of 500 pages on", [e for e in all_of if e.true >= LARGE])
    show_estimates("all functions", all_of)
    print(f"  counted, beside the kernel's RSS: at most {100 * max(mismatches):.2f} % of the growth apart; wanted: 2 %")
