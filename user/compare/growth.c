/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compare/growth.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define NS_PER_HOUR 3.6e12
/* Recordings of one run, at intervals, began at the same moment; clocks are set by less than this meanwhile. */
#define SAME_START_NS 500000000.0

/* The recordings in the order of their times. */
struct order {
	uint32_t *at;		/* files */
	uint32_t *run;		/* by place in at: which run it is of */
	size_t n;
};

static int compare_times(const void *a, const void *b, void *arg)
{
	const struct series *s = arg;
	const uint64_t x = s->files.at[*(const uint32_t *)a].time_ns, y = s->files.at[*(const uint32_t *)b].time_ns;

	return x < y ? -1 : x > y;
}

static double start_of(const struct series *s, uint32_t file)
{
	return (double)s->files.at[file].time_ns - (double)s->files.at[file].duration_ns;
}

/* A run knows only what was allocated while it traced: another run begins at nothing. Where no two recordings are of
 * one run, each is of as long a time as the others, and all can be compared. */
static void find_runs(const struct series *s, struct order *o, size_t *runs)
{
	size_t same = 0;

	for (size_t i = 1; i < o->n; i++) {
		const bool one = fabs(start_of(s, o->at[i]) - start_of(s, o->at[i - 1])) < SAME_START_NS;

		o->run[i] = o->run[i - 1] + !one;
		same += one;
	}
	*runs = same ? o->run[o->n - 1] + 1 : 1;
	for (size_t i = 0; i < o->n && !same; i++)
		o->run[i] = 0;
}

static int put_in_order(const struct series *s, struct order *o)
{
	for (size_t i = 0; i < o->n; i++) {
		o->at[i] = i;
		if (!s->files.at[i].time_ns)
			return fail(-EINVAL, "%s: it does not say when it was taken", s->files.at[i].path);
	}
	qsort_r(o->at, o->n, sizeof(*o->at), compare_times, (void *)s);
	for (size_t i = 1; i < o->n; i++)
		if (s->files.at[o->at[i]].time_ns == s->files.at[o->at[i - 1]].time_ns)
			return fail(-EINVAL, "%s and %s were taken at the same time: one of them is enough",
				    s->files.at[o->at[i - 1]].path, s->files.at[o->at[i]].path);
	return 0;
}

static const struct series_cell *cell_of(const struct series_row *row, uint32_t file)
{
	size_t low = 0, high = row->cells.n;

	while (low < high) {
		const size_t mid = (low + high) / 2;

		if (row->cells.at[mid].file == file)
			return &row->cells.at[mid];
		if (row->cells.at[mid].file < file)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

/* A part ends where other processes have the row than had it last, and where another run begins. */
static void fill_points(const struct growth *g, const struct order *o, const struct series_row *row,
			struct stat_point *points)
{
	uint32_t who = 0, part = 0;

	for (size_t i = 0; i < o->n; i++) {
		const struct series_file *f = &g->s->files.at[o->at[i]];
		const struct series_cell *cell = row ? cell_of(row, o->at[i]) : NULL;

		if (i && (o->run[i] != o->run[i - 1] ||
			  (cell && series_other_processes(g->s, who, cell->who))))
			part++;
		who = cell && cell->who ? cell->who : who;
		points[i] = (struct stat_point){
			(double)(f->time_ns - g->first_ns) / NS_PER_HOUR,
			!row ? f->value : cell ? cell->value : 0, part,
		};
	}
}

static void judge(const struct growth *g, struct growth_row *r)
{
	if (r->q > g->alpha || !(r->trend.low > 0))
		r->verdict = r->p <= g->alpha && r->trend.last_s <= 0 ? GROWTH_LEVELS_OFF : GROWTH_NONE;
	else if (r->trend.last_s <= 0)
		r->verdict = GROWTH_LEVELS_OFF;
	else
		r->verdict = r->trend.slope > g->floor ? GROWTH_RISES : GROWTH_SLOW;
}

static struct growth_row trend_of(const struct growth *g, const struct order *o, const struct series_row *row,
				  struct stat_point *points)
{
	struct growth_row r = {.row = row};

	fill_points(g, o, row, points);
	r.trend = stat_trend(points, o->n, g->alpha);
	r.p = r.trend.s > 0 ? r.trend.p / 2 : 1;
	r.q = r.p;
	r.first = points[0].x;
	r.last = points[o->n - 1].x;
	r.parts = points[o->n - 1].part + 1;
	return r;
}

static int compare_slopes(const void *a, const void *b)
{
	const struct growth_row *x = a, *y = b;

	if (x->trend.slope != y->trend.slope)
		return x->trend.slope > y->trend.slope ? -1 : 1;
	return strcmp(x->row->name, y->row->name);
}

static void judge_rows(struct growth *g)
{
	double *p = xmalloc((g->rows.n + 1) * sizeof(*p));
	size_t n = 0;

	for (size_t i = 0; i < g->rows.n; i++)
		p[i] = g->rows.at[i].p;
	stat_adjust(p, g->rows.n, p);
	g->n_tested = g->rows.n;
	for (size_t i = 0; i < g->rows.n; i++) {
		struct growth_row *r = &g->rows.at[i];

		r->q = p[i];
		judge(g, r);
		g->n_levels_off += r->verdict == GROWTH_LEVELS_OFF;
		g->n_slow += r->verdict == GROWTH_SLOW;
		if (r->verdict == GROWTH_RISES)
			g->rows.at[n++] = *r;
	}
	g->rows.n = n;
	if (n)
		qsort(g->rows.at, n, sizeof(*g->rows.at), compare_slopes);
	free(p);
}

static void set_floor(struct growth *g)
{
	double *values = xmalloc((g->s->files.n + 1) * sizeof(*values));

	for (size_t i = 0; i < g->s->files.n; i++)
		values[i] = g->s->files.at[i].value;
	stat_sort(values, g->s->files.n);
	g->floor = g->least / 100 * stat_median(values, g->s->files.n);
	free(values);
}

static void find_trends(struct growth *g, struct order *o)
{
	const struct series *s = g->s;
	struct stat_point *points = xmalloc(o->n * sizeof(*points));

	g->first_ns = s->files.at[o->at[0]].time_ns;
	g->last_ns = s->files.at[o->at[o->n - 1]].time_ns;
	g->hours = (double)(g->last_ns - g->first_ns) / NS_PER_HOUR;
	find_runs(s, o, &g->runs);
	set_floor(g);
	g->total = trend_of(g, o, NULL, points);
	judge(g, &g->total);
	for (size_t i = 0; i < s->rows.n; i++)
		vec_push(&g->rows, trend_of(g, o, &s->rows.at[i], points));
	judge_rows(g);
	free(points);
}

int growth_make(const struct series *s, double alpha, double least, struct growth *out)
{
	struct growth g = {.s = s, .alpha = alpha, .least = least};
	struct order o = {.n = s->files.n};
	int err;

	if (o.n < STAT_TREND_LEAST)
		return fail(-EINVAL, "a trend needs at least %d recordings, and there %s %zu: fewer cannot show one at "
			    "the 5 %% level", STAT_TREND_LEAST, o.n == 1 ? "is" : "are", o.n);
	o.at = xcalloc(o.n, sizeof(*o.at));
	o.run = xcalloc(o.n, sizeof(*o.run));
	err = put_in_order(s, &o);
	if (!err) {
		find_trends(&g, &o);
		*out = g;
	}
	free(o.at);
	free(o.run);
	return err;
}

void growth_free(struct growth *g)
{
	vec_free(&g->rows);
}
