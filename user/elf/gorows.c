// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A function's rows. With depth v, the CFA is SP + v + 8. Whatever has a frame saves the caller's frame pointer right
 * below the return address, at CFA - 16, as the first thing: from Go 1.21 on by a push, before by a store, between
 * which and the change of SP lies one instruction:
 *
 *     1.14 - 1.20                                       1.21 -
 *     0   sub $24,%rsp         CFA = SP + 8             push %rbp           CFA = SP + 8
 *     24  mov %rbp,16(%rsp)    SP + 32, FP the same     mov %rsp,%rbp  (8)  SP + 16, FP at CFA - 16
 *     24  lea 16(%rsp),%rbp    SP + 32, FP at CFA - 16  sub $16,%rsp   (8)  the same
 *     24  …                                             …              (24) SP + 32, FP at CFA - 16
 *
 * A function without that (assembly, mostly) leaves it alone. One that goes to another stack, and says so, has its CFA
 * by the frame pointer once that is set up, else no row.
 */
#include "elf/gorows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arch/insn.h"
#include "base/mem.h"

#define CODE_WINDOW (256u << 10)
#define FP_AT (-16)	/* from the CFA, in bytes */

struct maker {
	const struct elf_file *ef;
	const struct gopclntab *go;
	uint64_t base;
	size_t max_rows;
	size_t steps;		/* lines of the functions' tables; the same may serve many functions */
	uint64_t end;		/* of the last function that has rows */
	vec_of(struct unwind_row) rows;
	vec_of(struct unwind_wide) wide;
	uint8_t *code;		/* a part of the code, read ahead */
	uint64_t code_at;
	size_t code_size, code_room;
	int err;
};

/* The function whose rows are made. */
struct maker_function {
	struct maker *m;
	const struct go_function *f;
	uint64_t at;		/* rows are made up to there */
	uint64_t saved_from;	/* pc from which on the frame pointer is at CFA - 16; UINT64_MAX: nowhere */
	uint64_t fp_from;	/* pc from which on it is CFA - 16 */
	bool has_frame;		/* a depth above 0 was seen */
	uint8_t fp;		/* of frames that do not save it: enum unwind_fp */
	bool by_fp;		/* the CFA is found by it where it can be */
};

static void put(struct maker *m, uint64_t vaddr, struct unwind_row row)
{
	struct unwind_row *last = m->rows.n ? &m->rows.at[m->rows.n - 1] : NULL;
	const uint64_t pc = vaddr - m->base;

	if (m->err || (!last && row.kind == UNWIND_CFA_GAP))
		return;
	if (vaddr < m->base || pc > UINT32_MAX) {
		m->err = -EOVERFLOW;
		return;
	}
	row.pc = (uint32_t)pc;
	if (last && !memcmp(&last->kind, &row.kind, sizeof(row) - sizeof(row.pc)))
		return;
	if (m->rows.n == m->max_rows) {
		m->err = -EFBIG;
		return;
	}
	vec_push(&m->rows, row);
}

/* Bytes of code at vaddr, zeros where the file has none. */
static void read_code(struct maker *m, uint64_t vaddr, uint8_t *code, size_t size)
{
	uint64_t at = vaddr - m->code_at;

	memset(code, 0, size);
	if (vaddr < m->code_at || at > m->code_size || m->code_size - at < size) {
		m->code_at = vaddr;
		m->code_size = elf_read_vaddr(m->ef, vaddr, m->code, m->code_room);
		at = 0;
	}
	memcpy(code, m->code + at, m->code_size - at < size ? m->code_size - (size_t)at : size);
}

/* The first pc with a frame, of that depth: where the frame pointer is saved, and where it is set. */
static void read_prologue(struct maker_function *mf, uint64_t pc, uint64_t depth)
{
	uint8_t code[INSN_GO_FRAME];
	struct insn_go_frame frame;

	if (pc == mf->f->entry)
		return;
	read_code(mf->m, pc - 1, code, sizeof(code));
	if (!insn_go_frame(code, depth, &frame))
		return;
	mf->saved_from = pc + frame.saved;
	if (frame.set)
		mf->fp_from = pc + frame.set;
}

static void put_wide(struct maker_function *mf, uint64_t vaddr, int32_t depth, bool saved)
{
	struct maker *m = mf->m;
	struct unwind_row row = {0};
	struct unwind_wide wide = {
		.cfa = { .how = UNWIND_REG_PLUS, .reg = UNWIND_REG_SP, .off = depth + 8 },
		.ra = { .how = UNWIND_AT_CFA, .off = UNWIND_RA_AT },
		.sp = { .how = UNWIND_CFA_PLUS },
		.fp = { .how = UNWIND_SAME },
	};

	if (saved)
		wide.fp = (struct unwind_place){ .how = UNWIND_AT_CFA, .off = FP_AT };
	else if (mf->fp == UNWIND_FP_UNDEFINED)
		wide.fp.how = UNWIND_LOST;
	if (!m->wide.n || memcmp(&m->wide.at[m->wide.n - 1], &wide, sizeof(wide)) != 0) {
		if (m->wide.n > UNWIND_WIDE_MAX) {
			m->err = -EFBIG;
			return;
		}
		vec_push(&m->wide, wide);
	}
	unwind_row_set_wide(&row, (uint32_t)(m->wide.n - 1));
	put(m, vaddr, row);
}

static struct unwind_row rule(uint8_t cfa, int64_t cfa_off, bool saved, uint8_t otherwise)
{
	const uint8_t fp = saved ? UNWIND_FP_CFA : otherwise;

	return (struct unwind_row){
		.kind = (uint8_t)(cfa | fp << 4), .fp_off = saved ? FP_AT / 8 : 0, .cfa_off = (int16_t)cfa_off,
	};
}

/* One row, in force from vaddr on. */
static void put_depth(struct maker_function *mf, uint64_t vaddr, int32_t depth)
{
	struct maker *m = mf->m;
	const bool saved = depth > 0 && vaddr >= mf->saved_from;

	if (depth < 0 || depth % 8 || depth > INT32_MAX - 8)
		put(m, vaddr, (struct unwind_row){ .kind = UNWIND_CFA_UNSUPPORTED, .cfa_off = UNWIND_WHY_PROGRAM });
	else if (mf->by_fp && depth > 0 && vaddr >= mf->fp_from)
		put(m, vaddr, rule(UNWIND_CFA_FP, -FP_AT / 8, true, 0));
	else if ((depth + 8) / 8 > INT16_MAX)
		put_wide(mf, vaddr, depth, saved);
	else
		put(m, vaddr, rule(UNWIND_CFA_SP, (depth + 8) / 8, saved, mf->fp));
}

static bool take_depth(void *ctx, uint64_t from, uint64_t to, int32_t depth)
{
	struct maker_function *mf = ctx;

	if (++mf->m->steps > 2 * (uint64_t)mf->m->max_rows)
		mf->m->err = -EFBIG;
	if (depth > 0 && !mf->has_frame) {
		mf->has_frame = true;
		read_prologue(mf, from, (uint64_t)depth);
	}
	put_depth(mf, from, depth);
	if (mf->saved_from > from && mf->saved_from < to)
		put_depth(mf, mf->saved_from, depth);
	if (mf->by_fp && mf->fp_from > from && mf->fp_from < to)
		put_depth(mf, mf->fp_from, depth);
	mf->at = to;
	return !mf->m->err;
}

/* Only looks for the frame. */
static bool take_frame(void *ctx, uint64_t from, uint64_t to, int32_t depth)
{
	struct maker_function *mf = ctx;

	(void)to;
	if (depth <= 0)
		return true;
	read_prologue(mf, from, (uint64_t)depth);
	return false;
}

static bool is_runtime(const struct go_function *f, const char *name)
{
	return !strncmp(f->name, "runtime.", 8) && !strcmp(f->name + 8, name);
}

/* Before 1.17 nothing but the name tells. */
static bool is_switching(const struct go_function *f)
{
	return f->writes_sp || is_runtime(f, "asmcgocall") || is_runtime(f, "cgocallback") ||
	       is_runtime(f, "cgocallback_gofunc");
}

/*
 * Functions that go to another stack, where their table does not lead back to the one they were called on. By the frame
 * pointer, if they have set it, which stays where it was: so a callback from C leads to C. Else there is no row, but
 *
 * - asmcgocall, which calls C on the thread's stack, has no frame up to 1.20. It leaves the frame pointer, so that its
 *   caller's caller is found: of all the stack its caller alone is missing.
 * - A callback has gone to the goroutine's stack, where its table holds, as if called by what had called C: by a return
 *   address that is the first byte of systemstack_switch. The frame pointer is not brought along.
 *
 * True: all rows are made.
 */
static bool make_switching(struct maker_function *mf)
{
	const struct go_function *f = mf->f;

	gopclntab_each_sp(mf->m->go, f, take_frame, mf);
	mf->by_fp = mf->fp_from != UINT64_MAX;
	if (mf->by_fp)
		return false;
	if (is_runtime(f, "cgocallback") || is_runtime(f, "cgocallback_gofunc")) {
		mf->fp = UNWIND_FP_UNDEFINED;
		mf->saved_from = UINT64_MAX;
		mf->has_frame = true;
		return false;
	}
	put(mf->m, f->entry, is_runtime(f, "asmcgocall") ? rule(UNWIND_CFA_FP, -FP_AT / 8, true, 0) :
							   (struct unwind_row){ .kind = UNWIND_CFA_GAP });
	return true;
}

/* For where a callback without a frame pointer leads: the byte before the function, as for any return address. */
static void put_switched(struct maker *m, const struct go_function *f)
{
	if (m->rows.n && f->entry > m->base && m->rows.at[m->rows.n - 1].pc + 1ull < f->entry - m->base)
		put(m, f->entry - 1, rule(UNWIND_CFA_SP, 1, false, UNWIND_FP_SAME));
}

static void make_function(struct maker *m, const struct go_function *f)
{
	struct maker_function mf = { .m = m, .f = f, .at = f->entry, .saved_from = UINT64_MAX, .fp_from = UINT64_MAX };

	if (is_runtime(f, "systemstack_switch"))
		put_switched(m, f);
	m->end = f->end;
	if (f->is_top) {
		put(m, f->entry, (struct unwind_row){ .kind = UNWIND_CFA_STOP });
		return;
	}
	if (is_switching(f) && make_switching(&mf))
		return;
	if (!gopclntab_each_sp(m->go, f, take_depth, &mf) && !m->err)
		put(m, mf.at, (struct unwind_row){ .kind = UNWIND_CFA_GAP });
}

int gorows_make(const struct elf_file *ef, const struct gopclntab *g, uint64_t base, size_t max_rows,
		struct unwind_table **out)
{
	const struct go_moduledata *md = gopclntab_moduledata(g);
	const uint64_t code = md->etext - md->text + INSN_GO_FRAME;
	struct maker m = { .ef = ef, .go = g, .base = base, .max_rows = max_rows };
	struct unwind_stats stats = { .fdes = gopclntab_count(g) };

	m.code_room = code < CODE_WINDOW ? (size_t)code : CODE_WINDOW;
	m.code = xmalloc(m.code_room);
	for (size_t i = 0; i < stats.fdes && !m.err; i++) {
		struct go_function f;

		if (gopclntab_function(g, i, &f) && f.entry >= m.end)
			make_function(&m, &f);
		else
			stats.skipped[UNWIND_SKIP_DAMAGED]++;
	}
	if (m.end)
		put(&m, m.end, (struct unwind_row){ .kind = UNWIND_CFA_GAP });
	free(m.code);
	if (m.err) {
		vec_free(&m.rows);
		vec_free(&m.wide);
		return m.err;
	}
	*out = xcalloc(1, sizeof(**out));
	**out = (struct unwind_table){
		.base = base, .rows = m.rows.at, .n = m.rows.n, .wide = m.wide.at, .n_wide = m.wide.n, .stats = stats,
	};
	return 0;
}
