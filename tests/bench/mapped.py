# SPDX-License-Identifier: GPL-2.0-or-later
"""What --mmap costs: a loop that does nothing but malloc and free, whose heap is traced anyway; and one that does
nothing but mmap and munmap, which no program does."""
from resident import show
from rows import go, interleaved, ns_of
from tools import Alloctrace, Tool, workload

PAIRS = "200000"
MAPS = "20000"


def bench_mapped(scratch, runs):
    heap = ("-q", "--sample", "1", "--max-overhead", "off")
    tools = [Alloctrace(scratch, "bare", *heap), Alloctrace(scratch, "--mmap", *heap, "--mmap")]
    values, _ = interleaved(tools, runs, lambda tool: ns_of(go([workload("loop"), "-w", "1", PAIRS], tool, True)[1]))
    show("Mappings: malloc and free alone, ns a pair; bare: traced without --mmap", "ns", tools, values,
         {"--mmap": 1.03})
    tools = [Tool(scratch), Alloctrace(scratch, "--view mapped", "-q", "--view", "mapped")]
    values, _ = interleaved(tools, runs, lambda tool: ns_of(go([workload("mapper"), "-w", MAPS], tool, True)[1]))
    show("Mappings: mmap and munmap alone, ns a pair", "ns", tools, values, {})
