/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread's calls of allocator functions that have begun and not returned: the address of a block is known at the
 * return, its stack at the entry.
 *
 * A call is known again by where its return address lies: at the return that is known, too. Stacks grow
 * down, so whatever began below that place has ended, if unseen: by longjmp() or an exception. What began above goes
 * on.
 *
 * A block leaves the table when the call that frees it begins, since another thread may be given the same address
 * before it returns. realloc() may fail; then the block is put back.
 */
#ifndef ALLOCTRACE_RETURNS_BPF_H
#define ALLOCTRACE_RETURNS_BPF_H

#include "blocks.bpf.h"
#include "nest.bpf.h"
#include "sums.bpf.h"

#define PENDING_MAX 4	/* one, and those of signal handlers */

struct pending {
	__u64 sp;	/* where the return address is */
	struct call call;
	__u64 out;	/* posix_memalign(): where the address goes; 0: it is returned */
	__u64 old;	/* realloc(): the address given up */
	struct block block;	/* what was there */
	__u8 had_block;
	__u8 pad[7];
};

struct thread {
	__u32 n, pad;
	__u64 last;	/* the address of the block it was given last */
	struct pending at[PENDING_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct thread);
} threads SEC(".maps");

static __always_inline struct thread *thread_get(void)
{
	return bpf_task_storage_get(&threads, bpf_get_current_task_btf(), NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

/* The call that was given up never returned. */
static __always_inline void pending_lost(struct scratch *s, struct pending *p)
{
	if (p->call.weight) {
		count_seen(s, p->call.bytes);
		count(s, COUNT_LOST_RETURN, 1);
	}
	/* What became of the old block isn't known; most likely realloc() was left before it did anything. */
	if (p->had_block)
		block_freed(s, &p->block, false);
}

/* Room for a call whose return address is at sp. */
static __always_inline struct pending *pending_push(struct scratch *s, struct thread *t, __u64 sp)
{
	for (int i = 0; i < PENDING_MAX; i++) {
		struct pending *p;

		if (!t->n || t->n > PENDING_MAX)
			break;
		p = &t->at[(t->n - 1) & (PENDING_MAX - 1)];
		if (p->sp > sp && t->n < PENDING_MAX)
			break;
		pending_lost(s, p);
		t->n--;
	}
	if (t->n >= PENDING_MAX)
		t->n = 0;
	return &t->at[t->n++ & (PENDING_MAX - 1)];
}

/* The call whose return address was at sp; NULL: it isn't followed. It is off the list, valid until the next push. */
static __always_inline struct pending *pending_pop(struct scratch *s, struct thread *t, __u64 sp)
{
	for (int i = 0; i < PENDING_MAX; i++) {
		struct pending *p;

		if (!t->n || t->n > PENDING_MAX)
			break;
		p = &t->at[(t->n - 1) & (PENDING_MAX - 1)];
		if (p->sp > sp)
			break;
		t->n--;
		if (p->sp == sp)
			return p;
		pending_lost(s, p);
	}
	return NULL;
}

/*
 * An allocating function begins. info: of its probe. False: its return need not be seen.
 * A call that is no sample is followed only for the sake of the block that it gives up.
 */
static __always_inline bool call_begins(struct scratch *s, struct pt_regs *ctx, __u64 cookie, __u64 sp,
					const struct call *call, const struct probe_info *info)
{
	__u64 old = info->old != NO_PLACE ? place_get(ctx, cookie, info->old) : 0;
	struct thread *t;
	struct pending *p;
	struct block *b = &s->now.given_up;
	bool had = false;

	if (old) {
		had = block_take(old, b);
		if (!had && !call->weight) {
			count(s, COUNT_FREES, 1);
			count(s, COUNT_FREES_UNKNOWN, 1);
		}
	}
	if (!call->weight && !had)
		return false;
	t = thread_get();
	if (!t) {
		if (call->weight) {
			count_seen(s, call->bytes);
			count(s, COUNT_LOST_RETURN, 1);
		}
		if (had)
			block_freed(s, b, false);
		return false;
	}
	p = pending_push(s, t, sp);
	p->sp = sp;
	p->call = *call;
	p->out = info->out != NO_PLACE ? place_get(ctx, cookie, info->out) : 0;
	p->old = old;
	p->had_block = had;
	if (had)
		p->block = *b;
	return true;
}

/* What a header and an alignment may add to what is asked for; and where the inner function takes an alignment. */
#define ADOPT_EXTRA_BYTES 256
#define ADOPT_ALIGNED_BYTES 65536

/* Nothing of the call was recorded, after all. */
static __always_inline void call_undone(struct scratch *s, const struct call *c)
{
	struct stack_sum *sum = bpf_map_lookup_elem(&stacks, &c->stack);

	count(s, COUNT_SEEN, -1);
	count(s, COUNT_SEEN_BYTES, -c->bytes);
	count(s, COUNT_RECORDED, -1);
	count(s, COUNT_UNFOLLOWED, -1);
	if (!sum)
		return;
	sum_take(&sum->alloc, c->bytes, c->weight);
	sum_take(&sum->freed, c->bytes, c->weight);
	if (hist_sizes)
		hist_add(s, c->stack, HIST_SIZES, c->bytes, -c->weight);
}

/*
 * A function that may throw is never probed at its return (operator new); but if it calls one that does not throw for
 * about as many bytes, a header and an alignment more, then that one's block is what it is going to return, or that is
 * inside of it. So the outer call is followed by the inner one's return, and freed by that block's address: the
 * function that frees takes the header off likewise. True: its return has to be seen.
 */
static __always_inline bool adopt(struct scratch *s, struct pt_regs *ctx, __u64 cookie, __u64 sp, __u64 bytes,
				  const struct probe_info *info)
{
	struct outers *t = outers_get(false);
	struct call call;

	if (!t || info->old != NO_PLACE)
		return false;
	call = t->open;
	if (!call.weight || bytes - call.bytes > (info->aligns ? ADOPT_ALIGNED_BYTES : ADOPT_EXTRA_BYTES))
		return false;
	t->open.weight = 0;
	call_undone(s, &call);
	return call_begins(s, ctx, cookie, sp, &call, info);
}

/* realloc() has given up its old block. */
static __always_inline void old_freed(struct scratch *s, struct pending *p)
{
	count(s, COUNT_FREES, 1);
	if (p->had_block)
		block_freed(s, &p->block, false);
	else
		count(s, COUNT_FREES_UNKNOWN, 1);
}

static __always_inline void call_failed(struct scratch *s, struct pending *p)
{
	struct block_key key = {.addr = p->old, .space = current_space()};

	/* realloc(p, 0) of glibc frees, and returns NULL. */
	if (p->old && !p->call.bytes && !p->out) {
		old_freed(s, p);
		return;
	}
	if (p->had_block)
		block_insert(&key, &p->block);
	if (p->call.weight)
		count(s, COUNT_FAILED, 1);
}

static __always_inline void call_succeeded(struct scratch *s, struct thread *t, struct pending *p, __u64 addr)
{
	struct block b = {
		.stack = p->call.stack, .bytes = p->call.bytes, .weight = p->call.weight,
		.generation = generation,
	};
	struct stack_sum *sum;

	if (p->old)
		old_freed(s, p);
	t->last = addr;
	if (!p->call.weight)
		return;
	count_seen(s, p->call.bytes);
	sum = bpf_map_lookup_elem(&stacks, &p->call.stack);
	if (!sum) {
		count(s, COUNT_LOST_TABLE, 1);
		return;
	}
	b.time_ns = bpf_ktime_get_ns();
	/* Nobody has the address yet who could free it. */
	if (!block_put(s, addr, &b))
		return;
	account_alloc(s, sum, &p->call);
	heap_grow(sample_bytes(b.bytes, b.weight), b.time_ns);
}

/* An allocating function has returned. */
static __always_inline void call_returns(struct scratch *s, struct pt_regs *ctx)
{
	struct thread *t = bpf_task_storage_get(&threads, bpf_get_current_task_btf(), NULL, 0);
	struct pending *p;
	__u64 addr = arch_result(ctx), slot = arch_returned_slot(ctx);

	if (!t)
		return;
	nest_returned(s, slot);
	p = pending_pop(s, t, slot);
	if (!p)
		return;
	if (p->out && ((__u32)addr || bpf_probe_read_user(&addr, sizeof(addr), (void *)p->out)))
		addr = 0;
	if (addr)
		call_succeeded(s, t, p, addr);
	else
		call_failed(s, p);
}

static __always_inline void free_unknown(struct scratch *s, bool is_outer)
{
	struct outers *t = is_outer ? outers_get(false) : NULL;

	count(s, COUNT_FREES, 1);
	count(s, COUNT_FREES_UNKNOWN, 1);
	if (t)
		t->unknown_free = 1;
}

/* A nested call frees the block: is that what the outer one was called for, and counted as unknown by? */
static __always_inline bool free_now_known(struct scratch *s)
{
	struct outers *t = outers_get(false);

	if (!t || !t->unknown_free)
		return false;
	t->unknown_free = 0;
	count(s, COUNT_FREES_UNKNOWN, -1);
	return true;
}

/* A freeing function begins. */
static __always_inline void free_begins(struct scratch *s, struct pt_regs *ctx, __u64 cookie)
{
	__u64 addr = call_block(ctx, cookie);
	struct thread *t;
	struct block b;
	bool nested;

	if (!addr || ((cookie & COOKIE_HAS_SKIP) && is_skipped(ctx, cookie)))
		return;
	s->nest.judged.bytes = 0;
	nested = is_nested(s, ctx, cookie, return_slot(ctx, cookie));
	if (!block_take(addr, &b)) {
		/* The allocator's own, or a block with its header. */
		if (!nested)
			free_unknown(s, cookie & COOKIE_OUTER);
		return;
	}
	if (!nested || !free_now_known(s))
		count(s, COUNT_FREES, 1);
	t = follow_temp ? bpf_task_storage_get(&threads, bpf_get_current_task_btf(), NULL, 0) : NULL;
	block_freed(s, &b, t && t->last == addr);
}

#endif
