# SPDX-License-Identifier: GPL-2.0-or-later
"""What totals under --max-overhead come to, by the truth: servers that are kept busy, and known calls per request."""
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import time

from rows import go
from tools import DEVNULL, ENV, EXACT, Alloctrace, Failed, workload


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise Failed("the server does not answer")


def redis(scratch, port):
    return ["redis-server", "--port", str(port), "--save", "", "--dir", scratch]


def nginx(scratch, port):
    names = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = " ".join(f"{name}_temp_path {scratch}/{name};" for name in names)
    with open(f"{scratch}/nginx.conf", "w") as f:
        f.write(f"daemon off; master_process off; pid {scratch}/nginx.pid; error_log {scratch}/nginx.err;\n"
                "events {}\n"
                f"http {{ access_log off; keepalive_requests 100000000; {paths}\n"
                f"server {{ listen 127.0.0.1:{port}; location / {{ return 200 'text'; }} }} }}\n")
    return ["nginx", "-c", f"{scratch}/nginx.conf", "-p", scratch]


# Server, load by port and number of requests, how many requests
SERVERS = {
    "redis SET": (redis, lambda port, n: ["redis-benchmark", "-p", str(port), "-q", "-t", "set", "-n", str(n)], 400000),
    "redis SET, 16 at once": (redis, lambda port, n: ["redis-benchmark", "-p", str(port), "-q", "-t", "set", "-P", "16",
                                                      "-n", str(n)], 3000000),
    "redis SET, LPUSH": (redis, lambda port, n: ["redis-benchmark", "-p", str(port), "-q", "-t", "set,lpush", "-n",
                                                 str(n // 2)], 400000),
    "nginx": (nginx, lambda port, n: ["ab", "-q", "-k", "-c", "20", "-n", str(n), f"http://127.0.0.1:{port}/"], 200000),
}


def folded_calls(path):
    with open(path) as f:
        return sum(int(line.rsplit(" ", 1)[1]) for line in f)


def said(scratch):
    with open(os.path.join(scratch, "tool.err")) as f:
        line = next((line for line in f if line.startswith("traced")), "")
    by = re.search(r"scaled up by (.*?),", line)
    error = re.search(r"an error of <?([0-9.]+) %", line)
    return by.group(1) if by else "nothing", float(error.group(1)) / 100 if error else 0


def serve(scratch, server, load, n, *options):
    """Calls that the tool tells of n requests."""
    out, port = f"{scratch}/totals.folded", free_port()
    process = subprocess.Popen(server(scratch, port), env=ENV, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
    tool, tracer = Alloctrace(scratch, "totals", *options, "-m", "calls", "-f", "folded", output=out), None
    try:
        wait_for_port(port)
        tracer = tool.attach(process.pid)
        subprocess.run(load(port, n), env=ENV, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, check=True)
    finally:
        tool.detach(tracer)
        process.send_signal(signal.SIGTERM)
        process.wait()
    return folded_calls(out)


def show(name, ratios, errors, bys):
    off = [abs(r - 1) <= 2 * e for r, e in zip(ratios, errors)]
    median = statistics.median(ratios)
    print(f"  {name:<24} {median:.3f} of the truth ({min(ratios):.3f} to {max(ratios):.3f}), within two errors in "
          f"{sum(off)} of {len(off)} runs, by {', '.join(sorted(set(bys)))}; wanted: 0.97 to 1.03: "
          f"{'met' if abs(median - 1) <= 0.03 else 'missed'}", flush=True)


def bench_totals(scratch, runs):
    print("\nTotals under --max-overhead 5")
    for name, args in (("read and write", []), ("send and recv", ["-s"])):
        ratios, errors, bys = [], [], []
        for _ in range(runs):
            tool = Alloctrace(scratch, name, "-m", "calls", "-f", "folded", output=f"{scratch}/totals.folded")
            _, out = go([workload("answer"), "-w", "-t", "10000", *args, "20"], tool, True)
            by, error = said(scratch)
            ratios.append(folded_calls(f"{scratch}/totals.folded") / int(out.split()[-1]))
            errors.append(error)
            bys.append(by)
        show(name, ratios, errors, bys)
    for name, (server, load, n) in SERVERS.items():
        if not all(map(shutil.which, (server.__name__ if server is nginx else "redis-server", load(1, 1)[0]))):
            print(f"  {name:<24} not installed")
            continue
        truth = serve(scratch, server, load, n // 20, *EXACT) * 20
        ratios, errors, bys = [], [], []
        for _ in range(runs):
            ratios.append(serve(scratch, server, load, n) / truth)
            by, error = said(scratch)
            errors.append(error)
            bys.append(by)
        show(name, ratios, errors, bys)
