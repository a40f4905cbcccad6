/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view_fixture.h"

static void by_site(void **state)
{
	struct fixture *x = *state;
	struct view v;
	uint32_t heavy;

	ADD(x, x->task, STACK_END_CHAIN, 10, 1, frame(x, PARSE, 0x10), frame(x, MAIN, 4));
	heavy = ADD(x, x->task, STACK_END_CHAIN, 100, 2, frame(x, PARSE, 0x10), frame(x, LOAD, 4), frame(x, MAIN, 9));
	ADD(x, x->task, STACK_END_CHAIN, 50, 7, frame(x, PARSE, 0x20), frame(x, MAIN, 4));
	ADD(x, x->task, STACK_END_CHAIN, 0, 0, frame(x, STORE, 0x20), frame(x, MAIN, 4));
	ADD(x, x->task, STACK_END_CHAIN, 0, 5, profile_frame(&x->p, x->lib, 0xff0000));
	build(x, "site", false, &v);
	assert_int_equal(v.n, 3);
	/* the return address: one after the call's last byte */
	check_row(&v, 0, "parse+0x11", 110, 3, 110);
	check_row(&v, 1, "parse+0x21", 50, 7, 50);
	check_row(&v, 2, "libx.so.1+0xff0000", 0, 5, 0);
	assert_int_equal(v.rows[0].n_stacks, 2);
	assert_int_equal(v.rows[0].stack, heavy);
	assert_int_equal(v.rows[0].chain_skip, 1);
	assert_int_equal(v.total.bytes, 160);
	assert_int_equal(v.total.calls, 15);
	view_free(&v);

	view_build(&x->r, PROFILE_ALLOC, view_by_find("site"), METRIC_CALLS, false, &v);
	assert_string_equal(v.rows[0].name, "parse+0x21");
	assert_string_equal(v.rows[1].name, "libx.so.1+0xff0000");
	assert_string_equal(v.rows[2].name, "parse+0x11");
	view_free(&v);
}

/* Without --cum only the sites need names. */
static void symbolizes_only_sites(void **state)
{
	struct fixture *x = *state;
	const uint64_t *counts = x->r.names->asked;
	struct view v;

	ADD(x, x->task, STACK_END_CHAIN, 10, 1, frame(x, PARSE, 0x10), frame(x, MAIN, 4), frame(x, START, 4));
	ADD(x, x->task, STACK_END_CHAIN, 10, 1, frame(x, PARSE, 0x10), frame(x, MAIN, 8), frame(x, START, 4));
	build(x, "function", false, &v);
	view_free(&v);
	assert_int_equal(counts[SYM_NAMED], 1);
	build(x, "function", true, &v);
	view_free(&v);
	assert_int_equal(counts[SYM_NAMED], 4);
}

/* By function one row, by site each its own. */
static void clones_are_one_function(void **state)
{
	static const struct {
		const char *name, *row;
	} of[] = {
		{"f", "f"}, {"f.cold", "f"}, {"f.part.0", "f"}, {"f.isra.0.constprop.17", "f"}, {"f.part.0.cold", "f"},
		{"f.lto_priv.3.cold", "f"}, {"f.llvm.1234", "f"},
		{"g(int)", "g(int)"}, {"g(int) [clone .cold]", "g(int)"},
		{"g(int) [clone .isra.0] [clone .cold]", "g(int)"}, {"g(int) [clone .part.0.cold]", "g(int)"},
		/* Others' names. */
		{"main.main", "main.main"}, {".cold", ".cold"}, {"h.cold.x", "h.cold.x"}, {"h.colder", "h.colder"},
		{"g(int) [clone .avx2]", "g(int) [clone .avx2]"}, {"h.part.x", "h.part.x"},
	};
	struct fixture *x = *state;

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		struct view v;

		fake_functions[LOAD] = of[i].row;
		fake_functions[STORE] = of[i].name;
		ADD(x, x->task, STACK_END_CHAIN, 8, 1, frame(x, LOAD, 4 + 2 * i), frame(x, MAIN, 4));
		ADD(x, x->task, STACK_END_CHAIN, 8, 1, frame(x, STORE, 4 + 2 * i), frame(x, MAIN, 4));
		build(x, "function", false, &v);
		assert_int_equal(v.n, 1);
		assert_string_equal(v.rows[0].name, of[i].row);
		view_free(&v);
		teardown(state);
		setup(state);
		x = *state;
	}
}

static void operator_new_is_no_site(void **state)
{
	struct fixture *x = *state;
	struct view v;

	ADD(x, x->task, STACK_END_CHAIN, 8, 1, frame(x, NEW, 0x10), frame(x, PARSE, 4), frame(x, MAIN, 4));
	ADD(x, x->task, STACK_END_CHAIN, 16, 1, frame(x, NEW, 0x10), frame(x, NEW_ARRAY, 4), frame(x, LOAD, 4),
	    frame(x, MAIN, 4));
	ADD(x, x->task, STACK_END_CHAIN, 32, 1, frame(x, MANGLED_NEW, 0x10), frame(x, STORE, 4), frame(x, MAIN, 4));
	ADD(x, x->task, STACK_END_CHAIN, 4, 1, frame(x, POOL_NEW, 0x10), frame(x, STORE, 4), frame(x, MAIN, 4));
	/* nothing but operator new: the innermost one is all there is */
	ADD(x, x->task, STACK_END_CHAIN, 2, 1, frame(x, NEW, 0x10), frame(x, NEW_ARRAY, 4));
	for (int cum = 0; cum < 2; cum++) {
		build(x, "site", cum, &v);
		check_row(&v, cum, "store+0x5", 32, 1, cum ? 36 : 32);
		check_row(&v, cum + 1, "load+0x5", 16, 1, 16);
		check_row(&v, cum + 2, "parse+0x5", 8, 1, 8);
		check_row(&v, cum + 3, "Pool::operator new(unsigned long)+0x11", 4, 1, 4);
		check_row(&v, cum + 4, "operator new(unsigned long)+0x11", 2, 1, 2);
		assert_int_equal(v.rows[cum].chain_skip, 2);
		assert_int_equal(v.rows[cum + 1].chain_skip, 3);
		assert_int_equal(v.rows[cum + 3].chain_skip, 1);
		/* with cum main is first, and the outermost operator new[] is the last */
		assert_int_equal(v.n, cum ? 7 : 5);
		view_free(&v);
	}
	build(x, "stack", false, &v);
	assert_int_equal(v.n, 5);
	check_row(&v, 0, "store+0x5", 32, 1, 32);
	assert_int_equal(v.rows[0].chain_skip, 2);
	assert_int_equal(v.rows[4].chain_skip, 1);
	view_free(&v);
}

/* Of a stack that lies wholly inside Go's runtime the site is what asked its allocator; of any other, the program's. */
static void go_runtime(void **state)
{
	struct fixture *x = *state;
	struct view v;

	fake_functions[NEW] = "runtime.newobject";
	fake_functions[NEW_ARRAY] = "runtime.malg";
	fake_functions[POOL_NEW] = "runtime.systemstack";
	ADD(x, x->task, STACK_END_COMPLETE, 8, 1, frame(x, NEW, 4), frame(x, NEW_ARRAY, 4), frame(x, POOL_NEW, 4));
	ADD(x, x->task, STACK_END_COMPLETE, 4, 1, frame(x, NEW, 4), frame(x, NEW_ARRAY, 4), frame(x, MAIN, 4));
	ADD(x, x->task, STACK_END_COMPLETE, 2, 1, frame(x, NEW, 4));
	for (int cum = 0; cum < 2; cum++) {
		build(x, "site", cum, &v);
		assert_int_equal(v.n, cum ? 4 : 3);
		/* systemstack, equally heavy with cum, comes behind it by name */
		check_row(&v, 0, cum ? "runtime.newobject+0x5" : "runtime.malg+0x5", cum ? 2 : 8, 1, cum ? 10 : 8);
		if (!cum)
			assert_int_equal(v.rows[0].chain_skip, 2);
		view_free(&v);
	}
	build(x, "site", false, &v);
	check_row(&v, 1, "main+0x5", 4, 1, 4);
	check_row(&v, 2, "runtime.newobject+0x5", 2, 1, 2);
	view_free(&v);
	build(x, "function", false, &v);
	check_row(&v, 0, "runtime.malg", 8, 1, 8);
	check_row(&v, 1, "main", 4, 1, 4);
	view_free(&v);
	build(x, "stack", false, &v);
	assert_int_equal(v.n, 3);
	check_row(&v, 0, "runtime.malg+0x5", 8, 1, 8);
	assert_int_equal(v.rows[0].chain_skip, 2);
	view_free(&v);
}

static void frameless_stacks(void **state)
{
	struct fixture *x = *state;
	struct view v;

	add(x, x->task, STACK_END_UNREADABLE, 70, 2, NULL, 0);
	add(x, x->task, STACK_END_NOT_CODE, 5, 1, NULL, 0);
	add(x, x->task, STACK_END_LOST, 99, 3, NULL, 0);
	ADD(x, x->task, STACK_END_CHAIN, 50, 1, frame(x, PARSE, 0x10));
	for (const struct view_by *by = view_bys; by->name; by++) {
		/* Those whose rows are made of frames. */
		if (!by->is_frame && strcmp(by->name, "module"))
			continue;
		for (int cum = 0; cum < 2; cum++) {
			build(x, by->name, cum, &v);
			assert_int_equal(v.n, 3);
			check_row(&v, 0, "[stack not delivered]", 99, 3, 99);
			check_row(&v, 1, "[no frames]", 75, 3, 75);
			assert_int_equal(v.rows[0].chain_skip, 0);
			assert_int_equal(v.rows[1].chain_skip, 0);
			assert_int_equal(v.rows[2].flat.bytes, 50);
			view_free(&v);
		}
	}
}

static void recursion_counts_once(void **state)
{
	struct fixture *x = *state;
	struct view v;

	ADD(x, x->task, STACK_END_CHAIN, 7, 1, frame(x, PARSE, 1), frame(x, LOAD, 1), frame(x, PARSE, 2),
	    frame(x, MAIN, 1));
	ADD(x, x->task, STACK_END_CHAIN, 20, 1, frame(x, STORE, 1), frame(x, PARSE, 2), frame(x, MAIN, 1));
	ADD(x, x->task, STACK_END_CHAIN, 300, 1, frame(x, MAIN, 3));
	build(x, "function", true, &v);
	assert_int_equal(v.n, 4);
	check_row(&v, 0, "main", 300, 1, 327);
	check_row(&v, 1, "parse", 7, 1, 27);
	check_row(&v, 2, "store", 20, 1, 20);
	check_row(&v, 3, "load", 0, 0, 7);
	/* the chain goes on after the innermost frame of the row in the heaviest stack that has it */
	assert_int_equal(v.rows[1].chain_skip, 2);
	assert_int_equal(v.rows[3].chain_skip, 2);
	assert_int_equal(v.rows[3].n_stacks, 0);
	view_free(&v);
	build(x, "function", false, &v);
	assert_int_equal(v.n, 3);
	check_row(&v, 1, "store", 20, 1, 20);
	view_free(&v);
}

/* cum of every function against the plain definition, on a profile of pseudo-random stacks. */
static void cum_by_definition(void **state)
{
	struct fixture *x = *state;
	enum { N = 3000, KINDS = 12 };
	uint64_t cum[KINDS] = {0}, flat[KINDS] = {0};
	static const char *const names[KINDS] = {
		"f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10", "f11",
	};
	uint64_t random = 1;
	struct view v;

	for (int i = 0; i < KINDS; i++)
		fake_functions[i] = names[i];
	for (int i = 0; i < N; i++) {
		uint32_t frames[20];
		size_t depth = 1 + (random >> 40) % 20;
		unsigned int seen = 0;
		uint64_t bytes = i * 7 + 1;

		for (size_t k = 0; k < depth; k++) {
			int f;

			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			f = (random >> 33) % KINDS;
			frames[k] = frame(x, f, (random >> 50) % 3);
			seen |= 1U << f;
			flat[f] += k ? 0 : bytes;
		}
		for (int f = 0; f < KINDS; f++)
			cum[f] += seen & 1U << f ? bytes : 0;
		add(x, x->task, STACK_END_CHAIN, bytes, 1, frames, depth);
	}
	build(x, "function", true, &v);
	assert_int_equal(v.n, KINDS);
	for (size_t i = 0; i < v.n; i++) {
		int f = atoi(v.rows[i].name + 1);

		assert_int_equal(v.rows[i].cum.bytes, cum[f]);
		assert_int_equal(v.rows[i].flat.bytes, flat[f]);
		if (i)
			assert_true(v.rows[i - 1].cum.bytes >= v.rows[i].cum.bytes);
	}
	view_free(&v);
}

static void by_module(void **state)
{
	struct fixture *x = *state;
	struct view v;

	ADD(x, x->task, STACK_END_CHAIN, 7, 1, profile_frame(&x->p, x->lib, FAKE(STORE)), frame(x, MAIN, 1));
	ADD(x, x->task, STACK_END_CHAIN, 9, 1, profile_frame(&x->p, x->lib, FAKE(LOAD)), frame(x, MAIN, 1));
	ADD(x, x->task, STACK_END_CHAIN, 3, 1, frame(x, PARSE, 1), frame(x, MAIN, 1));
	build(x, "module", true, &v);
	assert_int_equal(v.n, 2);
	check_row(&v, 0, "prog", 3, 1, 19);
	check_row(&v, 1, "libx.so.1", 16, 2, 16);
	/* a module is no frame: the chain begins with the innermost frame that is in it */
	assert_int_equal(v.rows[0].chain_skip, 1);
	assert_int_equal(v.rows[1].chain_skip, 0);
	view_free(&v);
}

static void same_names_are_told_apart(void **state)
{
	struct fixture *x = *state;
	struct view v;

	ADD(x, x->task, STACK_END_CHAIN, 3, 1, frame(x, PARSE, 1));
	ADD(x, x->task, STACK_END_CHAIN, 2, 1, profile_frame(&x->p, x->lib, FAKE(PARSE) + 1));
	ADD(x, x->task, STACK_END_CHAIN, 1, 1, frame(x, STORE, 1));
	build(x, "site", false, &v);
	assert_int_equal(v.n, 3);
	assert_string_equal(v.rows[0].name, "parse+0x2 [prog]");
	assert_string_equal(v.rows[1].name, "parse+0x2 [libx.so.1]");
	assert_string_equal(v.rows[2].name, "store+0x2");
	view_free(&v);

	ADD(x, x->task, STACK_END_CHAIN, 9, 1, profile_frame(&x->p, x->other_lib, FAKE(LOAD) + 1));
	build(x, "module", false, &v);
	assert_int_equal(v.n, 3);
	assert_string_equal(v.rows[0].name, "libx.so.1 [/opt/lib/libx.so.1]");
	assert_string_equal(v.rows[1].name, "prog");
	assert_string_equal(v.rows[2].name, "libx.so.1 [/usr/lib/libx.so.1]");
	view_free(&v);
}

static void by_stack(void **state)
{
	struct fixture *x = *state;
	uint32_t other = profile_task(&x->p, 11, 0, 0, "prog");
	struct view v;

	ADD(x, x->task, STACK_END_CHAIN, 7, 1, frame(x, PARSE, 1), frame(x, MAIN, 1));
	ADD(x, other, STACK_END_CHAIN, 5, 2, frame(x, PARSE, 1), frame(x, MAIN, 1));
	ADD(x, x->task, STACK_END_CHAIN, 6, 1, frame(x, PARSE, 1), frame(x, MAIN, 2));
	build(x, "stack", true, &v);
	assert_int_equal(v.n, 2);
	check_row(&v, 0, "parse+0x2", 12, 3, 12);
	check_row(&v, 1, "parse+0x2", 6, 1, 6);
	assert_int_equal(v.rows[0].n_stacks, 2);
	view_free(&v);
}

static void by_thread(void **state)
{
	struct fixture *x = *state;
	uint32_t worker = profile_task(&x->p, 10, 12, 0, "worker"), idle = profile_task(&x->p, 10, 13, 0, "idle");
	struct view v;

	ADD(x, x->task, STACK_END_CHAIN, 7, 1, frame(x, PARSE, 1), frame(x, MAIN, 1));
	ADD(x, worker, STACK_END_CHAIN, 5, 2, frame(x, PARSE, 1), frame(x, MAIN, 1));
	ADD(x, worker, STACK_END_CHAIN, 6, 1, frame(x, NEW, 1), frame(x, STORE, 1), frame(x, MAIN, 1));
	ADD(x, idle, STACK_END_CHAIN, 0, 0, frame(x, PARSE, 1), frame(x, MAIN, 1));
	build(x, "thread", false, &v);
	assert_int_equal(v.n, 2);
	check_row(&v, 0, "worker (10/12)", 11, 3, 11);
	check_row(&v, 1, "prog (10)", 7, 1, 7);
	assert_int_equal(v.rows[0].chain_skip, 1);
	view_free(&v);
}

/* A process and its program go by the name of its first thread. */
static void by_process(void **state)
{
	struct fixture *x = *state;
	uint32_t worker = profile_task(&x->p, 10, 12, 0, "worker"), other = profile_task(&x->p, 11, 11, 0, "prog");
	uint32_t execed = profile_task(&x->p, 11, 0, 1, "child");
	struct view v;

	ADD(x, x->task, STACK_END_CHAIN, 7, 1, frame(x, PARSE, 1), frame(x, MAIN, 1));
	ADD(x, worker, STACK_END_CHAIN, 5, 2, frame(x, PARSE, 1), frame(x, MAIN, 1));
	ADD(x, other, STACK_END_CHAIN, 6, 1, frame(x, PARSE, 1), frame(x, MAIN, 1));
	ADD(x, execed, STACK_END_CHAIN, 3, 1, frame(x, PARSE, 1), frame(x, MAIN, 1));
	build(x, "process", false, &v);
	assert_int_equal(v.n, 3);
	check_row(&v, 0, "prog (10)", 12, 3, 12);
	check_row(&v, 1, "prog (11)", 6, 1, 6);
	check_row(&v, 2, "child (11)", 3, 1, 3);
	view_free(&v);
	build(x, "program", false, &v);
	assert_int_equal(v.n, 2);
	check_row(&v, 0, "prog", 18, 4, 18);
	check_row(&v, 1, "child", 3, 1, 3);
	view_free(&v);
}

static void nothing_recorded(void **state)
{
	struct fixture *x = *state;
	struct view v;

	for (const struct view_by *by = view_bys; by->name; by++) {
		build(x, by->name, true, &v);
		assert_int_equal(v.n, 0);
		assert_true(counters_none(v.total));
		view_free(&v);
	}
}

static void table_of_groupings(void **state)
{
	for (const struct view_by *by = view_bys; by->name; by++) {
		assert_ptr_equal(view_by_find(by->name), by);
		assert_non_null(by->group);
		assert_non_null(by->help);
	}
	assert_null(view_by_find("sites"));
	assert_null(view_by_find(""));
}

static void check_chain(struct fixture *x, uint32_t stack, size_t skip, size_t width, const char *want)
{
	struct buf b = {0};

	buf_str(&b, "|");
	view_chain(&x->r, stack, skip, width, &b);
	assert_string_equal(b.data + 1, want);
	buf_free(&b);
}

static void chains(void **state)
{
	struct fixture *x = *state;
	uint32_t plain =
		ADD(x, x->task, STACK_END_CHAIN, 1, 1, frame(x, NEW, 1), frame(x, PARSE, 1), frame(x, PARSE, 2),
		    frame(x, PARSE, 1), frame(x, LOAD, 1), frame(x, PARSE, 1), frame(x, MAIN, 1));
	uint32_t cut = ADD(x, x->task, STACK_END_DEPTH, 1, 1, frame(x, PARSE, 1), frame(x, LOAD, 1), frame(x, LOAD, 1));
	uint32_t lost = add(x, x->task, STACK_END_LOST, 1, 1, NULL, 0);
	uint32_t none = add(x, x->task, STACK_END_UNREADABLE, 1, 1, NULL, 0);

	check_chain(x, plain, 0, 200, "operator new < parse (x3) < load < parse < main");
	check_chain(x, plain, 2, 200, "parse (x2) < load < parse < main");
	check_chain(x, plain, 7, 200, "");
	check_chain(x, plain, 99, 200, "");
	check_chain(x, cut, 1, 200, "load (x2) < [truncated: depth limit]");
	check_chain(x, cut, 3, 200, "[truncated: depth limit]");
	check_chain(x, lost, 0, 200, "");
	check_chain(x, none, 0, 200, "[truncated: stack memory not readable]");
	/* it stops once it is too wide, not at the width */
	check_chain(x, plain, 4, 3, "load < parse");
}

static void chain_of_hostile_names(void **state)
{
	struct fixture *x = *state;
	uint32_t stack;

	fake_functions[PARSE] = "a\x1b[2J\nb";
	fake_functions[LOAD] = "\xff";
	stack = ADD(x, x->task, STACK_END_CHAIN, 1, 1, frame(x, PARSE, 1), frame(x, LOAD, 1), frame(x, MAIN, 1));
	check_chain(x, stack, 0, 200, "a\\x1b[2J\\x0ab < \\xff < main");
}

static void check_short(const char *name, const char *want)
{
	struct buf b = {0};

	view_short_name(name, &b);
	assert_string_equal(buf_cstr(&b), want);
	buf_free(&b);
}

#define DOTS "<\xe2\x80\xa6>"

static void short_names(void **state)
{
	check_short("", "");
	check_short("main", "main");
	check_short("foo(int, char const*)", "foo");
	check_short("foo(int)+0x1f", "foo+0x1f");
	check_short("Foo::bar(int (*)(char), long) const", "Foo::bar");
	check_short("Foo::bar() const [clone .cold]", "Foo::bar [clone .cold]");
	check_short("foo() constant", "foo constant");
	check_short("std::vector<int, std::allocator<int> >::push_back(int&&)", "std::vector" DOTS "::push_back");
	check_short("std::vector<int>::push_back(int&&)", "std::vector<int>::push_back");
	check_short("std::__cxx11::basic_string<char, std::char_traits<char> >::_M_create(unsigned long&)+0x24",
		    "std::basic_string" DOTS "::_M_create+0x24");
	check_short("f<(Kind)1, std::function<void (int)> >(int)", "f" DOTS);
	check_short("f<&Foo::operator->, int>(int)", "f" DOTS);
	check_short("(anonymous namespace)::Foo::get(int)", "(anonymous namespace)::Foo::get");
	check_short("a::(anonymous namespace)::get(int)", "a::(anonymous namespace)::get");
	check_short("main::{lambda(int)#1}::operator()(int) const", "main::{lambda#1}::operator()");
	check_short("operator<<(std::ostream&, Foo const&)", "operator<<");
	check_short("Foo::operator->() const", "Foo::operator->");
	check_short("Foo::operator()<long, long>(long)", "Foo::operator()" DOTS);
	check_short("Foo::operator bool() const", "Foo::operator bool");
	check_short("operator new[](unsigned long)", "operator new[]");
	check_short("my_operator(int)", "my_operator");
	check_short("operator<", "operator<");
	/* Rust, Go, Python */
	check_short("<alloc::vec::Vec<T,A> as core::ops::drop::Drop>::drop",
		    "<alloc::vec::Vec<T,A> as core::ops::drop::Drop>::drop");
	check_short("core::ptr::drop_in_place::<alloc::string::String>", "core::ptr::drop_in_place::" DOTS);
	check_short("main.(*Server).Serve", "main.(*Server).Serve");
	check_short("github.com/a/b-c.(*Registry).Gather", "b-c.(*Registry).Gather");
	check_short("github.com/a/blackfriday/v2.init.0.func1", "blackfriday/v2.init.0.func1");
	check_short("net/http.(*conn).serve", "http.(*conn).serve");
	check_short("slices.SortFunc[...]", "slices.SortFunc[...]");
	check_short("slices.Sort[go.shape.[]github.com/a/b.T]", "slices.Sort[go.shape.[]github.com/a/b.T]");
	check_short("a/b", "a/b");
	check_short("/usr/lib/x.so", "x.so");
	check_short("Foo::operator/(int)", "Foo::operator/");
	check_short("py::<module>:/usr/lib/python3/x.py", "py::<module>:/usr/lib/python3/x.py");
	/* brackets that never close, close twice, or are all there is */
	check_short("foo(", "foo(");
	check_short("foo<bar", "foo<bar");
	check_short("foo<(>", "foo<(>");
	check_short("foo)>", "foo)>");
	check_short("(", "(");
	check_short("<>", "<>");
}

static void short_names_of_any_length(void **state)
{
	static char name[20001];
	struct buf b = {0};

	memset(name, '<', 10000);
	memset(name + 10000, '(', 10000);
	name[0] = 'x';
	view_short_name(name, &b);
	assert_int_equal(b.len, 20000);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(by_site),
		TEST(symbolizes_only_sites),
		TEST(clones_are_one_function),
		TEST(operator_new_is_no_site),
		TEST(go_runtime),
		TEST(frameless_stacks),
		TEST(recursion_counts_once),
		TEST(cum_by_definition),
		TEST(by_module),
		TEST(same_names_are_told_apart),
		TEST(by_stack),
		TEST(by_thread),
		TEST(by_process),
		TEST(nothing_recorded),
		cmocka_unit_test(table_of_groupings),
		TEST(chains),
		TEST(chain_of_hostile_names),
		cmocka_unit_test(short_names),
		cmocka_unit_test(short_names_of_any_length),
	};

	return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
