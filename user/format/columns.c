/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The columns of a table as text: which go where the width is too small, and their cells. */
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

static size_t width_of(const struct table *t, struct column_at at)
{
	struct buf head = {0};
	size_t width;

	column_head(&t->s, at, &head);
	width = text_width(buf_cstr(&head));
	buf_free(&head);
	return width > at.column->width ? width : at.column->width;
}

static void show_all(struct table *t)
{
	struct column_at all[COLUMNS_MAX];

	t->n_shown = columns_of(&t->s, all);
	for (size_t i = 0; i < t->n_shown; i++)
		t->shown[i] = (struct shown){all[i], width_of(t, all[i])};
}

static size_t numbers_width(const struct table *t)
{
	size_t width = 0;

	for (size_t i = 0; i < t->n_shown; i++)
		width += t->shown[i].width + 2;
	return width;
}

static void hide(struct table *t, size_t i)
{
	t->n_shown--;
	memmove(&t->shown[i], &t->shown[i + 1], (t->n_shown - i) * sizeof(t->shown[0]));
}

/* A histogram's picture takes what the numbers leave; where it would be empty, it has no column. */
static void lay_out_bars(struct table *t, size_t width)
{
	size_t used = numbers_width(t) + LEAST_PLACE;

	bars_lay_out(&t->bars, t->s.details, t->s.n_rows, width > used + LEAST_BARS ? width - used : LEAST_BARS);
	for (size_t i = t->n_shown; i-- > 0;) {
		if (column_kind(&t->s, t->shown[i].at) != VALUE_HISTOGRAM)
			continue;
		t->shown[i].width = t->bars.width;
		if (!t->bars.width)
			hide(t, i);
	}
}

/* Hides the column that goes next; false if none does. The first one is what the rows are ordered by: it stays. */
static bool hide_next(struct table *t)
{
	size_t next = 0;

	for (size_t i = 1; i < t->n_shown; i++) {
		unsigned int goes = column_goes(t->shown[i].at);

		if (goes && (!next || goes < column_goes(t->shown[next].at)))
			next = i;
	}
	if (next)
		hide(t, next);
	return next;
}

void table_lay_out(struct table *t)
{
	size_t width = t->o->width ? t->o->width : DEFAULT_WIDTH;

	if (width < LEAST_WIDTH)
		width = LEAST_WIDTH;
	show_all(t);
	if (t->s.kind->histogram)
		lay_out_bars(t, width);
	while (width < numbers_width(t) + LEAST_PLACE && hide_next(t))
		;
	t->place_width = width - numbers_width(t);
}

/* t->cell, at the right of its column; bars keep their place. */
static void put_cell(struct table *t, size_t width)
{
	size_t used = text_width(buf_cstr(&t->cell));

	buf_printf(&t->line, "%*s%s  ", width > used ? (int)(width - used) : 0, "", buf_cstr(&t->cell));
}

void table_put_numbers(struct table *t, const struct numbers *n)
{
	for (size_t i = 0; i < t->n_shown; i++) {
		struct value v = column_value(&t->s, t->shown[i].at, n);

		buf_reset(&t->cell);
		if (v.kind == VALUE_HISTOGRAM)
			bars_put(&t->bars, v.buckets, &t->cell);
		else
			value_put(&t->cell, v);
		put_cell(t, t->shown[i].width);
	}
}

void table_put_heads(struct table *t)
{
	for (size_t i = 0; i < t->n_shown; i++) {
		buf_reset(&t->cell);
		if (column_kind(&t->s, t->shown[i].at) == VALUE_HISTOGRAM)
			bars_put_head(&t->bars, t->s.kind->hist, &t->cell);
		else
			column_head(&t->s, t->shown[i].at, &t->cell);
		put_cell(t, t->shown[i].width);
	}
}
