/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Room for `more` bytes and the NUL. */
static void buf_room(struct buf *b, size_t more)
{
	size_t want;

	if (__builtin_add_overflow(b->len, more, &want) || __builtin_add_overflow(want, (size_t)1, &want))
		want = SIZE_MAX;	/* ends in vec_grow_mem's out of memory */
	if (want <= b->cap)
		return;
	b->data = vec_grow_mem(b->data, &b->cap, want < 64 ? 64 : want, 1);
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	buf_room(b, len);
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	buf_room(b, 80);
	n = vsnprintf(b->data + b->len, b->cap - b->len, fmt, ap);
	if (n > 0 && (size_t)n >= b->cap - b->len) {
		buf_room(b, n);
		n = vsnprintf(b->data + b->len, b->cap - b->len, fmt, again);
	}
	if (n > 0)
		b->len += n;
	b->data[b->len] = '\0';
	va_end(again);
	va_end(ap);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

void buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}

const char *buf_cstr(const struct buf *b)
{
	return b->data ? b->data : "";
}
