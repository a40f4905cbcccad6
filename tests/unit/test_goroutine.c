/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where things are in a Go program's struct g: by code as Go 1.14, 1.23 and 1.27 have it, and in Go's own programs. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "elf/goroutine.h"

#define GO "/usr/lib/go"

/* runtime.systemstack, up to its first call. */
static const uint8_t switches[] = {
	0x48, 0x8b, 0x7c, 0x24, 0x08,					/* mov 0x8(%rsp),%rdi */
	0x64, 0x48, 0x8b, 0x04, 0x25, 0xf8, 0xff, 0xff, 0xff,		/* mov %fs:0xfffffffffffffff8,%rax */
	0x48, 0x8b, 0x58, 0x30,						/* mov 0x30(%rax),%rbx */
	0x48, 0x3b, 0x43, 0x48,						/* cmp 0x48(%rbx),%rax */
	0x74, 0x53,							/* je */
	0x48, 0x8b, 0x13,						/* mov (%rbx),%rdx */
	0x48, 0x39, 0xd0,						/* cmp %rdx,%rax */
	0x74, 0x4b,							/* je */
	0x48, 0x3b, 0x83, 0xb8, 0x00, 0x00, 0x00,			/* cmp 0xb8(%rbx),%rax */
};

/* The same of a program that can lie anywhere. */
static const uint8_t switches_pie[] = {
	0x48, 0x8b, 0x0d, 0x5c, 0xc3, 0x5b, 0x03,			/* mov 0x35bc35c(%rip),%rcx */
	0x64, 0x48, 0x8b, 0x01,						/* mov %fs:(%rcx),%rax */
	0x48, 0x8b, 0x58, 0x30,						/* mov 0x30(%rax),%rbx */
	0x48, 0x3b, 0x43, 0x50,						/* cmp 0x50(%rbx),%rax */
	0x74, 0x53,							/* je */
	0x48, 0x3b, 0x83, 0xc0, 0x00, 0x00, 0x00,			/* cmp 0xc0(%rbx),%rax */
};

/* runtime.printcreatedby of Go 1.23. */
static const uint8_t created[] = {
	0x49, 0x3b, 0x66, 0x10,						/* cmp 0x10(%r14),%rsp */
	0x48, 0x89, 0x44, 0x24, 0x50,					/* mov %rax,0x50(%rsp) */
	0x48, 0x8b, 0x88, 0x20, 0x01, 0x00, 0x00,			/* mov 0x120(%rax),%rcx */
	0x48, 0x89, 0x4c, 0x24, 0x30,					/* mov %rcx,0x30(%rsp) */
	0xe8, 0x00, 0x00, 0x00, 0x00,					/* call */
	0x48, 0x8b, 0xb8, 0x40, 0x01, 0x00, 0x00,			/* mov 0x140(%rax),%rdi: behind a call */
	0x48, 0x8b, 0x54, 0x24, 0x50,					/* mov 0x50(%rsp),%rdx */
	0x48, 0x83, 0xba, 0xa0, 0x00, 0x00, 0x00, 0x01,		/* cmpq $0x1,0xa0(%rdx) */
	0x74, 0x11,							/* je */
};

/* runtime/pprof.runtime_setProfLabel. */
static const uint8_t labels[] = {
	0x83, 0x3d, 0x37, 0xdb, 0x11, 0x00, 0x00,			/* cmpl $0x0,0x11db37(%rip) */
	0x48, 0x89, 0x44, 0x24, 0x08,					/* mov %rax,0x8(%rsp) */
	0x49, 0x89, 0x03,						/* mov %rax,(%r11): for the collector */
	0x49, 0x89, 0x86, 0x68, 0x01, 0x00, 0x00,			/* mov %rax,0x168(%r14) */
};

static void code_shows_offsets(void **state)
{
	struct plan_goroutine g = {0};

	assert_true(goroutine_of_thread(switches, sizeof(switches), 0x400000, &g));
	assert_int_equal(g.tls, -8);
	assert_int_equal(g.m, 0x30);
	assert_int_equal(g.curg, 0xb8);
	assert_true(goroutine_of_thread(switches_pie, sizeof(switches_pie), 0x400000, &g));
	assert_int_equal(g.tls, 0);
	assert_int_equal(g.curg, 0xc0);
	assert_true(goroutine_identity(created, sizeof(created), 0x400000, &g));
	assert_int_equal(g.gopc, 0x120);
	assert_int_equal(g.goid, 0xa0);
	assert_true(goroutine_labels(labels, sizeof(labels), 0x400000, &g));
	assert_int_equal(g.labels, 0x168);
}

/* Nothing is concluded from a part of it, or from code where a register has changed on the way. */
static void other_code_shows_nothing(void **state)
{
	uint8_t changed[sizeof(switches)], twice[2 * sizeof(created)];
	struct plan_goroutine g;

	for (size_t n = 0; n < sizeof(switches); n++)
		assert_false(goroutine_of_thread(switches, n, 0x400000, &g));
	for (size_t n = 0; n < sizeof(created) - 2; n++)
		assert_false(goroutine_identity(created, n, 0x400000, &g));
	for (size_t n = 0; n < sizeof(labels); n++)
		assert_false(goroutine_labels(labels, n, 0x400000, &g));
	for (size_t i = 0; i < sizeof(switches); i++)
		changed[i] = switches[i];
	changed[26] = 0x1b;						/* mov (%rbx),%rbx */
	assert_false(goroutine_of_thread(changed, sizeof(changed), 0x400000, &g));
	/* Which of two compares it is of can't be told. */
	for (size_t i = 0; i < sizeof(twice); i++)
		twice[i] = created[i % sizeof(created)];
	assert_false(goroutine_identity(twice, sizeof(twice), 0x400000, &g));
}

static struct plan_goroutine find(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct plan_goroutine out;
	struct gopclntab *g;
	struct elf_file *ef;

	if (fd < 0)
		skip();
	assert_int_equal(elf_file_open(fd, path, &ef), 0);
	assert_int_equal(gopclntab_open(ef, &g, NULL), 0);
	goroutine_find(ef, g, &out);
	gopclntab_close(g);
	elf_file_close(ef);
	close(fd);
	return out;
}

/* Of the compiler on this machine, whose layout by its version is known from the source. */
static void real_programs_have_them(void **state)
{
	struct plan_goroutine g = find(GO "/pkg/tool/linux_amd64/compile");

	assert_true(g.known);
	assert_int_equal(g.m, 48);
	assert_int_equal(g.labels_form, GO_LABELS_NONE);
	assert_int_equal(find(GO "/bin/go").goid, g.goid);
	assert_int_equal(find(GO "/bin/go").gopc, g.gopc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(code_shows_offsets),
		cmocka_unit_test(other_code_shows_nothing),
		cmocka_unit_test(real_programs_have_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
