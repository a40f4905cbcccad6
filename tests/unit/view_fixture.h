/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small profile of made-up functions, for the tests of view/. */
#ifndef ALLOCTRACE_TESTS_VIEW_FIXTURE_H
#define ALLOCTRACE_TESTS_VIEW_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "fake_names.h"
#include "view/view.h"

static const char *const allocators[] = {"malloc", "calloc"};

enum {
	START, MAIN, PARSE, LOAD, STORE, NEW, NEW_ARRAY, POOL_NEW, MANGLED_NEW,
};

struct fixture {
	struct modules modules;
	struct profile p;
	struct recording r;
	uint32_t exe, lib, other_lib, task;
};

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	modules_init(&x->modules);
	profile_init(&x->p, &x->modules, allocators, 2);
	x->r = (struct recording){.profile = &x->p, .names = fake_names_new(&x->modules)};
	x->exe = modules_file(&x->modules, "/usr/bin/prog", 1, 1, -1, 1, false);
	x->lib = modules_file(&x->modules, "/usr/lib/libx.so.1", 1, 2, -1, 1, false);
	x->other_lib = modules_file(&x->modules, "/opt/lib/libx.so.1", 1, 3, -1, 1, false);
	x->task = profile_task(&x->p, 10, 0, 0, "prog");
	fake_functions[START] = "_start";
	fake_functions[MAIN] = "main";
	fake_functions[PARSE] = "parse";
	fake_functions[LOAD] = "load";
	fake_functions[STORE] = "store";
	fake_functions[NEW] = "operator new(unsigned long)";
	fake_functions[NEW_ARRAY] = "operator new[](unsigned long)";
	fake_functions[POOL_NEW] = "Pool::operator new(unsigned long)";
	fake_functions[MANGLED_NEW] = "_Znwm";
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	fake_reset();
	fake_names_free(x->r.names);
	profile_free(&x->p);
	modules_free(&x->modules);
	free(x);
	return 0;
}

static uint32_t frame(struct fixture *x, int function, int offset)
{
	return profile_frame(&x->p, x->exe, FAKE(function) + offset);
}

#define ADD(x, task, end, bytes, calls, ...) add(x, task, end, bytes, calls, (uint32_t[]){__VA_ARGS__}, \
						 sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static uint32_t add(struct fixture *x, uint32_t task, enum stack_end end, uint64_t bytes, uint64_t calls,
		    const uint32_t *frames, size_t n)
{
	uint32_t stack = profile_stack(&x->p, task, 0, frames, n, end);

	profile_add(&x->p, PROFILE_ALLOC, stack, (struct counters){.bytes = bytes, .calls = calls});
	return stack;
}

__attribute__((unused))
static void check_row(const struct view *v, size_t i, const char *name, uint64_t bytes, uint64_t calls,
		      uint64_t cum_bytes)
{
	assert_true(i < v->n);
	assert_string_equal(v->rows[i].name, name);
	assert_int_equal(v->rows[i].flat.bytes, bytes);
	assert_int_equal(v->rows[i].flat.calls, calls);
	assert_int_equal(v->rows[i].cum.bytes, cum_bytes);
}

__attribute__((unused)) static void build(struct fixture *x, const char *by, bool cum, struct view *v)
{
	view_build(&x->r, PROFILE_ALLOC, view_by_find(by), METRIC_BYTES, cum, v);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
