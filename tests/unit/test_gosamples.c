// SPDX-License-Identifier: GPL-2.0-or-later
/* When samples of Go's runtimes take the place of calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pace/gosamples.h"

#define MS 1000000ULL
#define RATE (512 << 10)

static void enough(void **state)
{
	struct gosamples g = {.since_ns = 1000 * MS};

	/* 10 a second are 5 MiB. */
	assert_false(gosamples_tell(&g, 1010 * MS, 0.049 * (1 << 20), RATE));
	assert_true(gosamples_tell(&g, 1010 * MS, 0.051 * (1 << 20), RATE));
	assert_false(gosamples_tell(&g, 1010 * MS, 1 << 30, 0));
	/* too short a time to tell */
	assert_false(gosamples_tell(&g, 1001 * MS, 1 << 20, RATE));
	assert_true(gosamples_tell(&g, 1004 * MS, 1 << 20, RATE));
}

static void a_burst_is_remembered_for_a_while(void **state)
{
	struct gosamples g = {.since_ns = 0};

	gosamples_follow(&g, 10 * MS, 1 << 20);
	assert_int_equal(g.since_ns, 0);
	gosamples_follow(&g, 60 * MS, 1 << 20);
	assert_int_equal(g.since_ns, 60 * MS);
	/* nothing since, but before */
	assert_true(gosamples_tell(&g, 80 * MS, 1 << 20, RATE));
	gosamples_follow(&g, 120 * MS, 1 << 20);
	assert_false(gosamples_tell(&g, 140 * MS, 1 << 20, RATE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(enough),
		cmocka_unit_test(a_burst_is_remembered_for_a_while),
	};

	return cmocka_run_group_tests_name("gosamples", tests, NULL, NULL);
}
