/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of a recording by names and labels, and differences of two recordings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "report_fixture.h"
#include "view/filter.h"

/* What a format makes of a part. */
static char *render_part(struct fixture *x, const struct filter_options *o, const char *format)
{
	struct filter *f;
	char *text;

	assert_null(filter_error(o));
	f = filter_new(o, &x->r);
	text = render_recording(x, filter_recording(f), format);
	filter_free(f);
	return text;
}

static void check_part(struct fixture *x, struct filter_options o, const char *want)
{
	char *got = render_part(x, &o, "folded");

	assert_string_equal(got, want);
	free(got);
}

/* b is inlined into c: three stacks, a b c main and d c main and [no frames]. */
static void add_stacks(struct fixture *x)
{
	static const struct symbol outer = {.function = "c", .module = "server", .offset = 1, .file = "/src/c.c"};

	fake_functions[0] = "a";
	fake_functions[1] = "b";
	fake_into[1] = &outer;
	fake_functions[2] = "c";
	fake_files[2] = "/src/c.c";
	fake_functions[3] = "d";
	fake_functions[4] = "main";
	ADD(x, x->task, 0, STACK_END_COMPLETE, 100, 1, frame(x, 0, 1), frame(x, 1, 1), frame(x, 4, 1));
	ADD(x, x->worker, 1, STACK_END_DEPTH, 2000, 2, frame(x, 3, 1), frame(x, 2, 1), frame(x, 4, 2));
	add(x, x->task, 2, STACK_END_COMPLETE, 7, 1, NULL, 0);
}

static void stacks_by_functions(void **state)
{
	struct fixture *x = *state;

	add_stacks(x);
	check_part(x, (struct filter_options){.focus = "^b$"}, "server;main;c;b;a;malloc 100\n");
	check_part(x, (struct filter_options){.focus = "/src/c"},
		   "server;main;c;b;a;malloc 100\nworker;[truncated: depth limit];main;c;d;calloc 2000\n");
	check_part(x, (struct filter_options){.ignore = "^b$"},
		   "server;realloc 7\nworker;[truncated: depth limit];main;c;d;calloc 2000\n");
	check_part(x, (struct filter_options){.focus = "c", .ignore = "^a$"},
		   "worker;[truncated: depth limit];main;c;d;calloc 2000\n");
	check_part(x, (struct filter_options){.focus = "nothing"}, "");
}

static void functions_of_stacks(void **state)
{
	struct fixture *x = *state;

	add_stacks(x);
	/* Of an inlined function, the one around it stays. */
	check_part(x, (struct filter_options){.hide = "^[ab]$"},
		   "server;main;c;malloc 100\nserver;realloc 7\n"
		   "worker;[truncated: depth limit];main;c;d;calloc 2000\n");
	check_part(x, (struct filter_options){.hide = "^(b|main)$"},
		   "server;c;a;malloc 100\nserver;realloc 7\nworker;[truncated: depth limit];c;d;calloc 2000\n");
	/* A stack of which nothing is left is left out. */
	check_part(x, (struct filter_options){.show = "^[ab]$"}, "server;b;a;malloc 100\nserver;realloc 7\n");
	check_part(x, (struct filter_options){.show_from = "^c$"},
		   "server;c;b;a;malloc 100\nworker;c;d;calloc 2000\n");
}

static void stacks_by_labels(void **state)
{
	static const char worker[] = "worker;[truncated: depth limit];main;c;d;calloc 2000\n";
	struct fixture *x = *state;

	add_stacks(x);
	check_part(x, (struct filter_options){.tag_focus = "tid=4715"}, worker);
	check_part(x, (struct filter_options){.tag_focus = "^calloc$"}, worker);
	check_part(x, (struct filter_options){.tag_focus = "bytes=1000"}, worker);
	check_part(x, (struct filter_options){.tag_focus = "bytes=1k:"}, "");
	check_part(x, (struct filter_options){.tag_ignore = "bytes=:999"}, worker);
	check_part(x, (struct filter_options){.tag_focus = "program=^server$", .tag_ignore = "allocator=^malloc$"},
		   "server;realloc 7\n");
	check_part(x, (struct filter_options){.tag_focus = "container=."}, "");
}

/* Shares are of the whole, and the sum of what is shown is said. */
static void table_of_a_part(void **state)
{
	struct fixture *x = *state;
	char *got;

	add_server(x);
	got = render_part(x, &(struct filter_options){.focus = "parse_value|dict", .hide = "zmalloc"}, "table");
	check_golden_text(got, __func__);
	free(got);
}

static void errors(void **state)
{
	static const struct filter_options bad[] = {
		{.focus = "("}, {.hide = "*["}, {.tag_focus = "pid=("}, {.tag_focus = "bytes=x"},
		{.tag_ignore = "bytes=9:1"}, {.tag_ignore = "bytes="}, {.show_from = "a{"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *why = filter_error(&bad[i]);

		assert_non_null(why);
		assert_true(filter_is_any(&bad[i]));
		free(why);
	}
	assert_false(filter_is_any(&(struct filter_options){0}));
}

/* What is focused on and what is ignored by the same pattern is all there is, and nothing is hidden by no match. */
static void parts_add_up(void **state)
{
	struct fixture *x = *state;
	uint64_t random = 99;

	for (int i = 0; i < 500; i++) {
		uint32_t frames[6];
		size_t depth;

		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		depth = (random >> 60) % 6;
		for (size_t k = 0; k < depth; k++)
			frames[k] = frame(x, (random >> (10 + 7 * k)) % (WIDE + 1), 1);
		add(x, random >> 63 ? x->task : x->worker, (random >> 9) % 3, STACK_END_CHAIN, random >> 44, 1, frames,
		    depth);
	}
	for (int i = 0; i < 4; i++) {
		static const char *const patterns[] = {"parse", "std::|main", ".", "nothing of this name"};
		struct filter *with = filter_new(&(struct filter_options){.focus = patterns[i]}, &x->r);
		struct filter *without = filter_new(&(struct filter_options){.ignore = patterns[i]}, &x->r);
		struct counters a = profile_total(filter_recording(with)->profile, PROFILE_ALLOC);
		struct counters b = profile_total(filter_recording(without)->profile, PROFILE_ALLOC);

		assert_int_equal(a.bytes + b.bytes, x->r.recorded.bytes);
		assert_int_equal(a.calls + b.calls, x->r.recorded.calls);
		filter_free(with);
		filter_free(without);
	}
	char *all = render(x, "folded");
	char *same = render_part(x, &(struct filter_options){.hide = "^nothing$"}, "folded");

	assert_string_equal(all, same);
	free(all);
	free(same);
}

/* --- differences */

static void differences(void **state)
{
	struct fixture *x = *state;
	struct recording before = x->r;
	void *other = NULL;
	char *text;

	setup(&other);
	add_stacks(x);
	add_stacks(other);
	before = ((struct fixture *)other)->r;
	ADD((struct fixture *)other, ((struct fixture *)other)->task, 0, STACK_END_COMPLETE, 50, 5,
	    frame(other, 0, 1), frame(other, 3, 1));
	ADD(x, x->task, 0, STACK_END_COMPLETE, 11, 1, frame(x, 0, 1), frame(x, 1, 1), frame(x, 4, 1));
	before = ((struct fixture *)other)->r;
	x->o.base = &before;
	text = render(x, "folded");
	assert_string_equal(text, "server;d;a;malloc 50 0\nserver;main;c;b;a;malloc 100 111\nserver;realloc 7 7\n"
			    "worker;[truncated: depth limit];main;c;d;calloc 2000 2000\n");
	free(text);
	text = render(x, "table");
	check_golden_text(text, "subtraction");
	free(text);
	/* Nothing differs from itself. */
	before = x->r;
	text = render(x, "table");
	assert_int_equal(text_lines(text, strlen(text)), 1);
	free(text);
	teardown(&other);
}

/* --- callers and callees */

static char *render_peek(struct fixture *x)
{
	struct buf shown = {0};
	size_t size;
	char *text;
	FILE *f = open_memstream(&text, &size);

	names_start(x->r.names);
	assert_int_equal(report_format_peek.write(f, &x->r, &x->o), 0);
	fclose(f);
	buf_str(&shown, text);
	free(text);
	return shown.data;
}

/* parse_value calls itself: a stack counts once; callers, and callees, add up to it. */
static void callers_and_callees(void **state)
{
	struct fixture *x = *state;
	char *text;

	add_server(x);
	ADD(x, x->task, 0, STACK_END_CHAIN, 40000000, 8, frame(x, ZMALLOC, 1), frame(x, PARSE, 1), frame(x, SET, 1),
	    frame(x, PARSE, 1), frame(x, LOOP, 1));
	ADD(x, x->task, 0, STACK_END_CHAIN, 2000000, 8, frame(x, PARSE, 1), frame(x, MAIN, 1));
	x->o.peek = "^(parse_value|main)$";
	text = render_peek(x);
	check_golden_text(text, "peek");
	free(text);
	x->o.peek = "^parse_value$";
	x->o.callers = true;
	x->o.top = 1;
	text = render_peek(x);
	assert_non_null(strstr(text, "CALLERS > FUNCTION\n38.1 MiB    2.0    event_loop\n"
			       "11.4 MiB    0.6    \u2026 and 2 more\n"
			       "49.6 MiB    2.5  parse_value\n"));
	free(text);
}

static void tree_of_calls(void **state)
{
	struct fixture *x = *state;
	char *text;

	add_server(x);
	text = render_peek(x);
	check_golden_text(text, "tree");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stacks_by_functions),
		TEST(functions_of_stacks),
		TEST(stacks_by_labels),
		TEST(table_of_a_part),
		TEST(errors),
		TEST(parts_add_up),
		TEST(differences),
		TEST(callers_and_callees),
		TEST(tree_of_calls),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
