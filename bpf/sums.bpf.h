/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is counted, by stack. The peak of the heap is kept without a copy of anything: see peak_touch(). */
#ifndef ALLOCTRACE_SUMS_BPF_H
#define ALLOCTRACE_SUMS_BPF_H

#include "vmlinux.h"

#include "sample.h"
#include "scratch.bpf.h"

struct heap heap = {};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct hist_key);
	__type(value, __u64);
} hists SEC(".maps");

/* Adds as many calls of so many bytes as weight says. */
static __always_inline void sum_add(struct sum *sum, __u64 bytes, __u64 weight)
{
	__sync_fetch_and_add(&sum->bytes, sample_bytes(bytes, weight));
	__sync_fetch_and_add(&sum->calls, weight);
	if (weight <= SAMPLE_ONE)
		return;
	__sync_fetch_and_add(&sum->bytes_var, sample_bytes_var(bytes, weight));
	__sync_fetch_and_add(&sum->calls_var, sample_calls_var(weight));
}

/* Takes away what sum_add() added. */
static __always_inline void sum_take(struct sum *sum, __u64 bytes, __u64 weight)
{
	__sync_fetch_and_add(&sum->bytes, -sample_bytes(bytes, weight));
	__sync_fetch_and_add(&sum->calls, -weight);
	if (weight <= SAMPLE_ONE)
		return;
	__sync_fetch_and_add(&sum->bytes_var, -sample_bytes_var(bytes, weight));
	__sync_fetch_and_add(&sum->calls_var, -sample_calls_var(weight));
}

/* Adds to a histogram. A full table is a loss of its own: the stack's other counts have the call. */
static __always_inline void hist_add(struct scratch *s, __u64 stack, __u32 kind, __u64 value, __u64 weight)
{
	struct hist_key key = {.stack = stack, .kind = kind};
	__u64 *calls, zero = 0;

	for (int step = 32; step; step /= 2)
		if (value >> step) {
			value >>= step;
			key.bucket += step;
		}
	key.bucket += value;
	calls = bpf_map_lookup_elem(&hists, &key);
	if (!calls) {
		bpf_map_update_elem(&hists, &key, &zero, BPF_NOEXIST);
		calls = bpf_map_lookup_elem(&hists, &key);
	}
	if (calls)
		__sync_fetch_and_add(calls, weight);
	else
		count(s, COUNT_LOST_HIST, 1);
}

/*
 * Before anything of a stack changes: if there has been a new peak of the heap since it last did, what it has live now
 * is what it had live then.
 */
static __always_inline void peak_touch(struct stack_sum *sum)
{
	__u64 seq = *(volatile __u64 *)&heap.peak_seq;

	if (!follow_peak)
		return;
	if (sum->peak_seq == seq)
		return;
	sum->peak.bytes = sum->alloc.bytes - sum->freed.bytes;
	sum->peak.calls = sum->alloc.calls - sum->freed.calls;
	sum->peak.bytes_var = sum->alloc.bytes_var - sum->freed.bytes_var;
	sum->peak.calls_var = sum->alloc.calls_var - sum->freed.calls_var;
	sum->peak_seq = seq;
}

static __always_inline void heap_grow(__u64 bytes, __u64 now)
{
	__u64 live;

	if (!follow_peak)
		return;
	live = __sync_fetch_and_add(&heap.bytes, bytes) + bytes;
	if ((__s64)live <= (__s64)heap.peak_bytes)
		return;
	heap.peak_bytes = live;
	heap.peak_ns = now;
	__sync_fetch_and_add(&heap.peak_seq, 1);
}

static __always_inline void account_alloc(struct scratch *s, struct stack_sum *sum, const struct call *c)
{
	if (follow_blocks)
		peak_touch(sum);
	sum_add(&sum->alloc, c->bytes, c->weight);
	if (hist_sizes)
		hist_add(s, c->stack, HIST_SIZES, c->bytes, c->weight);
	count(s, COUNT_RECORDED, 1);
}

#endif
