#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --kernel: what the kernel allocates for a process, in known numbers, by stack and by slab cache; of nobody else; what
# is kept is found as a leak; and what it says where the kernel hides its functions.
. "$(dirname "$0")/../lib.sh"
need_root

KERNEL=(--kernel --sample 1)

# Lost events (an interrupt that comes in the midst of counting) are counted, and at most those may be missing.
expect_about() {	# WHAT GOT WANTED JSON
	local lost

	lost=$($PYTHON -c 'import json, sys; print(json.load(open(sys.argv[1]))["facts"]["account"]["lost"])' "$4")
	[[ $2 -le $3 && $2 -ge $(($3 - lost)) && $lost -lt 50 ]] || fail "$1: $2 instead of $3, with $lost lost"
}

expect_accounted() {	# JSON
	$PYTHON - "$1" <<'PY' || fail "the account does not add up"
import json, sys
a = json.load(open(sys.argv[1]))["facts"]["account"]
assert a["seen"] == a["recorded"] + a["filtered"] + a["unsampled"] + a["lost"] and not a["unaccounted"], a
PY
}

# What the workload has made, by the functions of the kernel that it is made by.
expect_made() {	# FOLDED JSON
	expect_about sockets "$(folded_sum "$1" ';sock_alloc_inode;kmem_cache_alloc ')" 2018 "$2"
	expect_about pipes "$(folded_sum "$1" ';create_pipe_files;alloc_pipe_info;kmalloc ')" 1006 "$2"
	expect_about "open files" "$(folded_sum "$1" ';path_openat;alloc_empty_file;kmem_cache_alloc ')" 211 "$2"
	expect_about dentries "$(folded_sum "$1" ';__x64_sys_access;.*;__d_alloc;kmem_cache_alloc ')" 307 "$2"
	! grep -vE ';(kmalloc|kmem_cache_alloc|alloc_pages) [0-9]+$' "$1" || fail "another function allocates"
	! grep -E 'bpf_trace_run|__traceiter|on_kmalloc|on_cache_alloc' "$1" || fail "frames of the program's own"
}

MAKE=(1009 sockets 503 pipes 211 open 307 dentries)

# A process that runs; another one does the same meanwhile. The open files are kept, and are the largest of what lives.
target_start "$W/kernelmem" -w "${MAKE[@]}"
trace_start "${KERNEL[@]}" --view alloc,live -m calls -o "$DIR/k.pb.gz" -o "$DIR/k.json" -p "$TARGET"
"$W/kernelmem" "${MAKE[@]}"
go
wait_until 10 grep -q 'done' "$DIR/target.1" || fail "the target has not done its work"
trace_stop
expect_status 0
go
target_end
run report -f folded -m calls "$DIR/k.pb.gz"
expect_status 0
expect_made "$DIR/out" "$DIR/k.json"
expect_accounted "$DIR/k.json"
run report --view live -m calls --cum -T 0 -f folded "$DIR/k.pb.gz"
files=$(folded_sum "$DIR/out" ';path_openat;alloc_empty_file;kmem_cache_alloc ')
expect_about "files in use" "$files" 211 "$DIR/k.json"
[[ $(folded_sum "$DIR/out" ';sock_alloc_inode;') -lt 200 ]] || fail "sockets that were closed are in use"
run report --by cache -m calls -T 0 "$DIR/k.pb.gz"
expect_out ' CACHE ' ' sock_inode_cache ' ' kmalloc-'

# What is kept is the first row of what leaks, by the stack that leads to the system call. Sampled; and by its cache.
ulimit -n 4096
target_start "$W/kernelmem" -w 3001 open
trace_start --kernel --sample 4k --leaks --min-age 0 --by stack -T 1 -o "$DIR/leaks" -o "$DIR/leaks.json" -p "$TARGET"
go
wait_until 10 grep -q 'done' "$DIR/target.2" || fail "the target has not done its work"
trace_stop
go
target_end
grep -qE 'alloc_empty_file.* < .*(open|openat)' "$DIR/leaks" ||
	{ cat "$DIR/leaks"; fail "the open files are not first"; }
expect_accounted "$DIR/leaks.json"

# A command, whose children are followed; and they alone.
"$W/kernelmem" 2000 sockets &
run "${KERNEL[@]}" -m calls -o "$DIR/made.folded" -o "$DIR/k.json" -- \
	sh -c "'$W/kernelmem' 101 sockets; '$W/kernelmem' 107 pipes"
expect_status 0
wait
sockets=$(folded_sum "$DIR/made.folded" ';sock_alloc_inode;kmem_cache_alloc ')
pipes=$(folded_sum "$DIR/made.folded" ';create_pipe_files;alloc_pipe_info;kmalloc ')
expect_about "sockets of children" "$sockets" 202 "$DIR/k.json"
expect_about "pipes of children" "$pipes" 214 "$DIR/k.json"

grep -q ';alloc_pages [0-9]*$' "$DIR/made.folded" || fail "no pages: a new process has page tables"
! grep -E '(allocate_slab|___slab_alloc).*;alloc_pages ' "$DIR/made.folded" || fail "pages of slabs are counted twice"

# By name; and the whole host: what comes of it is more than one process's.
trace_start --kernel -m calls --by cache --comm kernelmem -o "$DIR/k.json" -o "$DIR/table"
"$W/kernelmem" 3000 sockets
trace_stop
expect_status 0
expect_accounted "$DIR/k.json"
trace_start "${KERNEL[@]}" -a --by program -o "$DIR/table" -o "$DIR/k.json"
"$W/kernelmem" 3000 sockets
trace_stop
expect_status 0
grep -q ' kernelmem$\| kernelmem ' "$DIR/table" || fail "no row of the program"
expect_accounted "$DIR/k.json"

# Functions that are hidden, or not there: what is counted, and how it is told apart, stays.
printf '0000000000000000 T _text\n0000000000000000 t allocate_slab\n' >"$DIR/hidden"
: >"$DIR/none"
for file in hidden none; do
	unshare -m sh -c 'mount --bind "$1" /proc/kallsyms && shift && exec "$@"' sh "$DIR/$file" \
		"$ALLOCTRACE" "${KERNEL[@]}" --by cache -m calls -o "$DIR/table" -- \
		"$W/kernelmem" 101 sockets 103 pipes 2>"$DIR/err" </dev/null
	STATUS=$?
	expect_status 0
	grep -q ' sock_inode_cache ' "$DIR/table" || { cat "$DIR/table"; fail "no row of a cache"; }
	! grep -q 'pages (order' "$DIR/table" || fail "pages are counted"
	[[ $file == none ]] || expect_err 'hides the addresses .*kptr_restrict'
	[[ $file == hidden ]] || expect_err 'cannot read /proc/kallsyms'
done
