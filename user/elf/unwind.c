/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf/unwind.h"

static enum unwind_result find_cfa(const struct unwind_row *row, const struct unwind_regs *regs, unwind_read_fn read,
				   void *ctx, uint64_t *cfa)
{
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
		if (!read(ctx, *cfa + (uint64_t)(int64_t)UNWIND_MEM_AT(row->cfa_off), cfa))
			return UNWIND_UNREADABLE;
		*cfa += UNWIND_MEM_PLUS(row->cfa_off);
		return UNWIND_OK;
	case UNWIND_CFA_PLT:
		*cfa = regs->rsp + 8 + ((regs->rip & 15) >= (uint64_t)row->cfa_off ? 8 : 0);
		return UNWIND_OK;
	case UNWIND_CFA_STOP:
		return UNWIND_END;
	case UNWIND_CFA_GAP:
		return UNWIND_NO_ROW;
	default:
		return UNWIND_UNSUPPORTED;
	}
}

static bool find_rbp(const struct unwind_row *row, uint64_t cfa, const struct unwind_regs *regs, unwind_read_fn read,
		     void *ctx, struct unwind_regs *caller)
{
	uint64_t at = (uint64_t)(row->rbp_off * 8);

	switch ((enum unwind_rbp)(row->kind >> 4)) {
	case UNWIND_RBP_SAME:
		caller->rbp = regs->rbp;
		caller->rbp_known = regs->rbp_known;
		return true;
	case UNWIND_RBP_CFA:
		caller->rbp_known = true;
		return read(ctx, cfa + at, &caller->rbp);
	case UNWIND_RBP_RBP:
		caller->rbp_known = regs->rbp_known;
		return !regs->rbp_known || read(ctx, regs->rbp + at, &caller->rbp);
	default:
		caller->rbp_known = false;
		return true;
	}
}

/* The interrupted frame's stack may be another one, so no comparison with this one's. */
static enum unwind_result step_signal(struct unwind_regs *regs, unwind_read_fn read, void *ctx)
{
	struct unwind_regs caller = { .rbp_known = true, .rip_exact = true };

	if (!read(ctx, regs->rsp + UNWIND_SIGNAL_RIP, &caller.rip) ||
	    !read(ctx, regs->rsp + UNWIND_SIGNAL_RSP, &caller.rsp) ||
	    !read(ctx, regs->rsp + UNWIND_SIGNAL_RBP, &caller.rbp))
		return UNWIND_UNREADABLE;
	*regs = caller;
	return UNWIND_OK;
}

enum unwind_result unwind_step(const struct unwind_row *row, struct unwind_regs *regs, unwind_read_fn read, void *ctx)
{
	struct unwind_regs caller = {0};
	enum unwind_result result;
	uint64_t cfa = 0;

	if (!row)
		return UNWIND_NO_ROW;
	if ((row->kind & 15) == UNWIND_CFA_SIGNAL)
		return step_signal(regs, read, ctx);
	result = find_cfa(row, regs, read, ctx, &cfa);
	if (result != UNWIND_OK)
		return result;
	if (cfa <= regs->rsp)
		return UNWIND_STUCK;
	if (!read(ctx, cfa - 8, &caller.rip) || !find_rbp(row, cfa, regs, read, ctx, &caller))
		return UNWIND_UNREADABLE;
	caller.rsp = cfa;
	*regs = caller;
	return UNWIND_OK;
}
