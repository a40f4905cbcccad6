/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Growth of resident memory, by the user stack that made it grow. No allocator is known: what counts is that the kernel
 * counts pages (residents.bpf.h), in the thread that touched them, or in a system call of it:
 *
 *     page fault -> its address is kept -> rss_stat: pages -> of a traced process? -> grown: sample? -> stack, mapping
 *                                                                                     shrunk: counted
 *
 * A fault that brings no page (write after fork, protection, NUMA, SIGSEGV) does not come to rss_stat. One that
 * copies a file's page takes that away first: nothing grows.
 */
#ifndef ALLOCTRACE_RESIDENT_BPF_H
#define ALLOCTRACE_RESIDENT_BPF_H

#include "member.bpf.h"
#include "raw.bpf.h"
#include "residents.bpf.h"
#include "sampling.bpf.h"
#include "stack.bpf.h"
#include "sums.bpf.h"

/* include/linux/mm.h */
#define VM_SHARED 8
#define VM_GROWSDOWN 0x100
#define RED_ZONE_BYTES 256	/* below the stack pointer, with what a call pushes */

/* The latest fault of each thread; those that are in one at once may share a place, and one is not known then. */
#define FAULTS 4096
struct fault faults[FAULTS] = {};

static __always_inline struct fault *fault_of(__u64 task)
{
	return &faults[MASKED((task >> 6 ^ task >> 18), FAULTS - 1)];
}

static __always_inline int fault_begins(__u64 addr, bool kernel)
{
	const __u64 task = bpf_get_current_task();
	struct fault *f = fault_of(task);

	f->task = task;
	f->addr = addr;
	f->kernel = kernel;
	f->took = 0;
	return 0;
}

/* TP_PROTO(unsigned long address, struct pt_regs *regs, unsigned long error_code), arch/x86/include/asm/trace/
 * exceptions.h */
SEC("tp_btf/page_fault_user")
int BPF_PROG(on_fault_user, unsigned long addr)
{
	return fault_begins(addr, false);
}

SEC("tp_btf/page_fault_kernel")
int BPF_PROG(on_fault_kernel, unsigned long addr)
{
	return fault_begins(addr, true);
}

/* What is asked of a mapping, and the answer. */
struct touch {
	__u32 member;
	__u32 what;	/* enum touched */
	__u64 addr;
	__u64 sp, base;	/* of the thread: where its stack ends, and its own memory begins */
	__u64 vma;
};

/* A thread has its own memory in the last page of its stack; mappings beside that may be one with it. */
static __always_inline bool is_thread_stack(const struct touch *t, __u64 start, __u64 end)
{
	return t->base - start < end - start && t->addr >= t->sp - RED_ZONE_BYTES && t->sp < t->base &&
	       t->addr >> PAGE_SHIFT <= t->base >> PAGE_SHIFT;
}

static __always_inline void touch_vma(struct touch *t, const struct vm_area_struct *vma, const struct mm_struct *mm)
{
	const __u64 start = vma->vm_start, end = vma->vm_end;

	t->vma = (__u64)vma;
	if (vma->vm_flags & VM_SHARED)
		t->what = TOUCHED_SHARED;
	else if (vma->vm_file && vma->vm_ops)	/* none: a private /dev/zero, as good as none */
		t->what = t->member == MEMBER_ANON ? TOUCHED_COPY : TOUCHED_FILE;
	else if (start < mm->brk && end > mm->start_brk)
		t->what = TOUCHED_HEAP;
	else if (vma->vm_flags & VM_GROWSDOWN || is_thread_stack(t, start, end))
		t->what = TOUCHED_STACK;
	else
		t->what = TOUCHED_ANON;
}

static long touch_found(struct task_struct *task, struct vm_area_struct *vma, void *arg)
{
	touch_vma(arg, vma, vma->vm_mm);
	return 0;
}

/* As take_kept(). */
static __always_inline bool touch_kept(struct touch *t)
{
	const __u64 addr = t->addr;

	const struct mm_struct *mm = direct_mm();
	const struct vm_area_struct *vma = bpf_rdonly_cast((void *)*kept_place(mm, addr, 21),
							   bpf_core_type_id_kernel(struct vm_area_struct));

	if (!kept_holds(vma, mm, addr))
		return false;
	touch_vma(t, vma, mm);
	asm volatile("" ::: "memory");
	return kept_holds(vma, mm, addr);
}

/* Where the address is not known, as of pages that mmap() itself brings, by the kind of page alone. */
static __always_inline __u32 touched_by_member(__u32 member)
{
	return member == MEMBER_ANON ? TOUCHED_ANON : member == MEMBER_FILE ? TOUCHED_FILE : TOUCHED_SHARED;
}

static __always_inline __u32 touched(const struct fault *f, __u64 task, __u32 member, const struct pt_regs *regs)
{
	struct touch t = {
		.member = member, .what = touched_by_member(member), .addr = f->addr,
		.sp = arch_return_slot(regs, 0), .base = arch_thread_base(bpf_get_current_task_btf()),
	};

	if (f->task != task || (!f->kernel && arch_in_syscall(regs)))
		return t.what;
	if (touch_kept(&t))
		return t.what;
	t.what = touched_by_member(member);
	if (!bpf_find_vma(bpf_get_current_task_btf(), t.addr, touch_found, &t, 0))
		*kept_place(direct_mm(), t.addr, 21) = t.vma;
	return t.what;
}

/* So many bytes came, in the current thread. */
static __noinline void resident_grown(struct scratch *s, const struct fault *f, __u32 member, __u64 bytes)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct pt_regs *regs = (void *)bpf_task_pt_regs(task);
	struct call *call = &s->now.call;
	struct stack_sum *sum;
	__u64 what, sp;

	count_seen(s, bytes);
	call->bytes = bytes;
	call->weight = sample_call(s, bytes);
	if (!call->weight) {
		count(s, COUNT_UNSAMPLED, 1);
		return;
	}
	what = touched(f, bpf_get_current_task(), member, regs);
	if (bytes >= HUGE_PAGES * PAGE_BYTES && (what == TOUCHED_ANON || what == TOUCHED_HEAP))
		what = TOUCHED_HUGE;
	sp = arch_return_slot(regs, 0) - 8;
	s->walk.ret = arch_pc(regs) + 1;
	walk_begin(s, sp, false);
	walk(s, regs, sp, what << COOKIE_FUNCTION_SHIFT);
	sum = stack_entry(s);
	if (!sum)
		return;
	call->stack = s->rec.id;
	account_alloc(s, sum, call);
}

/* The last user is gone, and its memory goes. */
static __noinline void resident_ends(struct resident *r, __u64 space, __u64 counter, __s64 pages)
{
	__sync_fetch_and_add(&resident_ended.start, r->start);
	__sync_fetch_and_add(&resident_ended.end, resident_sum(r, counter, false) - pages);
	__sync_fetch_and_add(&resident_ended.spaces, 1);
	bpf_map_delete_elem(&residents, &space);
}

static __always_inline void resident_shrunk(struct scratch *s, struct fault *f, __u64 task, __u32 member, __u64 bytes)
{
	count(s, COUNT_SHRUNK, bytes);
	if (f->task == task && member != MEMBER_ANON && bytes == PAGE_BYTES)
		f->took = 1;
}

/* In place of the file's page that it has just taken away. */
static __always_inline bool is_copy(struct scratch *s, struct fault *f, __u64 task, __u32 member, __u64 bytes)
{
	if (f->task != task || !f->took || member != MEMBER_ANON || bytes != PAGE_BYTES)
		return false;
	f->took = 0;
	count(s, COUNT_SHRUNK, -bytes);
	return true;
}

static __always_inline void resident_changed(struct scratch *s, struct mm_struct *mm, __u32 member, __s64 pages)
{
	const __u64 task = bpf_get_current_task();
	struct fault *f = fault_of(task);
	const __u64 bytes = (__u64)pages << PAGE_SHIFT;

	if (!count_hit(s)) {
		count(s, COUNT_WHILE_OFF, bytes);
		return;
	}
	if (bpf_get_current_task_btf()->mm != mm)
		count(s, COUNT_BY_OTHERS, bytes);
	else if (pages < 0)
		resident_shrunk(s, f, task, member, -bytes);
	else if (is_copy(s, f, task, member, bytes))
		return;
	else if (is_member(s))
		resident_grown(s, f, member, bytes);
	else
		count(s, COUNT_BY_OTHERS, bytes);
}

static __always_inline void lost_change(struct mm_struct *mm, __s64 pages)
{
	const __u64 bytes = (__u64)pages << PAGE_SHIFT;

	if (!count_hit_shared()) {
		count_shared(COUNT_WHILE_OFF, bytes);
	} else if (bpf_get_current_task_btf()->mm != mm) {
		count_shared(COUNT_BY_OTHERS, bytes);
	} else if (pages < 0) {
		count_shared(COUNT_SHRUNK, -bytes);
	} else {
		count_shared(COUNT_SEEN, 1);
		count_shared(COUNT_SEEN_BYTES, bytes);
		count_shared(COUNT_LOST_SCRATCH, 1);
	}
}

/* An address space that is not followed, or not yet: this change is a part of what it begins with. */
static __always_inline void resident_first(struct mm_struct *mm)
{
	struct member *m;
	struct scratch *s;
	int is;

	if (bpf_get_current_task_btf()->mm != mm)
		return;
	m = member_known();
	is = m ? m->is : MEMBER_UNKNOWN;
	if (is == MEMBER_UNKNOWN) {
		s = scratch_get();
		if (!s)
			return;
		is = member_decide(s);
		scratch_put(s);
	}
	if (is == MEMBER_YES)
		resident_begin(mm);
}

/* TP_PROTO(struct mm_struct *mm, int member), include/trace/events/kmem.h */
SEC("tp_btf/rss_stat")
int BPF_PROG(on_resident, struct mm_struct *mm, int member)
{
	struct resident *r;
	struct scratch *s;
	__s64 pages;

	if (member == MEMBER_SWAP)
		return 0;
	r = resident_find(mm);
	if (!r) {
		resident_first(mm);
		return 0;
	}
	if (!*(volatile __u32 *)&r->ready)
		return 0;
	pages = resident_change(r, mm, member);
	if (!pages)
		return 0;
	if (!mm->mm_users.counter) {
		resident_ends(r, arch_space(mm), resident_counter(mm, 0), pages);
		return 0;
	}
	s = scratch_get();
	if (s) {
		resident_changed(s, mm, member, pages);
		scratch_put(s);
	} else {
		lost_change(mm, pages);
	}
	return 0;
}

#endif
