/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "elf/cfastate.h"

#include <string.h>

enum {
	DW_OP_deref = 0x06, DW_OP_and = 0x1a, DW_OP_plus = 0x22, DW_OP_plus_uconst = 0x23, DW_OP_shl = 0x24,
	DW_OP_ge = 0x2a, DW_OP_lit0 = 0x30, DW_OP_breg0 = 0x70,
};

uint32_t cfa_rule(enum unwind_cfa kind, int16_t cfa_off)
{
	return (uint32_t)kind | (uint32_t)(uint16_t)cfa_off << 16;
}

static uint32_t rbp_rule(enum unwind_rbp kind, int64_t bytes)
{
	if (!cfa_fits(bytes, INT8_MIN, INT8_MAX)) {
		kind = UNWIND_RBP_UNSUPPORTED;
		bytes = 0;
	}
	return (uint32_t)kind << 4 | (uint32_t)(uint8_t)(bytes / 8) << 8;
}

uint32_t cfa_unusual_rule(const struct cfa_state *s)
{
	bool ra_usual = !(s->places & PLACE_RA);

	if (s->places & PLACE_RA_UNDEFINED)
		return cfa_rule(UNWIND_CFA_STOP, 0);
	if (s->places == (PLACE_RA_SIGNAL | PLACE_RSP_SIGNAL) && s->rbp_signal && s->cfa == CFA_RSP_MEM &&
	    s->cfa_expression == UNWIND_SIGNAL_RSP / 8 * 32)
		return cfa_rule(UNWIND_CFA_SIGNAL, 0);
	if (s->places)
		return cfa_rule(UNWIND_CFA_UNSUPPORTED, ra_usual ? UNWIND_WHY_RSP : UNWIND_WHY_RETURN);
	switch (s->cfa) {
	case CFA_REG:
		return cfa_rule(UNWIND_CFA_REGISTER, s->cfa_reg < INT16_MAX ? (int16_t)s->cfa_reg : INT16_MAX);
	case CFA_RSP_MEM:
	case CFA_RBP_MEM:
	case CFA_PLT:
		return s->rbp | cfa_rule(s->cfa, s->cfa_expression);
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

void cfa_set_register(struct cfa_state *s, uint64_t reg)
{
	s->cfa = reg == CFA_REG_RSP ? CFA_RSP : reg == CFA_REG_RBP ? CFA_RBP : CFA_REG;
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

void cfa_set_expression(struct cfa_state *s, struct dwcursor e)
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
	if (rsp && at == 8 && is_plt_rest(e.p, dw_left(&e), &s->cfa_expression)) {
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
	if (!cfa_fits(at, -1024, 1023) || !cfa_fits(plus, 0, 31)) {
		s->cfa = CFA_EXPRESSION_RANGE;
		return;
	}
	s->cfa = rsp ? CFA_RSP_MEM : CFA_RBP_MEM;
	s->cfa_expression = (int16_t)(at / 8 * 32 + plus / 8);
}

static void set_ra(struct cfa_state *s, enum cfa_saved how, int64_t off)
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

static void set_rsp(struct cfa_state *s, enum cfa_saved how, int64_t off)
{
	uint8_t place = PLACE_RSP_OTHER;

	if (how == SAVED_IS_CFA_PLUS && off == 0)
		place = 0;
	else if (how == SAVED_AT_RSP && off == UNWIND_SIGNAL_RSP)
		place = PLACE_RSP_SIGNAL;
	s->places = (s->places & ~PLACE_RSP) | place;
}

static void set_rbp(struct cfa_state *s, enum cfa_saved how, int64_t off)
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

void cfa_set_saved(struct cfa_state *s, uint64_t reg, enum cfa_saved how, int64_t off)
{
	if (reg == CFA_REG_RBP)
		set_rbp(s, how, off);
	else if (reg == CFA_REG_RETURN)
		set_ra(s, how, off);
	else if (reg == CFA_REG_RSP)
		set_rsp(s, how, off);
}

/* Only "register + n" is understood. */
void cfa_set_saved_expression(struct cfa_state *s, uint64_t reg, struct dwcursor e)
{
	uint8_t op = dw_u8(&e);
	int64_t off = dw_sleb(&e);
	enum cfa_saved how = SAVED_OTHER;

	if (!e.bad && e.p == e.end) {
		if (op == DW_OP_breg0 + CFA_REG_RBP)
			how = SAVED_AT_RBP;
		else if (op == DW_OP_breg0 + CFA_REG_RSP)
			how = SAVED_AT_RSP;
	}
	cfa_set_saved(s, reg, how, off);
}

void cfa_restore(struct cfa_state *s, uint64_t reg, const struct cfa_state *from)
{
	if (reg == CFA_REG_RBP) {
		s->rbp = from->rbp;
		s->rbp_signal = from->rbp_signal;
	} else if (reg == CFA_REG_RETURN) {
		s->places = (s->places & ~PLACE_RA) | (from->places & PLACE_RA);
	} else if (reg == CFA_REG_RSP) {
		s->places = (s->places & ~PLACE_RSP) | (from->places & PLACE_RSP);
	}
}
