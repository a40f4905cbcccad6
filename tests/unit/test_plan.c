/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans of the allocators that are installed, read from their own files. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "elf/symbols.h"
#include "arch/insn.h"
#include "probe/plan.h"
#include "probe/site.h"

#define LIB "/usr/lib/x86_64-linux-gnu/"

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

static struct plan *plan_of(const char *path, struct elf_file **ef)
{
	return plan_with(path, PLAN_NOPS, ef);
}

static const struct plan_probe *probe_of(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->n_probes; i++)
		if (!strcmp(p->probes[i].name, name))
			return &p->probes[i];
	return NULL;
}

static const char *why_skipped(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->n_skips; i++)
		if (!strcmp(alloc_function(p->skips[i].function)->name, name))
			return p->skips[i].why;
	return "";
}

/* What holds for every probe of every allocator: an emulated instruction on a boundary, the offset its own. */
static void check_probes(const struct elf_file *ef, const struct plan *p)
{
	for (size_t i = 0; i < p->n_probes; i++) {
		const struct plan_probe *q = &p->probes[i];
		uint64_t at = q->vaddr, offset;
		uint8_t code[15];
		struct insn in = {0};
		int tested;

		assert_true(q->site.offset < q->size);
		do {
			size_t n = elf_read_vaddr(ef, at, code, sizeof(code));

			tested = insn_tested(&in);
			assert_true(insn_decode(code, n, at, &in));
			at += in.len;
		} while (at <= q->vaddr + q->site.offset);
		assert_int_equal(in.vaddr, q->vaddr + q->site.offset);
		assert_int_equal(insn_probe(&in, true), INSN_EMULATED);
		assert_int_equal(q->site.cost, SITE_EMULATED);
		assert_true(elf_vaddr_to_offset(ef, in.vaddr, &offset));
		assert_int_equal(offset, q->file_offset);
		assert_false(q->site.repeats);
		/* The return address is where a return probe looks for it. */
		if (!q->no_return && !q->frees)
			assert_int_equal(q->site.pushed, 0);
		assert_int_equal(q->frees, alloc_function(q->function)->frees);
		if (q->frees) {
			assert_in_range(q->old_reg, 0, 15);
			/* The next would be behind the jump of calls with NULL. */
			assert_false(in.cond == COND_EQUAL && tested == q->old_reg);
			continue;
		}
		assert_in_range(q->site.arg_reg[alloc_function(q->function)->size_arg], 0, 15);
	}
}

/* Following blocks, the same functions are probed at the same sites, and those that free besides. */
static void check_blocks(const char *path, const struct plan *p)
{
	struct elf_file *ef;
	struct plan *blocks = plan_with(path, PLAN_NOPS | PLAN_BLOCKS, &ef);
	size_t allocating = 0;

	check_probes(ef, blocks);
	for (size_t i = 0; i < blocks->n_probes; i++) {
		const struct plan_probe *q = &blocks->probes[i], *same;

		if (q->frees)
			continue;
		allocating++;
		same = probe_of(p, q->name);
		assert_non_null(same);
		assert_int_equal(q->file_offset, same->file_offset);
		assert_int_equal(q->site.cost, same->site.cost);
		assert_int_equal(q->no_return, alloc_function(q->function)->may_throw);
		if (!strcmp(q->name, "posix_memalign"))
			assert_int_equal(q->out_reg, 7);
		else
			assert_int_equal(q->out_reg, SITE_NO_REG);
		if (!strcmp(q->name, "realloc"))
			assert_int_equal(q->old_reg, 7);
	}
	assert_int_equal(allocating, p->n_probes);
	for (size_t i = 0; i < p->n_probes; i++)
		assert_false(p->probes[i].frees);
	plan_free(blocks);
	elf_file_close(ef);
}

/* The functions that free, of those names, are probed; nothing else frees. */
static void check_frees(const char *path, const char *const *names)
{
	struct elf_file *ef;
	struct plan *p = plan_with(path, PLAN_NOPS | PLAN_BLOCKS, &ef);
	size_t n = 0, frees = 0;

	for (; names[n]; n++)
		assert_non_null(probe_of(p, names[n]));
	for (size_t i = 0; i < p->n_probes; i++)
		frees += p->probes[i].frees;
	assert_int_equal(frees, n);
	plan_free(p);
	elf_file_close(ef);
}

/* The site is behind the jump that calls with NULL take. */
static void check_null_spared(const char *path, const char *name)
{
	struct elf_file *ef;
	struct plan *p = plan_with(path, PLAN_NOPS | PLAN_BLOCKS, &ef);
	const struct plan_probe *q = probe_of(p, name);
	uint8_t code[256];
	struct insn in = {0};
	bool spared = false;
	int tested = -1;

	assert_non_null(q);
	assert_in_range(q->site.offset, 1, sizeof(code) - 1);
	assert_int_equal(elf_read_vaddr(ef, q->vaddr, code, sizeof(code)), sizeof(code));
	for (size_t off = 0; off < q->site.offset; off += in.len) {
		assert_true(insn_decode(code + off, sizeof(code) - off, q->vaddr + off, &in));
		spared |= in.cond == COND_EQUAL && tested == 7;
		tested = insn_tested(&in);
	}
	assert_true(spared);
	plan_free(p);
	elf_file_close(ef);
}

#define FREES(path, ...) check_frees(path, (const char *const[]){__VA_ARGS__, NULL})

static void test_glibc(void **state)
{
	struct elf_file *ef;
	struct plan *p = plan_of(LIB "libc.so.6", &ef);
	const struct plan_probe *q;

	if (!p)
		skip();
	check_probes(ef, p);
	assert_int_equal(strncmp(p->implementation, "glibc 2.", 8), 0);
	q = probe_of(p, "malloc");
	assert_non_null(q);
	assert_int_equal(q->site.arg_reg[0], 7);
	/* Nothing that it calls leads to another one; realloc calls it where it must move a block. */
	assert_false(q->outer || probe_of(p, "calloc")->outer);
	assert_true(probe_of(p, "realloc")->outer && !probe_of(p, "realloc")->jumps);
	assert_true(probe_of(p, "realloc")->n_bodies >= 1);
	q = probe_of(p, "realloc");
	assert_non_null(q);
	assert_int_equal(q->skip_arg, 0);
	assert_int_equal(q->skip_max, 0);
	assert_non_null(probe_of(p, "calloc"));
	assert_null(probe_of(p, "reallocarray"));
	assert_string_equal(why_skipped(p, "reallocarray"), "forwards to realloc");
	check_blocks(LIB "libc.so.6", p);
	FREES(LIB "libc.so.6", "free");
	check_null_spared(LIB "libc.so.6", "free");
	plan_free(p);
	elf_file_close(ef);
}

static void test_jemalloc(void **state)
{
	struct elf_file *ef;
	struct plan *p = plan_of(LIB "libjemalloc.so.2", &ef);

	if (!p)
		skip();
	check_probes(ef, p);
	assert_string_equal(p->implementation, "jemalloc");
	/* operator new has a fast path of its own, and only then reaches what malloc shares. */
	assert_non_null(probe_of(p, "_Znwm"));
	assert_non_null(probe_of(p, "malloc"));
	assert_string_equal(why_skipped(p, "_Znam"), "forwards to _Znwm");
	assert_string_equal(why_skipped(p, "_ZnwmSt11align_val_t"), "forwards to aligned_alloc");
	assert_non_null(probe_of(p, "mallocx"));
	assert_non_null(probe_of(p, "rallocx"));
	check_blocks(LIB "libjemalloc.so.2", p);
	FREES(LIB "libjemalloc.so.2", "free", "_ZdlPvm", "_ZdaPvm", "dallocx", "sdallocx");
	check_null_spared(LIB "libjemalloc.so.2", "_ZdlPvm");
	plan_free(p);
	elf_file_close(ef);
}

static void test_tcmalloc(void **state)
{
	static const char *const files[] = {LIB "libtcmalloc.so.4", LIB "libtcmalloc_minimal.so.4"};

	for (int i = 0; i < 2; i++) {
		struct elf_file *ef;
		struct plan *p = plan_of(files[i], &ef);

		if (!p)
			skip();
		check_probes(ef, p);
		assert_string_equal(p->implementation, "tcmalloc");
		assert_non_null(probe_of(p, "_Znwm"));
		assert_string_equal(why_skipped(p, "_Znam"), "alias of _Znwm");
		assert_string_equal(why_skipped(p, "aligned_alloc"), "alias of memalign");
		assert_string_equal(why_skipped(p, "posix_memalign"), "forwards to memalign");
		assert_non_null(probe_of(p, "tc_malloc_skip_new_handler"));
		check_blocks(files[i], p);
		FREES(files[i], "free", "_ZdlPvm", "_ZdlPvRKSt9nothrow_t", "_ZdlPvSt11align_val_t",
		      "_ZdlPvmSt11align_val_t", "_ZdlPvSt11align_val_tRKSt9nothrow_t");
		plan_free(p);
		elf_file_close(ef);
	}
}

static void test_mimalloc(void **state)
{
	struct elf_file *ef;
	struct plan *p = plan_of(LIB "libmimalloc.so.2", &ef);
	const struct plan_probe *q;

	if (!p)
		skip();
	check_probes(ef, p);
	assert_string_equal(p->implementation, "mimalloc");
	q = probe_of(p, "malloc");
	assert_non_null(q);
	/* mov %rdi,%rsi; mov %fs:..,%rdi; cmp; ja */
	assert_int_equal(q->site.arg_reg[0], 6);
	assert_true(q->site.offset > 0);
	/* One jump to the PLT, to a function that jumps to mi_malloc_aligned; and so on. */
	assert_string_equal(why_skipped(p, "valloc"), "forwards to mi_malloc_aligned");
	assert_string_equal(why_skipped(p, "mi_malloc_aligned"), "forwards to mi_heap_malloc_aligned");
	assert_string_equal(why_skipped(p, "realloc"), "forwards to mi_heap_realloc");
	assert_string_equal(why_skipped(p, "mi_malloc"), "alias of malloc");
	q = probe_of(p, "mi_heap_realloc");
	assert_non_null(q);
	/* xor %ecx,%ecx; jmp */
	assert_int_equal(q->site.offset, 2);
	assert_int_equal(q->old_reg, 6);
	check_blocks(LIB "libmimalloc.so.2", p);
	FREES(LIB "libmimalloc.so.2", "free");
	check_null_spared(LIB "libmimalloc.so.2", "free");
	plan_free(p);
	elf_file_close(ef);
}

static void test_musl(void **state)
{
	struct elf_file *ef;
	struct plan *p = plan_of("/lib/ld-musl-x86_64.so.1", &ef);

	if (!p)
		skip();
	check_probes(ef, p);
	assert_string_equal(p->implementation, "musl");
	assert_non_null(probe_of(p, "malloc"));
	/* It calls malloc and has no unwind information: probed itself, and malloc is a part of it. */
	assert_non_null(probe_of(p, "calloc"));
	assert_true(probe_of(p, "calloc")->outer && !probe_of(p, "malloc")->outer);
	assert_string_equal(why_skipped(p, "valloc"), "forwards to memalign");
	check_blocks("/lib/ld-musl-x86_64.so.1", p);
	FREES("/lib/ld-musl-x86_64.so.1", "free");
	plan_free(p);
	elf_file_close(ef);
}

static void test_libstdcxx(void **state)
{
	struct elf_file *ef;
	struct plan *p = plan_of(LIB "libstdc++.so.6", &ef);

	if (!p)
		skip();
	/* It rounds the size up to a multiple of the alignment for aligned_alloc. */
	assert_int_equal(p->n_probes, 1);
	assert_true(!strcmp(p->probes[0].name, "_ZnwmSt11align_val_t") && p->probes[0].outer);
	assert_int_equal(p->n_skips, 7);
	assert_null(p->implementation);
	assert_string_equal(why_skipped(p, "_Znwm"), "forwards to malloc (of another file)");
	assert_string_equal(why_skipped(p, "_ZnamRKSt9nothrow_t"), "forwards to _Znam");
	plan_free(p);
	elf_file_close(ef);
	p = plan_with(LIB "libstdc++.so.6", PLAN_NOPS | PLAN_BLOCKS, &ef);
	assert_int_equal(p->n_probes, 1);
	assert_int_equal(p->n_skips, 19);
	assert_string_equal(why_skipped(p, "_ZdlPv"), "forwards to free (of another file)");
	assert_string_equal(why_skipped(p, "_ZdaPvm"), "forwards to _ZdaPv");
	plan_free(p);
	elf_file_close(ef);
}

static void test_wrapper(void **state)
{
	struct elf_file *ef;
	struct plan *p = plan_of("/usr/lib/heaptrack/libheaptrack_preload.so", &ef);

	if (!p)
		skip();
	check_probes(ef, p);
	assert_non_null(probe_of(p, "malloc"));
	for (size_t i = 0; i < p->n_probes; i++)
		assert_true(p->probes[i].outer);
	plan_free(p);
	elf_file_close(ef);
}

static void test_nothing_there(void **state)
{
	struct elf_file *ef;
	struct plan *p = plan_of(LIB "libz.so.1", &ef);

	if (!p)
		skip();
	assert_int_equal(p->n_probes, 0);
	assert_int_equal(p->n_skips, 0);
	assert_null(p->implementation);
	plan_free(p);
	elf_file_close(ef);
	plan_free(NULL);
}

/* Go: mallocgc takes its size in rax, and its prologue restarts when the stack has grown. */
static void test_go(void **state)
{
	static const char *const name[] = {"runtime.mallocgc"};
	struct site_request r = {.nops_emulated = true};
	struct elf_symbol f;
	struct elf_file *ef;
	struct site s;
	char dir[] = "/tmp/test_plan.XXXXXX", command[256];
	uint8_t *code;
	int fd;

	if (access("/usr/bin/go", X_OK))
		skip();
	assert_non_null(mkdtemp(dir));
	snprintf(command, sizeof(command),
		 "cd %s && echo 'package main; func main() {}' > main.go && "
		 "GOCACHE=%s/cache GOPATH=%s/path GO111MODULE=off CGO_ENABLED=0 go build -o go main.go", dir, dir, dir);
	if (system(command))
		fail_msg("cannot compile: %s", command);
	snprintf(command, sizeof(command), "%s/go", dir);
	fd = open(command, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(elf_file_open(fd, "go", &ef), 0);
	assert_int_equal(elf_find_functions(ef, name, 1, &f), 0);
	assert_non_null(f.name);
	assert_in_range(f.size, 100, 1 << 16);
	code = malloc(f.size);
	assert_int_equal(elf_read_vaddr(ef, f.vaddr, code, f.size), f.size);
	memset(r.arg_reg, SITE_NO_REG, sizeof(r.arg_reg));
	r.arg_reg[0] = abi_c.result;
	r.code = code;
	r.size = f.size;
	r.vaddr = f.vaddr;
	assert_int_equal(site_choose(&r, &s), 0);
	print_message("runtime.mallocgc+%u: %s, %s\n", s.offset, s.insn, s.why);
	assert_int_equal(s.arg_reg[0], abi_c.result);
	assert_true(s.offset > 0 && s.offset < 64);
	free(code);
	elf_file_close(ef);
	close(fd);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

/* Of a Go program no return is probed, whatever else is linked into it. */
static void test_go_returns(void **state)
{
	struct elf_file *ef;
	struct plan *p;
	char dir[] = "/tmp/test_plan.XXXXXX", command[512], path[64];

	assert_non_null(mkdtemp(dir));
	for (int go = 0; go < 2; go++) {
		snprintf(command, sizeof(command),
			 "cd %s && printf '%%s\\n' "
			 "'static char heap[99]; void *malloc(unsigned long n) { return heap + n %% 9; }' "
			 "'void *_Znwm(unsigned long n) { return heap + n %% 7; }' %s >lib.c && "
			 "cc -w -O2 -fno-builtin -shared -fPIC -o lib%d.so lib.c", dir,
			 go ? "'__asm__(\".section .gopclntab,\\\"a\\\"; .quad 0; .previous\");'" : "", go);
		if (system(command))
			fail_msg("cannot compile: %s", command);
		snprintf(path, sizeof(path), "%s/lib%d.so", dir, go);
		p = plan_with(path, PLAN_NOPS | PLAN_BLOCKS, &ef);
		assert_non_null(p);
		assert_non_null(probe_of(p, "malloc"));
		assert_int_equal(probe_of(p, "malloc")->no_return, go);
		assert_true(probe_of(p, "_Znwm")->no_return);
		plan_free(p);
		elf_file_close(ef);
	}
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

/* A file whose bytes are not what they should be: whatever comes out, nothing is read or written out of bounds. */
static void test_damaged(void **state)
{
	uint32_t seed = 20221107;
	FILE *f = fopen(LIB "libmimalloc.so.2", "r");
	size_t size;
	uint8_t *good, *data;

	if (!f)
		skip();
	good = malloc(1 << 20);
	data = malloc(1 << 20);
	size = fread(good, 1, 1 << 20, f);
	fclose(f);
	assert_in_range(size, 1 << 16, (1 << 20) - 1);
	for (int round = 0; round < 60; round++) {
		struct elf_file *ef;
		struct plan *p;

		memcpy(data, good, size);
		/* Every few bytes of the code and its tables; the ELF header stays. */
		for (size_t at = 64 + (size_t)round; at < size; at += 1 + seed % 97) {
			seed = seed * 1664525u + 1013904223u;
			data[at] = (uint8_t)(seed >> 24);
		}
		if (elf_file_open_memory(data, size, "damaged", &ef))
			continue;
		if (!plan_make(ef, "damaged", round & 1 ? PLAN_BLOCKS : 0, &p)) {
			for (size_t i = 0; i < p->n_probes; i++)
				assert_true(p->probes[i].file_offset < size);
			plan_free(p);
		}
		elf_file_close(ef);
	}
	/* And with the tables whole, only the code (.text of this file) overwritten. */
	for (int round = 0; round < 60; round++) {
		struct elf_file *ef;
		struct plan *p;

		memcpy(data, good, size);
		for (size_t at = size / 8 + (size_t)round; at < size / 2; at += 1 + (seed >> 8) % 61) {
			seed = seed * 1664525u + 1013904223u;
			data[at] = (uint8_t)(seed >> 24);
		}
		assert_int_equal(elf_file_open_memory(data, size, "damaged", &ef), 0);
		if (!plan_make(ef, "damaged", PLAN_NOPS | (round & 1 ? PLAN_BLOCKS : 0), &p)) {
			for (size_t i = 0; i < p->n_probes; i++)
				assert_true(p->probes[i].site.offset < p->probes[i].size);
			plan_free(p);
		}
		elf_file_close(ef);
	}
	free(good);
	free(data);
}

static void test_not_for_us(void **state)
{
	uint8_t header[sizeof(Elf64_Ehdr)] = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT};
	Elf64_Ehdr eh = {.e_type = ET_DYN, .e_machine = EM_AARCH64, .e_version = EV_CURRENT, .e_ehsize = sizeof(eh)};
	struct elf_file *ef;
	struct plan *p = (struct plan *)1;

	memcpy(eh.e_ident, header, EI_NIDENT);
	if (elf_file_open_memory(&eh, sizeof(eh), "arm", &ef))
		skip();
	assert_int_equal(plan_make(ef, "arm", PLAN_NOPS, &p), -ENOEXEC);
	assert_null(p);
	elf_file_close(ef);
}

/* Ids are dense and in table order, and every name that a row forwards to is a row. */
static void test_table(void **state)
{
	size_t n = 0;

	for (size_t i = 0; alloc_families[i]; i++)
		for (size_t k = 0; k < alloc_families[i]->n; k++)
			assert_ptr_equal(alloc_function(n++), &alloc_families[i]->functions[k]);
	assert_int_equal(n, alloc_function_count());
	assert_null(alloc_function(n));
	assert_true(n <= PLAN_MAX_FUNCTIONS);
	for (size_t i = 0; i < n; i++) {
		const struct alloc_function *f = alloc_function(i);

		for (const char *const *to = f->forwards_to; to && *to; to++) {
			size_t k = 0;

			while (k < n && strcmp(alloc_function(k)->name, *to))
				k++;
			assert_true(k < n && k != i);
		}
		if (f->frees) {
			assert_int_equal(f->size_arg, ALLOC_NO_ARG);
			assert_in_range(f->old_arg, 0, SITE_MAX_ARGS - 1);
		} else if (!f->maps) {
			assert_in_range(f->size_arg, 0, SITE_MAX_ARGS - 1);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_glibc),
		cmocka_unit_test(test_jemalloc),
		cmocka_unit_test(test_tcmalloc),
		cmocka_unit_test(test_mimalloc),
		cmocka_unit_test(test_musl),
		cmocka_unit_test(test_libstdcxx),
		cmocka_unit_test(test_wrapper),
		cmocka_unit_test(test_nothing_there),
		cmocka_unit_test(test_go), cmocka_unit_test(test_go_returns),
		cmocka_unit_test(test_not_for_us),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
