/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an allocator function was called with, as its probe's cookie describes it. */
#ifndef ALLOCTRACE_CALL_BPF_H
#define ALLOCTRACE_CALL_BPF_H

#include "arch/arch.bpf.h"
#include "settings.bpf.h"
#include "usdt.bpf.h"

extern bool bpf_session_is_return(void) __ksym __weak;

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

/* Where the return address is; of a USDT probe, where it would be if the code around it had been called from there. */
static __always_inline __u64 return_slot(const struct pt_regs *ctx, __u64 cookie)
{
	if (is_usdt(cookie))
		return arch_return_slot(ctx, -8ULL);
	return arch_return_slot(ctx, ((cookie >> COOKIE_PUSHED_SHIFT) & 0xff) * 8);
}

/* What is at a place; 0 if that is on the stack and can't be read. */
static __always_inline __u64 place_get(const struct pt_regs *ctx, __u64 cookie, __u64 place)
{
	__u64 value;

	if (!(place & PLACE_STACK))
		return reg_get(ctx, place);
	bpf_probe_read_user(&value, sizeof(value), (void *)arch_stack_arg(return_slot(ctx, cookie),
									   place & (PLACE_STACK - 1)));
	return value;
}

/* A call that this function hands on to another allocator function, by a jump. */
static __always_inline bool is_skipped(const struct pt_regs *ctx, __u64 cookie)
{
	const struct probe_info *info = probe_info(cookie);

	return info && place_get(ctx, cookie, info->skip) <= info->skip_max;
}

/* The block that a freeing function is called for. */
static __always_inline __u64 call_block(const struct pt_regs *ctx, __u64 cookie)
{
	__u64 addr;

	if (is_usdt(cookie))
		return usdt_arg(ctx, cookie, USDT_ADDR, &addr) ? addr : 0;
	return place_get(ctx, cookie, cookie & PLACE_MASK);
}

static __always_inline bool is_sampler(__u64 cookie)
{
	return go_samples && (cookie & COOKIE_SAMPLER) == COOKIE_SAMPLER;
}

/* Of the two ways to see Go's allocations, the one that is not in force. */
static __always_inline bool is_other_way(__u64 cookie)
{
	return go_samples && (cookie & COOKIE_TYPED) && is_sampler(cookie) != *(volatile bool *)&go_by_samples;
}

/* Bytes from one of the runtime's samples to the next, on average; 0: not known. */
static __always_inline __u64 sampler_rate(const struct pt_regs *ctx, __u64 cookie)
{
	const struct probe_info *info = probe_info(cookie);
	__u64 rate = 0;

	if (info)
		bpf_probe_read_user(&rate, sizeof(rate), (void *)(arch_pc(ctx) + info->rate_from));
	return rate < GO_RATE_MOST ? rate : GO_RATE_MOST;
}

/* The address of the type that is allocated; 0: none is told. */
static __always_inline __u64 call_type(const struct pt_regs *ctx, __u64 cookie)
{
	if (!(cookie & COOKIE_TYPED) || is_sampler(cookie))
		return 0;
	return place_get(ctx, cookie, cookie >> COOKIE_COUNT_SHIFT & PLACE_MASK);
}

#define SIZE_LIMIT (1ULL << 56)	/* of user addresses, with five levels of page tables */

/* The size that the call asks for; false: more than there can be. */
static __always_inline bool call_bytes(const struct pt_regs *ctx, __u64 cookie, __u64 *bytes)
{
	__u64 n, most;

	if (is_usdt(cookie))
		return usdt_arg(ctx, cookie, USDT_BYTES, bytes) && *bytes < SIZE_LIMIT;
	*bytes = place_get(ctx, cookie, cookie & PLACE_MASK);
	if (!(cookie & COOKIE_HAS_COUNT) || is_sampler(cookie))
		return *bytes < SIZE_LIMIT;
	n = place_get(ctx, cookie, cookie >> COOKIE_COUNT_SHIFT & PLACE_MASK);
	most = n ? ~0ULL / n : ~0ULL;
	asm volatile("" : "+r"(most));	/* or clang makes it a 128-bit product, which BPF has not */
	if (*bytes > most)
		return false;
	*bytes *= n;
	return *bytes < SIZE_LIMIT;
}

#endif
