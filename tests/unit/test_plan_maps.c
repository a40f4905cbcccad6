/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans of the functions by which programs map memory, in the C libraries that are installed. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arch/insn.h"
#include "probe/plan.h"

#define LIB "/usr/lib/x86_64-linux-gnu/"

/* NULL: there is no such file. */
static struct plan *plan_with(const char *path, unsigned int flags, struct elf_file **ef)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct plan *p;

	if (fd < 0)
		return NULL;
	assert_int_equal(elf_file_open(fd, path, ef) || plan_make(*ef, path, flags, &p), 0);
	/* The descriptor stays open until the process ends: the file reads from it. */
	return p;
}

static const struct plan_probe *probe_of(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->n_probes; i++)
		if (!strcmp(p->probes[i].name, name))
			return &p->probes[i];
	return NULL;
}

/* Each is probed before its system call, where its arguments are known. */
static void check_site(const struct elf_file *ef, const struct plan_probe *q)
{
	uint8_t code[64];
	struct insn in;

	assert_true(q && q->maps && !q->frees && !q->site.pushed);
	assert_true(q->site.offset < sizeof(code) && elf_read_vaddr(ef, q->vaddr, code, sizeof(code)));
	for (size_t off = 0; off < q->site.offset; off += in.len) {
		assert_true(insn_decode(code + off, sizeof(code) - off, q->vaddr + off, &in));
		assert_int_not_equal(in.class, INSN_SYSCALL);
	}
}

static void check_libc(const char *path)
{
	static const char *const names[] = {"mmap", "mremap", "munmap", "brk", "sbrk"};
	struct elf_file *ef;
	struct plan *p = plan_with(path, PLAN_NOPS | PLAN_BLOCKS | PLAN_MAPS, &ef);

	if (!p)
		skip();
	for (size_t i = 0; i < 5; i++)
		check_site(ef, probe_of(p, names[i]));
	assert_true(probe_of(p, "malloc") && p->has_malloc && !p->is_allocator && p->n_allocator);
	assert_true(p->threads.from && p->threads.to > p->threads.from);
	plan_free(p);
	elf_file_close(ef);
	p = plan_with(path, PLAN_NOPS | PLAN_MAPS | PLAN_NO_HEAP, &ef);
	assert_true(p->n_probes == 5 && !p->n_skips && p->has_malloc);
	plan_free(p);
	elf_file_close(ef);
	p = plan_with(path, PLAN_NOPS, &ef);
	assert_true(!probe_of(p, "mmap") && !p->has_malloc);
	plan_free(p);
	elf_file_close(ef);
}

static void glibc(void **state)
{
	check_libc(LIB "libc.so.6");
}

static void musl(void **state)
{
	check_libc("/usr/lib/x86_64-linux-musl/libc.so");
}

/* Its own are left alone. */
static void loader(void **state)
{
	struct elf_file *ef;
	struct plan *p = plan_with(LIB "ld-linux-x86-64.so.2", PLAN_NOPS | PLAN_MAPS, &ef);

	assert_true(p && !p->n_probes);
	plan_free(p);
	elf_file_close(ef);
}

static void allocators(void **state)
{
	static const char *const paths[] = {LIB "libjemalloc.so.2", LIB "libtcmalloc.so.4", LIB "libmimalloc.so.2"};
	struct elf_file *ef;
	size_t n = 0;

	for (size_t i = 0; i < 3; i++) {
		struct plan *p = plan_with(paths[i], PLAN_NOPS | PLAN_MAPS, &ef);

		if (!p)
			continue;
		n++;
		assert_true(p->is_allocator && p->n_allocator);
		plan_free(p);
		elf_file_close(ef);
	}
	if (!n)
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(glibc), cmocka_unit_test(musl), cmocka_unit_test(loader), cmocka_unit_test(allocators),
	};

	return cmocka_run_group_tests_name("plan_maps", tests, NULL, NULL);
}
