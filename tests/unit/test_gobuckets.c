/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a Go program's heap records are: by made-up code, and in Go's own programs, of which compile writes heap
 * profiles and go does not. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "elf/gobuckets.h"

#define GO "/usr/lib/go"

static const uint8_t code[] = {
	0x48, 0x89, 0x6c, 0x24, 0x20,					/* mov %rbp,0x20(%rsp) */
	0x8b, 0x05, 0x10, 0x00, 0x00, 0x00,				/* mov 0x10(%rip),%eax: half a word */
	0x48, 0x8d, 0x05, 0x08, 0x00, 0x00, 0x00,			/* lea 0x8(%rip),%rax */
	0x64, 0x48, 0x8b, 0x0c, 0x25, 0xf8, 0xff, 0xff, 0xff,		/* mov %fs:0xfffffffffffffff8,%rcx */
	0x48, 0x89, 0x05, 0x20, 0x00, 0x00, 0x00,			/* mov %rax,0x20(%rip): a store */
	0x48, 0x8b, 0x40, 0x40,						/* mov 0x40(%rax),%rax */
	0x4c, 0x8b, 0x15, 0x00, 0x01, 0x00, 0x00,			/* mov 0x100(%rip),%r10 */
	0x48, 0x8b, 0x0d, 0x00, 0x02, 0x00, 0x00,			/* mov 0x200(%rip),%rcx */
};

static void first_load_is_found(void **state)
{
	const size_t end = sizeof(code) - 7;

	assert_int_equal(gobuckets_loaded(code, sizeof(code), 0x400000), 0x400000 + end + 0x100);
	/* The rest of what it begins with. */
	assert_int_equal(gobuckets_loaded(code + end, 7, 0x1000), 0x1000 + 7 + 0x200);
}

static void cut_code_loads_nothing(void **state)
{
	for (size_t n = 0; n < sizeof(code) - 7; n++)
		assert_int_equal(gobuckets_loaded(code, n, 0x400000), 0);
	assert_int_equal(gobuckets_loaded((const uint8_t *)"\x06\x48\x8b\x0d\0\0\0\0", 8, 0), 0);
}

static struct plan_go find(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct gopclntab *g;
	struct elf_file *ef;
	struct plan_go out;

	if (fd < 0)
		skip();
	assert_int_equal(elf_file_open(fd, path, &ef), 0);
	assert_int_equal(gopclntab_open(ef, &g, NULL), 0);
	gobuckets_find(ef, g, &out);
	for (int i = 0; i < 2; i++) {
		const uint64_t vaddr = i ? out.rate : out.buckets;
		const struct elf_segment *segs;
		bool writable = false;
		size_t n;

		segs = elf_file_segments(ef, &n);
		for (size_t k = 0; k < n; k++)
			writable |= segs[k].flags & 2 && vaddr >= segs[k].vaddr &&
				    vaddr + 8 <= segs[k].vaddr + segs[k].memsz;
		assert_true(writable);
	}
	assert_int_not_equal(out.rate, out.buckets);
	gopclntab_close(g);
	elf_file_close(ef);
	close(fd);
	return out;
}

static void real_programs_have_them(void **state)
{
	struct plan_go compile = find(GO "/pkg/tool/linux_amd64/compile"), go = find(GO "/bin/go");

	assert_true(compile.found && compile.kept);
	assert_true(go.found);
	assert_false(go.kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_load_is_found),
		cmocka_unit_test(cut_code_loads_nothing),
		cmocka_unit_test(real_programs_have_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
