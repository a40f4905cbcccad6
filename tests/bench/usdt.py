# SPDX-License-Identifier: GPL-2.0-or-later
"""What it costs to record the samples that a program takes itself (USDT, otel_memory)."""
import statistics

from rows import go, interleaved, ns_of
from tools import EXACT, Alloctrace, Tool, workload

PAIRS = {"none": "20000000", "1000": "20000000", "1": "300000"}    # of malloc and free, by how many calls are a sample
NEVER = "1000000000"
LIMIT = 1.05    # of calls that are no samples: noise alone


def bench_usdt(scratch, runs):
    """Each of the traced is compared with the same program that takes its samples for nobody."""
    alone, traced = Tool(scratch), Alloctrace(scratch, "alloctrace", "-q", *EXACT)
    calls = Alloctrace(scratch, "--no-usdt", "-q", *EXACT, "--no-usdt")
    for one_in, title in (("none", "no call is a sample"), ("1000", "1 call of 1,000"), ("1", "every call")):
        command = [workload("otel5"), "-w", PAIRS[one_in], NEVER if one_in == "none" else one_in, "on"]
        tools = [alone, traced] + [calls] * (one_in == "1")
        values, _ = interleaved(tools, runs, lambda tool, c=command: ns_of(go(c, tool, True)[1]))
        print(f"\nSamples of a program's own (otel_memory), {title}: ns for a pair of malloc and free")
        for tool in tools:
            v, bare = values[tool.name], values["bare"]
            m, x = statistics.median(v), statistics.median(a / b for a, b in zip(v, bare))
            said = f"; {(m - statistics.median(bare)):.0f} ns a sample" if one_in == "1" and tool is traced else ""
            if one_in == "none" and tool is traced:
                said = f"; wanted: at most {LIMIT}x: {'met' if x <= LIMIT else 'missed'}"
            print(f"  {tool.name:<14}{m:>10.2f} ns ({min(v):.4g} to {max(v):.4g})  {x:5.2f}x bare{said}", flush=True)
