#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Which processes are traced: each option alone, several of them, and negated. All calls of those that are selected
# count, and none of the others. In a pid namespace of its own, so that every process means those of this test.
[[ $EUID -ne 0 || -n ${SELECT_INSIDE-} ]] ||
	SELECT_INSIDE=1 exec unshare -p -f --mount-proc --kill-child bash "$0" "$@"
. "$(dirname "$0")/../lib.sh"
need_root
need setpriv
NOBODY=$(id -u nobody) || skip "needs the user nobody"
chmod 755 "$DIR"
mkdir "$DIR/bin" "$DIR/bin/sub" "$DIR/other"

# Names of one file: whatever is told apart is told by the rules.
cp "$W/script" "$DIR/steps"
as() {	# NAME...
	local name

	for name; do ln "$DIR/steps" "$DIR/$name" || fail "no link $name"; done
}
as bin/one bin/two bin/sub/three other/one

# --- control groups

UNIFIED=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
GROUP=
if [[ -n $UNIFIED ]] && GROUP=$(mktemp -d "$UNIFIED/alloctracetest.XXXXXX" 2>/dev/null); then
	rmdir "$GROUP"
	GROUP=$GROUP.slice
	mkdir "$GROUP"
	mkdir "$GROUP/plain" "$GROUP/x.service"
	remove_groups() {
		local status=$?

		trap - EXIT
		wait_until 5 rmdir "$GROUP"/*/ "$GROUP"
		(exit "$status")
		cleanup
	}
	trap remove_groups EXIT
fi

within() {	# GROUP CMD...: in that control group
	bash -c 'echo 0 >"$0/cgroup.procs" && exec "$@"' "$GROUP/$1" "${@:2}" || fail "cannot run in control group $1"
}

# --- runs

# Each process makes as many calls as no sum of others has.
everyone() {
	"$DIR/bin/one" a24:1 || fail "one"
	"$DIR/bin/two" a24:2 || fail "two"
	"$DIR/bin/sub/three" a24:4 || fail "three"
	"$DIR/other/one" a24:8 || fail "the other one"
	setpriv --reuid "$NOBODY" --clear-groups "$DIR/bin/one" a24:16 || fail "one of nobody"
	[[ -n $GROUP ]] || return 0
	within plain "$DIR/bin/two" a24:32
	within x.service "$DIR/bin/one" a24:64
}

# WANTED: its digits, 0 or 1, are in the order of everyone above.
expect_selected() {	# WANTED OPTION...
	local digits=$1

	shift
	[[ -n $GROUP ]] || digits=${digits:0:5}
	trace_start "${EXACT[@]}" -m calls -f folded -o "$DIR/folded" "$@"
	everyone
	trace_stop
	expect_status 0
	expect_err "^lost       nothing"
	[[ -e $DIR/folded ]] || : >"$DIR/folded"
	expect_equal "calls of $*" "$(folded_sum "$DIR/folded" ';step;malloc [0-9]+$')" "$((2#$(rev <<<"$digits")))"
	rm "$DIR/folded"
}

expect_selected 1111111 -a
expect_selected 1001101 --comm one
expect_selected 0001000 --exe '*/other/*'
expect_selected 0000100 --user nobody
expect_selected 0011000 --user "!$NOBODY" --exe '*/other/one' --exe '[!o]*' --comm one --comm '?????' \
	--cgroup '!*/x.service'
if [[ -n $GROUP ]]; then
	expect_selected 0000011 --cgroup "/${GROUP##*/}/*"
	expect_selected 0000001 --unit x.service
	expect_selected 1101010 --user root --comm one --comm 'two*' --unit '!*.service' --exe "$DIR/other/one" \
		--exe "$DIR/bin/t?o" --exe "$DIR/bin/one" --comm '!tw' --container '!web' --cgroup '*' \
		--cgroup '!*/y/*' --exe '!three' --user '!daemon' --exe '!/bin/two' --exe '!*/sub/two'
fi

# A worker takes its user without an exec, after its first calls.
need perl
trace_start "${EXACT[@]}" --user nobody -m calls -f folded -o "$DIR/folded"
perl -e 'if (!fork) { $> = shift; my @a = map { "x" x 5000 } 1 .. 50; exit } wait' "$NOBODY" || fail "perl"
trace_stop
expect_status 0
[[ $(folded_sum "$DIR/folded" '^perl;.*malloc [0-9]+$') -ge 50 ]] ||
	fail "calls of a worker that is nobody's were missed"
