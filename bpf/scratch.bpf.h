/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Working memory of one run. A uprobe program can be preempted, and another one run on the same CPU meanwhile, so a
 * per-CPU variable would be clobbered: a run claims one of several slots instead, and what is in it is its own until it
 * gives it back; counters too, which are the sums over all slots. Each part belongs to the header that it is named for;
 * what is there, and not on the BPF stack, is so because a chain of calls has 512 bytes of that.
 */
#ifndef ALLOCTRACE_SCRATCH_BPF_H
#define ALLOCTRACE_SCRATCH_BPF_H

#include "settings.bpf.h"
#include "unwind_cursor.h"

const volatile __u32 n_scratch = 1;	/* SLOTS_PER_CPU for each CPU, and one */

#define PAGE_BYTES 4096
#define DIRECT_PAGES 16

/* A page that can be read in place (direct.bpf.h). */
struct direct_page {
	__u64 number;	/* its address / PAGE_BYTES */
	__u64 at;	/* its address in the direct map */
};

/* direct.bpf.h */
struct pages {
	__u64 space, gen;	/* the address space, and the state of its page tables, that they are of */
	struct direct_page at[DIRECT_PAGES];
};

#define WINDOW_WORDS 1024	/* what can be read of the stack at once */

/* window.bpf.h */
struct window {
	__u64 at;	/* address of what can be read of the stack */
	__u64 bytes;	/* readable from there; 0: nothing yet */
	__u64 in;	/* where it is: in the direct map, or words[] */
	__u32 copies;	/* nothing is to be read in place */
	__u32 pad;
	__u64 next;	/* how many bytes to read next */
	__u64 depth_bytes;	/* how far up the last walk came */
	__u64 trampoline;	/* of uretprobes in this process; 0: none */
	__u64 words[WINDOW_WORDS];
};

/* What the kernel says of an address. */
struct vma_seen {
	__u64 vma, start, end, slide;
	struct file_key file;
	__u32 exec, has_file;
};

/* A mapping used lately: its size in bytes, 0: none, and the rest as in struct unwind_mapping. */
struct mapping_hint {
	__u64 start, bytes;
	__u64 name;	/* plus the address of a byte: how a frame is named whose call ends there (struct frame) */
	__u32 rel, index, key;
	__u8 shift, kind;
	/* What the kernel has there, to see later whether it still does (mapping.bpf.h). */
	__u64 vma, slide;	/* slide: address - offset in the file */
	struct file_key file;
};

#define MAPPING_HINTS 8

/* mapping.bpf.h */
struct hints {
	/* What they hold for, and the memo: an address space, the tables, and the state of its mappings. */
	__u64 owner, epoch, changes;
	__u64 lost;		/* the memo may rest on one that is there no more */
	struct mapping_hint at[MAPPING_HINTS];
	struct vma_seen seen;
	struct file_key unknown;	/* which file a walk broke off at; all zero: not known either */
};

/* The walk of a stack (walk.bpf.h, unwind.bpf.h, stack.bpf.h). */
struct walk {
	struct cursor cursor;
	struct wide_step wide;
	__u64 ret;		/* the allocator function's return address, 0: unreadable */
	__u64 inside;		/* the same of a USDT probe, as if called right before it; 0: it is none */
	__u64 sp, fp;		/* registers at the allocator function's entry; sp: where ret is */
	__u64 epoch;		/* unwind_epoch when it began */
	__u64 stale;		/* that has changed meanwhile */
	__u64 raw_wanted;	/* it broke off at a mapping that is not known yet */
	__u64 hash;		/* of all its frames' names */
	__u32 new_at, n_new;	/* its own frames in frames[] */
	__u64 space;		/* what addresses that are no file's mean */
	__u32 first;		/* its innermost frame in frames[], in the end */
	__u32 end_stable;	/* it ended by the last frame's address and registers alone */
};

/* A frame of a walk, kept to be recognized by the next one (memo.bpf.h). */
struct frame {
	__u64 ret;	/* return address into it, and FRAME_BY_FP */
	__u64 sp, fp;	/* as they are when it goes on; bp is FP_UNKNOWN if it is not known */
	__u64 fp_slot;	/* as in struct cursor */
	__u64 name;	/* FRAME_FILE, or ret again */
	__u64 hash;	/* of this frame's and all outer ones' names */
};

_Static_assert(sizeof(struct frame) == SLOT_FRAME_BYTES, "user space sizes the map");

/* Odd: no frame pointer. */
#define FP_UNKNOWN 1

#define MEMO_INDEX_SIZE 512

/* memo.bpf.h */
struct memo {
	/* Of the walk under way. */
	__u64 above;		/* look for a known frame only above this stack pointer */
	__u32 known;		/* the frame, in the other half, that it has come to; 0: none */
	__u32 verify;		/* how far from there on the stack was compared */
	/* What the last walk in this slot saw. */
	__u32 first, end;	/* in frames[]: from the innermost to behind the outermost; the same: there is none */
	__u32 spare;	/* which half of frames[] is free: where a new walk's frames go */
	__u8 walk_end;	/* how it ended: enum walk_end */
	__u8 pad[3];
	__u16 index[MEMO_INDEX_SIZE];	/* number of the frame with that sp, by memo_index() */
};

/* A call of an allocator function that may call others (nest.bpf.h). */
struct outer {
	__u64 sp, ret;	/* where its return address is, and that */
	__u64 ip;	/* of its probe */
	__u64 bytes;	/* asked for */
	__u32 probe;	/* index of that */
	__u32 last;	/* the same of the function that it jumped to, or that one did, and so on; at first its own */
};

/* nest.bpf.h */
struct nest {
	/* Of the thread that was here last: where it entered a function that may call others. */
	__u64 task, moves, outer_sp;
	struct outer judged;	/* the call that is: its ip, probe and bytes (0: it frees) */
	struct outer outer;	/* the call that is looked for on the stack */
	__u32 judged_outer;	/* others may be a part of it */
	__u32 how;		/* enum nest_how: what came of it */
	__u8 interrupted;	/* a signal frame was passed on the way */
	__u8 at_signal;		/* just now */
	__u8 adopts;		/* the nested call's block may be the one that the outer call returns (returns.bpf.h) */
	__u8 pad[5];
};

/* A call of the allocator as it is recorded. */
struct call {
	__u64 stack;	/* id */
	__u64 bytes;
	__u64 weight;	/* << CALLS_SHIFT; 0: it isn't recorded */
};

/* What is being recorded: alloc.bpf.c, returns.bpf.h, stacks.bpf.h, blocks.bpf.h in this order. */
struct now {
	struct call call;
	struct block given_up;	/* by realloc() */
	struct stack_sum fresh;	/* on its way to the table */
	__u64 group, law;	/* of a wide run: struct member */
	__u64 known_space;	/* it is in `spaces` */
};

/* select.bpf.h */
struct select {
	char text[SELECT_TEXT];
	__u64 dentry, mount;	/* where the path is at */
	__u32 at, base;		/* it begins at text[at], its last part at text[base]; base 0: there is none */
	/* Matching: the rule, and where in it and in the text it is; where it goes back to after a star. */
	__u32 rule, token, from, end, star, star_at, matched;
	/* Kinds of rules, bit by bit: there is one, and one takes the task. */
	__u32 wanted, taken, refused;
};

#define LABEL_WORDS 64	/* a power of two, at least 33 */

/* labels.bpf.h */
struct labels {
	__u64 words[LABEL_WORDS];	/* what the target has: where keys and values are, and their lengths */
	struct label_set set;
};

struct scratch {
	struct slot slot;
	struct window window;
	struct pages pages;
	struct hints hints;
	struct walk walk;
	struct memo memo;
	struct nest nest;
	struct now now;
	struct select select;
	struct labels labels;
	struct stack_frames rec;
	/* Two halves of 2 * frames_max each. A walk's frames begin in a half's middle: inner ones may come before. */
	struct frame frames[];
};

/* A power of two that is at least max_frames. Set before loading, together with the size of `scratches`. */
const volatile __u32 frames_max = STACK_MAX_FRAMES;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);	/* user space reads the counters in place */
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct scratch) + 4 * STACK_MAX_FRAMES * SLOT_FRAME_BYTES);
} scratches SEC(".maps");

static __always_inline void count(struct scratch *s, __u32 which, __u64 n)
{
	s->slot.counts[which] += n;
}

static __always_inline void count_seen(struct scratch *s, __u64 bytes)
{
	count(s, COUNT_SEEN, 1);
	count(s, COUNT_SEEN_BYTES, bytes);
}

/* A hit, by which nothing is to be done if so told. */
static __always_inline bool count_hit(struct scratch *s)
{
	count(s, COUNT_HITS, 1);
	if (!is_off())
		return true;
	count(s, COUNT_OFF, 1);
	return false;
}

/* Where a run has no slot of its own: the last one, which all share. */
static __always_inline void count_shared(__u32 which, __u64 n)
{
	__u32 last = n_scratch - 1;
	struct scratch *s = bpf_map_lookup_elem(&scratches, &last);

	if (s)
		__sync_fetch_and_add(&s->slot.counts[which], n);
}

static __always_inline bool count_hit_shared(void)
{
	count_shared(COUNT_HITS, 1);
	if (!is_off())
		return true;
	count_shared(COUNT_OFF, 1);
	return false;
}

/* NULL: all of this CPU's are taken. */
static __always_inline struct scratch *scratch_get(void)
{
	__u32 i = bpf_get_smp_processor_id() * SLOTS_PER_CPU;
	struct scratch *s = bpf_map_lookup_elem(&scratches, &i);

	if (!s || __sync_val_compare_and_swap(&s->slot.busy, 0, 1) == 0)
		return s;
	/* What this thread does now won't be known there. */
	*(volatile __u64 *)&s->nest.task = 0;
	for (int try = 1; try < SLOTS_PER_CPU; try++) {
		i++;
		s = bpf_map_lookup_elem(&scratches, &i);
		if (s && __sync_val_compare_and_swap(&s->slot.busy, 0, 1) == 0) {
			s->nest.task = 0;
			return s;
		}
	}
	return NULL;
}

/* No barrier is due: nobody on another CPU looks at it. */
static __always_inline void scratch_put(struct scratch *s)
{
	*(volatile __u32 *)&s->slot.busy = 0;
}

#endif
