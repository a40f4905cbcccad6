/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statistics, compared with values of benchstat and R, and with what must hold of any numbers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/map.h"
#include "stat/stat.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define NUMBERS(...) ((const double[]){__VA_ARGS__}), sizeof((double[]){__VA_ARGS__}) / sizeof(double)

static void check_near(double got, double want, double within)
{
	if (!(fabs(got - want) <= within))
		fail_msg("%.10g, not %.10g", got, want);
}

/* R: wilcox.test(a, b)$p.value, exact without ties; with ties, what counting all divisions gives. */
static void test_mann_whitney(void **state)
{
	static const struct {
		double a[12], b[12];
		size_t n_a, n_b;
		double u, p, within;
	} cases[] = {
		{{1, 2, 3, 4}, {5, 6, 7, 8}, 4, 4, 0, .0285714, 1e-7},
		{{10, 11, 12, 13, 14}, {12.5, 13.5, 14.5, 15.5, 16.5}, 5, 5, 3, .0555556, 1e-7},
		{{1, 2, 2, 3}, {2, 3, 3, 4}, 4, 4, 3, .2857143, 1e-7},
		{{1, 3, 5, 7, 9, 11}, {2, 4, 6, 8, 10, 12}, 6, 6, 15, .6991342, 1e-7},
		{{100, 101, 102, 103, 104, 105}, {106, 107, 108, 109, 110, 111}, 6, 6, 0, .0021645, 1e-7},
		{{1, 2, 3}, {4, 5, 6, 7, 8, 9}, 3, 6, 0, .0238095, 1e-7},
	};

	for (size_t i = 0; i < N(cases); i++) {
		struct stat_test t = stat_mann_whitney(cases[i].a, cases[i].n_a, cases[i].b, cases[i].n_b);
		struct stat_test back = stat_mann_whitney(cases[i].b, cases[i].n_b, cases[i].a, cases[i].n_a);

		assert_int_equal(t.method, STAT_EXACT);
		check_near(t.u, cases[i].u, 0);
		check_near(t.p, cases[i].p, cases[i].within);
		check_near(back.p, t.p, 0);
		check_near(back.u, cases[i].n_a * cases[i].n_b - t.u, 0);
	}
	check_near(stat_mann_whitney_normal(NUMBERS(1, 2, 3, 4), NUMBERS(5, 6, 7, 8)).p, .0304, 5e-5);
}

static void test_all_equal(void **state)
{
	struct stat_test t = stat_mann_whitney(NUMBERS(5, 5, 5), NUMBERS(5, 5, 5, 5));

	assert_int_equal(t.method, STAT_ALL_EQUAL);
	check_near(t.p, 1, 0);
}

static void test_least(void **state)
{
	static const double want[] = {.3333, .1, .0286, .0079, .0022, .00058, .00016};
	double a[10], b[10];

	for (size_t n = 2; n <= 8; n++) {
		for (size_t i = 0; i < n; i++) {
			a[i] = i;
			b[i] = 100 + i;
		}
		check_near(stat_mann_whitney_least(n, n), want[n - 2], .00005);
		check_near(stat_mann_whitney(a, n, b, n).p, stat_mann_whitney_least(n, n), 1e-12);
	}
}

static uint64_t seed;

static double uniform(void)
{
	return (mix64(++seed) >> 11) * 0x1p-53;
}

/* One sample after the other, all divisions are counted: those whose U is as small. Slow, and plainly right. */
static double counted(const double *a, size_t n_a, const double *b, size_t n_b)
{
	const size_t n = n_a + n_b;
	double all[16], u = 0, ways = 0, small = 0, least;

	memcpy(all, a, n_a * sizeof(*all));
	memcpy(all + n_a, b, n_b * sizeof(*all));
	for (size_t mask = 0, i, k; mask < (size_t)1 << n; mask++) {
		double its = 0;

		if ((size_t)__builtin_popcountll(mask) != n_a)
			continue;
		for (i = 0; i < n; i++)
			for (k = 0; k < n && mask >> i & 1; k++)
				if (!(mask >> k & 1))
					its += all[i] > all[k] ? 1 : all[i] == all[k] ? 0.5 : 0;
		if (mask == ((size_t)1 << n_a) - 1)
			u = its;
	}
	least = fmin(u, n_a * n_b - u);
	for (size_t mask = 0, i, k; mask < (size_t)1 << n; mask++) {
		double its = 0;

		if ((size_t)__builtin_popcountll(mask) != n_a)
			continue;
		for (i = 0; i < n; i++)
			for (k = 0; k < n && mask >> i & 1; k++)
				if (!(mask >> k & 1))
					its += all[i] > all[k] ? 1 : all[i] == all[k] ? 0.5 : 0;
		ways++;
		small += u <= n_a * n_b - u ? its <= least : n_a * n_b - its <= least;
	}
	return u * 2 == n_a * n_b ? 1 : fmin(1, 2 * small / ways);
}

static void test_every_division(void **state)
{
	for (int round = 0; round < 300; round++) {
		const size_t n_a = 1 + (size_t)(6 * uniform()), n_b = 1 + (size_t)(6 * uniform());
		const double steps = round % 3 ? 4 : 1e9;
		double a[6], b[6];
		struct stat_test t;

		for (size_t i = 0; i < n_a; i++)
			a[i] = floor(steps * uniform());
		for (size_t i = 0; i < n_b; i++)
			b[i] = floor(steps * uniform());
		t = stat_mann_whitney(a, n_a, b, n_b);
		if (t.method == STAT_EXACT)
			check_near(t.p, counted(a, n_a, b, n_b), 1e-12);
	}
}

/* Where both are there, they agree; beyond the bounds the approximation is taken. */
static void test_normal(void **state)
{
	double a[60], b[60];

	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < 60; i++) {
			a[i] = uniform();
			b[i] = uniform() + 0.02 * round;
		}
		check_near(stat_mann_whitney(a, 50, b, 50).p, stat_mann_whitney_normal(a, 50, b, 50).p, .004);
		assert_int_equal(stat_mann_whitney(a, 50, b, 50).method, STAT_EXACT);
		assert_int_equal(stat_mann_whitney(a, 51, b, 50).method, STAT_NORMAL);
		a[1] = a[0];
		assert_int_equal(stat_mann_whitney(a, 25, b, 25).method, STAT_EXACT);
		assert_int_equal(stat_mann_whitney(a, 26, b, 25).method, STAT_NORMAL);
	}
}

/* Samples of the same: p is below alpha in at most that share of cases. */
static void test_level(void **state)
{
	size_t below[3] = {0};

	for (int round = 0; round < 4000; round++) {
		double a[10], b[10], p;

		for (size_t i = 0; i < 10; i++) {
			a[i] = floor(1000 * uniform());
			b[i] = floor(1000 * uniform());
		}
		p = stat_mann_whitney(a, 10, b, 7 + round % 4).p;
		below[0] += p <= .01;
		below[1] += p <= .05;
		below[2] += p <= .2;
	}
	assert_in_range(below[0], 10, 60);
	assert_in_range(below[1], 120, 240);
	assert_in_range(below[2], 640, 880);
}

static void test_median_ranks(void **state)
{
	static const struct {
		size_t n, low, high;
	} cases[] = {
		{1, 0, 2}, {2, 0, 3}, {3, 0, 4}, {4, 0, 5}, {5, 0, 5}, {6, 1, 6}, {7, 1, 7}, {8, 1, 7}, {9, 2, 8},
		{10, 2, 9},
		{11, 2, 9}, {12, 3, 10}, {13, 3, 11}, {14, 3, 11}, {15, 4, 12}, {16, 4, 12}, {17, 5, 13}, {18, 5, 14},
		{19, 5, 14}, {20, 6, 15}, {25, 8, 18}, {30, 10, 21},
	};

	for (size_t i = 0; i < N(cases); i++) {
		struct stat_ranks r = stat_median_ranks(cases[i].n, .95);

		assert_int_equal(r.low, cases[i].low);
		assert_int_equal(r.high, cases[i].high);
	}
}

static void test_summary(void **state)
{
	struct stat_summary s = stat_summary(NUMBERS(5, 1, 4, 2, 3, 6), .95);

	check_near(s.median, 3.5, 0);
	check_near(s.low, 1, 0);
	check_near(s.high, 6, 0);
	check_near(stat_spread(&s), 2.5 / 3.5, 1e-12);
	s = stat_summary(NUMBERS(1, 2, 3, 4, 5), .95);
	check_near(s.median, 3, 0);
	assert_true(isinf(s.low) && s.high == 5);
	assert_true(isinf(stat_spread(&s)));
	s = stat_summary(NUMBERS(-1, -1, 0, 0, 1, 1), .95);
	assert_true(isnan(stat_spread(&s)));
	s = stat_summary(NUMBERS(0, 0, 0, 0, 0, 0), .95);
	check_near(stat_spread(&s), 0, 0);
}

/* The measurements that benchstat's documentation has as its example, and the table that it prints of them. */
static void test_documented(void **state)
{
	static const double json_old[] = {1726, 1723, 1707, 1707, 1713, 1729, 1736, 1707, 1705, 1774};
	static const double json_new[] = {1423, 1416, 1411, 1413, 1412, 1426, 1422, 1424, 1447, 1425};
	static const double gob_old[] = {3069, 3075, 3069, 3067, 3207, 3064, 3064, 3058, 3059, 3062};
	static const double gob_new[] = {3075, 3065, 3059, 3065, 3060, 3081, 3186, 3135, 3087, 3062};
	struct stat_summary a = stat_summary(json_old, 10, .95), b = stat_summary(json_new, 10, .95);
	struct stat_summary c = stat_summary(gob_old, 10, .95), d = stat_summary(gob_new, 10, .95);
	struct stat_test t = stat_mann_whitney(gob_old, 10, gob_new, 10);

	check_near(a.median, 1718, 0);
	check_near(b.median, 1422.5, 0);
	check_near(100 * (b.median / a.median - 1), -17.20, .005);
	check_near(round(100 * stat_spread(&a)), 1, 0);
	check_near(round(100 * stat_spread(&b)), 1, 0);
	check_near(stat_mann_whitney(json_old, 10, json_new, 10).p, 1.0825e-5, 1e-9);
	check_near(c.median, 3065.5, 0);
	check_near(d.median, 3070, 0);
	check_near(round(100 * stat_spread(&c)), 0, 0);
	check_near(round(100 * stat_spread(&d)), 2, 0);
	check_near(t.u, 39.5, 0);
	check_near(t.p, .4461019, 1e-7);
}

static void test_adjust(void **state)
{
	/* R: p.adjust(p, "BH") */
	static const double p[] = {.01, .02, .03, .04, .05, .001, .9, .5};
	static const double want[] = {.04, .05333333, .06, .064, .06666667, .008, .9, .5714286};
	double q[8];

	stat_adjust(p, 8, q);
	for (size_t i = 0; i < 8; i++)
		check_near(q[i], want[i], 1e-7);
	stat_adjust(p, 0, q);
	stat_adjust(p, 1, q);
	check_near(q[0], .01, 0);
}

static void test_quantile(void **state)
{
	check_near(stat_normal_quantile(.05), 1.959964, 1e-6);
	check_near(stat_normal_quantile(.01), 2.575829, 1e-6);
}

static struct stat_trend trend_of(const double *t, const double *x, size_t n, double alpha)
{
	struct stat_point points[64];

	for (size_t i = 0; i < n; i++)
		points[i] = (struct stat_point){t ? t[i] : i, x[i], 0};
	return stat_trend(points, n, alpha);
}

static void test_trend(void **state)
{
	struct stat_trend t = trend_of(NULL, NUMBERS(100, 103, 101, 108, 110, 109, 115, 120), .05);

	assert_int_equal(t.s, 24);
	check_near(t.var, 65.3333, 5e-5);
	check_near(t.z, 2.8455, 5e-5);
	check_near(2 * stat_normal_tail(t.z), .004434, 5e-7);
	assert_true(t.exact);
	check_near(t.p, .001736, 5e-7);
	check_near(t.slope, 2.58333, 5e-6);
	check_near(t.low, 1.8, 1e-9);
	check_near(t.high, 3.8, 1e-9);
	check_near(t.intercept, 99.8333, 5e-5);
	assert_int_equal(t.last_s, 3);

	t = trend_of(NULL, NUMBERS(5, 5, 6, 7, 7, 7, 9, 8, 10, 10), .05);
	assert_int_equal(t.s, 38);
	check_near(t.var, 119.3333, 5e-5);
	check_near(t.z, 3.3870, 5e-5);
	assert_false(t.exact);
	check_near(t.p, .000707, 5e-7);
	check_near(t.slope, .571429, 5e-7);

	t = trend_of(NULL, NUMBERS(10, 20, 10, 20, 10, 20, 10, 20, 10, 20), .05);
	assert_int_equal(t.s, 5);
	check_near(t.z, .4178, 5e-5);
	check_near(t.p, .676, 5e-4);
	check_near(t.slope, 0, 0);

	t = trend_of((const double[]){0, 1, 2, 5, 9, 14}, NUMBERS(0, 2, 3, 11, 17, 30), .05);
	assert_int_equal(t.s, 15);
	check_near(2 * stat_normal_tail(t.z), .008535, 5e-7);
	check_near(t.slope, 2.11111, 5e-6);
}

/* Warm-up: the test finds a trend, what makes a leak of it does not. */
static void test_warm_up(void **state)
{
	struct stat_trend t = trend_of(NULL, NUMBERS(1, 5, 9, 10, 10, 10, 10, 10, 10, 10, 10, 10), .05);

	assert_int_equal(t.s, 30);
	check_near(2 * stat_normal_tail((t.s - 1) / sqrt(t.var / t.inflation)), .0083, 5e-5);
	check_near(t.slope, 0, 0);
	check_near(t.low, 0, 0);
	assert_int_equal(t.last_s, 0);
}

/* Points that are alike where they follow each other, as Hamed and Rao count them. Values by a program in
 * Python, of fractions: what is equal stays so without the slope. */
static void test_autocorrelation(void **state)
{
	double line[40], alternating[30];
	struct stat_trend t;

	t = trend_of(NULL, NUMBERS(10, -12, -27, -2, 48, -2, 46, 84, 42, 17, -2, 25, 61, 78, 14, -38, -37, -7, 3, -25,
				   -69, -49, -74, -19, -10, -13, 36, 35, 58, 43), .05);
	assert_int_equal(t.s, -38);
	check_near(t.inflation, 1.565325, 5e-7);
	check_near(t.z, -.527926, 5e-7);
	check_near(t.p, .597551, 5e-7);
	check_near(t.slope, -.55, 1e-9);
	t = trend_of(NULL, NUMBERS(1000, 1001, 1004, 1009, 1016, 1025, 1036, 1049, 1064, 1081, 1100, 1121, 1144, 1169,
				   1196, 1225, 1256, 1289, 1324, 1361, 1400, 1441, 1484, 1529), .05);
	check_near(t.inflation, 3.182770, 5e-7);
	check_near(t.p, .000131581, 5e-10);
	t = trend_of(NULL, NUMBERS(0, 0, 0, 10, 10, 10, 20, 20, 20, 30, 30, 30, 40, 40, 40, 50, 50, 50, 60, 60, 60, 70,
				   70, 70), .05);
	check_near(t.inflation, 1.198987, 5e-7);
	check_near(t.z, 5.737861, 5e-7);
	/* Independent ones, a line, and what goes up and down, lose nothing and gain nothing. */
	t = trend_of(NULL, NUMBERS(1012, 955, 1025, 1046, 1199, 1195, 1128, 1272, 1393, 1468, 1401, 1445, 1476, 1523,
				   1609, 1458, 1586, 1631, 1682, 1689, 1715, 1977, 1871, 1923, 1835), .05);
	check_near(t.inflation, 1, 0);
	check_near(t.z, 6.235777, 5e-7);
	for (size_t i = 0; i < 40; i++)
		line[i] = 1e9 / 3 + 1e7 / 7 * i;
	check_near(trend_of(NULL, line, 40, .05).inflation, 1, 0);
	for (size_t i = 0; i < 30; i++)
		alternating[i] = 100.0 * (i % 2) + i;
	check_near(trend_of(NULL, alternating, 30, .05).inflation, 1, 0);
}

static void test_least_trend(void **state)
{
	static const double want[] = {.083, .0167, .0028};

	for (size_t n = 4; n <= 6; n++)
		check_near(trend_of(NULL, (const double[]){1, 2, 3, 4, 5, 6}, n, .05).p, want[n - 4], .0005);
	assert_true(trend_of(NULL, (const double[]){1, 2, 3, 4, 5}, STAT_TREND_LEAST, .05).p < .05);
	assert_true(trend_of(NULL, (const double[]){1, 2, 3, 4}, STAT_TREND_LEAST - 1, .05).p > .05);
}

/* A process that is started anew begins at nothing: its parts rise, although the last point is no higher. */
static void test_parts(void **state)
{
	struct stat_point points[12];
	struct stat_trend t;

	for (size_t i = 0; i < 12; i++)
		points[i] = (struct stat_point){i, 10.0 * (i % 4) + 1, i / 4};
	t = stat_trend(points, 12, .05);
	assert_int_equal(t.s, 18);
	check_near(t.slope, 10, 1e-12);
	check_near(t.low, 10, 1e-12);
	assert_true(t.p < .001);
	for (size_t i = 0; i < 12; i++)
		points[i].part = 0;
	assert_true(stat_trend(points, 12, .05).p > .2);
	for (size_t i = 0; i < 12; i++)
		points[i].part = i;
	t = stat_trend(points, 12, .05);
	assert_int_equal(t.s, 0);
	check_near(t.p, 1, 0);
	/* Of two parts, p counts all orders of both: of 3 and 2 points that rise, 1 of 12. */
	for (size_t i = 0; i < 5; i++)
		points[i] = (struct stat_point){i, i, i / 3};
	t = stat_trend(points, 5, .05);
	assert_true(t.exact);
	check_near(t.p, 2.0 / 12, 1e-12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mann_whitney), cmocka_unit_test(test_all_equal), cmocka_unit_test(test_least),
		cmocka_unit_test(test_every_division), cmocka_unit_test(test_normal), cmocka_unit_test(test_level),
		cmocka_unit_test(test_median_ranks), cmocka_unit_test(test_summary), cmocka_unit_test(test_documented),
		cmocka_unit_test(test_adjust), cmocka_unit_test(test_quantile), cmocka_unit_test(test_trend),
		cmocka_unit_test(test_warm_up), cmocka_unit_test(test_autocorrelation),
		cmocka_unit_test(test_least_trend), cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
