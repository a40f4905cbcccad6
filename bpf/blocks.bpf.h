/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Live blocks, by address and address space.
 *
 *     alloc  ->  block, with the stack's id       free, realloc  ->  the block's stack
 */
#ifndef ALLOCTRACE_BLOCKS_BPF_H
#define ALLOCTRACE_BLOCKS_BPF_H

#include "ids.bpf.h"
#include "stacks.bpf.h"
#include "sums.bpf.h"

__u32 generation = 0;	/* marks so far */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct block_key);
	__type(value, struct block);
} blocks SEC(".maps");

/*
 * Live blocks that `blocks` has no room for. It takes a moment to make, since the kernel clears all of its buckets: it
 * comes while the first is being filled. more_blocks: something was put there.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_HASH);
		__uint(max_entries, 1);
		__uint(map_flags, BPF_F_NO_PREALLOC);
		__type(key, struct block_key);
		__type(value, struct block);
	});
} blocks_beyond SEC(".maps");
__u32 more_blocks = 0;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct space);
} spaces SEC(".maps");

/* Whose blocks those of the current call are. */
static __always_inline __u64 block_space(void)
{
	return kernel_memory ? KERNEL_SPACE : current_space();
}

/* The block is no more. is_last: the thread has allocated nothing since. */
static __always_inline void block_freed(struct scratch *s, const struct block *b, bool is_last)
{
	struct stack_sum *sum = bpf_map_lookup_elem(&stacks, &b->stack);
	__u64 age = follow_temp || hist_lifetimes ? bpf_ktime_get_ns() - b->time_ns : 0;

	if (!sum)
		return;
	peak_touch(sum);
	sum_add(&sum->freed, b->bytes, b->weight);
	if (follow_temp && (is_last || age < temp_age_ns))
		sum_add(&sum->temp, b->bytes, b->weight);
	if (hist_lifetimes)
		hist_add(s, b->stack, HIST_LIFETIMES, age, b->weight);
	if (follow_peak)
		__sync_fetch_and_add(&heap.bytes, -sample_bytes(b->bytes, b->weight));
}

static __always_inline void *blocks_second(void)
{
	__u32 first = 0;

	return bpf_map_lookup_elem(&blocks_beyond, &first);
}

static __always_inline bool block_take_from(void *map, const struct block_key *key, struct block *b)
{
	struct block *found = bpf_map_lookup_elem(map, key);

	if (!found)
		return false;
	*b = *found;
	/* Of two threads that free it at once, which is the program's fault, one does. */
	return !bpf_map_delete_elem(map, key);
}

/* Takes the block out of the tables into *b; false: it isn't there. */
static __always_inline bool block_take(__u64 addr, struct block *b)
{
	struct block_key key = {.addr = addr, .space = block_space()};
	void *second;

	if (block_take_from(&blocks, &key, b))
		return true;
	if (!more_blocks)
		return false;
	second = blocks_second();
	return second && block_take_from(second, &key, b);
}

/* 0, -EEXIST, -E2BIG: there is no room. */
static __noinline long block_insert(const struct block_key *of, const struct block *b)
{
	struct block_key key = *of;
	void *second = more_blocks ? blocks_second() : NULL;
	long err;

	if (second && bpf_map_lookup_elem(second, &key))
		return -17 /* EEXIST */;
	err = bpf_map_update_elem(&blocks, &key, b, BPF_NOEXIST);
	if (err != -7 /* E2BIG */)
		return err;
	second = blocks_second();
	if (!second)
		return err;
	err = bpf_map_update_elem(second, &key, b, BPF_NOEXIST);
	if (!err)
		more_blocks = 1;
	return err;
}

/* So that the blocks end with their address space. */
static __noinline void space_tell(struct scratch *s, __u64 space, __u64 now)
{
	struct space v = {.since_ns = now};
	__u32 tid;

	current_ids(&v.pid, &tid);
	bpf_map_update_elem(&spaces, &space, &v, BPF_NOEXIST);
	s->now.known_space = space;
}

/* False: the table is full, which is counted: the call is lost. */
static __always_inline bool block_put(struct scratch *s, __u64 addr, const struct block *b)
{
	struct block_key key = {.addr = addr, .space = block_space()};
	struct block old;
	long err;

	if (!kernel_memory && s->now.known_space != key.space)
		space_tell(s, key.space, b->time_ns);
	err = block_insert(&key, b);

	/* Its free was not seen: it went another way than through the functions that are probed. */
	if (err == -17 /* EEXIST */ && block_take(addr, &old)) {
		count(s, COUNT_REPLACED, 1);
		count(s, COUNT_FREES, 1);
		block_freed(s, &old, false);
		err = block_insert(&key, b);
	}
	if (!err)
		return true;
	count(s, COUNT_LOST_BLOCK, 1);
	return false;
}

#endif
