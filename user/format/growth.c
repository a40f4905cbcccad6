/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of a trend:
 *
 *     trend      24 recordings in 23.0 h, redis-server (pid 4711)
 *     compared   bytes of view live by site
 *     tested     45 rows; 1 rises (Mann-Kendall, ...), 3 rose and level off, 2 rise by less than 0.1 %/h of the total
 *     total      8.23 MiB at first, 9.01 MiB at last: +34.1 KiB/h (+30.2 … +36.9 KiB, p < 0.001)
 *
 *      PER HOUR   LOW … HIGH                P     FIRST      LAST  SITE < CALLERS
 *     +33.9 KiB   +33.8 KiB … +34.1 KiB  <0.001  12.3 KiB  790 KiB  tsearch+0x1f < setenv
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "format/compared.h"
#include "format/grid.h"

enum { SLOPE, LOW, HIGH, P, FIRST, LAST, RESTARTS, N_COLUMNS };

static char *text_of(struct buf *b)
{
	char *text = xstrdup(buf_cstr(b));

	buf_free(b);
	return text;
}

static void put_value(const struct series *s, double x, struct buf *out)
{
	const uint64_t n = (uint64_t)llround(fmin(fabs(x), 9e18));

	if (x < 0)
		buf_char(out, '-');
	if (s->metric == METRIC_BYTES)
		text_bytes(out, n);
	else if (fabs(x) < 100 && x != floor(x))
		text_decimal_about(out, fabs(x), fabs(x) / 100);
	else
		text_count(out, n);
}

static void put_slope(const struct series *s, double x, struct buf *out)
{
	if (isinf(x)) {
		buf_str(out, x > 0 ? "\xe2\x88\x9e" : "-\xe2\x88\x9e");
		return;
	}
	if (x > 0)
		buf_char(out, '+');
	put_value(s, x, out);
}

static void put_p(double p, struct buf *out)
{
	if (p < 0.0005)
		buf_str(out, "<0.001");
	else
		buf_printf(out, "%.3f", p);
}

static char *slope_cell(const struct series *s, double x)
{
	struct buf b = {0};

	put_slope(s, x, &b);
	return text_of(&b);
}

static char *value_cell(const struct series *s, double x)
{
	struct buf b = {0};

	put_value(s, x, &b);
	return text_of(&b);
}

static void add_row(struct grid *g, const struct growth *growth, const struct growth_row *row)
{
	struct grid_line *line = grid_add(g, STYLE_BOLD);
	struct buf p = {0}, parts = {0};

	line->cells[SLOPE] = slope_cell(growth->s, row->trend.slope);
	line->cells[LOW] = slope_cell(growth->s, row->trend.low);
	line->cells[HIGH] = slope_cell(growth->s, row->trend.high);
	put_p(row->q, &p);
	line->cells[P] = text_of(&p);
	line->cells[FIRST] = value_cell(growth->s, row->first);
	line->cells[LAST] = value_cell(growth->s, row->last);
	if (row->parts > 1) {
		buf_printf(&parts, "%u", row->parts - 1);
		line->cells[RESTARTS] = text_of(&parts);
	}
	line->place = xstrdup(row->row->name);
	line->chain = row->row->chain;
}

static void put_head(const struct growth *g, const struct report_options *ro, struct buf *out)
{
	struct buf text = {0};

	buf_printf(&text, "%zu recordings in ", g->s->files.n);
	text_duration(&text, g->last_ns - g->first_ns);
	if (g->s->target) {
		buf_str(&text, "," VIEW_BREAK);
		text_escape(&text, g->s->target, strlen(g->s->target));
	}
	if (g->runs > 1)
		buf_printf(&text, ";" VIEW_BREAK "of %zu runs of alloctrace," VIEW_BREAK
			   "each of which begins at nothing", g->runs);
	summary_line(out, ro, "trend", &text, "");
	buf_reset(&text);
	buf_printf(&text, "%s of view %s" VIEW_BREAK "by %s%s%s%s", series_unit_text(g->s), view_kinds[g->s->view].name,
		   g->s->by->name, g->s->then ? "," : "", g->s->then ? g->s->then->name : "",
		   g->s->coarse ? ";" VIEW_BREAK "builds differ:" VIEW_BREAK "names without offsets and lines" : "");
	summary_line(out, ro, "compared", &text, "");
	buf_free(&text);
}

static void put_tested(const struct growth *g, const struct report_options *ro, struct buf *out)
{
	struct buf text = {0};

	buf_printf(&text, "%zu rows:" VIEW_BREAK "%zu %s steadily," VIEW_BREAK "%zu rose and level%s off,"
		   VIEW_BREAK "%zu %s by less than ", g->n_tested, g->rows.n, g->rows.n == 1 ? "rises" : "rise",
		   g->n_levels_off, g->n_levels_off == 1 ? "s" : "", g->n_slow, g->n_slow == 1 ? "rises" : "rise");
	put_value(g->s, g->floor, &text);
	buf_printf(&text, "/h (--min-growth %g);" VIEW_BREAK "Mann-Kendall, one-sided," VIEW_BREAK
		   "with autocorrelation (Hamed-Rao)," VIEW_BREAK "p adjusted for all rows" VIEW_BREAK
		   "(Benjamini-Hochberg), alpha %g", g->least, g->alpha);
	summary_line(out, ro, "tested", &text, "");
	buf_free(&text);
}

static void put_total(const struct growth *g, const struct report_options *ro, struct buf *out)
{
	static const char *const verdicts[] = {
		[GROWTH_NONE] = "no evidence of a rise", [GROWTH_LEVELS_OFF] = "it rose, and levels off",
		[GROWTH_SLOW] = "it rises by less than --min-growth", [GROWTH_RISES] = "it rises steadily",
	};
	const struct growth_row *t = &g->total;
	struct buf text = {0};

	put_value(g->s, t->first, &text);
	buf_str(&text, " at first, ");
	put_value(g->s, t->last, &text);
	buf_str(&text, " at last:" VIEW_BREAK);
	put_slope(g->s, t->trend.slope, &text);
	buf_str(&text, "/h" VIEW_BREAK "(");
	put_slope(g->s, t->trend.low, &text);
	buf_str(&text, " \xe2\x80\xa6 ");
	put_slope(g->s, t->trend.high, &text);
	buf_str(&text, ", p ");
	put_p(t->p, &text);
	buf_printf(&text, ");" VIEW_BREAK "%s", verdicts[t->verdict]);
	summary_line(out, ro, "total", &text, "");
	buf_free(&text);
}

static void put_table(const struct growth *g, const struct compared_options *o, const struct report_options *ro,
		      struct buf *out)
{
	static const struct grid_column columns[N_COLUMNS] = {
		[SLOPE] = {"PER HOUR", 0, 0, false}, [LOW] = {"LOW", 2, 2, false}, [HIGH] = {"HIGH", 2, 2, false},
		[P] = {"P", 4, 2, false}, [FIRST] = {"FIRST", 1, 2, false}, [LAST] = {"LAST", 3, 2, false},
		[RESTARTS] = {"RESTARTS", 5, 2, false},
	};
	const size_t shown = o->top && o->top < g->rows.n ? o->top : g->rows.n;
	struct buf head = {0}, rest = {0};
	struct grid grid = {.columns = columns, .n_columns = N_COLUMNS};

	grid.frames = (g->s->then ? g->s->then : g->s->by)->is_frame;
	grid_put_place_head(g->s->by, g->s->then, &head);
	grid.place_head = buf_cstr(&head);
	for (size_t i = 0; i < shown; i++)
		add_row(&grid, g, &g->rows.at[i]);
	if (shown < g->rows.n) {
		buf_str(&rest, "\xe2\x80\xa6 and ");
		text_count(&rest, g->rows.n - shown);
		buf_str(&rest, " more");
		grid_add(&grid, STYLE_DIM)->place = text_of(&rest);
	}
	grid_put(&grid, ro, out);
	grid_free(&grid);
	buf_free(&head);
}

int compared_write_growth(FILE *f, const struct growth *g, const struct compared_options *o)
{
	const struct report_options ro = {.width = o->width, .colour = o->colour};
	struct buf out = {0};
	int err;

	put_head(g, &ro, &out);
	put_tested(g, &ro, &out);
	put_total(g, &ro, &out);
	if (g->rows.n) {
		buf_char(&out, '\n');
		put_table(g, o, &ro, &out);
	}
	err = render_flush_text(f, &out);
	buf_free(&out);
	return render_end(f, err);
}
