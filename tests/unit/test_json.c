/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

static bool accepts_bytes(const char *text, size_t len)
{
	struct json j = json_begin(text, len);

	return json_skip(&j) && json_end(&j);
}

static bool accepts(const char *text)
{
	return accepts_bytes(text, strlen(text));
}

static void grammar(void **state)
{
	static const char *const good[] = {
		"{}", "[]", " [ 1 , -0 , 1.5 , 2e3 , 2E-3 , -10.25e+1 ] ", "true", "\tnull\r\n", "\"\"",
		"{\"a\":{\"b\":[{},[],false]},\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"}", "\"\xff\"",
	};
	static const char *const bad[] = {
		"", " ", "{", "}", "[", "]", "[1,]", "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}",
		"{\"a\":1]", "[1}", "01", "+1", "1.", ".5", "1e", "-", "tru", "truex", "nul", "\"", "\"\\x\"",
		"\"\\u12g4\"",
		"\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\n\"", "1 1", "{} {}", "'a'", "[1]//", "NaN",
		"{\"a\" 1}", "{1:2}", "[\"a\":1]",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!accepts(good[i]))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (accepts(bad[i]))
			fail_msg("accepted: %s", bad[i]);
	assert_false(accepts_bytes("[1\0]", 4));
	assert_false(accepts_bytes("[1]\0", 4));
}

static void every_cut_is_an_error(void **state)
{
	static const char text[] = "{\"a\": [1, \"x\\u00e9\", {\"b\": null}], \"c\": -1.5e3}";

	assert_true(accepts(text));
	for (size_t n = 0; n < sizeof(text) - 1; n++)
		assert_false(accepts_bytes(text, n));
}

static void depth(void **state)
{
	char text[4096];

	for (int n = JSON_DEPTH_MAX; n <= JSON_DEPTH_MAX + 1; n++) {
		memset(text, '[', n);
		memset(text + n, ']', n);
		assert_int_equal(accepts_bytes(text, 2 * n), n == JSON_DEPTH_MAX);
	}
	memset(text, '[', sizeof(text));
	assert_false(accepts_bytes(text, sizeof(text)));
}

static void strings(void **state)
{
	static const char text[] =
		"[\"a\\u00e9\\u20ac\\ud83d\\ude00\\n\\/\", \"nul\\u0000\", 7, [\"in\"], {\"k\": 1}, \"end\"]";
	struct json j = json_begin(text, sizeof(text) - 1);
	struct buf b = {0};

	assert_true(json_array(&j));
	assert_true(json_item(&j) && json_string(&j, &b));
	assert_string_equal(b.data, "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n/");
	/* Other values are passed over whole. */
	for (int i = 0; i < 4; i++)
		assert_true(json_item(&j) && !json_string(&j, &b));
	assert_true(json_item(&j) && json_string(&j, &b));
	assert_string_equal(b.data, "end");
	assert_false(json_item(&j));
	assert_true(json_end(&j));
	buf_free(&b);
}

static void nested_values_are_passed_over(void **state)
{
	static const char text[] =
		"{\"x\": {\"Name\": \"wrong\", \"y\": [{\"Name\": 1}]}, \"Name\": \"right\", \"z\": 1}";
	struct json j = json_begin(text, sizeof(text) - 1);
	struct buf key = {0}, name = {0};
	int n = 0;

	assert_true(json_object(&j));
	while (json_key(&j, &key)) {
		n++;
		if (!strcmp(key.data, "Name"))
			assert_true(json_string(&j, &name));
		else
			json_skip(&j);
	}
	assert_true(json_end(&j));
	assert_int_equal(n, 3);
	assert_string_equal(name.data, "right");
	buf_free(&key);
	buf_free(&name);
}

/* No loop over a damaged text goes on for ever, and nothing is taken after the damage. */
static void an_error_stays(void **state)
{
	static const char text[] = "[{\"a\": 1}, {\"b\" 2}, {\"c\": 3}]";
	struct json j = json_begin(text, sizeof(text) - 1);
	struct buf key = {0};
	int keys = 0, items = 0;

	assert_true(json_array(&j));
	while (json_item(&j)) {
		items++;
		if (json_object(&j))
			while (json_key(&j, &key)) {
				keys++;
				json_skip(&j);
			}
	}
	assert_int_equal(items, 2);
	assert_int_equal(keys, 1);
	assert_false(json_end(&j));
	assert_int_equal(json_next(&j, &key), JSON_ERROR);
	buf_free(&key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grammar),
		cmocka_unit_test(every_cut_is_an_error),
		cmocka_unit_test(depth),
		cmocka_unit_test(strings),
		cmocka_unit_test(nested_values_are_passed_over),
		cmocka_unit_test(an_error_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
