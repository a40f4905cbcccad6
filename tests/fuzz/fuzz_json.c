/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arbitrary bytes as JSON. What the reader accepts, written again from its tokens, has the same tokens, and no
 * beginning of it is accepted if it is an object or an array; what passes over values and what takes them agree
 * (-max_len=512 -runs=40000).
 */
#include "base/json.h"

#include "fuzz.h"

static void write_string(struct buf *out, const struct buf *text)
{
	buf_char(out, '"');
	for (size_t i = 0; i < text->len; i++) {
		const unsigned char c = text->data[i];

		if (c < 0x20 || c == '"' || c == '\\')
			buf_printf(out, "\\u%04x", c);
		else
			buf_char(out, (char)c);
	}
	buf_char(out, '"');
}

/* Writes what begins with or is the token; *comma: a comma comes before the next one. */
static void write_token(struct buf *out, enum json_token t, const struct buf *text, bool *comma)
{
	const bool ends = t == JSON_OBJECT_END || t == JSON_ARRAY_END;

	if (*comma && !ends)
		buf_char(out, ',');
	*comma = t != JSON_OBJECT && t != JSON_ARRAY && t != JSON_KEY;
	if (t == JSON_STRING || t == JSON_KEY)
		write_string(out, text);
	else if (t == JSON_NUMBER)
		buf_add(out, text->data, text->len);
	else
		buf_str(out, t == JSON_OBJECT ? "{" : t == JSON_OBJECT_END ? "}" : t == JSON_ARRAY ? "[" :
			     t == JSON_ARRAY_END ? "]" : t == JSON_TRUE ? "true" : t == JSON_FALSE ? "false" : "null");
	if (t == JSON_KEY)
		buf_char(out, ':');
}

/* As tokens say it; false if they end in an error. */
static bool rewrite(const char *data, size_t size, struct buf *out)
{
	char *copy = (char *)exact_copy((const uint8_t *)data, size);
	struct json j = json_begin(copy, size);
	struct buf text = {0};
	enum json_token t;
	bool comma = false;

	buf_reset(out);
	while ((t = json_next(&j, &text)) != JSON_END && t != JSON_ERROR)
		write_token(out, t, &text, &comma);
	for (int i = 0; i < 3; i++)
		require(t == JSON_END || json_next(&j, &text) == JSON_ERROR);
	buf_free(&text);
	free(copy);
	return t == JSON_END;
}

static bool accepts(const char *data, size_t size)
{
	struct json j = json_begin(data, size);

	return json_skip(&j) && json_end(&j);
}

/* Every key and item of the outermost object or array, taken as a string where it is one. */
static bool walk(const char *data, size_t size)
{
	struct json j = json_begin(data, size), k = j;
	struct buf text = {0};
	bool by_string = false;

	if (json_object(&j)) {
		while (json_key(&j, &text))
			if ((by_string = !by_string))
				json_string(&j, &text);
			else
				json_skip(&j);
	} else if (json_array(&k)) {
		j = k;
		while (json_item(&j))
			if ((by_string = !by_string))
				json_string(&j, &text);
			else
				json_skip(&j);
	}
	buf_free(&text);
	return json_end(&j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct buf once = {0}, twice = {0};
	const bool good = rewrite(text, size, &once);

	require(accepts(text, size) == good);
	require(walk(text, size) == good);
	if (good) {
		require(rewrite(once.data, once.len, &twice));
		require(once.len == twice.len && !memcmp(once.data, twice.data, once.len));
		for (size_t i = 0; strchr("{[", once.data[0]) && i < once.len; i++)
			require(!accepts(once.data, i));
	}
	buf_free(&once);
	buf_free(&twice);
	return 0;
}
