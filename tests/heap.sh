# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the tests of the live heap (tests/live/live_*.sh) share beyond tests/lib.sh, which they source first.

# Every event counts, however long it takes.
# shellcheck disable=SC2034 # for who sources this
EXACT=(--sample 1 --max-overhead off)

# The workloads say FUNCTION, live BYTES BLOCKS, allocated BYTES CALLS; "-": may be anything. Compares one of the four
# with the sums of the stacks that have the function in them; what C++ allocates to throw is not the function's.
expect_heap() {	# FOLDED RESULT live|alloc bytes|calls
	local report

	report=$(awk -v what="$3" -v metric="$4" '
		NR == FNR {
			if (NF == 5 && $2 ~ /^([0-9]+|-)$/)
				want[$1] = $(2 + (what == "alloc" ? 2 : 0) + (metric == "calls"))
			next
		}
		{
			value = $NF
			sub(/ [0-9]+$/, "")
			if (what == "alloc" && /;__cxa_/)
				next
			n = split($0, f, ";")
			for (i = 2; i <= n; i++)
				if (f[i] in want)
					got[f[i]] += value
		}
		END {
			if (!length(want))
				print "the workload named no function"
			for (k in want)
				if (want[k] != "-" && got[k] + 0 != want[k])
					printf "%s: %.0f instead of %.0f\n", k, got[k], want[k]
		}' "$2" "$1")
	[[ -z $report ]] || fail "$3 $4: $report"
}

# A workload that is launched: what is live when it has ended.
live_launched() {	# bytes|calls CMD...
	run "${EXACT[@]}" --view live -f folded -m "$1" -o "$DIR/folded" -- "${@:2}"
	expect_status 0
	expect_heap "$DIR/folded" "$DIR/out" live "$1"
}

# One that is attached to (-w) and goes on when alloctrace is stopped (-s): it ends with "done".
live_attached() {	# bytes|calls CMD...
	target_start "${@:2}"
	trace_start "${EXACT[@]}" --view live -f folded -m "$1" -p "$TARGET" -o "$DIR/folded"
	go
	wait_until 30 target_said '^done' || fail "the target does not come to its end: $*"
	trace_stop
	expect_status 0
	kill -KILL "$TARGET" 2>/dev/null
	expect_heap "$DIR/folded" "$DIR/target.$N_TARGETS" live "$1"
}

target_said() {	# REGEX
	grep -Eq "$1" "$DIR/target.$N_TARGETS"
}

# The line that alloctrace -v closes its books with: what was seen is what was recorded, left out and lost. Exact.
expect_account() {	# STDERR [CALLS-SEEN]
	local line

	line=$(grep '^account ' "$1") || fail "no account"
	[[ $line != *unaccounted* ]] || fail "$line"
	awk -v seen="${2:-}" '{
		sub(/^account +/, "")
		n = split($0, side, / calls seen = /)
		terms = split(side[2], term, / \+ /)
		for (i = 1; i <= terms; i++)
			sum += term[i]
		exit !(n == 2 && side[1] ~ /^[0-9]+$/ && sum == side[1] && (seen == "" || side[1] == seen))
	}' <<<"$line" || fail "the account is not right${2:+ (the program made $2 calls)}: $line"
}

# All calls of a workload of one thread.
calls_made() {	# RESULT
	awk 'NF == 5 && $5 ~ /^[0-9]+$/ { sum += $5 } END { print sum + 0 }' "$1"
}
