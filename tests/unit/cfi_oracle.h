/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unwind tables against libdw, an independent reader of the same .eh_frame. Included by the one test that compares. */
#ifndef ALLOCTRACE_TESTS_CFI_ORACLE_H
#define ALLOCTRACE_TESTS_CFI_ORACLE_H

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "elf/ehframe.h"

#define REG_RBP 6
#define REG_RSP 7
#define REG_RETURN 16
#define SHOWN_MAX 10
#define REFUSED 0xffffffffu	/* libdw calls it invalid */
#define GAP 0u	/* pack() of UNWIND_CFA_GAP */

struct cfi_result {
	int err;	/* of unwind_table_load() or of opening: then the rest is 0 */
	size_t rows, intervals;	/* intervals: stretches of constant rules that were compared */
	size_t differ;
	size_t refused;	/* intervals that libdw calls invalid */
	uint64_t load_ns;
	struct unwind_stats stats;
	struct unwind_bytes bytes;
};

/* A location as libdw gives it. */
struct where {
	enum { WHERE_SAME, WHERE_UNDEFINED, WHERE_AT_CFA, WHERE_CFA_PLUS, WHERE_AT_REG, WHERE_REG_PLUS,
		WHERE_OTHER } how;
	int reg;
	int64_t off;
};

static bool is_breg(const Dwarf_Op *op, int *reg, int64_t *off)
{
	if (op->atom == DW_OP_bregx || op->atom == DW_OP_regx) {
		*reg = (int)op->number;
		*off = (int64_t)op->number2;
		return true;
	}
	if (op->atom < DW_OP_breg0 || op->atom > DW_OP_breg31)
		return false;
	*reg = op->atom - DW_OP_breg0;
	*off = (int64_t)op->number;
	return true;
}

static struct where where_in(const Dwarf_Op *ops, size_t n)
{
	struct where w = { .how = WHERE_OTHER };
	bool is_value = ops[n - 1].atom == DW_OP_stack_value;
	size_t left = n - is_value, from = ops[0].atom == DW_OP_call_frame_cfa;

	if (n == 1 && ((ops[0].atom >= DW_OP_reg0 && ops[0].atom <= DW_OP_reg31) || ops[0].atom == DW_OP_regx))
		return (struct where){ WHERE_REG_PLUS,
				       ops[0].atom == DW_OP_regx ? (int)ops[0].number : ops[0].atom - DW_OP_reg0, 0 };
	if (from && (left == 1 || (left == 2 && ops[1].atom == DW_OP_plus_uconst)))
		return (struct where){ is_value ? WHERE_CFA_PLUS : WHERE_AT_CFA, 0,
			left == 2 ? (int64_t)ops[1].number : 0 };
	if (left == from + 1 && is_breg(&ops[from], &w.reg, &w.off))
		w.how = is_value ? WHERE_REG_PLUS : WHERE_AT_REG;
	return w;
}

static struct where where_is(Dwarf_Frame *frame, int reg)
{
	Dwarf_Op mem[3], *ops = NULL;
	size_t n = 0;

	if (dwarf_frame_register(frame, reg, mem, &ops, &n) != 0)
		return (struct where){ .how = WHERE_OTHER };
	if (n == 0)
		return (struct where){ .how = ops == mem ? WHERE_UNDEFINED : WHERE_SAME };
	return where_in(ops, n);
}

static uint32_t pack(unsigned int cfa, unsigned int rbp, int64_t rbp_bytes, int64_t cfa_off)
{
	return cfa | rbp << 4 | (uint32_t)(uint8_t)(rbp_bytes / 8) << 8 | (uint32_t)(uint16_t)cfa_off << 16;
}

static bool is_plt(const Dwarf_Op *ops, size_t n, int64_t *from)
{
	static const uint8_t atoms[] = {
		DW_OP_breg7, DW_OP_breg16, DW_OP_lit15, DW_OP_and, 0, DW_OP_ge, DW_OP_lit3, DW_OP_shl, DW_OP_plus,
	};

	if (n != sizeof(atoms) || ops[0].number != 8 || ops[1].number != 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (i != 4 && ops[i].atom != atoms[i])
			return false;
	*from = ops[4].atom - DW_OP_lit0;
	return *from >= 0 && *from < 16;
}

static bool multiple_within(int64_t v, int64_t min, int64_t max)
{
	return v % 8 == 0 && v / 8 >= min && v / 8 <= max;
}

/* REFUSED: only a wide rule has it. */
static uint32_t rbp_part(struct where rbp)
{
	bool fits = multiple_within(rbp.off, -128, 127);

	if (rbp.how == WHERE_SAME)
		return pack(0, UNWIND_FP_SAME, 0, 0);
	if (rbp.how == WHERE_UNDEFINED || rbp.how == WHERE_OTHER)
		return pack(0, UNWIND_FP_UNDEFINED, 0, 0);
	if (rbp.how == WHERE_AT_CFA && fits)
		return pack(0, UNWIND_FP_CFA, rbp.off, 0);
	if (rbp.how == WHERE_AT_REG && rbp.reg == REG_RBP && fits)
		return pack(0, UNWIND_FP_FP, rbp.off, 0);
	return REFUSED;
}

/* The CFA as register + off, or *(register + off) + plus. */
struct cfa_where {
	int reg;
	int64_t off, plus;
	bool is_read;
};

static bool cfa_where(const Dwarf_Op *ops, size_t n, struct cfa_where *cfa)
{
	*cfa = (struct cfa_where){0};
	if (!is_breg(&ops[0], &cfa->reg, &cfa->off) || n > 3 || cfa->reg > 15)
		return false;
	cfa->is_read = n > 1;
	if (n == 3)
		cfa->plus = (int64_t)ops[2].number;
	return (n < 2 || ops[1].atom == DW_OP_deref) && (n < 3 || ops[2].atom == DW_OP_plus_uconst);
}

/* The row where return address and RSP are where they always are; REFUSED: it has to be wide. */
static uint32_t narrow_rule(const struct cfa_where *cfa, struct where rbp_where)
{
	uint32_t rbp = rbp_part(rbp_where);
	bool usual = cfa->reg == REG_RSP || cfa->reg == REG_RBP;

	if (rbp == REFUSED)
		return REFUSED;
	if (!cfa->is_read && !usual && multiple_within(cfa->off, -2048, 2047))
		return pack(UNWIND_CFA_REGISTER, 0, 0, UNWIND_REGISTER(cfa->reg, cfa->off)) | rbp;
	if (!cfa->is_read && usual && multiple_within(cfa->off, INT16_MIN, INT16_MAX))
		return pack(cfa->reg == REG_RSP ? UNWIND_CFA_SP : UNWIND_CFA_FP, 0, 0, cfa->off / 8) | rbp;
	if (cfa->is_read && usual && multiple_within(cfa->off, -1024, 1023) && multiple_within(cfa->plus, 0, 31))
		return pack(cfa->reg == REG_RSP ? UNWIND_CFA_SP_MEM : UNWIND_CFA_FP_MEM, 0, 0,
			    cfa->off / 8 * 32 + cfa->plus / 8) | rbp;
	return REFUSED;
}

static struct unwind_place place_of(struct where w)
{
	static const uint8_t hows[] = {
		[WHERE_SAME] = UNWIND_SAME, [WHERE_UNDEFINED] = UNWIND_LOST, [WHERE_AT_CFA] = UNWIND_AT_CFA,
		[WHERE_CFA_PLUS] = UNWIND_CFA_PLUS, [WHERE_AT_REG] = UNWIND_AT_REG,
		[WHERE_REG_PLUS] = UNWIND_REG_PLUS, [WHERE_OTHER] = UNWIND_LOST,
	};
	bool has_off = w.how != WHERE_SAME && w.how != WHERE_UNDEFINED && w.how != WHERE_OTHER;

	return (struct unwind_place){
		.how = hows[w.how], .reg = w.how == WHERE_AT_REG || w.how == WHERE_REG_PLUS ? (uint8_t)w.reg : 0,
		.off = has_off ? (int32_t)w.off : 0,
	};
}

/* The four bytes that a row after its pc should have, without the reason where it is unsupported, and without the
 * number where it is wide: then *wide is what it should have. */
static uint32_t expected_rule(Dwarf_Frame *frame, struct unwind_wide *wide)
{
	struct where rbp = where_is(frame, REG_RBP), ra = where_is(frame, REG_RETURN), rsp = where_is(frame, REG_RSP);
	bool usual = ra.how == WHERE_AT_CFA && ra.off == -8 && rsp.how == WHERE_CFA_PLUS && rsp.off == 0;
	struct cfa_where cfa;
	Dwarf_Op *ops = NULL;
	int64_t off = 0;
	uint32_t rule;
	size_t n = 0;

	if (ra.how == WHERE_UNDEFINED)
		return pack(UNWIND_CFA_STOP, 0, 0, 0);
	if (dwarf_frame_cfa(frame, &ops, &n) != 0)
		return REFUSED;
	if (n > 0 && usual && is_plt(ops, n, &off) && rbp_part(rbp) != REFUSED)
		return pack(UNWIND_CFA_PLT, 0, 0, off) | rbp_part(rbp);
	if (n == 0 || !cfa_where(ops, n, &cfa))
		return pack(UNWIND_CFA_UNSUPPORTED, 0, 0, 0);
	if (cfa.is_read && cfa.reg == REG_RSP && cfa.off == 160 && cfa.plus == 0 &&
	    ra.how == WHERE_AT_REG && ra.reg == REG_RSP && ra.off == 168 && rbp.how == WHERE_AT_REG &&
		rbp.reg == REG_RSP &&
	    rbp.off == 120 && rsp.how == WHERE_AT_REG && rsp.reg == REG_RSP && rsp.off == 160)
		return pack(UNWIND_CFA_SIGNAL, 0, 0, 0);
	rule = usual ? narrow_rule(&cfa, rbp) : REFUSED;
	if (rule != REFUSED)
		return rule;
	if (ra.how == WHERE_OTHER || ra.how == WHERE_SAME || rsp.how == WHERE_OTHER || rsp.how == WHERE_UNDEFINED ||
	    cfa.plus > INT16_MAX)
		return pack(UNWIND_CFA_UNSUPPORTED, 0, 0, 0);
	*wide = (struct unwind_wide){
		.cfa = { cfa.is_read ? UNWIND_AT_REG : UNWIND_REG_PLUS, (uint8_t)cfa.reg, (int16_t)cfa.plus,
			 (int32_t)cfa.off },
		.ra = place_of(ra), .sp = place_of(rsp), .fp = place_of(rbp),
	};
	return pack(UNWIND_CFA_WIDE, 0, 0, 0);
}

static uint32_t row_rule(const struct unwind_row *row)
{
	uint32_t rule = pack(row->kind, 0, 0, row->cfa_off) | (uint32_t)(uint8_t)row->fp_off << 8;

	return row->kind == UNWIND_CFA_UNSUPPORTED ||
		(row->kind & 15) == UNWIND_CFA_WIDE ? pack(row->kind & 15, 0, 0, 0) :
	       rule;
}

/* .eh_frame's, and .debug_frame's for what that has nothing for. */
struct oracle {
	Dwarf_CFI *eh, *debug;
};

static int frame_at(const struct oracle *o, uint64_t addr, Dwarf_Frame **frame)
{
	int err = o->eh ? dwarf_cfi_addrframe(o->eh, addr, frame) : 0;

	if (o->debug && (!o->eh || (err && strcmp(dwarf_errmsg(-1), "no matching address range") == 0)))
		return dwarf_cfi_addrframe(o->debug, addr, frame);
	/* The message is asked for again. */
	return err ? dwarf_cfi_addrframe(o->eh, addr, frame) : err;
}

/* What libdw has at addr; *end: up to where it holds; *signal: what the frame is marked as. */
static uint32_t oracle_at(const struct oracle *cfi, uint64_t addr, uint64_t *end, bool *signal,
	struct unwind_wide *wide)
{
	Dwarf_Frame *frame;
	Dwarf_Addr start = addr;
	uint32_t rule;

	*end = addr + 1;
	*signal = false;
	if (frame_at(cfi, addr, &frame) != 0)
		return strcmp(dwarf_errmsg(-1), "no matching address range") == 0 ? GAP : REFUSED;
	dwarf_frame_info(frame, &start, end, signal);
	rule = expected_rule(frame, wide);
	free(frame);
	return rule;
}

static void differ(struct cfi_result *r, const char *path, uint64_t addr, const struct unwind_row *row, uint32_t want)
{
	if (r->differ++ < SHOWN_MAX)
		fprintf(stderr, "%s 0x%llx: row %08x, libdw %08x\n", path, (unsigned long long)addr, row_rule(row),
			want);
}

static void compare_row(struct cfi_result *r, const char *path, const struct oracle *cfi, const struct unwind_table *t,
			const struct unwind_row *row)
{
	uint64_t addr = t->base + row->pc, end = t->base + row[1].pc, until;
	struct unwind_wide wide = {0};
	bool signal, early;

	/* The row of a signal frame is to start one byte before the FDE. */
	oracle_at(cfi, addr + 1, &until, &early, &wide);
	if (early && oracle_at(cfi, addr, &until, &signal, &wide) == GAP)
		addr++;
	if (row_rule(row) == GAP) {	/* libdw doesn't say how long nothing lasts */
		uint64_t at[] = { addr, addr + (end - addr) / 2, end - 1 };

		for (size_t i = 0; i < 3; i++, r->intervals++)
			if (oracle_at(cfi, at[i], &until, &signal, &wide) != GAP)
				differ(r, path, at[i], row, oracle_at(cfi, at[i], &until, &signal, &wide));
		return;
	}
	while (addr < end) {
		uint32_t want = oracle_at(cfi, addr, &until, &signal, &wide);

		r->intervals++;
		/*
		 * libdw is stricter in two cases that real files have: a CFA register set while the CFA is an
		 * expression, and a register restored in a CIE. Other unwinders accept both.
		 */
		if (want == REFUSED)
			r->refused++;
		else if (want != row_rule(row) || (want == UNWIND_CFA_WIDE &&
			 memcmp(&wide, &t->wide[unwind_row_wide(row)], sizeof(wide)) != 0))
			differ(r, path, addr, row, want);
		addr = until > addr ? until : addr + 1;
	}
}

static void compare(struct cfi_result *r, const char *path, const struct elf_file *ef, const struct unwind_table *t,
		    size_t step)
{
	Dwarf *dwarf = dwarf_begin_elf(elf_file_handle(ef), DWARF_C_READ, NULL);
	struct oracle cfi = { dwarf_getcfi_elf(elf_file_handle(ef)), dwarf ? dwarf_getcfi(dwarf) : NULL };

	if (!cfi.eh && !cfi.debug) {
		fprintf(stderr, "%s: libdw: %s\n", path, dwarf_errmsg(-1));
		r->differ++;
		return;
	}
	for (size_t i = 0; i + 1 < t->n; i += step)
		compare_row(r, path, &cfi, t, &t->rows[i]);
	dwarf_cfi_end(cfi.eh);
	dwarf_end(dwarf);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Loads path's table and compares every step-th row (0: none); prints the first differences. */
static struct cfi_result cfi_compare(const char *path, size_t step)
{
	struct cfi_result r = {0};
	struct unwind_table *t = NULL;
	struct elf_file *ef = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t start;

	if (fd < 0) {
		r.err = -errno;
		return r;
	}
	r.err = elf_file_open(fd, path, &ef);
	if (!r.err) {
		start = now_ns();
		r.err = unwind_table_load(ef, 20000000, &t);
		r.load_ns = now_ns() - start;
	}
	if (!r.err) {
		r.rows = t->n;
		r.stats = t->stats;
		unwind_table_count_bytes(t, &r.bytes);
		if (step)
			compare(&r, path, ef, t, step);
	}
	unwind_table_free(t);
	elf_file_close(ef);
	close(fd);
	return r;
}

#endif
