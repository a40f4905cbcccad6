/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trends (Mann 1945, Theil 1950, Kendall 1975, Sen 1968): every point is compared with every later one of its part. Of
 * several parts, sums of pairs and their variances add up, as for seasons (Hirsch, Slack and Smith 1982).
 */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stat/stat.h"

static int sign(double x)
{
	return x > 0 ? 1 : x < 0 ? -1 : 0;
}

/* Of the points from first on. */
static int64_t sum_of_signs(const struct stat_point *points, size_t first, size_t n)
{
	int64_t s = 0;

	for (size_t i = first; i < n; i++)
		for (size_t j = i + 1; j < n && points[j].part == points[i].part; j++)
			s += sign(points[j].x - points[i].x);
	return s;
}

static double pairs_term(double n)
{
	return n * (n - 1) * (2 * n + 5) / 18;
}

static size_t end_of_part(const struct stat_point *points, size_t first, size_t n)
{
	size_t end = first + 1;

	while (end < n && points[end].part == points[first].part)
		end++;
	return end;
}

/* The variance of s of one part, less what ties take. */
static double variance(const struct stat_point *points, size_t n, bool *ties)
{
	double *x = xmalloc(n * sizeof(*x)), var = pairs_term(n);

	for (size_t i = 0; i < n; i++)
		x[i] = points[i].x;
	stat_sort(x, n);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && x[end] == x[i]; end++)
			;
		var -= pairs_term(end - i);
		*ties |= end - i > 1;
	}
	free(x);
	return var;
}

/* The pairs that are no pair of the right order are as many as a number can pass: of m points, 0 … m - 1 more than of
 * m - 1. ways[k]: orders of all parts so far with k such pairs. */
static double exact_p(const struct stat_point *points, size_t n, int64_t s)
{
	double ways[STAT_TREND_EXACT_MAX * (STAT_TREND_EXACT_MAX - 1) / 2 + 1] = {1}, all = 0, upto = 0;
	size_t pairs = 0;

	for (size_t i = 0, end; i < n; i = end) {
		end = end_of_part(points, i, n);
		for (size_t m = 2; m <= end - i; m++) {
			pairs += m - 1;
			for (size_t k = pairs + 1; k-- > 0;)
				for (size_t more = 1; more < m && more <= k; more++)
					ways[k] += ways[k - more];
		}
	}
	for (size_t k = 0; k <= pairs; k++) {
		all += ways[k];
		upto += (int64_t)pairs - 2 * (int64_t)k >= llabs(s) ? ways[k] : 0;
	}
	return s ? fmin(2 * upto / all, 1) : 1;
}

/* The rises of all pairs, ascending; to be freed. */
static double *rises(const struct stat_point *points, size_t n, size_t *n_pairs)
{
	double *list;
	size_t pairs = 0, at = 0;

	for (size_t i = 0, end; i < n; i = end) {
		end = end_of_part(points, i, n);
		pairs += (end - i) * (end - i - 1) / 2;
	}
	list = xmalloc((pairs + 1) * sizeof(*list));
	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n && points[j].part == points[i].part; j++)
			list[at++] = (points[j].x - points[i].x) / (points[j].t - points[i].t);
	stat_sort(list, pairs);
	*n_pairs = pairs;
	return list;
}

static void set_slope(const struct stat_point *points, size_t n, double alpha, struct stat_trend *t)
{
	double *list, *rest = xmalloc(n * sizeof(*rest)), reach;
	size_t pairs;

	list = rises(points, n, &pairs);
	t->low = -INFINITY;
	t->high = INFINITY;
	if (pairs) {
		t->slope = stat_median(list, pairs);
		reach = stat_normal_quantile(alpha) * sqrt(t->var);
		/* Ranks from 1 on, rounded: (pairs - reach) / 2 and (pairs + reach) / 2 + 1 (Gilbert 1987, 16.4.2). */
		const double low = (pairs - reach) / 2, high = (pairs + reach) / 2 + 1;

		if (low >= 0.5)
			t->low = list[(size_t)lround(low) - 1];
		if (high < pairs + 0.5)
			t->high = list[(size_t)lround(high) - 1];
	}
	for (size_t i = 0; i < n; i++)
		rest[i] = points[i].x - t->slope * points[i].t;
	stat_sort(rest, n);
	t->intercept = stat_median(rest, n);
	free(list);
	free(rest);
}

struct stat_trend stat_trend(const struct stat_point *points, size_t n, double alpha)
{
	struct stat_trend t = {.p = 1};
	bool ties = false;

	t.s = sum_of_signs(points, 0, n);
	for (size_t i = 0, end; i < n; i = end) {
		end = end_of_part(points, i, n);
		t.var += variance(points + i, end - i, &ties);
	}
	if (t.var > 0)
		t.z = (t.s - sign(t.s)) / sqrt(t.var);
	t.exact = !ties && n <= STAT_TREND_EXACT_MAX;
	t.p = t.exact ? exact_p(points, n, t.s) : fmin(2 * stat_normal_tail(fabs(t.z)), 1);
	set_slope(points, n, alpha, &t);
	t.last_s = sum_of_signs(points, n - (n + 2) / 3, n);
	return t;
}
