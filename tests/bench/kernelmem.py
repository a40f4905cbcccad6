# SPDX-License-Identifier: GPL-2.0-or-later
"""What --kernel costs: socketpairs and nothing else, 12 allocations in some 3 us each; and a compiler."""
from inputs import clang, make_unit
from resident import show
from rows import go, interleaved, ns_of
from tools import Alloctrace, Tool, workload

PAIRS = "30000"


def bench_kernel(scratch, runs):
    """counting: of next to nothing a stack is taken."""
    tools = [Tool(scratch), Alloctrace(scratch, "counting", "-q", "--kernel", "--sample", "64M"),
             Alloctrace(scratch, "sampled", "-q", "--kernel"),
             Alloctrace(scratch, "live, sampled", "-q", "--kernel", "--view", "live"),
             Alloctrace(scratch, "every one", "-q", "--kernel", "--sample", "1")]
    values, _ = interleaved(tools, runs,
                            lambda tool: ns_of(go([workload("kernelmem"), "-w", PAIRS, "time"], tool, True)[1]))
    show("Kernel memory: socketpairs alone, CPU time, ns each", "ns", tools, values, {"counting": 1.1, "sampled": 1.15})
    tools = [Tool(scratch), Alloctrace(scratch, "sampled", "-q", "--kernel", "--follow")]
    unit = f"{scratch}/unit.c"
    make_unit(unit)
    compile_it = [clang(), "-c", "-O1", "-o", "/dev/null", unit]
    values, _ = interleaved(tools, runs, lambda tool: go(compile_it, tool, False)[0])
    show("Kernel memory: a compilation, s", "s", tools, values, {"sampled": 1.03})
