/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static void check_escape(const char *s, const char *want)
{
	struct buf b = {0};

	text_escape(&b, s, strlen(s));
	assert_string_equal(buf_cstr(&b), want);
	buf_free(&b);
}

static void escapes(void **state)
{
	struct buf b = {0};

	check_escape("", "");
	check_escape("operator new(unsigned long)", "operator new(unsigned long)");
	check_escape("a\x1b[31mb", "a\\x1b[31mb");
	check_escape("\r\n\t\x7f", "\\x0d\\x0a\\x09\\x7f");
	check_escape("gr\xc3\xb6\xc3\x9f" "e", "gr\xc3\xb6\xc3\x9f" "e");
	check_escape("\xe2\x82\xac \xf0\x9f\x98\x80", "\xe2\x82\xac \xf0\x9f\x98\x80");
	/* C1: U+009B is the eight-bit ESC [ */
	check_escape("\xc2\x9b" "2J", "\\xc2\\x9b2J");
	check_escape("\xc2\xa0", "\xc2\xa0");
	/* not UTF-8: a lone continuation, an overlong slash, a surrogate, above U+10FFFF, a cut character */
	check_escape("\x80", "\\x80");
	check_escape("\xc0\xaf", "\\xc0\\xaf");
	check_escape("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
	check_escape("\xed\xa0\x80", "\\xed\\xa0\\x80");
	check_escape("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	check_escape("a\xe2\x82", "a\\xe2\\x82");
	check_escape("\xe2\x82X", "\\xe2\\x82X");
	check_escape("\xff\xfe", "\\xff\\xfe");
	/* right-to-left override, isolates, Arabic letter mark */
	check_escape("\xe2\x80\xae", "\\xe2\\x80\\xae");
	check_escape("\xe2\x81\xa6\xe2\x81\xa9", "\\xe2\\x81\\xa6\\xe2\\x81\\xa9");
	check_escape("\xd8\x9c", "\\xd8\\x9c");
	text_escape(&b, "a\0b", 3);
	assert_string_equal(b.data, "a\\x00b");
	buf_free(&b);
}

static void widths(void **state)
{
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("abc"), 3);
	assert_int_equal(text_width("gr\xc3\xb6\xc3\x9f" "e"), 5);
	assert_int_equal(text_width("e\xcc\x81"), 1);		/* combining acute */
	assert_int_equal(text_width("\xe6\xbc\xa2\xe5\xad\x97"), 4);	/* two ideographs */
	assert_int_equal(text_width("\xf0\x9f\x98\x80"), 2);
	assert_int_equal(text_width("\xe2\x80\xa6"), 1);
	assert_int_equal(text_width("\xe2\x80\x8b"), 0);
}

static void check_fit(const char *s, size_t width, bool keep_end, bool pad, const char *want)
{
	struct buf b = {0};

	text_fit(&b, s, width, keep_end, pad);
	assert_string_equal(buf_cstr(&b), want);
	assert_true(text_width(buf_cstr(&b)) <= width);
	buf_free(&b);
}

#define DOTS "\xe2\x80\xa6"

static void fits(void **state)
{
	check_fit("abcdef", 6, false, false, "abcdef");
	check_fit("abcdef", 5, false, false, "abcd" DOTS);
	check_fit("abcdef", 5, true, false, DOTS "cdef");
	check_fit("abcdef", 1, false, false, DOTS);
	check_fit("abcdef", 1, true, false, DOTS);
	check_fit("abcdef", 0, false, true, "");
	check_fit("abc", 5, false, true, "abc  ");
	check_fit("abc", 5, false, false, "abc");
	check_fit("", 3, true, true, "   ");
	/* a wide character that does not fit leaves a column to fill */
	check_fit("\xe6\xbc\xa2\xe5\xad\x97", 3, false, true, "\xe6\xbc\xa2" DOTS);
	check_fit("\xe6\xbc\xa2\xe5\xad\x97x", 3, false, true, "\xe6\xbc\xa2" DOTS);
	check_fit("\xe6\xbc\xa2\xe5\xad\x97\xe5\xad\x97", 4, false, true, "\xe6\xbc\xa2" DOTS " ");
	check_fit("\xe6\xbc\xa2\xe5\xad\x97\xe5\xad\x97", 4, true, true, DOTS "\xe5\xad\x97 ");
	/* a combining character goes with the one before it */
	check_fit("abe\xcc\x81" "fg", 4, false, false, "abe\xcc\x81" DOTS);
	check_fit("abe\xcc\x81" "fg", 3, true, false, DOTS "fg");
}

static void check_number(void (*format)(struct buf *, uint64_t), uint64_t n, const char *want)
{
	struct buf b = {0};

	format(&b, n);
	assert_string_equal(buf_cstr(&b), want);
	buf_free(&b);
}

static void counts(void **state)
{
	check_number(text_count, 0, "0");
	check_number(text_count, 999, "999");
	check_number(text_count, 1000, "1.00k");
	check_number(text_count, 1234, "1.23k");
	check_number(text_count, 1235, "1.24k");
	check_number(text_count, 9994, "9.99k");
	check_number(text_count, 9995, "10.0k");
	check_number(text_count, 99949, "99.9k");
	check_number(text_count, 99950, "100k");
	check_number(text_count, 999499, "999k");
	check_number(text_count, 999500, "1.00M");
	check_number(text_count, 12300000, "12.3M");
	check_number(text_count, 4560000000, "4.56G");
	check_number(text_count, UINT64_MAX, "18.4E");
}

static void bytes(void **state)
{
	check_number(text_bytes, 0, "0 B");
	check_number(text_bytes, 1023, "1023 B");
	check_number(text_bytes, 1024, "1.00 KiB");
	check_number(text_bytes, 1536, "1.50 KiB");
	check_number(text_bytes, 10240, "10.0 KiB");
	check_number(text_bytes, 1023 * 1024, "1023 KiB");
	check_number(text_bytes, 1024 * 1024 - 1, "1.00 MiB");
	check_number(text_bytes, 12897485, "12.3 MiB");
	check_number(text_bytes, 1ULL << 40, "1.00 TiB");
	check_number(text_bytes, UINT64_MAX, "16.0 EiB");
}

static void durations(void **state)
{
	check_number(text_duration, 0, "0 ns");
	check_number(text_duration, 850, "850 ns");
	check_number(text_duration, 1234, "1.23 us");
	check_number(text_duration, 999499, "999 us");
	check_number(text_duration, 999500, "1.00 ms");
	check_number(text_duration, 45600000, "45.6 ms");
	check_number(text_duration, 7890000000, "7.89 s");
	check_number(text_duration, 59940000000, "59.9 s");
	check_number(text_duration, 59960000000, "1m00s");
	check_number(text_duration, 750000000000, "12m30s");
	check_number(text_duration, 3599400000000, "59m59s");
	check_number(text_duration, 3599600000000, "1h00m");
	check_number(text_duration, 11100000000000, "3h05m");
	check_number(text_duration, 86400000000000, "1d00h");
	check_number(text_duration, 100800000000000, "1d04h");
}

static void check_about(void (*text)(struct buf *, uint64_t, double), uint64_t n, double error, const char *want)
{
	struct buf b = {0};

	text(&b, n, error);
	assert_string_equal(buf_cstr(&b), want);
	buf_free(&b);
}

static void estimates(void **state)
{
	check_about(text_bytes_about, 1289748, 0, "1.23 MiB");
	check_about(text_bytes_about, 1289748, 1000, "1.23 MiB");
	check_about(text_bytes_about, 1289748, 100000, "1.23 MiB");
	check_about(text_bytes_about, 1289748, 105000, "1.2 MiB");
	check_about(text_bytes_about, 1289748, 1048576, "1 MiB");
	check_about(text_bytes_about, 1289748, 1e9, "1 MiB");
	check_about(text_bytes_about, 537919488, 20e6, "510 MiB");
	check_about(text_bytes_about, 12897485, 300000, "12.3 MiB");
	check_about(text_bytes_about, 12897485, 2e6, "12 MiB");
	check_about(text_bytes_about, 12897485, 1e9, "10 MiB");
	check_about(text_bytes_about, 10480000, 1000, "9.99 MiB");
	check_about(text_bytes_about, 10484000, 1000, "10.0 MiB");
	check_about(text_bytes_about, 1048575, 10, "1.00 MiB");
	check_about(text_bytes_about, 777, 0.5, "777 B");
	check_about(text_bytes_about, 777, 40, "780 B");
	check_about(text_bytes_about, 777, 500, "800 B");
	check_about(text_bytes_about, 0, 5, "0 B");
	check_about(text_bytes_about, UINT64_MAX, 1, "16.0 EiB");
	check_about(text_count_about, 5, 1, "5");
	check_about(text_count_about, 5, 100, "5");
	check_about(text_count_about, 527, 10, "530");
	check_about(text_count_about, 1234, 0, "1.23k");
	check_about(text_count_about, 1234, 200, "1.2k");
	check_about(text_count_about, 456789, 12345, "460k");
	check_about(text_count_about, 456789, 1e300, "500k");
	check_about(text_count_about, UINT64_MAX, 1, "18.4E");
}

static void check_decimal(double x, double error, const char *want)
{
	struct buf b = {0};

	text_decimal_about(&b, x, error);
	assert_string_equal(buf_cstr(&b), want);
	buf_free(&b);
}

static void decimals(void **state)
{
	check_decimal(0, 0, "0");
	check_decimal(9, 0, "9");
	check_decimal(32208, 0, "32208");
	check_decimal(32208.4, 0, "32208");
	check_decimal(999999999, 0, "999999999");
	check_decimal(1e9, 0, "1.00G");
	check_decimal(1e300, 0, "18.4E");
	check_decimal(9.009, 0, "9.009");
	check_decimal(9.0004, 0, "9.000");
	check_decimal(0.25, 0, "0.2500");
	check_decimal(123.45, 0, "123.5");
	check_decimal(0.000123456, 0, "0.0001235");
	check_decimal(1.234e-9, 0, "1.23e-09");
	check_decimal(1.234e-9, 1e-9, "1e-09");
	check_decimal(9, 0.001, "9.000");
	check_decimal(9.009, 0.12, "9.0");
	check_decimal(9.009, 1.2, "9");
	check_decimal(9.009, 1000, "9");
	check_decimal(32208, 12, "32210");
	check_decimal(32208, 1200, "32000");
	check_decimal(32208, 1e9, "30000");
	check_decimal(32208, 0.5, "32208");
	check_decimal(2e9, 3e8, "2.0G");
	check_decimal(0, 5, "0");
}

static void ascii(void **state)
{
	static const struct {
		const char *text, *wanted;
	} samples[] = {
		{"plain", "plain"}, {"std::map<\xe2\x80\xa6>", "std::map<~>"}, {" SUM%    \xc2\xb1%", " SUM%   +-%"},
		{"\xe2\x86\x91" "5 f", "^5 f"}, {"\xe2\x96\x81\xe2\x96\x88", ".@"}, {"\xe6\x97\xa5\xe6\x9c\xac",
		"????"},
		{"na\xc3\xafve", "na?ve"}, {"e\xcc\x81", "e"}, {"\xff\xc3", "??"}, {"", ""},
	};
	struct buf b = {0};

	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		buf_reset(&b);
		buf_str(&b, samples[i].text);
		text_to_ascii(&b);
		assert_string_equal(buf_cstr(&b), samples[i].wanted);
		assert_int_equal(text_width(samples[i].wanted), b.len);
	}
	buf_free(&b);
}

static void locale_of_the_environment(void **state)
{
	unsetenv("LC_ALL");
	unsetenv("LC_CTYPE");
	setenv("LANG", "de_DE.utf8", 1);
	assert_true(text_is_utf8());
	setenv("LC_CTYPE", "C", 1);
	assert_false(text_is_utf8());
	setenv("LC_ALL", "C.UTF-8", 1);
	assert_true(text_is_utf8());
	setenv("LC_ALL", "", 1);
	assert_false(text_is_utf8());
	unsetenv("LC_CTYPE");
	unsetenv("LANG");
	assert_false(text_is_utf8());
}

static void check_name(const char *name, bool in_brackets, const char *want)
{
	struct buf b = {0};

	text_name(&b, name, in_brackets);
	assert_string_equal(buf_cstr(&b), want);
	buf_free(&b);
}

/* No name of a target can be taken for a mark of ours. */
static void names_are_no_marks(void **state)
{
	check_name("", false, "");
	check_name("[truncated: depth limit]", false, "\\x5btruncated: depth limit]");
	check_name("[anything]", false, "\\x5banything]");
	check_name("main < [truncated: depth limit]", false, "main < \\x5btruncated: depth limit]");
	check_name("main [?]", false, "main \\x5b?]");
	check_name("main[?]", false, "main\\x5b?]");
	check_name("a;[stack not delivered];b", false, "a;\\x5bstack not delivered];b");
	check_name("/lib/[anon]", true, "/lib/\\x5banon]");
	/* What real names have. */
	check_name("operator new[](unsigned long)", false, "operator new[](unsigned long)");
	check_name("f(int) [clone .cold]", false, "f(int) [clone .cold]");
	check_name("<&mut [T] as core::fmt::Debug>::fmt", false, "<&mut [T] as core::fmt::Debug>::fmt");
	check_name("std::basic_string<>::str[abi:cxx11]()", false, "std::basic_string<>::str[abi:cxx11]()");
	/* Names that are shown in brackets. */
	check_name("/tmp/?", true, "/tmp/\\x3f");
	check_name("/tmp/?", false, "/tmp/?");
	check_name("/tmp/truncated: depth limit", true, "/tmp/\\x74runcated: depth limit");
	check_name("/tmp/unknown.so", true, "/tmp/unknown.so");
	check_name("libc.so.6", true, "libc.so.6");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_no_marks),
		cmocka_unit_test(escapes),
		cmocka_unit_test(widths),
		cmocka_unit_test(fits),
		cmocka_unit_test(counts),
		cmocka_unit_test(bytes),
		cmocka_unit_test(durations),
		cmocka_unit_test(estimates),
		cmocka_unit_test(decimals),
		cmocka_unit_test(ascii),
		cmocka_unit_test(locale_of_the_environment),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
