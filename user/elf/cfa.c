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

/* CFA_REG: a register and an offset; the two usual ones have their row's kind as value. */
enum cfa_how {
	CFA_NONE = 0, CFA_RSP = UNWIND_CFA_RSP, CFA_RBP = UNWIND_CFA_RBP, CFA_RBP_MEM = UNWIND_CFA_RBP_MEM,
	CFA_RSP_MEM = UNWIND_CFA_RSP_MEM, CFA_PLT = UNWIND_CFA_PLT, CFA_REG = 16, CFA_EXPRESSION, CFA_EXPRESSION_RANGE,
};

/* Where the return address and the caller's RSP are, if not at CFA - 8 and the CFA itself. NONE: nothing said yet, which
 * must not pass for the usual. */
enum places {
	PLACE_RA_UNDEFINED = 1, PLACE_RA_SIGNAL = 2, PLACE_RA_OTHER = 4, PLACE_RA_NONE = 8,
	PLACE_RSP_SIGNAL = 16, PLACE_RSP_OTHER = 32,
	PLACE_RA = 15, PLACE_RSP = 48,
};

/* How an instruction says that a register was saved. */
enum saved { SAVED_AT_CFA, SAVED_AT_RBP, SAVED_AT_RSP, SAVED_SAME, SAVED_UNDEFINED, SAVED_IS_CFA_PLUS, SAVED_OTHER };

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

enum {
	DW_OP_deref = 0x06, DW_OP_and = 0x1a, DW_OP_plus = 0x22, DW_OP_plus_uconst = 0x23, DW_OP_shl = 0x24,
	DW_OP_ge = 0x2a, DW_OP_lit0 = 0x30, DW_OP_breg0 = 0x70,
};

/* A machine that runs one program. */
struct run {
	const struct cfa_context *ctx;
	struct dwcursor c;
	struct cfa_state now, remembered[REMEMBER_MAX];
	unsigned int n_remembered;
	bool initial;	/* of a CIE: nothing to restore, nowhere to advance */
	/* Of an FDE: */
	const struct cfa_range *range;
	struct cfa_rows *rows;
	uint64_t loc;
	uint64_t row;	/* where the next row starts; not loc where the range starts before or after the program does */
};

uint32_t cfa_rule(enum unwind_cfa kind, int16_t cfa_off)
{
	return (uint32_t)kind | (uint32_t)(uint16_t)cfa_off << 16;
}

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

static inline bool fits(int64_t bytes, int64_t min, int64_t max)
{
	return !(bytes & 7) && bytes >= min * 8 && bytes <= max * 8;
}

static uint32_t rbp_rule(enum unwind_rbp kind, int64_t bytes)
{
	if (!fits(bytes, INT8_MIN, INT8_MAX)) {
		kind = UNWIND_RBP_UNSUPPORTED;
		bytes = 0;
	}
	return (uint32_t)kind << 4 | (uint32_t)(uint8_t)(bytes / 8) << 8;
}

static uint32_t unusual_rule(const struct cfa_state *s)
{
	bool ra_usual = !(s->places & PLACE_RA);

	if (s->places & PLACE_RA_UNDEFINED)
		return cfa_rule(UNWIND_CFA_STOP, 0);
	if (s->places == (PLACE_RA_SIGNAL | PLACE_RSP_SIGNAL) && s->rbp_signal && s->cfa == CFA_RSP_MEM &&
	    s->cfa_off == UNWIND_SIGNAL_RSP / 8 * 32)
		return cfa_rule(UNWIND_CFA_SIGNAL, 0);
	if (s->places)
		return cfa_rule(UNWIND_CFA_UNSUPPORTED, ra_usual ? UNWIND_WHY_RSP : UNWIND_WHY_RETURN);
	switch (s->cfa) {
	case CFA_REG:
		return cfa_rule(UNWIND_CFA_REGISTER, s->cfa_reg < INT16_MAX ? (int16_t)s->cfa_reg : INT16_MAX);
	case CFA_RSP_MEM:
	case CFA_RBP_MEM:
	case CFA_PLT:
		return s->rbp | cfa_rule(s->cfa, (int16_t)s->cfa_off);
	case CFA_EXPRESSION:
		return cfa_rule(UNWIND_CFA_UNSUPPORTED, UNWIND_WHY_EXPRESSION);
	case CFA_RSP:
	case CFA_RBP:
	case CFA_EXPRESSION_RANGE:
		return cfa_rule(UNWIND_CFA_UNSUPPORTED, UNWIND_WHY_OFFSET);
	default:
		return cfa_rule(UNWIND_CFA_UNSUPPORTED, UNWIND_WHY_NO_CFA);
	}
}

/* The state as a row has it. */
static inline uint32_t state_rule(const struct cfa_state *s)
{
	if (!s->places && (s->cfa == CFA_RSP || s->cfa == CFA_RBP) && fits(s->cfa_off, INT16_MIN, INT16_MAX))
		return s->rbp | s->cfa | (uint32_t)(s->cfa_off / 8) << 16;
	return unusual_rule(s);
}

/* breg16+0 & 15 >= litN << 3 + (breg7+8): what linkers write for a lazy PLT whose stub has pushed from byte N on. */
static bool is_plt_rest(const uint8_t *p, size_t len, int64_t *n)
{
	static const uint8_t head[] = { DW_OP_breg0 + 16, 0, DW_OP_lit0 + 15, DW_OP_and };
	static const uint8_t tail[] = { DW_OP_ge, DW_OP_lit0 + 3, DW_OP_shl, DW_OP_plus };

	if (len != sizeof(head) + 1 + sizeof(tail) || memcmp(p, head, sizeof(head)) != 0 ||
	    memcmp(p + sizeof(head) + 1, tail, sizeof(tail)) != 0)
		return false;
	*n = p[sizeof(head)] - DW_OP_lit0;
	return *n >= 0 && *n <= 15;
}

static void set_cfa_expression(struct cfa_state *s, struct dwcursor e)
{
	uint8_t op = dw_u8(&e);
	bool rsp = op == DW_OP_breg0 + CFA_REG_RSP;
	int64_t at = dw_sleb(&e), plus = 0;

	s->cfa = CFA_EXPRESSION;
	if (e.bad || (!rsp && op != DW_OP_breg0 + CFA_REG_RBP))
		return;
	if (e.p == e.end) {
		s->cfa = rsp ? CFA_RSP : CFA_RBP;
		s->cfa_reg = rsp ? CFA_REG_RSP : CFA_REG_RBP;
		s->cfa_off = at;
		return;
	}
	if (rsp && at == 8 && is_plt_rest(e.p, dw_left(&e), &s->cfa_off)) {
		s->cfa = CFA_PLT;
		return;
	}
	if (dw_u8(&e) != DW_OP_deref)
		return;
	if (e.p < e.end) {
		if (dw_u8(&e) != DW_OP_plus_uconst)
			return;
		plus = (int64_t)dw_uleb(&e);
	}
	if (e.bad || e.p < e.end)
		return;
	if (!fits(at, -1024, 1023) || !fits(plus, 0, 31)) {
		s->cfa = CFA_EXPRESSION_RANGE;
		return;
	}
	s->cfa = rsp ? CFA_RSP_MEM : CFA_RBP_MEM;
	s->cfa_off = at / 8 * 32 + plus / 8;
}

static void set_ra(struct cfa_state *s, enum saved how, int64_t off)
{
	uint8_t place = PLACE_RA_OTHER;

	if (how == SAVED_AT_CFA && off == -8)
		place = 0;
	else if (how == SAVED_UNDEFINED)
		place = PLACE_RA_UNDEFINED;
	else if (how == SAVED_AT_RSP && off == UNWIND_SIGNAL_RIP)
		place = PLACE_RA_SIGNAL;
	s->places = (s->places & ~PLACE_RA) | place;
}

static void set_rsp(struct cfa_state *s, enum saved how, int64_t off)
{
	uint8_t place = PLACE_RSP_OTHER;

	if (how == SAVED_IS_CFA_PLUS && off == 0)
		place = 0;
	else if (how == SAVED_AT_RSP && off == UNWIND_SIGNAL_RSP)
		place = PLACE_RSP_SIGNAL;
	s->places = (s->places & ~PLACE_RSP) | place;
}

static void set_rbp(struct cfa_state *s, enum saved how, int64_t off)
{
	s->rbp_signal = how == SAVED_AT_RSP && off == UNWIND_SIGNAL_RBP;
	switch (how) {
	case SAVED_SAME:
		s->rbp = rbp_rule(UNWIND_RBP_SAME, 0);
		break;
	case SAVED_AT_CFA:
		s->rbp = rbp_rule(UNWIND_RBP_CFA, off);
		break;
	case SAVED_AT_RBP:
		s->rbp = rbp_rule(UNWIND_RBP_RBP, off);
		break;
	case SAVED_UNDEFINED:
		s->rbp = rbp_rule(UNWIND_RBP_UNDEFINED, 0);
		break;
	default:
		s->rbp = rbp_rule(UNWIND_RBP_UNSUPPORTED, 0);
	}
}

static inline bool is_other_register(uint64_t reg)
{
	return reg != CFA_REG_RBP && reg != CFA_REG_RSP && reg != CFA_REG_RETURN;
}

static inline void set_register(struct cfa_state *s, uint64_t reg, enum saved how, int64_t off)
{
	if (reg == CFA_REG_RBP)
		set_rbp(s, how, off);
	else if (reg == CFA_REG_RETURN)
		set_ra(s, how, off);
	else if (reg == CFA_REG_RSP)
		set_rsp(s, how, off);
}

/* Saved at the address the expression gives: only "register + n" is understood. */
static void set_register_expression(struct cfa_state *s, uint64_t reg, struct dwcursor e)
{
	uint8_t op = dw_u8(&e);
	int64_t off = dw_sleb(&e);
	enum saved how = SAVED_OTHER;

	if (!e.bad && e.p == e.end) {
		if (op == DW_OP_breg0 + CFA_REG_RBP)
			how = SAVED_AT_RBP;
		else if (op == DW_OP_breg0 + CFA_REG_RSP)
			how = SAVED_AT_RSP;
	}
	set_register(s, reg, how, off);
}

static bool restore_register(struct run *r, uint64_t reg)
{
	const struct cfa_state *from = &r->ctx->initial;

	if (r->initial)
		return false;
	if (reg == CFA_REG_RBP) {
		r->now.rbp = from->rbp;
		r->now.rbp_signal = from->rbp_signal;
	} else if (reg == CFA_REG_RETURN) {
		r->now.places = (r->now.places & ~PLACE_RA) | (from->places & PLACE_RA);
	} else if (reg == CFA_REG_RSP) {
		r->now.places = (r->now.places & ~PLACE_RSP) | (from->places & PLACE_RSP);
	}
	return true;
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

static inline bool cfa_is_register(const struct cfa_state *s)
{
	return s->cfa == CFA_RSP || s->cfa == CFA_RBP || s->cfa == CFA_REG;
}

static bool def_cfa(struct run *r, uint64_t reg, int64_t off)
{
	r->now.cfa = reg == CFA_REG_RSP ? CFA_RSP : reg == CFA_REG_RBP ? CFA_RBP : CFA_REG;
	r->now.cfa_reg = reg <= UINT32_MAX ? (uint32_t)reg : UINT32_MAX;
	r->now.cfa_off = off;
	return true;
}

/* The rules so far hold up to `to`; false when the function ends there. */
static inline bool advance_to(struct run *r, uint64_t to)
{
	const struct cfa_range *range = r->range;
	bool more = to < range->end;

	if (!more)
		to = range->end;
	if (to > r->row) {
		rows_add(r->rows, (uint32_t)(r->row - range->base), state_rule(&r->now));
		r->row = to;
	}
	r->loc = to;
	return more;
}

enum next { NEXT, DONE, DAMAGED };

static inline enum next advance_by(struct run *r, uint64_t factored)
{
	uint64_t delta, to;

	if (r->c.bad || r->initial)
		return DAMAGED;
	if (__builtin_mul_overflow(factored, r->ctx->code_align, &delta) || __builtin_add_overflow(r->loc, delta, &to))
		to = UINT64_MAX;
	return advance_to(r, to) ? NEXT : DONE;
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

/* Instructions that change the CFA rule. false: damaged. */
static bool change_cfa(struct run *r, uint8_t op)
{
	struct cfa_state *s = &r->now;
	uint64_t reg = 0;
	int64_t off;

	if (op == DW_CFA_def_cfa_expression) {
		set_cfa_expression(s, block(r));
		return true;
	}
	if (op == DW_CFA_def_cfa || op == DW_CFA_def_cfa_sf || op == DW_CFA_def_cfa_register)
		reg = dw_uleb(&r->c);
	else
		reg = s->cfa_reg;
	/* The other half of the rule must be there already. */
	if (op != DW_CFA_def_cfa && op != DW_CFA_def_cfa_sf && !cfa_is_register(s))
		return false;
	if (op == DW_CFA_def_cfa_register)
		return def_cfa(r, reg, s->cfa_off);
	if (op == DW_CFA_def_cfa_sf || op == DW_CFA_def_cfa_offset_sf) {
		if (!scaled_sleb(r, &off))
			return false;
	} else {
		uint64_t v = dw_uleb(&r->c);

		if (v > INT64_MAX)
			return false;
		off = (int64_t)v;
	}
	return def_cfa(r, reg, off);
}

/* Instructions that change another register's rule. false: damaged. */
static bool change_register(struct run *r, uint8_t op)
{
	uint64_t reg = dw_uleb(&r->c);
	enum saved how = SAVED_OTHER;
	int64_t off = 0;
	bool ok = true;

	switch (op) {
	case DW_CFA_restore_extended:
		return restore_register(r, reg);
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
		set_register_expression(&r->now, reg, block(r));
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
		set_register(&r->now, reg, how, off);
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
			set_register(&r->now, op & 0x3f, SAVED_AT_CFA, off);
		break;
	case DW_CFA_restore:
		ok = restore_register(r, op & 0x3f);
		break;
	case DW_CFA_nop:
		return NEXT;
	case DW_CFA_set_loc:
		return set_loc(r);
	case DW_CFA_advance_loc1:
		return advance_by(r, dw_u8(&r->c));
	case DW_CFA_advance_loc2:
		return advance_by(r, dw_fixed(&r->c, 2));
	case DW_CFA_advance_loc4:
		return advance_by(r, dw_fixed(&r->c, 4));
	case DW_CFA_MIPS_advance_loc8:
		return advance_by(r, dw_fixed(&r->c, 8));
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
	enum next next = NEXT;

	while (next == NEXT && r->c.p < r->c.end) {
		/* Nearly all of a program is these four with one byte of operand; the rest can take longer. */
		uint8_t op = *r->c.p++, operand = r->c.p < r->c.end ? *r->c.p : 0x80;

		if ((op & 0xc0) == DW_CFA_advance_loc) {
			next = advance_by(r, op & 0x3f);
		} else if (op == DW_CFA_def_cfa_offset && operand < 0x80 && cfa_is_register(&r->now)) {
			r->c.p++;
			r->now.cfa_off = operand;
		} else if ((op & 0xc0) == DW_CFA_offset && operand < 0x80 && is_other_register(op & 0x3f)) {
			r->c.p++;
		} else if (op == DW_CFA_advance_loc1 && r->c.p < r->c.end) {
			r->c.p++;
			next = advance_by(r, operand);
		} else {
			next = execute(r, op);
		}
	}
	return next != DAMAGED;
}

bool cfa_run_initial(struct cfa_context *ctx, struct dwcursor program)
{
	struct run r;

	r.ctx = ctx;
	r.c = program;
	r.now = (struct cfa_state){ .places = PLACE_RA_NONE };
	r.n_remembered = 0;
	r.initial = true;
	if (!run_program(&r))
		return false;
	ctx->initial = r.now;
	return true;
}

bool cfa_run(const struct cfa_context *ctx, struct dwcursor program, const struct cfa_range *range,
	     struct cfa_rows *rows)
{
	struct run r;
	bool ok;

	/* Not an initializer: it would clear the remembered states too, for each function. */
	r.ctx = ctx;
	r.c = program;
	r.now = ctx->initial;
	r.n_remembered = 0;
	r.initial = false;
	r.range = range;
	r.rows = rows;
	r.loc = range->start;
	r.row = range->from;
	ok = run_program(&r);
	if (ok)
		advance_to(&r, range->end);
	else
		rows_add(rows, (uint32_t)(r.row - range->base), cfa_rule(UNWIND_CFA_UNSUPPORTED, UNWIND_WHY_PROGRAM));
	return ok;
}
