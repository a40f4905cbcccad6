/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of a view for spreadsheets and statistics programs, as RFC 4180 has it, but lines end as elsewhere:
 *
 *     site,callers,bytes,share,sum_share,calls,mean
 *     zmalloc+0x1c,dict_expand < set_command < main,536870912,0.268,0.939,4099,130976
 *     (12 more sites),,1234567,0.001,1,345,3578
 *
 * Columns are those of the JSON report, each with its standard error behind it where numbers are estimates. With --by
 * A,B a line is a row inside of a row, and has both names. Spreadsheets take text that begins with = + - @ for a
 * formula: such a name begins with an apostrophe here.
 */
#include <string.h>

#include "base/text.h"
#include "format/render.h"
#include "view/columns.h"

/* Of a chain of callers, bytes. */
#define CHAIN_MAX 8192

struct csv {
	const struct recording *r;
	const struct sheet *s;
	struct column_at columns[COLUMNS_MAX];
	size_t n_columns;
	bool errors;
	struct buf out, text;
};

static void put_text(struct csv *c, const char *s)
{
	const bool formula = *s && strchr("=+-@\t\r", *s);

	buf_char(&c->out, '"');
	if (formula)
		buf_char(&c->out, '\'');
	for (const char *quote; (quote = strchr(s, '"')); s = quote + 1) {
		buf_add(&c->out, s, quote + 1 - s);
		buf_char(&c->out, '"');
	}
	buf_str(&c->out, s);
	buf_char(&c->out, '"');
}

static void put_name(struct csv *c, const char *name)
{
	buf_reset(&c->text);
	text_escape(&c->text, name, strlen(name));
	put_text(c, buf_cstr(&c->text));
}

static void put_histogram(struct csv *c, const double *buckets)
{
	const char *between = "";

	for (unsigned int b = 0; b < PROFILE_BUCKETS; b++) {
		if (!(buckets[b] > 0))
			continue;
		buf_printf(&c->out, "%s%llu:%.15g", between, b ? 1ULL << (b - 1) : 0, buckets[b]);
		between = " ";
	}
}

static void put_value(struct csv *c, struct value v)
{
	switch (v.kind) {
	case VALUE_NONE:
		break;
	case VALUE_BYTES:
	case VALUE_COUNT:
	case VALUE_DURATION:
		buf_printf(&c->out, "%llu", (unsigned long long)v.number);
		break;
	case VALUE_SHARE:
	case VALUE_ERROR:
		buf_printf(&c->out, "%.15g", v.share);
		break;
	case VALUE_GROWTH:
		buf_printf(&c->out, "%lld", (long long)v.growth);
		break;
	case VALUE_BYTES_PER_OP:
	case VALUE_COUNT_PER_OP:
		buf_printf(&c->out, "%.15g", v.per_op);
		break;
	case VALUE_HISTOGRAM:
		put_histogram(c, v.buckets);
		break;
	}
}

/* Whether a column of errors stands behind this one. */
static bool has_error(const struct csv *c, struct column_at at)
{
	const enum value_kind kind = column_kind(c->s, at);

	return c->errors && kind != VALUE_ERROR && kind != VALUE_DURATION && kind != VALUE_HISTOGRAM;
}

static void put_head(struct csv *c)
{
	const struct sheet *s = c->s;

	buf_str(&c->out, s->by->name);
	if (s->then)
		buf_printf(&c->out, ",%s", s->then->name);
	buf_str(&c->out, ",callers");
	for (size_t i = 0; i < c->n_columns; i++) {
		buf_printf(&c->out, ",%s", c->columns[i].column->key);
		if (c->columns[i].column->several)
			buf_printf(&c->out, "_%u", c->r->profile->first_generation + c->columns[i].index);
		if (has_error(c, c->columns[i]))
			buf_printf(&c->out, ",%s_error", c->columns[i].column->key);
	}
	buf_char(&c->out, '\n');
}

static void put_numbers(struct csv *c, struct numbers n)
{
	for (size_t i = 0; i < c->n_columns; i++) {
		const struct value v = column_value(c->s, c->columns[i], &n);

		buf_char(&c->out, ',');
		put_value(c, v);
		if (!has_error(c, c->columns[i]))
			continue;
		buf_char(&c->out, ',');
		if (v.kind != VALUE_NONE)
			buf_printf(&c->out, "%.15g", v.error);
	}
	buf_char(&c->out, '\n');
}

static void put_chain(struct csv *c, const struct view_row *row)
{
	buf_char(&c->out, ',');
	buf_reset(&c->text);
	view_chain(c->r, row->stack, row->chain_skip, CHAIN_MAX, &c->text);
	if (c->text.len)
		put_text(c, buf_cstr(&c->text));
}

static void put_rest(struct csv *c, const struct view_by *by, size_t n_rows, struct numbers n)
{
	buf_printf(&c->out, "\"(%zu more %s%s)\"", n_rows, by->name, n_rows == 1 ? "" : "s");
	buf_str(&c->out, c->s->then && by == c->s->by ? ",," : ",");
	put_numbers(c, n);
}

/* The rows inside of row i. */
static void put_inner(struct csv *c, size_t i)
{
	const struct sheet *s = c->s;
	const size_t first = s->inner_first[i], shown = s->inner_shown[i], n = s->inner_first[i + 1] - first;
	struct counters above = {0};

	for (size_t k = first; k < first + shown; k++) {
		const struct view_row *row = &s->inner.rows[k];

		put_name(c, s->view.rows[i].name);
		buf_char(&c->out, ',');
		put_name(c, row->name);
		put_chain(c, row);
		put_numbers(c, (struct numbers){
			.flat = row->flat, .cum = row->cum, .inner = true, .detail = &s->inner_details[row->id],
		});
		above = counters_add(above, row->flat);
	}
	if (shown == n)
		return;
	put_name(c, s->view.rows[i].name);
	buf_char(&c->out, ',');
	put_rest(c, s->then, n - shown, (struct numbers){
		.flat = counters_sub(s->view.rows[i].flat, above), .inner = true,
	});
}

static int write_lines(FILE *f, struct csv *c)
{
	const struct sheet *s = c->s;
	struct counters above = {0};
	int err = 0;

	put_head(c);
	for (size_t i = 0; i < s->n_rows && !err; i++) {
		const struct view_row *row = &s->view.rows[i];

		above = counters_add(above, row->flat);
		if (s->then) {
			put_inner(c, i);
		} else {
			put_name(c, row->name);
			put_chain(c, row);
			put_numbers(c, (struct numbers){
				.flat = row->flat, .cum = row->cum, .sum = above, .detail = &s->details[i],
			});
		}
		if (c->out.len > 65536)
			err = render_flush(f, &c->out);
	}
	if (s->n_rows < s->view.n)
		put_rest(c, s->by, s->view.n - s->n_rows, (struct numbers){
			.flat = counters_sub(s->all_rows, above), .sum = s->all_rows,
		});
	return err ? err : render_flush(f, &c->out);
}

int report_write_csv(FILE *f, const struct recording *r, const struct report_options *o)
{
	struct sheet sheets[SHEETS_MAX];
	struct csv c = {.r = r, .s = &sheets[0]};
	int err;

	/* What came since marks would be a table of its own. */
	sheet_list(r, o->views, o->by, o->then, o->metric, o->cum, sheets);
	sheet_fill(&sheets[0], o->top);
	c.n_columns = columns_of(&sheets[0], c.columns);
	c.errors = value_error(r, sheets[0].view.total, o->metric) > 0;
	err = write_lines(f, &c);
	sheet_free(&sheets[0]);
	buf_free(&c.out);
	buf_free(&c.text);
	return render_end(f, err);
}
