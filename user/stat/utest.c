/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Mann-Whitney U test. Under the null hypothesis every way to take n_a of all n_a + n_b numbers for the first
 * sample is as likely as any other. p counts those whose U is as small as the one that was seen.
 *
 * Ranks of numbers that are equal are the mean of their ranks, which may end in a half: sums are of twice the rank.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stat/stat.h"

/* All numbers in ascending order, in groups of equal ones. */
struct ranked {
	size_t n_a, n_b;
	size_t *groups;		/* how many numbers each has */
	size_t n_groups;
	size_t sum;		/* twice the ranks of the first sample */
};

static struct ranked rank(const double *a, size_t n_a, const double *b, size_t n_b)
{
	const size_t n = n_a + n_b;
	double *all = xmalloc(n * sizeof(*all)), *first = xmalloc(n_a * sizeof(*first));
	struct ranked r = {.n_a = n_a, .n_b = n_b, .groups = xcalloc(n, sizeof(*r.groups))};
	size_t at_a = 0;

	memcpy(all, a, n_a * sizeof(*all));
	memcpy(all + n_a, b, n_b * sizeof(*all));
	memcpy(first, a, n_a * sizeof(*first));
	stat_sort(all, n);
	stat_sort(first, n_a);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && all[end] == all[i]; end++)
			;
		r.groups[r.n_groups++] = end - i;
		/* Ranks i + 1 … end. */
		for (; at_a < n_a && first[at_a] == all[i]; at_a++)
			r.sum += i + 1 + end;
	}
	free(all);
	free(first);
	return r;
}

static double u_of(const struct ranked *r)
{
	return (r->sum - (double)r->n_a * (r->n_a + 1)) / 2;
}

/* Of all ways, the share of those with U <= u; no ties. The number of ways for each U are the coefficients of the
 * product of (1 - q^(n_b + i)) / (1 - q^i), i = 1 … n_a: after each factor, they are those of fewer numbers. */
static double share_without_ties(size_t n_a, size_t n_b, size_t u)
{
	const size_t n = n_a * n_b + 1;
	double *ways = xcalloc(n, sizeof(*ways)), all = 0, upto = 0;

	ways[0] = 1;
	for (size_t i = 1; i <= n_a; i++) {
		for (size_t k = n; k-- > n_b + i;)
			ways[k] -= ways[k - n_b - i];
		for (size_t k = i; k < n; k++)
			ways[k] += ways[k - i];
	}
	for (size_t k = 0; k < n; k++) {
		all += ways[k];
		upto += k <= u ? ways[k] : 0;
	}
	free(ways);
	return upto / all;
}

/* Of C(t, 0) … C(t, t) the next one. */
static double next_choose(double c, size_t t, size_t j)
{
	return c * (t - j) / (j + 1);
}

/* Likewise with ties: ways[j][s] to take j of the numbers so far with s as twice the sum of their ranks. */
static double share_with_ties(const struct ranked *r, bool at_most)
{
	const size_t n = r->n_a + r->n_b, n_sums = r->n_a * (2 * n + 1) + 1;
	double *ways = xcalloc((r->n_a + 1) * n_sums, sizeof(*ways)), all = 0, upto = 0;
	size_t before = 0;

	ways[0] = 1;
	for (size_t g = 0; g < r->n_groups; g++) {
		const size_t t = r->groups[g], rank2 = 2 * before + t + 1;

		/* From the most that are taken down, so that what is read does not have this group yet. */
		for (size_t j = r->n_a; j > 0; j--) {
			double choose = t;

			for (size_t k = 1; k <= t && k <= j; choose = next_choose(choose, t, k), k++)
				for (size_t s = k * rank2; s < n_sums; s++)
					ways[j * n_sums + s] += choose * ways[(j - k) * n_sums + s - k * rank2];
		}
		before += t;
	}
	for (size_t s = 0; s < n_sums; s++) {
		const double w = ways[r->n_a * n_sums + s];

		all += w;
		upto += (at_most ? s <= r->sum : s >= r->sum) ? w : 0;
	}
	free(ways);
	return upto / all;
}

/* The sample with the smaller U decides: the result is the same whichever comes first. */
static double exact_p(const struct ranked *r)
{
	const double u = u_of(r), other = (double)r->n_a * r->n_b - u;
	double share;

	if (u == other)
		return 1;
	if (r->n_groups == r->n_a + r->n_b)
		share = share_without_ties(r->n_a, r->n_b, (size_t)fmin(u, other));
	else
		share = share_with_ties(r, u < other);
	return fmin(2 * share, 1);
}

static double normal_p(const struct ranked *r)
{
	const double n_a = r->n_a, n_b = r->n_b, n = n_a + n_b, off = fabs(u_of(r) - n_a * n_b / 2);
	double ties = 0;

	for (size_t g = 0; g < r->n_groups; g++) {
		const double t = r->groups[g];

		ties += t * t * t - t;
	}
	/* Half a step for what is a whole number. */
	return fmin(2 * stat_normal_tail((off - 0.5) / sqrt(n_a * n_b / 12 * (n + 1 - ties / (n * (n - 1))))), 1);
}

static bool counts_all(const struct ranked *r)
{
	const size_t most = r->n_groups == r->n_a + r->n_b ? STAT_EXACT_MAX : STAT_EXACT_TIES_MAX;

	return r->n_a <= most && r->n_b <= most;
}

static struct stat_test test(const double *a, size_t n_a, const double *b, size_t n_b, bool normal)
{
	struct ranked r = rank(a, n_a, b, n_b);
	struct stat_test t = {.u = u_of(&r), .p = 1, .method = STAT_ALL_EQUAL};

	if (r.n_groups > 1) {
		t.method = !normal && counts_all(&r) ? STAT_EXACT : STAT_NORMAL;
		t.p = t.method == STAT_EXACT ? exact_p(&r) : normal_p(&r);
	}
	free(r.groups);
	return t;
}

struct stat_test stat_mann_whitney(const double *a, size_t n_a, const double *b, size_t n_b)
{
	return test(a, n_a, b, n_b, false);
}

struct stat_test stat_mann_whitney_normal(const double *a, size_t n_a, const double *b, size_t n_b)
{
	return test(a, n_a, b, n_b, true);
}

double stat_mann_whitney_least(size_t n_a, size_t n_b)
{
	return fmin(2 * exp(lgamma(n_a + 1.0) + lgamma(n_b + 1.0) - lgamma(n_a + n_b + 1.0)), 1);
}
