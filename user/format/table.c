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
 * With --by A,B there are rows inside of rows, which add up to them:
 *
 *        BYTES      %   SUM%  CALLS      MEAN  PROGRAM, SITE < CALLERS
 *     1.23 GiB   45.2   45.2  1.23M  1.05 KiB  nginx
 *      958 MiB   34.4          800k  1.23 KiB    ngx_alloc+0x24 < ngx_create_pool < ngx_http_create_request
 *      301 MiB   10.8          430k     700 B    … and 12 more sites
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
/* Of rows inside of rows. */
#define INDENT 2

static void end_line(struct table *t, struct buf *out)
{
	while (t->line.len && t->line.data[t->line.len - 1] == ' ')
		t->line.len--;
	buf_add(out, buf_cstr(&t->line), t->line.len);
	if (t->o->colour)
		buf_str(out, STYLE_OFF);
	buf_char(out, '\n');
}

static void put_upper(const char *s, struct buf *out)
{
	for (; *s; s++)
		buf_char(out, *s >= 'a' && *s <= 'z' ? *s - 'a' + 'A' : *s);
}

static void put_header(struct table *t, struct buf *out)
{
	const struct level *l = t->o->then ? &t->inner : &t->outer;
	const size_t width = l->indent + l->name_width;

	buf_reset(&t->line);
	if (t->o->colour)
		buf_str(&t->line, STYLE_BOLD);
	table_put_heads(t);
	buf_reset(&t->cell);
	put_upper(t->o->by->name, &t->cell);
	if (t->o->then) {
		buf_str(&t->cell, ", ");
		put_upper(t->o->then->name, &t->cell);
	}
	buf_reset(&t->text);
	text_fit(&t->text, buf_cstr(&t->cell), l->name_width ? width : SIZE_MAX, false, l->name_width > 0);
	buf_str(&t->text, l->by->is_frame ? " < CALLERS" : "  HEAVIEST STACK");
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
static void cut_name(struct table *t, const struct level *l, struct buf *name, size_t width)
{
	size_t suffix = l->by->is_frame ? offset_suffix(buf_cstr(name)) : 0;
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
static void put_name(struct table *t, const struct level *l, const char *name, size_t roomy, size_t width)
{
	struct buf escaped = {0}, shorter = {0};

	text_escape(&escaped, name, strlen(name));
	if (l->by->is_frame && text_width(buf_cstr(&escaped)) > roomy) {
		view_short_name(name, &shorter);
		buf_reset(&escaped);
		text_escape(&escaped, buf_cstr(&shorter), shorter.len);
	}
	if (text_width(buf_cstr(&escaped)) > width)
		cut_name(t, l, &escaped, width);
	else
		buf_str(&t->text, buf_cstr(&escaped));
	buf_free(&escaped);
	buf_free(&shorter);
}

/* The chain gets what the name leaves, unless that is too little to say anything. */
static void put_chain(struct table *t, const struct level *l, const struct view_row *row, size_t used)
{
	size_t room = t->place_width > used ? t->place_width - used : 0;
	const char *joint = l->by->is_frame ? " < " : "  ";
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

/* The place of a row, behind its numbers. */
static void put_place(struct table *t, const struct level *l, const struct view_row *row, const struct view_detail *d)
{
	const size_t room = t->place_width > l->indent ? t->place_width - l->indent : 1;
	const size_t limit = l->name_width ? l->name_width : room;
	size_t used;

	buf_printf(&t->line, "%*s", (int)l->indent, "");
	buf_reset(&t->text);
	put_grew(t, d);
	used = text_width(buf_cstr(&t->text));
	put_name(t, l, row->name, limit * 3 / 5, limit > used ? limit - used : 0);
	text_fit(&t->line, buf_cstr(&t->text), limit, false, l->name_width > 0);
	if (l->chain)
		put_chain(t, l, row, l->indent + (l->name_width ? l->name_width : text_width(buf_cstr(&t->text))));
}

static void put_line(struct table *t, const struct level *l, const struct view_row *row, struct numbers n,
		     struct buf *out)
{
	buf_reset(&t->line);
	buf_str(&t->line, row_style(t, row));
	table_put_numbers(t, &n);
	put_place(t, l, row, n.detail);
	end_line(t, out);
}

static void put_rest(struct table *t, const struct level *l, struct numbers n, size_t n_rows, struct buf *out)
{
	struct buf text = {0};

	buf_reset(&t->line);
	if (t->o->colour)
		buf_str(&t->line, STYLE_DIM);
	table_put_numbers(t, &n);
	buf_printf(&text, "%*s\xe2\x80\xa6 and ", (int)l->indent, "");
	text_count(&text, n_rows);
	buf_printf(&text, " more %s%s", l->by->name, n_rows == 1 ? "" : "s");
	text_fit(&t->line, buf_cstr(&text), t->place_width, false, false);
	buf_free(&text);
	end_line(t, out);
}

/* The rows inside of row i. */
static void put_inner(struct table *t, size_t i, struct buf *out)
{
	const struct sheet *s = &t->s;
	const size_t first = s->inner_first[i], shown = s->inner_shown[i], n = s->inner_first[i + 1] - first;
	struct counters above = {0};

	for (size_t k = first; k < first + shown; k++) {
		const struct view_row *row = &s->inner.rows[k];

		put_line(t, &t->inner, row, (struct numbers){
			.flat = row->flat, .cum = row->cum, .inner = true, .detail = &s->inner_details[row->id],
		}, out);
		above = counters_add(above, row->flat);
	}
	if (shown < n)
		put_rest(t, &t->inner, (struct numbers){
			.flat = counters_sub(s->view.rows[i].flat, above), .inner = true,
		}, n - shown, out);
}

static void put_row(struct table *t, size_t i, struct buf *out)
{
	const struct view_row *row = &t->s.view.rows[i];

	t->above = counters_add(t->above, row->flat);
	put_line(t, &t->outer, row, (struct numbers){
		.flat = row->flat, .cum = row->cum, .sum = t->above, .detail = &t->s.details[i],
	}, out);
	if (t->o->then)
		put_inner(t, i, out);
}

static size_t widest_name(const struct view_row *rows, size_t n)
{
	size_t widest = 0;

	for (size_t i = 0; i < n; i++) {
		struct buf name = {0};
		size_t width;

		text_escape(&name, rows[i].name, strlen(rows[i].name));
		width = text_width(buf_cstr(&name));
		widest = width > widest ? width : widest;
		buf_free(&name);
	}
	return widest;
}

/* Names that aren't frames stand in a column of their own, at most two thirds of the room. */
static void set_name_width(const struct table *t, struct level *l, size_t widest)
{
	const size_t limit = t->place_width * 2 / 3;

	l->name_width = l->by->is_frame ? 0 : widest < limit ? widest : limit;
}

static void set_levels(struct table *t, size_t n_rows)
{
	const char *by = t->o->by->name;
	const struct sheet *s = &t->s;
	size_t widest = 0;

	t->outer = (struct level){.by = t->o->by, .chain = !t->o->then};
	if (!t->o->then) {
		widest = widest_name(s->view.rows, n_rows);
		set_name_width(t, &t->outer, widest > strlen(by) ? widest : strlen(by));
		return;
	}
	t->inner = (struct level){.by = t->o->then, .indent = INDENT, .chain = true};
	for (size_t i = 0; i < n_rows; i++) {
		const size_t width = widest_name(s->inner.rows + s->inner_first[i], s->inner_shown[i]);

		widest = width > widest ? width : widest;
	}
	/* The header's "A, B" is not indented. */
	if (widest + INDENT < strlen(by) + 2 + strlen(t->o->then->name))
		widest = strlen(by) + 2 + strlen(t->o->then->name) - INDENT;
	set_name_width(t, &t->inner, widest);
}

/* How many lines the rows take, with those that say how many are left out. */
static size_t lines_of(const struct sheet *s)
{
	size_t lines = s->n_rows + (s->n_rows < s->view.n);

	for (size_t i = 0; s->then && i < s->n_rows; i++)
		lines += s->inner_shown[i] + (s->inner_shown[i] < s->inner_first[i + 1] - s->inner_first[i]);
	return lines;
}

/* How many rows there is room for in `room` lines, where the last one may have to say how many are left out. */
static size_t rows_that_fit(struct table *t, size_t room)
{
	struct sheet *s = &t->s;

	if (!t->o->height || lines_of(s) <= room)
		return s->n_rows;
	if (!s->then)
		return room ? room - 1 : 0;
	for (size_t top = room < s->n_rows ? room : s->n_rows; top > 0 && lines_of(s) > room; top--)
		sheet_show_fewer(s, top);
	return lines_of(s) <= room ? s->n_rows : 0;
}

static int write_rows(FILE *f, struct table *t, size_t room, struct buf *out)
{
	size_t n = rows_that_fit(t, room);
	int err = 0;

	set_levels(t, n);
	put_header(t, out);
	for (size_t i = 0; i < n && !err; i++) {
		put_row(t, i, out);
		if (!t->o->height && out->len > 65536)
			err = render_flush_text(f, out);
	}
	if (n < t->s.view.n)
		put_rest(t, &t->outer, (struct numbers){
			.flat = counters_sub(t->s.all_rows, t->above), .sum = t->s.all_rows,
		}, t->s.view.n - n, out);
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
	size_t n = sheet_list(r, o->views, o->by, o->then, o->metric, o->cum, sheets), used;
	bool any = false;
	struct buf out = {0};
	int err = 0;

	if (o->base)
		return report_write_subtraction(f, r, o);
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
