/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "trace/forked.h"

#define SECOND 1000000000ULL

static void taken_once_when_old(void **state)
{
	struct forked_list l = {0};
	struct forked f;

	assert_false(forked_take(&l, SECOND, &f));
	forked_add(&l, 11, 10, SECOND);
	forked_add(&l, 12, 10, SECOND + SECOND / 10);
	assert_false(forked_take(&l, SECOND + SECOND / 5 - 1, &f));
	assert_true(forked_take(&l, SECOND + SECOND / 5, &f));
	assert_int_equal(f.pid, 11);
	assert_int_equal(f.traced, 10);
	assert_false(forked_take(&l, SECOND + SECOND / 5, &f));
	assert_true(forked_take(&l, 2 * SECOND, &f));
	assert_int_equal(f.pid, 12);
	assert_false(forked_take(&l, 2 * SECOND, &f));
	forked_free(&l);
}

static void dropped_is_not_taken(void **state)
{
	struct forked_list l = {0};
	struct forked f;

	for (pid_t pid = 1; pid <= 3; pid++)
		forked_add(&l, pid, 10, SECOND);
	forked_drop(&l, 1);
	forked_drop(&l, 99);
	assert_null(forked_find(&l, 1));
	assert_int_equal(forked_find(&l, 2)->pid, 2);
	assert_int_equal(forked_find(&l, 3)->pid, 3);
	forked_drop(&l, 3);
	assert_true(forked_take(&l, 2 * SECOND, &f));
	assert_int_equal(f.pid, 2);
	assert_false(forked_take(&l, 2 * SECOND, &f));
	forked_free(&l);
}

/* A child's child is of the same traced process; the list grows while its parent is looked at. */
static void grandchildren(void **state)
{
	struct forked_list l = {0};

	forked_add(&l, 1000, 10, SECOND);
	for (pid_t pid = 1001; pid < 1200; pid++)
		forked_add(&l, pid, forked_find(&l, pid - 1)->traced, SECOND);
	assert_int_equal(forked_find(&l, 1199)->traced, 10);
	forked_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken_once_when_old),
		cmocka_unit_test(dropped_is_not_taken),
		cmocka_unit_test(grandchildren),
	};

	return cmocka_run_group_tests_name("forked", tests, NULL, NULL);
}
