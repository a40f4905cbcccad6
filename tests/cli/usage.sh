#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Usage errors: exit status 2, and one line that names the option, its value and what is accepted. No root needed.
. "$(dirname "$0")/../lib.sh"

refused() {	# REGEX ARGS...
	local re=$1

	shift
	run "$@"
	[[ $STATUS -eq 2 ]] || fail "exit status $STATUS instead of 2: alloctrace $*"
	expect_one_error "$re"
}

# Neither a process nor a command: the usage line.
run
expect_status 2
expect_err '[Uu]sage: *alloctrace'
[[ ! -s $DIR/out ]] || fail "something on stdout"

refused 'no-such-option' --no-such-option -p 1
refused 'x' -x -p 1
refused 'pid|-p' -p 1 true
refused 'pid|-p' -p 1 -- true
refused 'pid|-p' -p

# Numbers: not one, none, too small, too large, of another kind.
for bad in '' x 0 0s -1 10x 1e3 '1 s' 99999999999999999999 ' 5'; do
	refused 'duration' -p 1 -d "$bad"
	refused 'interval' -p 1 -i "$bad"
done
for bad in '' x -1 3.5 1k 99999999999999999999; do
	refused 'top' -p 1 -T "$bad"
	refused 'max-stacks' -p 1 --max-stacks "$bad"
done
for bad in 0 '' x -1 1.5 1k 1000000000000001; do
	refused 'ops' -p 1 --ops "$bad"
	refused 'ops' report --ops "$bad" "$DIR/file"
done
refused 'ops' check --ops 5
for bad in 0 999 100000001; do refused "max-stacks.*$bad" -p 1 --max-stacks $bad; done
for bad in 0 513 x ''; do refused "max-depth.*$bad" -p 1 --max-depth "$bad"; done
for bad in 0 1000 65537 3M 2G 32k x ''; do refused "ring-size.*$bad" -p 1 --ring-size "$bad"; done
for bad in '' x -1 1X 99999999999T; do
	refused 'min-size' -p 1 --min-size "$bad"
	refused 'max-size' -p 1 --max-size "$bad"
done

# A choice: what is accepted is in the message.
refused 'metric.*nothing.*bytes.*calls' -p 1 -m nothing
refused 'by.*nothing.*site.*function.*module.*stack.*thread' -p 1 --by nothing
refused 'format.*nothing.*table.*folded' -p 1 -f nothing
refused 'attach.*nothing.*auto.*multi.*perf' -p 1 --attach nothing
refused 'metric' -p 1 -m ''

# Contradictions.
refused 'delta' -p 1 --delta
refused 'min-size.*max-size|max-size.*min-size' -p 1 --min-size 2k --max-size 1k
refused 'interval' -p 1 -d 1s -i 2s
refused 'needs --output FILE, which each report replaces' -p 1 -i 1 -f pprof
refused 'a file per interval' -p 1 -i 1 --delta -o x.pb.gz
for bad in 1 1,x 2,1 1,1 1,2,3 "1.5.2,"; do refused '--time' report --time "$bad" x.pb.gz; done
refused '--time is for --view alloc' report --time 1, --view alloc,live x.pb.gz
refused '--time is for --view alloc' report --time 1, --leaks x.pb.gz
refused 'folded' -p 1 -i 1s -f folded
refused 'folded' -p 1 -i 1s -f folded -o "$DIR/file"
refused '%x' -o '%x' -- true
refused 'delta.*live' -p 1 -i 1s --delta --view live
refused 'go-samples.*contradict' -p 1 --go-samples --no-go-samples
refused 'go-samples.*--view alloc' -p 1 --go-samples --leaks
refused 'folded.*one --view' -p 1 -f folded --view live,peak
refused 'view sizes.*folded' -p 1 -f folded --sizes
refused 'min-age.*leaks' -p 1 --min-age 5s
refused 'suppress.*leaks' -p 1 --suppress "$DIR/file"
refused 'mark.*live' -p 1 --mark
refused 'temp-age.*temp' -p 1 --temp-age 5ms

# An error is said before anything happens.
run -d nonsense -- touch "$DIR/touched"
expect_status 2
[[ ! -e $DIR/touched ]] || fail "CMD was started"
expect_files "$DIR" out err

# What the message repeats is escaped for the terminal.
run --metric $'\033[31m' -p 1
expect_status 2
! grep -q "$(printf '\033')" "$DIR/err" || fail "an escape sequence in the message"

refused 'check' check extra
refused 'no-such' check --no-such
