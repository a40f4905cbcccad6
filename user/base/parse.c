/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/parse.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Digits of a fraction beyond these are checked but do not count: 10^18 times the largest unit fits 128 bits. */
#define FRACTION_MAX 1000000000000000000ULL

/* A decimal number: whole + part / scale. */
struct decimal {
	uint64_t whole, part, scale;
};

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit size_units[] = {
	{ "", 1 }, { "b", 1 },
	{ "k", 1ULL << 10 }, { "kb", 1ULL << 10 }, { "kib", 1ULL << 10 },
	{ "m", 1ULL << 20 }, { "mb", 1ULL << 20 }, { "mib", 1ULL << 20 },
	{ "g", 1ULL << 30 }, { "gb", 1ULL << 30 }, { "gib", 1ULL << 30 },
	{ "t", 1ULL << 40 }, { "tb", 1ULL << 40 }, { "tib", 1ULL << 40 },
	{ NULL, 0 },
};

static const struct unit duration_units[] = {
	{ "", 1000000000 }, { "s", 1000000000 },
	{ "ns", 1 }, { "us", 1000 }, { "ms", 1000000 },
	{ "m", 60000000000 }, { "h", 3600000000000 }, { "d", 86400000000000 },
	{ NULL, 0 },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int read_digits(const char **s, uint64_t *out)
{
	uint64_t v = 0;
	int err = 0;

	if (!is_digit(**s))
		return -EINVAL;
	for (; is_digit(**s); (*s)++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, **s - '0', &v))
			err = -ERANGE;
	*out = v;
	return err;
}

/* Digits, and a fraction if there is one; *s ends behind it. */
static int read_decimal(const char **s, struct decimal *d)
{
	int err = read_digits(s, &d->whole);

	d->part = 0;
	d->scale = 1;
	if (err == -EINVAL || **s != '.')
		return err;
	(*s)++;
	if (!is_digit(**s))
		return -EINVAL;
	for (; is_digit(**s); (*s)++) {
		if (d->scale >= FRACTION_MAX)
			continue;
		d->part = d->part * 10 + (**s - '0');
		d->scale *= 10;
	}
	return err;
}

/* Rounds down; a fraction of a single byte or nanosecond is no number of that kind. */
static int scale_by(const struct decimal *d, uint64_t factor, uint64_t *out)
{
	unsigned __int128 v = (unsigned __int128)d->whole * factor + (unsigned __int128)d->part * factor / d->scale;

	if (factor == 1 && d->part)
		return -EINVAL;
	if (v > UINT64_MAX)
		return -ERANGE;
	*out = v;
	return 0;
}

int parse_u64(const char *s, uint64_t *out)
{
	uint64_t v;
	int err = read_digits(&s, &v);

	if (err == -EINVAL || *s)
		return -EINVAL;
	if (!err)
		*out = v;
	return err;
}

int parse_size(const char *s, uint64_t *bytes)
{
	const struct unit *u = size_units;
	struct decimal d;
	int err = read_decimal(&s, &d);

	if (err == -EINVAL)
		return err;
	while (u->name && strcasecmp(u->name, s))
		u++;
	if (!u->name)
		return -EINVAL;
	return err ? err : scale_by(&d, u->factor, bytes);
}

static const struct unit *duration_unit(const char *name, size_t len)
{
	for (const struct unit *u = duration_units; u->name; u++)
		if (strlen(u->name) == len && !memcmp(u->name, name, len))
			return u;
	return NULL;
}

/* Of several parts ("1m30s") each has its unit, a smaller one than the part before it, and only the last a fraction. */
int parse_duration(const char *s, uint64_t *ns)
{
	uint64_t sum = 0, part, least = UINT64_MAX;
	int range = 0;

	do {
		const struct unit *u;
		struct decimal d;
		int err = read_decimal(&s, &d);
		size_t n = strcspn(s, "0123456789.");

		if (err == -EINVAL)
			return err;
		u = duration_unit(s, n);
		s += n;
		if (!u || u->factor >= least || (!n && (*s || least != UINT64_MAX)) || (*s && d.scale > 1))
			return -EINVAL;
		least = u->factor;
		if (!err)
			err = scale_by(&d, u->factor, &part);
		if (err == -EINVAL)
			return err;
		if (err || __builtin_add_overflow(sum, part, &sum))
			range = -ERANGE;
	} while (*s);
	if (!range)
		*ns = sum;
	return range;
}
