/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hot-spot table: the summary, then
 *
 *        BYTES      %   SUM%  CALLS      MEAN  SITE < CALLERS
 *     1.23 GiB   45.2   45.2  1.23M  1.05 KiB  sdsnewlen+0x24 < createStringObject < setCommand < call < main
 *      512 MiB   18.4   63.6  4.10k   128 KiB  zmalloc+0x1c < dictExpand < dictAdd < dbAdd < main
 *     55.2 MiB    2.0  100.0  1.20k  47.1 KiB  … and 12 more sites
 *
 * The metric's column comes first. What is left of the width belongs to the place and its callers; where that would be
 * too little, the columns that say least go.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "out/render.h"

/* Columns where the width isn't a terminal's, and the least that is laid out for. */
#define DEFAULT_WIDTH 200
#define LEAST_WIDTH 24
/* The place and its callers get at least this many columns while there is a column that may go. */
#define LEAST_PLACE 36
/* With a height that leaves less than so many rows, the summary is only so many lines. */
#define LEAST_ROWS 6
#define SHORT_SUMMARY 2
/* Rows with at least this share stand out; those below the other one step back. */
#define HOT_SHARE 0.10
#define COLD_SHARE 0.01

enum column {
	COL_BYTES, COL_CALLS, COL_MEAN,
	COL_SHARE, COL_SUM,
	COL_CUM, COL_CUM_SHARE,
	COL_MAX,
};

static const struct {
	const char *head;
	int width;
} columns[COL_MAX] = {
	[COL_BYTES] = {"BYTES", 8},
	[COL_CALLS] = {"CALLS", 5},
	[COL_MEAN] = {"MEAN", 8},
	[COL_SHARE] = {"%", 5},
	[COL_SUM] = {"SUM%", 5},
	[COL_CUM] = {"CUM", 8},
	[COL_CUM_SHARE] = {"CUM%", 5},
};

/* In this order columns go where the width is too small. */
static const enum column dispensable[] = {COL_MEAN, COL_SUM, COL_CALLS, COL_CUM_SHARE, COL_BYTES, COL_CUM};

struct table {
	const struct report *r;
	const struct report_options *o;
	struct view view;
	bool cum;
	enum column shown[COL_MAX];
	size_t n_shown;
	size_t place_width;	/* for the place and its callers */
	size_t name_width;	/* names are padded to this; 0 where the chain continues the name */
	struct counters above;	/* of the rows so far */
	struct buf line, text, cell;
};

/* What a line of numbers is about: a row, or the rows that aren't shown. */
struct numbers {
	struct counters flat, sum, cum;
	bool has_cum;
};

static double share_of(const struct table *t, struct counters c)
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
		width += columns[t->shown[i]].width + 2;
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

static void lay_out(struct table *t)
{
	bool by_bytes = t->o->metric == METRIC_BYTES;
	size_t width = t->o->width ? t->o->width : DEFAULT_WIDTH;

	if (width < LEAST_WIDTH)
		width = LEAST_WIDTH;
	show(t, by_bytes ? COL_BYTES : COL_CALLS);
	show(t, COL_SHARE);
	show(t, COL_SUM);
	if (t->cum) {
		show(t, COL_CUM);
		show(t, COL_CUM_SHARE);
	}
	show(t, by_bytes ? COL_CALLS : COL_BYTES);
	show(t, COL_MEAN);
	for (size_t i = 0; i < sizeof(dispensable) / sizeof(dispensable[0]); i++) {
		if (width >= numbers_width(t) + LEAST_PLACE)
			break;
		if (dispensable[i] != t->shown[0])
			hide(t, dispensable[i]);
	}
	t->place_width = width - numbers_width(t);
}

static void cell_text(struct table *t, enum column column, const struct numbers *n)
{
	struct buf *b = &t->cell;

	switch (column) {
	case COL_BYTES:
		text_bytes(b, n->flat.bytes);
		break;
	case COL_CALLS:
		text_count(b, n->flat.calls);
		break;
	case COL_MEAN:
		if (n->flat.calls)
			text_bytes(b, n->flat.bytes / n->flat.calls);
		break;
	case COL_SHARE:
		buf_printf(b, "%.1f", 100 * share_of(t, n->flat));
		break;
	case COL_SUM:
		buf_printf(b, "%.1f", 100 * share_of(t, n->sum));
		break;
	case COL_CUM:
		if (n->has_cum && t->o->metric == METRIC_BYTES)
			text_bytes(b, n->cum.bytes);
		else if (n->has_cum)
			text_count(b, n->cum.calls);
		break;
	case COL_CUM_SHARE:
		if (n->has_cum)
			buf_printf(b, "%.1f", 100 * share_of(t, n->cum));
		break;
	case COL_MAX:
		break;
	}
}

static void put_numbers(struct table *t, const struct numbers *n)
{
	for (size_t i = 0; i < t->n_shown; i++) {
		buf_reset(&t->cell);
		cell_text(t, t->shown[i], n);
		buf_printf(&t->line, "%*s  ", columns[t->shown[i]].width, buf_cstr(&t->cell));
	}
}

static void end_line(struct table *t, struct buf *out)
{
	while (t->line.len && t->line.data[t->line.len - 1] == ' ')
		t->line.len--;
	buf_add(out, buf_cstr(&t->line), t->line.len);
	if (t->o->colour)
		buf_str(out, STYLE_OFF);
	buf_char(out, '\n');
}

static void put_header(struct table *t, struct buf *out)
{
	buf_reset(&t->line);
	if (t->o->colour)
		buf_str(&t->line, STYLE_BOLD);
	for (size_t i = 0; i < t->n_shown; i++)
		buf_printf(&t->line, "%*s  ", columns[t->shown[i]].width, columns[t->shown[i]].head);
	buf_reset(&t->cell);
	for (const char *s = t->o->by->name; *s; s++)
		buf_char(&t->cell, *s >= 'a' && *s <= 'z' ? *s - 'a' + 'A' : *s);
	buf_reset(&t->text);
	text_fit(&t->text, buf_cstr(&t->cell), t->name_width, false, t->name_width > 0);
	if (!t->name_width)
		buf_str(&t->text, buf_cstr(&t->cell));
	buf_str(&t->text, t->o->by->is_frame ? " < CALLERS" : "  HEAVIEST STACK");
	text_fit(&t->line, buf_cstr(&t->text), t->place_width, false, false);
	end_line(t, out);
}

/* Length of the "+0x1f" at the end of the name, 0 if there is none. */
static size_t offset_suffix(const char *name)
{
	const char *plus = strrchr(name, '+');

	if (!plus || strncmp(plus, "+0x", 3) || plus[3 + strspn(plus + 3, "0123456789abcdef")])
		return 0;
	return strlen(plus);
}

/* Cuts a name that is too wide in any form. What tells most stays: of "Foo::Bar::baz+0x1f" the end, of "baz+0x1f" the
 * beginning and the offset. */
static void cut_name(struct table *t, struct buf *name, size_t width)
{
	size_t suffix = t->o->by->is_frame ? offset_suffix(buf_cstr(name)) : 0;
	struct buf head = {0};

	if (!suffix || suffix + 4 > width || strstr(name->data, "::")) {
		text_fit(&t->text, buf_cstr(name), width, suffix && strstr(name->data, "::"), false);
		return;
	}
	buf_add(&head, name->data, name->len - suffix);
	text_fit(&t->text, head.data, width - suffix, false, false);
	buf_str(&t->text, name->data + name->len - suffix);
	buf_free(&head);
}

/* Appends the name in at most `width` columns: as it is where that is within `roomy`, else its short form. */
static void put_name(struct table *t, const char *name, size_t roomy, size_t width)
{
	struct buf escaped = {0}, shorter = {0};

	text_escape(&escaped, name, strlen(name));
	if (t->o->by->is_frame && text_width(buf_cstr(&escaped)) > roomy) {
		view_short_name(name, &shorter);
		buf_reset(&escaped);
		text_escape(&escaped, buf_cstr(&shorter), shorter.len);
	}
	if (text_width(buf_cstr(&escaped)) > width)
		cut_name(t, &escaped, width);
	else
		buf_str(&t->text, buf_cstr(&escaped));
	buf_free(&escaped);
	buf_free(&shorter);
}

/* The chain gets what the name leaves, unless that is too little to say anything. */
static void put_chain(struct table *t, const struct view_row *row, size_t used)
{
	size_t room = t->place_width - used;
	const char *joint = t->o->by->is_frame ? " < " : "  ";
	struct buf chain = {0};

	if (room < strlen(joint) + 6)
		return;
	view_chain(t->r->profile, t->r->sym, row->stack, row->chain_skip, room, &chain);
	if (chain.len) {
		buf_str(&t->line, t->o->colour ? STYLE_OFF STYLE_DIM : "");
		buf_str(&t->line, joint);
		text_fit(&t->line, chain.data, room - strlen(joint), false, false);
	}
	buf_free(&chain);
}

static const char *row_style(const struct table *t, const struct view_row *row)
{
	double share = share_of(t, t->cum ? row->cum : row->flat);

	if (!t->o->colour || (share < HOT_SHARE && share >= COLD_SHARE))
		return "";
	return share >= HOT_SHARE ? STYLE_BOLD : STYLE_DIM;
}

static void put_row(struct table *t, const struct view_row *row, struct buf *out)
{
	struct numbers n = {.flat = row->flat, .cum = row->cum, .has_cum = true};
	size_t limit = t->name_width ? t->name_width : t->place_width;

	n.sum = t->above = counters_add(t->above, row->flat);
	buf_reset(&t->line);
	buf_str(&t->line, row_style(t, row));
	put_numbers(t, &n);
	buf_reset(&t->text);
	put_name(t, row->name, limit * 3 / 5, limit);
	text_fit(&t->line, buf_cstr(&t->text), limit, false, t->name_width > 0);
	put_chain(t, row, t->name_width ? t->name_width : text_width(buf_cstr(&t->text)));
	end_line(t, out);
}

static void put_rest(struct table *t, size_t n_rows, struct buf *out)
{
	struct counters rest = counters_sub(t->view.total, t->above);
	struct numbers n = {.flat = rest, .sum = t->view.total};
	struct buf text = {0};

	buf_reset(&t->line);
	if (t->o->colour)
		buf_str(&t->line, STYLE_DIM);
	put_numbers(t, &n);
	buf_str(&text, "\xe2\x80\xa6 and ");
	text_count(&text, n_rows);
	buf_printf(&text, " more %s%s", t->o->by->name, n_rows == 1 ? "" : "s");
	text_fit(&t->line, buf_cstr(&text), t->place_width, false, false);
	buf_free(&text);
	end_line(t, out);
}

/* Names that aren't frames stand in a column of their own, at most two thirds of the room. */
static void set_name_width(struct table *t, size_t n_rows)
{
	size_t widest = strlen(t->o->by->name), limit;

	if (t->o->by->is_frame)
		return;
	for (size_t i = 0; i < n_rows; i++) {
		struct buf name = {0};
		size_t width;

		text_escape(&name, t->view.rows[i].name, strlen(t->view.rows[i].name));
		width = text_width(buf_cstr(&name));
		widest = width > widest ? width : widest;
		buf_free(&name);
	}
	limit = t->place_width * 2 / 3;
	t->name_width = widest < limit ? widest : limit;
}

static size_t count_lines(const struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->len; i++)
		n += b->data[i] == '\n';
	return n;
}

/* How many rows there is room for below `above` lines, where the last line may have to say how many are left out. */
static size_t rows_that_fit(const struct table *t, size_t above)
{
	size_t n = t->view.n, room;

	if (t->o->top && t->o->top < n)
		n = t->o->top;
	if (!t->o->height)
		return n;
	room = t->o->height > above ? t->o->height - above : 0;
	if (n < t->view.n ? n + 1 <= room : n <= room)
		return n;
	return room ? room - 1 : 0;
}

/* Leaves the first n lines. */
static void cut_lines(struct buf *b, size_t n)
{
	for (size_t i = 0, lines = 0; i < b->len; i++)
		if (b->data[i] == '\n' && ++lines == n)
			b->len = i + 1;
}

static int write_rows(FILE *f, struct table *t, struct buf *out)
{
	size_t n = rows_that_fit(t, count_lines(out) + 2);
	int err = 0;

	set_name_width(t, n);
	buf_char(out, '\n');
	put_header(t, out);
	for (size_t i = 0; i < n && !err; i++) {
		put_row(t, &t->view.rows[i], out);
		if (!t->o->height && out->len > 65536)
			err = render_flush(f, out);
	}
	if (n < t->view.n)
		put_rest(t, t->view.n - n, out);
	return err;
}

/* Below the rows, since making them is what looks names up. A screen that is refreshed has better use for the lines. */
static void put_unnamed(const struct table *t, struct buf *out)
{
	struct buf line = {0};

	summary_unnamed(t->r, t->o, &line);
	if (line.len) {
		buf_str(out, t->view.n ? "\n" : "");
		buf_str(out, line.data);
	}
	buf_free(&line);
}

int report_write_table(FILE *f, const struct report *r, const struct report_options *o)
{
	struct table t = {.r = r, .o = o, .cum = o->cum && o->by->has_cum};
	struct buf out = {0};
	int err = 0;

	view_build(r->profile, r->sym, report_only_view(o)->counted, o->by, o->metric, t.cum, &t.view);
	lay_out(&t);
	summary_head(r, o, &out);
	/* On a small screen the rows matter more than the details above them. */
	if (o->height && count_lines(&out) + 2 + LEAST_ROWS > o->height)
		cut_lines(&out, SHORT_SUMMARY);
	if (t.view.n)
		err = write_rows(f, &t, &out);
	if (!err && !o->height)
		put_unnamed(&t, &out);
	if (o->height)
		cut_lines(&out, o->height);
	if (!err)
		err = render_flush(f, &out);
	buf_free(&out);
	buf_free(&t.line);
	buf_free(&t.text);
	buf_free(&t.cell);
	view_free(&t.view);
	return render_end(f, err);
}
