/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole stack: step by step (unwind.bpf.h) from an allocator's caller outward, with what an earlier walk of the
 * thread found (memo.bpf.h), and again where pages, mappings or tables changed meanwhile.
 */
#ifndef ALLOCTRACE_STACK_BPF_H
#define ALLOCTRACE_STACK_BPF_H

#include "memo.bpf.h"
#include "unwind.bpf.h"

/* Records the frame at the cursor and goes to its caller; false at the end, which s->rec.end says, or at a frame that
 * is known. */
static __always_inline bool walk_step(struct scratch *s)
{
	struct mapping_hint *h;

	if (s->walk.n_new >= max_frames)
		return walk_end(s, WALK_DEPTH);
	if (memo_knows(s))
		return false;
	if (!unwind_tables) {
		walk_record(s, NAME_BY_ADDRESS);
		return walk_caller_fp(s);
	}
	h = unwind_hint(s, s->walk.cursor.pc);
	if (h->kind == UNWIND_KIND_GAP && s->walk.cursor.by_fp)
		return walk_end(s, (__u32)s->walk.cursor.by_fp);
	walk_record(s, h->name);
	return unwind_caller_of(s, h);
}

static long walk_loop_step(__u32 i, void *arg)
{
	return walk_step(*(struct scratch **)arg) ? 0 : 1;
}

#define MEMO_TRIES 2

/*
 * For a loop without bpf_loop(). A global function: inline, clang enters the loop behind a call, and Linux 6.1 takes
 * what leads there for a back-edge, even where the loop is never run (check_cfg()).
 */
__noinline int walk_step_alone(struct scratch *s)
{
	return s && !has_loop() ? walk_step(s) : 0;
}

/* One step more than frames: it sees whether there are more. */
static __always_inline void walk_loop(struct scratch *s)
{
	s->rec.end = WALK_DEPTH;
	if (!has_loop()) {
		s->memo.above = ~0ULL;
		for (int i = 0; i < PLAIN_LOOP; i++)
			if (!walk_step_alone(s))
				break;
		return;
	}
	for (int i = 0; i < MEMO_TRIES; i++) {
		bpf_loop(max_frames + 1, walk_loop_step, &s, 0);
		if (!s->memo.known || memo_verify(s))
			return;
	}
	s->memo.above = ~0ULL;
	bpf_loop(max_frames + 1, walk_loop_step, &s, 0);
}

/* Where a walk begins: at the caller, which walk_begin() has read. */
static __always_inline void walk_init(struct scratch *s, __u64 sp, __u64 bp)
{
	struct cursor *u = &s->walk.cursor;

	u->sp = sp + 8;
	u->fp = bp;
	u->fp_slot = 0;
	u->start = unwind_tables ? 0 : sp;
	u->pc = s->walk.ret - 1;
	u->fp_known = 1;
	u->by_fp = 0;
	u->turns = 0;
	u->signal_regs = 0;
}

/* At the caller, with what is known of this address space. */
static __always_inline void walk_prepare(struct scratch *s, __u64 sp, __u64 bp, __u64 epoch)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct mm_struct *mm = task->mm;
	__u64 changes = unwind_tables ? mm_changes(mm) : 0;

	walk_init(s, sp, bp);
	if (s->hints.changes != changes) {
		if (!hints_hold(s))
			s->hints.owner = 0;
		s->hints.changes = changes;
	}
	memo_begin(s, arch_space(mm), epoch);
}

/* All frames outward from there. */
static __always_inline void walk_frames(struct scratch *s, __u64 sp, __u64 bp, __u64 epoch)
{
	walk_prepare(s, sp, bp, epoch);
	if (s->walk.ret)
		walk_loop(s);
	else
		s->rec.end = WALK_UNREADABLE;
}

#define WALK_TRIES 3

/* Once in place; if pages or mappings have changed meanwhile, again on copies. */
static long walk_try(__u32 i, void *arg)
{
	struct scratch *s = *(struct scratch **)arg;

	if (i) {
		walk_begin(s, s->walk.sp, true);
		s->walk.epoch = *(volatile __u64 *)&unwind_epoch;
	}
	walk_frames(s, s->walk.sp, s->walk.fp, s->walk.epoch);
	s->walk.stale = *(volatile __u64 *)&unwind_epoch != s->walk.epoch;
	return !s->walk.stale && (!direct_possible || s->window.copies || !direct_changed(s));
}

/* How much of the stack the next walk may want: to what lies above the outermost frame, in whole cache lines. */
static __always_inline void walk_depth(struct scratch *s, __u64 sp)
{
	__u64 bytes = frame_at(s, s->walk.first + s->rec.n - 1)->sp - sp;

	s->window.depth_bytes = bytes < sizeof(s->window.words) ? (bytes + 127) & ~63ULL : sizeof(s->window.words);
}

/* Continues after walk_begin(), whose return address was at sp, and fills s->rec but for what only a first sight
 * needs. */
static __always_inline void walk(struct scratch *s, const struct pt_regs *ctx, __u64 sp, __u64 cookie)
{
	__u64 seed = walk_seed(s, ctx, cookie), epoch = *(volatile __u64 *)&unwind_epoch;

	if (has_loop()) {	/* as a loop of calls: the verifier looks at it once */
		s->walk.sp = sp;
		s->walk.fp = arch_fp(ctx);
		s->walk.epoch = epoch;
		bpf_loop(WALK_TRIES, walk_try, &s, 0);
	} else {
		walk_frames(s, sp, arch_fp(ctx), epoch);
		s->walk.stale = *(volatile __u64 *)&unwind_epoch != epoch;
	}
	if (s->walk.stale) {
		walk_init(s, sp, arch_fp(ctx));
		s->hints.owner = 0;
		s->walk.n_new = 0;
		s->memo.known = 0;
		s->walk.end_stable = 0;
		walk_record(s, NAME_BY_ADDRESS);
		s->walk.raw_wanted = 1;
		s->hints.unknown = (struct file_key){};
		s->rec.end = WALK_UNMAPPED;
	}
	memo_finish(s);
	walk_depth(s, sp);
	/* The same frames may have ended in another way before a mapping was known. */
	s->rec.id = hash_step(hash_step(seed, s->walk.hash), (__u64)s->rec.end << 32 | s->rec.n);
}

#endif
