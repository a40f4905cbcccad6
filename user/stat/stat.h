/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statistics of few numbers, as comparisons of recordings need them. Pure functions: they log nothing, know nothing of
 * recordings, and do not depend on the order of a sample. What is passed in is finite.
 */
#ifndef ALLOCTRACE_STAT_STAT_H
#define ALLOCTRACE_STAT_STAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* P(Z > z) of a standard normal variable. */
double stat_normal_tail(double z);
/* The z with P(|Z| > z) = alpha, 0 < alpha < 1. */
double stat_normal_quantile(double alpha);

/* Ascending, in place. */
void stat_sort(double *x, size_t n);
/* Of n > 0 numbers in ascending order. */
double stat_median(const double *sorted, size_t n);

/* Ranks, from 1 on, of the numbers that the median of what they are a sample of lies between, with a probability of at
 * least `level`: low is 0 and high is n + 1 where no number is a bound on that side. Takes the fewest ranks around the
 * middle, the left one of two that are as likely. */
struct stat_ranks {
	size_t low, high;
};

struct stat_ranks stat_median_ranks(size_t n, double level);

/* A sample: its median, and from where to where that of what it is a sample of lies. Infinite where it has too few
 * numbers to say. */
struct stat_summary {
	size_t n;
	double median, low, high;
};

/* Of n > 0 numbers in any order; level: as in stat_median_ranks(). */
struct stat_summary stat_summary(const double *x, size_t n, double level);
/* How far the interval reaches from the median, as a share of it: INFINITY where it is infinite, NAN where the signs
 * differ. */
double stat_spread(const struct stat_summary *s);

/* How the p of a test was found. */
enum stat_method {
	STAT_ALL_EQUAL,		/* all numbers are the same: there is nothing to find, and p is 1 */
	STAT_EXACT,		/* of all ways to divide the numbers */
	STAT_NORMAL,		/* approximately */
};

struct stat_test {
	double u;		/* of the first sample: pairs in which its number is the larger one, ties half */
	double p;		/* two-sided */
	enum stat_method method;
};

/* Up to so many numbers on each side p is exact: without ties, with ties. */
#define STAT_EXACT_MAX 50
#define STAT_EXACT_TIES_MAX 25

/* The Mann-Whitney U test (Wilcoxon's rank sum test): are a and b, n_a and n_b numbers (> 0), samples of the same?
 * p is twice the probability of a U as small as the smaller of the two. */
struct stat_test stat_mann_whitney(const double *a, size_t n_a, const double *b, size_t n_b);
/* The same without counting all ways. */
struct stat_test stat_mann_whitney_normal(const double *a, size_t n_a, const double *b, size_t n_b);
/* The least p that n_a and n_b numbers can have: above alpha, no difference is large enough. */
double stat_mann_whitney_least(size_t n_a, size_t n_b);

/* Benjamini and Hochberg: q[i] is the smallest share of false discoveries for which test i is among those that are
 * taken. p in any order; q may be p. */
void stat_adjust(const double *p, size_t n, double *q);

/* --- trends: stat/trend.c */

/* What was measured at a time. Points of one series come in the order of time; nothing is known of how a part goes on
 * from the part before (the process was started anew): part never falls. */
struct stat_point {
	double t, x;
	uint32_t part;
};

struct stat_trend {
	int64_t s;		/* Kendall's: pairs that rise less pairs that fall */
	double var;		/* of s, were there no trend; */
	double inflation;	/* so many times that of points that do not depend on each other */
	double z;
	double p;		/* two-sided */
	bool exact;		/* p is of all orders, not of a normal approximation */
	double slope;		/* Theil and Sen: the median of what pairs rise by in a unit of t */
	double low, high;	/* its confidence interval; infinite where there are too few pairs */
	double intercept;	/* median of x - slope * t */
	int64_t last_s;		/* s of the last third of the points alone */
};

/* So many points without ties have an exact p. Of more in a part, it is taken into account that they are alike where
 * they follow each other. */
#define STAT_TREND_EXACT_MAX 10
/* With fewer points, no p is below 0.05. */
#define STAT_TREND_LEAST 5

/* Mann and Kendall's test for a trend, and its slope, of n >= 2 points of different times. Only pairs of one part are
 * compared; where there is none, all is 0, and p and inflation are 1. alpha: of the interval of the slope. */
struct stat_trend stat_trend(const struct stat_point *points, size_t n, double alpha);

#endif
