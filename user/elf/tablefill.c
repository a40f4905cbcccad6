/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two tables made one: the rows of the second where the first has a gap.
 *
 *     first   | f: 3 rows | gap ............ | h: 2 rows | gap …
 *     second  ......| g: 4 rows ..... | gap …
 *     both    | f: 3 rows | g: 3 rows | gap  | h: 2 rows | gap …
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "elf/ehframe.h"

struct filler {
	const struct unwind_table *t, *from;
	struct unwind_row *rows;
	size_t n;
	size_t at;	/* in from->rows: the first that starts at or after what is being filled */
};

static bool same_rule(const struct unwind_row *a, const struct unwind_row *b)
{
	return a->kind == b->kind && a->fp_off == b->fp_off && a->cfa_off == b->cfa_off;
}

static void put(struct filler *f, uint32_t pc, const struct unwind_row *rule)
{
	if (f->n && same_rule(&f->rows[f->n - 1], rule))
		return;
	f->rows[f->n] = *rule;
	f->rows[f->n++].pc = pc;
}

/* A row of the second table: its wide rules come after the first one's. */
static void put_other(struct filler *f, uint32_t pc, const struct unwind_row *rule)
{
	struct unwind_row row = *rule;

	if ((row.kind & 15) == UNWIND_CFA_WIDE)
		unwind_row_set_wide(&row, unwind_row_wide(&row) + (uint32_t)f->t->n_wide);
	put(f, pc, &row);
}

/* A gap of the first table, [start, end). */
static void fill_gap(struct filler *f, uint32_t start, uint64_t end)
{
	static const struct unwind_row gap = { .kind = UNWIND_CFA_GAP };
	const struct unwind_table *from = f->from;

	while (f->at < from->n && from->rows[f->at].pc <= start)
		f->at++;
	if (f->at)
		put_other(f, start, &from->rows[f->at - 1]);
	else if (f->n)
		put(f, start, &gap);
	for (; f->at < from->n && from->rows[f->at].pc < end; f->at++)
		put_other(f, from->rows[f->at].pc, &from->rows[f->at]);
}

static void add_wide(struct unwind_table *t, const struct unwind_table *from)
{
	if (!from->n_wide)
		return;
	t->wide = xrealloc_array(t->wide, t->n_wide + from->n_wide, sizeof(*t->wide));
	memcpy(t->wide + t->n_wide, from->wide, from->n_wide * sizeof(*t->wide));
	t->n_wide += from->n_wide;
}

int unwind_table_fill(struct unwind_table *t, const struct unwind_table *from, size_t max_rows)
{
	struct filler f = { .t = t, .from = from };

	if (t->base != from->base || t->n_wide + from->n_wide > UNWIND_WIDE_MAX)
		return -EFBIG;
	/* For each gap one row may be there twice, clipped. */
	f.rows = xrealloc_array(NULL, 2 * t->n + from->n + 1, sizeof(*f.rows));
	if (!t->n || t->rows[0].pc)
		fill_gap(&f, 0, t->n ? t->rows[0].pc : UINT64_MAX);
	for (size_t i = 0; i < t->n; i++) {
		if (t->rows[i].kind == UNWIND_CFA_GAP)
			fill_gap(&f, t->rows[i].pc, i + 1 < t->n ? t->rows[i + 1].pc : UINT64_MAX);
		else
			put(&f, t->rows[i].pc, &t->rows[i]);
	}
	if (f.n > max_rows) {
		free(f.rows);
		return -EFBIG;
	}
	add_wide(t, from);
	free(t->rows);
	t->rows = f.rows;
	t->n = f.n;
	t->stats.fdes += from->stats.fdes;
	return 0;
}
