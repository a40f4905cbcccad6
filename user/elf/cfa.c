/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program is a list of two kinds of instructions: those that change the rules in force, and those that advance the
 * location. Each advance ends a range in which the rules were constant: one row. All that an instruction names besides
 * CFA, RBP, RSP and the return address is read over.
 *
 * A hostile program costs no more than its length: each byte is looked at once, an advance past the function's end ends
 * it, expressions are compared with the few shapes that exist and never evaluated, and remembered states have a fixed
 * place (compilers nest them once, rarely twice).
 */
#include "elf/cfa.h"

#include <string.h>

#include "base/mem.h"

#define REMEMBER_MAX 16

enum {
	DW_CFA_nop = 0x00, DW_CFA_set_loc, DW_CFA_advance_loc1, DW_CFA_advance_loc2, DW_CFA_advance_loc4,
	DW_CFA_offset_extended, DW_CFA_restore_extended, DW_CFA_undefined, DW_CFA_same_value, DW_CFA_register,
	DW_CFA_remember_state, DW_CFA_restore_state, DW_CFA_def_cfa, DW_CFA_def_cfa_register, DW_CFA_def_cfa_offset,
	DW_CFA_def_cfa_expression, DW_CFA_expression, DW_CFA_offset_extended_sf, DW_CFA_def_cfa_sf,
	DW_CFA_def_cfa_offset_sf, DW_CFA_val_offset, DW_CFA_val_offset_sf, DW_CFA_val_expression,
	DW_CFA_MIPS_advance_loc8 = 0x1d, DW_CFA_GNU_args_size = 0x2e, DW_CFA_GNU_negative_offset_extended = 0x2f,
	/* The top two bits say these; the other six are the operand. */
	DW_CFA_advance_loc = 0x40, DW_CFA_offset = 0x80, DW_CFA_restore = 0xc0,
};

/* A machine that runs one program. */
struct run {
	const struct cfa_context *ctx;
	struct dwcursor c;
	struct cfa_state now;
	struct cfa_state *remembered;	/* REMEMBER_MAX places; apart, so as not to be cleared for each function */
	unsigned int n_remembered;
	bool initial;	/* of a CIE: nowhere to advance */
	/* Of an FDE: */
	const struct cfa_range *range;
	struct cfa_rows *rows;
	uint64_t loc;
	uint64_t row;	/* where the next row starts; not loc where the range starts before or after the program does */
};

static void rows_grow(struct cfa_rows *rows)
{
	size_t want = rows->cap < 64 ? 64 : rows->cap + rows->cap / 2;

	if (want > rows->max)
		want = rows->max;
	if (want <= rows->n) {
		rows->full = true;
		return;
	}
	rows->at = xrealloc_array(rows->at, want, sizeof(*rows->at));
	rows->cap = want;
}

/* Kind, rbp_off and cfa_off of a row are the upper four of its eight bytes. */
static inline uint32_t rule_of(const struct unwind_row *row)
{
	uint32_t rule;

	memcpy(&rule, (const char *)row + 4, sizeof(rule));
	return rule;
}

static inline void rows_add(struct cfa_rows *rows, uint32_t pc, uint32_t rule)
{
	struct unwind_row *row;

	if (rows->n && rule_of(&rows->at[rows->n - 1]) == rule)
		return;
	if (rows->n == rows->cap) {
		rows_grow(rows);
		if (rows->full)
			return;
	}
	row = &rows->at[rows->n++];
	row->pc = pc;
	memcpy((char *)row + 4, &rule, sizeof(rule));
}

void cfa_rows_add(struct cfa_rows *rows, uint32_t pc, uint32_t rule)
{
	rows_add(rows, pc, rule);
}

static inline bool scale(const struct run *r, int64_t factored, int64_t *bytes)
{
	return !__builtin_mul_overflow(factored, r->ctx->data_align, bytes);
}

/* An unsigned operand times the data alignment factor. */
static inline bool scaled_uleb(struct run *r, int64_t *bytes)
{
	uint64_t v = dw_uleb(&r->c);

	return v <= INT64_MAX && scale(r, (int64_t)v, bytes);
}

static inline bool scaled_sleb(struct run *r, int64_t *bytes)
{
	return scale(r, dw_sleb(&r->c), bytes);
}

/* The rules so far hold up to `to`; false when the function ends there. */
static inline bool advance_to(struct run *r, uint64_t to)
{
	const struct cfa_range *range = r->range;
	bool more = to < range->end;

	if (!more)
		to = range->end;
	if (to > r->row) {
		rows_add(r->rows, (uint32_t)(r->row - range->base), cfa_state_rule(&r->now));
		r->row = to;
	}
	r->loc = to;
	return more;
}

enum next { NEXT, DONE, DAMAGED };

static inline enum next advance_by(struct run *r, uint64_t factored)
{
	uint64_t delta, to;

	if (r->initial)
		return DAMAGED;
	if (__builtin_mul_overflow(factored, r->ctx->code_align, &delta) || __builtin_add_overflow(r->loc, delta, &to))
		to = UINT64_MAX;
	return advance_to(r, to) ? NEXT : DONE;
}

static enum next advance_by_operand(struct run *r, size_t size)
{
	uint64_t factored = dw_fixed(&r->c, size);

	return r->c.bad ? DAMAGED : advance_by(r, factored);
}

static enum next set_loc(struct run *r)
{
	uint64_t to = dw_pointer(&r->c, r->ctx->encoding, r->ctx->section, r->ctx->section_vaddr, NULL);

	if (r->c.bad || r->initial || to < r->loc)
		return DAMAGED;
	return advance_to(r, to) ? NEXT : DONE;
}

static bool remember(struct run *r)
{
	if (r->n_remembered == REMEMBER_MAX)
		return false;
	r->remembered[r->n_remembered++] = r->now;
	return true;
}

static bool recall(struct run *r)
{
	if (!r->n_remembered)
		return false;
	r->now = r->remembered[--r->n_remembered];
	return true;
}

/* A length and that many bytes. */
static struct dwcursor block(struct run *r)
{
	uint64_t len = dw_uleb(&r->c);
	struct dwcursor b = { .p = r->c.p };

	dw_skip(&r->c, len);
	b.end = r->c.p;
	if (r->c.bad)
		b.p = b.end;
	return b;
}

/*
 * Instructions that change the CFA rule. false: damaged. Changing only one half of it is not allowed by the standard
 * while it is an expression; hand-written assembly does (libgcrypt), and unwinders let the other half be what it last
 * was.
 */
static bool change_cfa(struct run *r, uint8_t op)
{
	struct cfa_state *s = &r->now;
	uint64_t v;

	if (op == DW_CFA_def_cfa_expression) {
		cfa_set_expression(s, block(r));
		return true;
	}
	if (op == DW_CFA_def_cfa || op == DW_CFA_def_cfa_sf)
		cfa_set_register(s, dw_uleb(&r->c));
	if (s->cfa == CFA_NONE)
		return false;
	switch (op) {
	case DW_CFA_def_cfa_register:
		cfa_set_register(s, dw_uleb(&r->c));
		return true;
	case DW_CFA_def_cfa_sf:
	case DW_CFA_def_cfa_offset_sf:
		return scaled_sleb(r, &s->cfa_off);
	default:
		v = dw_uleb(&r->c);
		s->cfa_off = (int64_t)v;
		return v <= INT64_MAX;
	}
}

/* Instructions that change another register's rule. false: damaged. */
static bool change_register(struct run *r, uint8_t op)
{
	uint64_t reg = dw_uleb(&r->c);
	enum cfa_saved how = SAVED_OTHER;
	int64_t off = 0;
	bool ok = true;

	switch (op) {
	case DW_CFA_restore_extended:
		cfa_restore(&r->now, reg, &r->ctx->initial);
		return true;
	case DW_CFA_undefined:
		how = SAVED_UNDEFINED;
		break;
	case DW_CFA_same_value:
		how = SAVED_SAME;
		break;
	case DW_CFA_register:
		dw_uleb(&r->c);
		break;
	case DW_CFA_expression:
		cfa_set_saved_expression(&r->now, reg, block(r));
		return true;
	case DW_CFA_val_expression:
		block(r);
		break;
	case DW_CFA_val_offset:
	case DW_CFA_val_offset_sf:
		how = SAVED_IS_CFA_PLUS;
		ok = op == DW_CFA_val_offset ? scaled_uleb(r, &off) : scaled_sleb(r, &off);
		break;
	case DW_CFA_offset_extended:
		how = SAVED_AT_CFA;
		ok = scaled_uleb(r, &off);
		break;
	case DW_CFA_offset_extended_sf:
		how = SAVED_AT_CFA;
		ok = scaled_sleb(r, &off);
		break;
	case DW_CFA_GNU_negative_offset_extended:
		how = SAVED_AT_CFA;
		ok = scaled_uleb(r, &off) && !__builtin_sub_overflow((int64_t)0, off, &off);
		break;
	}
	if (ok)
		cfa_set_saved(&r->now, reg, how, off);
	return ok;
}

static enum next execute(struct run *r, uint8_t op)
{
	int64_t off;
	bool ok;

	switch (op & 0xc0 ? op & 0xc0 : op) {
	case DW_CFA_advance_loc:
		return advance_by(r, op & 0x3f);
	case DW_CFA_offset:
		ok = scaled_uleb(r, &off);
		if (ok)
			cfa_set_saved(&r->now, op & 0x3f, SAVED_AT_CFA, off);
		break;
	case DW_CFA_restore:
		cfa_restore(&r->now, op & 0x3f, &r->ctx->initial);
		ok = true;
		break;
	case DW_CFA_nop:
		return NEXT;
	case DW_CFA_set_loc:
		return set_loc(r);
	case DW_CFA_advance_loc1:
		return advance_by_operand(r, 1);
	case DW_CFA_advance_loc2:
		return advance_by_operand(r, 2);
	case DW_CFA_advance_loc4:
		return advance_by_operand(r, 4);
	case DW_CFA_MIPS_advance_loc8:
		return advance_by_operand(r, 8);
	case DW_CFA_remember_state:
		ok = remember(r);
		break;
	case DW_CFA_restore_state:
		ok = recall(r);
		break;
	case DW_CFA_GNU_args_size:
		dw_uleb(&r->c);
		ok = true;
		break;
	case DW_CFA_def_cfa:
	case DW_CFA_def_cfa_sf:
	case DW_CFA_def_cfa_register:
	case DW_CFA_def_cfa_offset:
	case DW_CFA_def_cfa_offset_sf:
	case DW_CFA_def_cfa_expression:
		ok = change_cfa(r, op);
		break;
	case DW_CFA_offset_extended:
	case DW_CFA_restore_extended:
	case DW_CFA_undefined:
	case DW_CFA_same_value:
	case DW_CFA_register:
	case DW_CFA_expression:
	case DW_CFA_offset_extended_sf:
	case DW_CFA_val_offset:
	case DW_CFA_val_offset_sf:
	case DW_CFA_val_expression:
	case DW_CFA_GNU_negative_offset_extended:
		ok = change_register(r, op);
		break;
	default:
		return DAMAGED;
	}
	return ok && !r->c.bad ? NEXT : DAMAGED;
}

/* true at the program's or the function's end, false where it is damaged. */
static bool run_program(struct run *r)
{
	const uint8_t *p = r->c.p, *end = r->c.end;	/* r->c is behind while the frequent ones are run */
	enum next next = NEXT;

	while (next == NEXT && p < end) {
		/* Nearly all of a program is these four with one byte of operand; the rest can take longer. */
		uint8_t op = *p++, operand = p < end ? *p : 0x80;

		if ((op & 0xc0) == DW_CFA_advance_loc) {
			next = advance_by(r, op & 0x3f);
		} else if (op == DW_CFA_def_cfa_offset && operand < 0x80 && r->now.cfa != CFA_NONE) {
			p++;
			r->now.cfa_off = operand;
		} else if ((op & 0xc0) == DW_CFA_offset && operand < 0x80 && cfa_is_other(op & 0x3f)) {
			p++;
		} else if (op == DW_CFA_advance_loc1 && p < end) {
			p++;
			next = advance_by(r, operand);
		} else {
			r->c.p = p;
			next = execute(r, op);
			p = r->c.p;
		}
	}
	return next != DAMAGED;
}

bool cfa_run_initial(struct cfa_context *ctx, struct dwcursor program)
{
	struct cfa_state remembered[REMEMBER_MAX];
	struct run r = { .ctx = ctx, .c = program, .remembered = remembered, .initial = true };

	/* What "restore" means here: assemblers move what functions have in common to the CIE, restores included. */
	ctx->initial = (struct cfa_state){ .places = PLACE_RA_NONE };
	r.now = ctx->initial;
	if (!run_program(&r))
		return false;
	ctx->initial = r.now;
	return true;
}

bool cfa_run(const struct cfa_context *ctx, struct dwcursor program, const struct cfa_range *range,
	     struct cfa_rows *rows)
{
	struct cfa_state remembered[REMEMBER_MAX];
	struct run r = {
		.ctx = ctx, .c = program, .now = ctx->initial, .remembered = remembered, .range = range, .rows = rows,
		.loc = range->start, .row = range->from,
	};
	bool ok = run_program(&r);

	if (ok)
		advance_to(&r, range->end);
	else
		rows_add(rows, (uint32_t)(r.row - range->base), cfa_rule(UNWIND_CFA_UNSUPPORTED, UNWIND_WHY_PROGRAM));
	return ok;
}
