/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/grid.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* Where the width is not a terminal's, and the least that is laid out for. */
#define DEFAULT_WIDTH 200
#define LEAST_WIDTH 24
/* Places get at least this while there is a column that may go. */
#define LEAST_PLACE 28
/* Less of a chain says nothing. */
#define LEAST_CHAIN 9

struct layout {
	size_t width[GRID_COLUMNS];	/* 0: hidden */
	size_t place;
};

struct grid_line *grid_add(struct grid *g, const char *style)
{
	vec_push(&g->lines, ((struct grid_line){.style = style}));
	return &g->lines.at[g->lines.n - 1];
}

void grid_free(struct grid *g)
{
	for (size_t i = 0; i < g->lines.n; i++) {
		for (size_t k = 0; k < GRID_COLUMNS; k++)
			free(g->lines.at[i].cells[k]);
		free(g->lines.at[i].place);
	}
	vec_free(&g->lines);
}

void grid_put_place_head(const struct view_by *by, const struct view_by *then, struct buf *out)
{
	const size_t start = out->len;

	buf_str(out, by->name);
	if (then)
		buf_printf(out, ", %s", then->name);
	for (size_t i = start; i < out->len; i++)
		if (out->data[i] >= 'a' && out->data[i] <= 'z')
			out->data[i] -= 'a' - 'A';
	if ((then ? then : by)->is_frame)
		buf_str(out, " < CALLERS");
}

static size_t used_by(const struct grid *g, const struct layout *l)
{
	size_t used = 0;

	for (size_t i = 0; i < g->n_columns; i++)
		used += l->width[i] ? l->width[i] + g->columns[i].gap : 0;
	return used + 2;
}

/* Those that go next, all at once: a spread alone says nothing. */
static bool hide_next(const struct grid *g, struct layout *l)
{
	unsigned int next = 0;

	for (size_t i = 0; i < g->n_columns; i++)
		if (l->width[i] && g->columns[i].goes && (!next || g->columns[i].goes < next))
			next = g->columns[i].goes;
	for (size_t i = 0; i < g->n_columns && next; i++)
		if (g->columns[i].goes == next)
			l->width[i] = 0;
	return next;
}

static void lay_out(const struct grid *g, size_t width, struct layout *l)
{
	memset(l, 0, sizeof(*l));
	for (size_t i = 0; i < g->n_columns; i++) {
		for (size_t k = 0; k < g->lines.n; k++) {
			const char *cell = g->lines.at[k].cells[i];
			const size_t cell_width = cell ? text_width(cell) : 0;

			l->width[i] = cell_width > l->width[i] ? cell_width : l->width[i];
		}
		/* A column with nothing in it has no head either. */
		if (l->width[i] && text_width(g->columns[i].head) > l->width[i])
			l->width[i] = text_width(g->columns[i].head);
	}
	while (width < used_by(g, l) + LEAST_PLACE && hide_next(g, l))
		;
	l->place = width > used_by(g, l) ? width - used_by(g, l) : 1;
}

static void put_cell(const struct grid_column *c, size_t width, const char *text, struct buf *out)
{
	const size_t used = text_width(text), pad = width > used ? width - used : 0;

	buf_printf(out, "%*s%*s%s%*s", (int)c->gap, "", c->left ? 0 : (int)pad, "", text, c->left ? (int)pad : 0, "");
}

static void put_place(const struct grid *g, const struct grid_line *line, size_t room, bool colour, struct buf *out)
{
	struct buf name = {0}, shorter = {0};
	size_t used;

	text_escape(&name, line->place, strlen(line->place));
	if (g->frames && text_width(buf_cstr(&name)) > room * 3 / 5) {
		view_short_name(line->place, &shorter);
		buf_reset(&name);
		text_escape(&name, buf_cstr(&shorter), shorter.len);
	}
	text_fit(out, buf_cstr(&name), room, false, false);
	used = text_width(buf_cstr(&name));
	if (line->chain && *line->chain && used + LEAST_CHAIN <= room) {
		buf_printf(out, "%s < ", colour ? STYLE_OFF STYLE_DIM : "");
		text_fit(out, line->chain, room - used - 3, false, false);
	}
	buf_free(&name);
	buf_free(&shorter);
}

static void put_line(const struct grid *g, const struct layout *l, const struct grid_line *line, bool colour,
		     struct buf *out)
{
	struct buf text = {0};

	buf_str(out, colour ? line->style : "");
	for (size_t i = 0; i < g->n_columns; i++)
		if (l->width[i])
			put_cell(&g->columns[i], l->width[i], line->cells[i] ? line->cells[i] : "", &text);
	if (line->place) {
		buf_str(&text, "  ");
		put_place(g, line, l->place, colour, &text);
	}
	while (text.len && text.data[text.len - 1] == ' ')
		text.len--;
	buf_add(out, buf_cstr(&text), text.len);
	buf_printf(out, "%s\n", colour ? STYLE_OFF : "");
	buf_free(&text);
}

void grid_put(const struct grid *g, const struct report_options *o, struct buf *out)
{
	size_t width = o->width ? o->width : DEFAULT_WIDTH;
	struct buf head = {0};
	struct layout l;

	lay_out(g, width < LEAST_WIDTH ? LEAST_WIDTH : width, &l);
	for (size_t i = 0; i < g->n_columns; i++)
		if (l.width[i])
			put_cell(&g->columns[i], l.width[i], g->columns[i].head, &head);
	buf_str(&head, "  ");
	text_fit(&head, g->place_head, l.place, false, false);
	buf_printf(out, "%s%s%s\n", o->colour ? STYLE_BOLD : "", buf_cstr(&head), o->colour ? STYLE_OFF : "");
	for (size_t i = 0; i < g->lines.n; i++)
		put_line(g, &l, &g->lines.at[i], o->colour, out);
	buf_free(&head);
}
