# SPDX-License-Identifier: GPL-2.0-or-later
"""What each format costs to make of a recording of 100,000 stacks, beside pprof and flamegraph.pl on the same data."""
import os
import shutil
import statistics
import subprocess

from tools import ALLOCTRACE, DEVNULL, ENV, Failed, O

FORMATS = ["table", "folded", "json", "csv", "svg", "html", "speedscope", "prom", "benchfmt", "pprof"]
MOST_SECONDS, MOST_MIB = 3, 400


def flamegraph():
    done = subprocess.run(["dpkg", "-L", "libdevel-nytprof-perl"], capture_output=True, text=True, check=False)
    found = [line for line in done.stdout.splitlines() if line.endswith("/flamegraph.pl")]
    return found[0] if found else shutil.which("flamegraph.pl")


def cost(command, output=None):
    """(seconds of CPU time, MiB at most) of a command."""
    with open(output or os.devnull, "wb") as out:
        process = subprocess.Popen(command, env=ENV, stdin=DEVNULL, stdout=out, stderr=DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise Failed(f"{' '.join(command)}: exit status {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def commands(path, other, folded):
    """Name, command, the file that it writes (its name is free); of others no file."""
    report = [ALLOCTRACE, "report", "-q", "-T", "0", "--view", "alloc"]
    for name in FORMATS:
        yield name, [*report, "-f", name, "-o", f"{path}.{name}", path], f"{path}.{name}"
    yield "folded of two", [*report, "-f", "folded", "--diff-base", other, "-o", f"{path}.two", path], f"{path}.two"
    if shutil.which("go"):
        yield "go tool pprof -top", ["go", "tool", "pprof", "-top", path], None
    script = flamegraph()
    if script:
        yield "flamegraph.pl", ["perl", script, folded], None


def bench_formats(scratch, runs):
    """Medians of interleaved runs."""
    paths = [f"{scratch}/formats{i}.pb.gz" for i in range(2)]
    for path, stacks in zip(paths, ("100000", "90000")):
        done = subprocess.run([os.path.join(O, "tests", "bench", "record"), stacks, path], env=ENV, check=False,
                              capture_output=True, text=True)
        if done.returncode:
            raise Failed(done.stderr.strip())
    folded = f"{scratch}/formats.folded"
    cost([ALLOCTRACE, "report", "-q", "--view", "alloc", "-f", "folded", "-o", folded, paths[0]])
    values, sizes = {}, {}
    for _ in range(min(runs, 3)):
        for name, command, written in commands(*paths, folded):
            values.setdefault(name, []).append(cost(command))
            if written:
                sizes[name] = os.path.getsize(written)
                os.remove(written)
    print(f"\nFormats of 100,000 stacks, CPU time and memory; wanted of ours: below {MOST_SECONDS} s and "
          f"{MOST_MIB} MiB")
    for name, pairs in values.items():
        seconds, mib = statistics.median(p[0] for p in pairs), max(p[1] for p in pairs)
        said = ""
        if name in sizes:
            met = seconds < MOST_SECONDS and mib < MOST_MIB
            said = f"  {sizes[name] / 1e6:6.1f} MB  {'met' if met else 'missed'}"
        print(f"  {name:<20}{seconds:>6.2f} s {mib:>6.0f} MiB{said}", flush=True)
