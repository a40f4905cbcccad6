/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that the kernel itself allocates, by the kernel stack. No function is probed: the kernel has tracepoints.
 *
 *     kmalloc, kmem_cache_alloc, mm_page_alloc -> of a traced task? -> sample? -> kernel stack -> sum, and block
 *     kfree, kmem_cache_free, mm_page_free     -> a block that is known? whoever frees it
 *
 * What a slab consists of is pages, and a large kmalloc is: whether pages are for that shows on the stack alone. Pages
 * that can be moved are of processes and files: resident.bpf.h.
 */
#ifndef ALLOCTRACE_KMEM_BPF_H
#define ALLOCTRACE_KMEM_BPF_H

#include "blocks.bpf.h"
#include "kmem_stack.bpf.h"
#include "member.bpf.h"
#include "raw.bpf.h"
#include "sampling.bpf.h"
#include "sums.bpf.h"

#define GFP_MOVABLE 8		/* ___GFP_MOVABLE, include/linux/gfp_types.h */
#define NO_BLOCK 16		/* ZERO_SIZE_PTR */
#define INNER_FRAMES 12		/* from a tracepoint outward to who asked for pages */

/* Set before loading: the code that allocates pages for slabs, and for memory of BPF maps in BPF programs. */
const volatile struct kmem_ranges kmem_slab = {}, kmem_own = {};
/* The first where an interrupt has come in. */
const volatile struct kmem_range kmem_entry = {};

/* The verifier lets a program read an argument that is a pointer to const void: not that of 6.12. */
const volatile bool kmem_reads_args = false;

/* By CPU and program. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);	/* user space reads the counters in place */
	__type(key, __u32);
	__type(value, struct kmem_lane);
} kmem_lanes SEC(".maps");

/*
 * How many live blocks have an address with this hash. Where it is none, which is most often so, what is freed is no
 * block of ours. Counted before the block is in the table, and until it is out of it.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);	/* 1 << KMEM_HASH_BITS, where blocks are followed */
	__type(key, __u32);
	__type(value, __u64);
} kmem_live SEC(".maps");

static __always_inline __u64 *live_at(__u64 addr)
{
	const __u32 i = addr * 0x9e3779b97f4a7c15ULL >> (64 - KMEM_HASH_BITS);

	return bpf_map_lookup_elem(&kmem_live, &i);
}

static __always_inline void live_add(__u64 addr, __s64 n)
{
	__u64 *live = live_at(addr);

	if (live)
		__sync_fetch_and_add(live, n);
}

/* Argument i, a number. In assembly, since the verifier takes no address that clang has added something to before. */
#define POINTER_ARG(ctx, i) ({ \
	__u64 value_ = 0; \
	if (kmem_reads_args) \
		asm volatile("%0 = *(u64 *)(%1 + %2)" : "=r"(value_) : "r"(ctx), "i"((i) * 8)); \
	else \
		bpf_probe_read_kernel(&value_, sizeof(value_), (const __u64 *)(ctx) + (i)); \
	value_; \
})

/* Argument 0, the address of a structure, which the verifier lets nobody calculate with. */
static __always_inline __u64 page_arg(const void *ctx)
{
	__u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), ctx);
	return value;
}

static __always_inline bool in_range(const volatile struct kmem_range *r, __u64 addr)
{
	return addr - r->from < r->bytes;
}

static __always_inline bool in_ranges(const volatile struct kmem_ranges *r, __u64 addr)
{
	if (!in_range(&r->all, addr))
		return false;
	for (int i = 0; i < KMEM_RANGES; i++)
		if (in_range(&r->at[i], addr))
			return true;
	return false;
}

/* As block_put(). */
static __always_inline bool kmem_put(struct scratch *s, __u64 addr, const struct block *b)
{
	const __u64 replaced = s->slot.counts[COUNT_REPLACED];
	bool is_put;

	live_add(addr, 1);
	is_put = block_put(s, addr, b);
	if (!is_put)
		live_add(addr, -1);
	if (s->slot.counts[COUNT_REPLACED] != replaced)
		live_add(addr, -1);
	return is_put;
}

/* A sample, of call->bytes. Its block is in nobody's hands yet. */
static __noinline void kmem_sampled(struct scratch *s, __u64 addr)
{
	struct call *call = &s->now.call;
	struct block b = {
		.bytes = call->bytes, .weight = call->weight, .generation = generation,
	};
	struct stack_sum *sum = stack_entry(s);

	if (!sum)
		return;
	call->stack = b.stack = s->rec.id;
	if (follow_blocks) {
		b.time_ns = bpf_ktime_get_ns();
		if (!kmem_put(s, addr, &b))
			return;
	}
	account_alloc(s, sum, call);
	if (follow_blocks)
		heap_grow(sample_bytes(b.bytes, b.weight), b.time_ns);
}

/* Weight of the event if it is a sample, or 0. Every program draws for itself, which is as good: see sample.h. */
static __noinline __u64 kmem_sample(struct kmem_lane *lane, __u64 bytes)
{
	const __u64 law = *(volatile __u64 *)&sample_law, length = sample_length(bytes, law);
	const __u64 mean = SAMPLE_LAW_MEAN(law);

	if (sample_all)
		return SAMPLE_ONE;
	if (lane->law != law) {
		lane->law = law;
		lane->left = sample_gap(bpf_get_prandom_u32(), mean);
	}
	if (lane->left > length) {
		lane->left -= length;
		return 0;
	}
	lane->left = sample_gap(bpf_get_prandom_u32(), mean);
	return sample_weight(length, mean);
}

/* An event of a traced task. True: it is a sample. */
static __always_inline bool kmem_seen(struct scratch *s, struct kmem_lane *lane, __u64 bytes)
{
	struct call *call = &s->now.call;

	count_seen(s, bytes);
	if (bytes < min_size || bytes > max_size) {
		count(s, COUNT_FILTERED, 1);
		count(s, COUNT_FILTERED_BYTES, bytes);
		return false;
	}
	call->bytes = bytes;
	call->weight = kmem_sample(lane, bytes);
	if (call->weight)
		return true;
	count(s, COUNT_UNSAMPLED, 1);
	return false;
}

static __always_inline struct kmem_lane *lane_get(enum kmem_program program)
{
	const __u32 i = bpf_get_smp_processor_id() * KMEM_PROGRAMS + program;

	return bpf_map_lookup_elem(&kmem_lanes, &i);
}

/* The task of the last event is the current one's, and is what it was. */
static __always_inline bool lane_holds(const struct kmem_lane *lane, const struct task_struct *task)
{
	return lane->task == (__u64)bpf_get_current_task() && lane->start == task->start_time &&
	       lane->exec == (__u32)task->self_exec_id + 1 && lane->uid == task->cred->euid.val &&
	       lane->epoch == *(volatile __u32 *)&member_epoch;
}

/* So that the next event of this task is decided without a look-up. */
static __always_inline void lane_keep(struct kmem_lane *lane)
{
	const struct task_struct *task = bpf_get_current_task_btf();
	const struct member *m = member_known();

	if (!m || m->is == MEMBER_UNKNOWN) {
		lane->task = 0;
		return;
	}
	lane->task = bpf_get_current_task();
	lane->start = task->start_time;
	lane->exec = m->exec;
	lane->uid = m->uid;
	lane->epoch = *(volatile __u32 *)&member_epoch;
	lane->is = is_own(m) ? MEMBER_UNKNOWN : m->is;
}

static __always_inline bool lane_takes_others(struct kmem_lane *lane)
{
	if (is_off() || !lane_holds(lane, bpf_get_current_task_btf()) || lane->is != MEMBER_NO)
		return false;
	lane->others++;
	return true;
}

/* Most events by far are no samples, or others': they are done with here. */
static __always_inline bool lane_takes(struct kmem_lane *lane, __u64 addr, __u64 bytes)
{
	const __u64 law = *(volatile __u64 *)&sample_law, length = sample_length(bytes, law);

	if (is_off() || !lane_holds(lane, bpf_get_current_task_btf()))
		return false;
	if (lane->is == MEMBER_NO) {
		lane->others++;
		return true;
	}
	if (lane->is != MEMBER_YES || sample_all || !addr || bytes < min_size || bytes > max_size ||
	    lane->law != law || lane->left <= length)
		return false;
	lane->left -= length;
	lane->seen++;
	lane->seen_bytes += bytes;
	return true;
}

static __noinline void kmem_lost(__u64 bytes)
{
	if (!hit_counts_shared())
		return;
	count_shared(COUNT_SEEN, 1);
	count_shared(COUNT_SEEN_BYTES, bytes);
	count_shared(COUNT_LOST_SCRATCH, 1);
}

/* An event that is to be looked at. */
static __always_inline bool kmem_counts(struct scratch *s, struct kmem_lane *lane, __u64 addr, __u64 caller)
{
	const bool counts = hit_counts(s);

	lane_keep(lane);
	if (!counts)
		return false;
	if (!addr) {
		count(s, COUNT_FAILED, 1);
		return false;
	}
	if (!in_ranges(&kmem_own, caller))
		return true;
	count(s, COUNT_OWN, 1);
	return false;
}

static __always_inline void kmalloc_seen(void *ctx, struct kmem_lane *lane, __u64 caller, __u64 addr, __u64 bytes)
{
	struct scratch *s = scratch_get();

	if (!s) {
		kmem_lost(bytes);
		return;
	}
	if (kmem_counts(s, lane, addr, caller) && kmem_seen(s, lane, bytes)) {
		kmem_stack(s, ctx, KMEM_KMALLOC, kmalloc_type(s, addr, bytes), caller);
		kmem_sampled(s, addr);
	}
	scratch_put(s);
}

/* TP_PROTO(unsigned long call_site, const void *ptr, size_t bytes_req, size_t bytes_alloc, gfp_t gfp_flags, int node),
 * include/trace/events/kmem.h, since 6.1 */
SEC("tp_btf/kmalloc")
int BPF_PROG(on_kmalloc, unsigned long call_site, const void *ptr, size_t bytes_req, size_t bytes_alloc)
{
	struct kmem_lane *lane = lane_get(KMEM_ON_KMALLOC);
	const __u64 addr = POINTER_ARG(ctx, 1);

	if (!lane || (!in_ranges(&kmem_own, call_site) && lane_takes(lane, addr, bytes_alloc)))
		return 0;
	*(volatile __u64 *)&lane->busy = 1;
	kmalloc_seen(ctx, lane, call_site, addr, bytes_alloc);
	*(volatile __u64 *)&lane->busy = 0;
	return 0;
}

/*
 * The kernel does not run a program within itself. But entries of maps come from a stock that is filled by an interrupt
 * right after one was taken, while the program is still at work: so what comes then is another program's.
 */
SEC("tp_btf/kmalloc")
int BPF_PROG(on_kmalloc_within, unsigned long call_site, const void *ptr, size_t bytes_req, size_t bytes_alloc)
{
	const struct kmem_lane *outer = lane_get(KMEM_ON_KMALLOC);
	struct kmem_lane *lane;

	if (!outer || !*(const volatile __u64 *)&outer->busy)
		return 0;
	lane = lane_get(KMEM_ON_KMALLOC_WITHIN);
	if (!lane)
		return 0;
	lane->within++;
	kmalloc_seen(ctx, lane, call_site, POINTER_ARG(ctx, 1), bytes_alloc);
	return 0;
}

/* TP_PROTO(unsigned long call_site, const void *ptr, struct kmem_cache *s, gfp_t gfp_flags, int node) */
SEC("tp_btf/kmem_cache_alloc")
int BPF_PROG(on_cache_alloc, unsigned long call_site, const void *ptr, struct kmem_cache *cache)
{
	struct kmem_lane *lane = lane_get(KMEM_ON_CACHE);
	const __u64 bytes = cache->size, addr = POINTER_ARG(ctx, 1);
	struct scratch *s;

	if (!lane || lane_takes(lane, addr, bytes))
		return 0;
	s = scratch_get();
	if (!s) {
		kmem_lost(bytes);
		return 0;
	}
	if (kmem_counts(s, lane, addr, 0) && kmem_seen(s, lane, bytes)) {
		kmem_stack(s, ctx, KMEM_CACHE_ALLOC, cache_type(s, cache), call_site);
		kmem_sampled(s, addr);
	}
	scratch_put(s);
	return 0;
}

/* Are pages for a slab, or BPF's own? enum count, 0: neither. */
static __always_inline __u32 pages_for(struct scratch *s, void *ctx)
{
	const long bytes = bpf_get_stack(ctx, s->rec.frames, INNER_FRAMES * sizeof(__u64), 0);

	for (int i = 0; i < INNER_FRAMES; i++) {
		const __u64 addr = s->rec.frames[i];

		if (i * 8 >= bytes || in_range(&kmem_entry, addr))
			break;
		if (in_ranges(&kmem_slab, addr))
			return COUNT_NESTED;
		if (in_ranges(&kmem_own, addr))
			return COUNT_OWN;
	}
	return 0;
}

/* TP_PROTO(struct page *page, unsigned int order, gfp_t gfp_flags, int migratetype) */
SEC("tp_btf/mm_page_alloc")
int BPF_PROG(on_page_alloc, struct page *page, unsigned int order, unsigned int gfp)
{
	const __u64 bytes = (__u64)PAGE_BYTES << (order & 31);
	struct kmem_lane *lane;
	struct scratch *s;
	__u64 addr;
	__u32 of;

	if (gfp & GFP_MOVABLE)
		return 0;
	lane = lane_get(KMEM_ON_PAGES);
	if (!lane || lane_takes_others(lane))
		return 0;
	s = scratch_get();
	if (!s) {
		kmem_lost(bytes);
		return 0;
	}
	addr = page_arg(ctx);
	if (!kmem_counts(s, lane, addr, 0))
		goto out;
	of = pages_for(s, ctx);
	if (of) {
		count(s, of, 1);
	} else if (kmem_seen(s, lane, bytes)) {
		kmem_stack(s, ctx, KMEM_PAGES, KMEM_ORDER | order, 0);
		kmem_sampled(s, addr);
	}
out:
	scratch_put(s);
	return 0;
}

static __always_inline bool kmem_take(__u64 addr, struct block *b)
{
	if (!block_take(addr, b))
		return false;
	live_add(addr, -1);
	return true;
}

/* Without a slot it is taken out all the same: see give_up_unslotted(). */
static __noinline void free_known(__u64 addr)
{
	struct scratch *s = scratch_get();
	__u32 last = n_scratch - 1;
	struct block b;

	if (!s) {
		s = bpf_map_lookup_elem(&scratches, &last);
		if (s && kmem_take(addr, &b)) {
			count_shared(COUNT_FREES, 1);
			block_freed(s, &b, false);
		}
		return;
	}
	if (kmem_take(addr, &b)) {
		count(s, COUNT_FREES, 1);
		block_freed(s, &b, false);
	}
	scratch_put(s);
}

/* Nothing is counted of a block that is not known: most were allocated by others. */
static __always_inline int kmem_free(__u64 addr)
{
	const __u64 *live = live_at(addr);

	if (live && *(const volatile __u64 *)live)
		free_known(addr);
	return 0;
}

/* TP_PROTO(unsigned long call_site, const void *ptr) */
SEC("tp_btf/kfree")
int on_kfree(const unsigned long long *ctx)
{
	const __u64 addr = POINTER_ARG(ctx, 1);

	return addr > NO_BLOCK ? kmem_free(addr) : 0;
}

/* TP_PROTO(unsigned long call_site, const void *ptr, const struct kmem_cache *s) */
SEC("tp_btf/kmem_cache_free")
int on_cache_free(const unsigned long long *ctx)
{
	return kmem_free(POINTER_ARG(ctx, 1));
}

/* TP_PROTO(struct page *page, unsigned int order) */
SEC("tp_btf/mm_page_free")
int on_page_free(const unsigned long long *ctx)
{
	return kmem_free(page_arg(ctx));
}

#endif
