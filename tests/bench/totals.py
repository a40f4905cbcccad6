# SPDX-License-Identifier: GPL-2.0-or-later
"""What totals under --max-overhead come to, by the truth: programs that are kept busy, and known calls per request."""
import contextlib
import glob
import os
import re
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import tempfile
import time

from rows import go
from tools import DEVNULL, ENV, EXACT, Alloctrace, Failed, workload

REDIS = ("redis-server", "redis-benchmark")
NGINX = ("nginx", "ab")


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


def quietly(command):
    subprocess.run(command, env=ENV, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, check=True)


def folded_calls(path):
    with open(path) as f:
        return sum(int(line.rsplit(" ", 1)[1]) for line in f)


class Said:
    """What a run told: its calls, and of the line `traced` by what they were scaled, and the error of that."""

    def __init__(self, scratch):
        self.calls = folded_calls(f"{scratch}/totals.folded")
        with open(f"{scratch}/tool.err") as f:
            text = f.read()
        traced = next((line for line in text.splitlines() if line.startswith("traced")), "")
        by, error = re.search(r"scaled up by (.*?),", traced), re.search(r"an error of <?([0-9.]+) %", traced)
        self.by = by.group(1) if by else "nothing"
        self.error = float(error.group(1)) / 100 if error else 0
        self.at_least = re.search(r"^allocated +at least", text, re.M) is not None
        self.warned = "if it batches its work" in traced


def tool_of(scratch, *options):
    return Alloctrace(scratch, "totals", *options, "-m", "calls", "-f", "folded", output=f"{scratch}/totals.folded")


def witness(path):
    """Environment in which a program counts its calls itself, without a probe (workloads/preload_counter.c)."""
    return ENV | {"LD_PRELOAD": workload("preload_counter.so"), "ALLOC_COUNTER": path}


def witnessed(path):
    with open(path, "rb") as f:
        return struct.unpack("QQ", f.read(16))[1]


# --- servers: each run has a new one, for the truth one that counts its calls


def redis(*options):
    return lambda scratch, port: ["redis-server", "--port", str(port), "--save", "", "--dir", scratch, *options]


def nginx(scratch, port):
    names = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = " ".join(f"{name}_temp_path {scratch}/{name};" for name in names)
    with open(f"{scratch}/nginx.conf", "w") as f:
        f.write(f"daemon off; master_process off; pid {scratch}/nginx.pid; error_log {scratch}/nginx.err;\n"
                "events {}\n"
                f"http {{ access_log off; keepalive_requests 100000000; {paths}\n"
                f"server {{ listen 127.0.0.1:{port}; location / {{ return 200 'text'; }} }} }}\n")
    return ["nginx", "-c", f"{scratch}/nginx.conf", "-p", scratch]


def redis_benchmark(requests, *options):
    return lambda port: quietly(["redis-benchmark", "-p", str(port), "-q", "-n", str(requests), *options])


def ab(requests):
    return lambda port: quietly(["ab", "-q", "-k", "-c", "20", "-n", str(requests), f"http://127.0.0.1:{port}/"])


def paced(seconds):
    """20 clients, and each sends a request every 4 ms: what the server can do without being late."""
    def load(port):
        request = b"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$3\r\nval\r\n"
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
        due = time.monotonic()
        for _ in range(250 * seconds):
            for c in clients:
                c.sendall(request)
            for c in clients:
                c.recv(64)
            due += 0.004
            time.sleep(max(due - time.monotonic(), 0))
        for c in clients:
            c.close()
    return load


def serve(scratch, server, load, tool, env):
    port = free_port()
    process, tracer = subprocess.Popen(server(scratch, port), env=env, stdin=DEVNULL, stdout=DEVNULL,
                                       stderr=DEVNULL), None
    try:
        wait_for_port(port)
        tracer = tool.attach(process.pid) if tool else None
        before = 0 if tool else witnessed(env["ALLOC_COUNTER"])
        load(port)
        return 0 if tool else witnessed(env["ALLOC_COUNTER"]) - before
    finally:
        if tracer:
            tool.detach(tracer)
        process.send_signal(signal.SIGTERM)
        process.wait()


def server_row(server, load):
    def runs_of(scratch, runs):
        truth = serve(scratch, server, load, None, witness(f"{scratch}/witness"))
        for _ in range(runs):
            serve(scratch, server, load, tool_of(scratch), ENV)
            yield truth, Said(scratch)
    return runs_of


# --- postgres: of a backend nothing is known before pgbench has connected, so a lock holds it up until probes are there

PG_CLIENTS = 2
PG_TRANSACTIONS = 3000      # of each client
PG_OVERHEAD = "0.5"


def pg_program(name):
    return next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))), None)


class Postgres:
    """A cluster of its own, below a directory of its own: postgres refuses to run as root."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="alloctrace-postgres.")
        shutil.chown(self.dir, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
        subprocess.run([*as_user, pg_program("initdb"), "-A", "trust", "-D", f"{self.dir}/data"], env=ENV, cwd="/",
                       stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, check=True)
        self.port = free_port()
        self.of = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]
        # It is what the backends do that counts, not the disk.
        self.process = subprocess.Popen([*as_user, pg_program("postgres"), "-D", f"{self.dir}/data", "-p",
                                         str(self.port), "-k", self.dir, "-c", "fsync=off", "-c", "autovacuum=off"],
                                        env=ENV, cwd="/", stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
        wait_for_port(self.port)
        end = time.monotonic() + 10
        while subprocess.run(["pg_isready", *self.of], env=ENV, stdout=DEVNULL, check=False).returncode:
            if time.monotonic() > end:
                raise Failed("postgres is not ready")
            time.sleep(0.1)
        quietly(["pgbench", *self.of, "-i", "-q", "-s", "4", "postgres"])

    def close(self):
        with open(f"{self.dir}/data/postmaster.pid") as f:
            os.kill(int(f.readline()), signal.SIGINT)
        self.process.wait()
        shutil.rmtree(self.dir)

    def ask(self, sql):
        return subprocess.run(["psql", *self.of, "-qAtc", sql, "postgres"], env=ENV, stdin=DEVNULL,
                              capture_output=True, text=True, check=True).stdout.split()

    def run(self, scratch, transactions, *options):
        """The backends of pgbench under the tool, from the first statement on."""
        with subprocess.Popen(["psql", *self.of, "-q", "postgres"], env=ENV, stdin=subprocess.PIPE, text=True) as lock:
            lock.stdin.write("begin; lock table pgbench_accounts;\n")
            lock.stdin.flush()
            while not self.ask("select 1 from pg_locks where mode = 'AccessExclusiveLock' and granted"):
                time.sleep(0.05)
            load = subprocess.Popen(["pgbench", *self.of, "-n", "-c", str(PG_CLIENTS), "-t", str(transactions),
                                     "postgres"], env=ENV, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
            while len(pids := self.ask("select pid from pg_stat_activity where wait_event_type = 'Lock'")) < PG_CLIENTS:
                time.sleep(0.05)
            tool = tool_of(scratch, *options)
            tracer = tool.attach(",".join(pids))
            lock.stdin.write("commit;\n")
            lock.stdin.close()
            load.wait()
            tool.detach(tracer)
        return Said(scratch)


def postgres_row(scratch, runs):
    with contextlib.closing(Postgres()) as pg:
        # The first transactions fill caches: two exact runs tell what each of the others takes.
        few, more = (pg.run(scratch, PG_TRANSACTIONS // n, *EXACT).calls for n in (60, 20))
        truth = few + (more - few) * (PG_TRANSACTIONS - PG_TRANSACTIONS // 60) / (PG_TRANSACTIONS // 30)
        for _ in range(runs):
            # At 5 % the probes may stay all the time.
            yield truth, pg.run(scratch, PG_TRANSACTIONS, "--max-overhead", PG_OVERHEAD)


# --- programs that end by themselves


def answer_row(*args):
    def runs_of(scratch, runs):
        for _ in range(runs):
            _, out = go([workload("answer"), "-w", *args], tool_of(scratch), True)
            yield int(out.split()[-1]), Said(scratch)
    return runs_of


PYTHON = ["/usr/bin/python3", "-c", "import json\n"
          "d = [{'id': i, 'name': 'name %d' % i, 'tags': list(range(i % 40))} for i in range(200)]\n"
          "for _ in range(10000): json.loads(json.dumps(d))\n"]


def python_row(scratch, runs):
    subprocess.run(PYTHON, env=witness(f"{scratch}/witness"), stdin=DEVNULL, check=True)
    truth = witnessed(f"{scratch}/witness")
    for _ in range(runs):
        go(PYTHON, tool_of(scratch), False)
        yield truth, Said(scratch)


def loop_row(scratch, runs):
    for _ in range(runs):
        _, out = go([workload("loop"), "-w", "1", "100000000"], tool_of(scratch), True)
        yield int(out.split()[-1]), Said(scratch)


# --- what is wanted


def is_off(ratio, said):
    """The truth is not within two errors of what was said."""
    return abs(1 / ratio - 1) > 2 * said.error


def is_close(ratios, _):
    return "a median of 0.97 to 1.03", abs(statistics.median(ratios) - 1) <= 0.03


def is_covered(ratios, said):
    off = sum(map(is_off, ratios, said))
    return "the truth within two errors in 9 of 10 runs", 10 * off <= len(said)


def is_warned(_, said):
    return "a warning", all(s.warned for s in said)


def is_at_least(ratios, said):
    return "'at least'", all(s.at_least for s in said) and max(ratios) <= 1


# Programs that are needed, runs, what is wanted.
ROWS = {
    "read and write": ((), answer_row("-t", "10000", "20"), is_close),
    "send and recv": ((), answer_row("-t", "10000", "-s", "20"), is_close),
    "two phases": ((), answer_row("-t", "15000", "-o", "20", "2"), is_covered),
    "redis SET": (REDIS, server_row(redis(), redis_benchmark(400000, "-t", "set")), is_close),
    "redis SET+LPUSH": (REDIS, server_row(redis(), redis_benchmark(200000, "-t", "set,lpush")), is_close),
    "redis SET pipelined": (REDIS, server_row(redis(), redis_benchmark(3000000, "-t", "set", "-P", "16")), is_close),
    "redis at its own pace": (REDIS, server_row(redis(), paced(10)), is_close),
    "redis --io-threads 2": (REDIS, server_row(redis("--io-threads", "2", "--io-threads-do-reads", "yes"),
                                               redis_benchmark(400000, "-t", "set")), is_warned),
    "nginx": (NGINX, server_row(nginx, ab(200000)), is_close),
    "postgres": (("pgbench", "psql", "runuser"), postgres_row, is_close),
    "python3": (("/usr/bin/python3",), python_row, is_covered),
    "loop": ((), loop_row, is_at_least),
}


def bench_totals(scratch, runs, names):
    """Of these rows."""
    print(f"\nTotals under --max-overhead 5 (postgres: {PG_OVERHEAD}), by the truth")
    for name in names:
        programs, runs_of, wanted = ROWS[name]
        if not all(map(shutil.which, programs)) or (name == "postgres" and not pg_program("initdb")):
            print(f"  {name:<24} not installed")
            continue
        truths, said = zip(*runs_of(scratch, runs))
        ratios = [s.calls / t for t, s in zip(truths, said)]
        off = sum(map(is_off, ratios, said))
        what, met = wanted(ratios, said)
        warned = sum(s.warned for s in said)
        print(f"  {name:<24} {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}), within two "
              f"errors in {runs - off} of {runs} runs, by {', '.join(sorted({s.by for s in said}))}"
              f"{f', warned of in {warned}' * (warned > 0)}; wanted: {what}: {'met' if met else 'missed'}", flush=True)
