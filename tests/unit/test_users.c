/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "proc/users.h"

/* No user has it: distributions end far below. */
#define NOBODYS 4294967294U

static void names(void **state)
{
	struct users *u = users_new();
	const char *root = users_name(u, 0), *number = users_name(u, NOBODYS);

	assert_string_equal(root, "root");
	assert_string_equal(number, "4294967294");
	/* Others that are asked for meanwhile move nothing. */
	for (uid_t uid = 3000000000U; uid < 3000001000U; uid++)
		assert_string_not_equal(users_name(u, uid), "root");
	assert_ptr_equal(users_name(u, 0), root);
	assert_ptr_equal(users_name(u, NOBODYS), number);
	assert_string_equal(root, "root");
	users_free(u);
	users_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(names)};

	return cmocka_run_group_tests_name("users", tests, NULL, NULL);
}
