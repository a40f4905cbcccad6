# SPDX-License-Identifier: GPL-2.0-or-later
#
# For gdb: the stacks of a command at each call of malloc, in the form of rawstacks, one line per call.
#
#     gdb -q -batch -x gdbstacks.py --args COMMAND...     (environment: STACKS=output file, HITS=how many at most,
#                                                          AT=functions, malloc unless told, of the file
#                                                          LIBRARY, libc.so.6 unless told)
import bisect
import collections
import os
import subprocess

import gdb

limit = int(os.environ.get("HITS", "1000"))
library = os.environ.get("LIBRARY", "libc.so.6")
functions = os.environ.get("AT", "malloc").split()
# Their own calls of malloc are no allocations of their callers' once more.
allocators = ("calloc", "realloc", "aligned_alloc", "memalign", "posix_memalign")


def file_type(path):
    with open(path, "rb") as f:
        head = f.read(64)
    if head[:4] != b"\x7fELF":
        return None
    return int.from_bytes(head[16:18], "little")


class Maps:
    """Addresses of the process to file+vaddr."""

    def __init__(self, pid):
        self.pid = pid
        self.read()

    def read(self):
        self.starts, self.rows, bases = [], [], {}
        self.bases = bases
        with open("/proc/%d/maps" % self.pid) as f:
            for line in f:
                part = line.split(None, 5)
                path = part[5].strip() if len(part) > 5 else ""
                start, end = (int(x, 16) for x in part[0].split("-"))
                offset = int(part[2], 16)
                if path.startswith("/") and path not in bases:
                    bases[path] = start if file_type(path) == 3 else None
                if path == "[vdso]":
                    bases[path] = start
                self.starts.append(start)
                self.rows.append((end, path, bases.get(path)))

    def name(self, pc):
        for again in (True, False):
            i = bisect.bisect_right(self.starts, pc) - 1
            if i >= 0 and pc < self.rows[i][0] and self.rows[i][1]:
                end, path, base = self.rows[i]
                return "%s+0x%x" % (path.rsplit("/", 1)[-1], pc - (base or 0))
            if again:
                self.read()
        return "[unknown]+0x%x" % pc


def chain(maps):
    """Of the newest frame's callers; inlined and tail-called frames are gdb's inventions."""
    names = []
    frame = gdb.newest_frame()
    below_signal = False
    first = True
    while frame is not None:
        kind = frame.type()
        if kind not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
            pc = frame.pc()
            # Beyond the loader's entry gdb takes the count of arguments for a return address.
            if pc < 4096:
                break
            if not first:
                names.append(maps.name(pc if below_signal else pc - 1))
            first = False
            below_signal = kind == gdb.SIGTRAMP_FRAME
        try:
            frame = frame.older()
        except gdb.error:
            names.append("[error]")
            break
    return ";".join(names)


def symbol_offset(path, name):
    """Of the dynamic symbol, or of a static program's own; gdb might take the name for a PLT entry's."""
    for options in (["-D"], []):
        text = subprocess.run(["nm", *options, path], capture_output=True, text=True).stdout
        for line in text.splitlines():
            part = line.split()
            if len(part) == 3 and part[1] in "TWti" and part[2].split("@")[0] == name:
                return int(part[0], 16)
    return None


def find_addresses(maps):
    for path, base in maps.bases.items():
        found = [symbol_offset(path, f) for f in functions] if library in path else []
        if found and None not in found:
            return [(base or 0) + offset for offset in found]
    return []


def main():
    for command in ("set pagination off", "set startup-with-shell off", "set confirm off",
                    "set disable-randomization on", "set debuginfod enabled off", "set backtrace past-main on",
                    "set backtrace past-entry off", "set backtrace limit unlimited", "set breakpoint pending on",
                    "handle SIGSTOP nostop noprint pass", "handle all nostop noprint pass"):
        gdb.execute(command, to_string=True)
    for name in ("STACKS", "HITS", "AT", "LIBRARY"):
        gdb.execute("unset environment " + name, to_string=True)
    gdb.execute("set stop-on-solib-events 1", to_string=True)
    gdb.execute("starti", to_string=True)
    # The loader says when the libraries are mapped, and none of their code has run then.
    for i in range(10):
        if i or library != os.path.basename(gdb.current_progspace().filename):
            gdb.execute("continue", to_string=True)
        addresses = find_addresses(Maps(gdb.selected_inferior().pid))
        if addresses:
            break
    gdb.execute("set stop-on-solib-events 0", to_string=True)
    for address in addresses:
        gdb.execute("break *0x%x" % address, to_string=True)
    counts = collections.OrderedDict()
    maps = None
    for _ in range(limit):
        gdb.execute("continue", to_string=True)
        if not gdb.selected_inferior().pid:
            break
        if maps is None:
            maps = Maps(gdb.selected_inferior().pid)
        if gdb.newest_frame().older().name() in allocators:
            continue
        stack = chain(maps)
        counts[stack] = counts.get(stack, 0) + 1
    with open(os.environ["STACKS"], "w") as out:
        for stack, n in counts.items():
            out.write("%d %s\n" % (n, stack))
    if gdb.selected_inferior().pid:
        gdb.execute("kill", to_string=True)


main()
