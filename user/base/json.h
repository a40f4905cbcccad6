/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A strict reader of JSON (RFC 8259), token by token, for files that others write. It copies nothing but strings, which
 * it decodes, and stops for good at the first byte that does not belong there. Bytes above 127 are not checked.
 *
 *     struct json j = json_begin(text, len);
 *
 *     if (json_object(&j))
 *             while (json_key(&j, &key)) {
 *                     if (!strcmp(key.data, "Name"))
 *                             json_string(&j, &name);
 *                     else
 *                             json_skip(&j);
 *             }
 *     whole = json_end(&j);
 */
#ifndef ALLOCTRACE_BASE_JSON_H
#define ALLOCTRACE_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define JSON_DEPTH_MAX 64	/* objects and arrays inside each other; more is an error */

enum json_token {
	JSON_ERROR,	/* nothing follows; so it is where the text ends too early */
	JSON_END,	/* of the text, which was well-formed */
	JSON_OBJECT, JSON_OBJECT_END,
	JSON_ARRAY, JSON_ARRAY_END,
	JSON_KEY,	/* its value follows */
	JSON_STRING,
	JSON_NUMBER,	/* as it is written */
	JSON_TRUE, JSON_FALSE, JSON_NULL,
};

struct json {
	const char *at, *end;
	uint64_t arrays;	/* bit i: what is open at depth i + 1 is an array */
	unsigned int depth;
	uint8_t expects;	/* of enum expects (json.c) */
};

/* text has to stay until the last call. */
struct json json_begin(const char *text, size_t len);
/* text: of keys, strings and numbers, from its beginning on; may be NULL. A string may hold NULs: compare text->len. */
enum json_token json_next(struct json *j, struct buf *text);

/* The next value is an object, or an array, and was entered. False: another value, which was passed over. */
bool json_object(struct json *j);
bool json_array(struct json *j);
/* The array that was entered has another item, which is the caller's to take, by one call. False: it ends. */
bool json_item(struct json *j);
/* The next key of the object that was entered; its value is the caller's to take, by one call. False: it ends. */
bool json_key(struct json *j, struct buf *key);
/* The next value is a string without NULs, and is in text. False: another value, which was passed over. */
bool json_string(struct json *j, struct buf *text);
/* Passes over the next value. False: there is none. */
bool json_skip(struct json *j);
/* Everything was read, and was well-formed. */
bool json_end(struct json *j);

#endif
