/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/unwind.h"

#include <string.h>

/* What a step works on. */
struct memory {
	unwind_read_fn read;
	void *ctx;
	struct cursor at;
};

#define UNWIND_MEMORY struct memory

static const uint8_t signal_at[UNWIND_REGS] = UNWIND_SIGNAL_AT;

static bool unwind_word(struct memory *m, __u64 addr, __u64 *word)
{
	uint64_t value;

	if (!m->read(m->ctx, addr, &value))
		return false;
	*word = value;
	return true;
}

/* In memory that was copied no uretprobe has changed anything. */
static bool unwind_return(struct memory *m, __u64 addr, __u64 *pc)
{
	return unwind_word(m, addr, pc);
}

static bool unwind_turns(struct memory *m, __u32 how, __u64 sp);
static __u32 unwind_place(struct memory *m, __u64 word, __u64 cfa);

#include "unwind_step.h"

static bool unwind_turns(struct memory *m, __u32 how, __u64 sp)
{
	return unwind_step_turns(&m->at, how, sp);
}

static __u32 unwind_place(struct memory *m, __u64 word, __u64 cfa)
{
	return unwind_step_place(m, &m->at, word, cfa);
}

static struct memory start(const struct unwind_regs *regs, unwind_read_fn read, void *ctx)
{
	const uint64_t pc = unwind_lookup_pc(regs);

	return (struct memory){
		.read = read, .ctx = ctx,
		.at = {
			.pc = pc, .sp = regs->sp, .fp = regs->fp, .fp_known = regs->fp_known,
			.turns = regs->turns, .turn_sp = regs->turn_sp,
			.signal_pc = pc, .signal_sp = regs->sp, .signal_regs = regs->signal_regs,
		},
	};
}

static enum unwind_result finish(const struct memory *m, __u32 result, bool is_signal, struct unwind_regs *regs)
{
	const struct cursor *u = &m->at;

	if (result == UNWIND_OK)
		*regs = (struct unwind_regs){
			.pc = is_signal ? u->pc : u->pc + 1, .sp = u->sp, .fp = u->fp, .fp_known = u->fp_known,
			.pc_exact = is_signal, .turns = u->turns, .turn_sp = u->turn_sp,
			.signal_regs = is_signal ? u->signal_regs : 0,
		};
	return (enum unwind_result)result;
}

static __u32 step_wide(struct memory *m, const struct unwind_wide *wide)
{
	struct wide_step w = {0};

	if (!wide)
		return UNWIND_UNSUPPORTED;
	memcpy(&w.cfa_at, &wide->cfa, sizeof(w.cfa_at));
	memcpy(&w.ra_at, &wide->ra, sizeof(w.ra_at));
	memcpy(&w.sp_at, &wide->sp, sizeof(w.sp_at));
	memcpy(&w.fp_at, &wide->fp, sizeof(w.fp_at));
	return unwind_step_wide(m, &m->at, &w);
}

enum unwind_result unwind_step(const struct unwind_row *row, const struct unwind_wide *wide, struct unwind_regs *regs,
			       unwind_read_fn read, void *ctx)
{
	struct memory m = start(regs, read, ctx);
	uint64_t whole;

	if (!row)
		return UNWIND_NO_ROW;
	memcpy(&whole, row, sizeof(whole));
	switch (row->kind & 15) {
	case UNWIND_CFA_GAP:
		return UNWIND_NO_ROW;
	case UNWIND_CFA_STOP:
		return UNWIND_END;
	case UNWIND_CFA_SIGNAL:
		return finish(&m, unwind_step_signal(&m, &m.at), true, regs);
	case UNWIND_CFA_WIDE:
		return finish(&m, step_wide(&m, wide), false, regs);
	default:
		return finish(&m, unwind_step_rule(&m, &m.at, (uint32_t)(whole >> 32)), false, regs);
	}
}

enum unwind_result unwind_by_fp(uint64_t start_stack, bool is_jit, struct unwind_regs *regs, unwind_read_fn read,
				void *ctx)
{
	struct memory m = start(regs, read, ctx);

	return finish(&m, unwind_step_fp(&m, &m.at, start_stack, is_jit), false, regs);
}
