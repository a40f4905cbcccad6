/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "proc/users.h"

#include "file_tree.h"

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

static void by_file(void **state)
{
	struct users *u = users_new_below(tree_root);

	assert_string_equal(users_name(u, 33), "33");
	tree_file("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/bin/false\n"
		  "second:x:33:33::/other:/bin/false\nbad\n:x:34\nnowhere:x:35:35::relative:/bin/false\n");
	assert_string_equal(users_name(u, 0), "root");
	assert_string_equal(users_name(u, 33), "www-data");
	assert_string_equal(users_home(u, 33), "/var/www");
	assert_string_equal(users_name(u, 34), "34");
	assert_string_equal(users_name(u, 35), "nowhere");
	assert_null(users_home(u, 35));
	assert_null(users_home(u, 36));
	assert_string_equal(users_name(u, UINT32_MAX), "4294967295");
	users_free(u);
}

/* Users that come later are found; texts that were given stay. */
static void the_file_changes(void **state)
{
	struct users *u = users_new_below(tree_root);
	const char *root;

	tree_file("/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
	root = users_name(u, 0);
	assert_string_equal(users_name(u, 1000), "1000");
	tree_file("/etc/passwd", "root:x:0:0::/root:/bin/sh\nme:x:1000:1000::/home/me:/bin/sh\n");
	assert_string_equal(users_name(u, 1000), "me");
	assert_string_equal(root, "root");
	users_free(u);
}

static void long_lines(void **state)
{
	struct users *u = users_new_below(tree_root);
	char *file = xasprintf("first:x:1:1::/:/bin/sh\nbig:x:2:2:%0*d:/:/bin/sh\n", 100000, 7);

	tree_file("/etc/passwd", file);
	assert_string_equal(users_name(u, 1), "first");
	assert_string_equal(users_name(u, 2), "2");
	users_free(u);
	free(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test_setup_teardown(by_file, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(the_file_changes, tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(long_lines, tree_setup, tree_teardown),
	};

	return cmocka_run_group_tests_name("users", tests, NULL, NULL);
}
