#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 240
# Go: every call on every stack, with lines and inlined functions, as the runtime's own record has it at rate 1.
. "$(dirname "$0")/../lib.sh"
need_root
go_env
remember_probes

cp -r "$ROOT/tests/workloads/gostacks" "$DIR/src" && cd "$DIR/src" || exit 1
CGO_ENABLED=0 command go build -o "$DIR/gostacks" '-ldflags=-s -w' . >"$DIR/out" 2>"$DIR/err" ||
	fail "it does not build"
cd "$DIR" || exit 1

run "${EXACT[@]}" -f pprof -o "$DIR/gostacks.pb.gz" -- "$DIR/gostacks"
expect_status 0
cp "$DIR/out" "$DIR/records"

# "calls frame;frame", outermost first, as the program prints it.
command go tool pprof -traces -lines -sample_index=alloc_objects gostacks.pb.gz 2>"$DIR/pprof.err" | awk '
	function flush() { if (stack) print calls, stack; stack = "" }
	function frame(path, n) { sub(/ \(inline\)/, ""); n = split($0, path, "/"); return $1 " " path[n] }
	/^-+\+-+/ { flush(); fresh = 1; next }
	/^ *[a-z]+: / || !NF { next }
	fresh { calls = $1; sub(/^ *[0-9]+ +/, ""); stack = frame(); fresh = 0; next }
	stack { sub(/^ +/, ""); stack = frame() ";" stack }
	END { flush() }' >traces

# Below main.work; of the runtime's functions at the end, its record leaves some out.
sums() {
	awk '{
		calls = $1
		sub(/^[0-9]+ /, "")
		n = split($0, frames, ";")
		while (n > 0 && frames[n] ~ /^runtime\./)
			n--
		stack = frames[1]
		for (i = 2; i <= n; i++)
			stack = stack ";" frames[i]
		if (stack ~ /main\.work /)
			sum[stack] += calls
	}
	END { for (stack in sum) print sum[stack], stack }' "$1" | sort
}

[[ $(sums records | wc -l) -ge 80 ]] || fail "the runtime has recorded too little"
diff <(sums records) <(sums traces) >differ || fail "differ (< the runtime, > alloctrace): $(cut -c1-400 differ)"
# Its own heap profiles show what called the allocator: so does pprof here, and nothing is lost by it.
command go tool pprof -top -nodecount=0 -nodefraction=0 -sample_index=alloc_objects gostacks.pb.gz \
	>top 2>"$DIR/pprof.err"
! grep -Eq 'runtime\.(mallocgc|newobject|makeslice|growslice|concatstring|convT|mapassign)' top ||
	fail "pprof shows the runtime's allocator: $(grep runtime top | head -3)"
expect_equal "allocations in functions of the program, in pprof" \
	"$(awk '$6 ~ /^main\./ { n += $1 } END { print (n >= 1000) }' top)" 1
expect_equal "stacks that do not end" "$(grep -c truncated traces)" 0
no_probe_left
