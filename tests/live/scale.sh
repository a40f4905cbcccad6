#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 120
# --max-overhead on a server that others keep busy: it does less while there are probes, and totals are right all the
# same, scaled up by its work.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

# Runs the server under the tool; what it says of its calls is the truth.
serve() {	# BY ARGS...
	local by=$1 share windows truth got

	shift
	target_start "$W/answer" -w -t 9000 "$@"
	trace_start --max-overhead 5 -m calls -f folded -p "$TARGET" -o "$DIR/folded"
	go
	target_end
	trace_end
	expect_status 0
	expect_err "in [0-9]+ windows .* scaled up by the target's $by, which adds an error of [0-9.]+ %"
	! grep -q '^allocated .*at least' "$DIR/err" || fail "a lower bound"
	read -r share windows \
		< <(sed -nE 's/^traced +([0-9.]+) % of the time, in ([0-9]+) windows .*/\1 \2/p' "$DIR/err")
	[[ $windows -ge 3 ]] || fail "$windows windows in 9 s"
	awk -v share="$share" 'BEGIN { exit !(share < 70) }' || fail "$share % of the time traced"
	truth=$(awk '/^allocated/ { print $3 }' "$DIR/target.$N_TARGETS")
	got=$(folded_sum "$DIR/folded" ';serve;')
	echo "$by: $got of $truth calls, $share % of the time in $windows windows"
	awk -v got="$got" -v truth="$truth" 'BEGIN { exit !(got > 0.95 * truth && got < 1.05 * truth) }' ||
		fail "$got calls instead of $truth, by $by"
}

serve reads 20
serve 'messages on sockets' -s 20
no_probe_left
