/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A report as one JSON object in one line (doc/formats.md describes it):
 *
 *     {"type":"report","version":1,…,"facts":{…},"views":[{"view":"alloc","by":["site"],…,"total":{…},
 *      "rows":[{"site":"zmalloc+0x1c","callers":["main"],"bytes":512,"share":0.18,…},…],"rest":{"rows":12,…}}]}
 *
 * A row has the columns that the table has, whatever its width, under the keys of columns[]; numbers are not rounded.
 */
#include "format/json.h"

#include <string.h>

#include "base/text.h"
#include "view/columns.h"

#define FLUSH_BYTES 65536

struct json_report {
	FILE *f;
	const struct recording *r;
	const struct report_options *o;
	const struct sheet *s;
	struct column_at columns[COLUMNS_MAX];
	size_t n_columns;
	struct json_out j;
	struct buf out, text;
};

static int flush(struct json_report *jr)
{
	return jr->out.len > FLUSH_BYTES ? render_flush(jr->f, &jr->out) : 0;
}

static void put_histogram(struct json_report *jr, const char *key, const double *buckets)
{
	struct json_out *j = &jr->j;

	json_out_array(j, key);
	for (unsigned int b = 0; b < PROFILE_BUCKETS; b++) {
		if (!(buckets[b] > 0))
			continue;
		json_out_object(j, NULL);
		/* What bucket b holds: PROFILE_BUCKETS. */
		json_out_u64(j, "min", b ? 1ULL << (b - 1) : 0);
		json_out_u64(j, "max", b ? (b < 64 ? 1ULL << b : 0) - 1 : 0);
		json_out_double(j, "calls", buckets[b]);
		json_out_end(j);
	}
	json_out_end(j);
}

static void put_number(struct json_out *j, const char *key, struct value v)
{
	switch (v.kind) {
	case VALUE_NONE:
	case VALUE_HISTOGRAM:
		break;
	case VALUE_BYTES:
	case VALUE_COUNT:
	case VALUE_DURATION:
		json_out_u64(j, key, v.number);
		break;
	case VALUE_SHARE:
	case VALUE_ERROR:
		json_out_double(j, key, v.share);
		break;
	case VALUE_GROWTH:
		json_out_i64(j, key, v.growth);
		break;
	case VALUE_BYTES_PER_OP:
	case VALUE_COUNT_PER_OP:
		json_out_double(j, key, v.per_op);
		break;
	}
}

/* "bytes":512,"bytes_error":12.5; of an upper bound "median_below":8192. */
static void put_value(struct json_report *jr, struct column_at at, struct value v)
{
	const char *key = at.column->key;

	buf_reset(&jr->text);
	buf_str(&jr->text, key);
	if (at.column->several)
		buf_printf(&jr->text, "_%u", jr->r->profile->first_generation + at.index);
	if (v.below)
		buf_str(&jr->text, "_below");
	if (v.kind == VALUE_HISTOGRAM) {
		put_histogram(jr, buf_cstr(&jr->text), v.buckets);
		return;
	}
	put_number(&jr->j, buf_cstr(&jr->text), v);
	if (v.kind == VALUE_NONE || !(v.error > 0))
		return;
	buf_str(&jr->text, "_error");
	json_out_double(&jr->j, buf_cstr(&jr->text), v.error);
}

static void put_values(struct json_report *jr, const struct numbers *n)
{
	for (size_t i = 0; i < jr->n_columns; i++)
		put_value(jr, jr->columns[i], column_value(jr->s, jr->columns[i], n));
}

/* Of the row's heaviest stack: the names after the row's own, and how it was truncated. */
static void put_callers(struct json_report *jr, const struct view_row *row)
{
	const struct profile_stack *st = &jr->r->profile->stacks.at[row->stack];
	const char *mark = stack_end_mark(st->end);
	size_t skip = row->chain_skip;
	struct view_names n;

	json_out_array(&jr->j, "callers");
	for (view_names_start(&n, jr->r, st->node); n.sym; view_names_next(&n)) {
		if (skip) {
			skip--;
			continue;
		}
		buf_reset(&jr->text);
		symbol_text(n.sym, &jr->text);
		json_put_name(&jr->j, NULL, buf_cstr(&jr->text));
	}
	json_out_end(&jr->j);
	if (mark)
		json_out_string(&jr->j, "truncated", stack_end_text(st->end));
}

static void begin_row(struct json_report *jr, const char *by, const struct view_row *row, bool chain)
{
	json_out_object(&jr->j, NULL);
	json_put_name(&jr->j, by, row->name);
	if (chain)
		put_callers(jr, row);
}

static void put_rest(struct json_report *jr, size_t n_rows, struct numbers n)
{
	json_out_object(&jr->j, "rest");
	json_out_u64(&jr->j, "rows", n_rows);
	put_values(jr, &n);
	json_out_end(&jr->j);
}

/* The rows inside of row i. */
static int put_inner(struct json_report *jr, size_t i)
{
	const struct sheet *s = jr->s;
	const size_t first = s->inner_first[i], shown = s->inner_shown[i], n = s->inner_first[i + 1] - first;
	struct counters above = {0};
	int err = 0;

	json_out_array(&jr->j, "rows");
	for (size_t k = first; k < first + shown && !err; k++) {
		const struct view_row *row = &s->inner.rows[k];

		begin_row(jr, s->then->name, row, true);
		put_values(jr, &(struct numbers){
			.flat = row->flat, .cum = row->cum, .inner = true, .detail = &s->inner_details[row->id],
		});
		json_out_end(&jr->j);
		above = counters_add(above, row->flat);
		err = flush(jr);
	}
	json_out_end(&jr->j);
	if (shown < n)
		put_rest(jr, n - shown, (struct numbers){
			.flat = counters_sub(s->view.rows[i].flat, above), .inner = true,
		});
	return err;
}

static int put_rows(struct json_report *jr)
{
	const struct sheet *s = jr->s;
	struct counters above = {0};
	int err = 0;

	json_out_array(&jr->j, "rows");
	for (size_t i = 0; i < s->n_rows && !err; i++) {
		const struct view_row *row = &s->view.rows[i];

		above = counters_add(above, row->flat);
		begin_row(jr, s->by->name, row, !s->then);
		put_values(jr, &(struct numbers){
			.flat = row->flat, .cum = row->cum, .sum = above, .detail = &s->details[i],
		});
		if (s->kind->by_age && s->details[i].grew)
			json_out_u64(&jr->j, "grew", s->details[i].grew);
		if (s->then)
			err = put_inner(jr, i);
		json_out_end(&jr->j);
		if (!err)
			err = flush(jr);
	}
	json_out_end(&jr->j);
	if (s->n_rows < s->view.n)
		put_rest(jr, s->view.n - s->n_rows, (struct numbers){
			.flat = counters_sub(s->all_rows, above), .sum = s->all_rows,
		});
	return err;
}

void json_put_name(struct json_out *j, const char *key, const char *name)
{
	struct buf escaped = {0};

	text_escape(&escaped, name, strlen(name));
	json_out_string(j, key, buf_cstr(&escaped));
	buf_free(&escaped);
}

void json_put_counters(struct json_out *j, const char *key, const struct recording *r, struct counters c)
{
	const double bytes = value_error(r, c, METRIC_BYTES), calls = value_error(r, c, METRIC_CALLS);

	json_out_object(j, key);
	json_out_u64(j, "bytes", c.bytes);
	if (bytes > 0)
		json_out_double(j, "bytes_error", bytes * c.bytes);
	json_out_u64(j, "calls", c.calls);
	if (calls > 0)
		json_out_double(j, "calls_error", calls * c.calls);
	json_out_end(j);
}

static int put_view(struct json_report *jr, struct sheet *s)
{
	struct json_out *j = &jr->j;
	int err;

	sheet_fill(s, jr->o->top);
	jr->s = s;
	jr->n_columns = columns_of(s, jr->columns);
	json_out_object(j, NULL);
	json_out_string(j, "view", s->kind->name);
	json_out_array(j, "by");
	json_out_string(j, NULL, s->by->name);
	if (s->then)
		json_out_string(j, NULL, s->then->name);
	json_out_end(j);
	json_out_string(j, "metric", s->metric == METRIC_BYTES ? "bytes" : "calls");
	json_out_bool(j, "cum", s->cum);
	if (s->kind->histogram)
		json_out_string(j, "histogram_of", s->kind->hist == PROFILE_SIZES ? "bytes" : "ns");
	json_put_counters(j, "total", jr->r, s->view.total);
	err = put_rows(jr);
	json_out_end(j);
	sheet_free(s);
	return err;
}

int report_write_json(FILE *f, const struct recording *r, const struct report_options *o)
{
	struct json_report jr = {.f = f, .r = r, .o = o};
	struct sheet sheets[SHEETS_MAX];
	size_t n = sheet_list(r, o->views, o->by, o->then, o->metric, o->cum, sheets);
	int err = 0;

	jr.j.out = &jr.out;
	json_out_object(&jr.j, NULL);
	json_out_string(&jr.j, "type", "report");
	json_out_u64(&jr.j, "version", JSON_REPORT_VERSION);
	json_out_string(&jr.j, "alloctrace", ALLOCTRACE_VERSION);
	json_out_array(&jr.j, "views");
	for (size_t i = 0; i < n && !err; i++)
		err = put_view(&jr, &sheets[i]);
	json_out_end(&jr.j);
	/* After the rows: which names are missing is known only when they were asked for. */
	json_put_facts(&jr.j, "facts", r, o);
	json_out_end(&jr.j);
	buf_char(&jr.out, '\n');
	if (!err)
		err = render_flush(f, &jr.out);
	buf_free(&jr.out);
	buf_free(&jr.text);
	return render_end(f, err);
}
