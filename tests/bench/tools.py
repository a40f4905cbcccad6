# SPDX-License-Identifier: GPL-2.0-or-later
"""The tools that are compared: each is attached to a waiting process, and is ready when `ready` says so."""
import os
import re
import shutil
import signal
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
O = os.environ.get("O", os.path.join(ROOT, ".build"))
ALLOCTRACE = os.environ.get("ALLOCTRACE", os.path.join(O, "alloctrace"))
W = os.path.join(O, "tests", "workloads")
LIBC = "/lib/x86_64-linux-gnu/libc.so.6"
ENV = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/nonexistent", "TZ": "UTC",
       "PYTHONHASHSEED": "0", "GIT_CONFIG_NOSYSTEM": "1"}
DEVNULL = subprocess.DEVNULL
EXACT = ("--sample", "1", "--max-overhead", "off")  # every call is recorded


class Failed(Exception):
    pass


def workload(name):
    return os.path.join(W, name)


def hit_ns():
    """What a hit costs on this machine, as alloctrace measures it."""
    done = subprocess.run([ALLOCTRACE, "check"], env=ENV, stdin=DEVNULL, capture_output=True, text=True, check=True)
    return float(re.search(r"([0-9]+) ns +at an instruction that is emulated", done.stdout).group(1))


def waits_for_events(pid):
    """In epoll_wait or poll: its probes are in place, nothing is left to do but wait."""
    try:
        with open(f"/proc/{pid}/syscall") as f:
            return f.read().split()[0] in ("232", "281", "7", "271")
    except (OSError, IndexError):
        return False


class Tool:
    """Nothing at all: the bare program."""
    name = "bare"

    def __init__(self, scratch):
        self.scratch = scratch

    def available(self):
        return True

    def command(self, pid):
        return None

    def ready(self, process):
        return waits_for_events(process.pid)

    def attach(self, pid):
        command = self.command(pid)
        if not command:
            return None
        errors = open(os.path.join(self.scratch, "tool.err"), "w+")
        process = subprocess.Popen(command, stdin=DEVNULL, stdout=DEVNULL, stderr=errors, cwd=self.scratch)
        end = time.monotonic() + 30
        seen = 0
        while seen < 3:     # thrice in a row: a wait in between is not the last one
            if process.poll() is not None or time.monotonic() > end:
                errors.seek(0)
                process.kill()
                raise Failed(f"{self.name}: {errors.read().strip()[:200] or 'not ready after 30 s'}")
            seen = seen + 1 if self.ready(process) else 0
            time.sleep(0.02)
        return process

    def detach(self, process):
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Alloctrace(Tool):
    """With these options."""

    def __init__(self, scratch, name, *options, output="/dev/null"):
        super().__init__(scratch)
        self.name = name
        self.options = options
        self.output = output

    def command(self, pid):
        return [ALLOCTRACE, *self.options, "-p", str(pid), "-o", self.output]


class Bpftrace(Tool):
    name = "bpftrace"

    def available(self):
        return shutil.which("bpftrace") is not None

    def command(self, pid):
        return ["bpftrace", "-q", "-p", str(pid), "-o", os.path.join(self.scratch, "bpftrace.out"), "-e",
                f"uprobe:{LIBC}:malloc {{ @[ustack] = sum(arg0); }}"]


class Memleak(Tool):
    """libbpf-tools' ($MEMLEAK; Debian 12 builds none), or bcc's, which needs the kernel's headers to compile."""
    name = "memleak"
    program = next(filter(None, map(shutil.which, (os.environ.get("MEMLEAK", "memleak"), "memleak-bpfcc"))), None)

    def available(self):
        if self.program is None:
            return False
        headers = f"/lib/modules/{os.uname().release}/build"
        return not self.program.endswith("-bpfcc") or os.path.exists(headers)

    def command(self, pid):
        return [self.program, "-p", str(pid), "3600"]

    def ready(self, process):
        """It sleeps until its report is due."""
        try:
            with open(f"/proc/{process.pid}/syscall") as f:
                return f.read().split()[0] in ("35", "230", "23", "270")
        except (OSError, IndexError):
            return False


class Heaptrack(Tool):
    name = "heaptrack"
    start = None

    def available(self):
        return shutil.which("heaptrack") is not None

    def launch(self, command, stdout=DEVNULL):
        out = os.path.join(self.scratch, "heaptrack.data")
        began = time.monotonic()
        done = subprocess.run(["heaptrack", "-o", out] + command, env=ENV, stdin=DEVNULL,
                              stdout=stdout, stderr=DEVNULL, cwd=self.scratch, check=False)
        took = time.monotonic() - began
        for name in os.listdir(self.scratch):
            if name.startswith("heaptrack.data"):
                os.remove(os.path.join(self.scratch, name))
        if done.returncode:
            raise Failed(f"heaptrack: exit status {done.returncode}")
        return took, (done.stdout or b"").decode(errors="replace")

    def own_start(self):
        if self.start is None:
            self.start = min(self.launch(["/bin/true"])[0] for _ in range(3))
        return self.start
