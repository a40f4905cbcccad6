/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is counted, by stack: allocations, and where blocks are followed what becomes of them.
 *
 *     alloc  ->  block, with the stack's id       free, realloc  ->  the block's stack
 *
 * The peak is kept without a copy of anything: see peak_touch().
 */
#ifndef ALLOCTRACE_ACCOUNT_BPF_H
#define ALLOCTRACE_ACCOUNT_BPF_H

/* Adds as many calls of so many bytes as weight says. */
static __always_inline void sum_add(struct sum *sum, __u64 bytes, __u64 weight)
{
	__sync_fetch_and_add(&sum->bytes, sample_bytes(bytes, weight));
	__sync_fetch_and_add(&sum->calls, weight);
	if (sample_all && !governed)
		return;
	__sync_fetch_and_add(&sum->bytes_var, sample_bytes_var(bytes, weight));
	__sync_fetch_and_add(&sum->calls_var, sample_calls_var(weight));
}

/* Takes away what sum_add() added. */
static __always_inline void sum_take(struct sum *sum, __u64 bytes, __u64 weight)
{
	__sync_fetch_and_add(&sum->bytes, -sample_bytes(bytes, weight));
	__sync_fetch_and_add(&sum->calls, -weight);
	if (sample_all && !governed)
		return;
	__sync_fetch_and_add(&sum->bytes_var, -sample_bytes_var(bytes, weight));
	__sync_fetch_and_add(&sum->calls_var, -sample_calls_var(weight));
}

/* Adds to a histogram. A full table is a loss of its own: the stack's other counts have the call. */
static __always_inline void hist_add(struct scratch *s, __u64 stack, __u32 kind, __u64 value, __u64 weight)
{
	struct hist_key key = {.stack = stack, .kind = kind};
	__u64 *calls, zero = 0;

	for (int step = 32; step; step /= 2)
		if (value >> step) {
			value >>= step;
			key.bucket += step;
		}
	key.bucket += value;
	calls = bpf_map_lookup_elem(&hists, &key);
	if (!calls) {
		bpf_map_update_elem(&hists, &key, &zero, BPF_NOEXIST);
		calls = bpf_map_lookup_elem(&hists, &key);
	}
	if (calls)
		__sync_fetch_and_add(calls, weight);
	else
		count(s, COUNT_LOST_HIST, 1);
}

/*
 * Before anything of a stack changes: if there has been a new peak of the heap since it last did, what it has live now
 * is what it had live then.
 */
static __always_inline void peak_touch(struct stack_sum *sum)
{
	__u64 seq = *(volatile __u64 *)&heap.peak_seq;

	if (!follow_peak)
		return;
	if (sum->peak_seq == seq)
		return;
	sum->peak.bytes = sum->alloc.bytes - sum->freed.bytes;
	sum->peak.calls = sum->alloc.calls - sum->freed.calls;
	sum->peak.bytes_var = sum->alloc.bytes_var - sum->freed.bytes_var;
	sum->peak.calls_var = sum->alloc.calls_var - sum->freed.calls_var;
	sum->peak_seq = seq;
}

static __always_inline void heap_grow(__u64 bytes, __u64 now)
{
	__u64 live;

	if (!follow_peak)
		return;
	live = __sync_fetch_and_add(&heap.bytes, bytes) + bytes;
	if ((__s64)live <= (__s64)heap.peak_bytes)
		return;
	heap.peak_bytes = live;
	heap.peak_ns = now;
	__sync_fetch_and_add(&heap.peak_seq, 1);
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
	struct block_key key = {.addr = addr, .space = current_space()};
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
	void *second = blocks_second();
	long err;

	if (more_blocks && second && bpf_map_lookup_elem(second, &key))
		return -17 /* EEXIST */;
	err = bpf_map_update_elem(&blocks, &key, b, BPF_NOEXIST);
	if (err != -7 /* E2BIG */ || !second)
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
	s->known_space = space;
}

/* False: the table is full, which is counted: the call is lost. */
static __always_inline bool block_put(struct scratch *s, __u64 addr, const struct block *b)
{
	struct block_key key = {.addr = addr, .space = current_space()};
	struct block old;
	long err;

	if (s->known_space != key.space)
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

/*
 * The entry of the last walk's stack in the table, made if need be, its frames sent; NULL: the table is full, which is
 * counted. s->rec.id is final from here on.
 */
static __always_inline struct stack_sum *stack_entry(struct scratch *s)
{
	struct stack_sum *sum = s->rec.end == WALK_UNMAPPED && s->raw_wanted ? raw_entry(s) : NULL;

	if (!sum)
		sum = bpf_map_lookup_elem(&stacks, &s->rec.id);
	if (!sum)
		sum = stack_make(s, false);
	if (!sum) {
		count(s, COUNT_LOST_TABLE, 1);
		return NULL;
	}
	if (!sum->sent)
		send_stack(s, sum);
	return sum;
}

static __always_inline void account_alloc(struct scratch *s, struct stack_sum *sum, const struct call *c)
{
	if (follow_blocks)
		peak_touch(sum);
	sum_add(&sum->alloc, c->bytes, c->weight);
	if (hist_sizes)
		hist_add(s, c->stack, HIST_SIZES, c->bytes, c->weight);
	count(s, COUNT_RECORDED, 1);
}

static __always_inline __u64 sample_scale(__u64 weight)
{
	return governed ? sample_times(weight, *(volatile __u64 *)&window_factor) : weight;
}

/* Is one of the calls that are recorded whatever the law says? Slots take them from the heap of all by the chunk. */
static __always_inline bool exact_take(struct scratch *s)
{
	if (!s->slot.exact) {
		if (*(volatile __s64 *)&exact_left <= 0 || __sync_fetch_and_add(&exact_left, -EXACT_CHUNK) <= 0)
			return false;
		s->slot.exact = EXACT_CHUNK;
	}
	s->slot.exact--;
	return true;
}

/* A call that comes to the next sample point, or that is the first with this law. A global function: the verifier looks
 * at it once. */
__noinline __u64 sample_draw(struct scratch *s, __u64 length, __u64 law)
{
	__u64 mean = SAMPLE_LAW_MEAN(law);

	if (!s)
		return 0;
	/* Before there is a law in the slot: until then every call comes here. */
	if (exact_take(s))
		return sample_scale(SAMPLE_ONE);
	if (s->slot.law != law) {
		s->slot.law = law;
		s->slot.left = sample_gap(bpf_get_prandom_u32(), mean);
	}
	if (s->slot.left > length) {
		s->slot.left -= length;
		return 0;
	}
	s->slot.left = sample_gap(bpf_get_prandom_u32(), mean);
	return sample_scale(sample_weight(length, mean));
}

/* Is this call a sample? Its weight, or 0. */
static __always_inline __u64 sample_call(struct scratch *s, __u64 bytes)
{
	__u64 law, length;

	if (sample_all)
		return sample_scale(SAMPLE_ONE);
	law = *(volatile __u64 *)&sample_law;
	length = sample_length(bytes, law);
	if (s->slot.law != law || s->slot.left <= length)
		return sample_draw(s, length, law);
	s->slot.left -= length;
	return 0;
}

#endif
