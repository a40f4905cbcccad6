/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

#include "proc/mapfile.h"
#include "proc/maps.h"
#include "proc/process.h"
#include "proc/timeline.h"

/* --- the text of maps */

static size_t count_lines(const char *text, struct maps_line *last, struct buf *path)
{
	const char *end = text + strlen(text);
	struct maps_line line;
	size_t n = 0;

	while (maps_next(&text, end, &line, path)) {
		*last = line;
		n++;
	}
	assert_ptr_equal(text, end);
	return n;
}

static void parses_a_line(void **state)
{
	static const char text[] = "7f08c1a26000-7f08c1b7c000 r-xp 00026000 fe:01 332835                     "
				   "/usr/lib/x86_64-linux-gnu/libc.so.6\n";
	struct buf path = {0};
	struct maps_line line;

	assert_int_equal(count_lines(text, &line, &path), 1);
	assert_int_equal(line.start, 0x7f08c1a26000);
	assert_int_equal(line.end, 0x7f08c1b7c000);
	assert_int_equal(line.offset, 0x26000);
	assert_int_equal(line.dev, makedev(0xfe, 1));
	assert_int_equal(line.ino, 332835);
	assert_true(line.exec);
	assert_string_equal(line.path, "/usr/lib/x86_64-linux-gnu/libc.so.6");
	buf_free(&path);
}

static void parses_anonymous_and_special(void **state)
{
	struct buf path = {0};
	struct maps_line line;

	assert_int_equal(count_lines("7f0000000000-7f0000001000 rwxp 00000000 00:00 0 \n", &line, &path), 1);
	assert_string_equal(line.path, "");
	assert_true(line.exec);
	assert_int_equal(line.dev, 0);
	assert_int_equal(count_lines("1000-2000 rw-p 00000000 00:00 0          [heap]\n", &line, &path), 1);
	assert_string_equal(line.path, "[heap]");
	assert_false(line.exec);
	assert_int_equal(
		count_lines("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0      [vsyscall]\n", &line, &path),
		1);
	assert_string_equal(line.path, "[vsyscall]");
	assert_int_equal(line.start, 0xffffffffff600000);
	assert_true(line.exec);
	assert_int_equal(count_lines("1000-2000 r-xp 00000000 abcde:fffff 18446744073709551615    /x\n", &line, &path),
			 1);
	assert_int_equal(line.ino, UINT64_MAX);
	assert_int_equal(line.dev, makedev(0xabcde, 0xfffff));
	buf_free(&path);
}

static void parses_nasty_paths(void **state)
{
	static const struct {
		const char *text, *path;
	} cases[] = {
		{"/a b  c ", "/a b  c "},
		{"/x (deleted)", "/x (deleted)"},
		{"/two\\012lines", "/two\nlines"},
		{"/\\012", "/\n"},
		{"/\\012\\012\\", "/\n\n\\"},
		{"/\\040\\01\\0", "/\\040\\01\\0"},
		{"/\\\\012", "/\\\n"},
		{"/\x1b[2J\xff", "/\x1b[2J\xff"},
		{"[anon: 1-2 r-xp 0 0:0 0 /x]", "[anon: 1-2 r-xp 0 0:0 0 /x]"},
		{"/1000-2000 r-xp 00000000 00:00 0", "/1000-2000 r-xp 00000000 00:00 0"},
	};
	struct buf path = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct maps_line line;
		char text[256];

		snprintf(text, sizeof(text), "1000-2000 r-xp 00000000 08:01 7                  %s\n", cases[i].text);
		assert_int_equal(count_lines(text, &line, &path), 1);
		assert_string_equal(line.path, cases[i].path);
		/* The last line may lack its newline. */
		text[strlen(text) - 1] = '\0';
		assert_int_equal(count_lines(text, &line, &path), 1);
		assert_string_equal(line.path, cases[i].path);
	}
	buf_free(&path);
}

static void skips_malformed_lines(void **state)
{
	static const char *const bad[] = {
		"",
		"x",
		"1000",
		"1000-",
		"1000-2000",
		"1000-2000 ",
		"1000-2000 r-xp",
		"1000-2000 r-xp ",
		"-2000 r-xp 0 0:0 0 ",
		"2000-1000 r-xp 0 0:0 0 /x",
		"1000-1000 r-xp 0 0:0 0 /x",
		"1000-2000 r-xpp 0 0:0 0 /x",
		"1000-2000 r-xp 0 0:0",
		"1000-2000 r-xp 0 0 0 /x",
		"1000-2000 r-xp 0 0:0 0a /x",
		"1000-2000 r-xp 0 123456789:0 0 /x",
		"11111111111111111-22222222222222222 r-xp 0 0:0 0 /x",
		"1000-2000 r-xp 0 0:0 18446744073709551616 /x",
		"1000-2000 r-xp -1 0:0 0 /x",
		"G000-H000 r-xp 0 0:0 0 /x",
		"1000-2000 r-xp 0 0:0 0",
	};
	struct buf path = {0};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct maps_line line;
		char text[256];

		snprintf(text, sizeof(text), "%s\n3000-4000 r-xp 0 0:0 0 /good\n%s", bad[i], bad[i]);
		assert_int_equal(count_lines(text, &line, &path), 1);
		assert_string_equal(line.path, "/good");
		assert_int_equal(line.start, 0x3000);
	}
	buf_free(&path);
}

static void knows_kinds(void **state)
{
	assert_int_equal(mapping_kind("/usr/bin/x"), MAPPING_FILE);
	assert_int_equal(mapping_kind("//toolong"), MAPPING_FILE);
	assert_int_equal(mapping_kind("/[vdso]"), MAPPING_FILE);
	assert_int_equal(mapping_kind("/memfd:x (deleted)"), MAPPING_FILE);
	assert_int_equal(mapping_kind("[vdso]"), MAPPING_VDSO);
	assert_int_equal(mapping_kind("[vsyscall]"), MAPPING_IGNORED);
	assert_int_equal(mapping_kind(""), MAPPING_ANON);
	assert_int_equal(mapping_kind("//anon"), MAPPING_ANON);
	assert_int_equal(mapping_kind("[heap]"), MAPPING_ANON);
	assert_int_equal(mapping_kind("[anon:[vdso]]"), MAPPING_ANON);
	assert_true(mapping_is_memory("/memfd:jit (deleted)"));
	assert_true(mapping_is_memory("/dev/zero (deleted)"));
	assert_true(mapping_is_memory("/SYSV00000000 (deleted)"));
	assert_true(mapping_is_memory("/anon_hugepage (deleted)"));
	assert_false(mapping_is_memory("/usr/memfd:x"));
}

/* --- the timeline */

#define INF UINT64_MAX

static void map(struct process *p, uint64_t time, uint64_t earliest, uint64_t start, uint64_t end, uint64_t offset,
		uint32_t module)
{
	struct mapping m = {.start = start, .end = end, .offset = offset, .module = module};

	timeline_map(p, time, earliest, &m);
}

static void event(struct process *p, uint64_t time, uint64_t start, uint64_t end, uint64_t offset, uint32_t module)
{
	map(p, time, time, start, end, offset, module);
}

/* The module at an address and time, 0 for none. */
static uint32_t at(const struct process *p, uint64_t addr, uint64_t time)
{
	const struct mapping *m = timeline_find(p, addr, time);

	return m ? m->module : 0;
}

/* The list is sorted, max_end and n_ended are right, nothing overlaps in address and time. */
static void check_list(const struct process *p)
{
	uint64_t max = 0;
	size_t ended = 0;

	for (size_t i = 0; i < p->maps.n; i++) {
		const struct mapping *m = &p->maps.at[i];

		assert_true(m->start < m->end);
		assert_true(m->from_ns < m->until_ns);
		assert_true(m->earliest_ns <= m->from_ns);
		if (i)
			assert_true(m[-1].start < m->start || (m[-1].start == m->start && m[-1].from_ns <= m->from_ns));
		if (m->end > max)
			max = m->end;
		assert_int_equal(m->max_end, max);
		ended += m->until_ns != INF;
		for (size_t j = 0; j < i; j++) {
			const struct mapping *o = &p->maps.at[j];

			assert_false(o->start < m->end && m->start < o->end && o->from_ns < m->until_ns &&
				     m->from_ns < o->until_ns);
		}
	}
	assert_int_equal(p->n_ended, ended);
}

static void maps_and_unmaps(void **state)
{
	struct process p = {0};

	event(&p, 10, 0x1000, 0x3000, 0x400, 1);
	event(&p, 20, 0x5000, 0x6000, 0, 2);
	check_list(&p);
	assert_int_equal(at(&p, 0x1000, 10), 1);
	assert_int_equal(at(&p, 0x2fff, 10), 1);
	assert_int_equal(at(&p, 0x3000, 10), 0);
	assert_int_equal(at(&p, 0xfff, 10), 0);
	assert_int_equal(at(&p, 0x1000, 9), 0);
	assert_int_equal(at(&p, 0x5000, 19), 0);
	assert_int_equal(at(&p, 0x5000, 20), 2);
	timeline_unmap(&p, 30, 0x2000, 0x5800);
	check_list(&p);
	assert_int_equal(at(&p, 0x1fff, 30), 1);
	assert_int_equal(at(&p, 0x2000, 29), 1);
	assert_int_equal(at(&p, 0x2000, 30), 0);
	assert_int_equal(at(&p, 0x57ff, 30), 0);
	assert_int_equal(at(&p, 0x5800, 30), 2);
	/* The rest's offset goes with its start. */
	assert_int_equal(timeline_find(&p, 0x5800, 30)->offset, 0x800);
	assert_int_equal(timeline_find(&p, 0x2000, 29)->offset, 0x1400);
	assert_int_equal(p.maps.n, 4);
	vec_free(&p.maps);
}

static void overlapping_ends_the_older(void **state)
{
	struct process p = {0};

	event(&p, 10, 0x1000, 0x9000, 0, 1);
	event(&p, 20, 0x3000, 0x5000, 0, 2);
	check_list(&p);
	assert_int_equal(p.maps.n, 4);
	assert_int_equal(at(&p, 0x3000, 19), 1);
	assert_int_equal(at(&p, 0x3000, 20), 2);
	assert_int_equal(at(&p, 0x2fff, 20), 1);
	assert_int_equal(at(&p, 0x5000, 20), 1);
	assert_int_equal(timeline_find(&p, 0x5000, 20)->offset, 0x4000);
	/* Exactly over it, and over everything. */
	event(&p, 30, 0x3000, 0x5000, 0, 3);
	event(&p, 40, 0, 0x10000, 0, 4);
	check_list(&p);
	assert_int_equal(at(&p, 0x4000, 25), 2);
	assert_int_equal(at(&p, 0x4000, 35), 3);
	assert_int_equal(at(&p, 0x4000, 45), 4);
	assert_int_equal(at(&p, 0x8000, 39), 1);
	vec_free(&p.maps);
}

static void the_same_again_changes_nothing(void **state)
{
	struct process p = {0};

	event(&p, 10, 0x1000, 0x9000, 0x1000, 1);
	event(&p, 20, 0x1000, 0x9000, 0x1000, 1);
	event(&p, 30, 0x2000, 0x3000, 0x2000, 1);	/* mprotect of a part */
	assert_int_equal(p.maps.n, 1);
	assert_int_equal(p.maps.at[0].from_ns, 10);
	/* Grown at both ends. */
	event(&p, 40, 0x800, 0xa000, 0x800, 1);
	check_list(&p);
	assert_int_equal(p.maps.n, 3);
	assert_int_equal(at(&p, 0x800, 39), 0);
	assert_int_equal(at(&p, 0x800, 40), 1);
	assert_int_equal(timeline_find(&p, 0x9000, 40)->offset, 0x9000);
	/* The same file at another offset is another mapping. */
	event(&p, 50, 0x1000, 0x2000, 0, 1);
	check_list(&p);
	assert_int_equal(timeline_find(&p, 0x1800, 49)->offset + 0x1800 - timeline_find(&p, 0x1800, 49)->start, 0x1800);
	assert_int_equal(timeline_find(&p, 0x1800, 50)->offset + 0x1800 - timeline_find(&p, 0x1800, 50)->start, 0x800);
	vec_free(&p.maps);
}

/* What a reading at 100 found may have been there since the reading before, at 50; a mapping of the record's own time
 * not. */
static void found_late(void **state)
{
	struct process p = {0};

	map(&p, 100, 50, 0x1000, 0x2000, 0, 1);
	p.read_ns = 100;
	assert_int_equal(at(&p, 0x1000, 100), 1);
	assert_int_equal(at(&p, 0x1000, 50), 1);
	assert_int_equal(at(&p, 0x1000, 49), 0);
	/* Its record comes after the reading and tells the true time. */
	event(&p, 70, 0x1000, 0x2000, 0, 1);
	check_list(&p);
	assert_int_equal(p.maps.n, 1);
	assert_int_equal(p.maps.at[0].from_ns, 70);
	assert_int_equal(p.maps.at[0].until_ns, INF);
	vec_free(&p.maps);
}

/* Records: A mapped at 10, B over it at 20. The reading at 30 saw B; the records are handled after it. */
static void records_after_the_reading(void **state)
{
	struct process p = {0};

	map(&p, 30, 0, 0x1000, 0x2000, 0, 2);
	p.read_ns = 30;
	event(&p, 10, 0x1000, 0x2000, 0, 1);
	check_list(&p);
	assert_int_equal(at(&p, 0x1000, 15), 1);
	assert_int_equal(at(&p, 0x1000, 30), 2);
	event(&p, 20, 0x1000, 0x2000, 0, 2);
	check_list(&p);
	assert_int_equal(at(&p, 0x1000, 10), 1);
	assert_int_equal(at(&p, 0x1000, 19), 1);
	assert_int_equal(at(&p, 0x1000, 20), 2);
	assert_int_equal(at(&p, 0x1000, 1000), 2);
	assert_int_equal(p.maps.n, 2);
	vec_free(&p.maps);
}

/* Mapped at 10, unmapped before the reading at 30 (no record tells), which did not see it. */
static void gone_before_the_reading(void **state)
{
	struct process p = {0};

	p.read_ns = 30;
	event(&p, 10, 0x1000, 0x2000, 0, 1);
	check_list(&p);
	assert_int_equal(at(&p, 0x1000, 29), 1);
	assert_int_equal(at(&p, 0x1000, 30), 0);
	vec_free(&p.maps);
}

/* A at readings 20 and 40; the record of B over it at 30 comes late: B must have gone again before 40. */
static void between_two_readings(void **state)
{
	struct process p = {0};

	map(&p, 20, 0, 0x1000, 0x4000, 0, 1);
	p.read_ns = 20;
	map(&p, 40, 20, 0x1000, 0x4000, 0, 1);
	p.read_ns = 40;
	event(&p, 30, 0x2000, 0x3000, 0, 2);
	check_list(&p);
	assert_int_equal(at(&p, 0x2000, 25), 1);
	assert_int_equal(at(&p, 0x2000, 30), 2);
	assert_int_equal(at(&p, 0x2000, 39), 2);
	assert_int_equal(at(&p, 0x2000, 40), 1);
	assert_int_equal(at(&p, 0x1fff, 35), 1);
	assert_int_equal(at(&p, 0x3000, 35), 1);
	event(&p, 35, 0x2000, 0x3000, 0x1000, 1);	/* A again */
	check_list(&p);
	assert_int_equal(at(&p, 0x2000, 34), 2);
	assert_int_equal(at(&p, 0x2000, 35), 1);
	vec_free(&p.maps);
}

static void exec_and_exit(void **state)
{
	struct process p = {.name = strdup("old")};

	event(&p, 10, 0x1000, 0x2000, 0, 1);
	event(&p, 11, 0x3000, 0x4000, 0, 2);
	process_exec(&p, 20, "new");
	assert_string_equal(p.name, "new");
	event(&p, 21, 0x1000, 0x2000, 0, 3);
	check_list(&p);
	assert_int_equal(at(&p, 0x1000, 19), 1);
	assert_int_equal(at(&p, 0x1000, 20), 0);
	assert_int_equal(at(&p, 0x1000, 21), 3);
	assert_int_equal(at(&p, 0x3000, 19), 2);
	assert_int_equal(at(&p, 0x3000, 21), 0);
	process_rename(&p, "other");
	assert_string_equal(p.name, "other");
	assert_false(p.exited);
	process_exit(&p, 30);
	check_list(&p);
	assert_true(p.exited);
	assert_int_equal(at(&p, 0x1000, 29), 3);
	assert_int_equal(at(&p, 0x1000, 30), 0);
	assert_int_equal(p.n_ended, p.maps.n);
	vec_free(&p.maps);
	free(p.name);
}

/* The first reading came after the exec, whose record comes later: the new program's mappings stay. */
static void exec_before_the_reading(void **state)
{
	struct process p = {.name = strdup("sh")};

	map(&p, 30, 0, 0x1000, 0x2000, 0, 1);
	p.read_ns = 30;
	process_exec(&p, 20, NULL);
	check_list(&p);
	assert_string_equal(p.name, "sh");
	assert_int_equal(at(&p, 0x1000, 19), 0);
	assert_int_equal(at(&p, 0x1000, 20), 1);
	assert_int_equal(at(&p, 0x1000, 31), 1);
	event(&p, 22, 0x1000, 0x2000, 0, 1);
	assert_int_equal(p.maps.n, 1);
	assert_int_equal(p.maps.at[0].from_ns, 22);
	vec_free(&p.maps);
	free(p.name);
}

/* A program that maps and unmaps without end does not fill memory; what is there now stays known. */
static void forgets_the_oldest(void **state)
{
	struct process p = {0};

	event(&p, 1, 0x100000000, 0x200000000, 0, 9);
	for (uint64_t i = 0; i < 3 * TIMELINE_ENDED_MAX; i++) {
		event(&p, 10 + 2 * i, 0x1000, 0x2000, 0, 1 + i % 2);
		assert_true(p.n_ended <= TIMELINE_ENDED_MAX);
	}
	assert_true(p.maps.n <= TIMELINE_ENDED_MAX + 2);
	assert_true(p.maps.n > TIMELINE_ENDED_MAX / 2);
	assert_int_equal(at(&p, 0x1000, 10), 0);
	assert_int_equal(at(&p, 0x1000, 10 + 2 * (3 * TIMELINE_ENDED_MAX - 1)), 2);
	assert_int_equal(at(&p, 0x1000, 10 + 2 * (3 * TIMELINE_ENDED_MAX - 2)), 1);
	assert_int_equal(at(&p, 0x100000000, 5), 9);
	vec_free(&p.maps);
}

/* Against a table with one cell per page and tick. */
static void agrees_with_a_table(void **state)
{
	enum { PAGES = 24, TICKS = 300 };
	static uint32_t truth[TICKS][PAGES];
	struct process p = {0};
	uint32_t seed = 42;

	for (int t = 1; t < TICKS; t++) {
		unsigned int start, len, module;

		memcpy(truth[t], truth[t - 1], sizeof(truth[t]));
		seed = seed * 1664525 + 1013904223;
		start = (seed >> 8) % PAGES;
		len = 1 + (seed >> 16) % (PAGES - start);
		module = (seed >> 24) % 5;
		for (unsigned int i = start; i < start + len; i++)
			truth[t][i] = module;
		/* Module 0: unmapped. Offsets equal addresses, so that a module agrees with itself. */
		if (module)
			event(&p, t, start << 12, (start + len) << 12, start << 12, module);
		else
			timeline_unmap(&p, t, start << 12, (start + len) << 12);
	}
	check_list(&p);
	for (int t = 1; t < TICKS; t++)
		for (int i = 0; i < PAGES; i++)
			assert_int_equal(at(&p, (i << 12) + 0x800, t), truth[t][i]);
	vec_free(&p.maps);
}

/* Edges of the address space, and nonsense. */
static void extremes(void **state)
{
	struct process p = {0};

	event(&p, 1, 0, INF, 0, 1);
	event(&p, 2, 5, 5, 0, 2);
	event(&p, 2, 6, 5, 0, 2);
	timeline_unmap(&p, 3, 7, 7);
	assert_int_equal(p.maps.n, 1);
	assert_int_equal(at(&p, 0, 1), 1);
	assert_int_equal(at(&p, INF - 1, 1), 1);
	assert_int_equal(at(&p, INF, 1), 0);
	event(&p, 0, 0, 0x1000, 0, 3);
	check_list(&p);
	assert_int_equal(at(&p, 0, 0), 3);
	timeline_unmap(&p, 4, 0, INF);
	assert_int_equal(p.n_ended, p.maps.n);
	vec_free(&p.maps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_a_line),
		cmocka_unit_test(parses_anonymous_and_special),
		cmocka_unit_test(parses_nasty_paths),
		cmocka_unit_test(skips_malformed_lines),
		cmocka_unit_test(knows_kinds),
		cmocka_unit_test(maps_and_unmaps),
		cmocka_unit_test(overlapping_ends_the_older),
		cmocka_unit_test(the_same_again_changes_nothing),
		cmocka_unit_test(found_late),
		cmocka_unit_test(records_after_the_reading),
		cmocka_unit_test(gone_before_the_reading),
		cmocka_unit_test(between_two_readings),
		cmocka_unit_test(exec_and_exit),
		cmocka_unit_test(exec_before_the_reading),
		cmocka_unit_test(forgets_the_oldest),
		cmocka_unit_test(agrees_with_a_table),
		cmocka_unit_test(extremes),
	};

	return cmocka_run_group_tests_name("timeline", tests, NULL, NULL);
}
