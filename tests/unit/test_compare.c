/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows over several recordings: how they are joined, and what of their differences is evidence. */
#include <errno.h>
#include <string.h>

#include "compare_fixture.h"

#include "base/text.h"
#include "fake_names.h"
#include "format/compared.h"

/* Builds that nothing has changed: how often would the gate fail them? */
static void check_null_gate(size_t runs)
{
	size_t fired = 0;

	for (int round = 0; round < 200; round++) {
		struct series s;
		struct diff d;

		start(&s);
		add_files(&s, runs, runs);
		add_noisy_rows(&s, 300, .05);
		series_finish(&s);
		diff_make(&s, .05, 0, &d);
		assert_int_equal(d.n_tested, 300);
		fired += diff_fails(&d);
		diff_free(&d);
		series_free(&s);
	}
	if (fired > 10)
		fail_msg("%zu of 200 stable builds fail at %zu runs a side", fired, runs);
}

static void test_null_gate(void **state)
{
	check_null_gate(4);
	check_null_gate(6);
	check_null_gate(10);
}

/* One row of 300, a twentieth of the whole, doubles: found; and that the total grew by 5 %, too. */
static void test_gate_finds(void **state)
{
	double values[20];
	struct series s;
	struct diff d;

	start(&s);
	add_files(&s, 10, 10);
	add_noisy_rows(&s, 299, .01);
	for (size_t i = 0; i < 20; i++)
		values[i] = (i < 10 ? 250000 : 500000) + i;
	add_row(&s, "worse", values);
	series_finish(&s);
	diff_make(&s, .05, 1, &d);
	assert_true(diff_fails(&d));
	assert_true(d.total.over);
	assert_string_equal(d.rows.at[0].row->name, "worse");
	assert_true(d.rows.at[0].over && d.rows.at[0].evident && d.rows.at[0].q < .01);
	assert_int_equal(d.n_over, 1);
	diff_free(&d);
	/* Less than asked for. */
	diff_make(&s, .05, 150, &d);
	assert_false(diff_fails(&d));
	diff_free(&d);
	/* Not asked for. */
	diff_make(&s, .05, NAN, &d);
	assert_false(diff_fails(&d));
	diff_free(&d);
	series_free(&s);
}

/* With four runs a side, the fewest that say anything, the total still fires. */
static void test_gate_of_four(void **state)
{
	const double values[] = {1000, 1001, 1002, 1003, 1100, 1101, 1102, 1103};
	struct series s;
	struct diff d;

	start(&s);
	add_files(&s, 4, 4);
	add_row(&s, "f", values);
	series_finish(&s);
	diff_make(&s, .05, 5, &d);
	assert_true(d.total.over);
	diff_free(&d);
	diff_make(&s, .05, 10.5, &d);
	assert_false(diff_fails(&d));
	diff_free(&d);
	series_free(&s);
}

static void test_appeared(void **state)
{
	struct series s;
	struct diff d;

	start(&s);
	add_files(&s, 4, 4);
	add_row(&s, "gone", (const double[]){7, 7, 8, 9, 0, 0, 0, 0});
	add_row(&s, "new", (const double[]){0, 0, 0, 0, 1, 2, 3, 4});
	add_row(&s, "same", (const double[]){5, 5, 5, 5, 5, 5, 5, 5});
	add_row(&s, "twice", (const double[]){1, 1, 1, 1, 2, 2, 2, 2});
	add_row(&s, "unclear", (const double[]){1, 2, 3, 4, 2, 3, 4, 5});
	series_finish(&s);
	diff_make(&s, .05, NAN, &d);
	assert_int_equal(d.rows.n, 4);
	assert_int_equal(d.n_evident, 3);
	assert_true(d.rows.at[0].vanished && !strcmp(d.rows.at[0].row->name, "gone"));
	assert_true(d.rows.at[1].appeared && !strcmp(d.rows.at[1].row->name, "new"));
	assert_true(isinf(diff_change(&d.rows.at[1])));
	assert_string_equal(d.rows.at[2].row->name, "twice");
	assert_false(d.rows.at[3].evident);
	/* same 5 to 5, twice 1 to 2, unclear 2.5 to 3.5 */
	assert_int_equal(d.n_geomean, 3);
	assert_int_equal(d.n_one_sided, 2);
	assert_true(fabs(d.geomean_ratio - cbrt(2 * 3.5 / 2.5)) < 1e-12);
	assert_true(fabs(d.geomean[0] - cbrt(5 * 1 * 2.5)) < 1e-12);
	diff_free(&d);
	series_free(&s);
}

/* One recording a side: by their own errors; what is exact differs unless it is equal; without errors there is nothing
 * to say. */
static void test_single(void **state)
{
	struct series s;
	struct diff d;

	start(&s);
	add_files(&s, 1, 1);
	add_row(&s, "exact", (const double[]){1000, 1001});
	add_row(&s, "far", (const double[]){1000, 1500});
	add_row(&s, "near", (const double[]){1000, 1100});
	for (size_t i = 1; i < 3; i++)
		s.rows.at[i].cells.at[0].error = s.rows.at[i].cells.at[1].error = 100;
	series_finish(&s);
	diff_make(&s, .05, NAN, &d);
	assert_int_equal(d.rows.n, 3);
	assert_string_equal(d.rows.at[0].row->name, "far");
	assert_true(fabs(d.rows.at[0].p - 2 * stat_normal_tail(500 / hypot(100, 100))) < 1e-12);
	assert_true(d.rows.at[0].evident);
	assert_true(fabs(d.rows.at[0].before.low - (1000 - 195.9964)) < .001);
	assert_string_equal(d.rows.at[1].row->name, "exact");
	assert_true(d.rows.at[1].evident && d.rows.at[1].p == 0);
	assert_false(d.rows.at[2].evident);
	diff_free(&d);
	s.files.at[1].no_errors = true;
	diff_make(&s, .05, 0, &d);
	assert_int_equal(d.n_evident, 0);
	assert_false(diff_fails(&d));
	assert_true(d.total.unknown);
	diff_free(&d);
	series_free(&s);
}

/* --- recordings */

static const char *const allocators[] = {"malloc"};

enum { MAIN, PARSE, LOAD };

struct made {
	struct modules modules;
	struct profile p;
	struct recording r;
	uint32_t exe, task;
};

static void make(struct made *m, const char *build_id, uint32_t pid)
{
	memset(m, 0, sizeof(*m));
	modules_init(&m->modules);
	profile_init(&m->p, &m->modules, allocators, 1);
	m->exe = modules_file(&m->modules, "/usr/bin/prog", 1, 1, -1, 1, false);
	m->modules.list.at[m->exe]->build_id = xstrdup(build_id);
	m->task = profile_task(&m->p, pid, 0, 0, "prog");
	fake_functions[MAIN] = "main";
	fake_functions[PARSE] = "parse";
	fake_functions[LOAD] = "std::map<std::string, int, std::less<std::string> >::load(int)";
	m->r = (struct recording){
		.profile = &m->p, .names = fake_names_new(&m->modules), .views = VIEW_BIT(VIEW_KINDS) - 1,
		.target = "prog (pid 1)", .duration_ns = 2000000000, .ops = 10,
	};
}

static void add(struct made *m, int function, int offset, uint64_t bytes, double var)
{
	const uint32_t frames[] = {profile_frame(&m->p, m->exe, FAKE(function) + offset),
				   profile_frame(&m->p, m->exe, FAKE(MAIN) + 1)};
	uint32_t stack = profile_stack(&m->p, m->task, 0, frames, 2, STACK_END_COMPLETE);
	const struct counters c = {.bytes = bytes, .calls = 2, .bytes_var = var};

	profile_add(&m->p, PROFILE_ALLOC, stack, c);
	profile_add(&m->p, PROFILE_LIVE, stack, c);
	m->r.recorded = m->r.seen = profile_total(&m->p, PROFILE_ALLOC);
}

static void unmake(struct made *m)
{
	fake_reset();
	fake_names_free(m->r.names);
	profile_free(&m->p);
	modules_free(&m->modules);
}

static void put(struct series *s, struct made *m, int side)
{
	assert_int_equal(series_add(s, &m->r, "x.pb.gz", side), 0);
	unmake(m);
}

static double value_of(const struct series *s, const char *name, int side)
{
	double values[8], errors[8];

	for (size_t i = 0; i < s->rows.n; i++)
		if (!strcmp(s->rows.at[i].name, name)) {
			assert_true(series_values(s, &s->rows.at[i], side, values, errors) > 0);
			return values[0];
		}
	fail_msg("no row %s", name);
	return 0;
}

static void test_builds(void **state)
{
	struct series s;
	struct made m;

	/* The same build: offsets count. */
	start(&s);
	make(&m, "aa", 1);
	add(&m, PARSE, 0x10, 100, 0);
	add(&m, PARSE, 0x20, 10, 0);
	put(&s, &m, 0);
	make(&m, "aa", 2);
	add(&m, PARSE, 0x10, 200, 0);
	put(&s, &m, 1);
	series_finish(&s);
	assert_false(s.coarse);
	assert_int_equal(s.rows.n, 2);
	assert_true(value_of(&s, "parse+0x11", 0) == 100);
	assert_true(value_of(&s, "parse+0x11", 1) == 200);
	assert_true(value_of(&s, "parse+0x21", 1) == 0);
	assert_string_equal(s.rows.at[0].chain, "main");
	series_free(&s);

	/* Another one: what is left is the function. */
	start(&s);
	make(&m, "aa", 1);
	add(&m, PARSE, 0x10, 100, 0);
	add(&m, PARSE, 0x20, 10, 0);
	put(&s, &m, 0);
	make(&m, "bb", 2);
	add(&m, PARSE, 0x18, 200, 0);
	put(&s, &m, 1);
	series_finish(&s);
	assert_true(s.coarse);
	assert_int_equal(s.rows.n, 1);
	assert_true(value_of(&s, "parse", 0) == 110);
	assert_true(value_of(&s, "parse", 1) == 200);
	series_free(&s);
}

static void test_units(void **state)
{
	static const struct {
		enum series_unit unit;
		double want, total;
	} cases[] = {
		{SERIES_PLAIN, 100, 110}, {SERIES_PER_TIME, 50, 55}, {SERIES_PER_CALL, 25, 27.5},
		{SERIES_PER_OP, 10, 11},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct series s;
		struct made m;
		double total, error;

		start(&s);
		s.unit = cases[i].unit;
		make(&m, "aa", 1);
		add(&m, PARSE, 0x10, 100, 400);
		add(&m, LOAD, 0x10, 10, 0);
		put(&s, &m, 0);
		series_finish(&s);
		assert_true(value_of(&s, "parse+0x11", 0) == cases[i].want);
		series_values(&s, NULL, 0, &total, &error);
		assert_true(total == cases[i].total);
		assert_true(fabs(s.rows.at[0].cells.at[0].error + s.rows.at[1].cells.at[0].error - .2 * cases[i].want) <
			    1e-9);
		series_free(&s);
	}
}

static void test_missing_unit(void **state)
{
	struct series s;
	struct made m;

	log_set_stream(fopen("/dev/null", "w"));
	start(&s);
	s.unit = SERIES_PER_OP;
	make(&m, "aa", 1);
	add(&m, PARSE, 0x10, 100, 0);
	m.r.ops = 0;
	assert_int_equal(series_add(&s, &m.r, "x", 0), -EINVAL);
	s.unit = SERIES_PLAIN;
	s.most_bytes = 100;
	assert_int_equal(series_add(&s, &m.r, "x", 0), -EFBIG);
	unmake(&m);
	series_free(&s);
	log_set_stream(stderr);
}

static void check_cut(const char *name, bool coarse, bool pids, const char *want)
{
	struct buf out = {0};

	series_cut_name(name, coarse, pids, &out);
	assert_string_equal(buf_cstr(&out), want);
	buf_free(&out);
}

static void test_cut(void **state)
{
	check_cut("parse+0x1f", true, false, "parse");
	check_cut("parse+0x1f", false, false, "parse+0x1f");
	check_cut("libx.so.1+0x9d4c3", true, false, "libx.so.1");
	check_cut("parse (parse.c:12)", true, false, "parse");
	check_cut("main.(*Ledger).Rich (ledger.go:38)", true, false, "main.(*Ledger).Rich");
	check_cut("f(int) (a.cc:1) < g+0x1 < h", true, false, "f(int) < g < h");
	check_cut("parse.c:12", true, false, "parse.c");
	check_cut("operator+(int)", true, false, "operator+(int)");
	check_cut("std::a (b:c)", true, false, "std::a (b:c)");
	check_cut("x+0x", true, false, "x+0x");
	check_cut("worker (4711/4715, inner 1)", false, true, "worker");
	check_cut("server (all processes)", false, true, "server (all processes)");
	check_cut("server (4711) x", false, true, "server (4711) x");
}

/* --- reports */

static char *render(const struct diff *d, size_t width)
{
	const struct compared_options o = {.top = 30, .width = width, .labels = {"BEFORE", "AFTER"}};
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_int_equal(compared_write_diff(f, d, &o), 0);
	fclose(f);
	return text;
}

static void check_lines(const char *text, size_t width)
{
	char *copy = strdup(text);

	for (char *line = copy, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		*end = '\0';
		if (text_width(line) > width)
			fail_msg("%zu columns, not %zu: %s", text_width(line), width, line);
		assert_true(end == line || end[-1] != ' ');
	}
	free(copy);
}

/* Of three recordings a side, in the order that the permutation says. */
static char *rendered_in_order(const int order[6])
{
	static const uint64_t bytes[6] = {1000, 1100, 900, 2000, 2200, 2100};
	struct series s;
	struct diff d;
	char *text;

	start(&s);
	for (int i = 0; i < 6; i++) {
		struct made m;

		make(&m, "aa", 10 + order[i]);
		add(&m, PARSE, 0x10, bytes[order[i]], 0);
		add(&m, LOAD, 0x10 + order[i] % 2, 512 * (order[i] + 1), 0);
		put(&s, &m, order[i] >= 3);
	}
	series_finish(&s);
	diff_make(&s, .05, NAN, &d);
	/* What the recordings are called is said in the order in which they were given. */
	text = render(&d, 100);
	check_lines(text, 100);
	diff_free(&d);
	series_free(&s);
	return text;
}

static void test_order(void **state)
{
	char *want = rendered_in_order((const int[]){0, 1, 2, 3, 4, 5});

	for (int i = 0; i < 20; i++) {
		int order[6] = {0, 1, 2, 3, 4, 5};
		char *got;

		for (int k = 5; k > 0; k--) {
			const int with = (int)(uniform() * (k + 1)), was = order[k];

			order[k] = order[with];
			order[with] = was;
		}
		got = rendered_in_order(order);
		assert_string_equal(got, want);
		free(got);
	}
	free(want);
}

/* Of a random profile. */
static void test_with_itself(void **state)
{
	for (int round = 0; round < 20; round++) {
		struct series s;
		struct diff d;
		char *text;

		start(&s);
		for (int side = 0; side < 2; side++) {
			const uint64_t was = seed;
			struct made m;

			make(&m, "aa", 1);
			for (int i = 0; i < 50; i++)
				add(&m, (int)(3 * uniform()), (int)(100 * uniform()), (uint64_t)(1e6 * uniform()),
				    1e4 * uniform());
			put(&s, &m, side);
			seed = side ? seed : was;
		}
		series_finish(&s);
		diff_make(&s, .05, 0, &d);
		assert_int_equal(d.rows.n, 0);
		assert_int_equal(d.n_evident, 0);
		assert_false(diff_fails(&d));
		assert_true(d.geomean_ratio == 1);
		text = render(&d, 80);
		assert_non_null(strstr(text, "(no row differs)"));
		check_lines(text, 80);
		free(text);
		diff_free(&d);
		series_free(&s);
	}
}

static void test_table(void **state)
{
	static const char want[] =
		"before     6 recordings: file0 … file5\n"
		"after      6 recordings: file6 … file11\n"
		"compared   bytes of view alloc by site: medians, ±: confidence interval, 95 %\n"
		"tested     Mann-Whitney, n=6; ~: no evidence of a difference (p > 0.05),\n"
		"           *: evident among all 2 rows of at least 0.1 % of the total\n"
		"           (Benjamini-Hochberg)\n"
		"gate       failed: growth above 5 %:\n"
		"           total +6.93% (p=0.002); 1 row: parse +10.90%\n"
		"\n"
		"  BEFORE         AFTER        DELTA  P       SITE < CALLERS\n"
		" 160 KiB ±0%   171 KiB ±0%   +6.93%  0.002   [total]\n"
		" 100 KiB ±0%   111 KiB ±0%  +10.90%  0.002*  parse\n"
		"60.0 KiB ±0%  60.2 KiB ±0%        ~  0.180   load\n"
		"77.5 KiB      81.7 KiB       +5.48%          [geomean]\n";
	const double parse[] = {102400, 102401, 102402, 102403, 102404, 102405, 113560, 113561, 113562, 113563, 113564,
				113565};
	const double load[] = {61440, 61340, 61240, 61640, 61540, 61441, 61590, 61691, 61439, 61740, 61789, 61391};
	struct series s;
	struct diff d;
	char *text;

	start(&s);
	add_files(&s, 6, 6);
	add_row(&s, "load", load);
	add_row(&s, "parse", parse);
	series_finish(&s);
	diff_make(&s, .05, 5, &d);
	text = render(&d, 80);
	assert_string_equal(text, want);
	free(text);
	for (size_t width = 20; width < 200; width += 7) {
		text = render(&d, width);
		check_lines(text, width < 24 ? 24 : width);
		free(text);
	}
	diff_free(&d);
	series_free(&s);
}

/* Who has a row is known by recordings. */
static void test_processes(void **state)
{
	struct series s;
	struct made m;

	start(&s);
	for (uint32_t pid = 1; pid <= 2; pid++) {
		make(&m, "aa", pid);
		add(&m, PARSE, 0x10, 100, 0);
		put(&s, &m, 0);
	}
	make(&m, "aa", 2);
	add(&m, PARSE, 0x10, 100, 0);
	m.task = profile_task(&m.p, 3, 0, 0, "prog");
	add(&m, PARSE, 0x10, 100, 0);
	put(&s, &m, 0);
	make(&m, "aa", 0);
	add(&m, PARSE, 0x10, 100, 0);
	put(&s, &m, 0);
	series_finish(&s);
	assert_int_equal(s.rows.n, 1);
	assert_true(series_other_processes(&s, s.rows.at[0].cells.at[0].who, s.rows.at[0].cells.at[1].who));
	assert_true(series_other_processes(&s, s.rows.at[0].cells.at[0].who, s.rows.at[0].cells.at[2].who));
	assert_false(series_other_processes(&s, s.rows.at[0].cells.at[1].who, s.rows.at[0].cells.at[2].who));
	assert_false(series_other_processes(&s, s.rows.at[0].cells.at[0].who, s.rows.at[0].cells.at[3].who));
	series_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_null_gate), cmocka_unit_test(test_gate_finds),
		cmocka_unit_test(test_gate_of_four),
		cmocka_unit_test(test_appeared), cmocka_unit_test(test_single), cmocka_unit_test(test_builds),
		cmocka_unit_test(test_units), cmocka_unit_test(test_missing_unit), cmocka_unit_test(test_cut),
		cmocka_unit_test(test_order), cmocka_unit_test(test_with_itself), cmocka_unit_test(test_table),
		cmocka_unit_test(test_processes),
	};

	setenv("LC_ALL", "C.UTF-8", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
