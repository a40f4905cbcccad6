/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growable byte buffer; `struct buf b = {0}` is empty. data is NUL-terminated whenever it is not NULL. */
#ifndef ALLOCTRACE_BASE_BUF_H
#define ALLOCTRACE_BASE_BUF_H

#include <stddef.h>

struct buf {
	char *data;
	size_t len, cap;
};

void buf_add(struct buf *b, const void *data, size_t len);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Keeps the memory. data becomes "" if it was ever allocated. */
void buf_reset(struct buf *b);
void buf_free(struct buf *b);
/* Never NULL. */
const char *buf_cstr(const struct buf *b);

#endif
