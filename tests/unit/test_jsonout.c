/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the writer of JSON writes is what the strict reader reads. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/jsonout.h"

static void nesting(void **state)
{
	struct buf b = {0};
	struct json_out j = {.out = &b};

	json_out_object(&j, NULL);
	json_out_array(&j, "a");
	json_out_u64(&j, NULL, UINT64_MAX);
	json_out_i64(&j, NULL, INT64_MIN);
	json_out_object(&j, NULL);
	json_out_end(&j);
	json_out_array(&j, NULL);
	json_out_end(&j);
	json_out_end(&j);
	json_out_double(&j, "d", 0.1);
	json_out_double(&j, "nan", NAN);
	json_out_double(&j, "inf", -INFINITY);
	json_out_bool(&j, "yes", true);
	json_out_string(&j, "none", NULL);
	json_out_end(&j);
	assert_string_equal(b.data, "{\"a\":[18446744073709551615,-9223372036854775808,{},[]],\"d\":0.1,\"nan\":null,"
			    "\"inf\":null,\"yes\":true,\"none\":null}");
	buf_free(&b);
}

/* Flushed anywhere, the pieces are the same text. */
static void pieces(void **state)
{
	struct buf b = {0}, all = {0};
	struct json_out j = {.out = &b};

	json_out_array(&j, NULL);
	for (int i = 0; i < 3; i++) {
		json_out_u64(&j, NULL, i);
		buf_add(&all, b.data, b.len);
		buf_reset(&b);
	}
	json_out_end(&j);
	buf_add(&all, b.data, b.len);
	assert_string_equal(all.data, "[0,1,2]");
	buf_free(&b);
	buf_free(&all);
}

static void check_string(const char *s, const char *want, bool for_script)
{
	struct buf b = {0};
	struct json_out j = {.out = &b, .for_script = for_script};

	json_out_string(&j, NULL, s);
	assert_string_equal(b.data, want);
	buf_free(&b);
}

static void strings(void **state)
{
	check_string("", "\"\"", false);
	check_string("a\"\\\n\x1b\x7f\t", "\"a\\\"\\\\\\u000a\\u001b\\u007f\\u0009\"", false);
	check_string("\xc3\xa4\xe2\x80\xa8\xf0\x9f\x98\x80</script>&",
		     "\"\xc3\xa4\xe2\x80\xa8\xf0\x9f\x98\x80</script>&\"", false);
	check_string("\xc3\xa4\xe2\x80\xa8\xf0\x9f\x98\x80</script>&",
		     "\"\xc3\xa4\\u2028\xf0\x9f\x98\x80\\u003c/script\\u003e\\u0026\"", true);
	/* overlong, a surrogate, cut, beyond Unicode */
	check_string("\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"", false);
	check_string("\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", false);
	check_string("x\xe2\x80", "\"x\xef\xbf\xbd\xef\xbf\xbd\"", false);
	check_string("\xf5\x80\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", false);
}

/* Of random bytes, what is UTF-8 comes back as it was. */
static void round_trip(void **state)
{
	uint64_t random = 3;

	for (int i = 0; i < 2000; i++) {
		struct buf b = {0}, text = {0};
		struct json_out j = {.out = &b, .for_script = i & 1};
		char s[17] = "";
		struct json reader;
		bool ascii = true;

		for (int k = 0; k < i % 16; k++) {
			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			s[k] = (char)(random >> (i & 2 ? 57 : 56));
			s[k] = s[k] ? s[k] : 1;
			ascii &= (unsigned char)s[k] < 0x80;
		}
		json_out_string(&j, NULL, s);
		reader = json_begin(b.data, b.len);
		assert_true(json_string(&reader, &text));
		assert_true(json_end(&reader));
		if (ascii)
			assert_string_equal(buf_cstr(&text), s);
		buf_free(&b);
		buf_free(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nesting),
		cmocka_unit_test(pieces),
		cmocka_unit_test(strings),
		cmocka_unit_test(round_trip),
	};

	return cmocka_run_group_tests_name("jsonout", tests, NULL, NULL);
}
