/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --alloc-fn, --free-fn and --object: what is taken, and what is refused with which reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "alloc/user.h"

static const struct alloc_function *take(const char *spec, bool frees)
{
	struct buf why = {0};

	if (alloc_user_add(spec, frees, &why))
		fail_msg("%s: %s", spec, buf_cstr(&why));
	return alloc_function(alloc_user(alloc_user_count() - 1)->function);
}

static void refuse(const char *spec, bool frees, const char *reason)
{
	const size_t before = alloc_user_count();
	struct buf why = {0};

	assert_true(alloc_user_add(spec, frees, &why) < 0);
	if (!strstr(buf_cstr(&why), reason))
		fail_msg("%s: %s", spec, buf_cstr(&why));
	assert_int_equal(alloc_user_count(), before);
	buf_free(&why);
}

static void expect_args(const struct alloc_function *f, int size, int count, int old, int out)
{
	assert_int_equal(f->size_arg, size);
	assert_int_equal(f->count_arg, count);
	assert_int_equal(f->old_arg, old);
	assert_int_equal(f->out_arg, out);
	assert_true(f->named);
}

static void test_arguments(void **state)
{
	const int no = ALLOC_NO_ARG;

	alloc_user_clear();
	expect_args(take("my_alloc(size=1)", false), 0, no, no, no);
	expect_args(take("my_calloc(n=1,size=2)", false), 1, 0, no, no);
	expect_args(take("my_memalign(size=3,out=1)", false), 2, no, no, 0);
	expect_args(take("my_realloc(old=1,size=2)", false), 1, no, 0, no);
	expect_args(take("last(size=6,n=5,old=4,out=3)", false), 5, 4, 3, 2);
	expect_args(take("my_free(ptr=2)", true), no, no, 1, no);
	assert_true(alloc_function(alloc_user(5)->function)->frees);
	assert_false(alloc_function(alloc_user(0)->function)->may_throw);
	assert_true(take("_ZN4Pool3getEm(size=2)", false)->may_throw);
}

static void test_names(void **state)
{
	alloc_user_clear();
	take("PyMem_*alloc(size=1)", false);
	assert_string_equal(alloc_user(0)->name, "PyMem_*alloc");
	take("libpool.so.1+0x1a2b(size=2)", false);
	assert_null(alloc_user(1)->name);
	assert_string_equal(alloc_user(1)->module, "libpool.so.1");
	assert_int_equal(alloc_user(1)->vaddr, 0x1a2b);
	take("libstdc++.so.6+0x10(size=1)", false);
	assert_string_equal(alloc_user(2)->module, "libstdc++.so.6");
	/* No address: a plus may be in a name. */
	take("operator+(size=1)", false);
	assert_string_equal(alloc_user(3)->name, "operator+");
}

static void test_refused(void **state)
{
	alloc_user_clear();
	refuse("foo", false, "as in foo(size=1)");
	refuse("foo()", false, "as in foo(size=1)");
	refuse("foo", true, "as in foo(ptr=1)");
	refuse("foo(size=1", false, "as in foo(size=1)");
	refuse("foo(size=1)bar", false, "as in foo(size=1)");
	refuse("(size=1)", false, "missing function name");
	refuse("fo o(size=1)", false, "not a function name");
	refuse("foo(len=1)", false, "unknown argument \"len\"; known are size, n, old, out");
	refuse("foo(ptr=1)", false, "unknown argument \"ptr\"");
	refuse("foo(size=1)", true, "unknown argument \"size\"; known is ptr");
	refuse("foo(size=0)", false, "from 1 to 6");
	refuse("foo(size=7)", false, "from 1 to 6");
	refuse("foo(size=12)", false, "from 1 to 6");
	refuse("foo(size=-1)", false, "from 1 to 6");
	refuse("foo(size=)", false, "from 1 to 6");
	refuse("foo(size)", false, "from 1 to 6");
	refuse("foo(n=1)", false, "size is missing");
	refuse("foo(size=1,size=2)", false, "size is given twice");
	refuse("foo(size=1,n=1)", false, "size and n are the same argument");
	refuse("foo(size=1,)", false, "unknown argument \"\"");
	refuse("+0xq(size=1)", false, "not an address");
	refuse("+0x0(size=1)", false, "not an address");
	take("foo(size=1)", false);
	refuse("foo(size=2)", false, "foo is given twice");
	refuse("foo(ptr=1)", true, "foo is given twice");
	take("+0x10(size=1)", false);
	refuse("+0x10(size=1)", false, "given twice");
}

static void test_objects(void **state)
{
	struct buf why = {0};

	alloc_user_clear();
	take("foo(size=1)", false);
	assert_true(alloc_user_in(alloc_user(0), "/usr/lib/libany.so", 0, 0));
	assert_int_equal(alloc_user_add_object("libpool.so", &why), 0);
	assert_int_equal(alloc_user_add_object("/opt/bin/server", &why), 0);
	assert_true(alloc_user_in(alloc_user(0), "/usr/lib/libpool.so", 0, 0));
	assert_true(alloc_user_in(alloc_user(0), "/opt/bin/server", 0, 0));
	assert_false(alloc_user_in(alloc_user(0), "/usr/lib/libpool.so.2", 0, 0));
	assert_false(alloc_user_in(alloc_user(0), "/usr/bin/server", 0, 0));
	assert_int_equal(alloc_user_check(&why), 0);
	/* In which of the two is an address? */
	take("+0x10(size=1)", false);
	assert_true(alloc_user_check(&why) < 0);
	assert_non_null(strstr(buf_cstr(&why), "needs one --object"));
	buf_reset(&why);
	alloc_user_clear();
	take("+0x10(size=1)", false);
	assert_true(alloc_user_check(&why) < 0);
	buf_reset(&why);
	alloc_user_clear();
	assert_int_equal(alloc_user_add_object("libpool.so", &why), 0);
	assert_true(alloc_user_check(&why) < 0);
	alloc_user_clear();
	buf_free(&why);
}

/* An id has eight bits; what has no room for a name of its own is counted under its row's. */
static void test_full(void **state)
{
	size_t malloc_id = 0, id;
	struct buf why = {0};
	char name[32];
	int err = 0;

	while (strcmp(alloc_function(malloc_id)->name, "malloc") != 0)
		malloc_id++;
	id = alloc_alias(malloc_id, "je_malloc");
	assert_int_not_equal(id, malloc_id);
	assert_string_equal(alloc_function(id)->shown, "je_malloc");
	assert_int_equal(alloc_alias(malloc_id, "je_malloc"), id);
	assert_int_equal(alloc_alias(malloc_id, "malloc"), malloc_id);
	alloc_user_clear();
	for (int i = 0; i < ALLOC_MAX_FUNCTIONS && !err; i++) {
		snprintf(name, sizeof(name), "f%d(size=1)", i);
		err = alloc_user_add(name, false, &why);
	}
	assert_true(err < 0);
	assert_non_null(strstr(buf_cstr(&why), "too many functions"));
	buf_free(&why);
	for (int i = 0; alloc_function(alloc_function_count()) && i < ALLOC_MAX_FUNCTIONS; i++) {
		snprintf(name, sizeof(name), "p%d_malloc", i);
		id = alloc_alias(malloc_id, name);
	}
	assert_int_equal(id, malloc_id);
	assert_null(alloc_function(ALLOC_MAX_FUNCTIONS));
	alloc_user_clear();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests_name("user_functions", tests, NULL, NULL);
}
