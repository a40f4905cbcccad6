# SPDX-License-Identifier: GPL-2.0-or-later
"""The row of Go: what a traced allocation costs, beside bpftrace and the runtime's own profile of every one."""
import os
import shutil
import subprocess

from rows import go, median_row, ns_of
from tools import DEVNULL, ENV, EXACT, Alloctrace, Bpftrace, Failed, Tool

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gorounds.go")
SERVICE_ROUNDS = 2000000    # some 10 s


class EveryRecord(Tool):
    """Nothing is attached: the runtime records each allocation itself."""
    name = "MemProfileRate=1"
    arguments = ["1"]


class BpftraceGo(Bpftrace):
    """What it can do of the same: bytes by stack, by frame pointers."""

    def __init__(self, scratch, program):
        super().__init__(scratch)
        self.program = program

    def command(self, pid):
        return ["bpftrace", "-q", "-p", str(pid), "-o", os.path.join(self.scratch, "bpftrace.out"), "-e",
                f'uprobe:{self.program}:runtime.mallocgc {{ @[ustack] = sum(reg("ax")); }}']


def bench_go(scratch, runs):
    if not shutil.which("go"):
        raise Failed("go is not installed")
    program = os.path.join(scratch, "gorounds")
    env = dict(ENV, GOCACHE=os.path.join(scratch, "go-cache"), GO111MODULE="off", CGO_ENABLED="0")
    subprocess.run(["go", "build", "-o", program, SOURCE], env=env, stdin=DEVNULL, check=True)
    tools = [Tool(scratch), EveryRecord(scratch), Alloctrace(scratch, "floor", "-q", "--bench", "empty", *EXACT),
             Alloctrace(scratch, "alloctrace", "-q", *EXACT),
             Alloctrace(scratch, "--by type", "-q", *EXACT, "--by", "type"),
             Alloctrace(scratch, "--view live", "-q", "--view", "live"), BpftraceGo(scratch, program)]

    def once(tool):
        return ns_of(go([program, "20000", *getattr(tool, "arguments", [])], tool, True)[1])

    median_row("Go, 11 frames, an allocation; wanted: at most 1.3x floor", "ns",
               [t for t in tools if t.available()], runs, once)
    service = [Tool(scratch), Alloctrace(scratch, "--go-samples", "-q", "--go-samples"),
               Alloctrace(scratch, "its defaults", "-q"),
               Alloctrace(scratch, "windows", "-q", "--no-go-samples")]
    median_row("the same for as long as a service runs; wanted: --go-samples as bare, its defaults 1.05x", "ns",
               service, runs, lambda tool: ns_of(go([program, str(SERVICE_ROUNDS)], tool, True)[1]))
