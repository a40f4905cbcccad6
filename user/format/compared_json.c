/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Comparisons as one JSON object in one line (doc/formats.md describes it): what their tables show, not rounded.
 *
 *     {"type":"diff","version":1,…,"total":{…},"rows":[{"name":"parse+0x24","chain":"load < main",
 *      "before":{"median":980992,…},"after":{…},"change":0.817,"p":0.002,…},…],"rest":{…},"geomean":{…}}
 */
#include <math.h>

#include "format/compared.h"
#include "format/json.h"

static void begin(struct json_out *j, const char *type, const struct series *s)
{
	json_out_object(j, NULL);
	json_out_string(j, "type", type);
	json_out_u64(j, "version", JSON_COMPARISON_VERSION);
	json_out_string(j, "alloctrace", ALLOCTRACE_VERSION);
	json_out_string(j, "view", view_kinds[s->view].name);
	json_out_array(j, "by");
	json_out_string(j, NULL, s->by->name);
	if (s->then)
		json_out_string(j, NULL, s->then->name);
	json_out_end(j);
	json_out_string(j, "metric", s->metric == METRIC_BYTES ? "bytes" : "calls");
	json_out_string(j, "unit", series_unit_text(s));
	json_out_bool(j, "cum", s->cum);
	json_out_bool(j, "builds_differ", s->coarse);
}

static void begin_row(struct json_out *j, const char *key, const struct series_row *row)
{
	json_out_object(j, key);
	if (!row)
		return;
	json_put_name(j, "name", row->name);
	if (row->chain)
		json_put_name(j, "chain", row->chain);
}

static void put_side(struct json_out *j, const struct diff *d, int side, const char *key, const char *label)
{
	json_out_object(j, key);
	json_out_string(j, "label", label);
	json_out_array(j, "recordings");
	for (size_t i = 0; i < d->s->files.n; i++)
		if (d->s->files.at[i].side == side)
			json_put_name(j, NULL, d->s->files.at[i].path);
	json_out_end(j);
	json_out_end(j);
}

static void put_summary(struct json_out *j, const char *key, const struct stat_summary *s)
{
	json_out_object(j, key);
	json_out_double(j, "median", s->median);
	json_out_double(j, "low", s->low);
	json_out_double(j, "high", s->high);
	json_out_end(j);
}

static void put_diff_row(struct json_out *j, const char *key, const struct diff_row *row)
{
	begin_row(j, key, row->row);
	put_summary(j, "before", &row->before);
	put_summary(j, "after", &row->after);
	/* From nothing, there is no share. */
	json_out_double(j, "change", diff_change(row));
	if (!row->unknown)
		json_out_double(j, "p", row->p);
	if (!row->unknown && row->row)
		json_out_double(j, "q", row->q);
	json_out_bool(j, "evident", row->evident);
	if (row->appeared)
		json_out_bool(j, "appeared", true);
	if (row->vanished)
		json_out_bool(j, "vanished", true);
	if (row->over)
		json_out_bool(j, "over", true);
	json_out_end(j);
}

static void put_gate(struct json_out *j, const struct diff *d)
{
	struct buf reasons = {0};

	if (isnan(d->limit))
		return;
	compared_put_reasons(d, &reasons);
	json_out_object(j, "gate");
	json_out_double(j, "limit_percent", d->limit);
	json_out_bool(j, "failed", diff_fails(d));
	json_out_u64(j, "rows_over", d->n_over);
	if (diff_fails(d))
		json_put_name(j, "reasons", buf_cstr(&reasons));
	json_out_end(j);
	buf_free(&reasons);
}

static void put_geomean(struct json_out *j, const struct diff *d)
{
	json_out_object(j, "geomean");
	json_out_u64(j, "rows", d->n_geomean);
	json_out_u64(j, "rows_of_one_side", d->n_one_sided);
	if (d->n_geomean) {
		json_out_double(j, "before", d->geomean[0]);
		json_out_double(j, "after", d->geomean[1]);
		json_out_double(j, "change", d->geomean_ratio - 1);
	}
	json_out_end(j);
}

static size_t shown_of(const struct compared_options *o, size_t n)
{
	return o->top && o->top < n ? o->top : n;
}

static int end(FILE *f, struct json_out *j)
{
	int err;

	json_out_end(j);
	buf_char(j->out, '\n');
	err = render_flush(f, j->out);
	buf_free(j->out);
	return render_end(f, err);
}

int compared_json_diff(FILE *f, const struct diff *d, const struct compared_options *o)
{
	const size_t shown = shown_of(o, d->rows.n);
	const bool single = d->n[0] == 1 && d->n[1] == 1;
	struct buf out = {0};
	struct json_out j = {.out = &out};

	begin(&j, "diff", d->s);
	json_out_double(&j, "alpha", d->alpha);
	json_out_string(&j, "test", !single ? "mann-whitney" : d->total.unknown ? "none" : "standard-errors");
	put_side(&j, d, 0, "before", o->labels[0]);
	put_side(&j, d, 1, "after", o->labels[1]);
	json_out_u64(&j, "rows_tested", d->n_tested);
	json_out_u64(&j, "rows_evident", d->n_evident);
	put_gate(&j, d);
	put_diff_row(&j, "total", &d->total);
	json_out_array(&j, "rows");
	for (size_t i = 0; i < shown; i++)
		put_diff_row(&j, NULL, &d->rows.at[i]);
	json_out_end(&j);
	if (shown < d->rows.n) {
		json_out_object(&j, "rest");
		json_out_u64(&j, "rows", d->rows.n - shown);
		json_out_u64(&j, "evident", d->n_evident > shown ? d->n_evident - shown : 0);
		json_out_end(&j);
	}
	put_geomean(&j, d);
	return end(f, &j);
}

static void put_growth_row(struct json_out *j, const char *key, const struct growth_row *row)
{
	static const char *const verdicts[] = {
		[GROWTH_NONE] = "no-evidence", [GROWTH_LEVELS_OFF] = "levels-off", [GROWTH_SLOW] = "slow",
		[GROWTH_RISES] = "rises",
	};

	begin_row(j, key, row->row);
	json_out_double(j, "per_hour", row->trend.slope);
	json_out_double(j, "low", row->trend.low);
	json_out_double(j, "high", row->trend.high);
	json_out_double(j, "p", row->p);
	if (row->row)
		json_out_double(j, "q", row->q);
	json_out_double(j, "variance_inflation", row->trend.inflation);
	json_out_double(j, "first", row->first);
	json_out_double(j, "last", row->last);
	json_out_u64(j, "restarts", row->parts - 1);
	json_out_string(j, "verdict", verdicts[row->verdict]);
	json_out_end(j);
}

int compared_json_growth(FILE *f, const struct growth *g, const struct compared_options *o)
{
	const size_t shown = shown_of(o, g->rows.n);
	struct buf out = {0};
	struct json_out j = {.out = &out};

	begin(&j, "trend", g->s);
	json_out_double(&j, "alpha", g->alpha);
	json_out_double(&j, "min_growth_percent", g->least);
	json_out_double(&j, "min_growth_per_hour", g->floor);
	if (g->s->target)
		json_put_name(&j, "target", g->s->target);
	json_out_u64(&j, "recordings", g->s->files.n);
	json_out_u64(&j, "runs", g->runs);
	json_out_u64(&j, "first_time_ns", g->first_ns);
	json_out_u64(&j, "last_time_ns", g->last_ns);
	json_out_u64(&j, "rows_tested", g->n_tested);
	json_out_u64(&j, "rows_level_off", g->n_levels_off);
	json_out_u64(&j, "rows_slow", g->n_slow);
	put_growth_row(&j, "total", &g->total);
	json_out_array(&j, "rows");
	for (size_t i = 0; i < shown; i++)
		put_growth_row(&j, NULL, &g->rows.at[i]);
	json_out_end(&j);
	if (shown < g->rows.n) {
		json_out_object(&j, "rest");
		json_out_u64(&j, "rows", g->rows.n - shown);
		json_out_end(&j);
	}
	return end(f, &j);
}
