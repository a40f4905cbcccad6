/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x86-64: registers of the traced thread, what the kernel keeps of an address space, and page tables (layout of an
 * entry: Intel SDM volume 3, 4.5).
 */
#ifndef ALLOCTRACE_ARCH_X86_64_BPF_H
#define ALLOCTRACE_ARCH_X86_64_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

/* --- registers */

#define ARCH_REGS 16

/* In assembly, or clang makes it one load at a computed offset, which the verifier refuses for a context. */
#define REG_CASE(n, field) \
	case n: \
		asm volatile("%0 = *(u64 *)(%1 + %2)" \
			     : "=r"(v) : "r"(ctx), "i"(__builtin_offsetof(struct pt_regs, field))); \
		return v

static __always_inline __u64 reg_get(const struct pt_regs *ctx, __u64 reg)
{
	__u64 v;

	switch (reg & (ARCH_REGS - 1)) {
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

/* Where the return address of a function is, in which the stack pointer is so many bytes below where it was at its
 * entry. */
static __always_inline __u64 arch_return_slot(const struct pt_regs *ctx, __u64 pushed)
{
	return ctx->sp + pushed;
}

/* Where the nth of those arguments is that are on the stack. */
static __always_inline __u64 arch_stack_arg(__u64 return_slot, __u64 n)
{
	return return_slot + 8 + 8 * n;
}

static __always_inline __u64 arch_fp(const struct pt_regs *ctx)
{
	return ctx->bp;
}

/* Where the memory of the current thread itself is (%fs), which a thread of Go sets by the kernel alone. */
static __always_inline __u64 arch_thread_base(const struct task_struct *task)
{
	return task->thread.fsbase;
}

/* Where the probe is. */
static __always_inline __u64 arch_pc(const struct pt_regs *ctx)
{
	return ctx->ip;
}

/* At a function's return: what it returns, and where its return address was. */
static __always_inline __u64 arch_result(const struct pt_regs *ctx)
{
	return ctx->ax;
}

static __always_inline __u64 arch_returned_slot(const struct pt_regs *ctx)
{
	return ctx->sp - 8;
}

/* It is in a system call, not in an exception: those have no number of one (idtentry_body). */
static __always_inline bool arch_in_syscall(const struct pt_regs *user)
{
	return (__s64)user->orig_ax >= 0;
}

/* --- address spaces */

/* Never used again. */
static __always_inline __u64 arch_space(const struct mm_struct *mm)
{
	return mm->context.ctx_id;
}

/*
 * Counts changes of page tables that take away what a CPU may know of them: before a page is used for anything else
 * (arch/x86/mm/tlb.c, inc_mm_tlb_gen()).
 */
static __always_inline __u64 arch_tlb_gen(const struct mm_struct *mm)
{
	return mm->context.tlb_gen.counter;
}

static __always_inline __u64 arch_vdso(const struct mm_struct *mm)
{
	return (__u64)mm->context.vdso;
}

/* --- page tables */

#define PAGE_SHIFT	12
#define ENTRY_SHIFT	9	/* bits of the address for each level */
#define ENTRY_LEVELS	5	/* at most */
#define ENTRY_FRAME	0x000ffffffffff000ULL
/* The direct map begins at a multiple of that (arch/x86/mm/kaslr.c), and the top table is in it. */
#define DIRECT_MAP_SHIFT 30

#define ENTRY_PRESENT	(1ULL << 0)
#define ENTRY_USER	(1ULL << 2)
#define ENTRY_LARGE	(1ULL << 7)	/* it is of a page of 2 MiB or 1 GiB, not of a table */
#define ENTRY_SPECIAL	(1ULL << 9)	/* of an entry of a page: arch/x86 _PAGE_BIT_SPECIAL */
#define ENTRY_DEVMAP	(1ULL << 58)	/* likewise: _PAGE_BIT_DEVMAP, up to 6.17 */

/* Something is there, in user space. */
static __always_inline bool entry_is_user(__u64 entry)
{
	return (entry & (ENTRY_PRESENT | ENTRY_USER)) == (ENTRY_PRESENT | ENTRY_USER);
}

/* It is of a page, not of a table of the next level; shift: of its level. */
static __always_inline bool entry_is_page(__u64 entry, __u64 shift)
{
	return shift == PAGE_SHIFT || entry & ENTRY_LARGE;
}

/* Of an entry of a page: the kernel has no struct page for it. */
static __always_inline bool entry_is_special(__u64 entry)
{
	return entry & (ENTRY_SPECIAL | ENTRY_DEVMAP);
}

#endif
