#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The target survives attaching and detaching at random moments: threads that check every block they hold, and a server
# under load that must answer every request. A hundred times: CYCLES=100 tests/run live/live_survive
# limit: 600
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../heap.sh"
need_root
need redis-check-rdb redis-cli redis-benchmark
remember_probes

CYCLES=${CYCLES:-30}
RANDOM=${SEED:-4711}
views=(live alloc 'live,peak,temp' live 'leaks,alloc')

# Attached for 10 to 110 ms from the moment that its probes are there, sometimes stopped before that, sometimes killed.
cycle() {	# PID
	local view=${views[RANDOM % ${#views[@]}]} sample=$((RANDOM % 2 ? 1 : 65536)) how

	how=$((RANDOM % 8))
	"$ALLOCTRACE" -q --view "$view" --sample $sample --max-overhead off -p "$1" -o "$DIR/report" \
		>"$DIR/out" 2>"$DIR/err" </dev/null &
	TRACE=$!
	if [[ $how -gt 1 ]]; then wait_until 20 trace_attached || fail "no probes in place after 20 s"; fi
	sleep "0.$(printf %03d $((10 + RANDOM % 100)))"
	kill -0 "$1" || fail "the target is gone ($view, sample $sample, $how)"
	case $how in
	1 | 7) kill -KILL "$TRACE" 2>/dev/null ;;
	# What bash starts in the background ignores SIGINT until it asks for it.
	0) kill -TERM "$TRACE" 2>/dev/null ;;
	*) kill -INT "$TRACE" 2>/dev/null ;;
	esac
	wait_until 30 is_gone "$TRACE" || fail "alloctrace does not end ($view, sample $sample, $how)"
	wait "$TRACE"
	STATUS=$?
	case $how in
	0 | 1 | 7) ;;
	*)
		[[ $STATUS -eq 0 || $STATUS -eq 3 || $STATUS -eq 4 ]] ||
			fail "exit status $STATUS ($view, sample $sample)"
		;;
	esac
}

"$W/race" -f 2 >"$DIR/race" &
race=$!
BACKGROUND+=("$race")
for _ in $(seq 1 "$CYCLES"); do cycle $race; done
kill -TERM $race
wait_until 10 is_gone $race || fail "the threads do not end"
wait $race
expect_equal "exit status of the threads" $? 0
grep -q '^events [1-9]' "$DIR/race" || fail "the threads did nothing: $(cat "$DIR/race")"

ln -s "$(command -v redis-check-rdb)" "$DIR/redis-server"
(cd "$DIR" && exec ./redis-server --port 0 --unixsocket "$DIR/sock" --save '' --appendonly no) >"$DIR/redis" 2>&1 &
server=$!
BACKGROUND+=("$server")
cli() { redis-cli -s "$DIR/sock" "$@"; }
wait_until 10 cli ping >/dev/null || skip "redis-server does not start"
cli config resetstat >/dev/null

# Load for as long as the cycles last, in rounds of a known number of requests.
REQUESTS=20000
load() {
	local rounds=0

	while [[ ! -e $DIR/stop ]]; do
		redis-benchmark -s "$DIR/sock" -n $REQUESTS -c 20 -r 1000 -d 97 -t set,get,lpush --csv \
			>>"$DIR/load" 2>&1 || {
			echo "redis-benchmark: exit status $?" >>"$DIR/load"
			break
		}
		rounds=$((rounds + 1))
		echo $rounds >"$DIR/rounds"
		cli del mylist >/dev/null	# lpush's
	done
}
load &
loader=$!
for _ in $(seq 1 "$CYCLES"); do cycle $server; done
touch "$DIR/stop"
wait_until 60 is_gone $loader || fail "the load does not end: $(tail -3 "$DIR/load")"
! grep -Ei 'error|exit status|refused|closed' "$DIR/load" || fail "replies went wrong"
rounds=$(cat "$DIR/rounds")
[[ $rounds -ge 1 ]] || fail "no round of the load was finished"
for command in set get lpush; do
	calls=$(cli info commandstats | sed -n "s/^cmdstat_$command:calls=\([0-9]*\),.*failed_calls=0.*/\1/p")
	expect_equal "$command commands the server has executed" "$calls" $((rounds * REQUESTS))
done
[[ -z $(cli info errorstats | sed -n 's/^errorstat_//p') ]] || fail "the server counts errors: $(cli info errorstats)"
kill -0 $server || fail "the server is gone"
no_probe_left
