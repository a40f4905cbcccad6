/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unwind tables of real files, and of functions in this program that have one rule each.
 *
 * EHFRAME_TREE=/usr compares every ELF file below /usr with libdw instead (minutes), and prints the figures.
 */
#include <ftw.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cfi_oracle.h"

/* Each label starts a row; each is one nop long. */
__asm__(".text\n"
	".globl asm_rules\n"
	".type asm_rules, @function\n"
	"asm_rules:\n"
	".cfi_startproc\n"
	"nop\n"
	".cfi_remember_state\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_offset rbp, -16\n"
	"nop\n"						/* +1 */
	".cfi_def_cfa_register rbp\n"
	"nop\n"						/* +2 */
	".cfi_restore_state\n"
	"nop\n"						/* +3 */
	".cfi_escape 0x0f, 3, 0x76, 0x78, 0x06\n"	/* CFA = *(rbp - 8) */
	".cfi_escape 0x10, 6, 2, 0x76, 0x08\n"		/* rbp saved at rbp + 8 */
	"nop\n"						/* +4 */
	".cfi_escape 0x0f, 6, 0x77, 0x98, 0x01, 0x06, 0x23, 0x08\n"	/* CFA = *(rsp + 152) + 8 */
	"nop\n"						/* +5 */
	".cfi_escape 0x0f, 5, 0x77, 0x78, 0x06, 0x23, 0x40\n"	/* CFA = *(rsp - 8) + 64 */
	"nop\n"						/* +6 */
	".cfi_undefined 16\n"
	"nop\n"						/* +7 */
	".cfi_offset 16, -8\n"
	".cfi_def_cfa r10, 0\n"
	"nop\n"						/* +8 */
	".cfi_def_cfa rsp, 12\n"
	"nop\n"						/* +9 */
	".cfi_def_cfa rsp, 8\n"
	".cfi_undefined rbp\n"
	"nop\n"						/* +10 */
	".cfi_register rbp, rbx\n"
	"nop\n"						/* +11 */
	".cfi_same_value rbp\n"
	".cfi_offset 16, -24\n"
	"nop\n"						/* +12 */
	".cfi_offset 16, -8\n"
	".cfi_escape 0x16, 7, 2, 0x77, 0x10\n"		/* rsp is rsp + 16 */
	"nop\n"						/* +13 */
	".cfi_escape 0x14, 7, 0\n"			/* rsp is the CFA */
	".cfi_escape 0x0f, 3, 0x77, 0x08, 0x1c\n"	/* CFA expression with an operator nobody uses */
	"nop\n"						/* +14 */
	".cfi_def_cfa rsp, 0x1fff8\n"
	".cfi_offset rbp, -1024\n"
	"nop\n"						/* +15 */
	".cfi_offset rbp, -1032\n"
	"nop\n"						/* +16 */
	".cfi_def_cfa_offset 0x40000\n"
	".cfi_restore rbp\n"
	"nop\n"						/* +17 */
	/* rsp + 8 + ((rip & 15) >= 11) << 3 */
	".cfi_escape 0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22\n"
	"nop\n"						/* +18 */
	".cfi_escape 0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x29, 0x33, 0x24, 0x22\n"
	"nop\n"						/* +19 */
	".cfi_endproc\n"
	".size asm_rules, . - asm_rules\n"
	"int3\n"					/* a gap: the second byte is the next function's */
	"int3\n"
	"asm_signal:\n"
	".cfi_startproc\n"
	".cfi_signal_frame\n"
	".cfi_escape 0x0f, 4, 0x77, 0xa0, 0x01, 0x06\n"	/* CFA = *(rsp + 160) */
	".cfi_escape 0x10, 6, 3, 0x77, 0xf8, 0x00\n"	/* rbp at rsp + 120 */
	".cfi_escape 0x10, 7, 3, 0x77, 0xa0, 0x01\n"	/* rsp at rsp + 160 */
	".cfi_escape 0x10, 16, 3, 0x77, 0xa8, 0x01\n"	/* rip at rsp + 168 */
	"nop\n"
	".cfi_endproc\n"
	"int3\n"
	"int3\n"
	"asm_nearly_signal:\n"				/* rip elsewhere */
	".cfi_startproc\n"
	".cfi_signal_frame\n"
	".cfi_escape 0x0f, 4, 0x77, 0xa0, 0x01, 0x06\n"
	".cfi_escape 0x10, 6, 3, 0x77, 0xf8, 0x00\n"
	".cfi_escape 0x10, 7, 3, 0x77, 0xa0, 0x01\n"
	".cfi_escape 0x10, 16, 3, 0x77, 0xb0, 0x01\n"
	"nop\n"
	".cfi_endproc\n"
	"int3\n");

extern const char asm_rules[], asm_signal[], asm_nearly_signal[];

#define MEM(at, plus) ((at) / 8 * 32 + (plus) / 8)
#define RULE(cfa, cfa_off, rbp, fp_off) { 0, (cfa) | (rbp) << 4, (fp_off), (cfa_off) }

#define WIDE(number) RULE(UNWIND_CFA_WIDE, 0, number, 0)
#define AT_CFA(o) { .how = UNWIND_AT_CFA, .off = (o) }
#define CFA_PLUS(o) { .how = UNWIND_CFA_PLUS, .off = (o) }
#define AT_REG(r, o) { .how = UNWIND_AT_REG, .reg = (r), .off = (o) }
#define REG_PLUS(r, o) { .how = UNWIND_REG_PLUS, .reg = (r), .off = (o) }
#define SAME { .how = UNWIND_SAME }
#define LOST { .how = UNWIND_LOST }

/* What the rows that are wide have, in their order. */
static const struct unwind_wide asm_wide[] = {
	{ REG_PLUS(7, 12), AT_CFA(-8), CFA_PLUS(0), AT_REG(6, 8) },
	{ REG_PLUS(7, 8), AT_CFA(-8), CFA_PLUS(0), REG_PLUS(3, 0) },
	{ REG_PLUS(7, 8), AT_CFA(-24), CFA_PLUS(0), SAME },
	{ REG_PLUS(7, 8), AT_CFA(-8), REG_PLUS(7, 16), SAME },
	{ REG_PLUS(7, 0x1fff8), AT_CFA(-8), CFA_PLUS(0), AT_CFA(-1032) },
	{ REG_PLUS(7, 0x40000), AT_CFA(-8), CFA_PLUS(0), SAME },
};

static const struct unwind_row asm_rows[] = {
	RULE(UNWIND_CFA_SP, 1, UNWIND_FP_SAME, 0),
	RULE(UNWIND_CFA_SP, 2, UNWIND_FP_CFA, -2),
	RULE(UNWIND_CFA_FP, 2, UNWIND_FP_CFA, -2),
	RULE(UNWIND_CFA_SP, 1, UNWIND_FP_SAME, 0),
	RULE(UNWIND_CFA_FP_MEM, MEM(-8, 0), UNWIND_FP_FP, 1),
	RULE(UNWIND_CFA_SP_MEM, MEM(152, 8), UNWIND_FP_FP, 1),
	RULE(UNWIND_CFA_SP_MEM, MEM(-8, 64), UNWIND_FP_FP, 1),
	RULE(UNWIND_CFA_STOP, 0, 0, 0),
	RULE(UNWIND_CFA_REGISTER, UNWIND_REGISTER(10, 0), UNWIND_FP_FP, 1),
	WIDE(0),
	RULE(UNWIND_CFA_SP, 1, UNWIND_FP_UNDEFINED, 0),
	WIDE(1),
	WIDE(2),
	WIDE(3),
	RULE(UNWIND_CFA_UNSUPPORTED, UNWIND_WHY_EXPRESSION, 0, 0),
	RULE(UNWIND_CFA_SP, 0x3fff, UNWIND_FP_CFA, -128),
	WIDE(4),
	WIDE(5),
	RULE(UNWIND_CFA_PLT, 11, UNWIND_FP_SAME, 0),
	RULE(UNWIND_CFA_UNSUPPORTED, UNWIND_WHY_EXPRESSION, 0, 0),
};

static struct unwind_table *load(const char *path)
{
	struct unwind_table *t = NULL;
	struct elf_file *ef = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(elf_file_open(fd, path, &ef), 0);
	assert_int_equal(unwind_table_load(ef, 10000000, &t), 0);
	elf_file_close(ef);
	close(fd);
	return t;
}

static int first_bias(struct dl_phdr_info *info, size_t size, void *bias)
{
	(void)size;
	*(uint64_t *)bias = info->dlpi_addr;
	return 1;
}

/* The vaddr of something in this program. */
static uint64_t own_vaddr(const void *p)
{
	uint64_t bias = 0;

	dl_iterate_phdr(first_bias, &bias);
	return (uint64_t)(uintptr_t)p - bias;
}

static void each_rule_has_its_row(void **state)
{
	struct unwind_table *t = load("/proc/self/exe");
	uint64_t at = own_vaddr(asm_rules);

	for (size_t i = 0; i < sizeof(asm_rows) / sizeof(asm_rows[0]); i++) {
		const struct unwind_row *row = unwind_table_at(t, at + i);

		if ((asm_rows[i].kind & 15) == UNWIND_CFA_WIDE) {
			assert_non_null(row);
			assert_int_equal(row->kind & 15, UNWIND_CFA_WIDE);
			assert_true(unwind_row_wide(row) < t->n_wide);
			assert_memory_equal(&t->wide[unwind_row_wide(row)], &asm_wide[asm_rows[i].kind >> 4],
					    sizeof(*asm_wide));
			continue;
		}
		if (!row || row->kind != asm_rows[i].kind || row->cfa_off != asm_rows[i].cfa_off ||
		    row->fp_off != asm_rows[i].fp_off)
			fail_msg("asm_rules+%zu: kind %02x, fp_off %d, cfa_off %d", i, row ? row->kind : 0,
				 row ? row->fp_off : 0, row ? row->cfa_off : 0);
	}
	assert_null(unwind_table_at(t, at + sizeof(asm_rows) / sizeof(asm_rows[0])));
	unwind_table_free(t);
}

static void signal_frames_start_a_byte_early(void **state)
{
	struct unwind_table *t = load("/proc/self/exe");
	uint64_t at = own_vaddr(asm_signal);

	assert_int_equal(unwind_table_at(t, at)->kind, UNWIND_CFA_SIGNAL);
	assert_ptr_equal(unwind_table_at(t, at - 1), unwind_table_at(t, at));
	assert_int_equal(unwind_table_at(t, at)->pc, at - 1 - t->base);
	assert_null(unwind_table_at(t, at + 1));
	at = own_vaddr(asm_nearly_signal);
	assert_int_equal(unwind_table_at(t, at)->kind & 15, UNWIND_CFA_WIDE);
	assert_int_equal(t->wide[unwind_row_wide(unwind_table_at(t, at))].ra.off, 176);
	unwind_table_free(t);
}

/* gcc realigns the stack, and alloca makes it keep the old one's place: a DRAP. */
__attribute__((noinline)) static size_t drap(size_t n)
{
	volatile char aligned[64] __attribute__((aligned(64)));
	volatile char *more = __builtin_alloca(n);

	aligned[n & 63] = 1;
	more[0] = 2;
	return (uintptr_t)aligned % 64 + (size_t)more[0] + (size_t)aligned[n & 63];
}

static void a_function_that_realigns_has_cfa_in_memory(void **state)
{
	struct unwind_table *t = load("/proc/self/exe");
	uint64_t at = own_vaddr((const void *)drap);
	bool found = false;

	assert_int_equal(drap(100), 3);
	for (uint64_t i = 0; i < 64 && unwind_table_at(t, at + i); i++) {
		const struct unwind_row *row = unwind_table_at(t, at + i);

		if (row->kind == (UNWIND_CFA_FP_MEM | UNWIND_FP_FP << 4)) {
			assert_true(UNWIND_MEM_AT(row->cfa_off) < 0);
			assert_int_equal(UNWIND_MEM_PLUS(row->cfa_off), 0);
			assert_int_equal(row->fp_off, 0);
			found = true;
		}
	}
#ifndef __clang__	/* which keeps a frame pointer to the old stack in place of that */
	assert_true(found);
#endif
	unwind_table_free(t);
}

static void no_difference(const char *path, size_t step, size_t min_rows)
{
	struct cfi_result r;

	if (access(path, R_OK) != 0) {
		print_message("%s is not here\n", path);
		return;
	}
	r = cfi_compare(path, step);
	assert_int_equal(r.err, 0);
	assert_int_equal(r.differ, 0);
	assert_int_equal(r.refused, 0);
	assert_true(r.rows >= min_rows);
	assert_true(r.intervals >= (r.rows - 1) / step);
	for (size_t i = 0; i < UNWIND_SKIPS; i++)
		assert_int_equal(r.stats.skipped[i], 0);
	assert_int_equal(r.stats.bad_cies + r.stats.bad_programs + r.stats.truncated + r.stats.clipped, 0);
}

/* The C library itself must be here. */
static void libc_is_as_libdw_reads_it(void **state)
{
	struct link_map *m = NULL;
	struct r_debug *debug = NULL;

	for (const ElfW(Dyn) *d = _DYNAMIC; d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_DEBUG)
			debug = (struct r_debug *)d->d_un.d_ptr;
	assert_non_null(debug);
	for (m = debug->r_map; m && !strstr(m->l_name, "/libc.so"); m = m->l_next)
		;
	assert_non_null(m);
	no_difference(m->l_name, 1, 20000);
}

static void system_files_are_as_libdw_reads_them(void **state)
{
	no_difference("/proc/self/exe", 1, 100);
	no_difference("/lib64/ld-linux-x86-64.so.2", 1, 2000);
	no_difference("/usr/lib/x86_64-linux-gnu/libstdc++.so.6", 5, 20000);
	no_difference("/usr/lib/x86_64-linux-gnu/libcrypto.so.3", 5, 50000);
	no_difference("/bin/bash", 1, 10000);
	no_difference("/usr/bin/python3", 5, 20000);
}

static void a_large_library_is_as_libdw_reads_it(void **state)
{
	no_difference("/usr/lib/x86_64-linux-gnu/libLLVM-14.so.1", 500, 700000);
}

static void a_static_musl_program_is_as_libdw_reads_it(void **state)
{
	char dir[] = "/tmp/ehframe-XXXXXX", cmd[200], path[100];

	if (system("command -v musl-gcc > /dev/null") != 0)
		skip();
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a", dir);
	snprintf(cmd, sizeof(cmd), "echo 'int puts(const char *); int main(void) { return puts(\"\"); }' |"
		 " musl-gcc -static -O2 -x c -o %s -", path);
	assert_int_equal(system(cmd), 0);
	/* main has .eh_frame, one function of the startup code .debug_frame; Debian's musl itself has neither. */
	no_difference(path, 1, 4);
	unlink(path);
	rmdir(dir);
}

static uint8_t *read_whole(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *data;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	*size = (size_t)st.st_size;
	data = xmalloc(*size);
	assert_int_equal(read(fd, data, *size), st.st_size);
	close(fd);
	return data;
}

static void section_headers_are_not_needed(void **state)
{
	struct unwind_table *t = NULL, *whole = load("/bin/bash");
	struct elf_file *ef = NULL;
	size_t size;
	uint8_t *data = read_whole("/bin/bash", &size);
	ElfW(Ehdr) *eh = (ElfW(Ehdr) *)data;

	eh->e_shoff = 0;
	eh->e_shnum = 0;
	eh->e_shstrndx = 0;
	assert_int_equal(elf_file_open_memory(data, size, "bash", &ef), 0);
	assert_int_equal(unwind_table_load(ef, 10000000, &t), 0);
	assert_int_equal(t->n, whole->n);
	assert_int_equal(t->base, whole->base);
	assert_memory_equal(t->rows, whole->rows, t->n * sizeof(*t->rows));
	unwind_table_free(t);
	unwind_table_free(whole);
	elf_file_close(ef);
	free(data);
}

static int load_changed(uint8_t *data, size_t size, size_t max_rows)
{
	struct unwind_table *t = NULL;
	struct elf_file *ef = NULL;
	int err;

	assert_int_equal(elf_file_open_memory(data, size, "bash", &ef), 0);
	err = unwind_table_load(ef, max_rows, &t);
	unwind_table_free(t);
	elf_file_close(ef);
	return err;
}

static void files_that_have_no_table_say_why(void **state)
{
	size_t size;
	uint8_t *data = read_whole("/bin/bash", &size);
	ElfW(Ehdr) *eh = (ElfW(Ehdr) *)data;
	ElfW(Phdr) *ph = (ElfW(Phdr) *)(data + eh->e_phoff);

	assert_int_equal(load_changed(data, size, 1000), -EFBIG);
	eh->e_machine = EM_AARCH64;
	assert_int_equal(load_changed(data, size, 1000000), -ENOTSUP);
	eh->e_machine = EM_X86_64;
	eh->e_type = ET_REL;
	assert_int_equal(load_changed(data, size, 1000000), -ENOTSUP);
	eh->e_type = ET_DYN;
	assert_int_equal(load_changed(data, size, 1000000), 0);
	for (size_t i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD && (ph[i].p_flags & PF_X))
			ph[i].p_memsz += 1ull << 32;
	assert_int_equal(load_changed(data, size, 1000000), -EOVERFLOW);
	for (size_t i = 0; i < eh->e_phnum; i++)
		ph[i].p_flags &= ~(ElfW(Word))PF_X;
	assert_int_equal(load_changed(data, size, 1000000), -ENOEXEC);
	eh->e_shoff = 0;
	eh->e_shnum = 0;
	eh->e_shstrndx = 0;
	for (size_t i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_GNU_EH_FRAME)
			ph[i].p_type = PT_NULL;
	assert_int_equal(load_changed(data, size, 1000000), -ENOENT);
	assert_string_equal(unwind_load_why(-ENOENT), "no .eh_frame");
	assert_string_equal(unwind_load_why(-ENOEXEC), "damaged .eh_frame");
	free(data);
}

/* The mode over a whole tree. */
static struct {
	size_t files, without, refused, step;
	struct cfi_result sum;
} tree;

static void add_to_tree(const char *path)
{
	struct cfi_result r = cfi_compare(path, tree.step);
	uint64_t *sums[] = { tree.sum.bytes.cfa, tree.sum.bytes.fp, tree.sum.bytes.why };
	const uint64_t *from[] = { r.bytes.cfa, r.bytes.fp, r.bytes.why };
	const size_t n[] = { UNWIND_CFA_KINDS, UNWIND_FP_KINDS, UNWIND_WHYS };

	if (r.err == -ENOENT || r.err == -ENOTSUP) {
		tree.without++;
		return;
	}
	if (r.err) {
		print_message("%s: %s\n", path, unwind_load_why(r.err));
		tree.refused++;
		return;
	}
	tree.files++;
	tree.sum.rows += r.rows;
	tree.sum.intervals += r.intervals;
	tree.sum.differ += r.differ;
	tree.sum.refused += r.refused;
	tree.sum.load_ns += r.load_ns;
	tree.sum.stats.fdes += r.stats.fdes;
	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < n[i]; j++)
			sums[i][j] += from[i][j];
	for (size_t i = 0; i < UNWIND_SKIPS; i++) {
		tree.sum.stats.skipped[i] += r.stats.skipped[i];
		if (r.stats.skipped[i])
			print_message("%s: %zu of %zu FDEs skipped, reason %zu\n", path, r.stats.skipped[i],
				      r.stats.fdes, i);
	}
	if (r.differ || r.refused || r.stats.clipped || r.stats.bad_cies || r.stats.bad_programs || r.stats.truncated)
		print_message("%s: %zu differ, %zu invalid to libdw, %zu clipped, %zu bad CIEs, %zu bad programs,"
			      " %zu truncated\n", path, r.differ, r.refused, r.stats.clipped, r.stats.bad_cies,
			      r.stats.bad_programs, r.stats.truncated);
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	char magic[4] = "";
	int fd;

	(void)ftw;
	if (type != FTW_F || st->st_size < 64)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return 0;
	if (read(fd, magic, 4) != 4)
		magic[0] = 0;
	close(fd);
	if (memcmp(magic, ELFMAG, SELFMAG) == 0)
		add_to_tree(path);
	return 0;
}

static int compare_tree(const char *root)
{
	const char *step = getenv("EHFRAME_STEP");

	tree.step = step ? strtoul(step, NULL, 10) : 1;
	nftw(root, visit, 32, FTW_PHYS);
	printf("%zu files, %zu without a table, %zu refused; %zu FDEs, %zu rows, loaded in %.1f ms; %zu intervals"
	       " compared, %zu differ, %zu invalid to libdw\n", tree.files, tree.without, tree.refused,
	       tree.sum.stats.fdes, tree.sum.rows, (double)tree.sum.load_ns / 1e6, tree.sum.intervals,
	       tree.sum.differ, tree.sum.refused);
	printf("bytes by CFA rule:");
	for (size_t i = 0; i < UNWIND_CFA_KINDS; i++)
		printf(" %llu", (unsigned long long)tree.sum.bytes.cfa[i]);
	printf("\nbytes by RBP rule:");
	for (size_t i = 0; i < UNWIND_FP_KINDS; i++)
		printf(" %llu", (unsigned long long)tree.sum.bytes.fp[i]);
	printf("\nunsupported, by reason:");
	for (size_t i = 0; i < UNWIND_WHYS; i++)
		printf(" %llu", (unsigned long long)tree.sum.bytes.why[i]);
	printf("\n");
	return tree.sum.differ != 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_has_its_row),
		cmocka_unit_test(signal_frames_start_a_byte_early),
		cmocka_unit_test(a_function_that_realigns_has_cfa_in_memory),
		cmocka_unit_test(libc_is_as_libdw_reads_it),
		cmocka_unit_test(system_files_are_as_libdw_reads_them),
		cmocka_unit_test(a_large_library_is_as_libdw_reads_it),
		cmocka_unit_test(a_static_musl_program_is_as_libdw_reads_it),
		cmocka_unit_test(section_headers_are_not_needed),
		cmocka_unit_test(files_that_have_no_table_say_why),
	};

	if (getenv("EHFRAME_TREE"))
		return compare_tree(getenv("EHFRAME_TREE"));
	return cmocka_run_group_tests_name("ehframe", tests, NULL, NULL);
}
