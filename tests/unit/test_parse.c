/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>

#include <cmocka.h>

#include "base/parse.h"

#define UNTOUCHED 12345

struct sample {
	const char *text;
	int err;
	uint64_t value;
};

#define check_samples(fn, samples) check_all((fn), (samples), sizeof(samples) / sizeof((samples)[0]))

static void check_all(int (*parse)(const char *, uint64_t *), const struct sample *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t got = UNTOUCHED;
		int err = parse(s[i].text, &got);

		if (err != s[i].err)
			fail_msg("\"%s\": returned %d, not %d", s[i].text, err, s[i].err);
		if (got != (err ? UNTOUCHED : s[i].value))
			fail_msg("\"%s\": gave %llu", s[i].text, (unsigned long long)got);
	}
}

static void numbers(void **state)
{
	static const struct sample samples[] = {
		{ "0", 0, 0 }, { "17", 0, 17 }, { "007", 0, 7 }, { "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 }, { "99999999999999999999999", -ERANGE, 0 },
		{ "", -EINVAL, 0 }, { "-1", -EINVAL, 0 }, { "+1", -EINVAL, 0 }, { " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 }, { "0x10", -EINVAL, 0 }, { "1.0", -EINVAL, 0 }, { "1k", -EINVAL, 0 },
		{ "abc", -EINVAL, 0 }, { "99999999999999999999999x", -EINVAL, 0 },
	};

	check_samples(parse_u64, samples);
}

static void sizes(void **state)
{
	static const struct sample samples[] = {
		{ "0", 0, 0 }, { "4096", 0, 4096 }, { "64k", 0, 65536 }, { "64K", 0, 65536 }, { "64KiB", 0, 65536 },
		{ "64kb", 0, 65536 }, { "10b", 0, 10 }, { "10B", 0, 10 }, { "1.5M", 0, 1572864 },
		{ "1.50MiB", 0, 1572864 }, { "2G", 0, 2147483648 }, { "1T", 0, 1099511627776 }, { "0.5k", 0, 512 },
		{ "1.0", 0, 1 }, { "0.3k", 0, 307 }, { "16777215T", 0, 18446742974197923840ULL },
		{ "0.0000000000000000000000000001T", 0, 0 },
		{ "16777216T", -ERANGE, 0 }, { "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551615k", -ERANGE, 0 }, { "99999999999999999999k", -ERANGE, 0 },
		{ "", -EINVAL, 0 }, { "k", -EINVAL, 0 }, { ".5k", -EINVAL, 0 }, { "1.k", -EINVAL, 0 },
		{ "1.", -EINVAL, 0 }, { "1.5", -EINVAL, 0 }, { "1.5b", -EINVAL, 0 }, { "-1k", -EINVAL, 0 },
		{ "1 k", -EINVAL, 0 }, { "1kk", -EINVAL, 0 }, { "1x", -EINVAL, 0 }, { "1e3", -EINVAL, 0 },
		{ "1,5k", -EINVAL, 0 }, { "1ib", -EINVAL, 0 }, { "99999999999999999999q", -EINVAL, 0 },
		{ "inf", -EINVAL, 0 },
	};

	check_samples(parse_size, samples);
}

static void durations(void **state)
{
	static const struct sample samples[] = {
		{ "0", 0, 0 }, { "10", 0, 10000000000 }, { "10s", 0, 10000000000 }, { "0.5", 0, 500000000 },
		{ "250ms", 0, 250000000 }, { "1.5us", 0, 1500 }, { "7ns", 0, 7 }, { "5m", 0, 300000000000 },
		{ "2h", 0, 7200000000000 }, { "1d", 0, 86400000000000 }, { "0.1234567891", 0, 123456789 },
		{ "213503d", 0, 18446659200000000000ULL }, { "213504d", -ERANGE, 0 }, { "18446744074", -ERANGE, 0 },
		{ "", -EINVAL, 0 }, { "s", -EINVAL, 0 }, { "-5s", -EINVAL, 0 }, { "5M", -EINVAL, 0 },
		{ "5 s", -EINVAL, 0 }, { "5sec", -EINVAL, 0 }, { "0.5ns", -EINVAL, 0 }, { "nan", -EINVAL, 0 },
		{ "1m30s", 0, 90000000000 }, { "1h0m1.5s", 0, 3601500000000 }, { "1d1ns", 0, 86400000000001 },
		{ "213503d24000000h", -ERANGE, 0 }, { "1m30", -EINVAL, 0 }, { "30s1m", -EINVAL, 0 },
		{ "1.5m30s", -EINVAL, 0 }, { "1m1m", -EINVAL, 0 }, { "1s2", -EINVAL, 0 }, { "1 30s", -EINVAL, 0 },
		{ "1m.5s", -EINVAL, 0 }, { "1..5", -EINVAL, 0 },
	};

	check_samples(parse_duration, samples);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(sizes),
		cmocka_unit_test(durations),
	};

	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
