/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/json.h"

#include <string.h>

enum expects {
	EXPECTS_VALUE,
	EXPECTS_VALUE_OR_END,	/* after "[" */
	EXPECTS_KEY_OR_END,	/* after "{" */
	EXPECTS_COMMA_OR_END,
	EXPECTS_NOTHING,	/* after the one value */
	EXPECTS_ERROR,		/* there was one */
};

struct json json_begin(const char *text, size_t len)
{
	return (struct json){.at = text, .end = text + len, .expects = EXPECTS_VALUE};
}

static enum json_token error(struct json *j)
{
	j->expects = EXPECTS_ERROR;
	return JSON_ERROR;
}

static void skip_blanks(struct json *j)
{
	while (j->at < j->end && *j->at && strchr(" \t\n\r", *j->at))
		j->at++;
}

static bool in_array(const struct json *j)
{
	return j->arrays >> (j->depth - 1) & 1;
}

/* What comes after a value, or after the end of an object or array. */
static void value_done(struct json *j)
{
	j->expects = j->depth ? EXPECTS_COMMA_OR_END : EXPECTS_NOTHING;
}

static bool take_char(struct json *j, char c)
{
	if (j->at == j->end || *j->at != c)
		return false;
	j->at++;
	return true;
}

/* --- strings */

static bool take_hex4(struct json *j, unsigned int *out)
{
	*out = 0;
	if (j->end - j->at < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		const char c = *j->at++;

		if (c >= '0' && c <= '9')
			*out = *out << 4 | (unsigned int)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			*out = *out << 4 | (unsigned int)((c | 0x20) - 'a' + 10);
		else
			return false;
	}
	return true;
}

static void add_utf8(struct buf *b, unsigned int c)
{
	if (c < 0x80) {
		buf_char(b, (char)c);
		return;
	}
	if (c < 0x800) {
		buf_char(b, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			buf_char(b, (char)(0xe0 | c >> 12));
		} else {
			buf_char(b, (char)(0xf0 | c >> 18));
			buf_char(b, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		buf_char(b, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	buf_char(b, (char)(0x80 | (c & 0x3f)));
}

/* What follows "\u"; two of them are one character above U+FFFF. */
static bool take_unicode(struct json *j, struct buf *text)
{
	unsigned int c, low;

	if (!take_hex4(j, &c) || (c >= 0xdc00 && c <= 0xdfff))
		return false;
	if (c >= 0xd800 && c <= 0xdbff) {
		if (!take_char(j, '\\') || !take_char(j, 'u') || !take_hex4(j, &low) || low < 0xdc00 || low > 0xdfff)
			return false;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	if (text)
		add_utf8(text, c);
	return true;
}

static bool take_escape(struct json *j, struct buf *text)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if (j->at == j->end)
		return false;
	if (take_char(j, 'u'))
		return take_unicode(j, text);
	found = *j->at ? strchr(names, *j->at) : NULL;
	if (!found)
		return false;
	j->at++;
	if (text)
		buf_char(text, values[found - names]);
	return true;
}

/* Behind the first quotation mark. */
static bool take_string(struct json *j, struct buf *text)
{
	if (text) {
		buf_reset(text);
		buf_str(text, "");
	}
	for (;;) {
		const char *from = j->at;

		while (j->at < j->end && *j->at != '"' && *j->at != '\\' && (unsigned char)*j->at >= 0x20)
			j->at++;
		if (text)
			buf_add(text, from, j->at - from);
		if (take_char(j, '"'))
			return true;
		if (!take_char(j, '\\') || !take_escape(j, text))
			return false;
	}
}

/* --- other values */

static bool take_digits(struct json *j)
{
	const char *from = j->at;

	while (j->at < j->end && *j->at >= '0' && *j->at <= '9')
		j->at++;
	return j->at > from;
}

static bool take_number(struct json *j, struct buf *text)
{
	const char *from = j->at;

	take_char(j, '-');
	if (!take_char(j, '0') && !take_digits(j))
		return false;
	if (take_char(j, '.') && !take_digits(j))
		return false;
	if (take_char(j, 'e') || take_char(j, 'E')) {
		if (!take_char(j, '+'))
			take_char(j, '-');
		if (!take_digits(j))
			return false;
	}
	if (text) {
		buf_reset(text);
		buf_add(text, from, j->at - from);
	}
	return true;
}

static bool take_word(struct json *j, const char *word)
{
	const size_t len = strlen(word);

	if ((size_t)(j->end - j->at) < len || memcmp(j->at, word, len))
		return false;
	j->at += len;
	return true;
}

static enum json_token enter(struct json *j, bool array)
{
	if (j->depth == JSON_DEPTH_MAX)
		return error(j);
	j->arrays = (j->arrays & ~(1ULL << j->depth)) | (uint64_t)array << j->depth;
	j->depth++;
	j->expects = array ? EXPECTS_VALUE_OR_END : EXPECTS_KEY_OR_END;
	return array ? JSON_ARRAY : JSON_OBJECT;
}

static enum json_token leave(struct json *j, bool array)
{
	if (!j->depth || in_array(j) != array)
		return error(j);
	j->depth--;
	value_done(j);
	return array ? JSON_ARRAY_END : JSON_OBJECT_END;
}

static enum json_token take_value(struct json *j, struct buf *text)
{
	enum json_token token = JSON_ERROR;

	if (take_char(j, '{'))
		return enter(j, false);
	if (take_char(j, '['))
		return enter(j, true);
	if (take_char(j, '"'))
		token = take_string(j, text) ? JSON_STRING : JSON_ERROR;
	else if (take_word(j, "true"))
		token = JSON_TRUE;
	else if (take_word(j, "false"))
		token = JSON_FALSE;
	else if (take_word(j, "null"))
		token = JSON_NULL;
	else if (take_number(j, text))
		token = JSON_NUMBER;
	if (token == JSON_ERROR)
		return error(j);
	value_done(j);
	return token;
}

static enum json_token take_key(struct json *j, struct buf *text)
{
	if (!take_char(j, '"') || !take_string(j, text))
		return error(j);
	skip_blanks(j);
	if (!take_char(j, ':'))
		return error(j);
	j->expects = EXPECTS_VALUE;
	return JSON_KEY;
}

static enum json_token take_after_value(struct json *j, struct buf *text)
{
	if (take_char(j, '}'))
		return leave(j, false);
	if (take_char(j, ']'))
		return leave(j, true);
	if (!take_char(j, ','))
		return error(j);
	skip_blanks(j);
	return in_array(j) ? take_value(j, text) : take_key(j, text);
}

enum json_token json_next(struct json *j, struct buf *text)
{
	if (j->expects == EXPECTS_ERROR)
		return JSON_ERROR;
	skip_blanks(j);
	switch ((enum expects)j->expects) {
	case EXPECTS_VALUE_OR_END:
		if (take_char(j, ']'))
			return leave(j, true);
		return take_value(j, text);
	case EXPECTS_VALUE:
		return take_value(j, text);
	case EXPECTS_KEY_OR_END:
		if (take_char(j, '}'))
			return leave(j, false);
		return take_key(j, text);
	case EXPECTS_COMMA_OR_END:
		return take_after_value(j, text);
	case EXPECTS_NOTHING:
		return j->at == j->end ? JSON_END : error(j);
	case EXPECTS_ERROR:
		break;
	}
	return JSON_ERROR;
}

/* --- by shape */

static bool is_value(enum json_token t)
{
	return t != JSON_ERROR && t != JSON_END && t != JSON_OBJECT_END && t != JSON_ARRAY_END && t != JSON_KEY;
}

/* Passes over the rest of the value that began with token t. */
static bool pass_over(struct json *j, enum json_token t)
{
	if (t == JSON_OBJECT || t == JSON_ARRAY)
		for (const unsigned int depth = j->depth; j->depth >= depth;)
			if (json_next(j, NULL) == JSON_ERROR)
				return false;
	return is_value(t);
}

static bool enter_if(struct json *j, enum json_token wanted)
{
	enum json_token t = json_next(j, NULL);

	if (t != wanted)
		pass_over(j, t);
	return t == wanted;
}

bool json_object(struct json *j)
{
	return enter_if(j, JSON_OBJECT);
}

bool json_array(struct json *j)
{
	return enter_if(j, JSON_ARRAY);
}

bool json_item(struct json *j)
{
	skip_blanks(j);
	if (j->expects == EXPECTS_VALUE_OR_END || j->expects == EXPECTS_COMMA_OR_END) {
		if (take_char(j, ']')) {
			leave(j, true);
			return false;
		}
		if (j->expects == EXPECTS_VALUE_OR_END || take_char(j, ',')) {
			j->expects = EXPECTS_VALUE;
			return true;
		}
	}
	error(j);
	return false;
}

bool json_key(struct json *j, struct buf *key)
{
	return json_next(j, key) == JSON_KEY;
}

bool json_string(struct json *j, struct buf *text)
{
	enum json_token t = json_next(j, text);

	pass_over(j, t);
	return t == JSON_STRING && strlen(text->data) == text->len;
}

bool json_skip(struct json *j)
{
	return pass_over(j, json_next(j, NULL));
}

bool json_end(struct json *j)
{
	return json_next(j, NULL) == JSON_END;
}
