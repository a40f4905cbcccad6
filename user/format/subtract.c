/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table of what a recording has more, or less, than another one (--diff-base): a subtraction, row by row, without a
 * word on what is due to chance. What moved most comes first; rows that are the same are not there.
 *
 *     live       +1.20 MiB in +345 blocks: 12.3 MiB in 1.23k blocks, in the base 11.1 MiB in 885 blocks
 *          DIFF      BASE       NOW  DIFF%  BLOCKS  SITE < CALLERS
 *     +1.30 MiB       0 B  1.30 MiB  +11.7    +400  parse_value+0x1c < parse < main
 *      -102 KiB   2.3 MiB   2.2 MiB   -0.9     -55  load+0x24 < main
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "format/render.h"
#include "view/sheet.h"

#define CHAIN_MAX 8192

struct pair {
	const struct view_row *now, *base;	/* NULL: none */
};

struct subtraction {
	const struct report_options *o;
	struct sheet now, base;
	struct strpool keys;
	vec_of(struct pair) pairs;
	size_t width;	/* of a line */
};

static struct counters flat(const struct view_row *row)
{
	return row ? row->flat : (struct counters){0};
}

static double difference(const struct pair *p, enum metric m)
{
	return (double)counters_metric(flat(p->now), m) - (double)counters_metric(flat(p->base), m);
}

/* Rows of one key, which there may be of static functions, are joined in the order of their weight. */
static uint32_t id_of(struct subtraction *s, const struct sheet *sheet, const struct view_row *row)
{
	struct buf key = {0};
	uint32_t id, number = 0;

	buf_str(&key, row->name);
	if (s->o->by->by_chain) {
		buf_char(&key, '\x1f');
		view_chain(sheet->r, row->stack, row->chain_skip, CHAIN_MAX, &key);
	}
	for (const size_t len = key.len;; number++) {
		id = strpool_id(&s->keys, buf_cstr(&key));
		if (id == s->pairs.n)
			vec_push(&s->pairs, ((struct pair){NULL, NULL}));
		if (!(sheet == &s->now ? s->pairs.at[id].now : s->pairs.at[id].base))
			break;
		key.len = len;
		buf_printf(&key, "\x1f%u", number);
	}
	buf_free(&key);
	return id;
}

static void set_pair(struct subtraction *s, const struct sheet *sheet, const struct view_row *row)
{
	const uint32_t id = id_of(s, sheet, row);

	if (sheet == &s->now)
		s->pairs.at[id].now = row;
	else
		s->pairs.at[id].base = row;
}

static void join(struct subtraction *s)
{
	for (size_t i = 0; i < s->now.view.n; i++)
		set_pair(s, &s->now, &s->now.view.rows[i]);
	for (size_t i = 0; i < s->base.view.n; i++)
		set_pair(s, &s->base, &s->base.view.rows[i]);
}

static int compare_pairs(const void *a, const void *b, void *arg)
{
	const struct pair *x = a, *y = b;
	const enum metric m = *(const enum metric *)arg;
	const double dx = fabs(difference(x, m)), dy = fabs(difference(y, m));

	if (dx != dy)
		return dx > dy ? -1 : 1;
	return strcmp((x->now ? x->now : x->base)->name, (y->now ? y->now : y->base)->name);
}

static void put_signed(struct buf *out, double n, void (*put)(struct buf *out, uint64_t n))
{
	buf_str(out, n > 0 ? "+" : n < 0 ? "-" : "");
	put(out, (uint64_t)fabs(n));
}

static void put_cell(struct buf *out, struct buf *cell, size_t width)
{
	const size_t used = text_width(buf_cstr(cell));

	buf_printf(out, "%*s%s  ", width > used ? (int)(width - used) : 0, "", buf_cstr(cell));
	buf_reset(cell);
}

static void put_numbers(const struct subtraction *s, struct counters now, struct counters base, struct buf *out)
{
	const uint64_t all = counters_metric(s->base.view.total, s->o->metric);
	const double bytes = (double)now.bytes - (double)base.bytes, calls = (double)now.calls - (double)base.calls;
	struct buf cell = {0};

	put_signed(&cell, bytes, text_bytes);
	put_cell(out, &cell, 10);
	text_bytes(&cell, base.bytes);
	put_cell(out, &cell, 8);
	text_bytes(&cell, now.bytes);
	put_cell(out, &cell, 8);
	if (all)
		buf_printf(&cell, "%+.1f", 100 * (s->o->metric == METRIC_BYTES ? bytes : calls) / (double)all);
	put_cell(out, &cell, 6);
	put_signed(&cell, calls, text_count);
	put_cell(out, &cell, 6);
	buf_free(&cell);
}

static void put_place(const struct subtraction *s, const struct pair *p, struct buf *out)
{
	const struct view_row *row = p->now ? p->now : p->base;
	const struct recording *r = p->now ? s->now.r : s->base.r;
	struct buf text = {0}, chain = {0};
	const size_t used = 10 + 8 + 8 + 6 + 6 + 5 * 2, room = s->width > used + 20 ? s->width - used : 20;

	text_escape(&text, row->name, strlen(row->name));
	view_chain(r, row->stack, row->chain_skip, room, &chain);
	if (chain.len)
		buf_printf(&text, "%s%s", s->o->by->is_frame ? " < " : "  ", chain.data);
	text_fit(out, buf_cstr(&text), room, false, false);
	buf_char(out, '\n');
	buf_free(&text);
	buf_free(&chain);
}

static void put_heading(const struct subtraction *s, struct buf *out)
{
	const struct counters now = s->now.view.total, base = s->base.view.total;
	const char *what = s->now.kind->state ? "block" : "call";
	struct buf text = {0};

	put_signed(&text, (double)now.bytes - (double)base.bytes, text_bytes);
	buf_str(&text, " in ");
	put_signed(&text, (double)now.calls - (double)base.calls, text_count);
	buf_printf(&text, " %ss:" BREAK, what);
	value_put_sum(&text, s->now.r, now, what);
	buf_str(&text, "," BREAK "in the base ");
	value_put_sum(&text, s->base.r, base, what);
	summary_line(out, s->o, s->now.kind->name, &text, "");
	buf_free(&text);
}

static void put_header(const struct subtraction *s, struct buf *out)
{
	buf_printf(out, "%10s  %8s  %8s  %6s  %6s  ", "DIFF", "BASE", "NOW", "DIFF%",
		   s->now.kind->state ? "BLOCKS" : "CALLS");
	for (const char *c = s->o->by->name; *c; c++)
		buf_char(out, (char)(*c - 'a' + 'A'));
	buf_str(out, s->o->by->is_frame ? " < CALLERS\n" : "  HEAVIEST STACK\n");
}

static int put_rows(FILE *f, struct subtraction *s, struct buf *out)
{
	const enum metric m = s->o->metric;
	struct counters now = {0}, base = {0};
	size_t n = 0, shown;
	int err = 0;

	for (size_t i = 0; i < s->pairs.n; i++)
		if (difference(&s->pairs.at[i], METRIC_BYTES) != 0 || difference(&s->pairs.at[i], METRIC_CALLS) != 0)
			s->pairs.at[n++] = s->pairs.at[i];
	s->pairs.n = n;
	if (n)
		qsort_r(s->pairs.at, n, sizeof(*s->pairs.at), compare_pairs, (void *)&m);
	shown = s->o->top && s->o->top < n ? s->o->top : n;
	if (n)
		put_header(s, out);
	for (size_t i = 0; i < n && !err; i++) {
		const struct pair *p = &s->pairs.at[i];

		if (i >= shown) {
			now = counters_add(now, flat(p->now));
			base = counters_add(base, flat(p->base));
			continue;
		}
		put_numbers(s, flat(p->now), flat(p->base), out);
		put_place(s, p, out);
		if (out->len > 65536)
			err = render_flush_text(f, out);
	}
	if (shown == n)
		return err;
	put_numbers(s, now, base, out);
	buf_printf(out, "\xe2\x80\xa6 and %zu more %s%s\n", n - shown, s->o->by->name, n - shown == 1 ? "" : "s");
	return err;
}

static int write_view(FILE *f, struct subtraction *s, struct buf *out)
{
	int err;

	sheet_fill(&s->now, 0);
	sheet_fill(&s->base, 0);
	join(s);
	buf_str(out, out->len ? "\n" : "");
	put_heading(s, out);
	err = put_rows(f, s, out);
	sheet_free(&s->now);
	sheet_free(&s->base);
	strpool_free(&s->keys);
	vec_free(&s->pairs);
	return err;
}

int report_write_subtraction(FILE *f, const struct recording *r, const struct report_options *o)
{
	struct sheet now[SHEETS_MAX], base[SHEETS_MAX];
	struct buf out = {0};
	size_t n;
	int err = 0;

	n = sheet_list(r, o->views, o->by, NULL, o->metric, false, now);
	sheet_list(o->base, o->views, o->by, NULL, o->metric, false, base);
	for (size_t i = 0; i < n && !err; i++) {
		struct subtraction s = {
			.o = o, .now = now[i], .base = base[i], .width = o->width ? o->width : 200,
		};

		if (!now[i].kind->histogram && !now[i].kind->generations)
			err = write_view(f, &s, &out);
	}
	if (!err)
		err = render_flush_text(f, &out);
	buf_free(&out);
	return render_end(f, err);
}
