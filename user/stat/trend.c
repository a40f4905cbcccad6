/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trends (Mann 1945, Theil 1950, Kendall 1975, Sen 1968): every point is compared with every later one of its part. Of
 * several parts, sums of pairs and their variances add up, as for seasons (Hirsch, Slack and Smith 1982). Points that
 * follow each other are alike: what is left of a part without the slope says how many independent ones it is worth
 * (Hamed and Rao 1998).
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

static int compare_numbers(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* x becomes the ranks of its numbers, less their mean; numbers that differ by no more than eps are equal. */
static void rank(double *x, size_t n, double eps)
{
	double *sorted = xmalloc(n * sizeof(*sorted)), *ranks = xmalloc(n * sizeof(*ranks));

	for (size_t i = 0; i < n; i++)
		sorted[i] = x[i];
	stat_sort(sorted, n);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && sorted[end] - sorted[end - 1] <= eps; end++)
			;
		for (size_t k = i; k < end; k++)
			ranks[k] = ((double)i + (double)end - (double)n) / 2;
	}
	for (size_t i = 0; i < n; i++) {
		const double *at = bsearch(&x[i], sorted, n, sizeof(*sorted), compare_numbers);

		x[i] = ranks[at - sorted];
	}
	free(sorted);
	free(ranks);
}

/* x: n numbers whose mean is 0. What follows after `lag`, correlated with what was before. */
static double autocorrelation(const double *x, size_t n, size_t lag, double squares)
{
	double sum = 0;

	for (size_t i = 0; i + lag < n; i++)
		sum += x[i] * x[i + lag];
	return sum / squares;
}

/*
 * By how much the variance of s of one part is larger than that of independent points. Only correlations that are no
 * chance by themselves (5 %) count, and they never make it smaller: of few points they are not known well enough to
 * take a trend for clearer than it looks.
 */
static double inflation(const struct stat_point *points, size_t n, double slope)
{
	double *rest = xmalloc(n * sizeof(*rest)), squares = 0, sum = 0, largest = 0;
	const double chance = stat_normal_quantile(0.05) / sqrt(n);

	for (size_t i = 0; i < n; i++) {
		rest[i] = points[i].x - slope * (points[i].t - points[0].t);
		largest = fmax(largest, fabs(points[i].x));
	}
	/* Of a straight line, nothing but rounding is left. */
	rank(rest, n, 1e-9 * largest);
	for (size_t i = 0; i < n; i++)
		squares += rest[i] * rest[i];
	for (size_t lag = 1; lag + 2 < n && squares > 0; lag++) {
		const double r = autocorrelation(rest, n, lag, squares);

		if (fabs(r) > chance)
			sum += (double)(n - lag) * (double)(n - lag - 1) * (double)(n - lag - 2) * r;
	}
	free(rest);
	return fmax(1 + 2 * sum / ((double)n * (double)(n - 1) * (double)(n - 2)), 1);
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

/* list: the rises of all pairs, ascending; the slope is known. */
static void set_interval(const double *list, size_t pairs, double alpha, struct stat_trend *t)
{
	t->low = -INFINITY;
	t->high = INFINITY;
	if (pairs) {
		const double reach = stat_normal_quantile(alpha) * sqrt(t->var);
		/* Ranks from 1 on, rounded: (pairs - reach) / 2 and (pairs + reach) / 2 + 1 (Gilbert 1987, 16.4.2). */
		const double low = (pairs - reach) / 2, high = (pairs + reach) / 2 + 1;

		if (low >= 0.5)
			t->low = list[(size_t)lround(low) - 1];
		if (high < pairs + 0.5)
			t->high = list[(size_t)lround(high) - 1];
	}
}

static double intercept(const struct stat_point *points, size_t n, double slope)
{
	double *rest = xmalloc(n * sizeof(*rest)), median;

	for (size_t i = 0; i < n; i++)
		rest[i] = points[i].x - slope * points[i].t;
	stat_sort(rest, n);
	median = stat_median(rest, n);
	free(rest);
	return median;
}

struct stat_trend stat_trend(const struct stat_point *points, size_t n, double alpha)
{
	struct stat_trend t = {.p = 1};
	size_t pairs;
	double *list = rises(points, n, &pairs), independent = 0;
	bool ties = false;

	t.s = sum_of_signs(points, 0, n);
	t.slope = pairs ? stat_median(list, pairs) : 0;
	for (size_t i = 0, end; i < n; i = end) {
		double var;

		end = end_of_part(points, i, n);
		var = variance(points + i, end - i, &ties);
		independent += var;
		t.var += var * (end - i > STAT_TREND_EXACT_MAX ? inflation(points + i, end - i, t.slope) : 1);
	}
	t.inflation = independent > 0 ? t.var / independent : 1;
	if (t.var > 0)
		t.z = (t.s - sign(t.s)) / sqrt(t.var);
	t.exact = !ties && n <= STAT_TREND_EXACT_MAX;
	t.p = t.exact ? exact_p(points, n, t.s) : fmin(2 * stat_normal_tail(fabs(t.z)), 1);
	set_interval(list, pairs, alpha, &t);
	t.intercept = intercept(points, n, t.slope);
	t.last_s = sum_of_signs(points, n - (n + 2) / 3, n);
	free(list);
	return t;
}
