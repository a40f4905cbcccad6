/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program is a list of two kinds of instructions: those that change the rules in force, and those that advance the
 * location. Each advance ends a range in which the rules were constant: one row. All that an instruction names besides
 * CFA, FP, SP and the return address is read over.
 *
 * A hostile program costs no more than its length: each byte is looked at once, an advance past the function's end ends
 * it, expressions are looked at as they are set and never evaluated, and remembered states have a fixed
 * place (compilers nest them once, rarely twice).
 */
#include "elf/cfa.h"

#include <string.h>

#include "base/mem.h"

#define REMEMBER_MAX 16
/* Longer ones (none is known) are run with a look at the room for each row. */
#define USUAL_PROGRAM_MAX 4096

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

/* Room for n more rows. A program that was promised it may go past the limit, by less than USUAL_PROGRAM_MAX. */
static void rows_grow(struct cfa_rows *rows, size_t n)
{
	size_t want = rows->cap < 64 ? 64 : rows->cap + rows->cap / 2;

	if (want > rows->max)
		want = rows->max;
	if (want < rows->n + n)
		want = rows->n + n;
	if (rows->lent) {
		const struct unwind_row *lent = rows->at;

		rows->at = xrealloc_array(NULL, want, sizeof(*rows->at));
		memcpy(rows->at, lent, rows->n * sizeof(*rows->at));
		rows->lent = false;
	} else {
		rows->at = xrealloc_array(rows->at, want, sizeof(*rows->at));
	}
	rows->cap = want;
}

/* Kind, fp_off and cfa_off of a row are the upper four of its eight bytes. */
static inline uint32_t rule_of(const struct unwind_row *row)
{
	uint32_t rule;

	memcpy(&rule, (const char *)row + 4, sizeof(rule));
	return rule;
}

static inline void set_row(struct unwind_row *row, uint32_t pc, uint32_t rule)
{
	uint64_t v = (uint64_t)rule << 32 | pc;

	memcpy(row, &v, sizeof(v));
}

static inline void rows_add(struct cfa_rows *rows, uint32_t pc, uint32_t rule)
{
	if (rows->n && rule_of(&rows->at[rows->n - 1]) == rule)
		return;
	if (rows->n >= rows->max) {
		rows->full = true;
		return;
	}
	if (rows->n == rows->cap)
		rows_grow(rows, 1);
	set_row(&rows->at[rows->n++], pc, rule);
}

void cfa_rows_add(struct cfa_rows *rows, uint32_t pc, uint32_t rule)
{
	rows_add(rows, pc, rule);
}

/* A small file has few, and what follows each other is often the same. */
#define WIDE_LOOK_BACK 8

static uint32_t wide_number(struct cfa_rows *rows, const struct unwind_wide *wide)
{
	for (size_t i = rows->wide.n; i > 0 && i + WIDE_LOOK_BACK > rows->wide.n; i--)
		if (memcmp(&rows->wide.at[i - 1], wide, sizeof(*wide)) == 0)
			return (uint32_t)(i - 1);
	vec_push(&rows->wide, *wide);
	return (uint32_t)(rows->wide.n - 1);
}

/* kind, fp_off and cfa_off of a row that has the state's rules. */
static uint32_t state_rule(struct cfa_rows *rows, const struct cfa_state *s)
{
	struct unwind_wide wide;
	uint32_t rule, number;
	bool is_wide;

	if (cfa_is_usual(s))
		return cfa_usual_rule(s);
	rule = cfa_unusual_rule(s, &wide, &is_wide);
	if (!is_wide)
		return rule;
	number = wide_number(rows, &wide);
	return number <= UNWIND_WIDE_MAX ? rule | number << 4 : cfa_rule(UNWIND_CFA_UNSUPPORTED, UNWIND_WHY_OFFSET);
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
		rows_add(r->rows, (uint32_t)(r->row - range->base), state_rule(r->rows, &r->now));
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
	uint64_t reg = dw_uleb(&r->c), from = 0;
	enum unwind_how how = UNWIND_AT_CFA;
	int64_t off = 0;
	bool ok = true;

	switch (op) {
	case DW_CFA_restore_extended:
		cfa_restore(&r->now, reg, &r->ctx->initial);
		return true;
	case DW_CFA_undefined:
		how = UNWIND_LOST;
		break;
	case DW_CFA_same_value:
		how = UNWIND_SAME;
		break;
	case DW_CFA_register:
		how = UNWIND_REG_PLUS;
		from = dw_uleb(&r->c);
		break;
	case DW_CFA_expression:
	case DW_CFA_val_expression:
		cfa_set_saved_expression(&r->now, reg, block(r), op == DW_CFA_val_expression);
		return true;
	case DW_CFA_val_offset:
	case DW_CFA_val_offset_sf:
		how = UNWIND_CFA_PLUS;
		ok = op == DW_CFA_val_offset ? scaled_uleb(r, &off) : scaled_sleb(r, &off);
		break;
	case DW_CFA_offset_extended:
		ok = scaled_uleb(r, &off);
		break;
	case DW_CFA_offset_extended_sf:
		ok = scaled_sleb(r, &off);
		break;
	case DW_CFA_GNU_negative_offset_extended:
		ok = scaled_uleb(r, &off) && !__builtin_sub_overflow((int64_t)0, off, &off);
		break;
	}
	if (ok)
		cfa_set_saved(&r->now, reg, how, from, off);
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
			cfa_set_saved(&r->now, op & 0x3f, UNWIND_AT_CFA, 0, off);
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

static inline uint64_t load8(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* def_cfa_offset with one byte of operand, a multiple of 8. */
static inline bool sets_offset(uint64_t word)
{
	return (word & 0x87ff) == DW_CFA_def_cfa_offset;
}

static inline uint32_t with_offset(uint32_t rule, uint64_t word)
{
	return (rule & 0xffff) | (uint32_t)(word >> 8 & 0x78) << 13;
}

/* DW_CFA_offset of a register other than SP and the return address, with one byte of operand. */
static inline bool saves_usual(uint64_t word)
{
	uint8_t reg = word & 0x3f;

	return (word & 0x80c0) == DW_CFA_offset && reg != CFA_REG_SP && reg != CFA_REG_RETURN;
}

static inline uint32_t with_saved(uint32_t rule, uint64_t word)
{
	uint32_t saved = (rule & 0xffff000f) | UNWIND_FP_CFA << 4 | (uint32_t)(-(word >> 8 & 0x7f) & 0xff) << 8;

	return (word & 0x3f) == CFA_REG_FP ? saved : rule;
}

/*
 * Nearly all of every program: advances, the CFA as an offset from SP or FP, registers saved. Most is "advance,
 * def_cfa_offset" over and over, for a push or pop each: one turn of the loop, since a branch for each of the two that
 * the processor cannot predict would cost more than the rest.
 *
 * Stops where something else comes (r->c.p says where), at the program's end and at the function's (r->c.p is at the
 * program's end then). cfa_is_usual() has to be true, and there has to be room for a row for each byte and one more.
 */
static void run_usual(struct run *r)
{
	const uint8_t *p = r->c.p, *const end = r->c.end, *const last = r->ctx->section_end - 8;
	const uint64_t base = r->range->base, stop = r->range->end - base;
	uint64_t loc = r->loc - base, row = r->row - base;
	uint32_t rule = cfa_usual_rule(&r->now), before = r->rows->n ? rule_of(&r->rows->at[r->rows->n - 1]) : ~rule;
	struct unwind_row *out = &r->rows->at[r->rows->n];

	while (p < end && p <= last) {
		uint64_t word = load8(p);
		size_t left = (size_t)(end - p);
		uint8_t op = (uint8_t)word;

		if ((op & 0xc0) == DW_CFA_advance_loc) {
			loc += op & 0x3f;
			p++;
			word >>= 8;
		} else if (op == DW_CFA_advance_loc1 && left >= 2) {
			loc += (uint8_t)(word >> 8);
			p += 2;
			word >>= 16;
		} else if (op == DW_CFA_advance_loc2 && left >= 3) {
			loc += (uint16_t)(word >> 8);
			p += 3;
			word >>= 24;
		} else if (saves_usual(word) && left >= 2) {
			rule = with_saved(rule, word);
			p += 2;
			continue;
		} else if (sets_offset(word) && left >= 2) {
			rule = with_offset(rule, word);
			p += 2;
			continue;
		} else if ((word & 0xffff) == (CFA_REG_FP << 8 | DW_CFA_def_cfa_register) && left >= 2) {
			rule = (rule & ~(uint32_t)15) | CFA_FP;
			p += 2;
			continue;
		} else if ((word & 0x87ffff) == (CFA_REG_SP << 8 | DW_CFA_def_cfa) && left >= 3) {
			rule = with_offset((rule & ~(uint32_t)15) | CFA_SP, word >> 8);
			p += 3;
			continue;
		} else if (op == DW_CFA_nop) {
			p++;
			continue;
		} else {
			break;
		}
		if (loc >= stop) {
			p = end;
			break;
		}
		if (loc > row) {
			set_row(out, (uint32_t)row, rule);
			out += rule != before;
			before = rule;
			row = loc;
		}
		if (sets_offset(word) && end - p >= 2) {
			rule = with_offset(rule, word);
			p += 2;
		}
	}
	r->c.p = p;
	r->loc = loc + base;
	r->row = row + base;
	r->now.cfa = rule & 15;
	r->now.cfa_reg = r->now.cfa == CFA_SP ? CFA_REG_SP : CFA_REG_FP;
	r->now.cfa_off = (int64_t)(int16_t)(rule >> 16) * 8;
	if (r->now.fp != (rule & 0xfff0)) {
		r->now.fp = rule & 0xfff0;
		r->now.fp_signal = false;
	}
	r->rows->n = (size_t)(out - r->rows->at);
}

/* true at the program's or the function's end, false where it is damaged. */
static bool run_program(struct run *r, bool usual)
{
	enum next next = NEXT;

	while (next == NEXT) {
		if (usual && cfa_is_usual(&r->now))
			run_usual(r);
		if (r->c.p == r->c.end)
			break;
		next = execute(r, *r->c.p++);
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
	if (!run_program(&r, false))
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
	const size_t len = dw_left(&program);
	const bool usual = ctx->code_align == 1 && ctx->data_align == -8 && len <= USUAL_PROGRAM_MAX &&
			   rows->n <= rows->max;
	bool ok;

	if (usual && rows->cap - rows->n < len + 1)
		rows_grow(rows, len + 1);
	ok = run_program(&r, usual);
	if (ok)
		advance_to(&r, range->end);
	else
		rows_add(rows, (uint32_t)(r.row - range->base), cfa_rule(UNWIND_CFA_UNSUPPORTED, UNWIND_WHY_PROGRAM));
	if (rows->n > rows->max)
		rows->full = true;
	return ok;
}
