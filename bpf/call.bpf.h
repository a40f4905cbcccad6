/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an allocator function was called with, as its probe's cookie tells. */
#ifndef ALLOCTRACE_CALL_BPF_H
#define ALLOCTRACE_CALL_BPF_H

#include "arch/arch.bpf.h"
#include "settings.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct probe_info);
} probes SEC(".maps");

static __always_inline const struct probe_info *probe_info(__u64 cookie)
{
	__u32 probe = (cookie >> COOKIE_PROBE_SHIFT) & 0xffff;

	return bpf_map_lookup_elem(&probes, &probe);
}

/* A call that this function hands on to another allocator function, by a jump. */
static __always_inline bool is_skipped(const struct pt_regs *ctx, __u64 cookie)
{
	const struct probe_info *info = probe_info(cookie);

	return info && reg_get(ctx, cookie >> COOKIE_SKIP_SHIFT) <= info->skip_max;
}

#define SIZE_LIMIT (1ULL << 56)	/* of user addresses, with five levels of page tables */

/* The size that the call asks for; false: more than there can be. */
static __always_inline bool call_bytes(const struct pt_regs *ctx, __u64 cookie, __u64 *bytes)
{
	__u64 n, most;

	*bytes = reg_get(ctx, cookie);
	if (!(cookie & COOKIE_HAS_COUNT))
		return *bytes < SIZE_LIMIT;
	n = reg_get(ctx, cookie >> COOKIE_COUNT_SHIFT);
	most = n ? ~0ULL / n : ~0ULL;
	asm volatile("" : "+r"(most));	/* or clang makes it a 128-bit product, which BPF has not */
	if (*bytes > most)
		return false;
	*bytes *= n;
	return *bytes < SIZE_LIMIT;
}

static __always_inline __u64 return_slot(const struct pt_regs *ctx, __u64 cookie)
{
	return arch_sp(ctx) + ((cookie >> COOKIE_PUSHED_SHIFT) & 0xff) * 8;
}

#endif
