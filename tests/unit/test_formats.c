/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Formats for programs: what each prints, and that it adds up to what was recorded, whatever that is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "report_fixture.h"

static void json(void **state)
{
	struct fixture *x = *state;

	add_server(x);
	x->o.top = 4;
	check_golden(x, "json", __func__);
}

static void csv(void **state)
{
	struct fixture *x = *state;

	fake_functions[SET] = "=cmd|' /C calc'!\"A0\"";
	fake_functions[STRING] = "@sum(1,2)";
	add_server(x);
	x->o.by = view_by_find("function");
	ADD(x, x->task, 2, STACK_END_CHAIN, 100003, 13, frame(x, SET, 0x1b), frame(x, MAIN, 3));
	ADD(x, x->task, 2, STACK_END_CHAIN, 100003, 13, frame(x, STRING, 0x1b), frame(x, MAIN, 3));
	check_golden(x, "csv", __func__);
}

static void csv_of_two(void **state)
{
	struct fixture *x = *state;

	add_server(x);
	x->o.by = view_by_find("thread");
	x->o.then = view_by_find("site");
	x->o.top = 4;
	check_golden(x, "csv", __func__);
}

static void speedscope(void **state)
{
	static const struct symbol outer = {
		.function = "handle_request", .module = "server", .offset = 1, .file = "/src/server.c", .line = 7,
	};
	struct fixture *x = *state;

	fake_into[SET] = &outer;
	fake_files[SET] = "/src/server.c";
	x->o.metric = METRIC_CALLS;
	add_server(x);
	check_golden(x, "speedscope", __func__);
}

static void prom(void **state)
{
	struct fixture *x = *state;

	x->r.time_ns = 1790000000123456789;
	x->o.top = 3;
	fake_functions[ZMALLOC] = "z\"malloc\\";
	add_server(x);
	check_golden(x, "prom", __func__);
}

static void prom_of_two(void **state)
{
	struct fixture *x = *state;

	x->o.top = 3;
	x->o.by = view_by_find("thread");
	x->o.then = view_by_find("stack");
	x->o.views = VIEW_BIT(VIEW_LIVE);
	add_server(x);
	for (uint32_t i = 0; i < x->p.stacks.n; i++)
		profile_add(&x->p, PROFILE_LIVE, i, (struct counters){.bytes = 1 << i, .calls = 1});
	check_golden(x, "prom", __func__);
}

/* Without what is the same in each: style and script. */
static void svg(void **state)
{
	struct fixture *x = *state;
	struct buf frames = {0};
	char *text;

	fake_functions[GET] = "<script>alert('&amp;')</script>]]>\xef\xbf\xbf\"";
	x->r.account = (struct recording_account){.seen = 100, .lost = 3, .recorded = 97};
	x->r.losses = &(struct recording_count){"stack table full", 3};
	x->r.n_losses = 1;
	add_server(x);
	text = render(x, "svg");
	buf_add(&frames, text, strstr(text, "<style>") - text);
	buf_add(&frames, strstr(text, "<rect id"), strstr(text, "<script><![CDATA[") - strstr(text, "<rect id"));
	check_golden_text(buf_cstr(&frames), __func__);
	buf_free(&frames);
	free(text);
}

static void svg_of_nothing(void **state)
{
	struct fixture *x = *state;
	char *text = render(x, "svg");

	assert_non_null(strstr(text, "<title>all (0 bytes, 100.00%)</title>"));
	free(text);
}

/* --- sums */

/* Random stacks of few functions, sampled or not, some of them live. */
static void add_random(struct fixture *x, uint64_t seed, bool sampled)
{
	const int n = 1 + seed % 400;

	for (int i = 0; i < n; i++) {
		uint32_t frames[8], stack;
		size_t depth;
		struct counters c;

		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		depth = (seed >> 60) % 8;
		for (size_t k = 0; k < depth; k++) {
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			frames[k] = frame(x, (seed >> 33) % (WIDE + 3), (seed >> 50) % 3);
		}
		c = (struct counters){.bytes = seed >> 40, .calls = 1 + (seed >> 30) % 50};
		if (sampled)
			c.bytes_var = c.calls_var = c.calls;
		stack = profile_stack(&x->p, seed >> 63 ? x->task : x->worker, (seed >> 20) % 3, frames, depth,
				      (seed >> 45) % STACK_END_MAX);
		profile_add(&x->p, PROFILE_ALLOC, stack, c);
		if (seed & 1 << 10)
			profile_add(&x->p, PROFILE_LIVE, stack, (struct counters){c.bytes / 2, c.calls / 2, 0, 0});
	}
	x->r.recorded = x->r.seen = profile_total(&x->p, PROFILE_ALLOC);
}

/* The sum of what every row, and the rest, has under a key, of a report with one view. */
static uint64_t json_sum(const char *text, const char *key)
{
	struct json j = json_begin(text, strlen(text));
	struct buf word = {0};
	bool in_total = false, due = false;
	uint64_t sum = 0;
	enum json_token t;

	while ((t = json_next(&j, &word)) != JSON_END) {
		assert_int_not_equal(t, JSON_ERROR);
		if (t == JSON_KEY && !strcmp(word.data, "facts"))
			json_skip(&j);
		else if (t == JSON_KEY)
			in_total |= !strcmp(word.data, "total");
		if (t == JSON_OBJECT_END)
			in_total = false;
		if (due && t == JSON_NUMBER && !in_total)
			sum += strtoull(word.data, NULL, 10);
		due = t == JSON_KEY && !strcmp(word.data, key);
	}
	buf_free(&word);
	return sum;
}

static void json_adds_up(struct fixture *x, struct counters total)
{
	char *text = render(x, "json");

	assert_int_equal(json_sum(text, "bytes"), total.bytes);
	assert_int_equal(json_sum(text, "calls"), total.calls);
	free(text);
}

/* Moves to the next field of a line of CSV; its text without quotation marks. */
static const char *csv_field(const char *at, struct buf *out)
{
	bool quoted = *at == '"';

	buf_reset(out);
	buf_str(out, "");
	for (at += quoted; *at; at++) {
		if (quoted && *at == '"' && *++at != '"')
			quoted = false;
		if (!quoted && (*at == ',' || *at == '\n'))
			break;
		assert_true(*at != '\n');
		buf_char(out, *at);
	}
	return at;
}

static uint64_t csv_sum(const char *at, const char *key)
{
	struct buf field = {0};
	int column = 0, wanted = -1, columns = -1;
	uint64_t sum = 0;

	for (; *at; at++) {
		at = csv_field(at, &field);
		if (columns < 0 && !strcmp(field.data, key))
			wanted = column;
		else if (columns >= 0 && column == wanted)
			sum += strtoull(field.data, NULL, 10);
		if (*at != '\n') {
			column++;
			continue;
		}
		assert_true(columns < 0 || column == columns);
		columns = column;
		column = 0;
	}
	assert_true(wanted > 0);
	buf_free(&field);
	return sum;
}

static void csv_adds_up(struct fixture *x, struct counters total)
{
	char *text = render(x, "csv");

	assert_int_equal(csv_sum(text, "bytes"), total.bytes);
	assert_int_equal(csv_sum(text, "calls"), total.calls);
	free(text);
}

/* What is in an array of numbers, the n-th that has this key. */
static uint64_t json_array_sum(const char *text, const char *key, int n)
{
	struct json j = json_begin(text, strlen(text));
	struct buf word = {0};
	enum json_token t;
	uint64_t sum = 0;

	while ((t = json_next(&j, &word)) != JSON_END) {
		assert_int_not_equal(t, JSON_ERROR);
		if (t != JSON_KEY || strcmp(word.data, key) != 0 || n--)
			continue;
		assert_int_equal(json_next(&j, &word), JSON_ARRAY);
		while (json_next(&j, &word) == JSON_NUMBER)
			sum += strtoull(word.data, NULL, 10);
	}
	buf_free(&word);
	return sum;
}

static void speedscope_adds_up(struct fixture *x, struct counters total)
{
	char *text = render(x, "speedscope");

	assert_int_equal(json_array_sum(text, "weights", 0), total.bytes);
	assert_int_equal(json_array_sum(text, "weights", 1), total.calls);
	free(text);
}

/* The sum of a family; no series is there twice. */
static uint64_t prom_sum(const char *text, const char *family)
{
	struct strpool series = {0};
	uint64_t sum = 0;
	uint32_t n = 0;

	for (const char *line = text, *end; *line; line = end + 1) {
		const char *number;
		char *labels;

		end = strchr(line, '\n');
		assert_non_null(end);
		if (strncmp(line, family, strlen(family)) != 0 || line[strlen(family)] != '{')
			continue;
		for (number = end; number[-1] != ' '; number--)
			;
		sum += strtoull(number, NULL, 10);
		labels = xasprintf("%.*s", (int)(number - line), line);
		assert_int_equal(strpool_id(&series, labels), n++);
		free(labels);
	}
	strpool_free(&series);
	return sum;
}

static void prom_adds_up(struct fixture *x, struct counters total)
{
	const bool live = x->o.views == VIEW_BIT(VIEW_LIVE);
	char *text = render(x, "prom");

	assert_int_equal(prom_sum(text, live ? "alloctrace_live_bytes" : "alloctrace_alloc_bytes_total"), total.bytes);
	assert_int_equal(prom_sum(text, live ? "alloctrace_live_blocks" : "alloctrace_alloc_calls_total"), total.calls);
	free(text);
}

struct svg_frame {
	uint64_t value, self, children;
	bool any;
};

/* "1,234 bytes, 5.00%)": the number at the beginning. */
static uint64_t grouped_number(const char *s)
{
	uint64_t n = 0;

	for (; *s == ',' || (*s >= '0' && *s <= '9'); s++)
		n = *s == ',' ? n : n * 10 + (uint64_t)(*s - '0');
	return n;
}

/* What is missing would be narrower than a tenth of a pixel. */
static void end_svg_frame(const struct svg_frame *f, uint64_t total)
{
	if (!f->any)
		return;
	assert_true(f->value >= f->children + f->self);
	assert_true((f->value - f->children - f->self) * 11800 <= total);
}

/* Each frame has what the frames below it have, and what it says that it has itself. */
static void svg_adds_up(struct fixture *x, uint64_t total)
{
	struct svg_frame open[200] = {{0}};
	char *text = render(x, "svg");
	size_t depth = 0, n = 0;

	for (const char *g = text; (g = strstr(g, "<g class=\"func_g\" data-depth=\"")); g++, n++) {
		const size_t at = strtoul(strchr(g, '=') + 22, NULL, 10);
		const char *end = strstr(g, "</title>"), *number = end, *self = strstr(g, "itself ");

		while (strncmp(number, " (", 2) != 0 || number[2] < '0' || number[2] > '9' ||
		       strstr(number, "%)") > end)
			number--;
		assert_true(at < 200 && (n ? at > 0 && at <= depth + 1 : at == 0));
		for (; n && depth + 1 > at; depth--) {
			end_svg_frame(&open[depth], total);
			if (!depth)
				break;
		}
		depth = at;
		open[at] = (struct svg_frame){.value = grouped_number(number + 2)};
		if (self && self < end)
			open[at].self = grouped_number(self + 7);
		if (at) {
			open[at - 1].children += open[at].value;
			open[at - 1].any = true;
		}
	}
	for (;; depth--) {
		end_svg_frame(&open[depth], total);
		if (!depth)
			break;
	}
	assert_int_equal(open[0].value, total);
	free(text);
}

/* A fixture for each: the profile only grows. */
static void check_sums(struct fixture *x, enum view_id view)
{
	const struct counters total = profile_total(&x->p, view_kinds[view].counted);

	x->o.views = VIEW_BIT(view);
	for (int i = 0; i < 6; i++) {
		static const char *const bys[] = {"site", "function", "stack", "module", "thread", "line"};

		x->o.by = view_by_find(bys[i]);
		x->o.top = i % 2 ? 3 : 0;
		x->o.metric = i / 2 % 2;
		json_adds_up(x, total);
		csv_adds_up(x, total);
		prom_adds_up(x, total);
	}
	speedscope_adds_up(x, total);
	x->o.metric = METRIC_BYTES;
	svg_adds_up(x, total.bytes);
	x->o.metric = METRIC_CALLS;
	svg_adds_up(x, total.calls);
	x->o.by = view_by_find("thread");
	x->o.then = view_by_find("site");
	csv_adds_up(x, total);
	prom_adds_up(x, total);
	x->o.then = NULL;
}

static void sums_are_those_of_the_profile(void **state)
{
	for (uint64_t seed = 1; seed < 40; seed++) {
		void *own = NULL;
		struct fixture *x;

		setup(&own);
		x = own;
		add_random(x, seed * 0x9e3779b97f4a7c15ULL, seed % 3 == 0);
		check_sums(x, VIEW_ALLOC);
		check_sums(x, VIEW_LIVE);
		teardown(&own);
	}
}

/* --- where nothing can be written */

static void a_full_disk_is_an_error(void **state)
{
	struct fixture *x = *state;

	add_random(x, 12345, true);
	for (const struct report_format *format = report_formats; format->name; format++) {
		FILE *f = fopen("/dev/full", "w");

		assert_non_null(f);
		names_start(x->r.names);
		if (format->write(f, &x->r, &x->o) != -ENOSPC)
			fail_msg("%s: a full disk is no error", format->name);
		fclose(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(json),
		TEST(csv),
		TEST(csv_of_two),
		TEST(speedscope),
		TEST(prom),
		TEST(prom_of_two),
		TEST(svg),
		TEST(svg_of_nothing),
		TEST(sums_are_those_of_the_profile),
		TEST(a_full_disk_is_an_error),
	};

	return cmocka_run_group_tests_name("formats", tests, NULL, NULL);
}
