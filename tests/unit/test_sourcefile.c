/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "format/sourcefile.h"

/* A target names the file: what it may not open itself is not shown, wherever on the way that is said. */
static void only_what_the_target_may_read(void **state)
{
	char dir[] = "/tmp/alloctrace-source-XXXXXX", sub[64], file[96];
	const struct rights all = {.known = false};
	const struct rights user = {.known = true, .uid = 4711, .gid = 4712, .n_groups = 2, .groups = {4713, 4714}};
	const struct rights root = {.known = true}, other = {.known = true, .uid = 4715, .gid = 4712};
	struct sourcefile sf;
	FILE *f;

	if (geteuid())
		skip();

	assert_non_null(mkdtemp(dir));
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	snprintf(file, sizeof(file), "%s/f.c", sub);
	assert_int_equal(mkdir(sub, 0755), 0);
	f = fopen(file, "w");
	assert_non_null(f);
	fputs("one\ntwo\n", f);
	fclose(f);
	chmod(file, 0644);
	chmod(dir, 0755);
	assert_int_equal(sourcefile_open(file, NULL, &all, &sf), 0);
	sourcefile_free(&sf);
	chmod(dir, 0700);
	assert_int_equal(sourcefile_open(file, NULL, &all, &sf), -ENOENT);
	chmod(dir, 0711);
	chmod(sub, 0750);
	assert_int_equal(sourcefile_open(file, NULL, &all, &sf), -ENOENT);
	chmod(sub, 0711);
	assert_int_equal(sourcefile_open(file, NULL, &all, &sf), 0);
	sourcefile_free(&sf);
	chmod(file, 0640);
	assert_int_equal(sourcefile_open(file, NULL, &all, &sf), -ENOENT);
	/* Root may; the user by its id, its group, or one that it is in besides. */
	assert_int_equal(sourcefile_open(file, NULL, &root, &sf), 0);
	sourcefile_free(&sf);
	assert_int_equal(sourcefile_open(file, NULL, &user, &sf), -ENOENT);
	chown(file, 0, 4712);
	assert_int_equal(sourcefile_open(file, NULL, &user, &sf), 0);
	sourcefile_free(&sf);
	assert_int_equal(sourcefile_open(file, NULL, &other, &sf), 0);
	sourcefile_free(&sf);
	chown(file, 0, 4714);
	assert_int_equal(sourcefile_open(file, NULL, &user, &sf), 0);
	sourcefile_free(&sf);
	assert_int_equal(sourcefile_open(file, NULL, &other, &sf), -ENOENT);
	chown(file, 4711, 0);
	assert_int_equal(sourcefile_open(file, NULL, &user, &sf), 0);
	sourcefile_free(&sf);
	assert_int_equal(sourcefile_open(file, NULL, &other, &sf), -ENOENT);
	/* Nothing of that is left: root's rights again. */
	assert_int_equal(access(dir, W_OK), 0);
	assert_int_equal(sourcefile_open(file, NULL, &root, &sf), 0);
	sourcefile_free(&sf);
	unlink(file);
	rmdir(sub);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(only_what_the_target_may_read)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
