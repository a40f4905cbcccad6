/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The summary, then a table for each view:
 *
 *        BYTES      %   SUM%  CALLS      MEAN  SITE < CALLERS
 *     1.23 GiB   45.2   45.2  1.23M  1.05 KiB  sdsnewlen+0x24 < createStringObject < setCommand < call < main
 *      512 MiB   18.4   63.6  4.10k   128 KiB  zmalloc+0x1c < dictExpand < dictAdd < dbAdd < main
 *     55.2 MiB    2.0  100.0  1.20k  47.1 KiB  … and 12 more sites
 *
 * Where it isn't the allocations alone, with a heading:
 *
 *     live       12.3 MiB in 1.23k blocks, 3.4 % of what was allocated
 *        BYTES      %   SUM%  BLOCKS   OLDEST     ALLOC     FREED      MEAN  SITE < CALLERS
 *     8.23 MiB   66.9   66.9     623   12.3 s  1.23 GiB  1.22 GiB  13.5 KiB  sdsnewlen+0x24 < createStringObject
 *
 * The metric's column comes first. What is left of the width belongs to the place and its callers; where that would be
 * too little, the columns that say least go.
 */
#include <string.h>

#include "base/text.h"
#include "format/table.h"

/* With a height that leaves less than so many rows, the summary is only so many lines. */
#define LEAST_ROWS 6
#define SHORT_SUMMARY 2
/* Rows with at least this share stand out; those below the other one step back. */
#define HOT_SHARE 0.10
#define COLD_SHARE 0.01

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
	table_put_heads(t);
	buf_reset(&t->cell);
	for (const char *s = t->o->by->name; *s; s++)
		buf_char(&t->cell, *s >= 'a' && *s <= 'z' ? *s - 'a' + 'A' : *s);
	buf_reset(&t->text);
	text_fit(&t->text, buf_cstr(&t->cell), t->name_width ? t->name_width : SIZE_MAX, false, t->name_width > 0);
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

/* Cuts a name that is too wide in any form. The most telling part stays: of "Foo::Bar::baz+0x1f" the end, of
 * "baz+0x1f" the beginning and the offset. */
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
	view_chain(t->s.r, row->stack, row->chain_skip, room, &chain);
	if (chain.len) {
		buf_str(&t->line, t->o->colour ? STYLE_OFF STYLE_DIM : "");
		buf_str(&t->line, joint);
		text_fit(&t->line, chain.data, room - strlen(joint), false, false);
	}
	buf_free(&chain);
}

static const char *row_style(const struct table *t, const struct view_row *row)
{
	double share = sheet_share(&t->s, t->s.cum ? row->cum : row->flat);

	if (!t->o->colour || (share < HOT_SHARE && share >= COLD_SHARE))
		return "";
	return share >= HOT_SHARE ? STYLE_BOLD : STYLE_DIM;
}

/* "↑5 " before the name of what grew in each of the last 5 intervals. */
static void put_grew(struct table *t, const struct view_detail *d)
{
	if (t->s.kind->by_age && d->grew >= GREW_MARKED)
		buf_printf(&t->text, "\xe2\x86\x91%u ", d->grew);
}

static void put_row(struct table *t, size_t i, struct buf *out)
{
	const struct view_row *row = &t->s.view.rows[i];
	struct numbers n = {.flat = row->flat, .cum = row->cum, .detail = &t->s.details[i]};
	size_t limit = t->name_width ? t->name_width : t->place_width, used;

	n.sum = t->above = counters_add(t->above, row->flat);
	buf_reset(&t->line);
	buf_str(&t->line, row_style(t, row));
	table_put_numbers(t, &n);
	buf_reset(&t->text);
	put_grew(t, n.detail);
	used = text_width(buf_cstr(&t->text));
	put_name(t, row->name, limit * 3 / 5, limit > used ? limit - used : 0);
	text_fit(&t->line, buf_cstr(&t->text), limit, false, t->name_width > 0);
	put_chain(t, row, t->name_width ? t->name_width : text_width(buf_cstr(&t->text)));
	end_line(t, out);
}

static void put_rest(struct table *t, size_t n_rows, struct buf *out)
{
	struct numbers n = {.flat = counters_sub(t->s.all_rows, t->above), .sum = t->s.all_rows};
	struct buf text = {0};

	buf_reset(&t->line);
	if (t->o->colour)
		buf_str(&t->line, STYLE_DIM);
	table_put_numbers(t, &n);
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

		text_escape(&name, t->s.view.rows[i].name, strlen(t->s.view.rows[i].name));
		width = text_width(buf_cstr(&name));
		widest = width > widest ? width : widest;
		buf_free(&name);
	}
	limit = t->place_width * 2 / 3;
	t->name_width = widest < limit ? widest : limit;
}

/* How many rows there is room for in `room` lines, where the last one may have to say how many are left out. */
static size_t rows_that_fit(const struct table *t, size_t room)
{
	size_t n = t->s.n_rows;

	if (!t->o->height || (n < t->s.view.n ? n + 1 <= room : n <= room))
		return n;
	return room ? room - 1 : 0;
}

static int write_rows(FILE *f, struct table *t, size_t room, struct buf *out)
{
	size_t n = rows_that_fit(t, room);
	int err = 0;

	set_name_width(t, n);
	put_header(t, out);
	for (size_t i = 0; i < n && !err; i++) {
		put_row(t, i, out);
		if (!t->o->height && out->len > 65536)
			err = render_flush_text(f, out);
	}
	if (n < t->s.view.n)
		put_rest(t, t->s.view.n - n, out);
	return err;
}

/* Where one view is all there is, and the summary says what its heading would, nothing stands above its rows. */
static bool has_heading(const struct table *t)
{
	return !(t->s.kind->in_summary && t->o->views == VIEW_BIT(t->s.kind - view_kinds));
}

/* One view in at most so many lines (no limit where the report has none). *any: whether there was anything to write. */
static int write_view(FILE *f, struct table *t, size_t lines, bool *any, struct buf *out)
{
	size_t before = text_lines(out->data, out->len), used;
	int err = 0;

	sheet_fill(&t->s, t->o->top);
	table_lay_out(t);
	*any |= has_heading(t) || t->s.n_rows;
	if (has_heading(t) || t->s.n_rows)
		buf_char(out, '\n');
	if (has_heading(t))
		table_put_heading(t, out);
	if (t->s.view.n) {
		used = text_lines(out->data, out->len) - before + 1;
		err = write_rows(f, t, lines > used ? lines - used : 0, out);
	}
	buf_free(&t->line);
	buf_free(&t->text);
	buf_free(&t->cell);
	sheet_free(&t->s);
	return err;
}

/* Below the rows, since making them is what looks names up. A screen that is refreshed has better use for the lines. */
static void put_unnamed(const struct recording *r, const struct report_options *o, bool any_rows, struct buf *out)
{
	struct buf line = {0};

	summary_unnamed(r, o, &line);
	if (line.len) {
		buf_str(out, any_rows ? "\n" : "");
		buf_str(out, line.data);
	}
	buf_free(&line);
}

int report_write_table(FILE *f, const struct recording *r, const struct report_options *o)
{
	struct sheet sheets[SHEETS_MAX];
	size_t n = sheet_list(r, o->views, o->by, o->metric, o->cum, sheets), used;
	bool any = false;
	struct buf out = {0};
	int err = 0;

	summary_head(r, o, &out);
	/* On a small screen the rows matter more than the details above them. */
	if (o->height && text_lines(out.data, out.len) + n * (2 + LEAST_ROWS) > o->height)
		render_cut_lines(&out, SHORT_SUMMARY);
	for (size_t i = 0; i < n && !err; i++) {
		struct table t = {.o = o, .s = sheets[i]};

		used = text_lines(out.data, out.len);
		err = write_view(f, &t, o->height > used ? (o->height - used) / (n - i) : 0, &any, &out);
	}
	if (!err && !o->height)
		put_unnamed(r, o, any, &out);
	if (o->height)
		render_cut_lines(&out, o->height);
	if (!err)
		err = render_flush_text(f, &out);
	buf_free(&out);
	return render_end(f, err);
}
