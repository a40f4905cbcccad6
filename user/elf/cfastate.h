/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules in force at one pc of a function, as far as a row of an unwind table can hold them: what a call frame
 * program changes bit by bit, and the row it makes.
 */
#ifndef ALLOCTRACE_ELF_CFASTATE_H
#define ALLOCTRACE_ELF_CFASTATE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind_row.h"

#include "elf/dwcursor.h"

/* DWARF's register numbers on x86-64. */
#define CFA_REG_FP UNWIND_REG_FP
#define CFA_REG_SP UNWIND_REG_SP
#define CFA_REG_RETURN UNWIND_REGS

/* The rules in force at one pc. */
struct cfa_state {
	int64_t cfa_off;	/* bytes; with cfa_reg kept, as unwinders do, while the CFA is an expression */
	uint32_t cfa_reg;
	uint32_t fp;	/* the FP part of a row's rule, in its place */
	uint8_t cfa;	/* enum cfa_how */
	uint8_t places;	/* 0: return address and SP are where they always are; else enum cfa_places */
	int16_t cfa_expression;	/* what the row's cfa_off will be where the CFA is one */
	bool fp_signal;	/* FP is where it is in a signal frame */
	/* For wide rules: */
	struct unwind_place cfa_wide;	/* where the CFA is CFA_EXPRESSION; LOST: it is not followed */
	struct unwind_place ra, sp;	/* where `places` is not 0 */
	struct unwind_place fp_wide;	/* where `fp` says UNWIND_FP_UNSUPPORTED */
};

/* CFA_REG: a register and an offset; the two usual ones have their row's kind as value. */
enum cfa_how {
	CFA_NONE = 0, CFA_SP = UNWIND_CFA_SP, CFA_FP = UNWIND_CFA_FP, CFA_FP_MEM = UNWIND_CFA_FP_MEM,
	CFA_SP_MEM = UNWIND_CFA_SP_MEM, CFA_PLT = UNWIND_CFA_PLT, CFA_REG = 16, CFA_EXPRESSION,
};

/* Where the return address and the caller's SP are, if not at CFA - 8 and the CFA itself. NONE: nothing said yet,
 * which must not pass for the usual. */
enum cfa_places {
	PLACE_RA_UNDEFINED = 1, PLACE_RA_OTHER = 2, PLACE_RA_NONE = 4, PLACE_SP_OTHER = 8,
	PLACE_RA = 7, PLACE_SP = 8,
};

/* CFA = reg + the offset that is there already. */
void cfa_set_register(struct cfa_state *s, uint64_t reg);
/* CFA = the value of the expression e. */
void cfa_set_expression(struct cfa_state *s, struct dwcursor e);
/* What was said about register reg: `from` is a register, for those rules that have one. */
void cfa_set_saved(struct cfa_state *s, uint64_t reg, enum unwind_how how, uint64_t from, int64_t off);
/* Register reg is saved at the address that the expression e gives; is_value: it is that. */
void cfa_set_saved_expression(struct cfa_state *s, uint64_t reg, struct dwcursor e, bool is_value);
/* Register reg's rule becomes what it is in `from`. */
void cfa_restore(struct cfa_state *s, uint64_t reg, const struct cfa_state *from);

/* What is said about these leaves no trace in a row. */
static inline bool cfa_is_other(uint64_t reg)
{
	return reg != CFA_REG_FP && reg != CFA_REG_SP && reg != CFA_REG_RETURN;
}

/* kind, fp_off and cfa_off of a row without FP rule. */
uint32_t cfa_rule(enum unwind_cfa kind, int16_t cfa_off);
/* The rule of a row of all but the two usual states. *is_wide: it is UNWIND_CFA_WIDE without its number, and *wide is
 * what that is to mean. */
uint32_t cfa_unusual_rule(const struct cfa_state *s, struct unwind_wide *wide, bool *is_wide);

/* bytes / 8 is a whole number within [min, max]. */
static inline bool cfa_fits(int64_t bytes, int64_t min, int64_t max)
{
	return !(bytes & 7) && bytes >= min * 8 && bytes <= max * 8;
}

/* The CFA is a small offset from SP or FP, and return address and SP are where they always are. */
static inline bool cfa_is_usual(const struct cfa_state *s)
{
	return !s->places && (s->cfa == CFA_SP || s->cfa == CFA_FP) && cfa_fits(s->cfa_off, INT16_MIN, INT16_MAX) &&
	       s->fp != UNWIND_FP_UNSUPPORTED << 4;
}

/* kind, fp_off and cfa_off of a row that has the rules of a usual state. */
static inline uint32_t cfa_usual_rule(const struct cfa_state *s)
{
	return s->fp | s->cfa | (uint32_t)(s->cfa_off / 8) << 16;
}

#endif
