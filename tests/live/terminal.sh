#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# On a terminal: 80 columns are kept, colour unless NO_COLOR, tables refresh in place.
. "$(dirname "$0")/../lib.sh"
need_root
need script

# script(1) gives a terminal of the size that stty sets.
on_terminal() {	# COLUMNS COMMAND
	script -qec "stty cols $1 rows 30; $2" /dev/null </dev/null >"$DIR/screen" 2>&1
}

# Columns of the widest line, escape sequences left out.
widest() {
	sed -E "s/$(printf '\033')\[[0-9;?]*[a-zA-Z]//g; s/\r//g" "$DIR/screen" | wc -L
}

for columns in 80 120; do
	on_terminal $columns "'$ALLOCTRACE' -- '$W/cxx' >/dev/null"
	grep -q 'shop' "$DIR/screen" || { cat "$DIR/screen"; fail "no table"; }
	[[ $(widest) -le $columns ]] || { cat "$DIR/screen"; fail "wider than $columns columns: $(widest)"; }
done
grep -q "$(printf '\033')\\[" "$DIR/screen" || fail "no colour on a terminal"
on_terminal 80 "NO_COLOR=1 '$ALLOCTRACE' -- '$W/primes' >/dev/null"
! grep -Eq "$(printf '\033')\\[[0-9;]*m" "$DIR/screen" || fail "colour in spite of NO_COLOR"

# Refreshing: the table moves the cursor up or home instead of scrolling; the last one stands.
target_start "$W/primes" -w -r 8
go_when_traced() {
	TRACE=
	until TRACE=$(pgrep -x -f "$ALLOCTRACE -i 500ms -p $TARGET"); do sleep 0.02; done
	wait_until 20 trace_attached && go
}
go_when_traced &
BACKGROUND+=($!)
on_terminal 80 "'$ALLOCTRACE' -i 500ms -p $TARGET"
grep -Eq "$(printf '\033')\\[([0-9]*A|[0-9;]*H|J|2J|\\?)" "$DIR/screen" || fail "no cursor movement with -i"
[[ $(widest) -le 80 ]] || fail "wider than 80 columns while it refreshes"
no_probe_left
