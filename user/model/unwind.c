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
	if (reg == UNWIND_REG_RSP)
		*value = regs->rsp;
	else if (reg == UNWIND_REG_RBP)
		*value = regs->rbp;
	else
		*value = regs->other[reg % UNWIND_REGS];
	return reg == UNWIND_REG_RSP || (reg == UNWIND_REG_RBP ? regs->rbp_known :
		regs->known >> reg % UNWIND_REGS & 1);
}

static enum unwind_result find_cfa(const struct unwind_row *row, const struct step *s, uint64_t *cfa)
{
	const struct unwind_regs *regs = s->regs;
	enum unwind_cfa kind = row->kind & 15;

	if ((kind == UNWIND_CFA_RBP || kind == UNWIND_CFA_RBP_MEM) && !regs->rbp_known)
		return UNWIND_UNSUPPORTED;
	switch (kind) {
	case UNWIND_CFA_RSP:
		*cfa = regs->rsp + (uint64_t)(row->cfa_off * 8);
		return UNWIND_OK;
	case UNWIND_CFA_RBP:
		*cfa = regs->rbp + (uint64_t)(row->cfa_off * 8);
		return UNWIND_OK;
	case UNWIND_CFA_RBP_MEM:
	case UNWIND_CFA_RSP_MEM:
		*cfa = kind == UNWIND_CFA_RBP_MEM ? regs->rbp : regs->rsp;
		if (!s->read(s->ctx, *cfa + (uint64_t)(int64_t)UNWIND_MEM_AT(row->cfa_off), cfa))
			return UNWIND_UNREADABLE;
		*cfa += UNWIND_MEM_PLUS(row->cfa_off);
		return UNWIND_OK;
	case UNWIND_CFA_PLT:
		*cfa = regs->rsp + 8 + ((regs->rip & 15) >= (uint64_t)row->cfa_off ? 8 : 0);
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

static bool find_rbp(const struct unwind_row *row, const struct step *s, struct unwind_regs *caller)
{
	const struct unwind_regs *regs = s->regs;
	uint64_t at = (uint64_t)(row->rbp_off * 8);

	switch ((enum unwind_rbp)(row->kind >> 4)) {
	case UNWIND_RBP_SAME:
		caller->rbp = regs->rbp;
		caller->rbp_known = regs->rbp_known;
		return true;
	case UNWIND_RBP_CFA:
		caller->rbp_known = true;
		return s->read(s->ctx, s->cfa + at, &caller->rbp);
	case UNWIND_RBP_RBP:
		caller->rbp_known = regs->rbp_known;
		return !regs->rbp_known || s->read(s->ctx, regs->rbp + at, &caller->rbp);
	default:
		caller->rbp_known = false;
		return true;
	}
}

/* By register number, RSP and RBP too, as they lie in struct rt_sigframe. */
static const uint8_t signal_at[UNWIND_REGS] = {
	144, 136, 152, 128, 112, 104, UNWIND_SIGNAL_RBP, UNWIND_SIGNAL_RSP, 40, 48, 56, 64, 72, 80, 88, 96,
};

/* The interrupted frame's stack may be another one, so no comparison with this one's. */
static enum unwind_result step_signal(struct unwind_regs *regs, unwind_read_fn read, void *ctx)
{
	struct unwind_regs caller = { .rbp_known = true, .rip_exact = true, .known = UINT16_MAX };

	caller.turns = regs->turns;
	caller.turn_sp = regs->turn_sp;
	for (unsigned int i = 0; i < UNWIND_REGS; i++)
		if (!read(ctx, regs->rsp + signal_at[i], &caller.other[i]))
			return UNWIND_UNREADABLE;
	if (!read(ctx, regs->rsp + UNWIND_SIGNAL_RIP, &caller.rip))
		return UNWIND_UNREADABLE;
	caller.rsp = caller.other[UNWIND_REG_RSP];
	caller.rbp = caller.other[UNWIND_REG_RBP];
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
		result = find_place(&w->ra, s, &caller->rip);
	if (result != UNWIND_OK)
		return result;
	caller->rsp = s->regs->rsp;
	if (w->rsp.how != UNWIND_SAME)
		result = find_place(&w->rsp, s, &caller->rsp);
	if (result != UNWIND_OK)
		return result;
	caller->rbp = s->regs->rbp;
	caller->rbp_known = s->regs->rbp_known;
	if (w->rbp.how == UNWIND_SAME)
		return UNWIND_OK;
	result = find_place(&w->rbp, s, &caller->rbp);
	caller->rbp_known = result == UNWIND_OK;
	return result == UNWIND_UNSUPPORTED ? UNWIND_OK : result;
}

/*
 * A caller's frame lies above, or on another stack that a rule by another register than RSP has led to. One that leads
 * to a place where it led before would go round for ever.
 */
static bool may_turn(const struct unwind_row *row, const struct unwind_regs *regs, struct unwind_regs *caller)
{
	enum unwind_cfa kind = row->kind & 15;

	if (caller->rsp > regs->rsp)
		return true;
	if (caller->rsp == regs->rsp || kind == UNWIND_CFA_RSP || kind == UNWIND_CFA_PLT ||
	    caller->turns == UNWIND_TURNS_MAX || (caller->turns && caller->rsp == caller->turn_sp))
		return false;
	/* The place to compare with moves on, ever more slowly: a longer round is found as well. */
	if ((caller->turns & (caller->turns - 1)) == 0)
		caller->turn_sp = caller->rsp;
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
		caller.rsp = s.cfa;
	}
	if (result != UNWIND_OK)
		return result;
	if (!may_turn(row, regs, &caller))
		return UNWIND_STUCK;
	if ((row->kind & 15) != UNWIND_CFA_WIDE &&
	    (!read(ctx, s.cfa - 8, &caller.rip) || !find_rbp(row, &s, &caller)))
		return UNWIND_UNREADABLE;
	*regs = caller;
	return UNWIND_OK;
}
