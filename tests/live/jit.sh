#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Names of generated code: V8's perf map and its jitdump, under whole stacks.
. "$(dirname "$0")/../lib.sh"
need_root
need node
remember_probes

cd "$DIR" || exit 1	# node leaves its dump and a log here
cat >work.js <<'END'
function makeBuffers(n) { const l = []; for (let i = 0; i < n; i++) l.push(Buffer.allocUnsafeSlow(20000)); return l; }
function outerWork() { let t = 0; for (let i = 0; i < 200; i++) t += makeBuffers(50).length; return t; }
console.log(process.pid, outerWork());
END

outer='JS:[~^*+]*outerWork [^;]*/work.js[^;]*'
inner='JS:[~^*+]*makeBuffers [^;]*/work.js'

# 10,000 buffers of 20,000 bytes, by makeBuffers, called by outerWork, whatever V8 made of them. For a while (it depends
# on when its compiler threads get the CPU) they may be made below a piece of V8 that has no frame: such stacks say so.
for option in --perf-basic-prof --perf-prof; do
	run "${EXACT[@]}" -f folded -o folded -- node "$option" --interpreted-frames-native-stack work.js
	expect_status 0
	read -r pid calls <out
	rm -f "/tmp/perf-$pid.map" "jit-$pid.dump"
	expect_equal "buffers that $option made" "$calls" 10000
	bytes=$(folded_sum folded "^node;(_start|\\[).*;$outer;(.*;)?$inner")
	cut=$(folded_sum folded '^node;\[truncated: ')
	[[ $bytes -ge 20000000 && $((bytes + cut)) -ge 200000000 && $bytes -le 210000000 ]] ||
		fail "$option: $bytes bytes below makeBuffers, $cut where the stack was cut, not 200,000,000"
done

# Without either the code has no name, and the report says so.
run "${EXACT[@]}" -f folded -o folded -- node work.js
expect_status 0
expect_equal "JavaScript names" "$(grep -c 'JS:' folded)" 0
expect_err 'generated code without a perf map'
grep -q '\[anon\]' folded || fail "no frame of generated code"
