/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf/cfastate.h"

#include <string.h>

enum {
	DW_OP_deref = 0x06, DW_OP_const1u = 0x08, DW_OP_const1s, DW_OP_const2u, DW_OP_const2s, DW_OP_const4u,
	DW_OP_const4s,
	DW_OP_const8u, DW_OP_const8s, DW_OP_constu, DW_OP_consts, DW_OP_and = 0x1a, DW_OP_minus = 0x1c,
	DW_OP_plus = 0x22,
	DW_OP_plus_uconst, DW_OP_shl = 0x24, DW_OP_ge = 0x2a, DW_OP_lit0 = 0x30, DW_OP_lit31 = 0x4f, DW_OP_breg0 = 0x70,
	DW_OP_breg31 = 0x8f, DW_OP_bregx = 0x92,
};

uint32_t cfa_rule(enum unwind_cfa kind, int16_t cfa_off)
{
	return (uint32_t)kind | (uint32_t)(uint16_t)cfa_off << 16;
}

static uint32_t fp_rule(enum unwind_fp kind, int64_t bytes)
{
	if (!cfa_fits(bytes, INT8_MIN, INT8_MAX)) {
		kind = UNWIND_FP_UNSUPPORTED;
		bytes = 0;
	}
	return (uint32_t)kind << 4 | (uint32_t)(uint8_t)(bytes / 8) << 8;
}

static struct unwind_place place(enum unwind_how how, uint64_t reg, int64_t off)
{
	if (off < INT32_MIN || off > INT32_MAX || (reg >= UNWIND_REGS && (how == UNWIND_AT_REG ||
		how == UNWIND_REG_PLUS)))
		return (struct unwind_place){.how = UNWIND_LOST};
	return (struct unwind_place){.how = how, .reg = (uint8_t)reg, .off = (int32_t)off};
}

static bool is_at(const struct unwind_place *p, enum unwind_how how, unsigned int reg, int32_t off)
{
	return p->how == how && p->reg == reg && p->off == off;
}

static bool is_signal(const struct cfa_state *s)
{
	return s->places == (PLACE_RA_OTHER | PLACE_SP_OTHER) && s->fp_signal && s->cfa == CFA_SP_MEM &&
	       s->cfa_expression == UNWIND_SIGNAL_SP / 8 * 32 &&
	       is_at(&s->ra, UNWIND_AT_REG, CFA_REG_SP, UNWIND_SIGNAL_PC) &&
	       is_at(&s->sp, UNWIND_AT_REG, CFA_REG_SP, UNWIND_SIGNAL_SP);
}

static struct unwind_place cfa_place(const struct cfa_state *s)
{
	struct unwind_place p;

	switch (s->cfa) {
	case CFA_SP:
	case CFA_FP:
	case CFA_REG:
		return place(UNWIND_REG_PLUS, s->cfa_reg, s->cfa_off);
	case CFA_SP_MEM:
	case CFA_FP_MEM:
		p = place(UNWIND_AT_REG, s->cfa == CFA_SP_MEM ? CFA_REG_SP : CFA_REG_FP,
			  UNWIND_MEM_AT(s->cfa_expression));
		p.plus = UNWIND_MEM_PLUS(s->cfa_expression);
		return p;
	case CFA_EXPRESSION:
		return s->cfa_wide;
	default:
		return place(UNWIND_LOST, 0, 0);
	}
}

static struct unwind_place fp_place(const struct cfa_state *s)
{
	const int64_t off = (int64_t)(int8_t)(s->fp >> 8) * 8;

	switch ((enum unwind_fp)(s->fp >> 4 & 15)) {
	case UNWIND_FP_SAME:
		return place(UNWIND_SAME, 0, 0);
	case UNWIND_FP_CFA:
		return place(UNWIND_AT_CFA, 0, off);
	case UNWIND_FP_FP:
		return place(UNWIND_AT_REG, CFA_REG_FP, off);
	case UNWIND_FP_UNSUPPORTED:
		return s->fp_wide;
	default:
		return place(UNWIND_LOST, 0, 0);
	}
}

static enum unwind_why cfa_why(const struct cfa_state *s)
{
	return s->cfa == CFA_NONE ? UNWIND_WHY_NO_CFA : s->cfa == CFA_SP || s->cfa == CFA_FP || s->cfa == CFA_REG ?
	       UNWIND_WHY_OFFSET : UNWIND_WHY_EXPRESSION;
}

uint32_t cfa_unusual_rule(const struct cfa_state *s, struct unwind_wide *wide, bool *is_wide)
{
	*is_wide = false;
	if (s->places & PLACE_RA_UNDEFINED)
		return cfa_rule(UNWIND_CFA_STOP, 0);
	if (is_signal(s))
		return cfa_rule(UNWIND_CFA_SIGNAL, 0);
	if (!s->places && s->fp != UNWIND_FP_UNSUPPORTED << 4) {
		if (s->cfa == CFA_SP_MEM || s->cfa == CFA_FP_MEM || s->cfa == CFA_PLT)
			return s->fp | cfa_rule(s->cfa, s->cfa_expression);
		if (s->cfa == CFA_REG && s->cfa_reg < UNWIND_REGS && cfa_fits(s->cfa_off, -2048, 2047))
			return s->fp | cfa_rule(UNWIND_CFA_REGISTER,
						 (int16_t)UNWIND_REGISTER((int64_t)s->cfa_reg, s->cfa_off));
	}
	*wide = (struct unwind_wide){
		.cfa = cfa_place(s),
		.ra = s->places & PLACE_RA ? s->ra : place(UNWIND_AT_CFA, 0, -8),
		.sp = s->places & PLACE_SP ? s->sp : place(UNWIND_CFA_PLUS, 0, 0),
		.fp = fp_place(s),
	};
	if (wide->cfa.how == UNWIND_LOST)
		return cfa_rule(UNWIND_CFA_UNSUPPORTED, cfa_why(s));
	if ((s->places & PLACE_RA_NONE) || wide->ra.how == UNWIND_LOST || wide->ra.how == UNWIND_SAME)
		return cfa_rule(UNWIND_CFA_UNSUPPORTED, UNWIND_WHY_RETURN);
	if (wide->sp.how == UNWIND_LOST)
		return cfa_rule(UNWIND_CFA_UNSUPPORTED, UNWIND_WHY_SP);
	*is_wide = true;
	return cfa_rule(UNWIND_CFA_WIDE, 0);
}

void cfa_set_register(struct cfa_state *s, uint64_t reg)
{
	s->cfa = reg == CFA_REG_SP ? CFA_SP : reg == CFA_REG_FP ? CFA_FP : CFA_REG;
	s->cfa_reg = reg <= UINT32_MAX ? (uint32_t)reg : UINT32_MAX;
}

/* breg16+0 & 15 >= litN << 3 + (breg7+8): what linkers write for a lazy PLT whose stub has pushed from byte N on. */
static bool is_plt_rest(const uint8_t *p, size_t len, int16_t *n)
{
	static const uint8_t head[] = { DW_OP_breg0 + 16, 0, DW_OP_lit0 + 15, DW_OP_and };
	static const uint8_t tail[] = { DW_OP_ge, DW_OP_lit0 + 3, DW_OP_shl, DW_OP_plus };

	if (len != sizeof(head) + 1 + sizeof(tail) || memcmp(p, head, sizeof(head)) != 0 ||
	    memcmp(p + sizeof(head) + 1, tail, sizeof(tail)) != 0)
		return false;
	*n = p[sizeof(head)] - DW_OP_lit0;
	return *n >= 0 && *n <= 15;
}

/* A value as an expression makes it: base + off; or, if it was read, *(base + off) + plus. */
struct value {
	enum { VALUE_CONST, VALUE_REG, VALUE_CFA } base;
	uint64_t reg;
	int64_t off, plus;
	bool is_read;
};

#define VALUES_MAX 4

/* What an expression has made so far. */
struct values {
	struct value at[VALUES_MAX];
	unsigned int n;
};

static bool push(struct values *v, struct value value)
{
	if (v->n == VALUES_MAX)
		return false;
	v->at[v->n++] = value;
	return true;
}

static bool add(struct value *v, int64_t n)
{
	return !__builtin_add_overflow(v->is_read ? v->plus : v->off, n, v->is_read ? &v->plus : &v->off);
}

/* The two values on top are to become their sum or difference, of which one has to be a constant. */
static bool combine(struct values *v, bool minus)
{
	struct value *a, *b, swap;
	int64_t n;

	if (v->n < 2)
		return false;
	a = &v->at[v->n - 2];
	b = &v->at[--v->n];
	if (!minus && a->base == VALUE_CONST) {
		swap = *a;
		*a = *b;
		*b = swap;
	}
	n = b->off;
	return b->base == VALUE_CONST && (!minus || !__builtin_sub_overflow((int64_t)0, n, &n)) && add(a, n);
}

static bool push_constant(struct values *v, uint8_t op, struct dwcursor *e)
{
	struct value value = { .base = VALUE_CONST };
	unsigned int size, shift;

	if (op >= DW_OP_lit0) {
		value.off = op - DW_OP_lit0;
	} else if (op == DW_OP_constu) {
		value.off = (int64_t)dw_uleb(e);
	} else if (op == DW_OP_consts) {
		value.off = dw_sleb(e);
	} else {
		/* DW_OP_const1u to DW_OP_const8s: four sizes, each unsigned and signed. */
		size = 1u << (op - DW_OP_const1u) / 2;
		shift = 64 - 8 * size;
		value.off = (int64_t)(dw_fixed(e, size) << shift);
		value.off = op & 1 ? value.off >> shift : (int64_t)((uint64_t)value.off >> shift);
	}
	return push(v, value);
}

/* One operation. false: one that is not followed, or that can't be. */
static bool operate(struct values *v, uint8_t op, struct dwcursor *e)
{
	struct value *top = v->n ? &v->at[v->n - 1] : NULL;
	uint64_t reg = op == DW_OP_bregx ? dw_uleb(e) : (uint64_t)op - DW_OP_breg0, n;

	if ((op >= DW_OP_breg0 && op <= DW_OP_breg31) || op == DW_OP_bregx)
		return push(v, (struct value){.base = VALUE_REG, .reg = reg, .off = dw_sleb(e)});
	if ((op >= DW_OP_lit0 && op <= DW_OP_lit31) || (op >= DW_OP_const1u && op <= DW_OP_consts))
		return push_constant(v, op, e);
	switch (op) {
	case DW_OP_plus:
	case DW_OP_minus:
		return combine(v, op == DW_OP_minus);
	case DW_OP_plus_uconst:
		n = dw_uleb(e);
		return top && n <= INT64_MAX && add(top, (int64_t)n);
	case DW_OP_deref:
		if (!top || top->is_read || top->base == VALUE_CONST)
			return false;
		return top->is_read = true;
	default:
		return false;
	}
}

/* Follows an expression; what it makes of what is in v. false: it is not followed. */
static bool evaluate(struct values *v, struct dwcursor e, struct value *value)
{
	while (e.p < e.end)
		if (!operate(v, dw_u8(&e), &e) || e.bad)
			return false;
	*value = v->at[v->n ? v->n - 1 : 0];
	return v->n > 0;
}

static struct unwind_place expression_cfa(const struct value *v)
{
	struct unwind_place p = place(v->is_read ? UNWIND_AT_REG : UNWIND_REG_PLUS, v->reg, v->off);

	if (v->base != VALUE_REG || v->plus < INT16_MIN || v->plus > INT16_MAX)
		return place(UNWIND_LOST, 0, 0);
	if (p.how != UNWIND_LOST)
		p.plus = (int16_t)v->plus;
	return p;
}

void cfa_set_expression(struct cfa_state *s, struct dwcursor e)
{
	static const uint8_t plt[] = { DW_OP_breg0 + CFA_REG_SP, 8 };
	struct values values = {0};
	struct value v;
	bool sp;

	s->cfa = CFA_EXPRESSION;
	s->cfa_wide = place(UNWIND_LOST, 0, 0);
	if (dw_left(&e) > sizeof(plt) && memcmp(e.p, plt, sizeof(plt)) == 0 &&
	    is_plt_rest(e.p + sizeof(plt), dw_left(&e) - sizeof(plt), &s->cfa_expression)) {
		s->cfa = CFA_PLT;
		return;
	}
	if (!evaluate(&values, e, &v))
		return;
	s->cfa_wide = expression_cfa(&v);
	sp = s->cfa_wide.reg == CFA_REG_SP;
	if (s->cfa_wide.how == UNWIND_LOST || (!sp && s->cfa_wide.reg != CFA_REG_FP))
		return;
	if (!v.is_read) {
		cfa_set_register(s, s->cfa_wide.reg);
		s->cfa_off = v.off;
	} else if (cfa_fits(v.off, -1024, 1023) && cfa_fits(v.plus, 0, 31)) {
		s->cfa = sp ? CFA_SP_MEM : CFA_FP_MEM;
		s->cfa_expression = (int16_t)(v.off / 8 * 32 + v.plus / 8);
	}
}

static void set_fp(struct cfa_state *s, struct unwind_place p)
{
	s->fp_signal = is_at(&p, UNWIND_AT_REG, CFA_REG_SP, UNWIND_SIGNAL_FP);
	s->fp_wide = p;
	if (p.how == UNWIND_SAME)
		s->fp = fp_rule(UNWIND_FP_SAME, 0);
	else if (p.how == UNWIND_AT_CFA)
		s->fp = fp_rule(UNWIND_FP_CFA, p.off);
	else if (p.how == UNWIND_AT_REG && p.reg == CFA_REG_FP)
		s->fp = fp_rule(UNWIND_FP_FP, p.off);
	else if (p.how == UNWIND_LOST)
		s->fp = fp_rule(UNWIND_FP_UNDEFINED, 0);
	else
		s->fp = fp_rule(UNWIND_FP_UNSUPPORTED, 0);
}

static void set_place(struct cfa_state *s, uint64_t reg, struct unwind_place p)
{
	if (reg == CFA_REG_FP) {
		set_fp(s, p);
	} else if (reg == CFA_REG_RETURN) {
		s->ra = p;
		s->places = (s->places & ~PLACE_RA) | (is_at(&p, UNWIND_AT_CFA, 0, -8) ? 0 : PLACE_RA_OTHER);
	} else if (reg == CFA_REG_SP) {
		s->sp = p;
		s->places = (s->places & ~PLACE_SP) | (is_at(&p, UNWIND_CFA_PLUS, 0, 0) ? 0 : PLACE_SP_OTHER);
	}
}

void cfa_set_saved(struct cfa_state *s, uint64_t reg, enum unwind_how how, uint64_t from, int64_t off)
{
	if (cfa_is_other(reg))
		return;
	set_place(s, reg, place(how, from, off));
	if (reg == CFA_REG_RETURN && how == UNWIND_LOST)
		s->places = (s->places & ~PLACE_RA) | PLACE_RA_UNDEFINED;
}

/* The CFA is there when the expression begins. */
void cfa_set_saved_expression(struct cfa_state *s, uint64_t reg, struct dwcursor e, bool is_value)
{
	struct values values = { .at = { { .base = VALUE_CFA } }, .n = 1 };
	struct value v;
	struct unwind_place p = place(UNWIND_LOST, 0, 0);

	if (cfa_is_other(reg))
		return;
	/* What was read is the register's value, but where that has to be read from there. */
	if (evaluate(&values, e, &v) && v.base != VALUE_CONST && v.plus == 0 && (is_value || !v.is_read)) {
		if (v.base == VALUE_CFA)
			p = place(is_value && !v.is_read ? UNWIND_CFA_PLUS : UNWIND_AT_CFA, 0, v.off);
		else
			p = place(is_value && !v.is_read ? UNWIND_REG_PLUS : UNWIND_AT_REG, v.reg, v.off);
	}
	set_place(s, reg, p);
}

void cfa_restore(struct cfa_state *s, uint64_t reg, const struct cfa_state *from)
{
	if (reg == CFA_REG_FP) {
		s->fp = from->fp;
		s->fp_signal = from->fp_signal;
		s->fp_wide = from->fp_wide;
	} else if (reg == CFA_REG_RETURN) {
		s->ra = from->ra;
		s->places = (s->places & ~PLACE_RA) | (from->places & PLACE_RA);
	} else if (reg == CFA_REG_SP) {
		s->sp = from->sp;
		s->places = (s->places & ~PLACE_SP) | (from->places & PLACE_SP);
	}
}
