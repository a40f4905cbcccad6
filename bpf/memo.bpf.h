/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a walk can know from the one before. Most stacks of a thread are, but for their innermost frames, the stack that
 * was seen just before:
 *
 *     last walk    main -> run -> parse -> list -> new        kept: of each frame the address, the registers, and where
 *     this walk    main -> run -> parse -> text -> copy       on the stack they were found
 *
 * When a walk comes to a frame that the last one had, with the same stack pointer, return address and rbp, all frames
 * further out are the same if the words of the stack that they were found by are: that is compared, at a third of what
 * it costs to find them again. Nothing is assumed; where a word differs the walk goes on by itself.
 *
 * Stacks are hashed from the outermost frame in: the outer frames' hash holds for whatever is called from there.
 *
 * One half of scratch.frames has the last walk's frames, the other takes this walk's own:
 *
 *     +----------------------------------+----------------------------------+
 *     |       | list parse run main      |                 copy text        |
 *     +----------------------------------+----------------------------------+
 *             first                end                    new_at
 *
 * Known at "parse", "copy text" take the place of what lies before it. When nothing is known the halves swap.
 */
#ifndef ALLOCTRACE_MEMO_BPF_H
#define ALLOCTRACE_MEMO_BPF_H

#include "walk.bpf.h"

static __always_inline __u16 *memo_index(struct scratch *s, __u64 sp)
{
	return &s->memo.index[MASKED(sp >> 3, MEMO_INDEX_SIZE - 1)];
}

static __always_inline void memo_forget(struct scratch *s)
{
	s->memo.first = s->memo.end = 0;
	s->hints.lost = 0;
	for (int i = 0; i < MAPPING_HINTS; i++)
		s->hints.at[i].bytes = 0;
}

/* Before the first frame is recorded. */
static __always_inline void memo_begin(struct scratch *s, __u64 owner, __u64 epoch)
{
	if (s->hints.owner != owner || s->hints.epoch != epoch) {
		memo_forget(s);
		s->hints.owner = owner;
		s->hints.epoch = epoch;
	}
	s->walk.new_at = s->memo.spare * 2 * frames_max + frames_max;
	s->walk.n_new = 0;
	s->memo.known = 0;
	s->walk.end_stable = 0;
	s->walk.raw_wanted = 0;
	s->walk.space = wide ? owner << 48 ^ owner >> 16 : 0;
	s->memo.above = s->memo.first != s->memo.end ? 0 : ~0ULL;
}

/* The frame at the cursor is one of the last walk's: then s->memo.known is where. */
static __always_inline bool memo_knows(struct scratch *s)
{
	struct cursor *u = &s->walk.cursor;
	struct frame *f;
	__u32 at;

	if (u->sp <= s->memo.above)
		return false;
	at = *memo_index(s, u->sp);
	f = frame_at(s, at);
	if (f->sp != u->sp || f->ret != ((u->pc + 1) | (u->by_fp & FRAME_BY_FP)) ||
		f->fp != (u->fp_known ? u->fp : FP_UNKNOWN))
		return false;
	if (at - s->memo.first >= s->memo.end - s->memo.first || s->walk.n_new + s->memo.end - at > max_frames)
		return false;
	s->memo.known = at;
	return true;
}

#define MEMO_BATCH 4

/* Are the words on the stack, by which the frames from s->memo.verify on were found, what they were? */
static long memo_verify_some(__u32 i, void *arg)
{
	struct scratch *s = *(struct scratch **)arg;

	for (int j = 0; j < MEMO_BATCH; j++) {
		struct frame *f;
		__u64 word;

		if (++s->memo.verify >= s->memo.end)
			return 1;
		f = frame_at(s, s->memo.verify);
		if (f->fp_slot && (f->fp_slot == SLOT_OPAQUE || !stack_word(s, f->fp_slot, &word) || word != f->fp))
			goto differs;
		if (!stack_word(s, f->sp - 8, &word) || word != (f->ret & ~FRAME_BY_FP))
			goto differs;
		continue;
differs:
		/* There may be a known frame again, further out. */
		s->memo.above = f->sp;
		s->memo.known = 0;
		return 1;
	}
	return 0;
}

/* True: all frames from s->memo.known on hold. False: go on walking. */
static __always_inline bool memo_verify(struct scratch *s)
{
	s->memo.verify = s->memo.known;
	bpf_loop(STACK_MAX_FRAMES / MEMO_BATCH + 1, memo_verify_some, &s, 0);
	return s->memo.known;
}

/* One new frame, from the outermost in: hashed, and put where it will be found. */
static long memo_keep(__u32 i, void *arg)
{
	struct scratch *s = *(struct scratch **)arg;
	__u32 at = s->walk.n_new - 1 - i;
	struct frame *from = frame_at(s, s->walk.new_at + at), *to = frame_at(s, s->walk.first + at);

	s->walk.hash = hash_step(s->walk.hash, from->name & FRAME_FILE ? from->name : from->name ^ s->walk.space);
	*memo_index(s, from->sp) = s->walk.first + at;
	to->ret = from->ret;
	to->sp = from->sp;
	to->fp = from->fp;
	to->fp_slot = from->fp_slot;
	to->name = from->name;
	to->hash = s->walk.hash;
	return 0;
}

/* The walk has ended: s->walk.first, s->rec.n and s->walk.hash say what it found. */
static __always_inline void memo_finish(struct scratch *s)
{
	if (s->memo.known) {
		s->walk.hash = frame_at(s, s->memo.known)->hash;
		s->walk.first = s->memo.known - s->walk.n_new;
		s->rec.n = s->memo.end - s->walk.first;
		s->rec.end = s->memo.walk_end;
		s->memo.first = s->walk.first;
	} else {
		s->walk.hash = hash_keys[2];
		s->walk.first = s->walk.new_at;
		s->rec.n = s->walk.n_new;
		/* Also of a walk that can't be kept: the other half stays, but not all that the index says of it. */
		if (s->walk.end_stable) {
			s->memo.first = s->walk.first;
			s->memo.end = s->walk.first + s->walk.n_new;
			s->memo.spare = !s->memo.spare;
			s->memo.walk_end = s->rec.end;
		}
	}
	for_frames(s, s->walk.n_new, memo_keep);
}

static long memo_copy(__u32 i, void *arg)
{
	struct scratch *s = *(struct scratch **)arg;

	s->rec.frames[MASKED(i, STACK_MAX_FRAMES - 1)] = frame_at(s, s->walk.first + i)->name;
	return 0;
}

/* Puts the frames into s->rec, which goes to user space. */
static __always_inline void memo_frames(struct scratch *s)
{
	for_frames(s, s->rec.n, memo_copy);
}

#endif
