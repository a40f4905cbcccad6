/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of a diff:
 *
 *     before     6 recordings: old1.pb.gz ... old6.pb.gz
 *     after      6 recordings: new1.pb.gz ... new6.pb.gz
 *     compared   bytes of view alloc by site: medians; ±: confidence interval, 95 %
 *     tested     Mann-Whitney: ~ is no evidence of a difference (p > 0.05); *: evident among all 45 rows tested
 *                (Benjamini-Hochberg)
 *
 *        BEFORE         AFTER     DELTA    CHANGE       P  SITE < CALLERS
 *     8.23 MiB ±2%  9.01 MiB ±1%   +9.48%  +799 KiB  0.002   [total]
 *      958 KiB ±0%  1.70 MiB ±1%  +81.70%  +783 KiB  0.002*  parse+0x24 < load < main
 *      2.0 KiB ±9%   2.1 KiB ±9%        ~    +100 B  0.699   store+0x1f < load < main
 *     1.01 KiB      1.03 KiB       +1.98%                    [geomean]
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "format/compared.h"
#include "format/grid.h"

#define BYTES_PER_UNIT(s) ((s)->unit == SERIES_PER_OP || (s)->unit == SERIES_PER_CALL)

enum { BEFORE, BEFORE_SPREAD, AFTER, AFTER_SPREAD, DELTA, CHANGE, P, N_COLUMNS };

static char *text_of(struct buf *b)
{
	char *text = xstrdup(buf_cstr(b));

	buf_free(b);
	return text;
}

static void put_value(const struct series *s, double x, double error, struct buf *out)
{
	if (BYTES_PER_UNIT(s))
		text_decimal_about(out, x, error);
	else if (s->metric == METRIC_BYTES)
		text_bytes_about(out, (uint64_t)llround(fmin(x, 9e18)), error);
	else
		text_count_about(out, (uint64_t)llround(fmin(x, 9e18)), error);
}

static char *value_cell(const struct series *s, double x)
{
	struct buf b = {0};

	put_value(s, x, 0, &b);
	return text_of(&b);
}

static char *change_cell(const struct series *s, const struct diff_row *row)
{
	const double change = row->after.median - row->before.median;
	struct buf b = {0};

	if (change == 0)
		return NULL;
	buf_char(&b, change > 0 ? '+' : '-');
	put_value(s, fabs(change), 0, &b);
	return text_of(&b);
}

static char *spread_cell(const struct stat_summary *s)
{
	const double spread = stat_spread(s);
	struct buf b = {0};

	if (s->low == s->median && s->high == s->median && s->n == 1)
		return NULL;
	buf_str(&b, "\xc2\xb1");
	if (isinf(spread))
		buf_str(&b, "\xe2\x88\x9e");
	else if (isnan(spread) || spread >= 9.995)
		buf_str(&b, isnan(spread) ? "?" : "999%");
	else
		buf_printf(&b, "%.0f%%", 100 * spread);
	return text_of(&b);
}

static void put_percent(double change, struct buf *out)
{
	buf_printf(out, fabs(change) < 99.995 ? "%+.2f%%" : fabs(change) < 1e5 ? "%+.0f%%" : "%+.1e%%", 100 * change);
}

static char *delta_cell(const struct diff *d, const struct diff_row *row)
{
	struct buf b = {0};

	if (row->p > d->alpha)
		buf_str(&b, row->all_equal ? "0.00%" : "~");
	else if (row->before.median == row->after.median)
		buf_str(&b, "0.00%");
	else if (row->appeared)
		buf_str(&b, "new");
	else if (row->vanished)
		buf_str(&b, "gone");
	else if (row->before.median == 0)
		buf_str(&b, "?");
	else
		put_percent(diff_change(row), &b);
	return text_of(&b);
}

static void put_p(double p, struct buf *out)
{
	if (p < 0.0005)
		buf_str(out, "<0.001");
	else
		buf_printf(out, "%.3f", p);
}

static char *p_cell(const struct diff *d, const struct diff_row *row)
{
	struct buf b = {0};

	if (row->unknown)
		return NULL;
	put_p(row->p, &b);
	buf_char(&b, row->evident && row->row && row->q <= d->alpha ? '*' : ' ');
	return text_of(&b);
}

static const char *style_of(const struct diff *d, const struct diff_row *row)
{
	if (!row->evident)
		return STYLE_DIM;
	return row->after.median > row->before.median ? STYLE_RED : STYLE_BOLD;
}

static void add_row(struct grid *g, const struct diff *d, const struct diff_row *row)
{
	struct grid_line *line = grid_add(g, row->row ? style_of(d, row) : STYLE_BOLD);

	line->cells[BEFORE] = value_cell(d->s, row->before.median);
	line->cells[BEFORE_SPREAD] = row->appeared ? NULL : spread_cell(&row->before);
	line->cells[AFTER] = value_cell(d->s, row->after.median);
	line->cells[AFTER_SPREAD] = row->vanished ? NULL : spread_cell(&row->after);
	line->cells[DELTA] = delta_cell(d, row);
	line->cells[CHANGE] = change_cell(d->s, row);
	line->cells[P] = p_cell(d, row);
	line->place = xstrdup(row->row ? row->row->name : "[total]");
	line->chain = row->row ? row->row->chain : NULL;
}

static void add_rest(struct grid *g, const struct diff *d, size_t shown)
{
	size_t evident = d->n_evident > shown ? d->n_evident - shown : 0;
	struct buf b = {0};

	buf_str(&b, "\xe2\x80\xa6 and ");
	text_count(&b, d->rows.n - shown);
	buf_printf(&b, " more, ");
	text_count(&b, evident);
	buf_str(&b, " of them evident");
	grid_add(g, STYLE_DIM)->place = text_of(&b);
}

static void add_geomean(struct grid *g, const struct diff *d)
{
	struct grid_line *line = grid_add(g, STYLE_BOLD);
	struct buf b = {0};

	line->place = xstrdup("[geomean]");
	if (!d->n_geomean)
		return;
	line->cells[BEFORE] = value_cell(d->s, d->geomean[0]);
	line->cells[AFTER] = value_cell(d->s, d->geomean[1]);
	put_percent(d->geomean_ratio - 1, &b);
	line->cells[DELTA] = text_of(&b);
}

static void put_side(const struct diff *d, int side, const struct report_options *ro, const char *label,
		     struct buf *out)
{
	const char *first = NULL, *last = NULL;
	struct buf text = {0}, escaped = {0};

	for (size_t i = 0; i < d->s->files.n; i++) {
		const struct series_file *f = &d->s->files.at[i];

		if (f->side != side)
			continue;
		first = first ? first : f->path;
		last = f->path;
	}
	if (d->n[side] > 1)
		buf_printf(&text, "%zu recordings:" VIEW_BREAK, d->n[side]);
	text_escape(&escaped, first, strlen(first));
	if (d->n[side] > 1) {
		buf_str(&escaped, d->n[side] > 2 ? VIEW_BREAK "\xe2\x80\xa6" VIEW_BREAK : "," VIEW_BREAK);
		text_escape(&escaped, last, strlen(last));
	}
	buf_str(&text, buf_cstr(&escaped));
	summary_line(out, ro, label, &text, "");
	buf_free(&text);
	buf_free(&escaped);
}

static void put_compared(const struct diff *d, const struct report_options *ro, struct buf *out)
{
	const struct series *s = d->s;
	struct buf text = {0};

	buf_printf(&text, "%s of view %s" VIEW_BREAK "by %s%s%s%s", series_unit_text(s), view_kinds[s->view].name,
		   s->by->name, s->then ? "," : "", s->then ? s->then->name : "", s->cum ? " (cumulative)" : "");
	if (d->n[0] > 1 || d->n[1] > 1)
		buf_str(&text, ":" VIEW_BREAK "medians,");
	else
		buf_str(&text, ",");
	buf_printf(&text, VIEW_BREAK "\xc2\xb1: confidence interval, %g %%", 100 * (1 - d->alpha));
	if (s->coarse)
		buf_str(&text, ";" VIEW_BREAK "builds differ:" VIEW_BREAK "names without offsets and lines");
	summary_line(out, ro, "compared", &text, "");
	buf_free(&text);
}

static bool single(const struct diff *d)
{
	return d->n[0] == 1 && d->n[1] == 1;
}

static void put_tested(const struct diff *d, const struct report_options *ro, struct buf *out)
{
	struct buf text = {0};

	if (single(d) && d->total.unknown)
		buf_str(&text, "nothing: other programs' files do not say" VIEW_BREAK "how good their estimates are");
	else if (single(d))
		buf_str(&text, "against the standard errors of the two recordings alone:" VIEW_BREAK
			"how runs vary is not in it," VIEW_BREAK "for which it takes at least 6 of each;");
	else
		buf_printf(&text, "Mann-Whitney, n=%zu", d->n[0]);
	if (!single(d) && d->n[0] != d->n[1])
		buf_printf(&text, "+%zu", d->n[1]);
	if (!single(d) || !d->total.unknown)
		buf_printf(&text, "%s" VIEW_BREAK "~: no evidence of a difference (p > %g)," VIEW_BREAK
			   "*: evident among all %zu rows" VIEW_BREAK "of at least %g %% of the total"
			   VIEW_BREAK "(Benjamini-Hochberg)", single(d) ? "" : ";", d->alpha, d->n_tested,
			   100 * DIFF_LEAST_SHARE);
	summary_line(out, ro, "tested", &text, "");
	buf_free(&text);
}

static void put_note(const struct report_options *ro, struct buf *out, struct buf *text)
{
	summary_line(out, ro, "note", text, "");
	buf_reset(text);
}

/* The fewest numbers a side, as many on each, whose interval is not infinite, or that can say anything. */
static size_t least_for_interval(double alpha)
{
	size_t n = 1;

	while (stat_median_ranks(n, 1 - alpha).low == 0 || stat_median_ranks(n, 1 - alpha).high > n)
		n++;
	return n;
}

static size_t least_for_test(double alpha)
{
	size_t n = 1;

	while (stat_mann_whitney_least(n, n) > alpha)
		n++;
	return n;
}

static double median_duration(const struct series *s, int side)
{
	double *x = xmalloc((s->files.n + 1) * sizeof(*x)), median;
	size_t n = 0;

	for (size_t i = 0; i < s->files.n; i++)
		if (s->files.at[i].side == side)
			x[n++] = s->files.at[i].duration_ns;
	stat_sort(x, n);
	median = stat_median(x, n);
	free(x);
	return median;
}

/* One side lasted half as long again as the other: runs of one command vary by less. */
static bool durations_differ(const struct series *s)
{
	const double before = median_duration(s, 0), after = median_duration(s, 1);

	return fmax(before, after) > 1.5 * fmin(before, after);
}

static void put_notes(const struct diff *d, const struct report_options *ro, struct buf *out)
{
	const size_t least = d->n[0] < d->n[1] ? d->n[0] : d->n[1];
	struct buf text = {0};

	if (!single(d) && stat_mann_whitney_least(d->n[0], d->n[1]) > d->alpha) {
		buf_printf(&text, "need >= %zu recordings of each side" VIEW_BREAK "to detect a difference" VIEW_BREAK
			   "at alpha level %g", least_for_test(d->alpha), d->alpha);
		put_note(ro, out, &text);
	}
	if (!single(d) && least < least_for_interval(d->alpha)) {
		buf_printf(&text, "need >= %zu recordings of a side" VIEW_BREAK "for a confidence interval" VIEW_BREAK
			   "at level %g: \xe2\x88\x9e", least_for_interval(d->alpha), 1 - d->alpha);
		put_note(ro, out, &text);
	}
	if (d->s->unit == SERIES_PLAIN && !view_kinds[d->s->view].state && durations_differ(d->s)) {
		buf_str(&text, "the two sides lasted differently long:" VIEW_BREAK "see --normalize");
		put_note(ro, out, &text);
	}
	if (d->n_one_sided) {
		buf_printf(&text, "%zu row%s not on both sides" VIEW_BREAK "(median 0), and not in the geomean",
			   d->n_one_sided, d->n_one_sided == 1 ? " is" : "s are");
		put_note(ro, out, &text);
	}
	buf_free(&text);
}

void compared_put_reasons(const struct diff *d, struct buf *out)
{
	const struct diff_row *first = NULL;

	for (size_t i = 0; i < d->rows.n && !first; i++)
		first = d->rows.at[i].over ? &d->rows.at[i] : NULL;
	if (d->total.over) {
		buf_str(out, "total ");
		put_percent(diff_change(&d->total), out);
		buf_printf(out, " (p%s", d->total.p < 0.0005 ? "" : "=");
		put_p(d->total.p, out);
		buf_printf(out, ")%s", first ? "; " : "");
	}
	if (!first)
		return;
	buf_printf(out, "%zu row%s%s ", d->n_over, d->n_over == 1 ? "" : "s", d->n_over == 1 ? ":" : ", such as");
	view_short_name(first->row->name, out);
	if (first->appeared || first->before.median == 0)
		buf_str(out, " (new)");
	else {
		buf_char(out, ' ');
		put_percent(diff_change(first), out);
	}
}

static void put_gate(const struct diff *d, const struct report_options *ro, struct buf *out)
{
	struct buf text = {0}, reasons = {0};

	if (isnan(d->limit))
		return;
	compared_put_reasons(d, &reasons);
	if (diff_fails(d)) {
		buf_printf(&text, "failed:" VIEW_BREAK "growth above %g %%:" VIEW_BREAK, d->limit);
		text_escape(&text, reasons.data, reasons.len);
	} else {
		buf_printf(&text, "passed:" VIEW_BREAK "no evidence of growth above %g %%" VIEW_BREAK
			   "in the total and %zu rows", d->limit, d->n_tested);
	}
	summary_line(out, ro, "gate", &text, diff_fails(d) ? STYLE_RED : "");
	buf_free(&text);
	buf_free(&reasons);
}

static void put_table(const struct diff *d, const struct compared_options *o, const struct report_options *ro,
		      struct buf *out)
{
	struct grid_column columns[N_COLUMNS] = {
		[BEFORE] = {o->labels[0], 4, 0, false}, [BEFORE_SPREAD] = {"", 2, 1, true},
		[AFTER] = {o->labels[1], 0, 2, false}, [AFTER_SPREAD] = {"", 2, 1, true},
		[DELTA] = {"DELTA", 0, 2, false}, [CHANGE] = {"CHANGE", 1, 2, false}, [P] = {"P", 3, 2, true},
	};
	const size_t shown = o->top && o->top < d->rows.n ? o->top : d->rows.n;
	struct buf head = {0};
	struct grid g = {.columns = columns, .n_columns = N_COLUMNS};

	g.frames = (d->s->then ? d->s->then : d->s->by)->is_frame;
	grid_put_place_head(d->s->by, d->s->then, &head);
	g.place_head = buf_cstr(&head);
	add_row(&g, d, &d->total);
	for (size_t i = 0; i < shown; i++)
		add_row(&g, d, &d->rows.at[i]);
	if (!d->rows.n)
		grid_add(&g, STYLE_DIM)->place = xstrdup("(no row differs)");
	if (shown < d->rows.n)
		add_rest(&g, d, shown);
	add_geomean(&g, d);
	grid_put(&g, ro, out);
	grid_free(&g);
	buf_free(&head);
}

int compared_write_diff(FILE *f, const struct diff *d, const struct compared_options *o)
{
	const struct report_options ro = {.width = o->width, .colour = o->colour};
	struct buf out = {0};
	int err;

	put_side(d, 0, &ro, "before", &out);
	put_side(d, 1, &ro, "after", &out);
	put_compared(d, &ro, &out);
	put_tested(d, &ro, &out);
	put_notes(d, &ro, &out);
	put_gate(d, &ro, &out);
	buf_char(&out, '\n');
	put_table(d, o, &ro, &out);
	err = render_flush_text(f, &out);
	buf_free(&out);
	return render_end(f, err);
}
