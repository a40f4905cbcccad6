#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# alloctrace check --all: each program of the host with its processes, user, container and allocators, and why programs
# would not be seen. All programs here have names of their own, so that the host's do not count.
. "$(dirname "$0")/../lib.sh"
need_root
remember_probes

TAG=ca$(printf '%05d' $(($$ % 100000)))	# 7 of the 15 characters of a name

private() {	# WORKLOAD NAME: a copy, executed under that name
	cp "$W/$1" "$DIR/$TAG$2"
}

start() {	# NAME ARGS...
	local name=$1

	shift
	target_start "$DIR/$TAG$name" "$@"
}

check_all() {
	run check -a
	expect_status 0
	[[ ! -s $DIR/err ]] || fail "something on stderr"
	sed -n '/^Programs on this host$/,$p' "$DIR/out" >"$DIR/table"
}

# The row: blanks between columns become one ";".
row() {	# NAME
	sed -n "s/^ *//; s/   */;/g; /^[0-9]*;$TAG$1[; ]/p" "$DIR/table"
}

expect_row() {	# NAME REGEX
	row "$1" | grep -Eqx "$2" || fail "row of $TAG$1: '$(row "$1")', not $2"
}

# The container column is there if there is a container.
glibc=$(run check -p $$ && sed -n 's/.*libc\.so\.6 (\(glibc [0-9.]*\)).*/\1/p' "$DIR/out")
[[ -n $glibc ]] || skip "no glibc"
none='(;-)?'

for _ in 1 2 3; do
	[[ -e $DIR/${TAG}dyn ]] || private primes dyn
	start dyn -w
done
dyn=$TARGET
private primes-static-stripped strip
start strip -w
private primes-static sta
start sta -w
private selfcopy-static copy
start copy
private selfcopy-own own
start own
[[ ! -e $W/primes-musl-static ]] || { private primes-musl-static musl && start musl -w; }
if "$W/tiny32" </dev/null >/dev/null 2>&1; then
	private tiny32 32
	start 32
fi
private primes gone
start gone -w
rm "$DIR/${TAG}gone"
if [[ -e $LIBDIR/libjemalloc.so.2 ]]; then
	private primes je
	target_start env LD_PRELOAD="$LIBDIR/libjemalloc.so.2" "$DIR/${TAG}je" -w
fi
chmod 755 "$DIR"
private primes user
target_start setpriv --reuid 65534 --regid 65534 --clear-groups "$DIR/${TAG}user" -w
private primes "odd
)x"
target_start "$DIR/${TAG}odd
)x" -w

check_all
expect_row dyn "3;${TAG}dyn;root$none;$glibc"
expect_row strip "1;${TAG}strip;root$none;no: static and stripped"
expect_row sta "1;${TAG}sta;root$none;glibc( [0-9.]+)?"
expect_row copy "1;${TAG}copy;root$none;no: copies its own code"
expect_row own "1;${TAG}own;root$none;$glibc; not all: copies its own code"
[[ ! -e $DIR/${TAG}musl ]] || expect_row musl "1;${TAG}musl;root$none;musl"
[[ ! -e $DIR/${TAG}32 ]] || expect_row 32 "1;${TAG}32;root$none;no: 32-bit"
expect_row gone "1;${TAG}gone;root$none;$glibc"
[[ ! -e $DIR/${TAG}je ]] || expect_row je "1;${TAG}je;root$none;(jemalloc, $glibc|$glibc, jemalloc)"
expect_row user "1;${TAG}user;nobody$none;$glibc"
expect_row 'odd.x0a)x' "1;${TAG}odd.x0a.x;root$none;$glibc"
# What started it is left out, as in a trace of all.
grep -Eq '^ +[0-9]+  .*no: started alloctrace$' "$DIR/table" || fail "what started it is not left out"
tail -n 3 "$DIR/table" | tr '\n' ' ' | grep -Eq 'would not be seen: .*[1-9][0-9]* static and stripped' ||
	fail "no account of what would not be seen"

# Every process is in one row: what /proc has now, give or take what starts and ends meanwhile.
rows=$(awk '$1 ~ /^[0-9]+$/ && !/processes/ { n += $1 } END { print n }' <(sed '1,2d' "$DIR/table"))
total=$(sed -n 's/^  \([0-9]*\) processes, [0-9]* programs.*/\1/p' "$DIR/table")
expect_equal "processes of all rows" "$rows" "$total"

# Text that was copied is no longer the file's.
go 6
wait_until 10 grep -q '^done' "$DIR/target.6" || fail "the target does not live"
check_all
expect_row copy "1;${TAG}copy;root$none;no: has copied its own code"

# A container, by its cgroup and the file that its runtime keeps; the name remains without the file, by its id.
v2=$(awk '$0 ~ / - cgroup2 / { print $5; exit }' /proc/self/mountinfo)
id=$(printf '%064x' $((0xa110c0000000000 + $$)))
group=$v2/docker-$id.scope
if [[ -n $v2 ]] && mkdir "$group" 2>/dev/null; then
	private primes box
	start box -w
	box=$TARGET
	if echo "$box" >"$group/cgroup.procs"; then
		check_all
		expect_row box "1;${TAG}box;root;docker:${id:0:12};$glibc"
		expect_row dyn "3;${TAG}dyn;root;-;$glibc"
		grep -Eq '[1-9][0-9]* containers?;' "$DIR/table" || fail "no container is counted"
	fi
	kill -KILL "$box"
	wait_until 10 rmdir "$group" || fail "cannot remove $group"
fi

# 80 columns, on a terminal.
if command -v script >/dev/null; then
	script -qec "stty cols 80; exec '$ALLOCTRACE' check -a" /dev/null </dev/null 2>/dev/null |
		tr -d '\r' | sed -n '/^Programs on this host$/,$p' >"$DIR/narrow"
	[[ -s $DIR/narrow ]] || fail "no table on a terminal"
	[[ $(wc -L <"$DIR/narrow") -le 80 ]] || fail "lines of $(wc -L <"$DIR/narrow") columns"
	grep -q "no: has copied its own code\$" "$DIR/narrow" || fail "a reason is cut"
fi
[[ $(wc -L <"$DIR/table") -le 200 ]] || fail "lines of $(wc -L <"$DIR/table") columns"

# Without rights: what is denied is counted, what is hidden is said, and neither is an error.
cp "$ALLOCTRACE" "$DIR/alloctrace"
# shellcheck disable=SC2016 # that is for the other shell
unprivileged='exec setpriv --reuid 65534 --regid 65534 --clear-groups "$0" check -a'
bash -c "$unprivileged" "$DIR/alloctrace" >"$DIR/out" 2>"$DIR/err" </dev/null
expect_out "${TAG}dyn +root .*no: access denied" "${TAG}user +nobody .*$glibc" '[1-9][0-9]* access denied'
[[ ! -s $DIR/err ]] || fail "something on stderr"
if unshare -m true 2>/dev/null; then
	unshare -m bash -c "mount -t proc -o hidepid=invisible proc /proc && $unprivileged" "$DIR/alloctrace" \
		>"$DIR/out" 2>"$DIR/err" </dev/null
	expect_out "${TAG}user +nobody .*$glibc" 'Processes of other users are hidden'
	! grep -q "${TAG}dyn" "$DIR/out" || fail "hidepid hides nothing"
	unshare -m bash -c "mount -t proc -o hidepid=noaccess proc /proc && $unprivileged" "$DIR/alloctrace" \
		>"$DIR/out" 2>"$DIR/err" </dev/null
	expect_out "${TAG}user +nobody .*$glibc" '[1-9][0-9]* access denied'
fi

# Processes that come and go while they are looked at.
(while :; do /bin/true; done) &
BACKGROUND+=($!)
for _ in 1 2; do
	check_all
	expect_row dyn "3;${TAG}dyn;root$none;$glibc"
done
kill -KILL "${BACKGROUND[-1]}"

# Its descriptors: one file is open at a time, whatever runs.
# shellcheck disable=SC2016 # likewise
bash -c 'ulimit -n 128; exec "$0" check -a' "$ALLOCTRACE" >"$DIR/out" 2>"$DIR/err" </dev/null
expect_out "3 +${TAG}dyn +root .*$glibc"
grep -q '^  [0-9]* processes.*unreadable' "$DIR/out" && fail "files could not be opened"
kill -0 "$dyn" || fail "a target has ended"
no_probe_left
