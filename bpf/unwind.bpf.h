/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk of a stack by .eh_frame's rules. One step goes from a frame to its caller:
 *
 *     address -> mapping (mapping.bpf.h)
 *             -> row (cache; else index word, then binary search in a bucket of rows)
 *             -> CFA, the caller's rsp -> saved rbp, return address
 *
 * The first frame needs none of it: at an allocator's entry the return address is where the site chooser says, and the
 * CFA is the word after it. A return address is looked up less one: the call may have been its function's last
 * instruction. Where no rule covers the code (JIT, Go, assembly) a step follows the frame pointer, and has to land in
 * code.
 *
 * The searches have no branches on data, since for each the verifier would follow both ways; assembly keeps clang from
 * making them, and from dropping masks that the verifier needs. The state lives in a map value, where the verifier
 * doesn't track it: on the BPF stack every frame would be another state.
 */
#ifndef ALLOCTRACE_UNWIND_BPF_H
#define ALLOCTRACE_UNWIND_BPF_H

#include "table.bpf.h"
#include "walk.bpf.h"

/* A frame pointer just below the stack pointer is what a frame that is gone has left. */
#define STALE_BELOW_BYTES (1 << 20)

/* What called main() has its frame just below the arguments of the program; musl has no rules for it. */
#define START_CODE_BYTES 256

static __always_inline bool unwind_word(struct scratch *s, __u64 addr, __u64 *word)
{
	return (addr & 7) == 0 && stack_word(s, addr, word);
}

/*
 * A caller's frame lies above, or on a lower stack that a rule by another register than RSP leads to: whoever switches
 * stacks keeps the old one's place. One that leads to where it led before would go round for ever; the place that is
 * compared with moves on, ever more slowly, so that a longer round is found as well. A global function: rarely called.
 */
__noinline int unwind_turns(struct scratch *s, __u32 how, __u64 sp)
{
	struct cursor *u;

	if (!s)
		return 0;
	u = &s->walk.cursor;
	if (sp == u->sp || how == UNWIND_CFA_SP || how == UNWIND_CFA_PLT || u->turns >= UNWIND_TURNS_MAX ||
	    (u->turns && sp == u->turn_sp))
		return 0;
	if ((u->turns & (u->turns - 1)) == 0)
		u->turn_sp = sp;
	u->turns++;
	return 1;
}

/* The caller's registers, by the CFA and the rule for RBP. */
static __always_inline bool unwind_caller(struct scratch *s, struct cursor *u, __u32 rule, __u64 cfa)
{
	__u32 how_fp = (rule >> 4) & 15;
	__u64 ret, fp_slot = 0;

	if (cfa <= u->sp && !unwind_turns(s, rule & 15, cfa))
		return walk_end(s, WALK_UNSUPPORTED);
	/* The lower address first: one window then serves both reads. */
	if (how_fp != UNWIND_FP_SAME) {
		fp_slot = cfa + (__s64)(__s8)(rule >> 8) * 8;
		if (!unwind_word(s, fp_slot, &u->fp))
			return walk_end(s, WALK_UNREADABLE);
		u->fp_known = 1;
	}
	if (((cfa - 8) & 7) || !stack_return(s, cfa - 8, &ret))
		return walk_end(s, WALK_UNREADABLE);
	/* The entry of a coroutine, by convention. */
	if (!ret)
		return walk_end(s, WALK_COMPLETE);
	u->fp_slot = fp_slot;
	u->sp = cfa;
	u->by_fp = 0;
	u->pc = ret - 1;
	return true;
}

/* A frame of code that no rule covers: its caller by the frame pointer. */
static __always_inline bool unwind_by_fp(struct scratch *s, struct cursor *u, __u8 kind)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct mm_struct *mm = task->mm;
	__u32 otherwise = kind == UNWIND_KIND_JIT ? WALK_JIT : WALK_NO_RULE;
	__u64 fp = u->fp, next, ret;

	if (mm && mm->start_stack - u->sp < START_CODE_BYTES)
		return walk_end_stable(s, WALK_COMPLETE);
	if (!u->fp_known)
		return walk_end_stable(s, otherwise);
	/* The outermost frame of Go, of musl and of most assembly; a JIT may hold anything in rbp. */
	if (!fp && kind != UNWIND_KIND_JIT)
		return walk_end_stable(s, WALK_ROOT_BY_FP);
	if (u->sp - fp - 1 < STALE_BELOW_BYTES || !unwind_word(s, fp, &next) || !stack_return(s, fp + 8, &ret) || !ret)
		return walk_end(s, otherwise);
	u->by_fp = otherwise | (kind == UNWIND_KIND_JIT ? 0 : FRAME_BY_FP);
	u->fp_slot = fp;
	u->sp = fp + 16;
	u->fp = next;
	u->pc = ret - 1;
	return true;
}

/* Below a signal frame: what was interrupted, which need not be at a call. */
static __always_inline bool unwind_signal(struct scratch *s, struct cursor *u)
{
	__u64 sp = u->sp, pc;

	if (!unwind_word(s, sp + UNWIND_SIGNAL_FP, &u->fp) || !stack_word(s, sp + UNWIND_SIGNAL_SP, &u->sp) ||
	    !stack_word(s, sp + UNWIND_SIGNAL_PC, &pc))
		return walk_end(s, WALK_UNREADABLE);
	u->fp_known = 1;
	u->fp_slot = SLOT_OPAQUE;
	u->by_fp = 0;
	u->pc = pc;
	u->signal_pc = pc;
	u->signal_sp = u->sp;
	u->signal_regs = sp;
	return true;
}

/* By DWARF number, in 8 bytes from where struct rt_sigframe lies. */
const volatile __u8 signal_at[UNWIND_REGS] = {18, 17, 19, 16, 14, 13, 15, 20, 5, 6, 7, 8, 9, 10, 11, 12};

/* A register of the frame at the cursor, into its `value`; of a frame that a signal has interrupted, any. False: it is
 * not known, and the walk ends. */
static __always_inline bool unwind_reg(struct scratch *s, __u32 reg)
{
	struct cursor *u = &s->walk.cursor;
	__u64 at = reg, value;

	if (reg == UNWIND_REG_SP) {
		u->value = u->sp;
		return true;
	}
	if (reg == UNWIND_REG_FP && u->fp_known) {
		u->value = u->fp;
		return true;
	}
	if (!u->signal_regs || u->signal_pc != u->pc || u->signal_sp != u->sp || reg >= UNWIND_REGS)
		return walk_end(s, WALK_UNSUPPORTED);
	if (!stack_word(s, u->signal_regs + 8 * signal_at[MASKED(at, UNWIND_REGS - 1)], &value))
		return walk_end(s, WALK_UNREADABLE);
	/* clang would make one load of this and those above; 6.12 refuses one by pointers of two kinds. */
	asm volatile("" : "+r"(value));
	u->value = value;
	return true;
}

/* What is at a place (one word of a wide rule), into the cursor's `value`. False: the walk ends. A global function. */
__noinline int unwind_place(struct scratch *s, __u64 word, __u64 cfa)
{
	__u32 how = word & 0xff, reg = word >> 8 & 0xff;
	__u64 at;

	if (!s)
		return 0;
	s->walk.cursor.value = cfa;
	if (how != UNWIND_AT_CFA && how != UNWIND_CFA_PLUS && !unwind_reg(s, reg))
		return 0;
	at = s->walk.cursor.value + ((__s64)word >> 32);
	if ((how == UNWIND_AT_CFA || how == UNWIND_AT_REG) && ((at & 7) || !stack_return(s, at, &at)))
		return walk_end(s, WALK_UNREADABLE);
	asm volatile("" : "+r"(at));
	s->walk.cursor.value = at + (__s64)(__s16)(word >> 16);
	return 1;
}

/* By a rule that takes a struct unwind_wide. A global function, too. */
__noinline int unwind_wide(struct scratch *s, __u32 number)
{
	__u32 word = number * UNWIND_WIDE_WORDS;
	struct wide_step *w;
	struct cursor *u;
	__u64 *words;

	if (!s || !unwind_tables)
		return 0;
	u = &s->walk.cursor;
	w = &s->walk.wide;
	words = unwind_chunk(word);
	if (!words)
		return walk_end(s, WALK_UNSUPPORTED);
	w->ra = words[MASKED(word + 1, UNWIND_CHUNK_WORDS - 1)];
	w->sp_at = words[MASKED(word + 2, UNWIND_CHUNK_WORDS - 1)];
	w->fp_at = words[MASKED(word + 3, UNWIND_CHUNK_WORDS - 1)];
	if (!unwind_place(s, words[MASKED(word, UNWIND_CHUNK_WORDS - 1)], 0))
		return 0;
	w->cfa = u->value;
	if (!unwind_place(s, w->ra, w->cfa))
		return 0;
	w->pc = u->value;
	w->sp = u->sp;
	w->fp = u->fp;
	if ((w->sp_at & 0xff) != UNWIND_SAME) {
		if (!unwind_place(s, w->sp_at, w->cfa))
			return 0;
		w->sp = u->value;
	}
	if ((w->fp_at & 0xff) == UNWIND_LOST) {
		u->fp_known = 0;
	} else if ((w->fp_at & 0xff) != UNWIND_SAME) {
		/* Lost, if it is in a register that is not known: whoever needs it gives up. */
		u->fp_known = unwind_place(s, w->fp_at, w->cfa);
		w->fp = u->value;
	}
	if (w->sp <= u->sp && !unwind_turns(s, UNWIND_CFA_WIDE, w->sp))
		return walk_end(s, WALK_UNSUPPORTED);
	if (!w->pc)
		return walk_end(s, WALK_COMPLETE);
	u->sp = w->sp;
	u->fp = w->fp;
	u->fp_slot = SLOT_OPAQUE;
	u->by_fp = 0;
	u->pc = w->pc - 1;
	return 1;
}

static __always_inline bool unwind_rare_rule(struct scratch *s, struct cursor *u, __u32 rule)
{
	__u32 how = rule & 15, how_fp = (rule >> 4) & 15;
	__s64 off = (__s64)(__s16)(rule >> 16);
	__u64 cfa, bp = u->fp;

	if ((how == UNWIND_CFA_FP || how == UNWIND_CFA_FP_MEM) && !u->fp_known)
		return walk_end(s, WALK_UNSUPPORTED);
	if (how == UNWIND_CFA_SP) {
		cfa = u->sp + off * 8;
	} else if (how == UNWIND_CFA_FP) {
		cfa = bp + off * 8;
	} else if (how == UNWIND_CFA_PLT) {
		cfa = u->sp + 8 + ((u->pc & 15) >= (__u64)off ? 8 : 0);
	} else if (how == UNWIND_CFA_FP_MEM || how == UNWIND_CFA_SP_MEM) {
		cfa = (how == UNWIND_CFA_FP_MEM ? bp : u->sp) + UNWIND_MEM_AT(off);
		if (!unwind_word(s, cfa, &cfa))
			return walk_end(s, WALK_UNREADABLE);
		cfa += UNWIND_MEM_PLUS(off);
	} else if (how == UNWIND_CFA_REGISTER) {
		if (!unwind_reg(s, UNWIND_REGISTER_OF(off)))
			return false;
		cfa = u->value + UNWIND_REGISTER_PLUS(off);
	} else {
		return walk_end(s, WALK_UNSUPPORTED);
	}
	if (how_fp == UNWIND_FP_FP && u->fp_known) {
		if (!unwind_word(s, bp + (__s64)(__s8)(rule >> 8) * 8, &u->fp))
			return walk_end(s, WALK_UNREADABLE);
	} else if (how_fp > UNWIND_FP_CFA) {
		u->fp_known = 0;
	}
	if (!unwind_caller(s, u, how_fp == UNWIND_FP_CFA ? rule : rule & ~0xf0u, cfa))
		return false;
	/* Found by more words of the stack than a frame keeps. */
	if (how == UNWIND_CFA_FP_MEM || how == UNWIND_CFA_SP_MEM || how == UNWIND_CFA_REGISTER ||
	    how_fp == UNWIND_FP_FP)
		u->fp_slot = SLOT_OPAQUE;
	return true;
}

/*
 * A "return address" that is a function's first byte, with no function right before it, is none: no call lies there.
 * makecontext() makes such a frame (glibc's __start_context) below a coroutine's first function.
 */
static __always_inline bool unwind_is_entry(const struct mapping_hint *h, __u64 pc)
{
	return pc + 1 - h->start < h->bytes && (unwind_rule(h, pc + 1) & 15) != UNWIND_CFA_GAP;
}

/* What few frames need. Not 0: there is a caller. A global function, too. */
__noinline int unwind_rare(struct scratch *s, __u32 rule)
{
	struct mapping_hint *h;

	if (!s)
		return 0;
	switch (rule & 15) {
	case UNWIND_CFA_STOP:
		return walk_end_stable(s, WALK_COMPLETE);
	case UNWIND_CFA_GAP:
		h = unwind_hint(s, s->walk.cursor.pc);
		if (unwind_is_entry(h, s->walk.cursor.pc))
			return walk_end_stable(s, WALK_COMPLETE);
		return unwind_by_fp(s, &s->walk.cursor, h->kind);
	case UNWIND_CFA_SIGNAL:
		return unwind_signal(s, &s->walk.cursor);
	case UNWIND_CFA_WIDE:
		return unwind_wide(s, rule >> 4);
	default:
		return unwind_rare_rule(s, &s->walk.cursor, rule);
	}
}

/* Goes to the caller of the frame at the cursor, by tables. */
static __always_inline bool unwind_caller_of(struct scratch *s, const struct mapping_hint *h)
{
	struct cursor *u = &s->walk.cursor;
	__u32 rule;
	__u64 off;

	if (h->kind <= UNWIND_KIND_UNKNOWN) {
		/* It may only not have been told. */
		if (!ask_kernel)
			s->walk.raw_wanted = 1;
		return walk_end(s, WALK_UNMAPPED);
	}
	rule = unwind_rule(h, u->pc);
	off = (__s64)(__s16)(rule >> 16) * 8;
	/* Nearly every frame: CFA by SP or FP, FP unchanged or saved in the frame. */
	if ((rule & 0xef) == UNWIND_CFA_SP)
		return unwind_caller(s, u, rule, u->sp + off);
	if ((rule & 0xef) == UNWIND_CFA_FP && u->fp_known)
		return unwind_caller(s, u, rule, u->fp + off);
	return unwind_rare(s, rule);
}

#endif
