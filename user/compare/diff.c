/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compare/diff.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct values {
	double *at[2], *errors[2];
};

static void values_make(const struct diff *d, struct values *v)
{
	for (int side = 0; side < 2; side++) {
		v->at[side] = xcalloc(d->n[side] + 1, sizeof(double));
		v->errors[side] = xcalloc(d->n[side] + 1, sizeof(double));
	}
}

static void values_free(struct values *v)
{
	for (int side = 0; side < 2; side++) {
		free(v->at[side]);
		free(v->errors[side]);
	}
}

double diff_change(const struct diff_row *row)
{
	if (row->before.median == row->after.median)
		return 0;
	return row->before.median == 0 ? INFINITY : row->after.median / row->before.median - 1;
}

static double absolute(const struct diff_row *row)
{
	return fabs(row->after.median - row->before.median);
}

/* One recording a side: their own standard errors are all that is known. */
static void test_single(const struct diff *d, const struct values *v, struct diff_row *row)
{
	const double off = v->at[1][0] - v->at[0][0], error = hypot(v->errors[0][0], v->errors[1][0]);
	const double reach = stat_normal_quantile(d->alpha);

	for (size_t i = 0; i < d->s->files.n; i++)
		row->unknown |= d->s->files.at[i].no_errors;
	row->all_equal = off == 0;
	if (off == 0 || row->unknown)
		row->p = 1;
	else
		row->p = error > 0 ? 2 * stat_normal_tail(fabs(off) / error) : 0;
	for (int side = 0; side < 2; side++)
		*(side ? &row->after : &row->before) = (struct stat_summary){
			1, v->at[side][0], v->at[side][0] - reach * v->errors[side][0],
			v->at[side][0] + reach * v->errors[side][0],
		};
}

static void test_several(const struct diff *d, const struct values *v, struct diff_row *row)
{
	const struct stat_test t = stat_mann_whitney(v->at[0], d->n[0], v->at[1], d->n[1]);

	row->p = t.p;
	row->all_equal = t.method == STAT_ALL_EQUAL;
	row->before = stat_summary(v->at[0], d->n[0], 1 - d->alpha);
	row->after = stat_summary(v->at[1], d->n[1], 1 - d->alpha);
}

static bool all_zero(const double *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (x[i] != 0)
			return false;
	return true;
}

/* Returns the mean of all values, whichever side they are of. */
static double compare_row(const struct diff *d, struct values *v, const struct series_row *series_row,
			  struct diff_row *row)
{
	double sum = 0;

	*row = (struct diff_row){.row = series_row, .q = 1};
	for (int side = 0; side < 2; side++) {
		series_values(d->s, series_row, side, v->at[side], v->errors[side]);
		for (size_t i = 0; i < d->n[side]; i++)
			sum += v->at[side][i];
	}
	if (d->n[0] == 1 && d->n[1] == 1)
		test_single(d, v, row);
	else
		test_several(d, v, row);
	row->appeared = all_zero(v->at[0], d->n[0]);
	row->vanished = all_zero(v->at[1], d->n[1]);
	row->evident = row->p <= d->alpha && row->before.median != row->after.median;
	return sum / (d->n[0] + d->n[1]);
}

static void add_geomean(struct diff *d, const struct diff_row *row)
{
	if (row->before.median > 0 && row->after.median > 0) {
		d->n_geomean++;
		d->geomean[0] += log(row->before.median);
		d->geomean[1] += log(row->after.median);
	} else {
		d->n_one_sided++;
	}
}

static void finish_geomean(struct diff *d)
{
	const double n = d->n_geomean;

	d->geomean_ratio = n ? exp((d->geomean[1] - d->geomean[0]) / n) : 1;
	for (int side = 0; side < 2; side++)
		d->geomean[side] = n ? exp(d->geomean[side] / n) : 0;
}

/* tested: by row. */
static void adjust(struct diff *d, const bool *tested)
{
	double *p = xmalloc((d->rows.n + 1) * sizeof(*p));
	size_t n = 0;

	for (size_t i = 0; i < d->rows.n; i++)
		if (tested[i])
			p[n++] = d->rows.at[i].p;
	stat_adjust(p, n, p);
	d->n_tested = n;
	for (size_t i = d->rows.n; i-- > 0;)
		if (tested[i])
			d->rows.at[i].q = p[--n];
	free(p);
}

static void decide(struct diff *d)
{
	const double limit = d->limit / 100;

	if (isnan(d->limit))
		return;
	d->total.over = diff_change(&d->total) > limit && d->total.p <= DIFF_TOTAL_SHARE * d->alpha;
	for (size_t i = 0; i < d->rows.n; i++) {
		struct diff_row *row = &d->rows.at[i];

		row->over = diff_change(row) > limit && row->q <= (1 - DIFF_TOTAL_SHARE) * d->alpha;
		d->n_over += row->over;
	}
}

static int compare_rows(const void *a, const void *b)
{
	const struct diff_row *x = a, *y = b;

	if (x->evident != y->evident)
		return x->evident ? -1 : 1;
	if (absolute(x) != absolute(y))
		return absolute(x) > absolute(y) ? -1 : 1;
	return strcmp(x->row->name, y->row->name);
}

/* Rows that are the same in all recordings were tested, but there is nothing to show of them. */
static void keep_different(struct diff *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->rows.n; i++) {
		d->n_evident += d->rows.at[i].evident;
		if (!d->rows.at[i].all_equal)
			d->rows.at[n++] = d->rows.at[i];
	}
	d->rows.n = n;
	if (n)
		qsort(d->rows.at, n, sizeof(*d->rows.at), compare_rows);
}

void diff_make(const struct series *s, double alpha, double limit, struct diff *out)
{
	bool *tested = xcalloc(s->rows.n + 1, sizeof(*tested));
	struct diff d = {.s = s, .alpha = alpha, .limit = limit};
	struct values v;
	double total;

	d.n[0] = series_count(s, 0);
	d.n[1] = series_count(s, 1);
	values_make(&d, &v);
	total = compare_row(&d, &v, NULL, &d.total);
	for (size_t i = 0; i < s->rows.n; i++) {
		struct diff_row row;

		/* Which rows are tested must not depend on which side a value is of. */
		tested[i] = compare_row(&d, &v, &s->rows.at[i], &row) >= DIFF_LEAST_SHARE * total;
		add_geomean(&d, &row);
		vec_push(&d.rows, row);
	}
	adjust(&d, tested);
	finish_geomean(&d);
	decide(&d);
	keep_different(&d);
	values_free(&v);
	free(tested);
	*out = d;
}

void diff_free(struct diff *d)
{
	vec_free(&d->rows);
}

bool diff_fails(const struct diff *d)
{
	return d->total.over || d->n_over;
}
