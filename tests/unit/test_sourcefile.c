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

#include "out/sourcefile.h"

/* A target names the file: what not everybody may open is not shown, wherever on the way that is said. */
static void only_what_everybody_may_read(void **state)
{
	char dir[] = "/tmp/alloctrace-source-XXXXXX", sub[64], file[96];
	struct sourcefile sf;
	FILE *f;

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
	assert_int_equal(sourcefile_open(file, NULL, &sf), 0);
	sourcefile_free(&sf);
	chmod(dir, 0700);
	assert_int_equal(sourcefile_open(file, NULL, &sf), -ENOENT);
	chmod(dir, 0711);
	chmod(sub, 0750);
	assert_int_equal(sourcefile_open(file, NULL, &sf), -ENOENT);
	chmod(sub, 0711);
	assert_int_equal(sourcefile_open(file, NULL, &sf), 0);
	sourcefile_free(&sf);
	chmod(file, 0640);
	assert_int_equal(sourcefile_open(file, NULL, &sf), -ENOENT);
	unlink(file);
	rmdir(sub);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(only_what_everybody_may_read)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
