/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a program maps itself: calls of mmap, mremap, munmap, brk and sbrk of a C library. A table can hold blocks, but
 * not split ranges: each call that did something goes to user space as a struct map_event, which keeps the ranges
 * (user/trace/mapped.h). So does what an allocator maps for its heap; whose a mapping is, its stack says there.
 *
 * A range that is given up may be another thread's before munmap() returns: the event has both times.
 */
#ifndef ALLOCTRACE_MAPPED_BPF_H
#define ALLOCTRACE_MAPPED_BPF_H

#include "call.bpf.h"
#include "member.bpf.h"
#include "raw.bpf.h"
#include "stack.bpf.h"

/* include/uapi/linux/mman.h, include/uapi/asm-generic/mman-common.h */
#define MAP_FIXED 0x10
#define MAP_ANONYMOUS 0x20
#define MAP_HUGETLB 0x40000
#define MAP_HUGE_SHIFT 26
#define MREMAP_DONTUNMAP 4
#define HUGE_PAGE_BITS 21	/* by default */
#define PAGE_BITS 12
#define MAX_ERRNO 4095

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} map_events SEC(".maps");

#define MAP_CALLS_MAX 4	/* one, and those of signal handlers */

/* A call that has begun. */
struct map_call {
	__u64 sp;	/* where its return address is */
	__u64 stack;	/* id */
	__u64 begin_ns;
	__u64 args[4];
	__u64 end;	/* brk(): of the heap, as it was */
	__u32 call;	/* enum map_function */
	__u32 pad;
};

struct map_thread {
	__u32 n, pad;
	struct map_call at[MAP_CALLS_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct map_thread);
} map_threads SEC(".maps");

static __always_inline void map_send(struct scratch *s, struct map_event *e)
{
	__u64 wake = BPF_RB_NO_WAKEUP;
	__u32 tid;

	current_ids(&e->pid, &tid);
	e->space = current_space();
	e->end_ns = bpf_ktime_get_ns();
	if (bpf_ringbuf_query(&map_events, BPF_RB_AVAIL_DATA) > ring_wake_bytes)
		wake = BPF_RB_FORCE_WAKEUP;
	if (bpf_ringbuf_output(&map_events, e, sizeof(*e), wake))
		count(s, COUNT_LOST_MAP, 1);
}

/* Nothing can come of the call, or nothing that concerns anonymous memory. */
static __always_inline bool map_is_idle(const struct map_call *c)
{
	switch (c->call) {
	case MAP_MMAP:
		return !(c->args[3] & (MAP_ANONYMOUS | MAP_FIXED));
	case MAP_SBRK:
		return !c->args[0];
	default:
		return false;
	}
}

/* It may map something. */
static __always_inline bool map_needs_stack(const struct map_call *c)
{
	switch (c->call) {
	case MAP_MMAP:
		return c->args[3] & MAP_ANONYMOUS;
	case MAP_MREMAP:
		return true;
	case MAP_BRK:
		return c->args[0] > c->end;
	case MAP_SBRK:
		return (__s64)c->args[0] > 0;
	default:
		return false;
	}
}

static __always_inline __u64 end_of_heap(void)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct mm_struct *mm = task->mm;

	return mm ? mm->brk : 0;
}

/* Calls deeper in the stack have ended, if unseen. */
static __always_inline void map_push(struct map_thread *t, const struct map_call *c)
{
	for (int i = 0; i < MAP_CALLS_MAX; i++) {
		if (!t->n || t->n > MAP_CALLS_MAX || t->at[MASKED(t->n - 1, MAP_CALLS_MAX - 1)].sp > c->sp)
			break;
		t->n--;
	}
	if (t->n >= MAP_CALLS_MAX)
		t->n = 0;
	t->at[MASKED(t->n++, MAP_CALLS_MAX - 1)] = *c;
}

/* The call whose return address was at sp; NULL: it isn't followed. */
static __always_inline struct map_call *map_pop(struct map_thread *t, __u64 sp)
{
	for (int i = 0; i < MAP_CALLS_MAX; i++) {
		struct map_call *c;

		if (!t->n || t->n > MAP_CALLS_MAX)
			break;
		c = &t->at[MASKED(t->n - 1, MAP_CALLS_MAX - 1)];
		if (c->sp > sp)
			break;
		t->n--;
		if (c->sp == sp)
			return c;
	}
	return NULL;
}

/* False: its return need not be seen. */
static __always_inline bool map_begins(struct scratch *s, struct pt_regs *ctx, __u64 cookie)
{
	const struct probe_info *info = probe_info(cookie);
	struct map_call c = {.begin_ns = bpf_ktime_get_ns(), .sp = return_slot(ctx, cookie)};
	struct map_thread *t;

	if (!info)
		return false;
	if (info->map_stepped)
		count(s, COUNT_STEPPED, 1);
	c.call = info->map;
	for (int i = 0; i < 4; i++)
		c.args[i] = info->map_args[i] != NO_PLACE ? place_get(ctx, cookie, info->map_args[i]) : 0;
	if (c.call == MAP_BRK)
		c.end = end_of_heap();
	if (map_is_idle(&c))
		return false;
	if (map_needs_stack(&c)) {
		if (usdt)
			s->walk.inside = 0;
		walk_begin(s, c.sp, false);
		walk(s, ctx, c.sp, cookie);
		if (!stack_find(s)) {
			count(s, COUNT_LOST_MAP, 1);
			return false;
		}
		c.stack = s->rec.id;
	}
	t = bpf_task_storage_get(&map_threads, bpf_get_current_task_btf(), NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!t) {
		count(s, COUNT_LOST_MAP, 1);
		return false;
	}
	map_push(t, &c);
	return true;
}

static __always_inline __u64 whole_pages(__u64 bytes, __u32 bits)
{
	const __u64 less = (1ULL << bits) - 1;

	return (bytes + less) & ~less;
}

static __always_inline __u32 page_bits(__u64 flags)
{
	const __u32 bits = flags >> MAP_HUGE_SHIFT & 63;

	return !(flags & MAP_HUGETLB) ? PAGE_BITS : bits ? bits : HUGE_PAGE_BITS;
}

static __always_inline void map_mapped(const struct map_call *c, __u64 addr, struct map_event *e)
{
	const __u64 bytes = whole_pages(c->args[1], page_bits(c->args[3]));

	if (c->args[3] & MAP_ANONYMOUS) {
		e->addr = addr;
		e->bytes = bytes;
		e->anonymous = MAP_ANONYMOUS_YES;
		return;
	}
	/* A file over what may have been anonymous. */
	e->old = addr;
	e->old_bytes = bytes;
}

static long map_vma(struct task_struct *task, struct vm_area_struct *vma, void *arg)
{
	*(__u32 *)arg = vma->vm_file ? MAP_ANONYMOUS_NO : MAP_ANONYMOUS_YES;
	return 0;
}

static __always_inline void map_moved(const struct map_call *c, __u64 addr, struct map_event *e)
{
	__u32 anonymous = MAP_ANONYMOUS_UNKNOWN;

	if (ask_kernel)
		bpf_find_vma(bpf_get_current_task_btf(), addr, map_vma, &anonymous, 0);
	e->anonymous = anonymous;
	e->addr = addr;
	e->bytes = whole_pages(c->args[2], PAGE_BITS);
	e->old = c->args[0];
	e->old_bytes = whole_pages(c->args[1], PAGE_BITS);
	/* Without an old length, shared memory is mapped once more. */
	e->keeps_old = !c->args[1] || c->args[3] & MREMAP_DONTUNMAP;
}

static __always_inline void map_resized(__u64 from, __u64 to, struct map_event *e)
{
	if (to > from) {
		e->addr = from;
		e->bytes = to - from;
		e->anonymous = MAP_ANONYMOUS_YES;
	} else {
		e->old = to;
		e->old_bytes = from - to;
	}
}

/* What the call has done. */
static __always_inline void map_ended(const struct map_call *c, __u64 result, struct map_event *e)
{
	const bool failed = result >= (__u64)-MAX_ERRNO;

	switch (c->call) {
	case MAP_MMAP:
		if (!failed)
			map_mapped(c, result, e);
		break;
	case MAP_MREMAP:
		if (!failed)
			map_moved(c, result, e);
		break;
	case MAP_MUNMAP:
		if (!(__u32)result) {
			e->old = c->args[0];
			e->old_bytes = whole_pages(c->args[1], PAGE_BITS);
		}
		break;
	case MAP_BRK:
		if (!(__u32)result)
			map_resized(c->end, c->args[0], e);
		break;
	case MAP_SBRK:	/* it returns the old end */
		if (!failed)
			map_resized(result, result + c->args[0], e);
		break;
	}
}

static __always_inline void map_returns(struct scratch *s, struct pt_regs *ctx)
{
	struct map_thread *t = bpf_task_storage_get(&map_threads, bpf_get_current_task_btf(), NULL, 0);
	struct map_event e = {};
	const struct map_call *c;

	c = t ? map_pop(t, arch_returned_slot(ctx)) : NULL;
	if (!c)
		return;
	e.begin_ns = c->begin_ns;
	e.stack = c->stack;
	map_ended(c, arch_result(ctx), &e);
	if (e.bytes || e.old_bytes)
		map_send(s, &e);
}

static __always_inline bool map_enter(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx);
	struct scratch *s = scratch_get();
	bool wanted = false;

	if (!s) {
		if (hit_counts_shared())
			count_shared(COUNT_LOST_MAP, 1);
		return false;
	}
	if (hit_counts(s))
		wanted = map_begins(s, ctx, cookie);
	scratch_put(s);
	return wanted;
}

/* Without a slot, the call is lost: nothing else is known of it. */
static __always_inline void map_leave(struct pt_regs *ctx)
{
	struct scratch *s = scratch_get();

	if (!s) {
		if (hit_counts_shared())
			count_shared(COUNT_LOST_MAP, 1);
		return;
	}
	if (hit_counts(s))
		map_returns(s, ctx);
	scratch_put(s);
}

/* As on_call(), on_enter() and on_return(). */
SEC("uprobe")
int on_map(struct pt_regs *ctx)
{
	if (bpf_session_is_return()) {
		map_leave(ctx);
		return 0;
	}
	return map_enter(ctx) ? 0 : 1;
}

SEC("uprobe")
int on_map_enter(struct pt_regs *ctx)
{
	map_enter(ctx);
	return 0;
}

SEC("uretprobe")
int on_map_return(struct pt_regs *ctx)
{
	map_leave(ctx);
	return 0;
}

#endif
