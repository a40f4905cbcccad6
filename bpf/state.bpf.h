/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Maps, settings and counters of the allocation programs. */
#ifndef ALLOCTRACE_STATE_BPF_H
#define ALLOCTRACE_STATE_BPF_H

/* Set before loading. */
const volatile __u64 min_size = 0;
const volatile __u64 max_size = ~0ULL;
const volatile __u32 max_frames = STACK_MAX_FRAMES;
const volatile bool by_thread = false;
const volatile __u32 n_scratch = 1;
const volatile __u64 ring_wake_bytes = 0;
/* Set while running: some process has more than one allocator. */
bool check_wrappers = false;
/* Nothing is counted any more. */
bool stopped = false;

/* Follow blocks from their allocation to their free. */
const volatile bool follow_blocks = false;
const volatile __u64 temp_age_ns = 0;
const volatile bool hist_sizes = false, hist_lifetimes = false;
/* Every call is recorded, for good. */
const volatile bool sample_all = true;

struct heap heap = {};
__u32 generation = 0;
__u64 sample_mean = 0;	/* bytes; user space sets it, and may change it while running */

/* x & mask, which clang may not drop although it knows better: the verifier does not. */
#define MASKED(x, mask) ({ __u64 masked_ = (x); asm volatile("%0 &= %1" : "+r"(masked_) : "i"(mask)); masked_; })

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 150000);
	__uint(key_size, sizeof(__u64));
	__uint(value_size, sizeof(struct stack_sum));	/* user space cuts it to what is counted */
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct block_key);
	__type(value, struct block);
} blocks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct hist_key);
	__type(value, __u64);
} hists SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNT_MAX);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct probe_info);
} probes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct bodies);
} wrappers SEC(".maps");

struct last_event {
	__u64 sp, ret;
	__u32 module;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct last_event);
} last_events SEC(".maps");

/*
 * Working memory of one run. A uprobe program can be preempted, and another one run on the same CPU meanwhile, so a
 * per-CPU variable would be clobbered: a run claims one of several slots instead.
 */
#define WINDOW_WORDS 256	/* 2 KiB of the stack, read at once */

/* The frame that a walk has come to. By frame pointers, bp and sp are used alone, and start: where the stack began. */
struct cursor {
	__u64 pc, sp, bp;	/* pc: of the call's last byte; below a signal frame, of the next instruction */
	__u64 hash;
	/* The mapping used last: its size in bytes, and the rest as in struct unwind_mapping. */
	__u64 start, bytes;
	__u32 rel, index, key;
	__u8 shift, kind;
	__u8 bp_known;
	__u8 by_fp;	/* the frame was found by its callee's frame pointer: how the walk ends if it is no code */
};

struct scratch {
	__u32 busy;
	__u32 pad;
	__u64 window_at;	/* address of window[0] */
	__u64 window_bytes;	/* readable from there; 0: nothing read yet */
	__u64 window[WINDOW_WORDS];
	__u64 trampoline;	/* of return probes in this process; 0: none */
	struct stack_frames rec;
	struct cursor cursor;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

/* Where a raw stack is put together; claimed as a scratch is. Rarely needed: one for each CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stack_raw);
} raws SEC(".maps");

/* Atomic although per CPU: the program can be preempted between the load and the store. */
static __always_inline void count_add(__u32 which, __u64 n)
{
	__u64 *c = bpf_map_lookup_elem(&counts, &which);

	if (c)
		__sync_fetch_and_add(c, n);
}

#define SCRATCH_TRIES 8

static __always_inline struct scratch *scratch_get(void)
{
	__u32 i = bpf_get_smp_processor_id() * SCRATCH_TRIES;

	for (int try = 0; try < SCRATCH_TRIES; try++, i++) {
		struct scratch *s = bpf_map_lookup_elem(&scratches, &i);

		if (s && __sync_val_compare_and_swap(&s->busy, 0, 1) == 0)
			return s;
	}
	return NULL;
}

static __always_inline void scratch_put(struct scratch *s)
{
	__sync_lock_test_and_set(&s->busy, 0);
}

#endif
