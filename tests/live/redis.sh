#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A real server, attached to by name while it works: Debian's redis, linked with jemalloc.
. "$(dirname "$0")/../lib.sh"
need_root
need redis-check-rdb redis-cli
remember_probes

# The server's binary comes in redis-tools under another name.
ln -s "$(command -v redis-check-rdb)" "$DIR/redis-server"
(cd "$DIR" && exec ./redis-server --port 0 --unixsocket "$DIR/sock" --save '' --appendonly no) >"$DIR/redis" 2>&1 &
BACKGROUND+=($!)
TARGET=$!
cli() { redis-cli -s "$DIR/sock" "$@"; }
wait_until 10 cli ping >/dev/null || skip "redis-server does not start"

trace_start "${EXACT[@]}" -f folded -p "$TARGET" -o "$DIR/folded"
for i in $(seq 1 50); do echo "set key$i $(printf 'x%.0s' $(seq 1 997))"; done | cli >/dev/null
trace_stop
expect_status 0
# 50 values of 997 bytes at least.
[[ $(folded_sum "$DIR/folded") -ge 49850 ]] || fail "$(folded_sum "$DIR/folded") bytes for 50 values of 997"
grep -q '^redis-server;' "$DIR/folded" || fail "no stack of redis-server: $(head -3 "$DIR/folded")"
[[ $(cli get key50 | wc -c) -eq 998 ]] || fail "redis does not answer as before"

# By name; the name stands for every process that has it, so it must be ours alone here.
if [[ $(pgrep -cx redis-server) -eq 1 ]]; then
	"$ALLOCTRACE" -d 1s -p redis-server -o "$DIR/table" >"$DIR/out" 2>"$DIR/err" </dev/null &
	TRACE=$!
	BACKGROUND+=("$TRACE")
	for _ in 1 2 3 4 5 6 7 8; do cli set k v >/dev/null; sleep 0.2; done
	trace_end
	expect_status 0
	grep -Eq '^target .*, jemalloc, ' "$DIR/table" || fail "the summary does not say that it is jemalloc alone"
fi
no_probe_left
