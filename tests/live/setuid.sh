#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A launched command that is setuid or setgid, for which exec clears the parent-death signal: traced like any other, and
# never left stopped, whenever alloctrace is killed. KILLS=80 for a longer run.
# limit: 240
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

# It becomes another user: whatever the test runs as, that is a change.
cp "$(command -v sleep)" "$DIR/setuid-sleep"
chmod 755 "$DIR"
chown 65534:65534 "$DIR/setuid-sleep"
chmod 6755 "$DIR/setuid-sleep"

run -o /dev/null -- "$DIR/setuid-sleep" 0.1
expect_status 0

goes_on() {
	[[ ! -e /proc/$child ]] || [[ $(awk '{ print $3 }' "/proc/$child/stat" 2>/dev/null) != T ]]
}

# The child that becomes the command; alloctrace has others.
find_child() {
	child=$(pgrep -P "$TRACE" -x setuid-sleep | head -n 1)
	[[ -n $child ]]
}

# As soon as it is seen stopped, without a pause.
wait_for_stop() {
	local state tries=20000

	while ((tries--)); do
		[[ -n $child ]] || find_child
		if [[ -z $child ]] || ! read -r _ _ state _ <"/proc/$child/stat" || [[ $state != T ]]; then
			continue
		fi
		released=$((released + 1))
		return
	done 2>/dev/null
}

released=0
for ((i = 0; i < ${KILLS:-16}; i++)); do
	"$ALLOCTRACE" -q -o /dev/null -- "$DIR/setuid-sleep" 30 >/dev/null 2>&1 </dev/null &
	TRACE=$!
	child=
	# One at a random moment, one while it is stopped.
	if ((i % 2)); then sleep "0.$(printf %03d $((RANDOM % 500)))"; else wait_for_stop; fi
	[[ -n $child ]] || find_child
	kill -KILL "$TRACE"
	wait "$TRACE" 2>/dev/null
	[[ -n $child ]] || child=$(pgrep -P 1 -n -x setuid-sleep)
	[[ -n $child ]] || continue
	sleep 0.1
	wait_until 3 goes_on || fail "the command stays stopped after alloctrace was killed"
	# And not stopped again, by a probe that went later.
	sleep 0.2
	goes_on || fail "the command was stopped again"
	kill -KILL "$child" 2>/dev/null
done
[[ $released -gt 0 ]] || fail "alloctrace was never killed while it held the command"
echo "$released of ${KILLS:-16} were stopped when alloctrace was killed"
no_probe_left
released_all() { ! pgrep -x hold-release >/dev/null; }
wait_until 5 released_all || fail "a process that waits for alloctrace's end stays behind"
