/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unwind tables as plain data: compact sorted rows (bpf/unwind_row.h) that can be looked up by pc, in the kernel or
 * here. elf/ehframe.h makes them.
 */
#ifndef ALLOCTRACE_MODEL_UNWIND_TABLE_H
#define ALLOCTRACE_MODEL_UNWIND_TABLE_H

#include <linux/types.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind_row.h"

/* Why an FDE (the unwind information of one function) has no rows. */
enum unwind_skip {
	UNWIND_SKIP_NO_CIE,	/* its CIE pointer leads to no CIE before it */
	UNWIND_SKIP_BAD_CIE,	/* its CIE is damaged or of an unknown kind */
	UNWIND_SKIP_ENCODING,	/* its pointers are written in a way that can't be followed (indirect, …) */
	UNWIND_SKIP_DAMAGED,	/* it ends before its fields do */
	UNWIND_SKIP_EMPTY,	/* it covers no byte, or no address: the linker discarded its function */
	UNWIND_SKIP_OUTSIDE,	/* it covers addresses that aren't code */
	UNWIND_SKIP_OVERLAP,	/* FDEs that start earlier cover all of it */
	UNWIND_SKIPS
};

struct unwind_stats {
	size_t cies, bad_cies;
	size_t fdes;		/* all, those skipped included */
	size_t skipped[UNWIND_SKIPS];	/* enum unwind_skip */
	size_t clipped;		/* FDEs that lost their first bytes to one that starts earlier */
	size_t bad_programs;	/* FDEs with rows only up to where their program is damaged */
	size_t truncated;	/* 1: a record's length leads out of the section; nothing after it was read */
};

/* Bytes of code by their rules. */
struct unwind_bytes {
	uint64_t cfa[UNWIND_CFA_KINDS];	/* UNWIND_CFA_GAP: those between the functions */
	uint64_t fp[UNWIND_FP_KINDS];	/* of those with a CFA rule up to UNWIND_CFA_PLT */
	uint64_t why[UNWIND_WHYS];	/* of those with UNWIND_CFA_UNSUPPORTED */
};

struct unwind_table {
	uint64_t base;	/* vaddr that the rows' pc counts from: the start of the file's code */
	/* Sorted by pc, neighbours differ. The last one is a gap, so that each row's end is the next one's pc. */
	struct unwind_row *rows;
	size_t n;
	struct unwind_wide *wide;	/* by the number that rows have */
	size_t n_wide;
	struct unwind_stats stats;
};

/* The number of a row that is UNWIND_CFA_WIDE: in a table, of unwind_table.wide. */
static inline uint32_t unwind_row_wide(const struct unwind_row *row)
{
	return (uint32_t)row->kind >> 4 | (uint32_t)(uint8_t)row->fp_off << 4 | (uint32_t)(uint16_t)row->cfa_off << 12;
}

static inline void unwind_row_set_wide(struct unwind_row *row, uint32_t number)
{
	row->kind = (uint8_t)(UNWIND_CFA_WIDE | (number & 15) << 4);
	row->fp_off = (int8_t)(number >> 4);
	row->cfa_off = (int16_t)(number >> 12);
}

/* NULL is a no-op. */
void unwind_table_free(struct unwind_table *t);
/* The row in force at vaddr; NULL where there is none (before the first, or a gap). */
const struct unwind_row *unwind_table_at(const struct unwind_table *t, uint64_t vaddr);

void unwind_table_count_bytes(const struct unwind_table *t, struct unwind_bytes *bytes);

/* Of an error of unwind_table_load(), in words. */
const char *unwind_load_why(int err);

#endif
