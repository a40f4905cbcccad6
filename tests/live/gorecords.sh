#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# beside: yes
# limit: 240
# What is live of Go by its runtime's records, against what the program itself says of them (as
# /debug/pprof/heap?debug=1 does), record by record: every allocation recorded, and one in 4 KiB; at once, and beside
# probes.
. "$(dirname "$0")/../lib.sh"
need_root
need python3
go_env
remember_probes

cp "$ROOT/tests/workloads/golive.go" "$DIR" && cd "$DIR" || exit 1
command go build -o golive golive.go >out 2>err || fail "golive does not build"
command go build -buildmode=pie -ldflags='-s -w' -o golive-pie golive.go >out 2>err || fail "golive-pie does not build"

cat >compare.py <<'END'
# compare.py RATE DEBUG CALLS BYTES: the heap as the program says it and as alloctrace wrote it (folded), by stack.
import collections, math, re, sys

rate = int(sys.argv[1])
want = collections.Counter()
records = 0

def shown(names):
    # The program leaves the runtime's functions out, and does not say where it cut a stack.
    while names and names[0].startswith('runtime.'):
        names = names[1:]
    return tuple(n for n in names if n not in ('runtime.goexit', '[truncated: depth limit]'))

def scaled(n, size):
    return math.floor(n * (1 if rate <= 1 else -1 / math.expm1(-size / rate)) + 0.5)

def scaled_bytes(n, size):
    return math.floor(n * size * (1 if rate <= 1 else -1 / math.expm1(-size / rate)) + 0.5)

head, names = None, []
for line in open(sys.argv[2]).read().splitlines() + ['']:
    m = re.match(r'(\d+): (\d+) \[(\d+): (\d+)\] @', line)
    frame = re.match(r'#\s+0x[0-9a-f]+\s+(\S+)\+0x[0-9a-f]+\s', line)
    if frame:
        names.append(frame[1])
    if head and not frame:
        live, _, allocs, size = head
        size //= allocs or 1
        if live:
            records += 1
            want['calls', shown(names)] += scaled(live, size)
            want['bytes', shown(names)] += scaled_bytes(live, size)
        head, names = None, []
    if m:
        head = [int(x) for x in m.groups()]

got = collections.Counter()
for metric, path in (('calls', sys.argv[3]), ('bytes', sys.argv[4])):
    for line in open(path):
        stack, n = line.rsplit(' ', 1)
        got[metric, shown(stack.split(';')[1:-1][::-1])] += int(n)
for key in sorted(set(want) | set(got)):
    if got[key] != want[key]:
        print(got[key], 'instead of', want[key], key)
print(records, 'records')
END

serve() {	# RATE PROGRAM
	RATE=$1 target_start "$DIR/$2" "$DIR/debug"
}

same() {	# WHAT RATE LEAST
	python3 compare.py "$2" debug calls bytes >differ || fail "$1: $(cat differ)"
	[[ $(wc -l <differ) == 1 ]] || fail "$1: $(head differ)"
	[[ $(awk '{ print $1 }' differ) -ge $3 ]] || fail "$1: only $(cat differ)"
}

for program in golive golive-pie; do
	for rate in 1 4096; do
		serve "$rate" "$program"
		for when in "-d 0" "-d 0.1"; do
			# shellcheck disable=SC2086
			for metric in calls bytes; do
				run -p "$TARGET" --view live $when -f folded -m "$metric" -o "$DIR/$metric"
				expect_status 0
			done
			same "$program, rate $rate, $when" "$rate" 20
		done
		go
		target_end
	done
done

# What is kept, in size classes; block() is inlined.
serve 1 golive
run check -p "$TARGET"
expect_out 'runtime.mallocgc .*size rax, type rbx' 'stacks by .gopclntab' 'records of the live heap: --view live'
run -p "$TARGET" --view live -d 0 -T 0
expect_status 0
expect_out '^target +golive \(pid [0-9]+\), Go 1\.' \
	"^records +[0-9.k]+ of Go's runtime, of every allocation: .*since its process began, as of its latest garbage" \
	'^2\.90 MiB +[0-9.]+ +[0-9.]+ +53 +2\.90 MiB +0 B +56\.0 KiB +main\.\(\*shelf\)\.keep' \
	'^3\.00 MiB +[0-9.]+ +[0-9.]+ +307 +3\.00 MiB +0 B +10\.0 KiB +main\.hold \(golive\.go:[0-9]+\) <' \
	'^ *303 KiB +[0-9.]+ +[0-9.]+ +101 +303 KiB +0 B +3\.00 KiB +main\.block \(golive\.go:[0-9]+\) < main\.inl'
! grep -Eq '^(allocated|frees|lost|account|cost) ' "$DIR/out" || fail "$(cat "$DIR/out")"
# No probe is hit, and what the records count of the process is its own.
run -p "$TARGET" --leaks -d 0.2 --by type -T 0
expect_status 0
expect_out '^leaks .* in use, of any age' \
	'^ *6\.[0-9]+ MiB .* \[\]byte +main' '^ *2\.47 MiB .* 211 .* \[\]string +main'
! grep -Eq '^cost ' "$DIR/out" || fail "$(cat "$DIR/out")"
# A recording keeps it all.
run -p "$TARGET" --view live -d 0 -T 0 -o "$DIR/live.pb.gz"
expect_status 0
run -p "$TARGET" --view live -d 0 -T 0
cp "$DIR/out" "$DIR/now"
run report "$DIR/live.pb.gz" -T 0
expect_status 0
diff "$DIR/now" "$DIR/out" >"$DIR/diff" || fail "recorded: $(head "$DIR/diff")"
# Beside probes: what is allocated now by them, what is live by records.
run -p "$TARGET" --view alloc,live -d 0.2 -T 0
expect_out '^live +8\.[0-9]+ MiB in ' 'main\.hold '
# What Go has no blocks for.
for view in peak temp lifetimes; do
	run -p "$TARGET" --view "$view" -d 0.1
	expect_err "--view $view has nothing of Go|nothing was recorded"
	grep -Eq "view $view has nothing of Go, whose blocks are freed without a call" "$DIR/out" "$DIR/err" ||
		fail "--view $view: no reason"
done
go
target_end

# It exits: what it had is gone with it.
run --view live -- "$DIR/golive" "$DIR/debug"
grep -Eq "its runtime's records went with it when it exited; --interval shows them" "$DIR/out" "$DIR/err" ||
	fail "no word of an exit: $(cat "$DIR/out" "$DIR/err")"

serve 1 golive
trace_start -p "$TARGET" --view live -d 30
go
target_end
trace_end
expect_equal "status of one that has exited" "$STATUS" 3
expect_err 'nothing was recorded: it exited, and its runtime.s records went with it'

# One that keeps no records, and one that is not Go.
cat >off.go <<'END'
package main

import "os"

var kept []byte

func main() {
	kept = make([]byte, 1<<20)
	os.Stdout.WriteString("ready\n")
	os.Stdin.Read(kept)
}
END
command go build -o off off.go >out 2>err || fail "off does not build"
target_start ./off
run check -p "$TARGET"
expect_out 'no records of the live heap and no samples of its runtime: nothing in the program asks'
run -p "$TARGET" --view live -d 0
expect_status 1
expect_one_error "off\): live blocks of Go: the program keeps no records of them.*--view alloc"
# As one that is linked with -linkshared: without a runtime of its own, by what its table says.
LC_ALL=C sed 's/runtime\.goexit/runtime.goexi_/g' off >part && chmod +x part
go
target_end
target_start ./part
run -p "$TARGET" --view live -d 0
expect_status 1
expect_one_error 'part\): Go code that is not traced: a part of a program of Go, without its runtime$'
run -p $$ --view live -d 0
expect_status 1
expect_one_error 'is no Go program.*--duration TIME'
go
target_end
no_probe_left
