#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The samples that Go's runtime takes itself: all of them where it samples every allocation, estimates within their
# errors where it does not, instead of calls where these cost too much; and what is said where it takes none.
. "$(dirname "$0")/../lib.sh"
need_root
go_env
remember_probes
BY="^samples .* by Go's runtime"

cp "$ROOT/tests/workloads/gosamples.go" "$DIR" && cd "$DIR" || exit 1
command go build -o gosamples gosamples.go >out 2>err || fail "gosamples does not build"
command go build -buildmode=pie -ldflags='-s -w' -o gosamples-pie gosamples.go >out 2>err ||
	fail "gosamples-pie does not build"
sed '/^	if len(os.Args) > 4/,/^	}/d; /runtime\/pprof/d' gosamples.go >none.go
command go build -o none none.go >out 2>err || fail "none does not build"

serve() {	# RATE PROGRAM BLOCKS SMALLS [112]
	RATE=$1 target_start "$DIR/$2" "${@:3}"
}

work() {
	go
	wait_until 60 grep -q "^done" "$DIR/target.$N_TARGETS" || fail "the target does not come to its end"
	sed -n '/^main/p' "$DIR/target.$N_TARGETS" >"$DIR/want"
}

finish() {
	go
	target_end
}

# Sums by function, against what the program said, at most six standard errors off, and what the random numbers of the
# runtime are: its own records of the same run are 1 % too low at a rate of 4096.
near() {	# FOLDED COLUMN RATE
	local name bytes calls got

	while read -r name bytes calls; do
		got=$(folded_sum "$1" ";$name;runtime\\.(makeslice|newobject);runtime\\.mallocgc ")
		awk -v got="$got" -v bytes="$bytes" -v calls="$calls" -v rate="$3" -v column="$2" 'BEGIN {
			size = bytes / calls
			weight = rate > 1 ? 1 / (1 - exp(-size / rate)) : 1
			want = column == "bytes" ? bytes : calls
			error = sqrt(calls * (weight - 1)) / calls * want
			few = 0.03 * (rate > 1) * want
			exit !(got >= want - 6 * error - few && got <= want + 6 * error + few)
		}' || fail "rate $3: $2 of $name: $got ($bytes bytes, $calls calls)"
	done <"$DIR/want"
}

for program in gosamples gosamples-pie; do
	for rate in 1 4096; do
		serve $rate $program 20000 20000
		trace_start --go-samples "${EXACT[@]}" -p "$TARGET" -o "$DIR/samples.pb.gz"
		work
		trace_stop
		expect_status 0
		finish
		for metric in bytes calls; do
			run report "$DIR/samples.pb.gz" -f folded -m $metric -o "$DIR/$metric"
			near "$DIR/$metric" $metric $rate
		done
		run report "$DIR/samples.pb.gz"
		case $rate in
		1) expect_out "$BY, of every allocation: bytes of Go are those of size classes\$" ;;
		*) expect_out "$BY, one in 4.00 KiB allocated: .*, totals and rows are estimates\$" ;;
		esac
		run report "$DIR/samples.pb.gz" --by type
		expect_out ' \[\]uint8|\[\]byte  ' ' main.item  ' ' \[3\]uint64  '
	done
done

# The stacks are those of the calls: no frame of the allocator is among them.
stacks() {	# FOLDED
	awk '/;main.(block|small|linked);runtime.(makeslice|newobject);[^;]*$/ {
		sub(/ [0-9]+$/, "")
		print
	}' "$1" | sort
}
serve 1 gosamples 1000 1000
trace_start --go-samples "${EXACT[@]}" -f folded -p "$TARGET" -o "$DIR/by_samples"
work
trace_stop
finish
serve 1 gosamples 1000 1000
trace_start "${EXACT[@]}" -f folded -p "$TARGET" -o "$DIR/by_calls"
work
trace_stop
finish
stacks "$DIR/by_calls" >"$DIR/stacks"
[[ $(wc -l <"$DIR/stacks") == 3 ]] || fail "not three stacks: $(cat "$DIR/stacks")"
stacks "$DIR/by_samples" | diff - "$DIR/stacks" >"$DIR/differ" || fail "other stacks: $(cat "$DIR/differ")"

# Filters count samples; --min-size leaves two of three functions out.
serve 1 gosamples 1000 1000
trace_start --go-samples "${EXACT[@]}" --min-size 100 -f folded -m calls -p "$TARGET" -o "$DIR/folded"
work
trace_stop
finish
expect_equal "calls of main.block" "$(folded_sum "$DIR/folded" ';main.block;')" 1000
expect_equal "calls of main.small" "$(folded_sum "$DIR/folded" ';main.small;')" 0

# Where calls cost too much, and it allocates enough for samples to tell something, they take over.
serve $((4 << 20)) gosamples 8000000 0
trace_start -p "$TARGET" -o "$DIR/table"
work
trace_stop
expect_status 0
finish
grep -q '^samples .*, one in 4\.00 MiB allocated, since .*, when every call cost too much:' "$DIR/table" ||
	fail "no samples: $(head -8 "$DIR/table")"
! grep -q '^traced' "$DIR/table" || fail "there are windows as well: $(head "$DIR/table")"
awk -v want=$((8000000 * 1024)) '/^ *[0-9.]+ [KMG]iB .*main.block/ {
	unit = $2 == "GiB" ? 2^30 : $2 == "MiB" ? 2^20 : 2^10
	if ($1 * unit > 0.85 * want && $1 * unit < 1.15 * want)
		found = 1
} END { exit !found }' "$DIR/table" || fail "not 7.6 GiB: $(head -20 "$DIR/table")"

serve '' gosamples 1000000 0
trace_start --no-go-samples -p "$TARGET" -o "$DIR/table"
work
trace_stop
! grep -q '^samples' "$DIR/table" || fail "--no-go-samples has samples"
grep -q '^traced' "$DIR/table" || fail "--no-go-samples has no windows: $(head "$DIR/table")"
finish

# Too few of them: it is calls again. More than 112 MiB are 112 MiB to the runtime.
serve $((512 << 20)) gosamples 100000000 0 112
trace_start -p "$TARGET" -o "$DIR/table"
work
trace_stop
grep -q '^samples .*, one in 112 MiB allocated, from .* to .*, which were too few to go by:' "$DIR/table" ||
	fail "few: $(head -8 "$DIR/table")"
grep -q '^traced' "$DIR/table" || fail "no windows after that: $(head "$DIR/table")"
finish

# None are taken.
serve 0 gosamples 100 0
run --go-samples -d 0.2 -p "$TARGET"
expect_out '^not seen .*Go in process [0-9]*: its runtime takes no samples \(MemProfileRate is 0\)'
go; finish
serve 1 none 100 0
run --go-samples -d 0.2 -p "$TARGET"
expect_status 1
expect_err 'Go code that is not traced: its runtime takes no samples'
run check -p "$TARGET"
expect_out 'no samples of its runtime'
go; finish
no_probe_left
