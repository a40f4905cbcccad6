# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of the benchmark, each a function that measures and prints."""
import os
import re
import shutil
import signal
import statistics
import subprocess
import time

from inputs import clang, make_unit
from tools import ALLOCTRACE, DEVNULL, ENV, EXACT, Alloctrace, Failed, Heaptrack, Memleak, O, Tool, hit_ns, workload


def go(command, tool, waits, limit=None):
    """Runs the command under the tool; (seconds from go to its end, its stdout if it is one that waits by itself)."""
    if isinstance(tool, Heaptrack):
        took, out = tool.launch([a for a in command if a != "-w"] if waits else command,
                                subprocess.PIPE if waits else DEVNULL)
        return max(took - tool.own_start(), 1e-9), out
    if not waits:
        command = [workload("hold"), "-q"] + command    # nobody has to read what it prints
    program = subprocess.Popen(command, env=ENV, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    tracer = None
    try:
        if program.stdout.readline() != b"ready\n":
            raise Failed(f"{command[0]}: not ready")
        tracer = tool.attach(program.pid)
        began = time.monotonic()
        try:
            out, _ = program.communicate(b"\n", timeout=limit)
        except subprocess.TimeoutExpired:
            raise Failed(f"still running after {limit} s") from None
        took = time.monotonic() - began
        if program.returncode:
            raise Failed(f"{' '.join(command)}: exit status {program.returncode}")
        return took, out.decode(errors="replace")
    finally:
        program.kill()
        tool.detach(tracer)


def ns_of(out):
    return float(re.search(r"^ns ([0-9.]+)", out, re.M).group(1))


def interleaved(tools, runs, once):
    """Each round runs every tool once, so that a slow minute hits all alike; (values, reasons of those that failed)."""
    values, failed = {tool.name: [] for tool in tools}, {}
    for _ in range(runs):
        for tool in tools:
            if tool.name in failed:
                continue
            try:
                values[tool.name].append(once(tool))
            except Failed as e:
                failed[tool.name] = str(e)
    return values, failed


def median_row(name, unit, tools, runs, once):
    once(tools[0])  # what it reads is in memory from now on
    values, failed = interleaved(tools, runs, once)
    print(f"\n{name}")
    medians = {n: statistics.median(v) for n, v in values.items() if v}
    for tool in tools:
        if tool.name in failed:
            print(f"  {tool.name:<12} {failed[tool.name]}")
            continue
        m = medians[tool.name]
        v = values[tool.name]
        line = f"  {tool.name:<12}{m:>12.{0 if unit == 'ns' and m >= 100 else 2}f} {unit}"
        line += f"  {m / medians['bare']:6.2f}x bare" if "bare" in medians else ""
        if "floor" in medians and tool.name not in ("bare", "floor"):
            line += f"  {m / medians['floor']:5.2f}x floor"
        else:
            line += " " * 13
        print(f"{line}   ({min(v):.4g} to {max(v):.4g})", flush=True)


# --- the live heap, sampling, the governor

LIVE = ("--max-overhead", "off", "--view", "live")
SAMPLED = ("--sample", "512k")


def bench_live(scratch, runs, pairs):
    """The ratios are of the medians."""
    tools = [Tool(scratch), Alloctrace(scratch, "live floor", "-q", "--bench", "empty", *LIVE, "--sample", "1"),
             Alloctrace(scratch, "live exact", "-q", *LIVE, "--sample", "1"),
             Alloctrace(scratch, "live floor, sampled", "-q", "--bench", "empty", *LIVE, *SAMPLED),
             Alloctrace(scratch, "live --sample 512k", "-q", *LIVE, *SAMPLED),
             Alloctrace(scratch, "alloc floor", "-q", "--bench", "empty", "--max-overhead", "off"),
             Alloctrace(scratch, "alloc --sample 512k", "-q", "--max-overhead", "off", *SAMPLED),
             Alloctrace(scratch, "alloc exact", "-q", *EXACT), Memleak(scratch)]
    tools = [t for t in tools if t.available()]
    limits = {"live exact": ("live floor", 1.5), "live --sample 512k": ("live floor, sampled", 1.1),
              "alloc --sample 512k": ("alloc floor", 1.05)}
    values, failed = interleaved(tools, runs,
                                 lambda tool: ns_of(go([workload("loop"), "-w", "1", str(pairs)], tool, True)[1]))
    print("\nFollowing blocks: tight malloc/free loop, 3 frames, ns for a pair")
    medians = {n: statistics.median(v) for n, v in values.items() if v}
    for tool in tools:
        if tool.name in failed:
            print(f"  {tool.name:<20} {failed[tool.name]}")
            continue
        m, v = medians[tool.name], values[tool.name]
        floor, limit = limits.get(tool.name, (None, 0))
        said = ""
        if floor in medians:
            x = m / medians[floor]
            said = f"  {x:5.2f}x {floor}; wanted: at most {limit}x: {'met' if x <= limit else 'missed'}"
        if tool.name == "memleak" and "live exact" in medians:
            x = m / medians["live exact"]
            said = f"  {x:5.1f}x live exact; wanted: at least 8x: {'met' if x >= 8 else 'missed'}"
        print(f"  {tool.name:<20}{m:>8.0f} ns ({min(v):.0f} to {max(v):.0f}){said}", flush=True)


def kernel_bytes(pid):
    """What the BPF maps that a process holds take, as the kernel accounts for them."""
    maps = {}
    for fd in os.listdir(f"/proc/{pid}/fdinfo"):
        try:
            with open(f"/proc/{pid}/fdinfo/{fd}") as f:
                info = dict(line.split(":", 1) for line in f if ":" in line)
        except OSError:
            continue
        if "map_id" in info:
            maps[info["map_id"]] = int(info["memlock"])
    return sum(maps.values())


def bench_blocks(scratch):
    print("\nVery many live blocks")
    for n, title in ((1000000, "a million"), (10000000, "ten million")):
        program = subprocess.Popen([workload("blocks"), "-w", str(n)], env=ENV, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        process = None
        try:
            program.stdout.readline()
            tool = Alloctrace(scratch, title, *LIVE, "--sample", "1", "-f", "folded", "-m", "calls",
                              output=f"{scratch}/blocks.folded")
            process = tool.attach(program.pid)
            program.stdin.write("\n")
            program.stdin.flush()
            program.stdout.readline()
            maps = kernel_bytes(process.pid)
            # Its report is made while the blocks are there.
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            took = time.monotonic() - began
            out, _ = program.communicate("\n")
            v = dict(line.split() for line in out.splitlines() if len(line.split()) == 2)
            with open(f"{scratch}/blocks.folded") as f:
                live = sum(int(line.rsplit(" ", 1)[1]) for line in f if ";kept;" in line)
            with open(os.path.join(scratch, "tool.err")) as f:
                lost = next((line.strip() for line in f if line.startswith("lost")), "no line about losses")
            mib = (maps + usage.ru_maxrss * 1024) / 2**20
            print(f"  {title}: {mib:.0f} MiB ({maps / 2**20:.0f} in the kernel, {usage.ru_maxrss / 1024:.0f} resident "
                  f"at most){'; wanted: below 200' if n <= 1000000 else ''}; {v['ns']} ns a call, a thousand in a row "
                  f"at most {int(v['most']) / 1e6:.1f} ms; {live} of {n} blocks shown; report in {took:.2f} s, exit "
                  f"status {process.returncode}; {lost}", flush=True)
        finally:
            program.kill()
            program.wait()
            if process and process.returncode is None:
                process.kill()
                process.wait()


def by_site(path, what):
    """Bytes by the functions site_00 to site_49: of a folded report, or the truth that the workload says."""
    sites = {}
    with open(path) as f:
        for line in f:
            fields = line.split()
            if what == "truth" and line.startswith("site_"):
                sites[fields[0]] = int(fields[3])
            elif what == "folded":
                for name in re.findall(r";(site_\d\d);", line):
                    sites[name] = sites.get(name, 0) + int(fields[-1])
    return sites


def bench_governor(scratch, runs):
    governed = ("--max-overhead", "2")
    tools = [Tool(scratch), Alloctrace(scratch, "at 2 %", "-q", *governed)]
    pairs = 10e9 / ns_of(go([workload("loop"), "-w", "1", "3000000"], tools[0], True)[1])     # ten seconds
    values = {t.name: [] for t in tools}
    for _ in range(runs):
        for tool in tools:
            values[tool.name].append(ns_of(go([workload("loop"), "-w", "1", str(int(pairs))], tool, True, 30)[1]))
    # Differences of one round: the two runs of a pair are a few seconds apart.
    slower = [100 * (b / a - 1) for a, b in zip(values["bare"], values["at 2 %"])]
    print(f"\nGovernor at 2 %: the tight loop is slower by {statistics.median(slower):.1f} % ({min(slower):.1f} to "
          f"{max(slower):.1f}); wanted: at most 2.5 %", flush=True)

    # At a rate that it keeps while it is traced (some 20 % of a CPU then, ten times the budget): one that is as fast as
    # it can be is slower then, and counts less.
    off, orders, rate = [], [], min(200000, int(0.2e9 / hit_ns()))
    for i in range(min(runs, 3)):
        tool = Alloctrace(scratch, "50 sites", *governed, "-f", "folded", output=f"{scratch}/sites.folded")
        _, out = go([workload("sites"), "-w", "-r", str(rate), "-t", "10000"], tool, True)
        with open(f"{scratch}/sites.truth", "w") as f:
            f.write(out)
        truth, got = by_site(f"{scratch}/sites.truth", "truth"), by_site(f"{scratch}/sites.folded", "folded")
        top = sorted(truth, key=truth.get, reverse=True)[:10]
        off.append(max(abs(got.get(n, 0) / truth[n] - 1) for n in top))
        orders.append(sorted(got, key=got.get, reverse=True)[:10] == top)
    print(f"  50 sites, {rate} calls/s, after 10 s: top 10 {'in' if all(orders) else 'NOT in'} the right order in "
          f"{sum(orders)} of {len(orders)} runs, bytes at most {100 * max(off):.1f} % off; wanted: 10 %", flush=True)


# --- what is about alloctrace alone


def bench_stacks(scratch, runs):
    print("\nOne call by the number of distinct stacks (31 frames each), ns")
    first = None
    for n in (10, 100, 1000, 10000):
        rounds = max(1, 200000 // n)
        ns = {}
        for tool in (Tool(scratch), Alloctrace(scratch, "alloctrace", "-q", *EXACT)):
            ns[tool.name] = statistics.median(
                ns_of(go([workload("stacks"), "-w", str(n), str(rounds)], tool, True)[1]) for _ in range(runs))
        cost = ns["alloctrace"] - ns["bare"]
        first = first or cost
        print(f"  {n:>6} stacks {ns['alloctrace']:>8.0f} ns, {cost:.0f} more than bare: {cost / first:.2f}x of "
              "10 stacks", flush=True)


UNWIND_LIMITS = {10: 500, 25: 1100, 60: 1800}   # ns above an empty probe


def bench_unwind(scratch, runs):
    """Interleaved; each cost is the difference to the empty probe of the same round, and medians are of those."""
    floor = Alloctrace(scratch, "empty probe", "-q", "--bench", "empty")
    tools = [Alloctrace(scratch, "eh_frame", "-q", *EXACT, "--unwind", "eh_frame"),
             Alloctrace(scratch, "fp", "-q", *EXACT, "--unwind", "fp"),
             Alloctrace(scratch, "stackid", "-q", "--bench", "stackid")]
    builds = {"depth": "without frame pointers", "depth-fp": "with frame pointers"}
    costs, floors = {}, {}
    for _ in range(runs):
        for build in builds:
            for depth in UNWIND_LIMITS:
                command = [workload(build), "-w", str(depth), "100000"]
                base = ns_of(go(command, floor, True)[1])
                floors.setdefault((build, depth), []).append(base)
                for tool in tools:
                    costs.setdefault((build, depth, tool.name), []).append(ns_of(go(command, tool, True)[1]) - base)
    print("\nWalking the stack: one hit above an empty probe, ns; wanted of eh_frame: at most "
          + ", ".join(f"{limit} at {depth} frames" for depth, limit in UNWIND_LIMITS.items()) + ", and below stackid")
    for build, title in builds.items():
        print(f"  {title:<24}" + "".join(f"{f'{depth} frames':>24}" for depth in UNWIND_LIMITS))
        print(f"    {floor.name:<22}" + "".join(f"{statistics.median(floors[build, d]):>24.0f}" for d in UNWIND_LIMITS))
        medians = {}
        for tool in tools:
            line = f"    {tool.name:<22}"
            for depth in UNWIND_LIMITS:
                v = costs[build, depth, tool.name]
                medians[depth, tool.name] = statistics.median(v)
                line += f"{f'{statistics.median(v):.0f} ({min(v):.0f} to {max(v):.0f})':>24}"
            print(line)
        line = f"    {'eh_frame':<22}"
        for depth, limit in UNWIND_LIMITS.items():
            m, other = medians[depth, "eh_frame"], medians[depth, "stackid"]
            said = ("met" if m <= limit else "missed") + f", {m / other:.2f}x stackid" * (other > 0)
            line += f"{said:>24}"
        print(line, flush=True)


def mapped_by(command):
    """The files with code that a program has mapped when it reads its standard input."""
    program = subprocess.Popen(command, env=ENV, stdin=subprocess.PIPE, stdout=DEVNULL, stderr=DEVNULL)
    try:
        end = time.monotonic() + 30
        while True:
            try:
                with open(f"/proc/{program.pid}/syscall") as f:
                    if f.read().split()[:2] == ["0", "0x0"]:
                        break
            except OSError:
                pass
            if program.poll() is not None or time.monotonic() > end:
                raise Failed(f"{command[0]} does not read its standard input")
            time.sleep(0.01)
        with open(f"/proc/{program.pid}/maps") as f:
            fields = [line.split(None, 5) for line in f]
        return sorted({f[5].strip() for f in fields if len(f) == 6 and "x" in f[1] and f[5].startswith("/")})
    finally:
        program.kill()
        program.communicate()


def bench_tables(scratch, runs):
    compiler = clang()
    if not compiler:
        raise Failed("no clang")
    files = mapped_by([shutil.which(compiler), "-fintegrated-cc1", "-x", "c", "-c", "-", "-o", "/dev/null"])
    llvm = [f for f in files if os.path.basename(f).startswith("libLLVM")]
    print("\nUnwind tables, from files in memory")
    for title, some, wanted in ((os.path.basename(llvm[0]) if llvm else "libLLVM", llvm, 15),
                                (f"all of {compiler}", files, 150)):
        if not some:
            print(f"  {title}: not mapped by {compiler}")
            continue
        done = subprocess.run([os.path.join(O, "tests", "bench", "tables"), str(max(3, 3 * runs)), *some], env=ENV,
                              capture_output=True, text=True, check=False)
        v = dict(zip(*[iter(done.stdout.split())] * 2))
        if done.returncode:
            raise Failed(done.stderr.strip())
        print(f"  {title:<20} {v['ms']} ms ({v['least']} to {v['most']}; {v['load']} to read, {v['pack']} to pack) for "
              f"{v['files']} file{'s'[:v['files'] != '1']}, {v['rows']} rows, {int(v['bytes']) / 1e6:.1f} MB; "
              f"wanted: below {wanted} ms", flush=True)


def bench_attach(runs):
    """From the start of alloctrace to the target's first call that is slow, as the target sees it."""
    took = []
    for _ in range(runs):
        target = subprocess.Popen([workload("latency")], stdout=subprocess.PIPE, env=ENV)
        target.stdout.readline()
        time.sleep(0.05)
        began = time.monotonic_ns()
        tracer = subprocess.Popen([ALLOCTRACE, "-q", "-p", str(target.pid), "-o", "/dev/null"], stdin=DEVNULL,
                                  stdout=DEVNULL)
        line = target.stdout.readline().split()
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
        target.kill()
        target.wait()
        if len(line) == 2:
            took.append((int(line[1]) - began) / 1e6)
    print(f"\nAttach to first count: {statistics.median(took):.0f} ms ({min(took):.0f} to {max(took):.0f}); "
          "wanted: below 300")


def bench_report(scratch, runs):
    """From the target's end to alloctrace's: clang compiles with its optimizer in libLLVM, in one process."""
    compiler = clang()
    if not compiler:
        raise Failed("no clang")
    source = f"{scratch}/unit.c"
    make_unit(source)
    took, lines = [], []
    for _ in range(min(runs, 3)):
        out = f"{scratch}/clang.folded"
        command = [workload("hold"), compiler, "-O2", "-fintegrated-cc1", "-c", source, "-o", "/dev/null"]
        program = subprocess.Popen(command, env=ENV, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        program.stdout.readline()
        tracer = Alloctrace(scratch, "report", *EXACT, "-q", "-f", "folded", output=out)
        process = tracer.attach(program.pid)
        program.communicate(b"\n")
        began = time.monotonic()
        process.wait()
        took.append(time.monotonic() - began)
        with open(out) as f:
            lines.append(len(f.readlines()))
        os.remove(out)
    seconds, stacks = statistics.median(took), max(statistics.median(lines), 1)
    print(f"\nReport on {compiler} -O2 (libLLVM, libclang): {seconds:.2f} s for {stacks:.0f} folded stacks, "
          f"{seconds / stacks * 10000:.2f} s for 10,000; wanted: below 2 s")


def bench_record(scratch, runs):
    """A recording of 100,000 distinct stacks: writing it, and the report from the file."""
    path = f"{scratch}/record.pb.gz"
    wrote, took, most = [], [], 0
    for _ in range(runs):
        done = subprocess.run([os.path.join(O, "tests", "bench", "record"), "100000", path], env=ENV, check=False,
                              capture_output=True, text=True)
        if done.returncode:
            raise Failed(done.stderr.strip())
        wrote.append(float(done.stdout))
        report = subprocess.Popen([ALLOCTRACE, "report", path], env=ENV, stdout=DEVNULL)
        _, status, usage = os.wait4(report.pid, 0)
        report.returncode = os.waitstatus_to_exitcode(status)
        if report.returncode:
            raise Failed(f"report: exit status {report.returncode}")
        took.append(usage.ru_utime + usage.ru_stime)
        most = max(most, usage.ru_maxrss)
    print(f"\nRecording of 100,000 distinct stacks, {os.path.getsize(path) / 1e6:.1f} MB: "
          f"{statistics.median(wrote):.2f} s of CPU time to write, "
          f"{statistics.median(took):.2f} s and {most / 1024:.0f} MiB to report; "
          f"wanted: below 2 s each, 300 MiB", flush=True)
    os.remove(path)


def bench_memory(scratch):
    """Peak resident memory of alloctrace, report included. It is attached: rusage has a process's children in it."""
    code = ("import json, re\n"
            "d = [{'id': i, 'name': 'n%d' % i} for i in range(30000)]\n"
            "t = json.dumps(d); json.loads(t); re.findall(r'n(\\d+)', t)\n")
    for name, env in (("python3", {}), ("python3, PYTHONMALLOC=malloc", {"PYTHONMALLOC": "malloc"})):
        program = subprocess.Popen([workload("hold"), "/usr/bin/python3", "-c", code], env=ENV | env,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        program.stdout.readline()
        tool = Alloctrace(scratch, "memory", *EXACT, "-q", "-f", "folded", output=f"{scratch}/python.folded")
        process = tool.attach(program.pid)
        program.communicate(b"\n")
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        with open(f"{scratch}/python.folded") as f:
            stacks = len(f.readlines())
        print(f"\nMemory of alloctrace on {name} ({stacks} folded stacks): {usage.ru_maxrss / 1024:.0f} MiB at most; "
              "wanted: below 64")
