/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which copies of probes forked children have, by their code in memory. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "trace/cleaner.h"

#define PAGE 4096
#define INT3 0xcc
#define JUMP 0xe9

/* Two functions of a page of nops, each with a probe at its entry. */
#define FIRST 256
#define SECOND 1024

struct fixture {
	struct modules modules;
	struct plan_probe probes[2];
	struct plan plan;
	struct process p;
	uint8_t *code;
	uint32_t module;
	struct clean_sets sets;
	struct clean_set *set;
};

static void setup(struct fixture *x)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	const bool ours[] = {true, true};
	uint8_t nops[PAGE];
	bool is_new;

	memset(nops, 0x90, sizeof(nops));
	assert_true(fd >= 0);
	assert_int_equal(write(fd, nops, PAGE), PAGE);
	*x = (struct fixture){.probes = {{.file_offset = FIRST, .size = 64}, {.file_offset = SECOND, .size = 64}}};
	x->code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(x->code, MAP_FAILED);
	x->plan = (struct plan){.probes = x->probes, .n_probes = 2};
	modules_init(&x->modules);
	x->module = modules_file(&x->modules, "/lib/x.so", 1, 2, fd, (uint32_t)getpid(), false);
	x->p.pid = getpid();
	vec_push(&x->p.maps, ((struct mapping){
		.start = (uintptr_t)x->code, .end = (uintptr_t)x->code + PAGE, .module = x->module,
		.until_ns = UINT64_MAX, .max_end = (uintptr_t)x->code + PAGE,
	}));
	/* Our own breakpoints, which children inherit. */
	x->code[FIRST] = x->code[SECOND] = INT3;
	x->set = clean_set_of(&x->sets, &x->p, &is_new);
	assert_true(is_new);
	clean_set_file(x->set, x->module, &x->plan, ours);
	assert_ptr_equal(clean_set_of(&x->sets, &x->p, &is_new), x->set);
	assert_false(is_new);
}

static void teardown(struct fixture *x)
{
	clean_sets_free(&x->sets);
	vec_free(&x->p.maps);
	modules_free(&x->modules);
	munmap(x->code, PAGE);
}

/* With that byte at a place of its code, once it has written it. */
static pid_t child(struct fixture *x, size_t at, uint8_t byte)
{
	int ready[2];
	char c;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		x->code[at] = byte;
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void all_copies_are_there(void **state)
{
	struct fixture x;
	struct clean_files files = {0};
	pid_t pid;

	setup(&x);
	pid = child(&x, 0, 0x90);
	clean_compare(&files, x.set, pid, &x.modules);
	assert_int_equal(files.all.n, 1);
	assert_int_equal(files.all.at[0].module, x.module);
	assert_ptr_equal(files.all.at[0].plan, &x.plan);
	assert_int_equal(files.all.at[0].pids.n, 1);
	assert_int_equal(files.all.at[0].pids.at[0], pid);
	assert_false(files.all.at[0].left_out[0] || files.all.at[0].left_out[1]);
	clean_files_free(&files);
	end(pid);
	teardown(&x);
}

/* Nothing may be put back where one of them has a hook. */
static void hook_in_one_child(void **state)
{
	struct fixture x;
	struct clean_files files = {0};
	pid_t plain, hooked;

	setup(&x);
	plain = child(&x, 0, 0x90);
	hooked = child(&x, SECOND, JUMP);
	clean_compare(&files, x.set, hooked, &x.modules);
	clean_compare(&files, x.set, plain, &x.modules);
	assert_int_equal(files.all.n, 1);
	assert_int_equal(files.all.at[0].pids.n, 2);
	assert_false(files.all.at[0].left_out[0]);
	assert_true(files.all.at[0].left_out[1]);
	clean_files_free(&files);
	end(plain);
	end(hooked);
	teardown(&x);
}

/* A breakpoint at a probe that is not ours in the parent is somebody else's. */
static void what_the_parent_lacks(void **state)
{
	struct fixture x;
	struct clean_files files = {0};
	pid_t pid;

	setup(&x);
	((bool *)x.set->files.at[0].ours)[0] = false;
	pid = child(&x, 0, 0x90);
	clean_compare(&files, x.set, pid, &x.modules);
	assert_true(files.all.at[0].left_out[0]);
	assert_false(files.all.at[0].left_out[1]);
	clean_files_free(&files);
	end(pid);
	teardown(&x);
}

static void gone_child(void **state)
{
	struct fixture x;
	struct clean_files files = {0};
	pid_t pid;

	setup(&x);
	pid = child(&x, 0, 0x90);
	end(pid);
	clean_compare(&files, x.set, pid, &x.modules);
	assert_int_equal(files.all.n, 0);
	clean_files_free(&files);
	teardown(&x);
}

/* What the parent unmaps later, and what it had before, is not asked of its children. */
static void mappings_are_copied(void **state)
{
	struct fixture x;
	struct process p = {.pid = 7};
	struct clean_set *set;
	bool is_new;

	setup(&x);
	vec_push(&p.maps, ((struct mapping){.start = 1, .end = 2, .until_ns = 5}));
	vec_push(&p.maps, ((struct mapping){.start = 3, .end = 4, .until_ns = UINT64_MAX}));
	set = clean_set_of(&x.sets, &p, &is_new);
	assert_true(is_new);
	assert_int_equal(x.sets.all.n, 2);
	p.maps.at[1].until_ns = 6;
	assert_int_equal(set->process.maps.n, 1);
	assert_int_equal(set->process.maps.at[0].start, 3);
	assert_int_equal(set->process.maps.at[0].until_ns, UINT64_MAX);
	vec_free(&p.maps);
	teardown(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_copies_are_there),
		cmocka_unit_test(hook_in_one_child),
		cmocka_unit_test(what_the_parent_lacks),
		cmocka_unit_test(gone_child),
		cmocka_unit_test(mappings_are_copied),
	};

	return cmocka_run_group_tests_name("cleaner", tests, NULL, NULL);
}
