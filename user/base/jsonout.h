/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes JSON (RFC 8259) without white space into a buffer, which the caller may flush and empty at any time:
 *
 *     struct json_out j = {.out = &b};
 *
 *     json_out_object(&j, NULL);
 *     json_out_string(&j, "name", name);
 *     json_out_array(&j, "values");
 *     json_out_u64(&j, NULL, 5);
 *     json_out_end(&j);
 *     json_out_end(&j);
 *
 * The second argument is the key of what is inside of an object, and NULL elsewhere. Strings of any bytes become valid
 * JSON: what is not UTF-8 is U+FFFD. Numbers that JSON lacks (NaN, infinity) are null.
 */
#ifndef ALLOCTRACE_BASE_JSONOUT_H
#define ALLOCTRACE_BASE_JSONOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define JSON_OUT_DEPTH_MAX 32

struct json_out {
	struct buf *out;	/* borrowed */
	bool for_script;	/* < > & and U+2028, U+2029 are escaped, too: nothing in it ends an element <script> */
	/* Inside: */
	unsigned int depth;
	uint32_t arrays, filled;	/* bit i: what is open at depth i + 1 is an array; has something in it */
};

void json_out_object(struct json_out *j, const char *key);
void json_out_array(struct json_out *j, const char *key);
/* Ends the object or array that was begun last. */
void json_out_end(struct json_out *j);
/* s: NULL is null. */
void json_out_string(struct json_out *j, const char *key, const char *s);
void json_out_u64(struct json_out *j, const char *key, uint64_t n);
void json_out_i64(struct json_out *j, const char *key, int64_t n);
/* With at most 15 digits. */
void json_out_double(struct json_out *j, const char *key, double x);
void json_out_bool(struct json_out *j, const char *key, bool yes);

#endif
