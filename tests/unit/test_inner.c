/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows inside of rows (--by A,B): sums, which are shown, tables, lines of benchmarks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "host_fixture.h"
#include "view/sheet.h"

static void by(struct fixture *x, const char *outer, const char *inner)
{
	x->o.by = view_by_find(outer);
	x->o.then = view_by_find(inner);
	assert_non_null(x->o.by);
	assert_non_null(x->o.then);
}

/* With other counters than those of allocations, and ages and sizes. */
static void add_more(struct fixture *x)
{
	add_host(x);
	add_server(x);
	for (uint32_t i = 0; i < x->p.stacks.n; i++) {
		for (int kind = 1; kind < PROFILE_KINDS; kind++)
			profile_add(&x->p, kind, i, (struct counters){.bytes = 1009 * (i + 3) / kind, .calls = i + 1});
		profile_add_age(&x->p, i, 1000000 + i * 777);
		profile_add_hist(&x->p, PROFILE_SIZES, i, 5 + i % 7, 12.5);
		profile_add_hist(&x->p, PROFILE_LIFETIMES, i, 15 + i % 5, 3);
	}
	x->p.now_ns = 10000000000;
}

/* What a stack counts for: the row that it is in, and in that one an inner row, once. */
static void check_sheet(const struct sheet *s)
{
	const struct profile *p = s->r->profile;

	assert_int_equal(s->inner_first[0], 0);
	assert_int_equal(s->inner_first[s->n_rows], s->inner.n);
	for (size_t i = 0; i < s->n_rows; i++) {
		struct counters sum = {0};

		for (size_t k = s->inner_first[i]; k < s->inner_first[i + 1]; k++) {
			const struct view_row *row = &s->inner.rows[k];

			sum = counters_add(sum, row->flat);
			assert_true(row->stack < p->stacks.n && s->inner.row_of[row->stack] == k);
			assert_true(k == s->inner_first[i] || counters_metric(row[-1].flat, s->metric) >=
				    counters_metric(row->flat, s->metric));
		}
		assert_int_equal(sum.bytes, s->view.rows[i].flat.bytes);
		assert_int_equal(sum.calls, s->view.rows[i].flat.calls);
	}
	for (size_t i = 0; i < p->stacks.n; i++) {
		const uint32_t row = s->view.row_of[i], inner = s->inner.row_of[i];

		assert_true((row < s->n_rows) == (inner != VIEW_NO_ROW));
		assert_true(row >= s->n_rows || (inner >= s->inner_first[row] && inner < s->inner_first[row + 1]));
	}
}

static void any_two(void **state)
{
	struct fixture *x = *state;
	struct sheet sheets[SHEETS_MAX];

	add_more(x);
	for (const struct view_by *a = view_bys; a->name; a++) {
		for (const struct view_by *b = view_bys; b->name; b++) {
			for (int i = 0; i < 2 * VIEW_KINDS; i++) {
				assert_int_equal(sheet_list(&x->r, VIEW_BIT(i / 2), a, b, i & 1 ? METRIC_CALLS :
							    METRIC_BYTES, false, sheets), 1);
				sheet_fill(&sheets[0], 0);
				check_sheet(&sheets[0]);
				sheet_free(&sheets[0]);
				sheet_fill(&sheets[0], 3);
				check_sheet(&sheets[0]);
				sheet_free(&sheets[0]);
			}
		}
	}
}

static struct sheet programs(struct fixture *x, bool cum)
{
	struct sheet sheets[SHEETS_MAX];

	assert_int_equal(sheet_list(&x->r, VIEW_BIT(VIEW_ALLOC), view_by_find("program"), view_by_find("function"),
				    METRIC_BYTES, cum, sheets), 1);
	return sheets[0];
}

static void check_shown(const struct sheet *s, const char *want)
{
	struct buf b = {0};

	for (size_t i = 0; i < s->n_rows; i++) {
		buf_printf(&b, "%s%s:", i ? "; " : "", s->view.rows[i].name);
		for (size_t k = 0; k < s->inner_shown[i]; k++)
			buf_printf(&b, " %s", s->inner.rows[s->inner_first[i] + k].name);
	}
	assert_string_equal(buf_cstr(&b), want);
	buf_free(&b);
}

/* So many rows, and of the rows inside of these the heaviest, of one weight those of the first row first; but of each
 * one at least. */
static void which_are_shown(void **state)
{
	struct fixture *x = *state;
	struct sheet s;

	add_host(x);
	s = programs(x, false);
	sheet_fill(&s, 0);
	check_shown(&s, "unknown: create_string parse_value; redis: create_string parse_value; "
		    "cc1: create_string parse_value; nginx: create_string parse_value");
	sheet_free(&s);
	sheet_fill(&s, 3);
	/* 96000, 48000, and 32000 before redis' 16000; cc1's 24000 are its heaviest */
	check_shown(&s, "unknown: create_string parse_value; redis: create_string; cc1: create_string");
	assert_int_equal(s.inner_details[s.inner.rows[0].id].alloc.bytes, 96000);
	assert_int_equal(s.inner_details[s.inner.rows[2].id].alloc.bytes, 48000);
	assert_int_equal(s.inner.rows[3].id, VIEW_NO_ROW);
	sheet_show_fewer(&s, 2);
	check_shown(&s, "unknown: create_string; redis: create_string");
	sheet_show_fewer(&s, 1);
	check_shown(&s, "unknown: create_string");
	sheet_free(&s);
	s.metric = METRIC_CALLS;
	sheet_fill(&s, 2);
	check_shown(&s, "nginx: create_string parse_value; cc1: create_string");
	sheet_free(&s);
}

/* What the rows of a row call, of its stacks alone. */
static void cumulative(void **state)
{
	struct fixture *x = *state;
	struct sheet s;

	add_host(x);
	s = programs(x, true);
	assert_true(s.cum);
	sheet_fill(&s, 0);
	check_shown(&s, "unknown: main create_string parse_value; redis: main create_string parse_value; "
		    "cc1: main create_string parse_value; nginx: main create_string parse_value");
	assert_int_equal(s.inner.rows[3].cum.bytes, 64000);
	assert_int_equal(s.inner.rows[3].flat.bytes, 0);
	assert_int_equal(s.inner.rows[4].cum.bytes, 48000);
	sheet_free(&s);
	/* A stack may be on several rows of the first grouping, then: they have no parts. */
	assert_false(view_has_cum(view_by_find("site"), view_by_find("function")));
	assert_false(view_has_cum(view_by_find("site"), view_by_find("program")));
	assert_true(view_has_cum(view_by_find("site"), NULL));
}

static void table_by_program_and_site(void **state)
{
	struct fixture *x = *state;

	add_host(x);
	add_server(x);
	by(x, "program", "site");
	check_golden(x, "table", __func__);
	x->o.top = 3;
	check_golden(x, "table", "table_by_program_and_site_top");
	x->o.width = 200;
	check_golden(x, "table", "table_by_program_and_site_wide");
	x->o.colour = true;
	x->o.top = 4;
	check_golden(x, "table", "table_by_program_and_site_colour");
}

static void table_by_container_and_process(void **state)
{
	struct fixture *x = *state;

	add_host(x);
	by(x, "container", "process");
	check_golden(x, "table", __func__);
	by(x, "function", "user");
	x->o.width = 120;
	check_golden(x, "table", "table_by_function_and_user");
	by(x, "container", "function");
	x->o.cum = true;
	check_golden(x, "table", "table_by_container_and_function_cum");
}

static void every_view_of_two(void **state)
{
	struct fixture *x = *state;

	add_more(x);
	x->o.views = VIEW_BIT(VIEW_KINDS) - 1;
	x->o.top = 2;
	x->o.width = 0;
	by(x, "program", "site");
	check_golden(x, "table", __func__);
}

/* Whatever the width; a file has the same. */
static void any_width(void **state)
{
	struct fixture *x = *state;
	struct stored *s;

	add_more(x);
	x->o.views = VIEW_BIT(VIEW_ALLOC) | VIEW_BIT(VIEW_LIVE) | VIEW_BIT(VIEW_SIZES);
	s = through_a_file(x);
	for (const struct view_by *a = view_bys; a->name; a++) {
		for (const struct view_by *b = view_bys; b->name; b++) {
			char *want, *got;

			x->o.by = a;
			x->o.then = b;
			for (x->o.width = 24; x->o.width <= 210; x->o.width += 31)
				check_widths(x, x->o.width);
			x->o.width = 0;
			check_widths(x, 200);
			want = render(x, "table");
			got = render_recording(x, stored_recording(s), "table");
			assert_string_equal(got, want);
			free(want);
			free(got);
		}
	}
	by(x, "program", "site");
	for (x->o.width = 1; x->o.width < 24; x->o.width++)
		free(render(x, "table"));
	stored_free(s);
}

/* On a screen fewer rows, and what is left out is said; each table has its part. */
static void any_height(void **state)
{
	struct fixture *x = *state;

	add_more(x);
	x->r.interval = 1;
	by(x, "program", "site");
	for (x->o.height = 1; x->o.height < 50; x->o.height++) {
		char *text = render(x, "table"), *last;

		assert_true(text_lines(text, strlen(text)) <= x->o.height);
		last = strstr(text, "more program");
		if (x->o.height >= 10) {
			assert_non_null(strstr(text, "server"));
			assert_non_null(strstr(text, "zmalloc"));
			assert_true(last || strstr(text, "nginx"));
		}
		free(text);
	}
}

static void benchmarks(void **state)
{
	struct fixture *x = *state;
	char *text;

	add_host(x);
	x->r.ops = 1000;
	x->o.top = 1;
	by(x, "program", "function");
	text = render(x, "benchfmt");
	assert_string_equal(text,
			    "goos: linux\nview: alloc\nby: program,function\n"
			    "BenchmarkTotal\t1000\t252 B/op\t0.036 allocs/op\n"
			    "BenchmarkProgram/unknown\t1000\t128 B/op\t0.006 allocs/op\n"
			    "BenchmarkProgram/unknown/Function/create_string\t1000\t96 B/op\t0.004 allocs/op\n"
			    "BenchmarkProgram/unknown/Rest\t1000\t32 B/op\t0.002 allocs/op\n"
			    "BenchmarkRest\t1000\t124 B/op\t0.03 allocs/op\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(any_two), TEST(which_are_shown), TEST(cumulative), TEST(table_by_program_and_site),
		TEST(table_by_container_and_process), TEST(every_view_of_two), TEST(any_width), TEST(any_height),
		TEST(benchmarks),
	};

	return cmocka_run_group_tests_name("inner", tests, NULL, NULL);
}
