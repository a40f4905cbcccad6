/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/jsonout.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/text.h"

static bool must_escape(const struct json_out *j, uint32_t c)
{
	if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
		return true;
	return j->for_script && (c == '<' || c == '>' || c == '&' || c == 0x2028 || c == 0x2029);
}

/* How many bytes from s on stand for themselves in any string. */
static size_t plain_run(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && s[n] >= ' ' && s[n] < 0x7f && s[n] != '"' && s[n] != '\\' && s[n] != '<' && s[n] != '>' &&
	       s[n] != '&')
		n++;
	return n;
}

static void put_string(struct json_out *j, const char *s)
{
	size_t len = strlen(s), used;

	buf_char(j->out, '"');
	for (; len; s += used, len -= used) {
		uint32_t c;

		used = plain_run(s, len);
		if (used) {
			buf_add(j->out, s, used);
			continue;
		}
		c = text_decode(s, len, &used);
		if (c == TEXT_NOT_UTF8)
			buf_str(j->out, "\xef\xbf\xbd");
		else if (c == '"' || c == '\\')
			buf_printf(j->out, "\\%c", (char)c);
		else if (must_escape(j, c))
			buf_printf(j->out, "\\u%04x", c);
		else
			buf_add(j->out, s, used);
	}
	buf_char(j->out, '"');
}

/* What stands before a value: a comma unless it is the first, and its key. */
static void begin(struct json_out *j, const char *key)
{
	const uint32_t bit = j->depth ? 1U << (j->depth - 1) : 0;

	if (j->filled & bit)
		buf_char(j->out, ',');
	j->filled |= bit;
	if (!key)
		return;
	put_string(j, key);
	buf_char(j->out, ':');
}

static void enter(struct json_out *j, bool array)
{
	const uint32_t bit = 1U << j->depth;

	assert(j->depth < JSON_OUT_DEPTH_MAX);
	j->depth++;
	j->filled &= ~bit;
	j->arrays = array ? j->arrays | bit : j->arrays & ~bit;
	buf_char(j->out, array ? '[' : '{');
}

void json_out_object(struct json_out *j, const char *key)
{
	begin(j, key);
	enter(j, false);
}

void json_out_array(struct json_out *j, const char *key)
{
	begin(j, key);
	enter(j, true);
}

void json_out_end(struct json_out *j)
{
	j->depth--;
	buf_char(j->out, j->arrays >> j->depth & 1 ? ']' : '}');
}

void json_out_string(struct json_out *j, const char *key, const char *s)
{
	begin(j, key);
	if (s)
		put_string(j, s);
	else
		buf_str(j->out, "null");
}

void json_out_u64(struct json_out *j, const char *key, uint64_t n)
{
	begin(j, key);
	buf_printf(j->out, "%llu", (unsigned long long)n);
}

void json_out_i64(struct json_out *j, const char *key, int64_t n)
{
	begin(j, key);
	buf_printf(j->out, "%lld", (long long)n);
}

void json_out_double(struct json_out *j, const char *key, double x)
{
	begin(j, key);
	if (isfinite(x))
		buf_printf(j->out, "%.15g", x);
	else
		buf_str(j->out, "null");
}

void json_out_bool(struct json_out *j, const char *key, bool yes)
{
	begin(j, key);
	buf_str(j->out, yes ? "true" : "false");
}
