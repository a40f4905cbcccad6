/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/unwind.h"

/* What a step works on. */
struct step {
	const struct unwind_regs *regs;
	unwind_read_fn read;
	void *ctx;
	uint64_t cfa;
};

static bool reg_value(const struct unwind_regs *regs, unsigned int reg, uint64_t *value)
{
	if (reg == UNWIND_REG_SP)
		*value = regs->sp;
	else if (reg == UNWIND_REG_FP)
		*value = regs->fp;
	else
		*value = regs->other[reg % UNWIND_REGS];
	return reg == UNWIND_REG_SP || (reg == UNWIND_REG_FP ? regs->fp_known :
		regs->known >> reg % UNWIND_REGS & 1);
}

static enum unwind_result find_cfa(const struct unwind_row *row, const struct step *s, uint64_t *cfa)
{
	const struct unwind_regs *regs = s->regs;
	enum unwind_cfa kind = row->kind & 15;

	if ((kind == UNWIND_CFA_FP || kind == UNWIND_CFA_FP_MEM) && !regs->fp_known)
		return UNWIND_UNSUPPORTED;
	switch (kind) {
	case UNWIND_CFA_SP:
		*cfa = regs->sp + (uint64_t)(row->cfa_off * 8);
		return UNWIND_OK;
	case UNWIND_CFA_FP:
		*cfa = regs->fp + (uint64_t)(row->cfa_off * 8);
		return UNWIND_OK;
	case UNWIND_CFA_FP_MEM:
	case UNWIND_CFA_SP_MEM:
		*cfa = kind == UNWIND_CFA_FP_MEM ? regs->fp : regs->sp;
		if (!s->read(s->ctx, *cfa + (uint64_t)(int64_t)UNWIND_MEM_AT(row->cfa_off), cfa))
			return UNWIND_UNREADABLE;
		*cfa += UNWIND_MEM_PLUS(row->cfa_off);
		return UNWIND_OK;
	case UNWIND_CFA_PLT:
		*cfa = regs->sp + 8 + ((regs->pc & 15) >= (uint64_t)row->cfa_off ? 8 : 0);
		return UNWIND_OK;
	case UNWIND_CFA_REGISTER:
		if (!reg_value(regs, (unsigned int)UNWIND_REGISTER_OF(row->cfa_off), cfa))
			return UNWIND_UNSUPPORTED;
		*cfa += (uint64_t)(int64_t)UNWIND_REGISTER_PLUS(row->cfa_off);
		return UNWIND_OK;
	case UNWIND_CFA_STOP:
		return UNWIND_END;
	case UNWIND_CFA_GAP:
		return UNWIND_NO_ROW;
	default:
		return UNWIND_UNSUPPORTED;
	}
}

static bool find_fp(const struct unwind_row *row, const struct step *s, struct unwind_regs *caller)
{
	const struct unwind_regs *regs = s->regs;
	uint64_t at = (uint64_t)(row->fp_off * 8);

	switch ((enum unwind_fp)(row->kind >> 4)) {
	case UNWIND_FP_SAME:
		caller->fp = regs->fp;
		caller->fp_known = regs->fp_known;
		return true;
	case UNWIND_FP_CFA:
		caller->fp_known = true;
		return s->read(s->ctx, s->cfa + at, &caller->fp);
	case UNWIND_FP_FP:
		caller->fp_known = regs->fp_known;
		return !regs->fp_known || s->read(s->ctx, regs->fp + at, &caller->fp);
	default:
		caller->fp_known = false;
		return true;
	}
}

/* By register number, SP and FP too, as they lie in struct rt_sigframe. */
static const uint8_t signal_at[UNWIND_REGS] = {
	144, 136, 152, 128, 112, 104, UNWIND_SIGNAL_FP, UNWIND_SIGNAL_SP, 40, 48, 56, 64, 72, 80, 88, 96,
};

/* The interrupted frame's stack may be another one, so no comparison with this one's. */
static enum unwind_result step_signal(struct unwind_regs *regs, unwind_read_fn read, void *ctx)
{
	struct unwind_regs caller = { .fp_known = true, .pc_exact = true, .known = UINT16_MAX };

	caller.turns = regs->turns;
	caller.turn_sp = regs->turn_sp;
	for (unsigned int i = 0; i < UNWIND_REGS; i++)
		if (!read(ctx, regs->sp + signal_at[i], &caller.other[i]))
			return UNWIND_UNREADABLE;
	if (!read(ctx, regs->sp + UNWIND_SIGNAL_PC, &caller.pc))
		return UNWIND_UNREADABLE;
	caller.sp = caller.other[UNWIND_REG_SP];
	caller.fp = caller.other[UNWIND_REG_FP];
	*regs = caller;
	return UNWIND_OK;
}

/* The value that a place has. */
static enum unwind_result find_place(const struct unwind_place *p, const struct step *s, uint64_t *value)
{
	bool by_cfa = p->how == UNWIND_AT_CFA || p->how == UNWIND_CFA_PLUS;

	if (by_cfa)
		*value = s->cfa;
	else if ((p->how != UNWIND_AT_REG && p->how != UNWIND_REG_PLUS) || !reg_value(s->regs, p->reg, value))
		return UNWIND_UNSUPPORTED;
	*value += (uint64_t)(int64_t)p->off;
	if ((p->how == UNWIND_AT_CFA || p->how == UNWIND_AT_REG) && !s->read(s->ctx, *value, value))
		return UNWIND_UNREADABLE;
	*value += (uint64_t)(int64_t)p->plus;
	return UNWIND_OK;
}

static enum unwind_result step_wide(const struct unwind_wide *w, struct step *s, struct unwind_regs *caller)
{
	enum unwind_result result = find_place(&w->cfa, s, &s->cfa);

	if (result == UNWIND_OK)
		result = find_place(&w->ra, s, &caller->pc);
	if (result != UNWIND_OK)
		return result;
	caller->sp = s->regs->sp;
	if (w->sp.how != UNWIND_SAME)
		result = find_place(&w->sp, s, &caller->sp);
	if (result != UNWIND_OK)
		return result;
	caller->fp = s->regs->fp;
	caller->fp_known = s->regs->fp_known;
	if (w->fp.how == UNWIND_SAME)
		return UNWIND_OK;
	result = find_place(&w->fp, s, &caller->fp);
	caller->fp_known = result == UNWIND_OK;
	return result == UNWIND_UNSUPPORTED ? UNWIND_OK : result;
}

/*
 * A caller's frame lies above, or on another stack that a rule by another register than SP has led to. One that leads
 * to a place where it led before would go round for ever.
 */
static bool may_turn(const struct unwind_row *row, const struct unwind_regs *regs, struct unwind_regs *caller)
{
	enum unwind_cfa kind = row->kind & 15;

	if (caller->sp > regs->sp)
		return true;
	if (caller->sp == regs->sp || kind == UNWIND_CFA_SP || kind == UNWIND_CFA_PLT ||
	    caller->turns == UNWIND_TURNS_MAX || (caller->turns && caller->sp == caller->turn_sp))
		return false;
	/* The place to compare with moves on, ever more slowly: a longer round is found as well. */
	if ((caller->turns & (caller->turns - 1)) == 0)
		caller->turn_sp = caller->sp;
	caller->turns++;
	return true;
}

enum unwind_result unwind_step(const struct unwind_row *row, const struct unwind_wide *wide, struct unwind_regs *regs,
			       unwind_read_fn read, void *ctx)
{
	struct unwind_regs caller = {0};
	struct step s = { .regs = regs, .read = read, .ctx = ctx };
	enum unwind_result result;

	if (!row)
		return UNWIND_NO_ROW;
	if ((row->kind & 15) == UNWIND_CFA_SIGNAL)
		return step_signal(regs, read, ctx);
	caller.turns = regs->turns;
	caller.turn_sp = regs->turn_sp;
	if ((row->kind & 15) == UNWIND_CFA_WIDE) {
		result = wide ? step_wide(wide, &s, &caller) : UNWIND_UNSUPPORTED;
	} else {
		result = find_cfa(row, &s, &s.cfa);
		caller.sp = s.cfa;
	}
	if (result != UNWIND_OK)
		return result;
	if (!may_turn(row, regs, &caller))
		return UNWIND_STUCK;
	if ((row->kind & 15) != UNWIND_CFA_WIDE &&
	    (!read(ctx, s.cfa - 8, &caller.pc) || !find_fp(row, &s, &caller)))
		return UNWIND_UNREADABLE;
	*regs = caller;
	return UNWIND_OK;
}
