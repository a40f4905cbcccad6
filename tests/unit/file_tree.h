/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A directory that stands for the root of a system: setup and teardown of a test, and what is put below it. */
#ifndef ALLOCTRACE_TESTS_FILE_TREE_H
#define ALLOCTRACE_TESTS_FILE_TREE_H

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static char tree_root[PATH_MAX];

__attribute__((unused)) static int tree_setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char *made = xasprintf("%s/alloctrace-tree.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	const int err = mkdtemp(made) && realpath(made, tree_root) ? 0 : -1;

	free(made);
	return err;
}

__attribute__((unused)) static int tree_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

__attribute__((unused)) static int tree_teardown(void **state)
{
	return nftw(tree_root, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* For the caller to free. */
__attribute__((unused)) static char *tree_path(const char *path)
{
	return xasprintf("%s%s", tree_root, path);
}

/* With all directories above it. */
__attribute__((unused)) static void tree_dir(const char *path)
{
	char *whole = tree_path(path);

	for (char *at = whole + strlen(tree_root) + 1; (at = strchr(at, '/')); *at++ = '/') {
		*at = '\0';
		mkdir(whole, 0755);
	}
	mkdir(whole, 0755);
	assert_int_equal(access(whole, X_OK), 0);
	free(whole);
}

__attribute__((unused)) static void tree_parent(const char *path)
{
	char *dir = xstrdup(path);

	*strrchr(dir, '/') = '\0';
	tree_dir(dir);
	free(dir);
}

__attribute__((unused)) static void tree_bytes(const char *path, const void *data, size_t len)
{
	char *whole = tree_path(path);
	FILE *f;

	tree_parent(path);
	f = fopen(whole, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	free(whole);
}

__attribute__((unused)) static void tree_file(const char *path, const char *text)
{
	tree_bytes(path, text, strlen(text));
}

__attribute__((unused)) static void tree_link(const char *path, const char *to)
{
	char *whole = tree_path(path);

	tree_parent(path);
	assert_int_equal(symlink(to, whole), 0);
	free(whole);
}

__attribute__((unused)) static void tree_remove(const char *path)
{
	char *whole = tree_path(path);

	assert_int_equal(remove(whole), 0);
	free(whole);
}

#endif
