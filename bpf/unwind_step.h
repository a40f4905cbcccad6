/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One step of an unwinder, from a frame to its caller: the BPF side walks by it (unwind.bpf.h), and user space where a
 * stack was copied (user/elf/unwind.c). The two are one, so that a stack does not depend on who walks it.
 *
 * The includer brings the types and unwind_row.h, unwind_cursor.h, and defines
 *
 *     UNWIND_MEMORY                          the type of what the stack is read by
 *     bool unwind_word(m, addr, &word)       8 bytes; false: they can't be read, or addr is no multiple of 8
 *     bool unwind_return(m, addr, &pc)       the same for a return address, whatever a uretprobe has put there
 *     __u8 signal_at[UNWIND_REGS]            = UNWIND_SIGNAL_AT
 *
 * and two functions that the BPF side keeps out of line, since the verifier looks at a global function once:
 *
 *     bool unwind_turns(m, cfa_kind, sp)     unwind_step_turns() of the cursor
 *     __u32 unwind_place(m, word, cfa)       unwind_step_place() of the cursor
 *
 * On anything but UNWIND_OK the cursor may be changed in part.
 */
#ifndef ALLOCTRACE_BPF_UNWIND_STEP_H
#define ALLOCTRACE_BPF_UNWIND_STEP_H

#define unwind_inline static inline __attribute__((always_inline))

/* A value that the compiler knows nothing of. */
#define UNWIND_OPAQUE(x) asm volatile("" : "+r"(x))

/* A frame pointer just below the stack pointer is what a frame that is gone has left. */
#define STALE_BELOW_BYTES (1 << 20)

/* What called main() has its frame just below the arguments of the program; musl has no rules for it. */
#define START_CODE_BYTES 256

/*
 * A caller's frame lies above, or on a lower stack that a rule by another register than SP leads to: whoever switches
 * stacks keeps the old one's place. One that leads to where it led before would go round for ever; the place that is
 * compared with moves on, ever more slowly, so that a longer round is found as well. how: enum unwind_cfa; sp: of a
 * caller's frame that is not above. False: it leads nowhere.
 */
unwind_inline bool unwind_step_turns(struct cursor *u, __u32 how, __u64 sp)
{
	if (sp == u->sp || how == UNWIND_CFA_SP || how == UNWIND_CFA_PLT || u->turns >= UNWIND_TURNS_MAX ||
	    (u->turns && sp == u->turn_sp))
		return false;
	if ((u->turns & (u->turns - 1)) == 0)
		u->turn_sp = sp;
	u->turns++;
	return true;
}

/* The caller's registers, by the CFA; of the rule the part for FP: UNWIND_FP_SAME or UNWIND_FP_CFA. */
unwind_inline __u32 unwind_step_to(UNWIND_MEMORY *m, struct cursor *u, __u32 rule, __u64 cfa)
{
	__u64 ret, fp_slot = 0;

	if (cfa <= u->sp && !unwind_turns(m, rule & 15, cfa))
		return UNWIND_STUCK;
	/* The lower address first: one window then serves both reads. */
	if (rule & UNWIND_FP_MASK) {
		fp_slot = cfa + (__s64)(__s8)(rule >> 8) * 8;
		if (!unwind_word(m, fp_slot, &u->fp))
			return UNWIND_UNREADABLE;
		u->fp_known = 1;
	}
	if (!unwind_return(m, cfa + UNWIND_RA_AT, &ret))
		return UNWIND_UNREADABLE;
	/* The entry of a coroutine, by convention. */
	if (!ret)
		return UNWIND_END;
	u->fp_slot = fp_slot;
	u->sp = cfa;
	u->by_fp = 0;
	u->pc = ret - 1;
	return UNWIND_OK;
}

/* A frame of code that no rule covers: its caller by the frame pointer. start_stack: where the program's arguments
 * are; is_jit: code of no file, which may hold anything in the register. */
unwind_inline __u32 unwind_step_fp(UNWIND_MEMORY *m, struct cursor *u, __u64 start_stack, bool is_jit)
{
	__u64 fp = u->fp, next, ret;

	if (start_stack - u->sp < START_CODE_BYTES)
		return UNWIND_END;
	if (!u->fp_known)
		return UNWIND_NO_FP;
	if (!fp && !is_jit)
		return UNWIND_ROOT;
	if (u->sp - fp - 1 < STALE_BELOW_BYTES || !unwind_word(m, fp, &next) || !unwind_return(m, fp + 8, &ret) || !ret)
		return UNWIND_BAD_FP;
	u->fp_slot = fp;
	u->sp = fp + 16;
	u->fp = next;
	u->pc = ret - 1;
	return UNWIND_OK;
}

/* Below a signal frame: what was interrupted, which need not be at a call, and whose stack may be any. */
unwind_inline __u32 unwind_step_signal(UNWIND_MEMORY *m, struct cursor *u)
{
	__u64 sp = u->sp, pc;

	if (!unwind_word(m, sp + UNWIND_SIGNAL_FP, &u->fp) || !unwind_word(m, sp + UNWIND_SIGNAL_SP, &u->sp) ||
	    !unwind_word(m, sp + UNWIND_SIGNAL_PC, &pc))
		return UNWIND_UNREADABLE;
	u->fp_known = 1;
	u->fp_slot = SLOT_OPAQUE;
	u->by_fp = 0;
	u->pc = pc;
	u->signal_pc = pc;
	u->signal_sp = u->sp;
	u->signal_regs = sp;
	return UNWIND_OK;
}

/* A register of the frame at the cursor, into its `value`; of a frame that a signal has interrupted, any. */
unwind_inline __u32 unwind_step_reg(UNWIND_MEMORY *m, struct cursor *u, __u32 reg)
{
	__u64 at = reg, value;

	if (reg == UNWIND_REG_SP) {
		u->value = u->sp;
		return UNWIND_OK;
	}
	if (reg == UNWIND_REG_FP && u->fp_known) {
		u->value = u->fp;
		return UNWIND_OK;
	}
	if (!u->signal_regs || u->signal_pc != u->pc || u->signal_sp != u->sp || reg >= UNWIND_REGS)
		return UNWIND_UNSUPPORTED;
	/* Else clang drops the mask, which the verifier needs. */
	UNWIND_OPAQUE(at);
	if (!unwind_word(m, u->signal_regs + 8 * signal_at[at & (UNWIND_REGS - 1)], &value))
		return UNWIND_UNREADABLE;
	/* clang would make one load of this and those above; 6.12 refuses one by pointers of two kinds. */
	UNWIND_OPAQUE(value);
	u->value = value;
	return UNWIND_OK;
}

/* What is at a place (one word of a wide rule), into the cursor's `value`. */
unwind_inline __u32 unwind_step_place(UNWIND_MEMORY *m, struct cursor *u, __u64 word, __u64 cfa)
{
	__u32 how = word & 0xff, reg = word >> 8 & 0xff, result;
	__u64 at;

	u->value = cfa;
	if (how == UNWIND_SAME || how == UNWIND_LOST)
		return UNWIND_UNSUPPORTED;
	if (how != UNWIND_AT_CFA && how != UNWIND_CFA_PLUS) {
		result = unwind_step_reg(m, u, reg);
		if (result != UNWIND_OK)
			return result;
	}
	at = u->value + ((__s64)word >> 32);
	if ((how == UNWIND_AT_CFA || how == UNWIND_AT_REG) && !unwind_return(m, at, &at))
		return UNWIND_UNREADABLE;
	UNWIND_OPAQUE(at);
	u->value = at + (__s64)(__s16)(word >> 16);
	return UNWIND_OK;
}

/* By a wide rule, whose places are in *w. */
unwind_inline __u32 unwind_step_wide(UNWIND_MEMORY *m, struct cursor *u, struct wide_step *w)
{
	__u32 result = unwind_place(m, w->cfa_at, 0);

	if (result != UNWIND_OK)
		return result;
	w->cfa = u->value;
	result = unwind_place(m, w->ra_at, w->cfa);
	if (result != UNWIND_OK)
		return result;
	w->pc = u->value;
	w->sp = u->sp;
	w->fp = u->fp;
	if ((w->sp_at & 0xff) != UNWIND_SAME) {
		result = unwind_place(m, w->sp_at, w->cfa);
		if (result != UNWIND_OK)
			return result;
		w->sp = u->value;
	}
	if ((w->fp_at & 0xff) == UNWIND_LOST) {
		u->fp_known = 0;
	} else if ((w->fp_at & 0xff) != UNWIND_SAME) {
		/* Lost, if it is in a register that is not known: whoever needs it gives up. */
		u->fp_known = unwind_place(m, w->fp_at, w->cfa) == UNWIND_OK;
		w->fp = u->value;
	}
	if (w->sp <= u->sp && !unwind_turns(m, UNWIND_CFA_WIDE, w->sp))
		return UNWIND_STUCK;
	if (!w->pc)
		return UNWIND_END;
	u->sp = w->sp;
	u->fp = w->fp;
	u->fp_slot = SLOT_OPAQUE;
	u->by_fp = 0;
	u->pc = w->pc - 1;
	return UNWIND_OK;
}

/* The CFA, into the cursor's `value`, by a rule that has one. */
unwind_inline __u32 unwind_step_cfa(UNWIND_MEMORY *m, struct cursor *u, __u32 rule)
{
	__u32 how = rule & 15, result;
	__s64 off = (__s64)(__s16)(rule >> 16);
	__u64 cfa;

	if ((how == UNWIND_CFA_FP || how == UNWIND_CFA_FP_MEM) && !u->fp_known)
		return UNWIND_UNSUPPORTED;
	if (how == UNWIND_CFA_SP) {
		cfa = u->sp + off * 8;
	} else if (how == UNWIND_CFA_FP) {
		cfa = u->fp + off * 8;
	} else if (how == UNWIND_CFA_PLT) {
		cfa = u->sp + 8 + ((u->pc & 15) >= (__u64)off ? 8 : 0);
	} else if (how == UNWIND_CFA_FP_MEM || how == UNWIND_CFA_SP_MEM) {
		cfa = (how == UNWIND_CFA_FP_MEM ? u->fp : u->sp) + UNWIND_MEM_AT(off);
		if (!unwind_word(m, cfa, &cfa))
			return UNWIND_UNREADABLE;
		cfa += UNWIND_MEM_PLUS(off);
	} else if (how == UNWIND_CFA_REGISTER) {
		result = unwind_step_reg(m, u, UNWIND_REGISTER_OF(off));
		if (result != UNWIND_OK)
			return result;
		cfa = u->value + UNWIND_REGISTER_PLUS(off);
	} else {
		return UNWIND_UNSUPPORTED;
	}
	u->value = cfa;
	return UNWIND_OK;
}

/* By any rule that has a CFA and is not wide. */
unwind_inline __u32 unwind_step_rule(UNWIND_MEMORY *m, struct cursor *u, __u32 rule)
{
	__u32 how = rule & 15, how_fp = rule & UNWIND_FP_MASK, result;
	__u64 fp = u->fp;

	if (rule & UNWIND_RA_MASK)
		return UNWIND_UNSUPPORTED;
	result = unwind_step_cfa(m, u, rule);
	if (result != UNWIND_OK)
		return result;
	if (how_fp == UNWIND_FP_FP << 4 && u->fp_known) {
		if (!unwind_word(m, fp + (__s64)(__s8)(rule >> 8) * 8, &u->fp))
			return UNWIND_UNREADABLE;
	} else if (how_fp > UNWIND_FP_CFA << 4) {
		u->fp_known = 0;
	}
	result = unwind_step_to(m, u, how_fp == UNWIND_FP_CFA << 4 ? rule : rule & ~UNWIND_FP_MASK, u->value);
	if (result != UNWIND_OK)
		return result;
	/* Found by more words of the stack than a frame keeps. */
	if (how == UNWIND_CFA_FP_MEM || how == UNWIND_CFA_SP_MEM || how == UNWIND_CFA_REGISTER ||
	    how_fp == UNWIND_FP_FP << 4)
		u->fp_slot = SLOT_OPAQUE;
	return UNWIND_OK;
}

#endif
