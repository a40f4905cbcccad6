/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of columns and views, and the values of columns without any text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "report_fixture.h"
#include "view/columns.h"

#define SECOND 1000000000ULL

enum { STRINGS, TABLES };

static void put(struct fixture *x, enum profile_kind kind, uint32_t stack, uint64_t bytes, uint64_t calls)
{
	profile_add(&x->p, kind, stack, (struct counters){.bytes = bytes, .calls = calls});
}

static void add_heap(struct fixture *x)
{
	add_server(x);
	put(x, PROFILE_LIVE, STRINGS, 3000, 10);
	put(x, PROFILE_LIVE, TABLES, 1000, 4);
	put(x, PROFILE_LEAKS, STRINGS, 500, 2);
	put(x, PROFILE_PEAK, STRINGS, 900, 2);
	put(x, PROFILE_TEMP, STRINGS, 900, 4123457 / 7);
	put(x, PROFILE_FREED, STRINGS, 1342174280, 4123447);
	put(x, PROFILE_MARKED, TABLES, 300, 3);
	put(x, PROFILE_GENERATION, TABLES, 100, 1);
	put(x, PROFILE_GENERATION + 1, TABLES, 200, 2);
	x->p.generations = 2;
	x->p.first_generation = 5;
	x->p.now_ns = 100 * SECOND;
	profile_add_age(&x->p, STRINGS, 93 * SECOND);
	profile_add_hist(&x->p, PROFILE_SIZES, STRINGS, 8, 3);
	profile_add_hist(&x->p, PROFILE_LIFETIMES, STRINGS, 11, 3);
}

/* The value of the sheet's first row in the column of that key; of several, the index-th. */
static struct value value_of(const struct sheet *s, const char *key, uint32_t index)
{
	struct numbers n = {
		.flat = s->view.rows[0].flat, .cum = s->view.rows[0].cum, .sum = s->view.rows[0].flat,
		.detail = s->details,
	};
	struct column_at all[COLUMNS_MAX];
	size_t n_columns = columns_of(s, all);

	for (size_t i = 0; i < n_columns; i++)
		if (!strcmp(all[i].column->key, key) && all[i].index == index)
			return column_value(s, all[i], &n);
	fail_msg("%s has no column %s (%u)", s->kind->name, key, index);
	return (struct value){0};
}

static struct value value_in(struct fixture *x, enum view_id view, size_t i, const char *key, uint32_t index)
{
	struct sheet sheets[SHEETS_MAX];
	struct value v;

	assert_true(i < sheet_list(&x->r, VIEW_BIT(view), x->o.by, x->o.then, METRIC_BYTES, x->o.cum, sheets));
	sheet_fill(&sheets[i], 0);
	v = value_of(&sheets[i], key, index);
	sheet_free(&sheets[i]);
	return v;
}

static void check_number(struct value v, enum value_kind kind, uint64_t number)
{
	assert_int_equal(v.kind, kind);
	assert_int_equal(v.number, number);
	assert_true(v.error == 0);
}

static void values(void **state)
{
	struct fixture *x = *state;
	struct value v;

	add_heap(x);
	check_number(value_in(x, VIEW_LIVE, 0, "bytes", 0), VALUE_BYTES, 3000);
	check_number(value_in(x, VIEW_LIVE, 0, "calls", 0), VALUE_COUNT, 10);
	check_number(value_in(x, VIEW_LIVE, 0, "mean", 0), VALUE_BYTES, 300);
	check_number(value_in(x, VIEW_LIVE, 0, "oldest", 0), VALUE_DURATION, 7 * SECOND);
	check_number(value_in(x, VIEW_LIVE, 0, "allocated", 0), VALUE_BYTES, 1342177280);
	check_number(value_in(x, VIEW_LIVE, 1, "mark", 1), VALUE_BYTES, 200);
	check_number(value_in(x, VIEW_SIZES, 0, "median", 0), VALUE_BYTES, 256);
	check_number(value_in(x, VIEW_LIFETIMES, 0, "median", 0), VALUE_DURATION, 2048);
	assert_true(value_in(x, VIEW_LIFETIMES, 0, "median", 0).below);
	v = value_in(x, VIEW_LIVE, 0, "share", 0);
	assert_int_equal(v.kind, VALUE_SHARE);
	assert_true(v.share == 0.75);
	v = value_in(x, VIEW_TEMP, 0, "temp_share", 0);
	assert_true(v.share > 0.1428 && v.share < 0.1429);
}

static void errors_are_in_the_unit_of_the_value(void **state)
{
	struct fixture *x = *state;
	struct value v;

	put(x, PROFILE_ALLOC, profile_stack(&x->p, x->task, 0, (uint32_t[]){frame(x, MAIN, 1)}, 1, 0), 1000, 10);
	x->p.sums[PROFILE_ALLOC].at[0].bytes_var = 100 * 100;
	v = value_in(x, VIEW_ALLOC, 0, "bytes", 0);
	assert_true(v.error > 99.9 && v.error < 100.1);
	v = value_in(x, VIEW_ALLOC, 0, "mean", 0);
	assert_true(v.error > 9.99 && v.error < 10.01);
	v = value_in(x, VIEW_ALLOC, 0, "share", 0);
	assert_true(v.error > 0.0999 && v.error < 0.1001);
	v = value_in(x, VIEW_ALLOC, 0, "error", 0);
	assert_int_equal(v.kind, VALUE_ERROR);
	assert_true(v.share > 0.0999 && v.share < 0.1001);
}

static void check_per_op(struct value v, enum value_kind kind, double per_op, double error)
{
	assert_int_equal(v.kind, kind);
	assert_float_equal(v.per_op, per_op, 1e-9);
	assert_float_equal(v.error, error, 1e-9);
}

static bool has_column(struct fixture *x, enum view_id view, const char *key)
{
	struct sheet sheets[SHEETS_MAX];
	struct column_at all[COLUMNS_MAX];
	size_t n;
	bool has = false;

	sheet_list(&x->r, VIEW_BIT(view), x->o.by, x->o.then, METRIC_BYTES, false, sheets);
	sheet_fill(&sheets[0], 0);
	n = columns_of(&sheets[0], all);
	for (size_t i = 0; i < n; i++)
		has |= !strcmp(all[i].column->key, key);
	sheet_free(&sheets[0]);
	return has;
}

/* A row's own counts by the number of operations; nothing of what was there at one moment, and nothing without it. */
static void numbers_per_operation(void **state)
{
	struct fixture *x = *state;

	add_heap(x);
	for (enum view_id i = 0; i < VIEW_KINDS; i++)
		assert_false(has_column(x, i, "bytes_per_op"));
	x->r.ops = 1000;
	check_per_op(value_in(x, VIEW_ALLOC, 0, "bytes_per_op", 0), VALUE_BYTES_PER_OP, 1342177.28, 0);
	check_per_op(value_in(x, VIEW_ALLOC, 0, "calls_per_op", 0), VALUE_COUNT_PER_OP, 4123.457, 0);
	check_per_op(value_in(x, VIEW_LEAKS, 0, "bytes_per_op", 0), VALUE_BYTES_PER_OP, 0.5, 0);
	check_per_op(value_in(x, VIEW_LIVE, 0, "calls_per_op", 0), VALUE_COUNT_PER_OP, 0.01, 0);
	check_per_op(value_in(x, VIEW_TEMP, 0, "bytes_per_op", 0), VALUE_BYTES_PER_OP, 0.9, 0);
	assert_false(has_column(x, VIEW_PEAK, "bytes_per_op"));
	assert_false(has_column(x, VIEW_SIZES, "bytes_per_op"));
	assert_false(has_column(x, VIEW_LIFETIMES, "calls_per_op"));
	x->p.sums[PROFILE_LIVE].at[STRINGS].bytes_var = 300 * 300;
	x->p.sums[PROFILE_LIVE].at[STRINGS].calls_var = 1;
	check_per_op(value_in(x, VIEW_LIVE, 0, "bytes_per_op", 0), VALUE_BYTES_PER_OP, 3, 0.3);
	check_per_op(value_in(x, VIEW_LIVE, 0, "calls_per_op", 0), VALUE_COUNT_PER_OP, 0.01, 0.001);
}

/* Each column says what kind its cells are of before there are any, and the rest of the rows has only some of them. */
static void kinds_of_all_columns(void **state)
{
	struct fixture *x = *state;
	struct sheet sheets[SHEETS_MAX];
	struct column_at all[COLUMNS_MAX];
	struct numbers rest = {.flat = {.bytes = 1, .calls = 1}};
	size_t n_sheets;

	add_heap(x);
	x->r.ops = 7;
	profile_remember(&x->p);
	for (int i = 0; i < 4; i++) {
		enum metric metric = i & 1 ? METRIC_CALLS : METRIC_BYTES;

		n_sheets = sheet_list(&x->r, (1U << VIEW_KINDS) - 1, x->o.by, x->o.then, metric, i & 2, sheets);
		assert_int_equal(n_sheets, SHEETS_MAX);
		for (size_t k = 0; k < n_sheets; k++) {
			struct sheet *s = &sheets[k];
			size_t n;

			sheet_fill(s, 0);
			n = columns_of(s, all);
			assert_string_equal(all[0].column->key, i & 1 ? "calls" : "bytes");
			for (size_t c = 0; c < n; c++) {
				struct value v = value_of(s, all[c].column->key, all[c].index);

				assert_true(v.kind == VALUE_NONE || v.kind == column_kind(s, all[c]));
				v = column_value(s, all[c], &rest);
				assert_true(v.kind == VALUE_NONE || !all[c].column->of_rows);
			}
			sheet_free(s);
		}
	}
}

static void keys_differ(void **state)
{
	for (const struct column *c = columns; c->key; c++) {
		assert_non_null(c->value);
		assert_true(c->head || c->several || c->kind == VALUE_HISTOGRAM);
		assert_true(c->kind != VALUE_NONE || c->kind_of);
		for (const struct column *d = columns; d < c; d++)
			assert_string_not_equal(c->key, d->key);
	}
}

static void views_are_a_table(void **state)
{
	for (size_t i = 0; i < VIEW_KINDS; i++) {
		assert_non_null(view_kinds[i].name);
		assert_non_null(view_kinds[i].help);
		assert_non_null(view_kinds[i].heading);
		assert_true(view_kinds[i].forms & VIEW_AS_TABLE);
	}
	assert_null(view_kinds[VIEW_KINDS].name);
	assert_int_equal(views_by_age(), VIEW_BIT(VIEW_LIVE) | VIEW_BIT(VIEW_LEAKS));
}

/* What was live since the first mark comes once, below the last view that tells ages. */
static void sheets_since_mark(void **state)
{
	struct fixture *x = *state;
	struct sheet sheets[SHEETS_MAX];
	uint32_t views = VIEW_BIT(VIEW_LIVE) | VIEW_BIT(VIEW_LEAKS) | VIEW_BIT(VIEW_SIZES);

	assert_int_equal(sheet_list(&x->r, views, x->o.by, x->o.then, METRIC_BYTES, true, sheets), 3);
	x->p.generations = 1;
	assert_int_equal(sheet_list(&x->r, views, x->o.by, x->o.then, METRIC_BYTES, true, sheets), 4);
	assert_ptr_equal(sheets[0].kind, &view_kinds[VIEW_LIVE]);
	assert_ptr_equal(sheets[1].kind, &view_kinds[VIEW_LEAKS]);
	assert_ptr_equal(sheets[2].kind, &view_since_mark);
	assert_ptr_equal(sheets[3].kind, &view_kinds[VIEW_SIZES]);
	assert_true(sheets[2].cum);
	assert_false(sheets[3].cum);
	assert_int_equal(sheet_list(&x->r, VIEW_BIT(VIEW_PEAK), x->o.by, x->o.then, METRIC_BYTES, true, sheets), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(values),
		TEST(errors_are_in_the_unit_of_the_value),
		TEST(numbers_per_operation),
		TEST(kinds_of_all_columns),
		cmocka_unit_test(keys_differ),
		cmocka_unit_test(views_are_a_table),
		TEST(sheets_since_mark),
	};

	return cmocka_run_group_tests_name("columns", tests, NULL, NULL);
}
