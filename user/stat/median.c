/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Medians with confidence intervals from order statistics, which hold whatever the distribution is. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stat/stat.h"

double stat_normal_tail(double z)
{
	return erfc(z / M_SQRT2) / 2;
}

double stat_normal_quantile(double alpha)
{
	double low = 0, high = 40;

	/* The tail falls: halving finds it in as many steps as a double has digits. */
	for (int i = 0; i < 100; i++) {
		const double mid = (low + high) / 2;

		if (2 * stat_normal_tail(mid) > alpha)
			low = mid;
		else
			high = mid;
	}
	return (low + high) / 2;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

void stat_sort(double *x, size_t n)
{
	if (n > 1)
		qsort(x, n, sizeof(*x), compare);
}

double stat_median(const double *sorted, size_t n)
{
	return n % 2 ? sorted[n / 2] : sorted[n / 2 - 1] / 2 + sorted[n / 2] / 2;
}

/* P(B = k) of n tosses of a coin. */
static double coin(size_t n, size_t k)
{
	return exp(lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0) - n * M_LN2);
}

/* How many numbers are below the median is a number of heads. Between the numbers of ranks low and high it lies if that
 * is one of low … high - 1. */
struct stat_ranks stat_median_ranks(size_t n, double level)
{
	size_t low = (n + 1) / 2, high = low + 1;
	double sum = coin(n, low);

	/* Rounding must not tell two that are equally likely apart. */
	while (sum < level - 1e-12 && (low > 0 || high <= n)) {
		const double left = low > 0 ? coin(n, low - 1) : -1, right = high <= n ? coin(n, high) : -1;

		if (left >= right - 1e-12 * fabs(right))
			low--;
		else
			high++;
		sum += left >= right - 1e-12 * fabs(right) ? left : right;
	}
	return (struct stat_ranks){low, high};
}

struct stat_summary stat_summary(const double *x, size_t n, double level)
{
	const struct stat_ranks ranks = stat_median_ranks(n, level);
	double *sorted = xmalloc(n * sizeof(*sorted));
	struct stat_summary s = {.n = n, .low = -INFINITY, .high = INFINITY};

	memcpy(sorted, x, n * sizeof(*sorted));
	stat_sort(sorted, n);
	s.median = stat_median(sorted, n);
	if (ranks.low > 0)
		s.low = sorted[ranks.low - 1];
	if (ranks.high <= n)
		s.high = sorted[ranks.high - 1];
	free(sorted);
	return s;
}

double stat_spread(const struct stat_summary *s)
{
	if (isinf(s->low) || isinf(s->high))
		return INFINITY;
	if (s->low == s->high)
		return 0;
	if (s->median == 0 || s->low * s->median < 0 || s->high * s->median < 0)
		return NAN;
	return fmax(s->high / s->median - 1, 1 - s->low / s->median);
}
