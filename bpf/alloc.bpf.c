// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The programs on the allocator functions. What a function's registers mean is data, in the probe's cookie (shared.h).
 *
 *   hit -> size -> nested? -> filter -> sample? -> walk the stack, hashing it -> first time: send its frames
 *       -> add to the stack's sum, at once or, where blocks are followed, at the call's return
 */
#include "call.bpf.h"
#include "kmem.bpf.h"
#include "mapped.bpf.h"
#include "member.bpf.h"
#include "nest.bpf.h"
#include "raw.bpf.h"
#include "resident.bpf.h"
#include "returns.bpf.h"
#include "sampling.bpf.h"
#include "stack.bpf.h"

char LICENSE[] SEC("license") = "GPL";

const volatile __u64 pidns_dev = 0, pidns_ino = 0;

/*
 * A call as it begins: *call is what is to be recorded of it, weight 0: nothing. False: it is none, but part of another
 * allocator function's; or it can only fail.
 */
static __always_inline bool call_seen(struct scratch *s, struct pt_regs *ctx, __u64 cookie, __u64 sp,
				      struct call *call)
{
	__u64 weighted = 0;

	call->weight = 0;
	s->nest.adopts = 0;
	if (usdt)
		s->walk.inside = 0;
	if (is_other_way(cookie))
		return false;
	if (is_usdt(cookie)) {
		s->walk.inside = arch_pc(ctx) + 1;
		if (!usdt_arg(ctx, cookie, USDT_WEIGHT, &weighted) || !call_bytes(ctx, cookie, &call->bytes)) {
			count_seen(s, 0);
			count(s, COUNT_LOST_ARGS, 1);
			return false;
		}
	}
	if (!call_bytes(ctx, cookie, &call->bytes)) {
		count(s, COUNT_FAILED, 1);
		return false;
	}
	if ((cookie & COOKIE_TYPED) && !call->bytes)
		return false;
	if ((cookie & COOKIE_HAS_SKIP) && is_skipped(ctx, cookie)) {
		count(s, COUNT_NESTED, 1);
		return false;
	}
	s->window.bytes = 0;
	s->nest.judged.bytes = call->bytes;
	if (is_nested(s, ctx, cookie, sp)) {
		count(s, COUNT_NESTED, 1);
		return false;
	}
	if (call->bytes < min_size || call->bytes > max_size) {
		count(s, COUNT_FILTERED, 1);
		count(s, COUNT_FILTERED_BYTES, call->bytes);
		goto not_recorded;
	}
	if (is_usdt(cookie))
		call->weight = sample_of_usdt(s, call->bytes, weighted);
	else if (is_sampler(cookie))
		call->weight = sample_of_go(s, ctx, cookie, call->bytes);
	else
		call->weight = sample_call(s, call->bytes);
	if (!call->weight) {
		count(s, COUNT_UNSAMPLED, 1);
		goto not_recorded;
	}
	if (!s->window.bytes)
		walk_begin(s, sp, false);
	walk(s, ctx, sp, cookie);
	return true;
not_recorded:
	count_seen(s, call->bytes);
	return true;
}

/* The block of a sample that a USDT probe told of. False: it is lost, which is counted. */
static __always_inline bool sample_put(struct scratch *s, const struct pt_regs *ctx, __u64 cookie,
				       const struct call *call)
{
	struct block b = {
		.stack = call->stack, .bytes = call->bytes, .weight = call->weight, .generation = generation,
		.time_ns = bpf_ktime_get_ns(),
	};

	if (!block_put(s, call_block(ctx, cookie), &b))
		return false;
	heap_grow(sample_bytes(b.bytes, b.weight), b.time_ns);
	return true;
}

/* By the entry alone: the call is taken to succeed. */
static __always_inline void on_entry_alone(struct scratch *s, struct pt_regs *ctx, __u64 cookie)
{
	struct stack_sum *sum;
	struct call *call = &s->now.call;

	if (!call_seen(s, ctx, cookie, return_slot(ctx, cookie), call) || !call->weight)
		return;
	count_seen(s, call->bytes);
	sum = stack_entry(s);
	if (!sum)
		return;
	call->stack = s->rec.id;
	if (follow_blocks && is_usdt(cookie) && !sample_put(s, ctx, cookie, call))
		return;
	account_alloc(s, sum, call);
	if (follow_blocks && !is_usdt(cookie)) {
		count(s, COUNT_UNFOLLOWED, 1);
		sum_add(&sum->freed, call->bytes, call->weight);
		if (cookie & COOKIE_OUTER)
			nest_open(call);
	}
}

/* Where blocks are followed. True: the return has to be seen. */
static __always_inline bool on_entry(struct scratch *s, struct pt_regs *ctx, __u64 cookie)
{
	__u64 sp = return_slot(ctx, cookie);
	const struct probe_info *info;
	struct call *call = &s->now.call;

	if (!call_seen(s, ctx, cookie, sp, call)) {
		info = s->nest.adopts ? probe_info(cookie) : NULL;
		return info && adopt(s, ctx, cookie, sp, call->bytes, info);
	}
	if (call->weight && stack_entry(s)) {
		call->stack = s->rec.id;
	} else if (call->weight) {
		count_seen(s, call->bytes);
		call->weight = 0;
	}
	info = probe_info(cookie);
	return info && call_begins(s, ctx, cookie, sp, call, info);
}

/*
 * Without a slot the block is taken out all the same, or it would be a leak that is none. The slot that all share takes
 * what there may be to count of a full table.
 */
static __always_inline void give_up_unslotted(__u64 addr)
{
	__u32 last = n_scratch - 1;
	struct scratch *s = bpf_map_lookup_elem(&scratches, &last);
	struct block b;

	if (!s || !addr)
		return;
	if (!block_take(addr, &b))
		return;
	count_shared(COUNT_FREES, 1);
	block_freed(s, &b, false);
}

/* Of a process that tells of its own samples, or of one that does not, in a run that has both: blocks are not followed
 * there (kern_uses_usdt()). */
static __always_inline bool is_of_others(__u64 cookie)
{
	/* No sample stands for calls of Go's runtime. */
	if (!wide || !usdt || cookie & COOKIE_TYPED)
		return false;
	if (is_teller(bpf_get_current_task_btf()->group_leader))
		return !is_usdt(cookie);
	/* It is one from now on, if user space has not seen it yet: no call of its allocator was recorded. */
	if ((cookie & (COOKIE_USDT | COOKIE_USDT_ALONE)) == (COOKIE_USDT | COOKIE_USDT_ALONE)) {
		set_teller(bpf_get_current_task_btf()->group_leader);
		return false;
	}
	return is_usdt(cookie);
}

/*
 * Where a call has no slot its stack is lost, and it cannot be determined whether it is nested; most are not. Nor
 * whether a realloc() fails; most do not.
 */
static __noinline void lost_call(struct pt_regs *ctx, __u64 cookie)
{
	const struct probe_info *info;
	__u64 bytes;

	if (!hit_counts_shared() || is_of_others(cookie))
		return;
	if (!call_bytes(ctx, cookie, &bytes)) {
		count_shared(COUNT_FAILED, 1);
		return;
	}
	if ((cookie & COOKIE_TYPED) && !bytes)
		return;
	count_shared(COUNT_SEEN, 1);
	count_shared(COUNT_SEEN_BYTES, bytes);
	count_shared(COUNT_LOST_SCRATCH, 1);
	info = follow_blocks ? probe_info(cookie) : NULL;
	if (info && info->old != NO_PLACE)
		give_up_unslotted(place_get(ctx, cookie, info->old));
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
	if (hit_counts(s) && !is_of_others(cookie))
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
	if (hit_counts(s))
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
	if (hit_counts(s))
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

static __noinline void lost_free(struct pt_regs *ctx, __u64 cookie)
{
	if (hit_counts_shared())
		give_up_unslotted(call_block(ctx, cookie));
}

SEC("uprobe")
int on_free(struct pt_regs *ctx)
{
	__u64 cookie = bpf_get_attach_cookie(ctx);
	struct scratch *s = scratch_get();

	if (!s) {
		lost_free(ctx, cookie);
		return 0;
	}
	if (hit_counts(s))
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
