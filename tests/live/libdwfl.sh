#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every stack of stock programs, each call of malloc, against libdwfl's of the very same calls: no frame differs.
. "$(dirname "$0")/../lib.sh"
need_root
need "$O/tests/rawstacks" git perl /usr/bin/python3 clang node
remember_probes

same_as_libdwfl() {	# LEAST-CALLS COMMAND...: of a program that doesn't fork
	local least=$1 equal

	shift
	timeout 60 "$O/tests/rawstacks" -d "$DIR/dwfl" "$DIR/raw" "$@" >"$DIR/out" 2>"$DIR/err" </dev/null ||
		fail "rawstacks fails: $*"
	"$ROOT/tests/unwind/compare" "$DIR/raw" "$DIR/dwfl" >"$DIR/out" || fail "not as libdwfl says: $*"
	equal=$(sed -nE 's/^equal ([0-9]+),.*/\1/p' "$DIR/out")
	[[ $equal -ge $least ]] || fail "$equal stacks compared, not $least: $*"
	echo "${*:1:3}: $(head -1 "$DIR/out")"
}

cd "$DIR" || exit 1
git init -q repo
for i in 1 2 3 4 5; do
	echo "$i" >repo/file
	git -C repo add file
	git -C repo -c user.name=n -c user.email=e commit -q -m "$i"
done
cat >script.pl <<'END'
use Data::Dumper;
my %h;
$h{$_} = [1 .. 10] for 1 .. 100;
eval { die "x" };
print Dumper([sort keys %h]), "a" x 1000 =~ s/a+?/b/gr;
END
cat >script.py <<'END'
import json, re, ssl, sqlite3
print(len(json.dumps({"a": [1.5] * 1000})), re.compile("(a|b)*c{2,5}").match("ababcc"))
sqlite3.connect(":memory:").execute("create table t(a)")
END
# Its builtins are mapped twice, beside generated code.
cat >script.js <<'END'
function buffers(n) { const l = []; for (let i = 0; i < n; i++) l.push(Buffer.allocUnsafeSlow(20000)); return l; }
let t = 0;
for (let i = 0; i < 20; i++) t += buffers(50).length;
console.log(t, JSON.stringify({a: [1, 2, 3]}), /(a|b)+c/.exec("abababc"));
END
echo 'int f(int a) { return a * 2; } int main(int c, char **v) { return f(c); }' >x.c

same_as_libdwfl 200 git --no-pager -C repo log --stat
same_as_libdwfl 5000 perl script.pl
same_as_libdwfl 3000 /usr/bin/python3 script.py
same_as_libdwfl 10000 clang -cc1 -O2 -S -o x.s x.c
# Else it may read all certificates of the system first: 400,000 calls that are all alike.
unset NODE_EXTRA_CA_CERTS
# A loop that goes on in baseline code does so by a piece of V8 that keeps a value where frames have their return
# address (InterpreterOnStackReplacement_ToBaseline): alloctrace ends there, libdwfl takes the value for an address.
same_as_libdwfl 10000 node --no-sparkplug script.js
no_probe_left
