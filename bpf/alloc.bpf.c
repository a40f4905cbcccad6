// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The programs on the allocator functions. What a function's registers mean is data, in the probe's cookie (shared.h).
 *
 *   hit -> size -> nested? -> filter -> sample? -> walk the stack, hashing it -> first time: send its frames to user space
 *       -> add to the stack's sum, at once or, where blocks are followed, at the call's return
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#include "shared.h"
#include "unwind_map.h"
#include "state.bpf.h"
#include "ids.bpf.h"
#include "retprobe.bpf.h"
#include "walk.bpf.h"
#include "memo.bpf.h"
#include "unwind.bpf.h"

char LICENSE[] SEC("license") = "GPL";

extern bool bpf_session_is_return(void) __ksym __weak;

const volatile __u64 pidns_dev = 0, pidns_ino = 0;

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

/* A call from another allocator function of the same file: the return address tells. */
static __always_inline bool in_nest(__u64 cookie, __u64 ip, __u64 ret)
{
	const struct probe_info *info = probe_info(cookie);
	__s64 delta = ret - ip;

	if (!info)
		return false;
	for (int i = 0; i < NEST_MAX; i++)
		if (delta >= info->nests[i].from && delta < info->nests[i].to)
			return true;
	return false;
}

/*
 * A call from an allocator function of another file (a preloaded wrapper): either the return address lies in one of
 * them, or one of them jumped here, so that this thread's last event came from another file with the same return
 * address at the same place.
 */
static __always_inline bool in_wrapper(__u64 cookie, __u64 sp, __u64 ret)
{
	struct bodies *b;
	__u32 pid, tid, module = cookie >> COOKIE_MODULE_SHIFT;
	struct last_event *last;

	current_ids(&pid, &tid);
	b = bpf_map_lookup_elem(&wrappers, &pid);
	if (!b)
		return false;
	for (int i = 0; i < BODIES_MAX; i++) {
		if (i >= b->n)
			break;
		if (ret >= b->at[i].from && ret < b->at[i].to)
			return true;
	}
	last = bpf_task_storage_get(&last_events, bpf_get_current_task_btf(), NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!last)
		return false;
	if (last->sp == sp && last->ret == ret && last->module != module) {
		last->sp = 0;
		return true;
	}
	last->sp = sp;
	last->ret = ret;
	last->module = module;
	return false;
}

/* Sends the frames of a stack that was not sent before. A full ring is no loss yet: the next call tries again. */
static __noinline void send_stack(struct scratch *s, struct stack_sum *sum)
{
	__u32 n = s->rec.n, size;
	__u64 wake = BPF_RB_NO_WAKEUP;

	if (n > STACK_MAX_FRAMES)
		return;
	size = __builtin_offsetof(struct stack_frames, frames) + n * sizeof(__u64);
	if (__sync_val_compare_and_swap(&sum->sent, 0, 1) != 0)
		return;
	memo_frames(s);
	s->rec.time_ns = bpf_ktime_get_ns();
	bpf_get_current_comm(s->rec.name, 16);
	s->rec.name[16] = 0;
	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > ring_wake_bytes)
		wake = BPF_RB_FORCE_WAKEUP;
	if (bpf_ringbuf_output(&ring, &s->rec, size, wake)) {
		sum->sent = 0;
		count(s, COUNT_RING_FULL, 1);
	}
}

/* Sends a stack that broke off at an unknown mapping, with its memory. False: it can't be sent. */
static __noinline bool send_raw(struct scratch *s, __u64 bytes)
{
	__u32 n, cpu = bpf_get_smp_processor_id();
	__u64 at = s->cursor.sp;
	struct stack_raw *raw = bpf_map_lookup_elem(&raws, &cpu);
	bool sent;

	if (!raw || raw_left <= 0 || __sync_fetch_and_add(&raw_left, -1) <= 0 ||
	    __sync_val_compare_and_swap(&raw->busy, 0, 1) != 0)
		return false;
	memo_frames(s);
	s->rec.time_ns = bpf_ktime_get_ns();
	bpf_get_current_comm(s->rec.name, 16);
	s->rec.name[16] = 0;
	bpf_probe_read_kernel(&raw->rec, sizeof(raw->rec), &s->rec);
	raw->rec.end = WALK_RAW;
	raw->bytes = bytes;
	raw->pc = s->cursor.pc;
	raw->sp = at;
	raw->bp = s->cursor.bp;
	raw->bp_known = s->cursor.bp_known;
	/* What the loop finds goes to memory: in registers, Linux 6.1 would look at every combination of pages. */
	raw->present = 0;
	raw->n_stack = 0;
	for (__u32 i = 0; i < RAW_PAGES; i++) {
		if (bpf_probe_read_user(raw->stack + i * RAW_PAGE_BYTES, RAW_PAGE_BYTES,
					(void *)(at & ~(RAW_PAGE_BYTES - 1ULL)) + i * RAW_PAGE_BYTES))
			continue;
		*(volatile __u32 *)&raw->present |= 1u << i;
		*(volatile __u32 *)&raw->n_stack = (i + 1) * RAW_PAGE_BYTES;
	}
	if (s->trampoline)
		retprobe_mend_copy(raw, at & ~(RAW_PAGE_BYTES - 1ULL));
	n = *(volatile __u32 *)&raw->n_stack;
	if (n > sizeof(raw->stack))
		n = 0;
	sent = !bpf_ringbuf_output(&ring, raw, __builtin_offsetof(struct stack_raw, stack) + n,
				   BPF_RB_FORCE_WAKEUP);
	__sync_lock_test_and_set(&raw->busy, 0);
	return sent;
}

#include "account.bpf.h"
#include "blocks.bpf.h"

/* The size that the call asks for; false: more than there can be. */
static __always_inline bool call_bytes(const struct pt_regs *ctx, __u64 cookie, __u64 *bytes)
{
	__u64 n, most;

	*bytes = reg_get(ctx, cookie);
	if (!(cookie & COOKIE_HAS_COUNT))
		return true;
	n = reg_get(ctx, cookie >> COOKIE_COUNT_SHIFT);
	most = n ? ~0ULL / n : ~0ULL;
	asm volatile("" : "+r"(most));	/* or clang makes it a 128-bit product, which BPF has not */
	if (*bytes > most)
		return false;
	*bytes *= n;
	return true;
}

/*
 * A call as it begins: *call is what is to be recorded of it, weight 0: nothing. False: it is none, but part of another
 * allocator function's; or it can only fail.
 */
static __always_inline bool call_seen(struct scratch *s, struct pt_regs *ctx, __u64 cookie, __u64 sp,
				      struct call *call)
{
	bool has_begun = (cookie & COOKIE_HAS_NESTS) || check_wrappers;

	call->weight = 0;
	if (!call_bytes(ctx, cookie, &call->bytes)) {
		count(s, COUNT_FAILED, 1);
		return false;
	}
	if ((cookie & COOKIE_HAS_SKIP) && is_skipped(ctx, cookie)) {
		count(s, COUNT_NESTED, 1);
		return false;
	}
	if (has_begun) {
		walk_begin(s, sp);
		if (((cookie & COOKIE_HAS_NESTS) && in_nest(cookie, ctx->ip, s->ret)) ||
		    (check_wrappers && in_wrapper(cookie, sp, s->ret))) {
			count(s, COUNT_NESTED, 1);
			return false;
		}
	}
	if (call->bytes < min_size || call->bytes > max_size) {
		count(s, COUNT_FILTERED, 1);
		goto not_recorded;
	}
	call->weight = sample_call(s, call->bytes);
	if (!call->weight) {
		count(s, COUNT_UNSAMPLED, 1);
		goto not_recorded;
	}
	if (!has_begun)
		walk_begin(s, sp);
	walk(s, ctx, sp, cookie);
	call->stack = s->rec.id;
	return true;
not_recorded:
	count(s, COUNT_SEEN, 1);
	count(s, COUNT_SEEN_BYTES, call->bytes);
	return true;
}

static __always_inline __u64 return_slot(const struct pt_regs *ctx, __u64 cookie)
{
	return ctx->sp + ((cookie >> COOKIE_PUSHED_SHIFT) & 0xff) * 8;
}

/* By the entry alone: the call is taken to succeed. */
static __always_inline void on_entry_alone(struct scratch *s, struct pt_regs *ctx, __u64 cookie)
{
	struct stack_sum *sum;
	struct call call;

	if (!call_seen(s, ctx, cookie, return_slot(ctx, cookie), &call) || !call.weight)
		return;
	count(s, COUNT_SEEN, 1);
	count(s, COUNT_SEEN_BYTES, call.bytes);
	if (s->rec.end == WALK_UNMAPPED && !follow_blocks && sample_all && !governed && send_raw(s, call.bytes)) {
		count(s, COUNT_RECORDED, 1);
		return;
	}
	sum = stack_entry(s);
	if (!sum)
		return;
	account_alloc(s, sum, &call);
	if (follow_blocks) {
		count(s, COUNT_UNFOLLOWED, 1);
		sum_add(&sum->freed, call.bytes, call.weight);
	}
}

/* Where blocks are followed. True: the return has to be seen. */
static __always_inline bool on_entry(struct scratch *s, struct pt_regs *ctx, __u64 cookie)
{
	__u64 sp = return_slot(ctx, cookie);
	const struct probe_info *info;
	struct call call;

	if (!call_seen(s, ctx, cookie, sp, &call))
		return false;
	if (!call.weight)
		current_ids(&s->rec.pid, &s->rec.tid);
	else if (!stack_entry(s)) {
		count(s, COUNT_SEEN, 1);
		count(s, COUNT_SEEN_BYTES, call.bytes);
		call.weight = 0;
	}
	info = probe_info(cookie);
	return info && call_begins(s, ctx, cookie, sp, &call, info);
}

/* Where a call has no slot its stack is lost, and it can't be told whether it is nested; most are not. */
static __noinline void lost_call(struct pt_regs *ctx, __u64 cookie)
{
	__u64 bytes;

	count_shared(COUNT_HITS, 1);
	if (!call_bytes(ctx, cookie, &bytes)) {
		count_shared(COUNT_FAILED, 1);
		return;
	}
	count_shared(COUNT_SEEN, 1);
	count_shared(COUNT_SEEN_BYTES, bytes);
	count_shared(COUNT_LOST_SCRATCH, 1);
}

SEC("uprobe")
int on_alloc(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx);
	struct scratch *s = scratch_get();

	if (!s) {
		lost_call(ctx, cookie);
		return 0;
	}
	count(s, COUNT_HITS, 1);
	if (is_off())
		count(s, COUNT_OFF, 1);
	else
		on_entry_alone(s, ctx, cookie);
	scratch_put(s);
	return 0;
}

static __always_inline bool enter(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx);
	struct scratch *s = scratch_get();
	bool wanted = false;

	if (!s) {
		lost_call(ctx, cookie);
		return false;
	}
	count(s, COUNT_HITS, 1);
	if (is_off())
		count(s, COUNT_OFF, 1);
	else
		wanted = on_entry(s, ctx, cookie);
	scratch_put(s);
	return wanted;
}

/* A return that finds no slot stays pending until the thread's next call. */
static __always_inline void leave(struct pt_regs *ctx)
{
	struct scratch *s = scratch_get();

	if (!s)
		return;
	count(s, COUNT_HITS, 1);
	if (is_off())
		count(s, COUNT_OFF, 1);
	else
		call_returns(s, ctx);
	scratch_put(s);
}

/* A uprobe session (6.13): at the entry, and at the return of those calls for which the entry says 0. */
SEC("uprobe")
int on_call(struct pt_regs *ctx)
{
	if (bpf_session_is_return()) {
		leave(ctx);
		return 0;
	}
	return enter(ctx) ? 0 : 1;
}

/* The two ends as two probes, where there is no session. */
SEC("uprobe")
int on_enter(struct pt_regs *ctx)
{
	enter(ctx);
	return 0;
}

SEC("uretprobe")
int on_return(struct pt_regs *ctx)
{
	leave(ctx);
	return 0;
}

SEC("uprobe")
int on_free(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx);
	struct scratch *s = scratch_get();

	if (!s) {
		count_shared(COUNT_HITS, 1);
		count_shared(COUNT_LOST_FREE, 1);
		return 0;
	}
	count(s, COUNT_HITS, 1);
	if (is_off())
		count(s, COUNT_OFF, 1);
	else
		free_begins(s, ctx, cookie);
	scratch_put(s);
	return 0;
}

/* What a probe costs that does nothing: the floor that the benchmark compares with. */
SEC("uprobe")
int on_nothing(struct pt_regs *ctx)
{
	return 0;
}

/* The same at both ends of a call. */
SEC("uprobe")
int on_nothing_session(struct pt_regs *ctx)
{
	return 0;
}
