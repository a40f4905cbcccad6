# SPDX-License-Identifier: GPL-2.0-or-later
"""What --view rss costs: touching pages and nothing else, and a compiler that is started again and again."""
import statistics

from inputs import clang, make_unit
from rows import go, interleaved, ns_of
from tools import Alloctrace, Tool, workload

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
