/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The columns of a table: which there are for each view, which go where the width is too small, and their cells. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "format/table.h"

/* Columns where the width isn't a terminal's, and the least that is laid out for. */
#define DEFAULT_WIDTH 200
#define LEAST_WIDTH 24
/* The place and its callers get at least this many columns while there is a column that may go. */
#define LEAST_PLACE 35
/* Bars get so many columns, at the cost of other numbers. */
#define LEAST_BARS 24

static const struct {
	const char *head;
	size_t width;
} columns[COL_GENERATION] = {
	[COL_BYTES] = {"BYTES", 8},
	[COL_CALLS] = {"CALLS", 5},
	[COL_MEAN] = {"MEAN", 8},
	[COL_SHARE] = {"%", 5},
	[COL_SUM] = {"SUM%", 5},
	[COL_CUM] = {"CUM", 8},
	[COL_CUM_SHARE] = {"CUM%", 5},
	[COL_ERROR] = {"\xc2\xb1%", 4},
	[COL_GROWTH] = {"GROWTH", 9},
	[COL_OLDEST] = {"OLDEST", 7},
	[COL_ALLOC] = {"ALLOC", 8},
	[COL_FREED] = {"FREED", 8},
	[COL_TEMP] = {"TEMP%", 5},
	[COL_MEDIAN] = {"MEDIAN", 9},
};

/* In this order columns go where the width is too small. */
static const enum column dispensable[] = {
	COL_MEAN, COL_FREED, COL_ALLOC, COL_SUM, COL_CALLS,
	/* the older generations first */
	COL_GENERATION, COL_GENERATION + 1, COL_GENERATION + 2, COL_GENERATION + 3, COL_GENERATION + 4,
	COL_GENERATION + 5, COL_GENERATION + 6,
	COL_CUM_SHARE, COL_MEDIAN, COL_OLDEST, COL_ERROR, COL_GROWTH, COL_TEMP,
	COL_GENERATION + 7, COL_BYTES, COL_CUM, COL_HIST,
};

static bool counts_blocks(const struct table *t)
{
	return t->kind->state && !t->kind->histogram;
}

static size_t column_width(const struct table *t, enum column column)
{
	if (column == COL_HIST)
		return t->bars.width;
	if (column >= COL_GENERATION)
		return 8;
	return columns[column].width + (column == COL_CALLS && counts_blocks(t));
}

double table_share(const struct table *t, struct counters c)
{
	uint64_t total = counters_metric(t->view.total, t->o->metric);

	return total ? (double)counters_metric(c, t->o->metric) / total : 0;
}

static void show(struct table *t, enum column column)
{
	t->shown[t->n_shown++] = column;
}

static size_t numbers_width(const struct table *t)
{
	size_t width = 0;

	for (size_t i = 0; i < t->n_shown; i++)
		width += column_width(t, t->shown[i]) + 2;
	return width;
}

static void hide(struct table *t, enum column column)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_shown; i++)
		if (t->shown[i] != column)
			t->shown[n++] = t->shown[i];
	t->n_shown = n;
}

/* What a live block's row tells beside its size. */
static void show_live(struct table *t)
{
	if (t->r->profile->n_past)
		show(t, COL_GROWTH);
	show(t, COL_OLDEST);
	show(t, COL_ALLOC);
	show(t, COL_FREED);
}

static void show_columns(struct table *t)
{
	bool by_bytes = t->o->metric == METRIC_BYTES;

	show(t, by_bytes ? COL_BYTES : COL_CALLS);
	if (!t->since_mark)
		show(t, COL_SHARE);
	if (!t->kind->histogram && !t->since_mark)
		show(t, COL_SUM);
	if (value_error(t->r, t->view.total, t->o->metric) > 0)
		show(t, COL_ERROR);
	if (t->cum) {
		show(t, COL_CUM);
		show(t, COL_CUM_SHARE);
	}
	show(t, by_bytes ? COL_CALLS : COL_BYTES);
	if (t->kind == &view_kinds[VIEW_TEMP])
		show(t, COL_TEMP);
	/* They are of what a row allocates itself, which with --cum is not what it is there for. */
	if (t->by_age && !t->cum)
		show_live(t);
	/* With one mark it's what BYTES says. */
	for (uint32_t i = 0; t->since_mark && t->r->profile->generations > 1 && i < t->r->profile->generations; i++)
		show(t, COL_GENERATION + i);
	show(t, t->kind->histogram ? COL_MEDIAN : COL_MEAN);
}

void table_lay_out(struct table *t)
{
	size_t width = t->o->width ? t->o->width : DEFAULT_WIDTH, used;

	if (width < LEAST_WIDTH)
		width = LEAST_WIDTH;
	show_columns(t);
	if (t->kind->histogram) {
		used = numbers_width(t) + 2 + LEAST_PLACE;
		bars_lay_out(&t->bars, t->details, t->n_rows, width > used + LEAST_BARS ? width - used : LEAST_BARS);
		if (t->bars.width)
			show(t, COL_HIST);
	}
	for (size_t i = 0; i < sizeof(dispensable) / sizeof(dispensable[0]); i++) {
		if (width >= numbers_width(t) + LEAST_PLACE)
			break;
		if (dispensable[i] != t->shown[0])
			hide(t, dispensable[i]);
	}
	t->place_width = width - numbers_width(t);
}

/* A share in per cent: no digit after the point where the error has a digit before it. */
static void put_percent(struct buf *b, double share, double error)
{
	buf_printf(b, share * error >= 0.01 ? "%.0f" : "%.1f", 100 * share);
}

static void put_share(const struct table *t, struct buf *b, struct counters c)
{
	put_percent(b, table_share(t, c), value_error(t->r, c, t->o->metric));
}

static void put_error(struct buf *b, double error)
{
	if (error > 0)
		buf_printf(b, error < 0.0995 ? "%.1f" : "%.0f", error < 9.995 ? 100 * error : 999.0);
}

/* Its error is at most about that of what is live now. */
static void put_growth(const struct table *t, struct buf *b, int64_t growth, struct counters live)
{
	if (!growth)
		return;
	buf_char(b, growth > 0 ? '+' : '-');
	text_bytes_about(b, growth > 0 ? (uint64_t)growth : 0 - (uint64_t)growth,
			 value_error(t->r, live, METRIC_BYTES) * live.bytes);
}

static void put_age(const struct table *t, struct buf *b, uint64_t oldest_ns)
{
	uint64_t now = t->r->profile->now_ns;

	if (oldest_ns)
		text_duration(b, now > oldest_ns ? now - oldest_ns : 0);
}

/* Cells that only a row has. */
static void detail_text(struct table *t, enum column column, const struct numbers *n)
{
	const struct view_detail *d = n->detail;
	struct buf *b = &t->cell;

	switch (column) {
	case COL_CUM:
		if (t->o->metric == METRIC_BYTES)
			value_put_bytes(b, t->r, n->cum);
		else
			value_put_calls(b, t->r, n->cum);
		break;
	case COL_CUM_SHARE:
		put_share(t, b, n->cum);
		break;
	case COL_ERROR:
		put_error(b, value_error(t->r, t->cum ? n->cum : n->flat, t->o->metric));
		break;
	case COL_GROWTH:
		put_growth(t, b, d->growth, n->flat);
		break;
	case COL_OLDEST:
		put_age(t, b, d->oldest_ns);
		break;
	case COL_ALLOC:
		value_put_bytes(b, t->r, d->alloc);
		break;
	case COL_FREED:
		value_put_bytes(b, t->r, d->freed);
		break;
	case COL_TEMP:
		if (d->alloc.calls)
			put_percent(b, (double)n->flat.calls / d->alloc.calls,
				    value_error(t->r, n->flat, METRIC_CALLS));
		break;
	case COL_MEDIAN:
		bars_put_median(d, t->kind->hist, b);
		break;
	case COL_HIST:
		bars_put(&t->bars, d, b);
		break;
	default:
		if (!counters_none(d->generations[column - COL_GENERATION]))
			value_put_bytes(b, t->r, d->generations[column - COL_GENERATION]);
	}
}

static void cell_text(struct table *t, enum column column, const struct numbers *n)
{
	struct buf *b = &t->cell;

	switch (column) {
	case COL_BYTES:
		value_put_bytes(b, t->r, n->flat);
		break;
	case COL_CALLS:
		value_put_calls(b, t->r, n->flat);
		break;
	case COL_MEAN:
		if (n->flat.calls)
			text_bytes_about(b, n->flat.bytes / n->flat.calls,
					 value_error(t->r, n->flat, METRIC_BYTES) * n->flat.bytes / n->flat.calls);
		break;
	case COL_SHARE:
		put_share(t, b, n->flat);
		break;
	case COL_SUM:
		put_share(t, b, n->sum);
		break;
	default:
		if (n->detail)
			detail_text(t, column, n);
	}
}

/* t->cell, at the right of its column; bars keep their place. */
static void put_cell(struct table *t, enum column column)
{
	size_t width = column_width(t, column), used = text_width(buf_cstr(&t->cell));

	buf_printf(&t->line, "%*s%s  ", width > used ? (int)(width - used) : 0, "", buf_cstr(&t->cell));
}

void table_put_numbers(struct table *t, const struct numbers *n)
{
	for (size_t i = 0; i < t->n_shown; i++) {
		buf_reset(&t->cell);
		cell_text(t, t->shown[i], n);
		put_cell(t, t->shown[i]);
	}
}

static void put_mark(struct table *t, enum column column)
{
	uint32_t mark = t->r->profile->first_generation + (column - COL_GENERATION);

	buf_printf(&t->cell, mark < 1000 ? "MARK %u" : "#%u", mark);
}

void table_put_heads(struct table *t)
{
	for (size_t i = 0; i < t->n_shown; i++) {
		enum column column = t->shown[i];

		buf_reset(&t->cell);
		if (column == COL_HIST)
			bars_put_head(&t->bars, t->kind->hist, &t->cell);
		else if (column >= COL_GENERATION)
			put_mark(t, column);
		else
			buf_str(&t->cell, column == COL_CALLS && counts_blocks(t) ? "BLOCKS" : columns[column].head);
		put_cell(t, column);
	}
}
