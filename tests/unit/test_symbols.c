/* SPDX-License-Identifier: GPL-2.0-or-later */
/* elf/symbols.h against nm, on real files and on symbols nested by hand. */
#include "elftest.h"

#include "elf/debugfile.h"
#include "elf/pieces.h"
#include "elf/symbols.h"

static bool covers(const struct nm_symbol *s, uint64_t addr)
{
	return s->size ? addr >= s->vaddr && addr - s->vaddr < s->size : addr == s->vaddr;
}

/* The size of the smallest symbol of nm's that covers addr; UINT64_MAX without one, 0 if only a size 0 symbol does. */
static uint64_t smallest(const struct nm_list *list, uint64_t addr)
{
	uint64_t best = UINT64_MAX;
	bool zero = false;

	for (size_t i = 0; i < list->n; i++) {
		if (!covers(&list->at[i], addr))
			continue;
		if (!list->at[i].size)
			zero = true;
		else if (list->at[i].size < best)
			best = list->at[i].size;
	}
	return best == UINT64_MAX && zero ? 0 : best;
}

static bool is_global(const struct nm_symbol *s)
{
	return s->type != 't';
}

/* The order of the header: global, no leading underscore, shorter, alphabet. IFUNCs are 'i' whether global or not. */
static bool better(const struct nm_symbol *a, const struct nm_symbol *b)
{
	if (is_global(a) != is_global(b))
		return is_global(a);
	if ((a->name[0] == '_') != (b->name[0] == '_'))
		return b->name[0] == '_';
	if (strlen(a->name) != strlen(b->name))
		return strlen(a->name) < strlen(b->name);
	return strcmp(a->name, b->name) < 0;
}

static const struct nm_symbol *best_alias(const struct nm_list *list, uint64_t vaddr, uint64_t size)
{
	const struct nm_symbol *best = NULL;

	for (size_t i = 0; i < list->n; i++)
		if (list->at[i].vaddr == vaddr && list->at[i].size == size && (!best || better(&list->at[i], best)))
			best = &list->at[i];
	return best;
}

static void check_address(const struct elf_symbols *symbols, const struct nm_list *list, uint64_t addr)
{
	uint64_t want = smallest(list, addr);
	struct elf_symbol sym;
	const struct nm_symbol *alias;

	if (!elf_symbols_at(symbols, addr, &sym)) {
		if (want != UINT64_MAX)
			fail_msg("nothing at %#lx", addr);
		return;
	}
	assert_int_equal(sym.size, want);
	assert_true(addr - sym.vaddr < sym.size || addr == sym.vaddr);
	alias = best_alias(list, sym.vaddr, sym.size);
	assert_non_null(alias);
	/* nm's 'i' does not tell local from global; everything else is the same rule. */
	if (alias->type != 'i')
		assert_string_equal(sym.name, alias->name);
}

/* Every function that nm knows (or every nth), at its first, middle and last byte, before and behind. */
static size_t check_all(const char *path, const char *debug_path, struct nm_list *list, size_t step)
{
	int fd, debug_fd = -1;
	struct elf_file *ef = open_elf(path, &fd), *debug = debug_path ? open_elf(debug_path, &debug_fd) : NULL;
	struct elf_symbols *symbols;
	size_t count;

	assert_int_equal(elf_symbols_load(ef, debug, &symbols), 0);
	for (size_t i = 0; i < list->n; i += step) {
		const struct nm_symbol *s = &list->at[i];

		check_address(symbols, list, s->vaddr);
		check_address(symbols, list, s->vaddr - 1);
		check_address(symbols, list, s->vaddr + s->size);
		if (!s->size)
			continue;
		check_address(symbols, list, s->vaddr + s->size / 2);
		check_address(symbols, list, s->vaddr + s->size - 1);
	}
	count = elf_symbols_count(symbols);
	elf_symbols_free(symbols);
	if (debug)
		close_elf(debug, debug_fd);
	close_elf(ef, fd);
	return count;
}

static void test_against_nm(void **state)
{
	struct nm_list list = {0};

	nm_add(&list, "-D " LIBC);
	assert_true(list.n > 2000);
	assert_in_range(check_all(LIBC, NULL, &list, 3), 1000, list.n);
	nm_free(&list);
}

static const char many_source[] =
	"#include <stdio.h>\n#include <stdlib.h>\n"
	"static __attribute__((noinline)) int local_one(int x) { return x * 3 + 1; }\n"
	"__attribute__((noinline)) int exported(int x) { return local_one(x) + 7; }\n"
	"int also(int) __attribute__((alias(\"exported\"))); int _exp(int) __attribute__((alias(\"exported\")));\n"
	"int main(int argc, char **argv) { printf(\"%d\\n\", exported(argc)); return also(argc) + _exp(1); }\n";

static void test_own_binaries(void **state)
{
	static const char *const flags[] = {"-g", "-static", "-no-pie -rdynamic", "-shared -fPIC"};

	write_text("many.c", many_source);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		struct nm_list list = {0};

		sh("cc -O1 %s -o many many.c", flags[i]);
		nm_add(&list, "many");
		assert_true(list.n >= 5);
		check_all("many", NULL, &list, list.n > 500 ? 3 : 1);
		nm_free(&list);
	}
}

static void test_debug_file(void **state)
{
	struct nm_list list = {0};
	struct elf_symbols *symbols;
	struct elf_symbol sym;
	struct elf_file *ef;
	uint64_t local;
	int fd;

	write_text("many.c", many_source);
	sh("cc -g -O1 -o full many.c && objcopy --only-keep-debug full full.debug && strip -o bare full");
	nm_add(&list, "full");
	local = nm_vaddr("full", "local_one");
	check_all("bare", "full.debug", &list, 1);
	nm_free(&list);
	ef = open_elf("bare", &fd);
	assert_int_equal(elf_symbols_load(ef, NULL, &symbols), 0);
	assert_false(elf_symbols_at(symbols, local, &sym));
	elf_symbols_free(symbols);
	close_elf(ef, fd);

	/* As prelink leaves it: the file moved, its debug file did not. */
	sh("cc -g -O1 -no-pie -o full many.c && objcopy --only-keep-debug full full.debug");
	local = nm_vaddr("full", "local_one");
	sh("cc -g -O1 -no-pie -Wl,-Ttext-segment=0x7000000 -o moved many.c && strip -o moved.bare moved");
	ef = open_elf("moved.bare", &fd);
	{
		int debug_fd;
		struct elf_file *debug = open_elf("full.debug", &debug_fd);

		assert_int_equal(elf_symbols_load(ef, debug, &symbols), 0);
		close_elf(debug, debug_fd);
	}
	assert_true(elf_symbols_at(symbols, local + 0x7000000 - 0x400000, &sym));
	assert_string_equal(sym.name, "local_one");
	assert_int_equal(sym.vaddr, nm_vaddr("moved", "local_one"));
	elf_symbols_free(symbols);
	close_elf(ef, fd);
}

static const char nested_source[] =
	".text\n"
	".macro sym name, at, size\n.set \\name, base + \\at\n.type \\name, @function\n.size \\name, \\size\n.endm\n"
	"base:\n.fill 4096, 1, 0x90\n"
	"sym outer, 0x100, 0x100\n"
	"sym inner, 0x140, 0x40\n"
	"sym innermost, 0x150, 0x10\n"
	"sym label, 0x158, 0\n"		/* inside innermost: never named */
	"sym alone, 0x300, 0\n"
	"sym cut_a, 0x400, 0x20\n"	/* overlap without nesting; the smaller one has the common part */
	"sym cut_b, 0x410, 0x40\n"
	"sym tall_1, 0x500, 0x80\nsym tall_2, 0x500, 0x40\nsym tall_3, 0x500, 0x20\nsym tall_0, 0x500, 0\n"
	"sym __fold, 0x600, 16\nsym fold_longer, 0x600, 16\nsym fold, 0x600, 16\n"
	"sym folc, 0x600, 16\nsym fo, 0x600, 16\n"
	".globl fold\n.globl folc\n.globl __fold\n"
	".set object, base + 0x700\n.type object, @object\n.size object, 64\n.globl object\n"
	".set nothing, base + 0x780\n.size nothing, 64\n.globl nothing\n"	/* no type: may be anything */
	".globl undefined\n.type undefined, @function\ncall undefined\n"
	".set absolute, 0x123400\n.type absolute, @function\n.size absolute, 64\n.globl absolute\n";

static void expect_at(const struct elf_symbols *s, uint64_t addr, const char *name)
{
	struct elf_symbol sym;
	bool found = elf_symbols_at(s, addr, &sym);

	if (!name)
		assert_false(found);
	if (!found && name)
		fail_msg("no %s at %#lx", name, addr);
	if (found)
		assert_string_equal(sym.name, name);
}

static void test_nested(void **state)
{
	static const struct {
		uint64_t at;
		const char *name;
	} expected[] = {
		{0x0ff, NULL}, {0x100, "outer"}, {0x13f, "outer"}, {0x140, "inner"}, {0x14f, "inner"},
		{0x150, "innermost"},
		{0x158, "innermost"}, {0x15f, "innermost"}, {0x160, "inner"}, {0x17f, "inner"}, {0x180, "outer"},
		{0x1ff, "outer"}, {0x200, NULL}, {0x2ff, NULL}, {0x300, "alone"}, {0x301, NULL}, {0x400, "cut_a"},
		{0x40f, "cut_a"}, {0x410, "cut_a"}, {0x41f, "cut_a"}, {0x420, "cut_b"}, {0x44f, "cut_b"}, {0x450, NULL},
		{0x500, "tall_3"}, {0x51f, "tall_3"}, {0x520, "tall_2"}, {0x540, "tall_1"}, {0x57f, "tall_1"},
		{0x580, NULL}, {0x600, "folc"}, {0x60f, "folc"}, {0x610, NULL}, {0x700, NULL}, {0x780, NULL},
	};
	struct elf_symbols *symbols;
	struct elf_symbol sym;
	struct elf_file *ef;
	uint64_t base;
	int fd;

	write_text("nested.s", nested_source);
	sh("as -o nested.o nested.s && ld -o nested --unresolved-symbols=ignore-all -e 0 nested.o");
	base = nm_vaddr("nested", "outer") - 0x100;
	ef = open_elf("nested", &fd);
	assert_int_equal(elf_symbols_load(ef, NULL, &symbols), 0);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		expect_at(symbols, base + expected[i].at, expected[i].name);
	expect_at(symbols, 0, NULL);
	expect_at(symbols, 0x123400, NULL);
	expect_at(symbols, UINT64_MAX, NULL);
	assert_true(elf_symbols_at(symbols, base + 0x608, &sym));
	assert_true(sym.global);
	assert_false(sym.dynamic);
	assert_false(sym.ifunc);
	assert_int_equal(sym.vaddr, base + 0x600);
	assert_int_equal(sym.size, 16);
	assert_true(elf_symbols_at(symbols, base + 0x158, &sym));
	assert_false(sym.global);
	/* 4 nested, alone, 2 cut, 4 tall, 1 folded. */
	assert_int_equal(elf_symbols_count(symbols), 12);
	elf_symbols_free(symbols);
	close_elf(ef, fd);
}

/* pieces.h on ranges that a hostile file could give, against the definition. */
struct test_range {
	uint64_t start, end;
};

static uint64_t range_start(const void *of, size_t i)
{
	return ((const struct test_range *)of)[i].start;
}

static uint64_t range_end(const void *of, size_t i)
{
	return ((const struct test_range *)of)[i].end;
}

static bool range_wins(const void *of, size_t a, size_t b)
{
	const struct test_range *r = of;
	uint64_t x = r[a].end - r[a].start, y = r[b].end - r[b].start;

	return x < y || (x == y && a < b);
}

static int compare_ranges(const void *a, const void *b)
{
	const struct test_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void test_pieces_random(void **state)
{
	uint32_t seed = 12345;

	for (int round = 0; round < 200; round++) {
		struct test_range r[40];
		struct ranges ranges = {r, 40, range_start, range_end, range_wins};
		struct pieces p = {0};

		for (size_t i = 0; i < 40; i++) {
			seed = seed * 1664525 + 1013904223;
			r[i].start = seed >> 8 & 0xff;
			r[i].end = r[i].start + 1 + (seed >> 20 & 0x3f);
		}
		qsort(r, 40, sizeof(r[0]), compare_ranges);
		pieces_cut(&p, &ranges);
		assert_true(p.n <= 80);
		for (uint64_t addr = 0; addr < 0x160; addr++) {
			size_t want = PIECES_NONE, got = pieces_find(&p, &ranges, addr);

			for (size_t i = 0; i < 40; i++)
				if (addr >= r[i].start && addr < r[i].end)
					if (want == PIECES_NONE || range_wins(r, i, want))
						want = i;
			if (got != PIECES_NONE && addr >= r[got].end)
				got = PIECES_NONE;
			assert_int_equal(got, want);
		}
		pieces_free(&p);
	}
}

static void test_many_nested(void **state)
{
	/* 100,000 ranges inside each other: a walk through them for each look-up would take minutes. */
	const size_t n = 100000;
	struct test_range *r = xrealloc_array(NULL, n, sizeof(*r));
	struct ranges ranges = {r, n, range_start, range_end, range_wins};
	struct pieces p = {0};

	for (size_t i = 0; i < n; i++)
		r[i] = (struct test_range){i, 10 * n - i};
	pieces_cut(&p, &ranges);
	assert_int_equal(p.n, 2 * n - 1);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(pieces_find(&p, &ranges, i), i);
		assert_int_equal(pieces_find(&p, &ranges, 10 * n - i - 1), i);
	}
	pieces_free(&p);
	free(r);
}

static void test_no_symbols(void **state)
{
	struct elf_symbols *symbols;
	struct elf_file *ef;
	int fd;

	write_text("many.c", many_source);
	sh("cc -static -o static many.c && strip -s static");
	ef = open_elf("static", &fd);
	assert_int_equal(elf_symbols_load(ef, NULL, &symbols), -ENOENT);
	close_elf(ef, fd);
	elf_symbols_free(NULL);
}

static void test_find_in_libc(void **state)
{
	static const char *const names[] = {
		"malloc", "free", "aligned_alloc", "no_such_function", "strlen", "stdout", "fr",
	};
	struct elf_symbol found[7];
	struct nm_list list = {0};
	int fd;
	struct elf_file *ef = open_elf(LIBC, &fd);

	nm_add(&list, "-D " LIBC);
	assert_int_equal(elf_find_functions(ef, names, 7, found), 0);
	for (size_t k = 0; k < 3; k++) {
		assert_string_equal(found[k].name, names[k]);
		assert_true(found[k].global && found[k].dynamic && !found[k].ifunc);
		for (size_t i = 0; i < list.n; i++)
			if (strcmp(list.at[i].name, names[k]) == 0) {
				assert_int_equal(found[k].vaddr, list.at[i].vaddr);
				assert_int_equal(found[k].size, list.at[i].size);
			}
	}
	assert_null(found[3].name);
	assert_string_equal(found[4].name, "strlen");
	assert_true(found[4].ifunc);
	assert_null(found[5].name);	/* data */
	assert_null(found[6].name);	/* only the beginning of names */
	assert_int_equal(elf_find_functions(ef, names, 0, found), 0);
	nm_free(&list);
	close_elf(ef, fd);
}

static const char versions_source[] =
	"int old_twice(void) { return 1; }\nint new_twice(void) { return 2; }\nint newer_twice(void) { return 3; }\n"
	"int old_only(void) { return 4; }\n"
	"__asm__(\".symver old_twice,twice@V1\\n.symver new_twice,twice@@V2\\n.symver newer_twice,twice@V3\\n"
	".symver old_only,gone@V1\");\n";

static void check_versions(const char *path, bool dynamic)
{
	static const char *const names[] = {"twice", "gone", "twic"};
	struct elf_symbol found[3];
	int fd;
	struct elf_file *ef = open_elf(path, &fd);

	assert_int_equal(elf_find_functions(ef, names, 3, found), 0);
	assert_string_equal(found[0].name, "twice");
	assert_int_equal(found[0].vaddr, nm_vaddr("versions.full", "new_twice"));
	assert_string_equal(found[1].name, "gone");
	assert_int_equal(found[1].vaddr, nm_vaddr("versions.full", "old_only"));
	assert_null(found[2].name);
	assert_int_equal(found[0].dynamic, dynamic);
	close_elf(ef, fd);
}

static void test_find_versions(void **state)
{
	write_text("versions.c", versions_source);
	write_text("versions.map", "V1 { };\nV2 { } V1;\nV3 { } V2;\n");
	sh("cc -shared -fPIC -o versions.full versions.c -Wl,--version-script=versions.map");
	check_versions("versions.full", true);
	sh("strip -s -o versions.bare versions.full");
	check_versions("versions.bare", true);
	/* Only .symtab, whose names say twice@@V2. */
	sh("objcopy --only-keep-debug versions.full versions.debug");
	check_versions("versions.debug", false);
}

static void test_find_local(void **state)
{
	static const char *const names[] = {"local_one", "exported", "also", "malloc", "main"};
	struct elf_symbol found[5];
	struct elf_file *ef;
	int fd;

	write_text("many.c", many_source);
	sh("cc -O1 -o many many.c");
	ef = open_elf("many", &fd);
	assert_int_equal(elf_find_functions(ef, names, 5, found), 0);
	assert_string_equal(found[0].name, "local_one");
	assert_false(found[0].global);
	assert_int_equal(found[0].vaddr, nm_vaddr("many", "local_one"));
	assert_true(found[1].global);
	assert_false(found[1].dynamic);
	assert_int_equal(found[2].vaddr, found[1].vaddr);
	assert_null(found[3].name);	/* imported, not defined */
	assert_int_equal(found[4].vaddr, nm_vaddr("many", "main"));
	close_elf(ef, fd);
	/* All of a static program's functions are in .symtab. */
	sh("cc -static -o static many.c");
	ef = open_elf("static", &fd);
	assert_int_equal(elf_find_functions(ef, names, 5, found), 0);
	assert_string_equal(found[3].name, "malloc");
	assert_true(found[3].global);
	assert_int_equal(found[3].vaddr, nm_vaddr("static", "malloc"));
	close_elf(ef, fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_nm),
		cmocka_unit_test(test_own_binaries),
		cmocka_unit_test(test_debug_file),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_pieces_random),
		cmocka_unit_test(test_many_nested),
		cmocka_unit_test(test_no_symbols),
		cmocka_unit_test(test_find_in_libc),
		cmocka_unit_test(test_find_versions),
		cmocka_unit_test(test_find_local),
	};

	return cmocka_run_group_tests_name("symbols", tests, elftest_setup, elftest_teardown);
}
