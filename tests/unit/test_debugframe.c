/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unwind tables from .debug_frame: of the file, of its separate debug file, beside .eh_frame; and records made
 * by hand. */
#include "elftest.h"

#include "eh_builder.h"
#include "elf/symbols.h"

static const char *const functions[] = { "leaf", "middle", "outer" };

static const char source[] =
	"#include <stdlib.h>\n"
	"__attribute__((noinline)) void *leaf(int n) { void *p = malloc(n); *(volatile int *)&n; return p; }\n"
	"__attribute__((noinline)) void *middle(int n, void *(*f)(int)) { char b[64]; ((volatile char *)b)[n & 63] = "
	"1;\n"
	"	void *p = f(n); ((volatile char *)b)[0] = 2; return p; }\n"
	"__attribute__((noinline)) void *outer(int n) { int a = n * 2; void *p = middle(n, leaf); ((volatile int "
	"*)&a)[0]++;\n"
	"	return p; }\n"
	"int main(void) { return !outer(3); }\n";

#define NO_CFI "-fno-asynchronous-unwind-tables -fno-unwind-tables -fno-exceptions"
#define BUILD "cc -O1 -fno-optimize-sibling-calls -fomit-frame-pointer "

static struct unwind_table *load(const char *name, const char *debug_name)
{
	struct unwind_table *t = NULL;
	struct elf_file *ef, *debug;
	int fd, debug_fd;

	ef = open_elf(name, &fd);
	assert_int_equal(unwind_table_load(ef, 1000000, &t), 0);
	if (debug_name) {
		debug = open_elf(debug_name, &debug_fd);
		assert_int_equal(unwind_table_add_debug(ef, debug, 1000000, &t), 0);
		close_elf(debug, debug_fd);
	}
	close_elf(ef, fd);
	return t;
}

/* Both files have the same code of the functions, and the rules at each of its bytes are the same. */
static void assert_same_rules(const char *a_name, const struct unwind_table *a, const char *b_name,
			      const struct unwind_table *b)
{
	struct elf_symbol x[3], y[3];
	struct elf_file *ef;
	int fd;

	ef = open_elf(a_name, &fd);
	assert_int_equal(elf_find_functions(ef, functions, 3, x), 0);
	close_elf(ef, fd);
	ef = open_elf(b_name, &fd);
	assert_int_equal(elf_find_functions(ef, functions, 3, y), 0);
	close_elf(ef, fd);
	for (size_t i = 0; i < 3; i++) {
		assert_non_null(x[i].name);
		assert_non_null(y[i].name);
		assert_true(x[i].size > 10);
		assert_int_equal(x[i].size, y[i].size);
		for (uint64_t at = 0; at < x[i].size; at++) {
			const struct unwind_row *p = unwind_table_at(a, x[i].vaddr + at);
			const struct unwind_row *q = unwind_table_at(b, y[i].vaddr + at);

			assert_non_null(p);
			assert_non_null(q);
			assert_memory_equal(&p->kind, &q->kind, 4);
		}
	}
}

static void as_eh_frame_would_have_it(void **state)
{
	static const char *const flags[] = { "-g", "-g -gz=zlib", "-g -gdwarf-4", "-g -no-pie", "-g -gdwarf-2" };
	struct unwind_table *with, *t;
	char name[20];

	write_text("nocfi.c", source);
	sh(BUILD "-o with nocfi.c");
	with = load("with", NULL);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		snprintf(name, sizeof(name), "without%zu", i);
		sh(BUILD NO_CFI " %s -o %s nocfi.c", flags[i], name);
		t = load(name, NULL);
		assert_same_rules("with", with, name, t);
		unwind_table_free(t);
	}
	unwind_table_free(with);
}

static void from_the_separate_debug_file(void **state)
{
	struct unwind_table *with, *t;
	struct elf_symbol f;
	struct elf_file *ef;
	int fd;

	write_text("nocfi.c", source);
	sh(BUILD "-o with nocfi.c && " BUILD NO_CFI " -g -o whole nocfi.c");
	sh("objcopy --only-keep-debug whole whole.debug && strip -g -o bare whole");
	with = load("with", NULL);
	/* Of the file alone: what the startup code has. */
	t = load("bare", NULL);
	ef = open_elf("bare", &fd);
	assert_int_equal(elf_find_functions(ef, functions, 1, &f), 0);
	close_elf(ef, fd);
	assert_null(unwind_table_at(t, f.vaddr + 2));
	unwind_table_free(t);
	t = load("bare", "whole.debug");
	assert_same_rules("with", with, "bare", t);
	unwind_table_free(t);
	unwind_table_free(with);
}

/* Where both have a function, .eh_frame holds. */
static void eh_frame_comes_first(void **state)
{
	struct unwind_table *t;
	struct elf_symbol found[2];
	static const char *const names[] = { "both", "debug_only" };
	struct elf_file *ef;
	int fd;

	write_text("debug.s", ".cfi_sections .debug_frame\n.text\n"
		   ".globl both\n.type both,@function\nboth:\n.cfi_startproc\n.cfi_def_cfa_offset 48\nnop\nnop\nret\n"
		   ".cfi_endproc\n.size both,.-both\n"
		   ".globl debug_only\n.type debug_only,@function\ndebug_only:\n.cfi_startproc\nnop\nsub $300000,%rsp\n"
		   ".cfi_def_cfa_offset 300008\nnop\n.cfi_endproc\n.size debug_only,.-debug_only\n");
	/* An .eh_frame of its own for `both`, which says 16. */
	write_text("eh.s", ".section .eh_frame,\"a\",@progbits\n"
		   "1: .long 3f-2f\n2: .long 0\n.byte 1\n.asciz \"zR\"\n.byte "
		"1,0x78,16,1,0x1b,0x0c,7,16,0x90,1\n.balign 4\n"
		   "3: .long 5f-4f\n4: .long 4b-1b\n.long both-.\n.long 3\n.byte 0\n.balign 4\n5:\n");
	write_text("main.c", "int main(void) { return 0; }\n");
	sh("cc -z noexecstack -o both main.c debug.s eh.s 2>/dev/null");
	ef = open_elf("both", &fd);
	assert_int_equal(elf_find_functions(ef, names, 2, found), 0);
	close_elf(ef, fd);
	t = load("both", NULL);
	assert_int_equal(unwind_table_at(t, found[0].vaddr)->cfa_off, 2);
	assert_int_equal(unwind_table_at(t, found[1].vaddr)->cfa_off, 1);
	assert_int_equal(unwind_table_at(t, found[1].vaddr + 8)->kind & 15, UNWIND_CFA_WIDE);
	assert_int_equal(t->wide[unwind_row_wide(unwind_table_at(t, found[1].vaddr + 8))].cfa.off, 300008);
	unwind_table_free(t);
}

static struct unwind_table *parse_debug(struct buf *b)
{
	const struct eh_text text = { TEXT, TEXT_END };
	const struct eh_frame eh = {
		.data = (const uint8_t *)b->data, .size = b->len, .text = &text, .n_text = 1, .is_debug = true,
	};
	struct unwind_table *t = NULL;

	assert_int_equal(unwind_table_parse(&eh, 100000, &t), 0);
	buf_free(b);
	return t;
}

static void debug_cie(struct buf *b, const char *version, size_t len)
{
	size_t start = record_begin(b);

	u32(b, UINT32_MAX);
	bytes(b, version, len);
	BYTES(b, "\x01\x78\x10\x0c\x07\x08\x90\x01");
	record_end(b, start);
}

static void debug_fde(struct buf *b, uint64_t cie_at, uint64_t from, uint64_t len)
{
	size_t start = record_begin(b);

	u32(b, cie_at);
	u64(b, from);
	u64(b, len);
	BYTES(b, "\x41\x0e\x10");
	record_end(b, start);
}

static void records_of_each_version(void **state)
{
	struct buf b = {0};
	struct unwind_table *t;
	size_t at;

	debug_cie(&b, "\1\0", 2);
	debug_fde(&b, 0, TEXT, 0x10);
	at = b.len;
	debug_cie(&b, "\3\0", 2);
	debug_fde(&b, at, TEXT + 0x10, 0x10);
	at = b.len;
	debug_cie(&b, "\4\0\x08\0", 4);
	debug_fde(&b, at, TEXT + 0x20, 0x10);
	t = parse_debug(&b);
	for (size_t i = 0; i < 6; i += 2) {
		assert_row(t, i, 8 * i, UNWIND_CFA_SP, 1);
		assert_row(t, i + 1, 8 * i + 1, UNWIND_CFA_SP, 2);
	}
	assert_row(t, 6, 0x30, UNWIND_CFA_GAP, 0);
	unwind_table_free(t);
}

/* With lengths of 8 bytes, ids and CIE pointers are of 8 bytes too. */
static void wide_records(void **state)
{
	struct buf b = {0};
	struct unwind_table *t;

	u32(&b, UINT32_MAX);
	u64(&b, 8 + 2 + 8);
	u64(&b, UINT64_MAX);
	BYTES(&b, "\3\0\x01\x78\x10\x0c\x07\x08\x90\x01");
	u32(&b, UINT32_MAX);
	u64(&b, 8 + 16 + 3);
	u64(&b, 0);
	u64(&b, TEXT);
	u64(&b, 0x10);
	BYTES(&b, "\x41\x0e\x18");
	t = parse_debug(&b);
	assert_row(t, 1, 1, UNWIND_CFA_SP, 3);
	unwind_table_free(t);
}

static void records_that_are_not_followed(void **state)
{
	struct buf b = {0};
	struct unwind_table *t;
	size_t at;

	debug_cie(&b, "\3\0", 2);
	debug_fde(&b, 4, TEXT, 0x10);			/* no CIE there */
	debug_fde(&b, 0xfffffff0, TEXT, 0x10);
	debug_fde(&b, 0, 0, 0x2000);			/* discarded by the linker */
	debug_fde(&b, 0, TEXT_END - 8, 0x10);		/* not code */
	debug_fde(&b, 0, UINT64_MAX - 8, 0x10);
	at = b.len;
	debug_cie(&b, "\4\0\x04\0", 4);			/* addresses of 4 bytes */
	debug_fde(&b, at, TEXT, 0x10);
	at = b.len;
	debug_cie(&b, "\4\0\x08\2", 4);			/* segments */
	debug_fde(&b, at, TEXT, 0x10);
	at = b.len;
	debug_cie(&b, "\5\0", 2);
	debug_fde(&b, at, TEXT, 0x10);
	t = parse_debug(&b);
	assert_int_equal(t->n, 0);
	assert_int_equal(t->stats.fdes, 8);
	assert_int_equal(t->stats.skipped[UNWIND_SKIP_NO_CIE], 2);
	assert_int_equal(t->stats.skipped[UNWIND_SKIP_EMPTY], 1);
	assert_int_equal(t->stats.skipped[UNWIND_SKIP_OUTSIDE], 2);
	assert_int_equal(t->stats.skipped[UNWIND_SKIP_BAD_CIE], 3);
	unwind_table_free(t);
}

#define ROW(p, n) { .pc = (p), .kind = UNWIND_CFA_SP, .cfa_off = (n) }
#define GAP(p) { .pc = (p), .kind = UNWIND_CFA_GAP }

static void gaps_are_filled(void **state)
{
	struct unwind_row rows[] = { ROW(0x10, 1), GAP(0x20), ROW(0x30, 2), GAP(0x40) };
	struct unwind_row more[] = { ROW(0x8, 3), ROW(0x18, 4), ROW(0x24, 5), GAP(0x2a), ROW(0x38, 2), ROW(0x50, 6),
		GAP(0x60) };
	static const struct unwind_row want[] = {
		ROW(0x8, 3), ROW(0x10, 1), ROW(0x20, 4), ROW(0x24, 5), GAP(0x2a), ROW(0x30, 2), ROW(0x50, 6), GAP(0x60),
	};
	struct unwind_table t = { .base = TEXT, .n = 4 }, from = { .base = TEXT, .n = 7, .rows = more };

	t.rows = xrealloc_array(NULL, 4, sizeof(*rows));
	memcpy(t.rows, rows, sizeof(rows));
	assert_int_equal(unwind_table_fill(&t, &from, 7), -EFBIG);
	assert_int_equal(t.n, 4);
	assert_int_equal(unwind_table_fill(&t, &from, 8), 0);
	assert_int_equal(t.n, 8);
	assert_memory_equal(t.rows, want, sizeof(want));
	free(t.rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_eh_frame_would_have_it),
		cmocka_unit_test(from_the_separate_debug_file),
		cmocka_unit_test(eh_frame_comes_first),
		cmocka_unit_test(records_of_each_version),
		cmocka_unit_test(wide_records),
		cmocka_unit_test(records_that_are_not_followed),
		cmocka_unit_test(gaps_are_filled),
	};

	return cmocka_run_group_tests_name("debugframe", tests, elftest_setup, elftest_teardown);
}
