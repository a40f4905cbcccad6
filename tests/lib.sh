# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What test scripts share. A script sources this first, works in $DIR (gone when it ends), and ends well by reaching
# its last line: any failed expectation ends it there with what was expected, what came, and both outputs.

set -uo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
O=${O:-$ROOT/.build}
ALLOCTRACE=${ALLOCTRACE:-$O/alloctrace}
W=$O/tests/workloads
[[ -x $ALLOCTRACE && -x $W/primes ]] || { echo "$ALLOCTRACE, $W/primes: build first (make workloads all)"; exit 1; }
DIR=$(mktemp -d "${TMPDIR:-/tmp}/alloctrace-test.XXXXXX")
LIBDIR=/usr/lib/x86_64-linux-gnu
PYTHON=/usr/bin/python3
export LC_ALL=C.UTF-8
unset NO_COLOR LD_PRELOAD

# Probes may be in every process that maps a file: tests have copies of the C and the C++ libraries, which nobody else
# maps; scripts that run at the same time have their own.
private_libraries() {
	local copies=$O/tests/libraries${TEST_LANE-} lib
	local -a libs=("$LIBDIR/libc.so.6" "$LIBDIR/libstdc++.so.6" /usr/lib/x86_64-linux-musl/libc.so)

	[[ $EUID -eq 0 && -z ${ALLOCTRACE_TEST_LIBRARIES-} ]] || return 0
	for lib in "${libs[@]}"; do
		lib=$(readlink -e "$lib") || continue
		[[ $copies$lib -nt $lib ]] && continue
		mkdir -p "$copies${lib%/*}"
		cp "$lib" "$copies$lib.$$" && mv "$copies$lib.$$" "$copies$lib"
	done
	rmdir "$DIR"
	ALLOCTRACE_TEST_LIBRARIES=$copies exec unshare -m bash -c '
		cd "$ALLOCTRACE_TEST_LIBRARIES" || exit 1
		for lib in usr/lib/*/*.so*; do mount --bind "$lib" "/$lib" || exit 1; done
		cd "$OLDPWD" && exec "$@"' - bash "$0" "$@"
}
private_libraries "$@"

STATUS=0		# of the last run
TRACE=			# pid of the alloctrace in the background
TARGET=			# pid of the last target that was started
BACKGROUND=()		# what to kill in the end
N_TARGETS=0

# What is mounted below $DIR, the last one first: what is in there is not for rm.
unmount_all() {
	local at

	while read -r at; do
		umount -l "$(printf '%b' "${at//\\/\\0}")"
	done < <(awk -v dir="$DIR/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo | tac)
}

cleanup() {
	local status=$? pid

	trap - EXIT
	# Bottom up: what hangs on stdin must not keep the test from ending.
	for pid in "${BACKGROUND[@]}"; do
		kill -KILL "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	unmount_all
	rm -rf "$DIR"
	exit "$status"
}
trap cleanup EXIT
trap 'exit 143' TERM

fail() {
	echo "FAILED: $*"
	echo "  at ${BASH_SOURCE[-1]##*/}:${BASH_LINENO[-2]}"
	local f
	for f in "$DIR/out" "$DIR/err"; do
		[[ -s $f ]] || continue
		echo "--- ${f##*/} (first 40 lines)"
		head -n 40 "$f" | cut -c -300
	done
	exit 1
}

skip() {
	echo "$*"
	exit 77
}

need_root() {
	[[ $EUID -eq 0 ]] || skip "needs root"
}

need() {	# COMMAND|FILE...
	local what

	for what; do
		[[ -e $what ]] || command -v "$what" >/dev/null || skip "needs $what"
	done
}

# For the command go: one cache for all tests, no network. GO111MODULE=off builds a directory as it is.
go_env() {
	need go
	export GOCACHE=$O/go-cache GOPATH=$DIR/path GO111MODULE=off GOFLAGS='' GOTOOLCHAIN=local HOME=$DIR
}

# The same, in a copy of the sample service of make demo-go, whose tests say what they expect. A collection begins in an
# allocation, and what it allocates for itself would belong to that one's line: there is none.
go_service() {
	go_env
	export GO111MODULE=on GOFLAGS=-mod=mod GOPROXY=off GOGC=off
	cp -r "$ROOT/tools/demo-go.d" "$DIR/src"
	cp "$ROOT/tests/workloads/goservice/expect_test.go" "$DIR/src"
	cd "$DIR/src" || exit 1
}

# --- running alloctrace

# Every event counts, however long it takes.
# shellcheck disable=SC2034 # for who sources this
EXACT=(--sample 1 --max-overhead off)

# Runs it to its end: stdout to $DIR/out, stderr to $DIR/err, the exit status to $STATUS.
run() {
	timeout -k 5 90 "$ALLOCTRACE" "$@" >"$DIR/out" 2>"$DIR/err" </dev/null
	STATUS=$?
}

expect_status() {	# N
	[[ $STATUS -eq $1 ]] || fail "exit status $STATUS instead of $1"
}

expect_err() {	# REGEX...
	local re

	for re; do
		grep -Eq -- "$re" "$DIR/err" || fail "stderr does not match: $re"
	done
}

expect_out() {	# REGEX...
	local re

	for re; do
		grep -Eq -- "$re" "$DIR/out" || fail "stdout does not match: $re"
	done
}

# An error is one line, from alloctrace, and nothing went to stdout.
expect_one_error() {	# REGEX
	[[ $(wc -l <"$DIR/err") -eq 1 ]] || fail "stderr is not one line"
	grep -q '^alloctrace: ' "$DIR/err" || fail "stderr does not begin with 'alloctrace: '"
	[[ ! -s $DIR/out ]] || fail "something on stdout"
	expect_err "$1"
}

expect_equal() {	# WHAT GOT WANTED
	[[ $2 == "$3" ]] || fail "$1: $2 instead of $3"
}

wait_until() {	# SECONDS CONDITION...  (a command, tried every 20 ms)
	local end=$((SECONDS + $1 + 1))

	shift
	while ! "$@" 2>/dev/null; do
		[[ $SECONDS -lt $end ]] || return 1
		sleep 0.02
	done
}

is_gone() {	# PID
	! kill -0 "$1" 2>/dev/null || grep -q '^State:[[:space:]]*Z' "/proc/$1/status"
}

# Starts alloctrace in the background, and returns when its probes are in place.
trace_start() {	# ARGS...
	"$ALLOCTRACE" -v "$@" >"$DIR/out" 2>"$DIR/err" </dev/null &
	TRACE=$!
	BACKGROUND+=("$TRACE")
	wait_until 20 trace_attached || fail "no probes in place after 20 s: $*"
}

# It waits for events (epoll_wait, epoll_pwait) only once everything is attached.
trace_attached() {
	grep -Eq '^(232|271|281) ' "/proc/$TRACE/syscall" || is_gone "$TRACE"
}

# Waits for the alloctrace in the background; its exit status to $STATUS.
trace_end() {	# [SECONDS]
	wait_until "${1:-30}" is_gone "$TRACE" || fail "alloctrace still runs after ${1:-30} s"
	wait "$TRACE"
	STATUS=$?
}

trace_is_frozen() {
	grep -q '^State:[[:space:]]*T' "/proc/$TRACE/status"
}

# From here on it hears of nothing; the kernel side goes on. (kill -CONT "$TRACE" ends it.)
trace_freeze() {
	kill -STOP "$TRACE"
	wait_until 10 trace_is_frozen || fail "alloctrace does not stop"
}

# The target does its work while alloctrace stands still, until the text is in its output; then both end.
work_unseen() {	# TEXT
	trace_freeze
	go
	wait_until 10 grep -q "$1" "$DIR/target.$N_TARGETS" || fail "the target is not done"
	kill -CONT "$TRACE"
	target_end
	trace_end
	expect_status 0
}

trace_stop() {
	kill -INT "$TRACE"
	trace_end
}

# --- targets

# Starts a workload that waits (-w) and returns when it is ready to be attached to: $TARGET is its pid, its stdout goes
# to $DIR/target.N (N counts from 1), its stdin is a fifo.
target_start() {	# CMD ARGS...
	N_TARGETS=$((N_TARGETS + 1))
	local n=$N_TARGETS

	mkfifo "$DIR/go.$n"
	"$@" <"$DIR/go.$n" >"$DIR/target.$n" 2>"$DIR/target.$n.err" &
	TARGET=$!
	BACKGROUND+=("$TARGET")
	# Open for reading too: neither side has to wait for the other.
	eval "exec {GO_$n}<>'$DIR/go.$n'"
	wait_until 10 grep -q ready "$DIR/target.$n" || fail "target $n is not ready: $*"
}

go() {	# [N]
	local fd=GO_${1:-$N_TARGETS}

	echo >&"${!fd}"
}

target_end() {	# the target's exit status to $STATUS
	wait_until 60 is_gone "$TARGET" || fail "the target still runs"
	wait "$TARGET"
	STATUS=$?
}

# --- folded stacks

# Sum of the numbers of the lines that match (all, without REGEX).
folded_sum() {	# FILE [REGEX]
	awk -v re="${2:-}" 're == "" || match($0, re) { sum += $NF } END { printf "%.0f\n", sum }' "$1"
}

# Every function of the primes workload: the expected number, under the right callers, by the right process name.
# COLUMN: bytes or calls. RESULT: what the workload printed.
expect_primes() {	# FOLDED RESULT COLUMN [COMM-REGEX]
	local report

	[[ -s $2 ]] || fail "the workload said nothing"
	report=$(awk -v column="$3" -v comm="${4:-primes}" '
		BEGIN {
			# What does the work may be shown in place of what only passes it on.
			ok["use_malloc"] = "^malloc$"
			ok["use_calloc"] = "^(calloc|malloc)$"
			ok["use_realloc"] = ok["use_regrow"] = "^(mi_heap_realloc|realloc|malloc)$"
			ok["use_reallocarray"] = "^(mi_reallocarray|mi_heap_realloc(n)?|reallocarray|realloc|malloc)$"
			ok["use_posix_memalign"] = ok["use_aligned_alloc"] = ok["use_memalign"] = ok["use_valloc"] = \
				ok["use_pvalloc"] = "^(posix_memalign|aligned_alloc|memalign|p?valloc|" \
				"mi_posix_memalign|mi_heap_malloc_(aligned_at|small))$"
		}
		NR == FNR {
			if ($1 == "left" || $1 == "right") {
				want[$1 ";" $2] = column == "bytes" ? $3 : $4
				# A pvalloc that passes its call on asks for whole pages there.
				pages[$1 ";" $2] = column == "bytes" ? int(($3 / $4 + 4095) / 4096) * 4096 * $4 : $4
			}
			next
		}
		{
			n = $NF
			sub(/ [0-9]+$/, "")
			if (match($0, "^(" comm ");(.*;)?worker;(left|right);use_[a-z_]+;[^;]+(;[^;]+)?$")) {
				last = split(substr($0, index($0, ";worker;") + 8), f, ";")
				got[f[1] ";" f[2]] += n
				if (f[2] == "use_pvalloc" && f[last] != "pvalloc")
					want[f[1] ";" f[2]] = pages[f[1] ";" f[2]]
				if (!(f[last] ~ ok[f[2]]) || (last == 4 && !(f[3] ~ ok[f[2]])))
					print $0 ": wrong allocator function"
			} else if (match($0, ";use_")) {
				print $0 ": wrong callers"
			}
		}
		END {
			for (k in want)
				if (got[k] != want[k])
					printf "%s: %.0f instead of %.0f\n", k, got[k], want[k]
		}' "$2" "$1")
	[[ -z $report ]] || fail "$3: $report"
}

# Column of the "total" line of the primes workload.
total_of() {	# RESULT bytes|calls
	awk -v column="$2" '$1 == "total" { print column == "bytes" ? $2 : $3 }' "$1"
}

# The same for workloads that print FUNCTION BYTES CALLS: FUNCTION is the caller of the allocator.
expect_functions() {	# FOLDED RESULT COLUMN [FUNCTION...]
	local f=$1 result=$2 column=$3 name want got

	shift 3
	local names=("$@")
	[[ $# -gt 0 ]] || mapfile -t names < <(awk 'NF == 3 && $2 ~ /^[0-9]+$/ { print $1 }' "$result")
	[[ ${#names[@]} -gt 0 ]] || fail "the workload said nothing"
	for name in "${names[@]}"; do
		want=$(awk -v name="$name" -v c="$column" '$1 == name { print c == "bytes" ? $2 : $3 }' "$result")
		got=$(folded_sum "$f" ";$name;[^;]+ [0-9]+\$")
		expect_equal "$column of $name" "$got" "$want"
	done
}

# --- what must not stay behind

# Ids of the BPF programs that processes hold (by themselves or by a link), one per line.
programs_of() {	# PID|'*'
	# shellcheck disable=SC2086 # it may be a pattern
	sed -n 's/^prog_id:[[:space:]]*//p' /proc/$1/fdinfo/* 2>/dev/null | sort -u
}

# Those that no process holds: pinned, attached for good, or leaked.
orphan_programs() {
	comm -23 <(bpftool prog show -j 2>/dev/null | jq -r '.[]?.id' | sort) <(programs_of '[0-9]*')
}

programs_gone() {	# ID...
	local id

	for id; do
		! bpftool prog show id "$id" >/dev/null 2>&1 || return 1
	done
}

ORPHANS_BEFORE=
remember_probes() {
	ORPHANS_BEFORE=$(orphan_programs)
}

same_orphans() {
	[[ -z $(comm -13 <(echo "$ORPHANS_BEFORE") <(orphan_programs)) ]]
}

# Nothing that holds itself in the kernel is there that was not there at remember_probes.
no_probe_left() {
	wait_until 5 same_orphans ||
		fail "BPF programs left behind: $(comm -13 <(echo "$ORPHANS_BEFORE") <(orphan_programs))"
}

# The directory holds these files (hidden ones too) and no others.
expect_files() {	# DIRECTORY NAME...
	local dir=$1 got

	shift
	got=$(cd "$dir" && find . -mindepth 1 -printf '%P\n' | sort | tr '\n' ' ')
	expect_equal "files in $dir" "${got% }" \
		"$(printf '%s\n' "$@" | sed '/^$/d' | sort | tr '\n' ' ' | sed 's/ $//')"
}
