#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --min-age: leaks are what is live and older; --suppress: and not said to be known.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../heap.sh"
need_root
remember_probes

steps() {	# steps 1 and 2 two seconds apart; then alloctrace is stopped
	target_start "$W/steps"
	trace_start "${EXACT[@]}" "$@" -p "$TARGET"
	go
	wait_until 10 target_said 'step 1' || fail "no step 1"
	sleep 2
	go
	wait_until 10 target_said 'step 2' || fail "no step 2"
	trace_stop
	kill "$TARGET"
}

leaks() {	# ARGS...: blocks of first and second that are shown
	steps --leaks -f folded -m calls -o "$DIR/folded" "$@"
	expect_status 0
	LEAKS="$(folded_sum "$DIR/folded" ';first;') $(folded_sum "$DIR/folded" ';second;')"
}

leaks --min-age 1500ms
expect_equal "older than 1.5 s" "$LEAKS" "61 0"
leaks --min-age 1us
expect_equal "older than a microsecond" "$LEAKS" "61 103"
# By default half a minute: there is nothing that old.
steps --leaks -f folded -m calls -o "$DIR/folded"
[[ $STATUS -eq 0 || $STATUS -eq 3 ]] || fail "exit status $STATUS"
: >>"$DIR/folded"
expect_equal "older than half a minute" "$(folded_sum "$DIR/folded" 2>/dev/null)" 0

suppressed() {	# WANTED PATTERN...
	local wanted=$1

	shift
	printf '%s\n' "$@" >"$DIR/known"
	run "${EXACT[@]}" --leaks --suppress "$DIR/known" -f folded -m calls -o "$DIR/folded" -- "$W/heap"
	expect_status 0
	expect_equal "kept and after_fork with $*" \
		"$(folded_sum "$DIR/folded" ';kept;') $(folded_sum "$DIR/folded" ';after_fork;')" "$wanted"
}

suppressed "101 137" 'leak:nothing_like_it'
suppressed "0 137" 'leak:^kept$'
suppressed "0 137" '# a comment' '' 'leak:kep'		# anywhere in a frame's name
suppressed "101 0" 'leak:af*rk'
suppressed "101 137" 'leak:^ept$'
suppressed "0 0" 'leak:^kept$' 'leak:after_fork'
suppressed "0 0" 'leak:^plain$' 'leak:forks'		# their callers
suppressed "0 0" 'leak:heap.c'				# the source
suppressed "0 0" "leak:*/heap"				# the program

printf 'leak:kept\nno pattern\n' >"$DIR/known"
run "${EXACT[@]}" --leaks --suppress "$DIR/known" -o "$DIR/table" -- "$W/heap"
[[ $STATUS -eq 1 || $STATUS -eq 2 ]] || fail "exit status $STATUS with a line that is no pattern"
expect_err 'known:2'
run "${EXACT[@]}" --leaks --suppress "$DIR/nowhere" -o "$DIR/table" -- "$W/heap"
[[ $STATUS -eq 1 || $STATUS -eq 2 ]] || fail "exit status $STATUS without the file"
no_probe_left
