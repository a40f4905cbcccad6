/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes that are known by events alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "proc/process.h"

static struct modules modules;
static struct processes processes;

static int setup(void **state)
{
	modules_init(&modules);
	processes_init(&processes, &modules);
	return 0;
}

static int teardown(void **state)
{
	processes_free(&processes);
	modules_free(&modules);
	return 0;
}

/* No process has such a number. */
#define FAR_PID 4194304

static void execs_by_event(void **state)
{
	struct process *p = processes_exec(&processes, FAR_PID + 1, 10, "one"), *again;
	uint64_t offset;
	uint32_t id, exec;

	assert_ptr_equal(processes_find(&processes, FAR_PID + 1), p);
	assert_string_equal(p->name, "one");
	process_mmap_module(p, 20, 0x1000, 0x2000, 0x5000, 3);
	assert_true(process_resolve(p, &modules, 0x1010, 20, &id, &offset));
	assert_int_equal(id, 3);
	assert_int_equal(offset, 0x5010);
	assert_false(process_resolve(p, &modules, 0x1010, 19, &id, &offset));
	assert_false(process_resolve(p, &modules, 0x3000, 20, &id, &offset));
	/* Lengths that can't be. */
	process_mmap_module(p, 21, 0x1000, 0, 0, 4);
	process_mmap_module(p, 21, 0x1000, UINT64_MAX, 0, 4);
	assert_true(process_resolve(p, &modules, 0x1010, 21, &id, &offset));
	assert_int_equal(id, 3);
	/* What comes over it ends a part of it. */
	process_mmap_module(p, 30, 0x2000, 0x1000, 0x9000, 4);
	assert_true(process_resolve(p, &modules, 0x2010, 30, &id, &offset));
	assert_int_equal(id, 4);
	assert_int_equal(offset, 0x9010);
	assert_true(process_resolve(p, &modules, 0x2010, 29, &id, &offset));
	assert_int_equal(id, 3);
	assert_true(process_resolve(p, &modules, 0x1010, 30, &id, &offset));
	assert_int_equal(id, 3);

	/* The same process with another program: its mappings are gone, and what was before is known. */
	again = processes_exec(&processes, FAR_PID + 1, 40, "two");
	assert_ptr_equal(again, p);
	assert_int_equal(processes.list.n, 1);
	assert_false(process_resolve(p, &modules, 0x1010, 40, &id, &offset));
	assert_true(process_resolve(p, &modules, 0x1010, 39, &id, &offset));
	assert_string_equal(process_name_at(p, 41, &exec), "two");

	/* Another process by the same number. */
	process_exit(p, 50);
	p = processes_exec(&processes, FAR_PID + 1, 60, "three");
	assert_int_equal(processes.list.n, 1);
	assert_false(p->exited);
	assert_string_equal(p->name, "three");
	assert_false(process_resolve(p, &modules, 0x1010, 39, &id, &offset));
}

/* Whatever the order is, those that stay are found. */
static void drops(void **state)
{
	enum { N = 200 };
	bool dropped[N] = {0};
	size_t left = N;

	for (int i = 0; i < N; i++) {
		char name[16];

		snprintf(name, sizeof(name), "p%d", i);
		processes_exec(&processes, FAR_PID + i, 10, name);
	}
	for (uint64_t seed = 1; left; seed++) {
		const size_t at = mix64(seed) % N;
		char name[16];

		if (dropped[at])
			continue;
		processes_drop(&processes, processes_find(&processes, FAR_PID + (pid_t)at));
		dropped[at] = true;
		assert_int_equal(processes.list.n, --left);
		for (int i = 0; i < N; i++) {
			const struct process *p = processes_find(&processes, FAR_PID + i);

			assert_true(dropped[i] == !p);
			snprintf(name, sizeof(name), "p%d", i);
			if (p)
				assert_string_equal(p->name, name);
		}
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(execs_by_event), TEST(drops)};

	return cmocka_run_group_tests_name("process_exec", tests, NULL, NULL);
}
