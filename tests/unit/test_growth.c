/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rises steadily over recordings, and what does not. */
#include <errno.h>
#include <string.h>

#include "compare_fixture.h"

#include "compare/growth.h"

static int grow(struct series *s, double least, struct growth *g)
{
	series_finish(s);
	return growth_make(s, .05, least, g);
}

static void test_growth(void **state)
{
	double leak[24], warm[24], slow[24], saw[24], big[24];
	struct series s;
	struct growth g;

	start(&s);
	s.view = VIEW_LIVE;
	add_files(&s, 24, 0);
	for (size_t i = 0; i < 24; i++) {
		leak[i] = 10000 + 5000 * i + 20000 * uniform();
		warm[i] = i < 4 ? 30000 * (i + 1) : 120000;
		slow[i] = 100000 + i;
		saw[i] = 50000 + 20000 * (i % 2);
		big[i] = 1e6 + 1e5 * noise();
	}
	add_row(&s, "leak", leak);
	add_row(&s, "warm", warm);
	add_row(&s, "slow", slow);
	add_row(&s, "saw", saw);
	add_row(&s, "big", big);
	assert_int_equal(grow(&s, .1, &g), 0);
	assert_int_equal(g.rows.n, 1);
	assert_string_equal(g.rows.at[0].row->name, "leak");
	assert_true(g.rows.at[0].trend.slope > 4500 && g.rows.at[0].trend.slope < 5500);
	assert_int_equal(g.rows.at[0].parts, 1);
	assert_int_equal(g.n_slow, 1);
	assert_int_equal(g.n_levels_off, 1);
	assert_true(fabs(g.hours - 23) < 1e-9);
	growth_free(&g);
	assert_int_equal(growth_make(&s, .05, 0, &g), 0);
	assert_int_equal(g.rows.n, 2);
	assert_string_equal(g.rows.at[1].row->name, "slow");
	growth_free(&g);
	series_free(&s);
}

/* Five rises to the same height, each of another process. */
static void test_restarts(void **state)
{
	double values[25];
	struct series s;
	struct growth g;

	start(&s);
	s.view = VIEW_LIVE;
	add_files(&s, 25, 0);
	for (size_t i = 0; i < 25; i++)
		values[i] = 1000 + 1000 * (i % 5);
	add_row(&s, "leak", values);
	assert_int_equal(grow(&s, .1, &g), 0);
	assert_int_equal(g.rows.n, 0);
	growth_free(&g);
	for (size_t i = 0; i < 25; i++) {
		char text[32];

		snprintf(text, sizeof(text), "%zx ", 100 + i / 5);
		s.rows.at[0].cells.at[i].who = strpool_id(&s.pid_sets, text);
	}
	assert_int_equal(growth_make(&s, .05, .1, &g), 0);
	assert_int_equal(g.rows.n, 1);
	assert_int_equal(g.rows.at[0].parts, 5);
	assert_true(fabs(g.rows.at[0].trend.slope - 1000) < 1e-6);
	growth_free(&g);
	/* Runs of alloctrace: each began when its first recording was an hour away. */
	for (size_t i = 0; i < 25; i++) {
		s.rows.at[0].cells.at[i].who = 0;
		s.files.at[i].duration_ns = 3600000000000ULL * (i % 5 + 1);
	}
	assert_int_equal(growth_make(&s, .05, .1, &g), 0);
	assert_int_equal(g.runs, 5);
	assert_int_equal(g.rows.n, 1);
	growth_free(&g);
	series_free(&s);
}

/* Stable heaps: how often does anything of theirs rise? */
static void test_null_growth(void **state)
{
	size_t risen = 0;

	for (int round = 0; round < 200; round++) {
		struct series s;
		struct growth g;

		start(&s);
		s.view = VIEW_LIVE;
		add_files(&s, 8, 0);
		add_noisy_rows(&s, 100, .05);
		assert_int_equal(grow(&s, 0, &g), 0);
		risen += g.rows.n > 0;
		growth_free(&g);
		series_free(&s);
	}
	assert_in_range(risen, 0, 10);
}

static void test_too_few(void **state)
{
	struct series s;
	struct growth g;

	log_set_stream(fopen("/dev/null", "w"));
	start(&s);
	add_files(&s, 4, 0);
	add_row(&s, "f", (const double[]){1, 2, 3, 4});
	assert_int_equal(grow(&s, .1, &g), -EINVAL);
	series_free(&s);
	start(&s);
	add_files(&s, 6, 0);
	s.files.at[5].time_ns = s.files.at[1].time_ns;
	assert_int_equal(grow(&s, .1, &g), -EINVAL);
	s.files.at[5].time_ns = 0;
	assert_int_equal(growth_make(&s, .05, .1, &g), -EINVAL);
	series_free(&s);
	log_set_stream(stderr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_growth), cmocka_unit_test(test_restarts), cmocka_unit_test(test_null_growth),
		cmocka_unit_test(test_too_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
