/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an allocator function was called with, as its probe's cookie tells. */
#ifndef ALLOCTRACE_CALL_BPF_H
#define ALLOCTRACE_CALL_BPF_H

/* In assembly, or clang makes it one load at a computed offset, which the verifier refuses for a context. */
#define REG_CASE(n, field) \
	case n: \
		asm volatile("%0 = *(u64 *)(%1 + %2)" \
			     : "=r"(v) : "r"(ctx), "i"(__builtin_offsetof(struct pt_regs, field))); \
		return v

static __always_inline __u64 reg_get(const struct pt_regs *ctx, __u64 reg)
{
	__u64 v;

	switch (reg & 15) {
	REG_CASE(0, ax);
	REG_CASE(1, cx);
	REG_CASE(2, dx);
	REG_CASE(3, bx);
	REG_CASE(4, sp);
	REG_CASE(5, bp);
	REG_CASE(6, si);
	REG_CASE(7, di);
	REG_CASE(8, r8);
	REG_CASE(9, r9);
	REG_CASE(10, r10);
	REG_CASE(11, r11);
	REG_CASE(12, r12);
	REG_CASE(13, r13);
	REG_CASE(14, r14);
	REG_CASE(15, r15);
	}
	return 0;
}

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
	return ctx->sp + ((cookie >> COOKIE_PUSHED_SHIFT) & 0xff) * 8;
}

#endif
