/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables of Go made by hand (gofile.h), of each layout, sound and damaged, and the rows made of them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "elf/ehframe.h"
#include "elf/goinside.h"
#include "gofile.h"

#define ENTRY(f, i) ((f)->base + GOFILE_CODE + (i) * GOFILE_FUNCTION_BYTES)
enum { GOEXIT, WORK, SWITCH, BIG, WRAPPER, ASMCGOCALL, GOGO, CGOCALLBACK, MAIN };

static struct gofile file;
static struct elf_file *ef;
static struct gopclntab *go;

static int open_file(struct gofile_options o, const char **why)
{
	gofile_make(&file, o);
	assert_int_equal(elf_file_open_memory(file.data, sizeof(file.data), "go", &ef), 0);
	return gopclntab_open(ef, &go, why);
}

static void close_file(void)
{
	gopclntab_close(go);
	elf_file_close(ef);
	go = NULL;
	ef = NULL;
}

/* Calls fn with each form that a program can have. */
static void each_form(void (*fn)(const struct gofile_options *o))
{
	for (int i = 0; i < 4 * GOPCLNTAB_LAYOUTS; i++) {
		const struct gofile_options o = {
			.layout = (enum gopclntab_layout)(i / 4), .pie = i & 1, .bare = i & 2 && !(i & 1),
		};
		const char *why = NULL;

		assert_int_equal(open_file(o, &why), 0);
		fn(&o);
		close_file();
	}
}

static void check_functions(const struct gofile_options *o)
{
	static const char *const versions[] = {"go1.14.2", "go1.17", "go1.19.8", "go1.23.1"};
	static const unsigned int minors[] = {14, 17, 19, 23};
	struct go_function f, g;

	assert_int_equal(gopclntab_layout(go), o->layout);
	assert_string_equal(gopclntab_version(go), versions[o->layout]);
	assert_int_equal(gopclntab_minor(go), minors[o->layout]);
	assert_string_equal(gopclntab_found_by(go), o->bare ? "scan" : ".gopclntab");
	assert_int_equal(go->h.vaddr, file.base + file.table);
	assert_int_equal(gopclntab_count(go), GOFILE_FUNCTIONS);
	for (size_t i = 0; i < GOFILE_FUNCTIONS; i++) {
		const struct gofile_function *want = &gofile_functions[i];

		assert_true(gopclntab_function(go, i, &f));
		assert_string_equal(f.name, want->name);
		assert_int_equal(f.entry, ENTRY(&file, i));
		assert_int_equal(f.end, ENTRY(&file, i + 1));
		assert_int_equal(f.index, i);
		assert_int_equal(f.id, want->id);
		assert_int_equal(f.flags, o->layout == GOPCLNTAB_1_14 ? 0 : want->flags);
		assert_int_equal(f.start_line, o->layout == GOPCLNTAB_1_20 ? want->start_line : 0);
		assert_int_equal(f.is_top, i == GOEXIT);
		assert_int_equal(f.is_wrapper, i == WRAPPER);
		for (uint64_t at = f.entry; at < f.end; at++) {
			assert_true(gopclntab_find(go, at, &g));
			assert_memory_equal(&f, &g, sizeof(f));
		}
	}
	assert_false(gopclntab_function(go, GOFILE_FUNCTIONS, &f));
	assert_false(gopclntab_find(go, ENTRY(&file, 0) - 1, &f));
	assert_false(gopclntab_find(go, ENTRY(&file, GOFILE_FUNCTIONS), &f));
}

static void test_functions(void **state)
{
	(void)state;
	each_form(check_functions);
}

static void check_moduledata(const struct gofile_options *o)
{
	const struct go_moduledata *md = gopclntab_moduledata(go);
	const bool has_gofunc = o->layout >= GOPCLNTAB_1_18;

	assert_int_equal(md->vaddr, file.base + file.moduledata);
	assert_int_equal(md->text, ENTRY(&file, 0));
	assert_int_equal(md->etext, ENTRY(&file, GOFILE_FUNCTIONS));
	assert_int_equal(md->minpc, md->text);
	assert_int_equal(md->maxpc, md->etext);
	assert_int_equal(md->types, file.base + GOFILE_DATA + 0xe00);
	assert_int_equal(md->etypes, md->types + 0x40);
	assert_int_equal(md->rodata, has_gofunc ? file.base + GOFILE_TABLE : 0);
	assert_int_equal(md->gofunc, has_gofunc ? file.base + file.tree : 0);
}

static void test_moduledata(void **state)
{
	const struct gofile_options o = { .layout = GOPCLNTAB_1_20, .lengths = true };
	const char *why;

	(void)state;
	each_form(check_moduledata);
	assert_int_equal(open_file(o, &why), 0);
	check_moduledata(&o);
	close_file();
}

static void test_names(void **state)
{
	static const char *const names[] = {"main.main", "main.mid", "main.(*T).M", "main.mai"};
	struct go_function found[4];

	(void)state;
	assert_int_equal(open_file((struct gofile_options){ .layout = GOPCLNTAB_1_18 }, NULL), 0);
	gopclntab_find_names(go, names, 4, found);
	assert_int_equal(found[0].entry, ENTRY(&file, MAIN));
	assert_null(found[1].name);	/* inlined everywhere */
	assert_int_equal(found[2].entry, ENTRY(&file, WRAPPER));
	assert_null(found[3].name);
	close_file();
}

static bool take_two(void *ctx, const struct go_function *f)
{
	uint32_t *indexes = ctx;

	assert_true(indexes[0] < 2);
	indexes[++indexes[0]] = f->index;
	return indexes[0] < 2;
}

static void test_each(void **state)
{
	uint32_t indexes[3] = {0};

	(void)state;
	assert_int_equal(open_file((struct gofile_options){ .layout = GOPCLNTAB_1_16 }, NULL), 0);
	gopclntab_each(go, "runtime.", take_two, indexes);
	assert_int_equal(indexes[1], GOEXIT);
	assert_int_equal(indexes[2], SWITCH);
	close_file();
}

static void expect_frame(const struct go_frame *f, const char *function, const char *path, uint32_t line, bool inlined)
{
	assert_string_equal(f->function, function);
	assert_string_equal(f->file, path);
	assert_int_equal(f->line, line);
	assert_int_equal(f->is_inlined, inlined);
}

static void check_frames(const struct gofile_options *o)
{
	const uint64_t work = ENTRY(&file, WORK);
	struct go_frame f[4];

	assert_int_equal(gopclntab_frames(go, work + 0xf, f, 4), 1);
	expect_frame(&f[0], "main.work", "/src/main.go", 11, false);
	assert_int_equal(gopclntab_frames(go, work + 0x10, f, 4), 3);
	expect_frame(&f[0], "main.leaf", "/src/lib.go", 41, true);
	expect_frame(&f[1], "main.mid", "/src/lib.go", 31, true);
	expect_frame(&f[2], "main.work", "/src/main.go", 11, false);
	if (o->layout == GOPCLNTAB_1_20) {
		assert_int_equal(f[0].start_line, 40);
		assert_int_equal(f[1].start_line, 30);
		assert_int_equal(f[2].start_line, 10);
	}
	assert_int_equal(gopclntab_frames(go, work + 0x18, f, 4), 2);
	expect_frame(&f[0], "main.mid", "/src/lib.go", 31, true);
	assert_int_equal(gopclntab_frames(go, work + 0x10, f, 2), 2);
	expect_frame(&f[1], "main.mid", "/src/lib.go", 31, true);
	assert_int_equal(gopclntab_frames(go, ENTRY(&file, WRAPPER), f, 4), 1);
	expect_frame(&f[0], "main.(*T).M", "<autogenerated>", 1, false);
	assert_true(f[0].is_wrapper);
	assert_int_equal(gopclntab_frames(go, ENTRY(&file, GOFILE_FUNCTIONS), f, 4), 0);
}

static void test_frames(void **state)
{
	(void)state;
	each_form(check_frames);
}

/* Where the record of the inlined call number i has the pc of its call. */
static uint8_t *parent_of(int i)
{
	const bool small = file.o.layout == GOPCLNTAB_1_20;

	return file.data + file.tree + i * (small ? 16 : 20) + (small ? 8 : 16);
}

static void check_cycle(const struct gofile_options *o)
{
	struct go_frame f[GOPCLNTAB_FRAMES_MAX];

	(void)o;
	*parent_of(1) = 0x10;	/* main.leaf is called where main.leaf is inlined */
	assert_int_equal(gopclntab_frames(go, ENTRY(&file, WORK) + 0x10, f, GOPCLNTAB_FRAMES_MAX), 1);
	expect_frame(&f[0], "main.work", "", 0, false);
	*parent_of(1) = 0x40;	/* outside the function */
	assert_int_equal(gopclntab_frames(go, ENTRY(&file, WORK) + 0x10, f, GOPCLNTAB_FRAMES_MAX), 1);
	expect_frame(&f[0], "main.work", "", 0, false);
}

static void test_cycle(void **state)
{
	(void)state;
	each_form(check_cycle);
}

static void test_refused(void **state)
{
	struct gofile_options o = { .layout = GOPCLNTAB_1_18 };
	const char *why;

	(void)state;
	o.two_modules = true;
	assert_int_equal(open_file(o, &why), -ENOTSUP);
	assert_string_equal(why, "a plugin, or several modules of Go in one file");
	close_file();
	o.two_modules = false;
	o.plugin = true;
	for (int i = 0; i <= GOPCLNTAB_LAYOUTS; i++) {	/* the last one as 1.27 has it */
		o.lengths = i == GOPCLNTAB_LAYOUTS;
		o.layout = (enum gopclntab_layout)(o.lengths ? i - 1 : i);
		assert_int_equal(open_file(o, &why), -ENOTSUP);
		assert_string_equal(why, "a plugin, or several modules of Go in one file");
		close_file();
	}
	o = (struct gofile_options){ .layout = GOPCLNTAB_1_18 };
	o.no_runtime = true;
	assert_int_equal(open_file(o, &why), -ENOTSUP);
	assert_string_equal(why, "a part of a program of Go, without its runtime");
	close_file();
	/* The moduledata has another number of functions. */
	assert_int_equal(open_file((struct gofile_options){ .layout = GOPCLNTAB_1_18 }, &why), 0);
	gopclntab_close(go);
	go = NULL;
	file.data[file.table + 8]--;
	assert_int_equal(gopclntab_open(ef, &go, &why), -ENOEXEC);
	assert_string_equal(why, "no moduledata agrees with its .gopclntab");
	file.data[file.table] = 0;
	assert_int_equal(gopclntab_open(ef, &go, &why), -ENOENT);
	close_file();
}

/* --- rows */

#define SP(off) {0, UNWIND_CFA_SP, 0, (off)}
#define SP_SAVED(off) {0, UNWIND_CFA_SP | UNWIND_FP_CFA << 4, -2, (off)}
#define FP_SAVED {0, UNWIND_CFA_FP | UNWIND_FP_CFA << 4, -2, 2}

static const struct {
	int function;
	uint64_t at;
	struct unwind_row row;
} rows[] = {
	{GOEXIT, 0, {0, UNWIND_CFA_STOP, 0, 0}}, {GOEXIT, 0x3f, {0, UNWIND_CFA_STOP, 0, 0}},
	{WORK, 0, SP(1)}, {WORK, 3, SP(1)},
	{WORK, 4, SP(4)}, {WORK, 8, SP(4)},	/* not saved yet */
	{WORK, 9, SP_SAVED(4)}, {WORK, 0x33, SP_SAVED(4)},
	{WORK, 0x34, SP(1)}, {WORK, 0x3f, SP(1)},
	{SWITCH, 0, SP(1)},
	{BIG, 0, SP(1)}, {BIG, 1, SP_SAVED(2)}, {BIG, 10, SP_SAVED(2)},
	{BIG, 0x2b, SP_SAVED(2)}, {BIG, 0x32, SP(1)},
	{WRAPPER, 4, SP(3)},	/* whose code saves nothing */
	{ASMCGOCALL, 0, FP_SAVED}, {ASMCGOCALL, 0x3f, FP_SAVED},
	{CGOCALLBACK, 0, SP(1)}, {CGOCALLBACK, 1, SP_SAVED(2)}, {CGOCALLBACK, 4, FP_SAVED},
	{CGOCALLBACK, 0x3f, FP_SAVED},
	{MAIN, 0, SP(1)}, {MAIN, 0x3f, SP(1)},
};

static void check_rows(const struct gofile_options *o)
{
	const struct unwind_wide wide = {
		.cfa = { .how = UNWIND_REG_PLUS, .reg = 7, .off = 0x80010 }, .ra = { .how = UNWIND_AT_CFA, .off = -8 },
		.sp = { .how = UNWIND_CFA_PLUS }, .fp = { .how = UNWIND_AT_CFA, .off = -16 },
	};
	const struct unwind_row *row;
	struct unwind_table *t;

	assert_int_equal(unwind_table_load(ef, 1000, &t), 0);
	assert_int_equal(t->base, ENTRY(&file, 0));
	assert_int_equal(t->stats.fdes, GOFILE_FUNCTIONS);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		row = unwind_table_at(t, ENTRY(&file, rows[i].function) + rows[i].at);
		assert_non_null(row);
		assert_memory_equal(&row->kind, &rows[i].row.kind, 4);
	}
	row = unwind_table_at(t, ENTRY(&file, BIG) + 11);
	assert_non_null(row);
	assert_int_equal(row->kind & 15, UNWIND_CFA_WIDE);
	assert_int_equal(t->n_wide, 1);
	assert_memory_equal(&t->wide[unwind_row_wide(row)], &wide, sizeof(wide));
	row = unwind_table_at(t, ENTRY(&file, GOGO));
	if (o->layout == GOPCLNTAB_1_14)	/* it has no flags that say it */
		assert_non_null(row);
	else
		assert_null(row);
	assert_null(unwind_table_at(t, ENTRY(&file, GOFILE_FUNCTIONS)));
	unwind_table_free(t);
	t = NULL;
	/* As without .gopclntab: there is no .eh_frame. */
	assert_int_equal(unwind_table_load(ef, 5, &t), -ENOENT);
	assert_null(t);
}

static void test_rows(void **state)
{
	(void)state;
	each_form(check_rows);
}

/* Without a frame pointer of its own a callback has its rows by depth, and what it seems to be called by has one. */
static void test_callback(void **state)
{
	struct unwind_table *t;
	const struct unwind_row *row;

	(void)state;
	assert_int_equal(open_file((struct gofile_options){ .layout = GOPCLNTAB_1_18 }, NULL), 0);
	memset(file.data + GOFILE_CODE + CGOCALLBACK * GOFILE_FUNCTION_BYTES, 0x90, 8);
	assert_int_equal(unwind_table_load(ef, 1000, &t), 0);
	row = unwind_table_at(t, ENTRY(&file, CGOCALLBACK) + 8);
	assert_int_equal(row->kind, UNWIND_CFA_SP | UNWIND_FP_UNDEFINED << 4);
	assert_int_equal(row->cfa_off, 5);
	row = unwind_table_at(t, ENTRY(&file, SWITCH) - 1);
	assert_int_equal(row->kind, UNWIND_CFA_SP);
	assert_int_equal(row->cfa_off, 1);
	unwind_table_free(t);
	close_file();
}

/* --- damage */

/* Everything, on what may be damaged: a function's name is one of those there are or an end of one, and inlined frames
 * are in the function. */
static void use_all(const struct elf_file *of)
{
	struct unwind_table *t = NULL;
	struct gopclntab *g = NULL;
	const char *why = NULL;
	int err = gopclntab_open(of, &g, &why);

	assert_true(err == 0 || err == -ENOENT || err == -ENOEXEC || err == -ENOTSUP);
	assert_true(err == 0 || why[0]);
	if (!err) {
		for (uint64_t at = file.base; at < file.base + 0x1000; at += 3) {
			struct go_frame f[GOPCLNTAB_FRAMES_MAX];
			struct go_function fn;
			const size_t n = gopclntab_frames(g, at, f, GOPCLNTAB_FRAMES_MAX);

			assert_true(n <= GOPCLNTAB_FRAMES_MAX);
			assert_int_equal(gopclntab_find(g, at, &fn), n > 0);
			if (n) {
				assert_false(f[n - 1].is_inlined);
				assert_string_equal(f[n - 1].function, fn.name);
			}
			for (size_t i = 0; i < n; i++)
				assert_true(strlen(f[i].function) + strlen(f[i].file) < GOFILE_SIZE);
		}
		gopclntab_close(g);
	}
	if (unwind_table_load(of, 1000, &t) == 0)
		unwind_table_free(t);
}

/* Each byte of the table, of the inlined calls and of the moduledata flipped, in one bit and in all. */
static void test_flipped(void **state)
{
	(void)state;
	for (int layout = 0; layout < GOPCLNTAB_LAYOUTS; layout++) {
		const struct gofile_options o = { .layout = (enum gopclntab_layout)layout };

		assert_int_equal(open_file(o, NULL), 0);
		for (size_t at = GOFILE_TABLE; at < GOFILE_DATA + 0x300; at++) {
			if (at >= file.table + file.table_size && at < file.tree)
				continue;
			for (int bits = 1; bits < 256; bits = bits == 1 ? 0x80 : bits == 0x80 ? 0xff : 256) {
				file.data[at] ^= (uint8_t)bits;
				use_all(ef);
				file.data[at] ^= (uint8_t)bits;
			}
		}
		close_file();
	}
}

static void check_code(const struct gofile_options *o)
{
	const struct go_moduledata *md = gopclntab_moduledata(go);
	uint64_t text = 0, etext = 0;

	(void)o;
	assert_true(gopclntab_code(ef, &text, &etext));
	assert_int_equal(text, md->text);
	assert_int_equal(etext, md->etext);
	assert_int_equal(text, ENTRY(&file, 0));
	assert_int_equal(etext, ENTRY(&file, GOFILE_FUNCTIONS));
}

/* Where its code is, and the table that all readers of a file share: both as of the first look. */
static void test_shared(void **state)
{
	const struct gopclntab *first, *second;
	uint64_t text, etext;
	const char *why;

	(void)state;
	each_form(check_code);
	assert_int_equal(open_file((struct gofile_options){ .layout = GOPCLNTAB_1_20 }, &why), 0);
	assert_int_equal(gopclntab_of(ef, &first, &why), 0);
	file.data[file.table] = 0;	/* nobody looks at it again */
	assert_int_equal(gopclntab_of(ef, &second, NULL), 0);
	assert_ptr_equal(first, second);
	assert_ptr_not_equal(first, go);
	close_file();
	assert_int_equal(open_file((struct gofile_options){ .layout = GOPCLNTAB_1_20, .plugin = true }, &why),
			 -ENOTSUP);
	assert_false(gopclntab_code(ef, &text, &etext));
	for (int i = 0; i < 2; i++) {
		why = NULL;
		assert_int_equal(gopclntab_of(ef, &first, &why), -ENOTSUP);
		assert_null(first);
		assert_string_equal(why, "a plugin, or several modules of Go in one file");
	}
	close_file();
}

static void test_cut(void **state)
{
	(void)state;
	for (int layout = 0; layout < GOPCLNTAB_LAYOUTS; layout++) {
		gofile_make(&file, (struct gofile_options){ .layout = (enum gopclntab_layout)layout, .bare = true });
		for (size_t size = 0x200; size < GOFILE_DATA + 0x400; size++) {
			/* A copy of its own, so that a byte too far is seen. */
			uint8_t *data = malloc(size);

			memcpy(data, file.data, size);
			if (elf_file_open_memory(data, size, "go", &ef) == 0) {
				use_all(ef);
				elf_file_close(ef);
				ef = NULL;
			}
			free(data);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_functions),
		cmocka_unit_test(test_moduledata),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_cycle),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_callback),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
