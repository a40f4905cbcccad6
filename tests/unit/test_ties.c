/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables don't depend on ids: in whatever order things were seen, what weighs the same has one order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "report_fixture.h"

#define STACKS 400
#define DEPTH 7

static const char *const paths[] = {"/usr/bin/a", "/usr/lib/liba.so", "/opt/lib/liba.so", "/usr/lib/libb.so"};
#define PATHS (sizeof(paths) / sizeof(paths[0]))

static const char *const functions[2][2] = {{"malloc", "calloc"}, {"calloc", "malloc"}};

static const struct {
	uint32_t pid, tid, exec;
	const char *name;
} tasks[] = {{10, 0, 0, "one"}, {10, 11, 0, "two"}, {10, 11, 1, "two"}, {12, 0, 0, "one"}, {12, 13, 0, "two"}};
#define TASKS (sizeof(tasks) / sizeof(tasks[0]))

static uint32_t random_of(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*seed >> 33) % below;
}

/* Which of n comes as the i-th one. */
static size_t place(size_t i, size_t n, int order)
{
	return order == 0 ? i : order == 1 ? n - 1 - i : (i * 7 + 3) % n;
}

/* Stack k: few functions, so that many are equal in a part; every third weighs the same. */
static void add_stack(struct fixture *x, int k, const uint32_t *module, const uint32_t *task, int order)
{
	static const enum stack_end ends[] = {STACK_END_CHAIN, STACK_END_DEPTH, STACK_END_NO_RULE, STACK_END_LOST};
	uint64_t seed = 1000003 * (k + 1);
	uint32_t frames[DEPTH], n = random_of(&seed, DEPTH + 1);
	enum stack_end end = ends[random_of(&seed, 16) ? random_of(&seed, 3) : 3];
	int function = random_of(&seed, 2);

	for (uint32_t i = 0; i < n; i++) {
		uint64_t addr = FAKE(random_of(&seed, 4)) + random_of(&seed, 2);

		frames[i] = profile_frame(&x->p, random_of(&seed, 20) ? module[random_of(&seed, PATHS)] :
					  MODULE_UNCERTAIN, addr);
	}
	add(x, task[random_of(&seed, TASKS)], order ? !function : function, end, k % 3 ? 16 : 8 * (k % 7), 1, frames,
	    end == STACK_END_LOST ? 0 : n);
}

static void fill(struct fixture *x, int order)
{
	uint32_t module[PATHS], task[TASKS];

	x->p.function_names = functions[order > 0];
	x->p.n_functions = 2;
	for (size_t i = 0; i < PATHS; i++) {
		size_t k = place(i, PATHS, order);

		module[k] = modules_file(&x->modules, paths[k], 2, k + 1, -1, 1, false);
	}
	for (size_t i = 0; i < TASKS; i++) {
		size_t k = place(i, TASKS, order);

		task[k] = profile_task(&x->p, tasks[k].pid, tasks[k].tid, tasks[k].exec, tasks[k].name);
	}
	for (size_t i = 0; i < STACKS; i++)
		add_stack(x, place(i, STACKS, order), module, task, order);
	/* Processes that are not told apart differ in texts alone. */
	for (size_t i = 0; i < STACKS / 4; i++) {
		size_t k = place(i, STACKS / 4, order);
		static const char *const texts[] = {NULL, "a", "b"};

		struct profile_task like = {.name = k % 2 ? "one" : "three", .exe = texts[k % 3],
					    .user = texts[k / 3 % 3], .container = texts[k / 9 % 3]};

		for (size_t n = 0; n < TASKS; n++)
			task[n] = profile_task_like(&x->p, &like);
		add_stack(x, (int)(STACKS + k), module, task, order);
	}
	x->o.top = 0;
	x->o.width = 200;
}

static void compare_tables(struct fixture *x, struct fixture *y)
{
	char *want = render(x, "table"), *got = render(y, "table");

	assert_string_equal(got, want);
	free(want);
	free(got);
}

static void any_order(void **state)
{
	struct fixture *x = *state;
	void *other;

	fill(x, 0);
	for (int order = 1; order < 3; order++) {
		struct fixture *y;

		setup(&other);
		y = other;
		fill(y, order);
		for (const struct view_by *by = view_bys; by->name; by++) {
			x->o.by = y->o.by = by;
			for (int i = 0; i < 4; i++) {
				x->o.cum = y->o.cum = i & 1;
				x->o.metric = y->o.metric = i & 2 ? METRIC_CALLS : METRIC_BYTES;
				compare_tables(x, y);
			}
			/* And inside of rows, of which some are shown. */
			x->o.cum = y->o.cum = false;
			x->o.top = y->o.top = 7;
			for (const struct view_by *then = view_bys; then->name; then++) {
				x->o.then = y->o.then = then;
				compare_tables(x, y);
			}
			x->o.then = y->o.then = NULL;
			x->o.top = y->o.top = 0;
		}
		fake_names_free(y->r.names);
		profile_free(&y->p);
		modules_free(&y->modules);
		free(y);
	}
}

/* Each differs from the one before in the least that is compared, and comes after it. */
static void order_of_stacks(void **state)
{
	struct fixture *x = *state;
	uint32_t lib = modules_file(&x->modules, "/lib/libd.so", 3, 1, -1, 1, false);
	uint32_t a = profile_frame(&x->p, x->libc, 9), b = profile_frame(&x->p, lib, 5), c = frame(x, MAIN, 1);
	uint32_t later = profile_task(&x->p, 4711, 4715, 1, "worker"), other = profile_task(&x->p, 4712, 0, 0, "a");
	const uint32_t want[] = {
		profile_stack(&x->p, x->task, 0, NULL, 0, STACK_END_CHAIN),
		profile_stack(&x->p, x->task, 0, (uint32_t[]){a}, 1, STACK_END_CHAIN),
		profile_stack(&x->p, x->task, 0, (uint32_t[]){a, a}, 2, STACK_END_CHAIN),
		profile_stack(&x->p, x->task, 0, (uint32_t[]){a, c}, 2, STACK_END_CHAIN),
		profile_stack(&x->p, x->task, 1, (uint32_t[]){b}, 1, STACK_END_CHAIN),
		profile_stack(&x->p, x->task, 0, (uint32_t[]){b}, 1, STACK_END_CHAIN),
		profile_stack(&x->p, x->task, 0, (uint32_t[]){b}, 1, STACK_END_DEPTH),
		profile_stack(&x->p, x->worker, 0, (uint32_t[]){b}, 1, STACK_END_DEPTH),
		profile_stack(&x->p, later, 0, (uint32_t[]){b}, 1, STACK_END_DEPTH),
		profile_stack(&x->p, other, 0, (uint32_t[]){b}, 1, STACK_END_DEPTH),
		profile_stack(&x->p, x->task, 0, (uint32_t[]){c}, 1, STACK_END_CHAIN),
	};
	const size_t n = sizeof(want) / sizeof(want[0]);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			int got = profile_compare_stacks(&x->p, want[i], want[k]);

			if ((i < k && got >= 0) || (i == k && got) || (i > k && got <= 0))
				fail_msg("%zu and %zu: %d", i, k, got);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(any_order),
		TEST(order_of_stacks),
	};

	return cmocka_run_group_tests_name("ties", tests, NULL, NULL);
}
