#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --sample auto, the default: all calls of what allocates slowly, samples of what allocates fast, and totals that are
# exact all the same.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

account() {	# the numbers of the account: seen recorded not-sampled
	sed -nE 's/^account +([0-9]+) calls seen = ([0-9]+) recorded( \+ ([0-9]+) not sampled)?$/\1 \2 \4/p' "$1"
}

# The row of a function: "BYTES CALLS ERROR", BYTES and CALLS without a unit, ERROR in per cent ("-": exact).
row() {	# TABLE FUNCTION
	awk -v name="$2" '
		function number(n, unit,  at) {
			at = index("KMG", substr(unit, 1, 1))
			return n * 1024 ^ at
		}
		function calls(s) {
			if (s ~ /k$/) return s * 1e3
			if (s ~ /M$/) return s * 1e6
			return s + 0
		}
		/^ *BYTES +%/ { sampled = /±%/; next }
		index($0, name " (") || index($0, name "+0x") {
			n = sampled && $7 !~ /^(B|[KMG]iB)$/
			printf "%.0f %.0f %s\n", number($1, $2), calls($(n ? 6 : 5)), n ? $5 : "-"
			exit
		}' "$1"
}

# Slow: as with --sample 1.
run -f folded -m calls -o "$DIR/folded" -- "$W/primes"
expect_status 0
expect_primes "$DIR/folded" "$DIR/out" calls
! grep -q '^sampled' "$DIR/err" || fail "a slow program is sampled"

# Short, however fast: exact to the call until 250,000 are recorded.
run -v -f folded -m calls -o "$DIR/folded" -- "$W/loop" 1 249000
expect_status 0
expect_equal "calls of a short run" "$(awk '/;inner[; ]/ { n += $NF } END { print n }' "$DIR/folded")" 249000
! grep -q '^sampled' "$DIR/err" || fail "a short program is sampled"

# Fast: all of the first 250,000 and far fewer samples than calls of the rest; bytes and calls in all to the last one;
# the row within 4 standard errors of the truth and what is left of its digits.
for view in alloc alloc,live; do
	run -v --view $view -o "$DIR/table" -- "$W/loop" 1 1000003
	expect_status 0
	read -r seen recorded unsampled < <(account "$DIR/table")
	expect_equal "$view: calls seen" "$seen" 1000003
	expect_equal "$view: recorded and not" "$((recorded + unsampled))" 1000003
	[[ $recorded -gt 250000 && $recorded -lt 500000 ]] || fail "$view: $recorded of 1000003 calls recorded"
	grep -Eq '^allocated +29\.6 MiB in 1\.00M calls' "$DIR/table" || fail "$view: not 1000003 * 31 bytes"
	said='totals are exact, rows are estimates'
	grep -Eq "^sampled +.*, the first 250k all, .* or [0-9.k]+ calls apart on average now; $said" "$DIR/table" ||
		fail "$view: the report doesn't say that it is sampled"
	read -r bytes calls error < <(row "$DIR/table" inner)
	[[ $error != - ]] || { cat "$DIR/table"; fail "$view: no error"; }
	awk -v bytes="$bytes" -v calls="$calls" -v error="$error" '
		function off(n, truth) { n = 100 * (n / truth - 1); return n < 0 ? -n : n }
		BEGIN { exit !(error < 10 && off(bytes, 1000003 * 31) < 4 * error + 0.6 &&
			       off(calls, 1000003) < 4 * error + 0.6) }' ||
		{ cat "$DIR/table"; fail "$view: $bytes bytes, $calls calls, +-$error %"; }
done

# Slow at first, then fast: what was recorded in full stays exact beside rows that are estimates.
run -o "$DIR/table" -- "$W/execer" "$W/loop" 1 1000003
expect_status 0
want=$(awk '$1 == "before_exec" { print $3 }' "$DIR/out")
read -r _ calls error < <(row "$DIR/table" before_exec)
expect_equal "calls of before_exec" "$calls" "$want"
expect_equal "error of before_exec" "$error" -
read -r _ _ error < <(row "$DIR/table" inner)
[[ $error != - ]] || { cat "$DIR/table"; fail "no error of the loop's row"; }
no_probe_left
