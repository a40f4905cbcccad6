/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory of stacks that broke off, on its way to user space: struct stack_raw. */
#ifndef ALLOCTRACE_RAW_BPF_H
#define ALLOCTRACE_RAW_BPF_H

#include "stacks.bpf.h"
#include "vma.bpf.h"

/* Where a raw stack is put together; claimed as a scratch is. Rarely needed, and large. */
const volatile __u32 n_raws = 1;
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stack_raw);
} raws SEC(".maps");

/* How many more stacks that broke off may be copied; user space sets it when it has told new mappings. And how many may
 * get a place in the table of stacks: mappings may never be known. */
__s64 raw_left = 0, raw_room = 0;

/* Without bpf_loop(). */
#define PLAIN_RAW_PAGES 32
/* Where the stack's mapping is not known: whole ones of several threads would fill the ring. */
#define BLIND_RAW_PAGES 16

struct raw_copy {
	struct stack_raw *raw;
	__u64 page;	/* address of the first one */
};

/*
 * What is found goes to memory: in registers, Linux 6.1 would look at every combination of pages. A global function, as
 * walk_step_alone().
 */
__noinline int raw_page(struct stack_raw *raw, __u64 page, __u32 i)
{
	__u64 at = MASKED((__u64)i * RAW_PAGE_BYTES, (RAW_PAGES - 1) * RAW_PAGE_BYTES);

	if (!raw || bpf_probe_read_user(raw->stack + at, RAW_PAGE_BYTES, (void *)page + at))
		return 0;
	*(volatile __u64 *)&raw->present[MASKED(i / 64ULL, RAW_PAGES / 64 - 1)] |= 1ULL << (i & 63);
	*(volatile __u32 *)&raw->n_stack = at + RAW_PAGE_BYTES;
	return 0;
}

static long raw_loop_step(__u32 i, void *arg)
{
	struct raw_copy *c = arg;

	raw_page(c->raw, c->page, i);
	return 0;
}

/* To the end of the mapping: what lies behind a thread's stack changes all the time, and is none of it. */
static __always_inline __u32 raw_pages(struct scratch *s, __u64 page)
{
	__u64 n = RAW_PAGES;
	long err;

	if (!ask_kernel)
		return n;
	__builtin_memset(&s->hints.seen, 0, sizeof(s->hints.seen));
	err = ask_vma(page, &s->hints.seen);
	if (err)
		return BLIND_RAW_PAGES;
	if (s->hints.seen.end > page)
		n = (s->hints.seen.end - page) / RAW_PAGE_BYTES;
	return n < RAW_PAGES ? n : RAW_PAGES;
}

/* Copies the memory of a stack that broke off, and the registers there. */
static __always_inline void raw_take(struct scratch *s, struct stack_raw *raw)
{
	struct raw_copy c = {.raw = raw, .page = s->walk.cursor.sp & ~(RAW_PAGE_BYTES - 1ULL)};
	__u32 n = raw_pages(s, c.page);

	raw->pc = s->walk.cursor.pc;
	raw->sp = s->walk.cursor.sp;
	raw->fp = s->walk.cursor.fp;
	raw->fp_known = s->walk.cursor.fp_known;
	raw->file = s->hints.unknown;
	raw->n_stack = 0;
	for (int i = 0; i < RAW_PAGES / 64; i++)
		raw->present[i] = 0;
	if (has_loop())
		bpf_loop(n, raw_loop_step, &c, 0);
	else
		for (__u32 i = 0; i < PLAIN_RAW_PAGES && i < n; i++)
			raw_page(raw, c.page, i);
	if (s->window.trampoline)
		retprobe_mend_copy(raw, c.page);
}

struct raw_hash {
	struct stack_raw *raw;
	__u64 hash;
	__u32 at, end;	/* words of raw->stack */
};

#define RAW_HASH_WORDS 16

static long raw_hash_some(__u32 i, void *arg)
{
	struct raw_hash *h = arg;

	for (int j = 0; j < RAW_HASH_WORDS; j++) {
		if (h->at >= h->end)
			return 1;
		h->hash = hash_step(h->hash, *(__u64 *)(h->raw->stack +
							MASKED(h->at * 8ULL, sizeof(h->raw->stack) - 8)));
		h->at++;
	}
	return 0;
}

/* By all that decides how the stack goes on: what there is of it so far, registers, and memory from sp on. */
static __always_inline __u64 raw_id(struct scratch *s, struct stack_raw *raw)
{
	struct raw_hash h = {
		.raw = raw, .at = (raw->sp & (RAW_PAGE_BYTES - 1)) / 8, .end = *(volatile __u32 *)&raw->n_stack / 8,
	};

	h.hash = hash_step(hash_step(s->rec.id, raw->sp), raw->fp);
	h.hash = hash_step(hash_step(h.hash, raw->pc), raw->fp_known);
	for (int i = 0; i < RAW_PAGES / 64; i++)
		h.hash = hash_step(h.hash, raw->present[i]);
	h.hash = hash_step(hash_step(h.hash, raw->file.ino), (__u64)raw->file.mtime_nsec << 32 | raw->file.dev);
	h.hash = hash_step(hash_step(h.hash, raw->file.mtime), raw->file.generation);
	if (!has_loop())
		return hash_step(h.hash, s->rec.time_ns);
	bpf_loop(sizeof(raw->stack) / 8 / RAW_HASH_WORDS, raw_hash_some, &h, 0);
	return h.hash;
}

static __always_inline bool raw_send(struct scratch *s, struct stack_raw *raw)
{
	__u32 n = *(volatile __u32 *)&raw->n_stack;

	memo_frames(s);
	describe_owner(s);
	bpf_probe_read_kernel(&raw->rec, sizeof(raw->rec), &s->rec);
	raw->rec.end = WALK_RAW;
	if (n > sizeof(raw->stack))
		n = 0;
	return !bpf_ringbuf_output(&ring, raw, __builtin_offsetof(struct stack_raw, stack) + n, BPF_RB_FORCE_WAKEUP);
}

#define RAW_TRIES 4

static __always_inline struct stack_raw *raw_claim(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	for (__u32 i = 0; i < RAW_TRIES; i++) {
		__u32 which = (cpu + i) % n_raws;
		struct stack_raw *raw = bpf_map_lookup_elem(&raws, &which);

		if (raw && !__sync_val_compare_and_swap(&raw->busy, 0, 1))
			return raw;
	}
	return NULL;
}

/*
 * The entry of a stack that broke off at an unknown mapping, under an id of its own, since others that break off at the
 * same frames may go on otherwise; what is new goes to user space with its memory. NULL: it stays as it is.
 */
static __noinline struct stack_sum *raw_entry(struct scratch *s)
{
	struct stack_raw *raw;
	struct stack_sum *sum;
	__u64 id = s->rec.id;

	if (raw_left <= 0 || __sync_fetch_and_add(&raw_left, -1) <= 0)
		return NULL;
	raw = raw_claim();
	if (!raw)
		return NULL;
	s->rec.time_ns = bpf_ktime_get_ns();
	raw_take(s, raw);
	s->rec.id = raw_id(s, raw);
	sum = bpf_map_lookup_elem(&stacks, &s->rec.id);
	if (!sum && raw_room > 0 && raw_send(s, raw)) {
		__sync_fetch_and_add(&raw_room, -1);
		sum = stack_make(s, true);
	}
	__sync_lock_test_and_set(&raw->busy, 0);
	if (!sum)
		s->rec.id = id;
	return sum;
}

/*
 * The entry of the last walk's stack in the table, made if need be, its frames sent; NULL: the table is full. s->rec.id
 * is final from here on.
 */
static __always_inline struct stack_sum *stack_find(struct scratch *s)
{
	struct stack_sum *sum = s->rec.end == WALK_UNMAPPED && s->walk.raw_wanted ? raw_entry(s) : NULL;

	if (!sum)
		sum = bpf_map_lookup_elem(&stacks, &s->rec.id);
	if (!sum)
		sum = stack_make(s, false);
	if (sum && !sum->sent)
		send_stack(s, sum);
	return sum;
}

/* The same for a call of an allocator: that the table is full is counted. */
static __always_inline struct stack_sum *stack_entry(struct scratch *s)
{
	struct stack_sum *sum = stack_find(s);

	if (!sum)
		count(s, COUNT_LOST_TABLE, 1);
	return sum;
}

#endif
