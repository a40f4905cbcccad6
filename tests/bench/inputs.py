# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that allocate as programs do, and what they work on: generated, the same each time."""
import json
import random
import shutil
import subprocess

from tools import ENV

# The limits below were set where bpftrace's one-liner cost 3.2x on sqlite3, 3.4x on jq and 1.25x on git log. The inputs
# were chosen such that it does so here, by CPU time (heaptrack's 1.6x and 1.5x of there don't come with them).
# What decides is the work between two allocations: the rows that a statement scans (150: 3.5x, 300: 2.9x), how many
# small values jq makes beside those it has parsed, the lines of a commit's message (small ones 2.05x, 20 lines 1.33x).
SQL_SCAN = 200
GIT_COMMITS, GIT_LINES = 20000, 45


def make_data(scratch):
    random.seed(7)
    words = ["".join(random.choices("abcdefghijklmnop", k=random.randrange(3, 12))) for _ in range(20000)]
    with open(f"{scratch}/script.sql", "w") as f:
        f.write("create table t(id integer primary key, name text, n integer);\n"
                "create index t_name on t(name);\n"
                "with recursive c(i) as (select 1 union all select i + 1 from c where i < 60000)"
                " insert into t select i, 'name' || (i * 7919 % 50021), i % 97 from c;\n")
        for i in range(9000):
            f.write(f"select count(*), max(name) from t where id between {i} and {i + SQL_SCAN};\n")
        f.write("select n, count(*), length(group_concat(name)) from t group by n order by 2, 1;\n")
    with open(f"{scratch}/data.json", "w") as f:
        json.dump([{"id": i, "name": words[i % 20000], "tags": [words[i * 7 % 20000], str(i)],
                    "n": {"a": i, "b": i / 7}} for i in range(80000)], f)
    repo = f"{scratch}/repo"
    subprocess.run(["git", "-c", "init.defaultBranch=main", "init", "-q", repo], env=ENV, check=True)
    history, files = [], [[random.choice(words) + " " + random.choice(words) for _ in range(1500)] for _ in range(31)]
    for i in range(1, 2501):
        n = i % len(files)
        for _ in range(5):
            files[n][random.randrange(1500)] = random.choice(words)
        text = "\n".join(files[n]) + "\n"
        history.append(f"blob\nmark :{i}\ndata {len(text)}\n{text}\ncommit refs/heads/main\nmark :{10000 + i}\n"
                       f"committer A U Thor <a@example.org> {1700000000 + i} +0000\ndata {len(words[i])}\n{words[i]}\n"
                       + (f"from :{9999 + i}\n" if i > 1 else "") + f"M 100644 :{i} dir{n % 7}/file{n}\n\n")
    subprocess.run(["git", "-C", repo, "fast-import", "--quiet"], env=ENV, input="".join(history).encode(), check=True)
    make_log(f"{scratch}/log", words)


def make_log(repo, words):
    """Plain git log reads commits alone: their number and the length of their messages are what counts."""
    subprocess.run(["git", "-c", "init.defaultBranch=main", "init", "-q", repo], env=ENV, check=True)
    history = []
    for i in range(1, GIT_COMMITS + 1):
        lines = random.randrange(1, 2 * GIT_LINES)
        text = "\n".join(" ".join(random.choices(words, k=9)) for _ in range(lines)) + "\n"
        history.append(f"commit refs/heads/main\nmark :{i}\n"
                       f"committer A U Thor <a@example.org> {1600000000 + i * 97} +0000\n"
                       f"data {len(text)}\n{text}\n" + (f"from :{i - 1}\n" if i > 1 else "")
                       + (f"M 100644 inline file{i % 97}\ndata 6\n{i:06}\n" if i % 10 == 1 else "") + "\n")
    subprocess.run(["git", "-C", repo, "fast-import", "--quiet"], env=ENV, input="".join(history).encode(), check=True)


REAL = {
    "sqlite3": ("sqlite3: a generated script; wanted: at most 2.4x",
                lambda d: ["sqlite3", "-batch", "-init", "/dev/null", ":memory:", f".read {d}/script.sql"]),
    "jq": ("jq: generated JSON; wanted: at most 2.6x",
           lambda d: ["jq", "-c", ".[] | select(.id % 3 == 0) | [.name, .tags[0], [.n.a], [.id], [[]], {}]",
                      f"{d}/data.json"]),
    "git": ("git log: a generated repository; wanted: at most 1.15x",
            lambda d: ["git", "-C", f"{d}/log", "log", "main"]),
    "gitp": ("git log -p: another one; wanted: at most 1.15x",
             lambda d: ["git", "-C", f"{d}/repo", "log", "-p", "main"]),
}


def clang():
    """Its name, None if there is none."""
    return next((c for c in ("clang-14", "clang") if shutil.which(c)), None)


def make_unit(path):
    """What takes a compiler's optimizer some seconds."""
    with open(path, "w") as f:
        for i in range(250):
            f.write(f"int f{i}(int *a, int n) {{ int s = {i}; "
                    f"for (int i = 0; i < n; i++) s = s * {i + 3} + a[i] % (n + {i});\n"
                    f"switch (s % {i % 7 + 3}) {{ case 0: return s; case 1: return a[0] / (s | 1); }} return -s; }}\n"
                    f"struct s{i} {{ int a[{i + 1}]; double d; }};\n"
                    f"double g{i}(struct s{i} *s) {{ return s->a[{i}] * s->d; }}\n")
