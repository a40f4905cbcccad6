#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Whole stacks of programs built without frame pointers: against gdb's, deep ones, and where tables have no room.
# beside: yes
# limit: 400
. "$(dirname "$0")/../lib.sh"

need_root
remember_probes

# Every stack of a C++ program as distributions build, with exceptions, to its beginning.
run "${EXACT[@]}" -f folded -m calls --unwind eh_frame -o "$DIR/folded" -- "$W/cxx-nofp"
expect_status 0
grep -q 'truncated' "$DIR/folded" && fail "$(grep -m1 truncated "$DIR/folded")"
! grep -Ev ';_start;|;_dl_start_user;|ld-linux-x86-64.so.2\+0x[0-9a-f]+;|;clone3;' "$DIR/folded" ||
	fail "not from the beginning"

# The same stacks by both ways where there are frame pointers, but for the outermost ones.
for how in fp eh_frame; do
	run "${EXACT[@]}" -f folded -m calls --unwind $how -o "$DIR/$how" -- "$W/primes-nopie"
	expect_status 0
	sed -nE 's/^.*;(worker;(left|right);)/\1/p' "$DIR/$how" | sort >"$DIR/$how.sorted"
done
[[ -s $DIR/fp.sorted ]] || fail "no stacks"
sums() {
	awk '{ n = $NF; $NF = ""; sum[$0] += n } END { for (s in sum) print s, sum[s] }' "$1" | sort
}
sums "$DIR/fp.sorted" >"$DIR/fp.sums"
sums "$DIR/eh_frame.sorted" >"$DIR/eh.sums"
cmp -s "$DIR/fp.sums" "$DIR/eh.sums" || fail "$(diff "$DIR/fp.sums" "$DIR/eh.sums" | head -5)"

# A library that was loaded just now: its stacks are unwound in user space.
run "${EXACT[@]}" -f folded -m calls --unwind eh_frame -o "$DIR/folded" -- "$W/dlopener" "$W/plugin.so"
expect_status 0
grep -q 'truncated' "$DIR/folded" && fail "$(grep -m1 truncated "$DIR/folded")"
grep -q '_start;.*;main;.*plugin' "$DIR/folded" || fail "no stack from _start to the plugin"

# The default depth cuts at the root; more can be had.
run "${EXACT[@]}" -f folded -m calls --unwind eh_frame --max-depth 20 -o "$DIR/folded" -- "$W/stacks" 4 3 40
expect_status 0
grep -q '^stacks;\[truncated: depth limit\];' "$DIR/folded" || fail "not marked as cut"
run "${EXACT[@]}" -f folded -m calls --unwind eh_frame --max-depth 512 -o "$DIR/folded" -- "$W/stacks" 4 3 40
expect_status 0
grep -q 'truncated' "$DIR/folded" && fail "$(grep -m1 truncated "$DIR/folded")"

# Against the debugger, as multisets: program, environment and arguments the same.
[[ -n $(command -v gdb) && -x $O/tests/rawstacks ]] || skip "needs gdb and rawstacks for the rest"
export LINES=24 COLUMNS=80 PERL_HASH_SEED=0 PERL_PERTURB_KEYS=0 PYTHONHASHSEED=0
same_as_gdb() {	# LIBRARY COMMAND...
	local library=$1

	shift
	setarch -R "$O/tests/rawstacks" "$DIR/raw" "$@" >"$DIR/out" 2>"$DIR/err" </dev/null ||
		fail "rawstacks fails: $*"
	STACKS=$DIR/gdb HITS=100000 LIBRARY=$library timeout 100 \
		gdb -q -batch -x "$ROOT/tests/unwind/gdbstacks.py" --args "$@" >"$DIR/out" 2>"$DIR/err" </dev/null
	[[ -s $DIR/gdb ]] || fail "gdb says nothing: $*"
	"$ROOT/tests/unwind/compare" "$DIR/raw" "$DIR/gdb" >"$DIR/out" || fail "not as in gdb: $*"
	echo "$*: $(head -1 "$DIR/out")"
}

cat >"$DIR/script.sql" <<'SQL'
create table t(a integer primary key, b text);
with recursive n(i) as (select 1 union all select i+1 from n where i<100) insert into t select i, 'row '||i from n;
create index ti on t(b);
select substr(b,1,5), count(*) from t group by 1 order by 2 desc limit 5;
SQL
cat >"$DIR/script.pl" <<'PERL'
my %h; $h{$_} = [1..10] for (1..50); print scalar(keys %h);
PERL
same_as_gdb libc.so.6 "$W/cxx-nofp"
same_as_gdb primes-static "$W/primes-static"
cc -D_GNU_SOURCE -std=gnu11 -O2 -fno-builtin -pthread -static-pie -o "$DIR/static-pie" \
	"$ROOT/tests/workloads/primes.c" 2>"$DIR/err" || fail "no static-pie"
same_as_gdb static-pie "$DIR/static-pie"
[[ ! -x $W/primes-musl-static ]] || same_as_gdb primes-musl-static "$W/primes-musl-static"
[[ ! -x $W/primes-musl ]] || same_as_gdb libc.so "$W/primes-musl"
# rustc may be a wrapper that wants to fetch a compiler first.
if timeout 30 rustc -O -o "$DIR/rust" "$ROOT/tests/workloads/collections.rs" >"$DIR/out" 2>&1; then
	RUST_BACKTRACE=0 same_as_gdb libc.so.6 "$DIR/rust"
else
	echo "no rustc: Rust left out"
fi
[[ ! -x /usr/bin/sort ]] || same_as_gdb libc.so.6 /usr/bin/sort /etc/passwd
[[ ! -x /usr/bin/sqlite3 ]] || same_as_gdb libc.so.6 /usr/bin/sqlite3 -batch -init "$DIR/script.sql" :memory: .quit
[[ ! -x /usr/bin/perl ]] || same_as_gdb libc.so.6 /usr/bin/perl "$DIR/script.pl"
no_probe_left
