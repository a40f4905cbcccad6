/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Call frame programs: the byte code in .eh_frame's CIEs and FDEs that says, for each range of a function, how to
 * find the caller's registers. Only what a row or a wide rule (bpf/unwind_row.h) can hold is followed: CFA, FP, SP
 * and the return address. x86-64.
 */
#ifndef ALLOCTRACE_ELF_CFA_H
#define ALLOCTRACE_ELF_CFA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "elf/cfastate.h"
#include "elf/dwcursor.h"

/* What a CIE fixes for its FDEs' programs. */
struct cfa_context {
	uint64_t code_align;
	int64_t data_align;
	uint8_t encoding;	/* DW_EH_PE of the operand of DW_CFA_set_loc */
	const uint8_t *section, *section_end;
	uint64_t section_vaddr;
	struct cfa_state initial;
};

/* Rows under construction. */
struct cfa_rows {
	struct unwind_row *at;
	size_t n, cap, max;
	bool lent;	/* `at` is a part of another's memory: it is left there when more room is needed */
	bool full;	/* there are more than max, or some were dropped: the table is of no use */
	vec_of(struct unwind_wide) wide;	/* by the number that rows have */
};

/* What one function's program is run for: rows for [from, end). The program counts from start; `from` is later where
 * another function has the first bytes, earlier where the first row is to start early. All are vaddrs; base is what
 * rows count from. */
struct cfa_range {
	uint64_t base, start, from, end;
};

/* The row with this rule starts at pc, unless the row before it has the same rule and merges with it. */
void cfa_rows_add(struct cfa_rows *rows, uint32_t pc, uint32_t rule);

/* Runs a CIE's initial instructions, which may not advance, and sets ctx->initial. false: damaged. */
bool cfa_run_initial(struct cfa_context *ctx, struct dwcursor program);
/* Adds the rows of one function. false: the program is damaged; the rest of the function got UNWIND_WHY_PROGRAM. */
bool cfa_run(const struct cfa_context *ctx, struct dwcursor program, const struct cfa_range *range,
	     struct cfa_rows *rows);

#endif
