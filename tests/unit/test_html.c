/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an HTML report holds. With HTML_PAGES=DIR, its pages are written there, for cli/html to open in a browser.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "record/gzip.h"
#include "report_fixture.h"

struct page {
	char *text;		/* of the file */
	struct buf data;	/* decompressed */
	struct buf json;
	size_t at;		/* of the next column in data */
};

static unsigned int digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = strchr(digits, c);

	assert_true(c && found);
	return found - digits;
}

static uint64_t varint(struct page *page)
{
	uint64_t n = 0;

	for (unsigned int shift = 0;; shift += 7) {
		unsigned char byte;

		assert_true(page->at < page->data.len);
		byte = page->data.data[page->at++];
		n |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return n;
	}
}

static uint64_t sum_of(struct page *page, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += varint(page);
	return sum;
}

/* The number behind "key":, the first of its name. */
static uint64_t number_of(const struct page *page, const char *key)
{
	char *quoted = xasprintf("\"%s\":", key);
	const char *at = strstr(page->json.data, quoted);

	assert_non_null(at);
	at += strlen(quoted);
	free(quoted);
	return strtoull(at, NULL, 10);
}

static void decode(struct page *page)
{
	static const char mark[] = "<script type=\"text/plain\" id=\"data\">\n";
	const char *s = strstr(page->text, mark) + sizeof(mark) - 1;
	struct buf packed = {0};
	uint32_t bits = 0;
	FILE *f;

	for (int have = 0; *s != '<' && *s != '='; s++) {
		if (*s == '\n')
			continue;
		bits = bits << 6 | digit(*s);
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		buf_char(&packed, (char)(bits >> have));
	}
	f = fmemopen(packed.data, packed.len, "r");
	assert_int_equal(gzip_read(f, SIZE_MAX, &page->data), 0);
	fclose(f);
	buf_free(&packed);
	bits = varint(page);
	buf_add(&page->json, page->data.data + page->at, bits);
	page->at += bits;
}

static struct page page_of(struct fixture *x)
{
	struct page page = {.text = render(x, "html")};

	decode(&page);
	return page;
}

static void page_free(struct page *page)
{
	free(page->text);
	buf_free(&page->data);
	buf_free(&page->json);
}

static void keep(const char *name, const struct page *page)
{
	const char *dir = getenv("HTML_PAGES");
	char *path;
	FILE *f;

	if (!dir)
		return;
	path = xasprintf("%s/%s.html", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(page->text, f);
	assert_int_equal(fclose(f), 0);
	free(path);
}

/* Every column is there, and what is in them adds up to what was recorded. */
static void sums_are_the_profile_s(void **state)
{
	static const enum profile_kind kinds[] = {PROFILE_ALLOC, PROFILE_LIVE};
	struct fixture *x = *state;
	struct page page;
	size_t nodes, stacks;
	struct json j;

	add_server(x);
	/* two earlier reports, the first one's block is gone */
	*profile_at(&x->p, PROFILE_LIVE, 0) = (struct counters){1009, 1, 0, 0};
	profile_remember(&x->p);
	*profile_at(&x->p, PROFILE_LIVE, 0) = (struct counters){0, 0, 0, 0};
	*profile_at(&x->p, PROFILE_LIVE, 1) = (struct counters){127, 3, 9, 1};
	profile_remember(&x->p);
	*profile_at(&x->p, PROFILE_LIVE, 1) = (struct counters){4097, 13, 99.5, 3};
	x->o.views = VIEW_BIT(VIEW_ALLOC) | VIEW_BIT(VIEW_LIVE);
	page = page_of(x);
	keep("server", &page);
	j = json_begin(page.json.data, page.json.len);
	assert_true(json_skip(&j) && json_end(&j));
	nodes = number_of(&page, "nodes");
	stacks = number_of(&page, "stacks");
	assert_int_equal(stacks, x->p.stacks.n);
	sum_of(&page, nodes - 1);
	assert_true(sum_of(&page, nodes - 1) < nodes);
	/* differences of nodes, then task, allocator, type, skip */
	assert_true(sum_of(&page, stacks) < nodes);
	for (int i = 0; i < 4; i++)
		sum_of(&page, stacks);
	for (size_t i = 0; i < 2; i++) {
		struct counters total = profile_total(&x->p, kinds[i]);

		assert_int_equal(sum_of(&page, stacks), total.bytes);
		assert_int_equal(sum_of(&page, stacks), total.calls);
		if (total.bytes_var > 0)
			sum_of(&page, 2 * stacks);
	}
	assert_int_equal(sum_of(&page, stacks), 1009);
	assert_int_equal(sum_of(&page, stacks), 127);
	assert_int_equal(page.at, page.data.len);
	page_free(&page);
}

static const char *const evil[] = {
	"</script><script>document.title='run'</script>", "<!--<script>",
	"<img src=x onerror=\"document.title='run'\">",
	"\"];document.title='run';[\"", "a\u2028b\u202e\u2066c", "\xed\xa0\x80\xff\x80", "\x1b[31m\ttab\nline\\",
	"__proto__", "&lt;b&gt;&amp;", "' style='position:fixed", "[truncated: depth limit]", "javascript:alert(1)", "",
};

#define EVIL_NAMES (sizeof(evil) / sizeof(evil[0]))

/* Names are text wherever they stand: of functions, files, threads, types, the target. */
static void evil_names_are_text(void **state)
{
	struct fixture *x = *state;
	struct page page;

	for (size_t i = 0; i < EVIL_NAMES; i++) {
		uint32_t task = profile_task(&x->p, 100 + i, 0, 0, evil[i]);

		fake_functions[i] = evil[i];
		ADD(x, task, 0, STACK_END_CHAIN, 1000 + i, 3, profile_frame(&x->p, x->exe, FAKE(i) + 1),
		    profile_frame(&x->p, modules_file(&x->modules, evil[i], 7, 100 + i, -1, 1, false), 0x1234 + i));
	}
	x->r.target = evil[0];
	page = page_of(x);
	keep("evil", &page);
	assert_null(strstr(page.text, "document.title='run'"));
	assert_null(strstr(page.json.data, "\u202e"));
	assert_null(strstr(page.json.data, "\xed\xa0\x80"));
	assert_non_null(strstr(page.json.data, "\\\\x1b[31m"));
	page_free(&page);
}

/* Stacks of other addresses, and of other threads where they are not told apart by name, are one path. */
static void names_share_nodes(void **state)
{
	struct fixture *x = *state;
	struct page page;

	ADD(x, x->task, 0, STACK_END_CHAIN, 10, 1, frame(x, PARSE, 1), frame(x, MAIN, 1));
	ADD(x, x->task, 0, STACK_END_CHAIN, 200, 1, frame(x, PARSE, 2), frame(x, MAIN, 1));
	ADD(x, x->task, 1, STACK_END_CHAIN, 3000, 1, frame(x, PARSE, 1), frame(x, MAIN, 9));
	page = page_of(x);
	/* the root, main, parse_value; by allocator, two stacks */
	assert_int_equal(number_of(&page, "nodes"), 3);
	assert_int_equal(number_of(&page, "stacks"), 2);
	page_free(&page);
}

/* Both recordings are in one tree, whatever the paths of their builds and the ids of their threads. */
static void compared_with_a_base(void **state)
{
	struct fixture *x = *state;
	struct profile before;
	struct recording base = x->r;
	uint32_t old, task;
	struct page page;
	size_t nodes, stacks;

	ADD(x, x->task, 0, STACK_END_CHAIN, 3001, 7, frame(x, PARSE, 1), frame(x, MAIN, 1));
	ADD(x, x->task, 0, STACK_END_CHAIN, 503, 3, frame(x, SET, 1), frame(x, MAIN, 1));
	ADD(x, x->task, 0, STACK_END_CHAIN, 251, 1, frame(x, LOOP, 1), frame(x, MAIN, 1));
	profile_init(&before, &x->modules, allocators, 3);
	old = modules_file(&x->modules, "/old/<b>/server", 1, 3, -1, 1, false);
	task = profile_task(&before, 99, 0, 0, "server");
	for (size_t i = 0; i < 3; i++) {
		static const int function[] = {PARSE, GET, LOOP};
		static const struct counters had[] = {{1009, 5, 0, 0}, {757, 2, 0, 0}, {251, 1, 0, 0}};
		uint32_t frames[] = {profile_frame(&before, old, FAKE(function[i]) + 1),
				     profile_frame(&before, old, FAKE(MAIN) + 1)};

		profile_add(&before, PROFILE_ALLOC, profile_stack(&before, task, 0, frames, 2, STACK_END_CHAIN),
			    had[i]);
	}
	base.profile = &before;
	base.target = evil[0];
	x->o.base = &base;
	page = page_of(x);
	keep("compared", &page);
	assert_null(strstr(page.text, "document.title='run'"));
	assert_non_null(strstr(page.json.data, "\"baseFacts\""));
	/* the root, main, and four below it */
	nodes = number_of(&page, "nodes");
	stacks = number_of(&page, "stacks");
	assert_int_equal(nodes, 6);
	assert_int_equal(stacks, 4);
	sum_of(&page, 2 * (nodes - 1) + 5 * stacks);
	assert_int_equal(sum_of(&page, stacks), 3001 + 503 + 251);
	assert_int_equal(sum_of(&page, stacks), 7 + 3 + 1);
	assert_int_equal(sum_of(&page, stacks), 1009 + 757 + 251);
	assert_int_equal(sum_of(&page, stacks), 5 + 2 + 1);
	assert_int_equal(page.at, page.data.len);
	page_free(&page);
	profile_free(&before);
}

static void nothing_recorded_is_a_page(void **state)
{
	struct page page = page_of(*state);

	keep("nothing", &page);
	assert_int_equal(number_of(&page, "nodes"), 1);
	page_free(&page);
}

/* At most 60 KB; and what ends the script's element is not in it. */
static void script_and_style_are_small(void **state)
{
	struct page page = page_of(*state);
	const char *style = strstr(page.text, "<style>"), *style_end = strstr(page.text, "</style>");
	const char *script = strstr(page.text, "<script>"), *script_end = strstr(script, "</script>");

	assert_true(style_end - style + script_end - script < 60000);
	assert_string_equal(script_end, "</script>\n</body>\n</html>\n");
	page_free(&page);
}

static void full_disk_is_an_error(void **state)
{
	struct fixture *x = *state;
	FILE *f = fopen("/dev/full", "w");

	add_server(x);
	assert_int_equal(report_format_find("html")->write(f, &x->r, &x->o), -ENOSPC);
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sums_are_the_profile_s),
		TEST(evil_names_are_text),
		TEST(names_share_nodes),
		TEST(compared_with_a_base),
		TEST(nothing_recorded_is_a_page),
		TEST(script_and_style_are_small),
		TEST(full_disk_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
