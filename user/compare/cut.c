/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is left of a row's name where only that can be compared. */
#include <string.h>

#include "compare/series.h"

#define DIGITS "0123456789"

/* Length of "+0x1f" at s, of " (parse.c:12)" at s, of ":12" at its end; 0: it is something else. */
static size_t offset_at(const char *s)
{
	const size_t digits = strncmp(s, "+0x", 3) ? 0 : strspn(s + 3, DIGITS "abcdef");

	return digits ? 3 + digits : 0;
}

static size_t line_at(const char *s)
{
	size_t len, colon;

	if (strncmp(s, " (", 2) != 0)
		return 0;
	len = strcspn(s + 2, "()");
	if (s[2 + len] != ')')
		return 0;
	for (colon = len; colon > 0 && strchr(DIGITS, s[2 + colon - 1]); colon--)
		;
	return colon > 1 && colon < len && s[2 + colon - 1] == ':' ? len + 3 : 0;
}

static size_t line_number_at(const char *s)
{
	const size_t digits = *s == ':' ? strspn(s + 1, DIGITS) : 0;

	return digits && !s[1 + digits] ? 1 + digits : 0;
}

/* " (4711/4715, inner 1)" at the end. */
static size_t pids_at(const char *s)
{
	size_t len;

	if (strncmp(s, " (", 2) != 0)
		return 0;
	len = strspn(s + 2, DIGITS "/, inner");
	return len && strchr(DIGITS, s[2]) && !strcmp(s + 2 + len, ")") ? len + 3 : 0;
}

void series_cut_name(const char *name, bool coarse, bool pids, struct buf *out)
{
	while (*name) {
		size_t skip = 0;

		if (pids)
			skip = pids_at(name);
		if (coarse && !skip)
			skip = offset_at(name);
		if (coarse && !skip)
			skip = line_at(name);
		if (coarse && !skip)
			skip = line_number_at(name);
		if (skip)
			name += skip;
		else
			buf_char(out, *name++);
	}
}
