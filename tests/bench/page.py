# SPDX-License-Identifier: GPL-2.0-or-later
"""What an HTML report of many distinct stacks takes in Chromium."""
import os
import shutil
import subprocess

from tools import ALLOCTRACE, ENV, Failed, O

SIZES = {10000: "300 ms, 16 ms, 1 MB", 100000: "1 s, 50 ms, 5 MB"}


def run(*command):
    done = subprocess.run(command, env=ENV, check=False, capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"{command[0]}: {done.stderr.strip()}")
    return done.stdout


def bench_page(scratch, runs):
    if not shutil.which("node") or not shutil.which("chromium"):
        raise Failed("node or chromium is not installed")
    path, page = f"{scratch}/page.pb.gz", f"{scratch}/page.html"
    print()
    for stacks, wanted in SIZES.items():
        run(os.path.join(O, "tests", "bench", "record"), str(stacks), path)
        run(ALLOCTRACE, "report", "-q", "-o", page, path)
        opened, zoom, longest = run("node", os.path.join(os.path.dirname(__file__), "page.js"), page, str(runs)).split()
        print(f"HTML report of {stacks} stacks, {os.path.getsize(page) / 1e6:.1f} MB: opens in {opened} ms, zooms in "
              f"{zoom} ms, {longest} at most; wanted: {wanted}", flush=True)
        os.remove(path)
        os.remove(page)
