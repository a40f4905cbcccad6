#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Stacks from C through cgo to the goroutine's first function, by Go's frame pointers, against what Go's runtime says:
# deep ones, inlined methods, a panic, and from Go through C into Go.
. "$(dirname "$0")/../lib.sh"
need_root
need gcc
go_env
remember_probes

cp -r "$ROOT/tests/workloads/cgo" "$DIR/src" && cd "$DIR/src" || exit 1
command go build -o "$DIR/cgo" . >"$DIR/out" 2>"$DIR/err" || fail "the program with cgo does not build"

# The program's own functions and a few of Go's runtime; of the others, wrappers are not in what the runtime says, and
# runtime.cgocall is not in ours: its frame is the next one beyond runtime.asmcgocall's, which has none.
run "${EXACT[@]}" -f folded -m calls -o "$DIR/folded" -- "$DIR/cgo"
expect_status 0
frames='runtime[.](goexit|main|sigpanic|gopanic)|main[.].*'
awk -v frames="^($frames)\$" '
	function of_go(stack, f, n, i, s) {
		n = split(stack, f, ";")
		for (i = 1; i <= n; i++) {
			sub(/\.abi0$/, "", f[i])
			if (f[i] ~ frames && f[i] !~ /-fm$|_Cfunc_|^main\.level\.func/)
				s = s ";" f[i]
		}
		return s
	}
	NR == FNR { want[of_go($2)] += $1 }
	NR != FNR && /;c_deep;malloc / { got[of_go($1)] += $2 }
	END {
		for (s in want) {
			calls += want[s]
			if (got[s] != want[s])
				printf "%d instead of %d: %s\n", got[s], want[s], s
		}
		for (s in got)
			if (!(s in want))
				printf "not in Go: %d %s\n", got[s], s
		if (calls != 350)
			printf "%d calls instead of 350\n", calls
	}' "$DIR/out" "$DIR/folded" >"$DIR/differ"
[[ ! -s $DIR/differ ]] || fail "$(cat "$DIR/differ")"
[[ $(folded_sum "$DIR/folded" '^cgo;\[') -le 1 ]] || fail "$(grep '^cgo;\[' "$DIR/folded")"
# From Go through C into Go: the frames of both.
folded_sum "$DIR/folded" ';main._Cfunc_c_back;runtime.asmcgocall;c_back;goBack;crosscall2;.*;main.goBack;.*;malloc ' |
	grep -qx 30 || fail "not through C and back"
no_probe_left
