/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The arguments of a USDT probe, by which a process tells of a sample of its allocations (user/elf/usdt.h). */
#ifndef ALLOCTRACE_USDT_BPF_H
#define ALLOCTRACE_USDT_BPF_H

#include "arch/arch.bpf.h"
#include "settings.bpf.h"

enum usdt_which { USDT_ADDR, USDT_BYTES, USDT_WEIGHT };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);	/* the number of the probe */
	__type(value, struct usdt_info);
} usdts SEC(".maps");

static __always_inline bool is_usdt(__u64 cookie)
{
	return usdt && (cookie & COOKIE_USDT) == COOKIE_USDT;
}

/* False: it is in memory that can't be read. */
static __noinline bool usdt_value(const struct pt_regs *ctx, const struct usdt_place *p, __u64 *out)
{
	__u64 bytes = p->bytes, value = p->value, addr;

	if (!bytes || bytes > 8)
		return false;
	if (p->kind == USDT_PLACE_REGISTER) {
		value = reg_get(ctx, p->reg) >> (p->shift & 63);
	} else if (p->kind == USDT_PLACE_MEMORY) {
		addr = value;
		if (p->reg != NO_PLACE)
			addr += reg_get(ctx, p->reg);
		if (p->index != NO_PLACE)
			addr += reg_get(ctx, p->index) * p->scale;
		value = 0;
		if (bpf_probe_read_user(&value, bytes, (void *)addr))
			return false;
	}
	value <<= 64 - 8 * bytes;
	*out = p->is_signed ? (__u64)((__s64)value >> (64 - 8 * bytes)) : value >> (64 - 8 * bytes);
	return true;
}

static __always_inline bool usdt_arg(const struct pt_regs *ctx, __u64 cookie, enum usdt_which which, __u64 *out)
{
	__u32 probe = (cookie >> COOKIE_PROBE_SHIFT) & 0xffff;
	const struct usdt_info *info = bpf_map_lookup_elem(&usdts, &probe);

	return info && usdt_value(ctx, &info->at[which], out);
}

#endif
