/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "report_fixture.h"

static void table_80(void **state)
{
	struct fixture *x = *state;

	add_server(x);
	check_golden(x, "table", __func__);
}

static void table_200(void **state)
{
	struct fixture *x = *state;

	add_server(x);
	x->o.width = 200;
	check_golden(x, "table", __func__);
}

static void table_not_a_terminal(void **state)
{
	struct fixture *x = *state;

	add_server(x);
	x->o.width = 0;
	x->o.by = view_by_find("stack");
	check_golden(x, "table", __func__);
}

static void table_in_colour(void **state)
{
	struct fixture *x = *state;
	static const struct recording_count losses[] = {{"stack table full", 1000003}, {"ring buffer full", 2}};

	add_server(x);
	x->o.colour = true;
	x->r.seen.calls += 1000005;
	x->r.losses = losses;
	x->r.n_losses = 2;
	check_golden(x, "table", __func__);
}

static void table_with_cum(void **state)
{
	struct fixture *x = *state;

	add_server(x);
	x->o.cum = true;
	x->o.by = view_by_find("function");
	x->o.width = 110;
	check_golden(x, "table", __func__);
}

static void table_with_cum_80(void **state)
{
	struct fixture *x = *state;

	add_server(x);
	x->o.cum = true;
	x->o.top = 3;
	check_golden(x, "table", __func__);
}

static void table_by_calls(void **state)
{
	struct fixture *x = *state;

	add_server(x);
	x->o.metric = METRIC_CALLS;
	x->o.top = 8;
	check_golden(x, "table", __func__);
}

static void table_by_module(void **state)
{
	struct fixture *x = *state;

	add_server(x);
	x->o.by = view_by_find("module");
	check_golden(x, "table", __func__);
}

static void table_by_thread(void **state)
{
	struct fixture *x = *state;

	add_server(x);
	x->o.by = view_by_find("thread");
	x->o.width = 120;
	check_golden(x, "table", __func__);
}

static const struct symbol list_caller = {
	.function = "parse_list", .module = "server", .offset = 1, .file = "/build/list/parse.c", .line = 32,
};

/* parse_value calls malloc in line 15 and copy_text in line 19. Its callers are itself and parse_list, in which it is
 * also inlined. */
static void add_parser(struct fixture *x)
{
	fake_functions[PARSE] = "parse_value";
	fake_files[PARSE] = "/build/list/parse.c";
	fake_functions[SET] = "parse_value";
	fake_files[SET] = "/build/list/parse.c";
	fake_into[SET] = &list_caller;
	fake_functions[STRING] = "copy_text";
	fake_files[STRING] = "/build/gone/text.c";
	fake_functions[GET] = "parse_unknown";
	ADD(x, x->task, 0, STACK_END_COMPLETE, 5000, 10, frame(x, PARSE, 15), frame(x, MAIN, 1));
	ADD(x, x->task, 0, STACK_END_COMPLETE, 700, 7, frame(x, SET, 15), frame(x, PARSE, 19), frame(x, PARSE, 19),
	    frame(x, MAIN, 1));
	ADD(x, x->task, 0, STACK_END_COMPLETE, 60, 6, frame(x, STRING, 5), frame(x, PARSE, 19), frame(x, MAIN, 1));
	ADD(x, x->task, 0, STACK_END_COMPLETE, 8, 1, frame(x, GET, 5), frame(x, MAIN, 1));
}

static void list(void **state)
{
	struct fixture *x = *state;
	char *dir = golden_dir();
	const char *const dirs[] = {"/nonexistent", dir, NULL};

	add_parser(x);
	x->o.list = "^parse_|text$";
	x->o.source_path = dirs;
	check_golden(x, "table", __func__);
	free(dir);
}

static void list_without_source(void **state)
{
	struct fixture *x = *state;

	add_parser(x);
	x->o.list = "parse_(list|value)";
	x->o.metric = METRIC_CALLS;
	x->o.top = 1;
	check_golden(x, "table", __func__);
}

static void list_of_nothing(void **state)
{
	struct fixture *x = *state;
	char *text;

	add_parser(x);
	x->o.list = "^value$";
	text = render(x, "table");
	assert_non_null(strstr(text, "\nno function on any stack matches ^value$\n"));
	free(text);
}

static void full_summary(void **state)
{
	struct fixture *x = *state;
	static const struct recording_count losses[] = {{"stack table full", 12}};
	static const struct recording_count ends[] = {{"depth limit", 1567}, {"stack memory not readable", 11}};

	ADD(x, x->task, 0, STACK_END_CHAIN, 1342177280, 4123457, frame(x, PARSE, 1));
	x->r.target = "cat\x1b[2J (pid 4711)";
	x->r.interval = 3;
	x->r.delta = true;
	x->r.filtered = 1009;
	x->r.failed = 3;
	x->r.seen.calls += 1009 + 3 + 12;
	x->r.losses = losses;
	x->r.n_losses = 1;
	x->r.ends = ends;
	x->r.n_ends = 2;
	x->r.hits = 4124481;
	x->r.hit_ns = 550.6;
	x->r.cost_ns = 4124481 * 550.6;
	check_golden(x, "table", __func__);
}

static void cost_of_all_cpu_time(void **state)
{
	struct fixture *x = *state;
	char *text;

	add_server(x);
	x->r.hits = 4124481;
	x->r.hit_ns = 6550;
	x->r.cost_ns = 9.5e9;
	x->r.cost_is_all = true;
	text = render(x, "table");
	assert_non_null(strstr(text, "cost       at most 9.50 s (95.0 % of the duration),\n"
				     "           all of the target's CPU time: 4.12M probe hits\n"));
	free(text);
}

/* Probes that come and go: nothing is exact, and the account is of what was counted. */
static void probes_in_windows(void **state)
{
	struct fixture *x = *state;

	add_server(x);
	x->r.windows = (struct recording_windows){.scaled = true, .n = 12, .share = 0.0413, .error = 0.023,
						  .load = 0.54, .limit = 2.5, .by = "the target's reads"};
	x->r.account = (struct recording_account){.seen = 4000, .recorded = 3000, .unsampled = 1000, .checked = true};
	x->r.sample_mean = 4096;
	x->r.sample_auto = true;
	x->r.hits = 4000;
	x->r.hit_ns = 1234;
	x->r.cost_ns = 2.5e8;
	check_golden(x, "table", __func__);
	x->r.windows.slowdown = 6.1;
	x->r.windows.error = 0.17;
	x->r.windows.mixed = true;
	check_golden(x, "table", "slowdown_in_windows");
	x->r.windows.mixed = false;
	x->r.windows.batched = true;
	check_golden(x, "table", "other_reads_in_windows");
	x->r.windows.at_least = x->r.windows.mixed = true;
	x->r.windows.batched = false;
	x->r.windows.error = 0;
	x->r.windows.by = "time";
	check_golden(x, "table", "lower_bound_of_windows");
	x->r.windows.at_least = x->r.windows.mixed = false;
	x->r.windows.slowdown = 1;
	x->r.windows.error = 0.0004;
	x->r.windows.load = 0.09;
	x->r.windows.n = 1;
	check_golden(x, "table", "probes_in_one_window");
}

/* The rows that are not shown are what they are, whatever the estimates above them are off by. */
static void rest_of_estimates(void **state)
{
	struct fixture *x = *state;
	char *text;

	ADD(x, x->task, 0, STACK_END_CHAIN, 1100, 11, frame(x, PARSE, 1), frame(x, MAIN, 1));
	ADD(x, x->task, 0, STACK_END_CHAIN, 30, 3, frame(x, SET, 1), frame(x, MAIN, 1));
	ADD(x, x->task, 0, STACK_END_CHAIN, 20, 2, frame(x, EXPAND, 1), frame(x, MAIN, 1));
	x->o.top = 1;
	x->r.account = (struct recording_account){.seen = 10, .recorded = 5, .unsampled = 5};
	x->r.recorded = (struct counters){.bytes = 1000, .calls = 10};
	text = render(x, "table");
	assert_non_null(strstr(text, "    50 B    5.0  115.0      5      10 B  \xe2\x80\xa6 and 2 more sites\n"));
	free(text);
	x->r.recorded = (struct counters){.bytes = 4000, .calls = 40};
	text = render(x, "table");
	assert_non_null(strstr(text, "    50 B    1.2   28.7      5      10 B  \xe2\x80\xa6 and 2 more sites\n"));
	free(text);
}

/* One of a thing is no plural. */
static void one_call(void **state)
{
	struct fixture *x = *state;
	static const struct recording_count losses[] = {{"return not seen", 1}};
	char *text;

	ADD(x, x->task, 0, STACK_END_CHAIN, 100, 1, frame(x, PARSE, 1));
	x->r.account = (struct recording_account){.seen = 1, .recorded = 1, .checked = true};
	x->r.losses = losses;
	x->r.n_losses = 1;
	x->r.hits = 1;
	text = render(x, "table");
	assert_non_null(strstr(text, "\nallocated  100 B in 1 call: 10 B/s, 0 calls/s, mean 100 B\n"
			       "lost       1 of 1 call (100.0 %): return not seen\n"
			       "account    1 call seen = 1 recorded\n"
			       "cost       1 probe hit\n"));
	free(text);
	x->r.seen.calls = 0;
	text = render(x, "table");
	assert_non_null(strstr(text, "\nlost       1 call: return not seen\n"));
	free(text);
}

/* Of what was filtered the bytes are not known: nothing is exact there. */
static void sampled_and_filtered(void **state)
{
	struct fixture *x = *state;
	char *text;

	ADD(x, x->task, 0, STACK_END_CHAIN, 123456789, 98765, frame(x, PARSE, 1));
	x->r.account = (struct recording_account){
		.seen = 198765, .recorded = 64, .filtered = 100000, .unsampled = 98701,
	};
	x->r.sample_mean = 65536;
	x->r.recorded.bytes_var = 1e14;
	x->r.recorded.calls_var = 1e8;
	text = render(x, "table");
	assert_non_null(strstr(text, "\nallocated  118 MiB in 100k calls: 11.8 MiB/s, 10k calls/s, mean 1.22 KiB\n"
			       "sampled    64 of 199k calls, 64.0 KiB apart on average;\n"
			       "           totals and rows are estimates\n"));
	free(text);
}

static void share_that_is_lost(void **state)
{
	static const struct recording_count losses[] = {{"stack table full", 2}, {"return not seen", 3}};
	struct recording r = {.seen.calls = 1000, .filtered = 900};

	assert_true(recording_lost_share(&r) == 0);
	r.losses = losses;
	r.n_losses = 2;
	assert_true(recording_lost_share(&r) == 0.05);
	r.filtered = 995;
	assert_true(recording_lost_share(&r) == 1);
	r.filtered = 1000;
	assert_true(recording_lost_share(&r) == 1);
}

static void nothing_recorded(void **state)
{
	struct fixture *x = *state;

	x->r.allocator = NULL;
	x->r.hits = 1;
	check_golden(x, "table", __func__);
}

static void fits_any_width(void **state)
{
	struct fixture *x = *state;
	static const struct recording_count reasons[] = {{"stack table full", 5},
						      {"a reason that takes some more room to say", 7}};

	add_server(x);
	x->r.losses = x->r.ends = reasons;
	x->r.n_losses = x->r.n_ends = 2;
	x->r.hits = 123456789;
	x->r.hit_ns = 551;
	x->r.cost_ns = 123456789 * 551.;
	x->r.target = "a-target-with-quite-a-long-name and some arguments of it \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e "
		      "(pid 4711)";
	for (const struct view_by *by = view_bys; by->name; by++) {
		x->o.by = by;
		for (int i = 0; i < 4; i++) {
			x->o.cum = i & 1;
			x->o.metric = i & 2 ? METRIC_CALLS : METRIC_BYTES;
			for (x->o.width = 24; x->o.width <= 210; x->o.width += x->o.width < 84 ? 1 : 9)
				check_widths(x, x->o.width);
			x->o.width = 0;
			check_widths(x, 200);
			/* no width is too small to survive */
			for (x->o.width = 1; x->o.width < 24; x->o.width++)
				free(render(x, "table"));
		}
	}
}

static void stays_within_the_height(void **state)
{
	struct fixture *x = *state;
	char *text;

	add_server(x);
	for (x->o.height = 1; x->o.height < 30; x->o.height++) {
		text = render(x, "table");
		assert_true(text_lines(text, strlen(text)) <= x->o.height);
		/* all 9 rows: 3 lines of summary, 2 above the rows */
		if (x->o.height >= 14)
			assert_int_equal(text_lines(text, strlen(text)), 14);
		else if (x->o.height > 5)
			assert_non_null(strstr(text, " more site"));
		free(text);
	}
}

static void hostile_names_are_cut(void **state)
{
	struct fixture *x = *state;
	static char name[10001];

	memset(name, 'x', 10000);
	memcpy(name + 5000, "\x1b]0;title\a", 10);
	fake_functions[LONG] = name;
	x->r.target = name;
	ADD(x, x->task, 0, STACK_END_CHAIN, 1000, 1, frame(x, LONG, 1), frame(x, LONG, 2), frame(x, MAIN, 3));
	for (int i = 0; i < 3; i++) {
		x->o.width = (size_t[]){80, 200, 24}[i];
		check_widths(x, x->o.width);
	}
}

static void summary_alone(void **state)
{
	struct fixture *x = *state;
	char *table, *summary;
	size_t size;
	FILE *f = open_memstream(&summary, &size);

	add_server(x);
	table = render(x, "table");
	report_summary(f, &x->r, &x->o);
	fclose(f);
	assert_memory_equal(summary, table, strstr(table, "\n\n") + 1 - table);
	assert_non_null(strstr(summary, "\nunnamed    1 of 18 frames: "));
	free(table);
	free(summary);
}

static void write_errors(void **state)
{
	struct fixture *x = *state;
	int fds[2];

	add_server(x);
	signal(SIGPIPE, SIG_IGN);
	for (const struct report_format *format = report_formats; format->name; format++) {
		FILE *f = fopen("/dev/full", "w");

		assert_int_equal(format->write(f, &x->r, &x->o), -ENOSPC);
		fclose(f);
		assert_int_equal(pipe(fds), 0);
		close(fds[0]);
		f = fdopen(fds[1], "w");
		assert_int_equal(format->write(f, &x->r, &x->o), -EPIPE);
		fclose(f);
	}
}

static void formats_are_a_table(void **state)
{
	assert_false(report_format_find("table")->machine);
	assert_true(report_format_find("folded")->machine);
	assert_null(report_format_find("Table"));
	for (const struct report_format *f = report_formats; f->name; f++)
		assert_non_null(f->help);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(table_80),
		TEST(table_200),
		TEST(table_not_a_terminal),
		TEST(table_in_colour),
		TEST(table_with_cum),
		TEST(table_with_cum_80),
		TEST(table_by_calls),
		TEST(table_by_module),
		TEST(table_by_thread),
		TEST(list),
		TEST(list_without_source),
		TEST(list_of_nothing),
		TEST(full_summary),
		TEST(cost_of_all_cpu_time),
		TEST(probes_in_windows),
		TEST(rest_of_estimates),
		TEST(one_call),
		TEST(sampled_and_filtered),
		cmocka_unit_test(share_that_is_lost),
		TEST(nothing_recorded),
		TEST(fits_any_width),
		TEST(stays_within_the_height),
		TEST(hostile_names_are_cut),
		TEST(summary_alone),
		TEST(write_errors),
		cmocka_unit_test(formats_are_a_table),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
