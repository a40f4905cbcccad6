/* SPDX-License-Identifier: GPL-2.0-or-later */
/* view/: frames that have several names, since functions were inlined. */
#include "view_fixture.h"

/* grow is inlined in push, and push in PARSE: an address of LOAD's has all three names. */
static const struct symbol parse_proper = {
	.function = "parse", .module = "prog", .offset = 0x20, .file = "/src/parse.c", .line = 12,
};
static const struct symbol push_inlined = {
	.function = "push", .module = "prog", .offset = 0x20, .file = "/src/push.h", .line = 7, .into = &parse_proper,
};

static void add_inlined(struct fixture *x)
{
	fake_functions[LOAD] = "grow";
	fake_files[LOAD] = "/src/grow.h";
	fake_into[LOAD] = &push_inlined;
	ADD(x, x->task, STACK_END_CHAIN, 100, 2, frame(x, LOAD, 0x20), frame(x, MAIN, 4));
	ADD(x, x->task, STACK_END_CHAIN, 30, 1, frame(x, STORE, 0x20), frame(x, LOAD, 0x20), frame(x, MAIN, 4));
}

static char *chain_of(struct fixture *x, const struct view_row *row)
{
	struct buf b = {0};

	view_chain(&x->r, row->stack, row->chain_skip, 1000, &b);
	buf_str(&b, "");
	return b.data;
}

static void inlined_functions(void **state)
{
	struct fixture *x = *state;
	struct view v;
	char *chain;

	add_inlined(x);
	build(x, "function", true, &v);
	assert_int_equal(v.n, 5);
	check_row(&v, 0, "grow", 100, 2, 130);
	check_row(&v, 1, "main", 0, 0, 130);
	check_row(&v, 2, "parse", 0, 0, 130);
	check_row(&v, 3, "push", 0, 0, 130);
	check_row(&v, 4, "store", 30, 1, 30);
	chain = chain_of(x, &v.rows[0]);
	assert_string_equal(chain, "push < parse < main");
	free(chain);
	chain = chain_of(x, &v.rows[2]);
	assert_string_equal(chain, "main");
	free(chain);
	view_free(&v);
	build(x, "line", true, &v);
	assert_int_equal(v.n, 5);
	check_row(&v, 0, "grow.h:32", 100, 2, 130);
	check_row(&v, 1, "main+0x5", 0, 0, 130);
	check_row(&v, 2, "parse.c:12", 0, 0, 130);
	check_row(&v, 3, "push.h:7", 0, 0, 130);
	view_free(&v);
	build(x, "site", true, &v);
	assert_int_equal(v.n, 3);
	check_row(&v, 0, "grow (grow.h:32)", 100, 2, 130);
	chain = chain_of(x, &v.rows[0]);
	assert_string_equal(chain, "push < parse < main");
	free(chain);
	view_free(&v);
	build(x, "module", false, &v);
	assert_int_equal(v.n, 1);
	chain = chain_of(x, &v.rows[0]);
	assert_string_equal(chain, "grow < push < parse < main");
	free(chain);
	view_free(&v);
}

/* The standard library's allocator is part of each container's function: what it is inlined in is the site. */
static void inlined_allocators(void **state)
{
	struct fixture *x = *state;
	struct view v;
	char *chain;

	add_inlined(x);
	fake_functions[LOAD] = "std::__new_allocator<char>::allocate";
	build(x, "site", false, &v);
	check_row(&v, 0, "push (push.h:7)", 100, 2, 100);
	chain = chain_of(x, &v.rows[0]);
	assert_string_equal(chain, "parse < main");
	free(chain);
	view_free(&v);
	build(x, "function", true, &v);
	assert_int_equal(v.n, 4);
	check_row(&v, 0, "push", 100, 2, 130);
	view_free(&v);
	build(x, "stack", false, &v);
	check_row(&v, 0, "push (push.h:7)", 100, 2, 100);
	chain = chain_of(x, &v.rows[0]);
	assert_string_equal(chain, "parse < main");
	free(chain);
	view_free(&v);
}

/* The same line inlined in two functions: two sites, one line. And files of one name in two places. */
static void lines_and_sites(void **state)
{
	static const struct symbol other = {.function = "other", .module = "prog", .file = "/src/o.c", .line = 3};
	struct fixture *x = *state;
	struct view v;

	add_inlined(x);
	fake_functions[STORE] = "grow";
	fake_files[STORE] = "/src/grow.h";
	fake_into[STORE] = &other;
	fake_functions[POOL_NEW] = "grow2";
	fake_files[POOL_NEW] = "/lib/grow.h";
	ADD(x, x->task, STACK_END_CHAIN, 7, 1, frame(x, POOL_NEW, 0x20), frame(x, MAIN, 4));
	build(x, "site", false, &v);
	assert_int_equal(v.n, 3);
	check_row(&v, 0, "grow (grow.h:32)", 100, 2, 100);
	check_row(&v, 1, "grow (grow.h:32)", 30, 1, 30);
	view_free(&v);
	build(x, "line", false, &v);
	assert_int_equal(v.n, 2);
	check_row(&v, 0, "grow.h:32 [/src/grow.h]", 130, 3, 130);
	check_row(&v, 1, "grow.h:32 [/lib/grow.h]", 7, 1, 7);
	view_free(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(inlined_functions),
		TEST(inlined_allocators),
		TEST(lines_and_sites),
	};

	return cmocka_run_group_tests_name("view_inline", tests, NULL, NULL);
}
