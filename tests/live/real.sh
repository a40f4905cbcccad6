#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 240
# Real programs: bytes and calls equal to what an independent preload counter sees in a run of its own.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

# Everything that could differ between two runs is fixed: environment, hashes, addresses, the size of sort's buffer.
fixed() {
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME="$DIR" LC_ALL=C TZ=UTC PYTHONHASHSEED=0 GIT_CONFIG_NOSYSTEM=1 \
		"$@"
}

same() {	# NAME [VARIABLE=VALUE] CMD...
	local name=$1 metric counted=() got variable=A=b

	shift
	[[ $1 != *=* ]] || { variable=$1; shift; }
	rm -f "$DIR/counter"
	fixed "$variable" setarch -R env LD_PRELOAD="$W/preload_counter.so" ALLOC_COUNTER="$DIR/counter" "$@" \
		>"$DIR/plain" 2>&1 </dev/null ||
		fail "$name: the command itself fails: $(tail -3 "$DIR/plain")"
	read -ra counted < <(od -An -t u8 -N 16 "$DIR/counter")
	[[ ${counted[1]} -gt 20 ]] || fail "$name: only ${counted[1]} calls: not worth a test"
	for metric in bytes calls; do
		fixed "$variable" setarch -R "$ALLOCTRACE" "${EXACT[@]}" -f folded -m $metric -o "$DIR/folded" -- "$@" \
			>"$DIR/out" 2>"$DIR/err" </dev/null ||
			fail "$name: exit status $?"
		got=$(folded_sum "$DIR/folded")
		if [[ $metric == bytes ]]; then
			expect_equal "$name: bytes" "$got" "${counted[0]}"
		else
			expect_equal "$name: calls" "$got" "${counted[1]}"
		fi
		cmp -s "$DIR/plain" "$DIR/out" || fail "$name: its output differs under tracing"
	done
	echo "$name: ${counted[0]} bytes in ${counted[1]} calls"
}

need sqlite3 jq git "$PYTHON"
"$PYTHON" - "$DIR" <<'EOF'
import json, random, sys
random.seed(7)
d = sys.argv[1]
words = ["".join(random.choices("abcdefghijklmnop", k=random.randrange(3, 12))) for _ in range(20000)]
open(d + "/words", "w").write("\n".join(words) + "\n")
data = [{"id": i, "name": w, "tags": [w[:2], w[-2:]]} for i, w in enumerate(words[:3000])]
json.dump(data, open(d + "/data.json", "w"))
with open(d + "/script.sql", "w") as f:
    f.write("create table t(id integer primary key, name text, n integer);\n")
    f.write("with recursive c(i) as (select 1 union all select i + 1 from c where i < 5000)"
            " insert into t select i, 'name' || (i * 7919 % 5003), i % 97 from c;\n")
    f.write("create index t_name on t(name);\nselect n, count(*), group_concat(name) from t group by n order by 2, 1;\n"
            "select count(*) from t a join t b on a.name = b.name;\n")
with open(d + "/history", "w") as f:
    for i in range(1, 201):
        text = "".join(w + "\n" for w in words[i:i + 50])
        f.write(f"blob\nmark :{i}\ndata {len(text)}\n{text}\n")
        f.write(f"commit refs/heads/main\nmark :{1000 + i}\n")
        f.write(f"committer A U Thor <a@example.org> {1700000000 + i} +0000\ndata {len(words[i])}\n{words[i]}\n")
        f.write((f"from :{999 + i}\n" if i > 1 else "") + f"M 100644 :{i} file{i % 9}\n\n")
EOF
fixed git -c init.defaultBranch=main init -q "$DIR/repo"
fixed git -C "$DIR/repo" fast-import --quiet <"$DIR/history"

same sort sort --parallel=1 -S 1M "$DIR/words"
same sqlite3 sqlite3 -batch -init /dev/null :memory: ".read $DIR/script.sql"
same jq jq -c '.[] | select(.id % 3 == 0) | {name, n: (.tags | length)}' "$DIR/data.json"
same "git log" git -C "$DIR/repo" log --stat main
same python3 "$PYTHON" -I -B -c '
import json, re
data = [{"id": i, "name": "n%d" % (i * 7919 % 5003)} for i in range(4000)]
text = json.dumps(data)
print(len(text), sum(d["id"] for d in json.loads(text)), len(re.findall(r"n(\d+)", text)))'
# Every object by malloc, not by its own arenas.
same "python3, PYTHONMALLOC=malloc" PYTHONMALLOC=malloc "$PYTHON" -I -B -c '
print(sum(len(str(i)) for i in range(20000)))'
no_probe_left
