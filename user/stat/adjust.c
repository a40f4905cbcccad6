/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many tests at once: of 300 rows that did not change, 15 have a p below 0.05. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stat/stat.h"

static int compare(const void *a, const void *b, void *arg)
{
	const double *p = arg, x = p[*(const size_t *)a], y = p[*(const size_t *)b];

	return x < y ? -1 : x > y;
}

void stat_adjust(const double *p, size_t n, double *q)
{
	size_t *order = xmalloc((n + 1) * sizeof(*order));
	double least = 1;

	for (size_t i = 0; i < n; i++)
		order[i] = i;
	if (n > 1)
		qsort_r(order, n, sizeof(*order), compare, (void *)p);
	for (size_t i = n; i-- > 0;) {
		least = fmin(least, p[order[i]] * n / (i + 1));
		q[order[i]] = least;
	}
	free(order);
}
