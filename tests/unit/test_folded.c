/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "report_fixture.h"

static void folded(void **state)
{
	struct fixture *x = *state;

	add_server(x);
	check_golden(x, "folded", __func__);
}

static void folded_by_thread_and_calls(void **state)
{
	struct fixture *x = *state;

	add_server(x);
	x->o.by = view_by_find("thread");
	x->o.metric = METRIC_CALLS;
	check_golden(x, "folded", __func__);
}

static void folded_merges_lines(void **state)
{
	struct fixture *x = *state;
	uint32_t other = profile_task(&x->p, 99, 0, 0, "server"), no_name = profile_task(&x->p, 98, 0, 0, "");

	/* other addresses, another process, and a stack whose counters are zero now */
	ADD(x, x->task, 0, STACK_END_CHAIN, 10, 1, frame(x, PARSE, 1), frame(x, MAIN, 1));
	ADD(x, x->task, 0, STACK_END_CHAIN, 200, 1, frame(x, PARSE, 2), frame(x, MAIN, 1));
	ADD(x, other, 0, STACK_END_COMPLETE, 3000, 1, frame(x, PARSE, 1), frame(x, MAIN, 9));
	ADD(x, x->task, 1, STACK_END_CHAIN, 7, 1, frame(x, PARSE, 1), frame(x, MAIN, 1));
	ADD(x, x->task, 0, STACK_END_CHAIN, 0, 1, frame(x, SET, 1), frame(x, MAIN, 1));
	ADD(x, no_name, 0, STACK_END_NOT_CODE, 5, 1, frame(x, MAIN, 1));
	check_golden(x, "folded", __func__);
}

static void hostile_names_stay_on_their_line(void **state)
{
	struct fixture *x = *state;
	static char name[10001];
	char *text;

	memset(name, 'x', 10000);
	memcpy(name + 5000, "\x1b]0;title\a", 10);
	fake_functions[LONG] = name;
	ADD(x, x->task, 0, STACK_END_CHAIN, 1000, 1, frame(x, LONG, 1), frame(x, MAIN, 3));
	text = render(x, "folded");
	assert_null(strchr(text, '\a'));
	assert_null(strstr(text, "\u241b"));
	assert_non_null(strstr(text, "x\\x1b]0:title\\x07x"));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	free(text);
}

/* Many lines in the order of sort, none twice, and nothing lost. */
static void folded_is_sorted(void **state)
{
	struct fixture *x = *state;
	/* characters below and above ';', names that begin alike */
	static const char *const names[] = {
		"a", "a b", "a(int)", "a:b", "a<int>", "ab", "aZ", "malloc", "\xc3\xa4", "a", "[",
	};
	uint64_t random = 7, total = 0, sum = 0;
	char *text;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		fake_functions[i] = names[i];
	for (int i = 0; i < 5000; i++) {
		uint32_t frames[4];
		size_t depth = (random >> 60) % 5;

		for (size_t k = 0; k < depth; k++) {
			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			frames[k] = frame(x, (random >> 33) % (sizeof(names) / sizeof(names[0])), (random >> 50) % 2);
		}
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		add(x, random >> 63 ? x->task : x->worker, (random >> 40) % 3, (random >> 45) % STACK_END_MAX, i % 97,
		    1, frames, depth);
		total += i % 97;
	}
	text = render(x, "folded");

	const char *before = NULL;
	size_t lines = 0;

	for (char *line = text, *end; *line; line = end + 1) {
		char *number;

		end = strchr(line, '\n');
		*end = '\0';
		number = strrchr(line, ' ');
		sum += strtoull(number + 1, NULL, 10);
		*number = '\0';
		if (before) {
			/* as whole lines compare: a name is followed by ';', the last one by ' ' */
			struct buf a = {0}, b = {0};

			buf_printf(&a, "%s ", before);
			buf_printf(&b, "%s ", line);
			assert_true(strcmp(a.data, b.data) < 0);
			buf_free(&a);
			buf_free(&b);
		}
		before = line;
		lines++;
	}
	assert_true(lines > 1000);
	assert_int_equal(sum, total);
	free(text);
}

static char *command_output(const char *command)
{
	FILE *f = popen(command, "r");
	char *text;

	assert_non_null(f);
	text = read_stream(f);
	assert_int_equal(pclose(f), 0);
	return text;
}

static void flamegraph_reads_folded(void **state)
{
	struct fixture *x = *state;
	char folded[] = "/tmp/alloctrace-test-XXXXXX", command[512];
	char *script = command_output("dpkg -L libdevel-nytprof-perl 2>/dev/null | grep 'flamegraph\\.pl$' || true");
	char *svg;
	FILE *f;

	if (!*script) {
		free(script);
		skip();
	}
	script[strcspn(script, "\n")] = '\0';
	add_server(x);
	f = fdopen(mkstemp(folded), "w");
	assert_int_equal(report_format_find("folded")->write(f, &x->r, &x->o), 0);
	fclose(f);
	snprintf(command, sizeof(command), "perl '%s' --minwidth 0 --countname bytes %s 2>&1", script, folded);
	svg = command_output(command);
	unlink(folded);
	assert_non_null(strstr(svg, "<svg"));
	assert_null(strstr(svg, "Ignored"));
	/* the total, a whole name, one with template arguments, and the hostile one */
	assert_non_null(strstr(svg, "<title>all (1,999,778,229 bytes, 100%)</title>"));
	assert_non_null(strstr(svg, "<title>zmalloc (1,342,177,280 bytes, "));
	assert_non_null(strstr(svg, "<title>set_command (536,870,912 bytes, "));
	assert_non_null(strstr(svg, "<title>(anonymous namespace)::Cache::get(int) const (99,999,989 bytes, "));
	assert_non_null(strstr(svg, "<title>std::map(std::string, int, std::less(std::string) )::insert("));
	assert_non_null(strstr(svg, "<title>evil\\x1b[31m:na\\x0ame (100,003 bytes, "));
	assert_non_null(strstr(svg, "<title>[stack not delivered] (3,000,017 bytes, "));
	free(svg);
	free(script);
}

/* Each inlined function is a frame of its own, wherever its names come from: the same line from either. */
static void folded_inlined(void **state)
{
	static const struct symbol set = {.function = "set_command", .module = "server"};
	static const struct symbol string = {.function = "create_string", .module = "server", .into = &set};
	struct fixture *x = *state;
	char *text;

	fake_into[ZMALLOC] = &string;
	ADD(x, x->task, 0, STACK_END_COMPLETE, 11, 1, frame(x, ZMALLOC, 1), frame(x, MAIN, 1));
	ADD(x, x->task, 0, STACK_END_COMPLETE, 100, 1, frame(x, EXPAND, 1), frame(x, SET, 1), frame(x, MAIN, 2));
	ADD(x, x->task, 0, STACK_END_COMPLETE, 1000, 1, frame(x, ZMALLOC, 2), frame(x, ZMALLOC, 3), frame(x, MAIN, 2));
	ADD(x, x->task, 0, STACK_END_COMPLETE, 22, 1, frame(x, ZMALLOC, 5), frame(x, MAIN, 3));
	text = render(x, "folded");
	assert_string_equal(text,
			    "server;main;set_command;create_string;zmalloc;malloc 33\n"
			    "server;main;set_command;create_string;zmalloc;set_command;create_string;zmalloc;"
			    "malloc 1000\n"
			    "server;main;set_command;dict_expand;malloc 100\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(folded),
		TEST(folded_by_thread_and_calls),
		TEST(folded_merges_lines),
		TEST(hostile_names_stay_on_their_line),
		TEST(folded_is_sorted),
		TEST(folded_inlined),
		TEST(flamegraph_reads_folded),
	};

	return cmocka_run_group_tests_name("folded", tests, NULL, NULL);
}
