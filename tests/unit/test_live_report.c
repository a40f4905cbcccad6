/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of the views beside allocations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "report_fixture.h"
#include "view/suppress.h"

#define SECOND 1000000000ULL

/* The stacks of add_server(), by id. */
enum { STRINGS, TABLES, NAMES, INSERTS, LIBC, LOST };

static void put(struct fixture *x, enum profile_kind kind, uint32_t stack, uint64_t bytes, uint64_t calls)
{
	profile_add(&x->p, kind, stack, (struct counters){.bytes = bytes, .calls = calls});
}

/* Everything but a little of what the server allocates is freed. */
static void add_heap(struct fixture *x)
{
	add_server(x);
	put(x, PROFILE_FREED, STRINGS, 1342177280 - 9437184, 4123457 - 29989);
	put(x, PROFILE_FREED, TABLES, 536870912 - 4194304, 4099 - 31);
	put(x, PROFILE_FREED, NAMES, 99999989 - 104729, 1234577 - 1301);
	put(x, PROFILE_FREED, LIBC, 7340033, 12007);
	put(x, PROFILE_LIVE, STRINGS, 9437184, 29989);
	put(x, PROFILE_LIVE, TABLES, 4194304, 31);
	put(x, PROFILE_LIVE, NAMES, 104729, 1301);
	put(x, PROFILE_LIVE, LOST, 3000017, 701);
	x->p.now_ns = 1000 * SECOND;
	profile_add_age(&x->p, STRINGS, x->p.now_ns - 9 * SECOND);
	profile_add_age(&x->p, TABLES, x->p.now_ns - 345 * SECOND / 100);
	profile_add_age(&x->p, NAMES, x->p.now_ns - SECOND / 20);
	profile_add_age(&x->p, LOST, x->p.now_ns - 7 * SECOND);
	put(x, PROFILE_LEAKS, STRINGS, 8388608, 27689);
	put(x, PROFILE_LEAKS, LOST, 1009, 1);
	put(x, PROFILE_PEAK, TABLES, 67108864, 37);
	put(x, PROFILE_PEAK, STRINGS, 9437184, 29989);
	put(x, PROFILE_TEMP, STRINGS, 1006632960, 3123457);
	put(x, PROFILE_TEMP, NAMES, 99895260, 1233276);
	x->r.heap = (struct recording_heap){
		.peak_bytes = 76546048, .peak_ns = 32 * SECOND / 10, .frees = 5362011, .frees_unknown = 34,
		.min_age_ns = 5 * SECOND, .temp_age_ns = 1000000,
	};
	x->r.account = (struct recording_account){.seen = 5376549, .recorded = 5376549, .checked = true};
}

static void check_at(struct fixture *x, const char *name, size_t width)
{
	char *file = xasprintf("%s_%zu", name, width);

	x->o.width = width;
	check_golden(x, "table", file);
	free(file);
}

static void check_both(struct fixture *x, const char *name)
{
	check_at(x, name, 80);
	check_at(x, name, 200);
}

static void live(void **state)
{
	struct fixture *x = *state;

	add_heap(x);
	x->o.views = VIEW_BIT(VIEW_LIVE);
	check_both(x, __func__);
}

static void leaks_of_ended_command(void **state)
{
	struct fixture *x = *state;

	add_heap(x);
	x->o.views = VIEW_BIT(VIEW_LEAKS);
	x->r.heap.ended = true;
	x->r.heap.min_age_ns = 0;
	check_both(x, __func__);
}

static void several(void **state)
{
	struct fixture *x = *state;

	add_heap(x);
	x->o.views = VIEW_BIT(VIEW_ALLOC) | VIEW_BIT(VIEW_LEAKS) | VIEW_BIT(VIEW_PEAK) | VIEW_BIT(VIEW_TEMP);
	x->o.top = 2;
	check_both(x, __func__);
}

static void per_operation(void **state)
{
	struct fixture *x = *state;
	char *text;

	add_heap(x);
	x->r.ops = 100003;
	x->o.views = VIEW_BIT(VIEW_ALLOC) | VIEW_BIT(VIEW_LEAKS) | VIEW_BIT(VIEW_PEAK);
	x->o.top = 3;
	check_both(x, __func__);
	x->o.views = VIEW_BIT(VIEW_ALLOC);
	x->r.windows = (struct recording_windows){.scaled = true, .n = 12, .share = 0.0413, .error = 0.023,
						  .limit = 5, .by = "the target's reads"};
	check_at(x, "per_operation_estimated", 120);
	/* A type: it is Go, whose bytes others count in another way. */
	profile_type(&x->p, 0, 1);
	x->r.windows.at_least = true;
	text = render(x, "table");
	assert_non_null(strstr(text, "\nper op     at least 20000 B/op, 54 allocs/op in 100003 operations; "
				     "bytes as requested:\n           go test -benchmem counts size classes\n"));
	free(text);
}

static void leaks_by_calls(void **state)
{
	struct fixture *x = *state;

	add_heap(x);
	x->o.views = VIEW_BIT(VIEW_LEAKS);
	x->o.metric = METRIC_CALLS;
	check_at(x, __func__, 80);
}

static void nothing_leaks(void **state)
{
	struct fixture *x = *state;

	add_server(x);
	x->o.views = VIEW_BIT(VIEW_LEAKS);
	x->r.heap.min_age_ns = 30 * SECOND;
	check_at(x, __func__, 80);
}

static void growth(void **state)
{
	struct fixture *x = *state;

	for (int i = 0; i < 4; i++) {
		profile_reset(&x->p);
		add_heap(x);
		put(x, PROFILE_LIVE, STRINGS, i * 1048576, i * 1000);
		put(x, PROFILE_LIVE, NAMES, 5000 - i * 1000, 1);
		put(x, PROFILE_LIVE, LIBC, i == 2 ? 77 : 33, 1);
		if (i < 3)
			profile_remember(&x->p);
	}
	x->r.interval = 4;
	x->o.views = VIEW_BIT(VIEW_LIVE);
	check_both(x, __func__);
}

static unsigned int grew(struct fixture *x, bool last)
{
	struct view_detail d;
	struct view v;

	view_build(&x->r, PROFILE_LEAKS, x->o.by, METRIC_BYTES, false, &v);
	assert_true(v.n >= 1);
	view_details(&v, &x->p, &view_kinds[VIEW_LEAKS], last, 1, &d);
	view_free(&v);
	return d.grew;
}

static void growth_in_a_row(void **state)
{
	static const int bytes[] = {10, 12, 11, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23};
	static const unsigned int want[] = {0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10};
	struct fixture *x = *state;

	add_server(x);
	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		x->p.sums[PROFILE_LEAKS].n = 0;
		put(x, PROFILE_LEAKS, STRINGS, bytes[i], 1);
		assert_int_equal(grew(x, false), want[i]);
		profile_remember(&x->p);
		assert_int_equal(grew(x, false), 0);
		/* at the end of the run, a moment after an interval: no news is no shrinking */
		assert_int_equal(grew(x, true), want[i] < PROFILE_PAST ? want[i] : PROFILE_PAST - 1);
	}
	x->p.sums[PROFILE_LEAKS].n = 0;
	put(x, PROFILE_LEAKS, STRINGS, 22, 1);
	assert_int_equal(grew(x, true), 0);
}

static void marks(void **state)
{
	struct fixture *x = *state;
	static const uint64_t at[] = {1 * SECOND, 25 * SECOND / 10, 9 * SECOND};

	add_heap(x);
	x->p.generations = 3;
	x->p.first_generation = 1;
	x->r.heap.marks_ns = at;
	x->r.heap.n_marks = 3;
	put(x, PROFILE_MARKED, STRINGS, 1310720, 1009);
	put(x, PROFILE_GENERATION, STRINGS, 1048576, 1000);
	put(x, PROFILE_GENERATION + 2, STRINGS, 262144, 9);
	put(x, PROFILE_MARKED, TABLES, 4096, 1);
	put(x, PROFILE_GENERATION + 1, TABLES, 4096, 1);
	x->o.views = VIEW_BIT(VIEW_LIVE);
	check_both(x, __func__);
}

static void add_histograms(struct fixture *x)
{
	add_heap(x);
	for (int i = 0; i < 5; i++)
		profile_add_hist(&x->p, PROFILE_SIZES, STRINGS, 5 + i, (i + 1) * 100003);
	profile_add_hist(&x->p, PROFILE_SIZES, STRINGS, 12, 1);
	profile_add_hist(&x->p, PROFILE_SIZES, TABLES, 18, 4000);
	profile_add_hist(&x->p, PROFILE_SIZES, TABLES, 20, 99);
	profile_add_hist(&x->p, PROFILE_SIZES, NAMES, 7, 1234577);
	profile_add_hist(&x->p, PROFILE_SIZES, LIBC, 0, 7);
	for (int i = 0; i < 30; i++)
		profile_add_hist(&x->p, PROFILE_LIFETIMES, STRINGS, 9 + i, i < 15 ? i * i : (30 - i) * 20);
	profile_add_hist(&x->p, PROFILE_LIFETIMES, NAMES, 9, 1233276);
	profile_add_hist(&x->p, PROFILE_LIFETIMES, TABLES, 33, 4068);
}

static void histograms(void **state)
{
	struct fixture *x = *state;

	add_histograms(x);
	x->o.views = VIEW_BIT(VIEW_LIFETIMES) | VIEW_BIT(VIEW_SIZES);
	x->o.top = 5;
	check_both(x, __func__);
}

/* Errors of some per cent, and one of half the value. */
static void sampled(void **state)
{
	struct fixture *x = *state;
	char *text;

	add_heap(x);
	profile_at(&x->p, PROFILE_ALLOC, STRINGS)->bytes_var = 1e15;
	profile_at(&x->p, PROFILE_ALLOC, STRINGS)->calls_var = 1e10;
	profile_at(&x->p, PROFILE_ALLOC, TABLES)->bytes_var = 1e14;
	profile_at(&x->p, PROFILE_ALLOC, NAMES)->bytes_var = 1e11;
	profile_at(&x->p, PROFILE_ALLOC, LIBC)->bytes_var = 1e13;
	profile_at(&x->p, PROFILE_ALLOC, LIBC)->calls_var = 4e7;
	profile_at(&x->p, PROFILE_LIVE, STRINGS)->bytes_var = 4e11;
	profile_at(&x->p, PROFILE_LIVE, STRINGS)->calls_var = 4e6;
	x->r.account.unsampled = 5376549 - 12007;
	x->r.account.recorded = 12007;
	x->r.account.checked = false;
	x->r.sample_mean = 524288;
	x->r.sample_auto = true;
	x->o.views = VIEW_BIT(VIEW_ALLOC) | VIEW_BIT(VIEW_LIVE);
	check_both(x, __func__);
	/* at the end it was slow enough for every call, before it was not */
	x->r.sample_mean = 1;
	text = render(x, "table");
	assert_non_null(strstr(text, "\nsampled    12.0k of 5.38M calls, every one now; totals are exact, "));
	free(text);
}

/* TEMP% has no more digits than the error of its calls leaves. */
static void sampled_share(void **state)
{
	struct fixture *x = *state;
	char *text;

	add_heap(x);
	x->o.views = VIEW_BIT(VIEW_TEMP);
	profile_at(&x->p, PROFILE_TEMP, STRINGS)->calls_var = 1e8;
	profile_at(&x->p, PROFILE_TEMP, NAMES)->calls_var = 1.5e11;
	text = render(x, "table");
	assert_non_null(strstr(text, "  3.12M   75.7  zmalloc"));
	assert_non_null(strstr(text, "  1.2M    100  std::"));
	free(text);
}

static char *write_file(const char *text)
{
	char *path = xstrdup("/tmp/alloctrace-test.XXXXXX");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	return path;
}

static void suppressed(void **state)
{
	struct fixture *x = *state;
	char *path = write_file("# known\nleak:^create_str\nleak:nothing\n"), *text;
	struct suppressions *s;

	add_heap(x);
	put(x, PROFILE_LEAKS, TABLES, 4096, 3);
	assert_int_equal(suppress_open(path, &s), 0);
	suppress_leaks(s, &x->p, x->r.names);
	x->r.suppressions = suppress_list(s, &x->r.n_suppressions);
	x->o.views = VIEW_BIT(VIEW_LEAKS);
	check_at(x, __func__, 80);
	log_set_level(LOG_VERBOSE);
	x->o.width = 120;
	text = render(x, "table");
	log_set_level(LOG_NORMAL);
	assert_non_null(strstr(text, "by 1 of 2 patterns; ^create_str 8.00 MiB in 27.7k blocks; "
			       "nothing 0 B in 0 blocks\n"));
	free(text);
	suppress_close(s);
	unlink(path);
	free(path);
}

static void account_in_full(void **state)
{
	struct fixture *x = *state;
	char *text;

	add_server(x);
	x->r.account = (struct recording_account){
		.seen = 1000003, .recorded = 900001, .filtered = 100000, .lost = 1, .checked = true, .unaccounted = 1,
	};
	text = render(x, "table");
	assert_non_null(strstr(text, "\naccount    1.00M calls seen != 900k recorded + 100k filtered + 1 lost\n"
			       "           : 1 unaccounted\n"));
	free(text);
	log_set_level(LOG_VERBOSE);
	text = render(x, "table");
	log_set_level(LOG_NORMAL);
	assert_non_null(strstr(text, "\naccount    1000003 calls seen != 900001 recorded + 100000 filtered "
			       "+ 1 lost\n"));
	free(text);
	/* while calls come in, the sides are not of one instant */
	x->r.interval = 1;
	text = render(x, "table");
	assert_null(strstr(text, "account"));
	free(text);
}

/* Blocks that go without a free, and calls whose blocks are not followed. */
static void frees_in_full(void **state)
{
	struct fixture *x = *state;
	char *text;

	add_heap(x);
	x->o.width = 200;
	x->o.views = VIEW_BIT(VIEW_LIVE);
	x->r.heap.ended_blocks = x->r.heap.replaced = 1;
	text = render(x, "table");
	assert_non_null(strstr(text, "\nfrees      5.36M, 34 of blocks that were not recorded; 1 block freed unseen; "
			       "1 block ended by exec or exit\nlost "));
	free(text);
	x->r.heap.ended_blocks = 12345;
	x->r.heap.frees_unknown = x->r.heap.replaced = 0;
	x->r.heap.unfollowed = 1344137;
	text = render(x, "table");
	assert_non_null(strstr(text, "\nfrees      5.36M; 12.3k blocks ended by exec or exit\n"
			       "unfollowed 1.34M of 5.38M calls (25.0 %) recorded: of functions that may throw, "
			       "in no view but alloc\n"));
	free(text);
	x->o.views = VIEW_BIT(VIEW_ALLOC);
	text = render(x, "table");
	assert_null(strstr(text, "unfollowed"));
	free(text);
}

static void nothing_to_show(void **state)
{
	struct fixture *x = *state;

	add_server(x);
	x->o.views = VIEW_BIT(VIEW_LIVE) | VIEW_BIT(VIEW_PEAK) | VIEW_BIT(VIEW_TEMP) | VIEW_BIT(VIEW_LIFETIMES);
	check_at(x, __func__, 80);
}

static void fits_any_width(void **state)
{
	struct fixture *x = *state;

	add_histograms(x);
	profile_remember(&x->p);
	profile_at(&x->p, PROFILE_LIVE, STRINGS)->bytes_var = 4e11;
	x->p.generations = 8;
	x->p.first_generation = 1234567;
	put(x, PROFILE_MARKED, STRINGS, 1048576, 1000);
	x->o.views = (1U << VIEW_KINDS) - 1;
	for (const struct view_by *by = view_bys; by->name; by++) {
		x->o.by = by;
		for (x->o.width = 24; x->o.width <= 210; x->o.width += x->o.width < 84 ? 1 : 9)
			check_widths(x, x->o.width);
		x->o.width = 0;
		check_widths(x, 200);
	}
}

/* Whatever the screen, each view gets its part. */
static void stays_within_the_height(void **state)
{
	struct fixture *x = *state;

	add_histograms(x);
	x->o.views = VIEW_BIT(VIEW_ALLOC) | VIEW_BIT(VIEW_LIVE) | VIEW_BIT(VIEW_SIZES);
	x->r.interval = 1;
	for (x->o.height = 1; x->o.height < 60; x->o.height++) {
		char *text = render(x, "table");

		assert_true(text_lines(text, strlen(text)) <= x->o.height);
		if (x->o.height >= 24) {
			assert_non_null(strstr(text, "\nalloc "));
			assert_non_null(strstr(text, "\nlive "));
			assert_non_null(strstr(text, "\nsizes "));
		}
		free(text);
	}
}

static void folded_of_a_view(void **state)
{
	struct fixture *x = *state;
	char *text;

	add_heap(x);
	x->o.views = VIEW_BIT(VIEW_LEAKS);
	text = render(x, "folded");
	assert_string_equal(text, "server;[stack not delivered] 1009\n"
			    "server;_start;libc.so.6+0x271c9;main;event_loop;handle_request;set_command;create_string;"
			    "zmalloc;malloc 8388608\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(live),
		TEST(leaks_of_ended_command),
		TEST(several),
		TEST(per_operation),
		TEST(leaks_by_calls),
		TEST(nothing_leaks),
		TEST(growth),
		TEST(growth_in_a_row),
		TEST(marks),
		TEST(histograms),
		TEST(sampled),
		TEST(sampled_share),
		TEST(suppressed),
		TEST(account_in_full),
		TEST(frees_in_full),
		TEST(nothing_to_show),
		TEST(fits_any_width),
		TEST(stays_within_the_height),
		TEST(folded_of_a_view),
	};

	return cmocka_run_group_tests_name("live_report", tests, NULL, NULL);
}
