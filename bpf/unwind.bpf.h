/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk of a stack by .eh_frame's rules. One step goes from a frame to its caller:
 *
 *     address -> mapping (mapping.bpf.h)
 *             -> row (cache; else index word, then binary search in a bucket of rows)
 *             -> CFA, the caller's stack pointer -> saved frame pointer, return address
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

#define UNWIND_MEMORY struct scratch

/* By DWARF number, in 8 bytes from where struct rt_sigframe lies. */
const volatile __u8 signal_at[UNWIND_REGS] = UNWIND_SIGNAL_AT;

static __always_inline bool unwind_word(struct scratch *s, __u64 addr, __u64 *word)
{
	return (addr & 7) == 0 && stack_word(s, addr, word);
}

static __always_inline bool unwind_return(struct scratch *s, __u64 addr, __u64 *pc)
{
	return (addr & 7) == 0 && stack_return(s, addr, pc);
}

/* Global functions, as unwind_step.h says. */
int unwind_turns(struct scratch *s, __u32 how, __u64 sp);
__u32 unwind_place(struct scratch *s, __u64 word, __u64 cfa);

#include "unwind_step.h"

__noinline int unwind_turns(struct scratch *s, __u32 how, __u64 sp)
{
	return s && unwind_step_turns(&s->walk.cursor, how, sp);
}

__noinline __u32 unwind_place(struct scratch *s, __u64 word, __u64 cfa)
{
	return s ? unwind_step_place(s, &s->walk.cursor, word, cfa) : UNWIND_UNSUPPORTED;
}

/* What has come of a step; false: the walk ends. */
static __always_inline bool unwind_goes_on(struct scratch *s, __u32 result)
{
	if (result == UNWIND_OK)
		return true;
	return walk_end(s, result == UNWIND_END ? WALK_COMPLETE : result == UNWIND_UNREADABLE ? WALK_UNREADABLE :
		WALK_UNSUPPORTED);
}

/* A frame of code that no rule covers. */
static __always_inline bool unwind_by_fp(struct scratch *s, struct cursor *u, __u8 kind)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	struct mm_struct *mm = task->mm;
	bool is_jit = kind == UNWIND_KIND_JIT;
	__u32 otherwise = is_jit ? WALK_JIT : WALK_NO_RULE;

	switch (unwind_step_fp(s, u, mm ? mm->start_stack : 0, is_jit)) {
	case UNWIND_OK:
		u->by_fp = otherwise | (is_jit ? 0 : FRAME_BY_FP);
		return true;
	case UNWIND_END:
		return walk_end_stable(s, WALK_COMPLETE);
	case UNWIND_ROOT:
		return walk_end_stable(s, WALK_ROOT_BY_FP);
	case UNWIND_NO_FP:
		return walk_end_stable(s, otherwise);
	default:
		return walk_end(s, otherwise);
	}
}

/* By a rule that takes a struct unwind_wide. A global function, too. */
__noinline int unwind_wide(struct scratch *s, __u32 number)
{
	__u32 word = number * UNWIND_WIDE_WORDS;
	struct wide_step *w;
	__u64 *words;

	if (!s || !unwind_tables)
		return 0;
	w = &s->walk.wide;
	words = unwind_chunk(word);
	if (!words)
		return walk_end(s, WALK_UNSUPPORTED);
	w->cfa_at = words[MASKED(word, UNWIND_CHUNK_WORDS - 1)];
	w->ra_at = words[MASKED(word + 1, UNWIND_CHUNK_WORDS - 1)];
	w->sp_at = words[MASKED(word + 2, UNWIND_CHUNK_WORDS - 1)];
	w->fp_at = words[MASKED(word + 3, UNWIND_CHUNK_WORDS - 1)];
	return unwind_goes_on(s, unwind_step_wide(s, &s->walk.cursor, w));
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
		return unwind_goes_on(s, unwind_step_signal(s, &s->walk.cursor));
	case UNWIND_CFA_WIDE:
		return unwind_wide(s, rule >> 4);
	default:
		return unwind_goes_on(s, unwind_step_rule(s, &s->walk.cursor, rule));
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
		return unwind_goes_on(s, unwind_step_to(s, u, rule, u->sp + off));
	if ((rule & 0xef) == UNWIND_CFA_FP && u->fp_known)
		return unwind_goes_on(s, unwind_step_to(s, u, rule, u->fp + off));
	return unwind_rare(s, rule);
}

#endif
