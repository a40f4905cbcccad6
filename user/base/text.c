/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ELLIPSIS "\xe2\x80\xa6"

struct range {
	uint32_t first, last;
};

/* What turns the order of the text around, or breaks the line, without showing. */
static const struct range unsafe[] = {
	{ 0x00, 0x1f }, { 0x7f, 0x9f }, { 0x61c, 0x61c }, { 0x200e, 0x200f }, { 0x2028, 0x202e }, { 0x2066, 0x2069 },
};

/* Unicode's combining blocks and zero-width characters; scripts whose marks are spread over many ranges count as 1. */
static const struct range zero_width[] = {
	{ 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd }, { 0x0610, 0x061a }, { 0x064b, 0x065f },
	{ 0x0e31, 0x0e31 }, { 0x0e34, 0x0e3a }, { 0x0e47, 0x0e4e }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff },
	{ 0x200b, 0x200d }, { 0x2060, 0x2064 }, { 0x20d0, 0x20ff }, { 0x302a, 0x302d }, { 0x3099, 0x309a },
	{ 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f }, { 0xfeff, 0xfeff }, { 0xe0100, 0xe01ef },
};

/* East Asian wide and fullwidth, and pictographs. */
static const struct range double_width[] = {
	{ 0x1100, 0x115f }, { 0x231a, 0x231b }, { 0x2329, 0x232a }, { 0x23e9, 0x23ec }, { 0x2e80, 0x303e },
	{ 0x3041, 0x33ff }, { 0x3400, 0x4dbf }, { 0x4e00, 0x9fff }, { 0xa000, 0xa4cf }, { 0xa960, 0xa97f },
	{ 0xac00, 0xd7a3 }, { 0xf900, 0xfaff }, { 0xfe30, 0xfe6f }, { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 },
	{ 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
};

#define in_ranges(c, table) in_table((c), (table), sizeof(table) / sizeof((table)[0]))

static bool in_table(uint32_t c, const struct range *r, size_t n)
{
	for (size_t i = 0; i < n && c >= r[i].first; i++)
		if (c <= r[i].last)
			return true;
	return false;
}

uint32_t text_decode(const char *s, size_t len, size_t *used)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char c = s[0];
	size_t n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
	uint32_t v;

	*used = 1;
	if (n == 1)
		return c;
	if (!n || n > len)
		return TEXT_NOT_UTF8;
	v = c & (0x7f >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return TEXT_NOT_UTF8;
		v = v << 6 | (s[i] & 0x3f);
	}
	if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return TEXT_NOT_UTF8;
	*used = n;
	return v;
}

static size_t char_width(uint32_t c)
{
	if (c < 0x300)	/* nearly every character of nearly every name; a byte that is not UTF-8 shows as one */
		return 1;
	if (in_ranges(c, zero_width))
		return 0;
	return in_ranges(c, double_width) ? 2 : 1;
}

void text_escape(struct buf *b, const char *s, size_t len)
{
	size_t plain = 0, i = 0, used;
	uint32_t c;

	while (i < len) {
		/* Nearly every character of nearly every name. */
		if (s[i] >= ' ' && s[i] < 0x7f) {
			i++;
			continue;
		}
		c = text_decode(s + i, len - i, &used);

		if (c == TEXT_NOT_UTF8 || in_ranges(c, unsafe)) {
			buf_add(b, s + plain, i - plain);
			for (size_t k = 0; k < used; k++)
				buf_printf(b, "\\x%02x", (unsigned char)s[i + k]);
			plain = i + used;
		}
		i += used;
	}
	buf_add(b, s + plain, len - plain);
}

/* What follows the bracket in marks of ours. */
static bool is_mark(const char *s)
{
	static const char *const words[] = {
		"?]", "anon]", "kernel]", "no frames]", "no name]", "stack not delivered", "truncated:", "unknown]",
		"unknown function]", "vdso]",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strncmp(s, words[i], strlen(words[i])))
			return true;
	return false;
}

void text_name(struct buf *b, const char *name, bool in_brackets)
{
	const char *slash = strrchr(name, '/'), *last = slash ? slash + 1 : name;
	struct buf closed = {0};
	bool hides = false;

	if (in_brackets) {
		buf_printf(&closed, "%s]", last);
		hides = *last && is_mark(buf_cstr(&closed));
		buf_free(&closed);
	}
	for (const char *s = name; *s; s++) {
		if ((*s == '[' && (s == name || s[-1] == '/' || is_mark(s + 1))) || (hides && s == last))
			buf_printf(b, "\\x%02x", (unsigned char)*s);
		else
			buf_char(b, *s);
	}
}

size_t text_width(const char *s)
{
	size_t len = strlen(s), width = 0, used;

	for (size_t i = 0; i < len; i += used) {
		used = 1;
		width += (unsigned char)s[i] < 0x80 ? 1 : char_width(text_decode(s + i, len - i, &used));
	}
	return width;
}

bool text_is_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	const char *value = NULL;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && (!value || !*value); i++)
		value = getenv(names[i]);
	return value && (strcasestr(value, "UTF-8") || strcasestr(value, "UTF8"));
}

/* What shows c in ASCII, in as many columns; NULL: nothing does. */
static const char *ascii_of(uint32_t c)
{
	static const char *const bars[] = {".", ":", "-", "=", "+", "*", "#", "@"};

	if (c >= 0x2581 && c <= 0x2588)
		return bars[c - 0x2581];
	switch (c) {
	case 0x2026:	/* … */
		return "~";
	case 0x2191:	/* ↑ */
		return "^";
	default:
		return NULL;
	}
}

void text_to_ascii(struct buf *b)
{
	struct buf out = {0};
	size_t i = 0, used;

	while (i < b->len) {
		uint32_t c = text_decode(b->data + i, b->len - i, &used);
		const char *ascii = c < 0x80 ? NULL : ascii_of(c);

		if (c < 0x80) {
			buf_char(&out, (char)c);
		} else if (c == 0xb1) {	/* ±: in the place of the space before it, too */
			out.len -= out.len && out.data[out.len - 1] == ' ';
			buf_str(&out, "+-");
		} else if (ascii) {
			buf_str(&out, ascii);
		} else {
			buf_add(&out, "??", c == TEXT_NOT_UTF8 ? 1 : char_width(c));
		}
		i += used;
	}
	buf_free(b);
	*b = out;
}

size_t text_lines(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += s[i] == '\n';
	return n;
}

/* How many bytes of s make at most `width` columns (*columns), with the zero-width characters that follow. */
static size_t head_bytes(const char *s, size_t len, size_t width, size_t *columns)
{
	size_t i = 0, used;

	for (*columns = 0; i < len; i += used) {
		size_t w = char_width(text_decode(s + i, len - i, &used));

		if (*columns + w > width)
			break;
		*columns += w;
	}
	return i;
}

/* Where the longest end of s begins that takes at most `width` columns; total is the width of s. */
static size_t tail_start(const char *s, size_t len, size_t total, size_t width, size_t *columns)
{
	size_t i = 0, used;

	for (*columns = total; i < len; i += used) {
		size_t w = char_width(text_decode(s + i, len - i, &used));

		/* A combining character must not be left without what it combines with. */
		if (*columns <= width && w)
			break;
		*columns -= w;
	}
	return i;
}

static size_t cut(struct buf *b, const char *s, size_t total, size_t width, bool keep_end)
{
	size_t len = strlen(s), columns, at;

	if (keep_end) {
		at = tail_start(s, len, total, width - 1, &columns);
		buf_str(b, ELLIPSIS);
		buf_add(b, s + at, len - at);
	} else {
		at = head_bytes(s, len, width - 1, &columns);
		buf_add(b, s, at);
		buf_str(b, ELLIPSIS);
	}
	return columns + 1;
}

void text_fit(struct buf *b, const char *s, size_t width, bool keep_end, bool pad)
{
	size_t columns = text_width(s);

	if (columns <= width)
		buf_str(b, s);
	else if (width)
		columns = cut(b, s, columns, width, keep_end);
	while (pad && columns++ < width)
		buf_char(b, ' ');
}

/* n / unit rounded to nearest, in steps of 1/steps. */
static uint64_t in_steps(uint64_t n, uint64_t unit, unsigned int steps)
{
	return ((unsigned __int128)n * steps + unit / 2) / unit;
}

/* Three significant digits of n / unit; false, and nothing is appended, if that comes to `limit` or more. */
static bool three_digits(struct buf *b, uint64_t n, uint64_t unit, uint64_t limit, const char *suffix)
{
	uint64_t hundredths = in_steps(n, unit, 100), tenths = in_steps(n, unit, 10), whole = in_steps(n, unit, 1);

	if (whole >= limit)
		return false;
	if (hundredths < 1000)
		buf_printf(b, "%u.%02u%s", (unsigned int)hundredths / 100, (unsigned int)hundredths % 100, suffix);
	else if (tenths < 1000)
		buf_printf(b, "%u.%u%s", (unsigned int)tenths / 10, (unsigned int)tenths % 10, suffix);
	else
		buf_printf(b, "%u%s", (unsigned int)whole, suffix);
	return true;
}

/* n / unit in steps that are as large as the error allows; all in hundredths of the unit. */
static void about(struct buf *b, uint64_t n, uint64_t unit, double error, const char *suffix)
{
	double value = 100.0 * n / unit, e = 100 * error / unit;
	uint64_t step = unit == 1 || value >= 9995 ? 100 : value >= 999.5 ? 10 : 1, rounded;

	while (step * 10 <= e && step * 10 <= value)
		step *= 10;
	rounded = (uint64_t)(value / step + 0.5) * step;
	if (step == 1)
		buf_printf(b, "%u.%02u%s", (unsigned int)(rounded / 100), (unsigned int)(rounded % 100), suffix);
	else if (step == 10)
		buf_printf(b, "%u.%u%s", (unsigned int)(rounded / 100), (unsigned int)(rounded / 10 % 10), suffix);
	else
		buf_printf(b, "%u%s", (unsigned int)(rounded / 100), suffix);
}

void text_count_about(struct buf *b, uint64_t n, double error)
{
	static const char *const suffixes[] = { "", "k", "M", "G", "T", "P", "E" };
	uint64_t unit = 1;
	size_t i = 0;

	if (!(error > 0)) {
		text_count(b, n);
		return;
	}
	for (; in_steps(n, unit, 1) >= 1000; i++)
		unit *= 1000;
	about(b, n, unit, error, suffixes[i]);
}

void text_bytes_about(struct buf *b, uint64_t bytes, double error)
{
	static const char *const suffixes[] = { " B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB" };
	uint64_t unit = 1;
	size_t i = 0;

	if (!(error > 0)) {
		text_bytes(b, bytes);
		return;
	}
	for (; in_steps(bytes, unit, 1) >= 1024; i++)
		unit *= 1024;
	about(b, bytes, unit, error, suffixes[i]);
}

/* Four significant digits; fewer where the error leaves fewer, but one. *ulp: of the last one. */
static int decimals_of(double x, double error, double *ulp)
{
	int n = 0;

	for (double limit = 1000; n < 7 && x < limit; limit /= 10)
		n++;
	*ulp = 1;
	for (int i = 0; i < n; i++)
		*ulp /= 10;
	for (; n && *ulp * 10 <= error && *ulp * 10 <= x; n--)
		*ulp *= 10;
	return n;
}

void text_decimal_about(struct buf *b, double x, double error)
{
	double ulp;
	int decimals = decimals_of(x, error, &ulp);

	if (x >= 1e9) {
		text_count_about(b, x < 1e19 ? (uint64_t)(x + 0.5) : UINT64_MAX, error);
	} else if (x == 0 || (!(error > 0) && x == (double)(uint64_t)x)) {
		buf_printf(b, "%.0f", x);
	} else if (x < 1e-4) {
		buf_printf(b, "%.*e", error > 0 ? 0 : 2, x);
	} else if (decimals) {
		buf_printf(b, "%.*f", decimals, x);
	} else {
		for (ulp = 1; ulp * 10 <= error && ulp * 10 <= x;)
			ulp *= 10;
		buf_printf(b, "%.0f", (double)(uint64_t)(x / ulp + 0.5) * ulp);
	}
}

void text_count(struct buf *b, uint64_t n)
{
	static const char *const suffixes[] = { "k", "M", "G", "T", "P", "E" };
	uint64_t unit = 1000;

	if (n < 1000) {
		buf_printf(b, "%u", (unsigned int)n);
		return;
	}
	for (size_t i = 0; !three_digits(b, n, unit, 1000, suffixes[i]); i++)
		unit *= 1000;
}

void text_bytes(struct buf *b, uint64_t bytes)
{
	static const char *const suffixes[] = { " KiB", " MiB", " GiB", " TiB", " PiB", " EiB" };
	uint64_t unit = 1024;

	if (bytes < 1024) {
		buf_printf(b, "%u B", (unsigned int)bytes);
		return;
	}
	for (size_t i = 0; !three_digits(b, bytes, unit, 1024, suffixes[i]); i++)
		unit *= 1024;
}

void text_duration(struct buf *b, uint64_t ns)
{
	const uint64_t second = 1000000000;
	uint64_t s = in_steps(ns, second, 1), m = in_steps(ns, 60 * second, 1), h = in_steps(ns, 3600 * second, 1);

	if (ns < 1000)
		buf_printf(b, "%u ns", (unsigned int)ns);
	else if (three_digits(b, ns, 1000, 1000, " us") || three_digits(b, ns, 1000000, 1000, " ms"))
		return;
	/* 59.95 s would show as "60.0 s". */
	else if (in_steps(ns, second, 10) < 600)
		three_digits(b, ns, second, 61, " s");
	else if (s < 3600)
		buf_printf(b, "%um%02us", (unsigned int)s / 60, (unsigned int)s % 60);
	else if (m < 24 * 60)
		buf_printf(b, "%uh%02um", (unsigned int)m / 60, (unsigned int)m % 60);
	else
		buf_printf(b, "%ud%02uh", (unsigned int)h / 24, (unsigned int)h % 24);
}
