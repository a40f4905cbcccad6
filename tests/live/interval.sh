#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Reports at intervals: cumulative ones end at the total, --delta ones add up to it.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

n_reports() {	# DIRECTORY
	find "$1" -type f ! -name '.*' | wc -l
}

for threads in 1 3; do
	# Cumulative: each file holds at least what the one before held, the last one holds all.
	mkdir "$DIR/c$threads"
	target_start "$W/primes" -w -r 20 $threads
	trace_start "${EXACT[@]}" -i 1100ms -f folded -m calls -p "$TARGET" -o "$DIR/c$threads/%t"
	go
	target_end
	trace_end
	expect_status 0
	[[ $(find "$DIR/c$threads" -type f | wc -l) -ge 2 ]] || fail "less than 2 reports: $(ls "$DIR/c$threads")"
	last=0
	for f in "$DIR/c$threads"/*; do
		sum=$(folded_sum "$f")
		[[ $sum -ge $last ]] || fail "the sum went down from $last to $sum"
		last=$sum
	done
	expect_primes "$f" "$DIR/target.$N_TARGETS" calls

	# Deltas: they add up to it; the last report, of the whole time, has it once more.
	mkdir "$DIR/d$threads"
	target_start "$W/primes" -w -s -r 8 $threads
	trace_start "${EXACT[@]}" -i 1100ms --delta -f folded -m calls -p "$TARGET" -o "$DIR/d$threads/%t"
	go
	wait_until 20 grep -q total "$DIR/target.$N_TARGETS" || fail "the target does not work"
	# The one that is due, or being written now, and the next.
	n=$(n_reports "$DIR/d$threads")
	more_reports() { [[ $(n_reports "$DIR/d$threads") -ge $((n + 2)) ]]; }
	wait_until 30 more_reports || fail "no reports once the target has worked"
	trace_stop
	expect_status 0
	kill "$TARGET"
	mapfile -t reports < <(find "$DIR/d$threads" -type f | sort)
	[[ ${#reports[@]} -ge 2 ]] || fail "only ${#reports[@]} reports"
	expect_primes "${reports[-1]}" "$DIR/target.$N_TARGETS" calls
	unset 'reports[-1]'
	cat "${reports[@]}" >"$DIR/all"
	expect_primes "$DIR/all" "$DIR/target.$N_TARGETS" calls
done

# Recordings: each report replaces the file; what was allocated in each interval adds up to the whole.
need jq
target_start "$W/primes" -w -r 8
trace_start "${EXACT[@]}" -i 200ms -p "$TARGET" -o "$DIR/parts.pb.gz"
go
target_end
trace_end
expect_status 0
tenth=$("$ALLOCTRACE" report -f json "$DIR/parts.pb.gz" | jq '.facts.duration_ns / 1e7 | floor')
part() {	# METRIC TIME
	"$ALLOCTRACE" report -q -f folded -m "$1" --time "$2" "$DIR/parts.pb.gz"
}
# Rounds before a moment, and after it; on a busy machine a tenth may be shorter than an interval, which is refused.
for n in 1 2 3 4 5 6 7 8 9; do
	cut=$((n * tenth))ms
	[[ -z $(part calls ",$cut" 2>/dev/null) || -z $(part calls "$cut," 2>/dev/null) ]] || break
	cut=
done
[[ -n $cut ]] || fail "all rounds in a tenth of the time"
for m in bytes calls; do
	part $m , >"$DIR/whole" || fail "report --time ,"
	expect_primes "$DIR/whole" "$DIR/target.$N_TARGETS" $m
	{ part $m ",$cut" && part $m "$cut,"; } >"$DIR/all" || fail "report --time ,$cut and $cut,"
	expect_primes "$DIR/all" "$DIR/target.$N_TARGETS" $m
done

# Tables: one after the other when it is no terminal.
target_start "$W/primes" -w -r 20
trace_start "${EXACT[@]}" -i 500ms -p "$TARGET"
go
target_end
trace_end
expect_status 0
[[ $(grep -c 'use_valloc' "$DIR/out") -ge 3 ]] || fail "less than 3 tables"
! grep -q "$(printf '\033')" "$DIR/out" || fail "escape sequences, and it is no terminal"

# Late for one report, and in time for the next: what each covers comes to no more than the whole.
target_start "$W/loop" -w -f
trace_start "${EXACT[@]}" -i 1s --delta -p "$TARGET"
go
is_reported() { grep -Eq "interval $1 alone, ${2-}[.0-9]* m?s\$" "$DIR/out"; }
wait_until 20 is_reported 1 || fail "no interval 1"
trace_freeze
sleep 1.6
kill -CONT "$TRACE"
wait_until 20 is_reported '[2-9]' '[12]' || fail "no other interval of 1 s or more"
trace_stop
expect_status 0
kill "$TARGET"
awk '/^target/ { s = $NF == "ms" ? $(NF - 1) / 1000 : $(NF - 1); if (/ alone,/) sum += s; else whole = s }
	END { exit !(whole > 2.5 && sum <= whole + 0.05) }' "$DIR/out" || fail "the intervals are longer than the whole"

# -d ends it by itself, and the target goes on.
target_start "$W/loop" -w -f
trace_start "${EXACT[@]}" -d 700ms -f folded -p "$TARGET" -o "$DIR/folded"
go
trace_end
expect_status 0
[[ $(folded_sum "$DIR/folded" ';outer;inner;malloc ') -gt 0 ]] || fail "nothing was counted"
kill -0 "$TARGET" || fail "the target is gone"
kill "$TARGET"
no_probe_left
