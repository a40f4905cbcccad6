/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "snapshot/account.h"

static void adds_up(void **state)
{
	uint64_t c[COUNT_MAX] = {
		[COUNT_SEEN] = 1000, [COUNT_FILTERED] = 100, [COUNT_UNSAMPLED] = 20, [COUNT_LOST_TABLE] = 3,
		[COUNT_LOST_SCRATCH] = 4, [COUNT_LOST_RETURN] = 5, [COUNT_LOST_BLOCK] = 6, [COUNT_FAILED] = 70,
		[COUNT_NESTED] = 80, [COUNT_FREES] = 90,
	};
	uint64_t recorded = 868;
	struct recording_account a;

	recorded -= 6;
	a = account_of(c, recorded - 7, 7, true);
	assert_true(a.checked);
	assert_int_equal(a.seen, 1000);
	assert_int_equal(a.recorded, 855);
	assert_int_equal(a.filtered, 100);
	assert_int_equal(a.unsampled, 20);
	assert_int_equal(a.lost, 25);
	assert_int_equal(a.unaccounted, 0);
	assert_int_equal(account_of(c, 861, 0, true).unaccounted, 1);
	assert_int_equal(account_of(c, 1000, 0, true).unaccounted, 138);
}

static void names_losses(void **state)
{
	uint64_t c[COUNT_MAX] = {[COUNT_SEEN] = 10, [COUNT_LOST_BLOCK] = 6, [COUNT_LOST_RETURN] = 2}, recorded = 1;
	struct recording_count losses[ACCOUNT_MAX_LOSSES];
	struct recording_account a = account_of(c, recorded, 11, true);

	assert_int_equal(account_losses(c, 11, 2, &a, losses), 5);
	assert_non_null(strstr(losses[0].reason, "--ring-size"));
	assert_int_equal(losses[0].n, 9);
	assert_non_null(strstr(losses[1].reason, "--max-memory"));
	assert_int_equal(losses[1].n, 2);
	assert_non_null(strstr(losses[2].reason, "--max-blocks"));
	assert_int_equal(losses[2].n, 6);
	assert_int_equal(losses[3].n, 2);
	assert_string_equal(losses[4].reason, "unaccounted");
	assert_int_equal(losses[4].n, 10);
	/* while calls come in, the two sides may differ */
	a = account_of(c, recorded, 0, false);
	assert_int_equal(account_losses(c, 0, 0, &a, losses), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_up),
		cmocka_unit_test(names_losses),
	};

	return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
