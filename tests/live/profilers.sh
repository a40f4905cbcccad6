#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check -p says which profilers the allocator of a process has itself, and whether it was started with them.
. "$(dirname "$0")/../lib.sh"
need_root
PIDS=()

start() {	# LIBRARY VARIABLE...
	need "$LIBDIR/$1"
	target_start env LD_PRELOAD="$LIBDIR/$1" "${@:2}" "$W/primes" -w
	PIDS+=("$TARGET")
}

start libjemalloc.so.2
start libjemalloc.so.2 MALLOC_CONF=prof:true
start libjemalloc.so.2 MALLOC_CONF=abort:false,prof:true,lg_prof_sample:19
start libjemalloc.so.2 MALLOC_CONF=prof:false,prof_leak:false
start libtcmalloc.so.4 HEAPPROFILE="$DIR/heap" TCMALLOC_SAMPLE_PARAMETER=0
start libtcmalloc.so.4 TCMALLOC_SAMPLE_PARAMETER=524288
start libtcmalloc_minimal.so.4 HEAPPROFILE="$DIR/heap" TCMALLOC_SAMPLE_PARAMETER=524288
run check -p "$(IFS=, && echo "${PIDS[*]}")"
expect_status 0

expect_said() {	# N LINE...: of the Nth process, no more than these of its profilers
	local got want

	got=$(awk -v pid="(pid ${PIDS[$1]})" '/^[^ ].* \(pid / { ours = index($0, pid) }
		ours && /own profile|own samples|heap profiler/' "$DIR/out" | sed 's/^ *//; s/;.*//')
	want=$(printf '%s\n' "${@:2}")
	expect_equal "process $1" "$got" "$want"
}

OFF="not on by the environment"
expect_said 0 "jemalloc's own profile: $OFF"
expect_said 1 "jemalloc's own profile: on (MALLOC_CONF)"
expect_said 2 "jemalloc's own profile: on (MALLOC_CONF)"
expect_said 3 "jemalloc's own profile: $OFF"
expect_said 4 "tcmalloc's own samples: $OFF" "tcmalloc's heap profiler: on (HEAPPROFILE)"
expect_said 5 "tcmalloc's own samples: on (TCMALLOC_SAMPLE_PARAMETER)" "tcmalloc's heap profiler: $OFF"
# Built without them.
expect_said 6 ""
