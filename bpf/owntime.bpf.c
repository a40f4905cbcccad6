// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How much of their CPU time traced processes have for work of their own while there are probes: a clock samples what
 * each CPU does. What a hit costs is all that is seen between the breakpoint and a few instructions behind it: the
 * trap, in the kernel and before it, our program, and the first misses in a TLB that the trap may have emptied.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "shared.h"
#include "ids.bpf.h"

#define BEHIND_BYTES 16

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);	/* pid */
	__type(value, struct own_sites);
} own_sites SEC(".maps");

struct own_samples own_samples = {};

static __always_inline bool is_near_site(const struct own_sites *sites, __u64 ip)
{
	for (int i = 0; i < OWN_SITES_MAX && i < sites->n; i++)
		if (ip - sites->at[i] < BEHIND_BYTES)
			return true;
	return false;
}

SEC("perf_event")
int on_cpu_clock(struct bpf_perf_event_data *ctx)
{
	const struct own_sites *sites;
	struct pt_regs *regs;
	__u64 ip = ctx->regs.ip;
	__u32 pid, tid;

	current_ids(&pid, &tid);
	sites = bpf_map_lookup_elem(&own_sites, &pid);
	if (!sites)
		return 0;
	if ((__s64)ip < 0) {
		/* In the kernel: where did it come from? */
		regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
		ip = BPF_CORE_READ(regs, ip);
	}
	__sync_fetch_and_add(&own_samples.busy, 1);
	if (!is_near_site(sites, ip))
		__sync_fetch_and_add(&own_samples.own, 1);
	return 0;
}
