#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# --view rss where mappings are not what most are: devices, secret memory, hugetlbfs, pages that come by advice, by
# userfaultfd, or by another process, and threads that change mappings all the while: no page too many, none missing,
# and nobody waits.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../resident.sh"
need_root

head -c 1048576 /dev/urandom >"$DIR/file"
mknod "$DIR/mem" c 1 1 2>/dev/null || true

# Of hugetlbfs there is no page unless asked for.
pool=/proc/sys/vm/nr_overcommit_hugepages
had=$(cat $pool 2>/dev/null) || had=
[[ $had != 0 ]] || echo 1 2>/dev/null >$pool || true
run --view rss --sample 1 -f folded -o "$DIR/folded" -- "$W/oddpages" "$DIR/file" "$DIR/mem"
[[ $had != 0 ]] || echo 0 2>/dev/null >$pool || true
expect_status 0
expect_explained "$DIR/err"
grep '^# skipped' "$DIR/out" || true
grep -v '^#' "$DIR/out" >"$DIR/said"
expect_resident "$DIR/folded" "$DIR/said"
for class in dev_zero:anonymous shared_dev_zero:shared ring:file secret:shared rewriting:anonymous lock:anonymous \
	populate_write:anonymous populate_read:file collapse:anonymous vfork:anonymous thread:anonymous; do
	expect_class "$DIR/folded" "by_${class%%:*}" "${class#*:}" "$DIR/said"
done

# What another process brought, or took, is in the summary.
grep -q '^resident.* KiB by others' "$DIR/err" || fail "nothing came by others"

# Sampled, of the whole host: the sum is as exact.
trace_start --view rss -f json -o "$DIR/json" --comm oddpages
"$W/oddpages" "$DIR/file" "$DIR/mem" >/dev/null
trace_stop
expect_status 0
expect_json_explained "$DIR/json"
