/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text for people: escaping what a target controls, widths on a terminal, numbers with units. */
#ifndef ALLOCTRACE_BASE_TEXT_H
#define ALLOCTRACE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define TEXT_NOT_UTF8 UINT32_MAX
/* One character of s (len > 0), which has *used bytes; TEXT_NOT_UTF8 for a byte that is no UTF-8 (overlong forms,
 * surrogates too). */
uint32_t text_decode(const char *s, size_t len, size_t *used);
/* Appends s so that a terminal shows it and obeys nothing in it: control characters, DEL, C1, bytes that are not
 * UTF-8, and the Unicode bidirectional controls become \xNN. */
void text_escape(struct buf *b, const char *s, size_t len);
/* Appends a name that a target gives so that it cannot be taken for a mark of ours ("[truncated: depth limit]", "[?]",
 * "[anon]"): the bracket becomes \x5b where a name, or a part of a path, begins with one, and where it begins a mark.
 * in_brackets: the name is shown in brackets, and must make no mark there either; then its first byte becomes \xNN.
 * What is appended is still to be escaped. */
void text_name(struct buf *b, const char *name, bool in_brackets);
/* Columns that the (escaped, UTF-8) string takes on a terminal; combining characters 0, wide ones 2. */
size_t text_width(const char *s);
/* The environment's locale is one of UTF-8 (LC_ALL, LC_CTYPE, LANG: the first that is set). */
bool text_is_utf8(void);
/* Makes text that may be UTF-8 ASCII: as many columns as before, "…" as "~", what has no likeness as "?". */
void text_to_ascii(struct buf *b);
/* How many newlines s has. */
size_t text_lines(const char *s, size_t len);
/* Appends at most `width` columns of s; where it is cut, the last column shows "…" (with keep_end, the first one, and
 * the end of s is kept). pad: fill with spaces up to width. */
void text_fit(struct buf *b, const char *s, size_t width, bool keep_end, bool pad);
/* "0", "999", "1.00k", "12.3M", "4.56G": three significant digits, at most 5 columns, powers of 1000. */
void text_count(struct buf *b, uint64_t n);
/* "0 B", "999 B", "1.00 KiB", "12.3 MiB": three significant digits ("1023 B", "1023 KiB" four), at most 8 columns. */
void text_bytes(struct buf *b, uint64_t bytes);
/* The same for estimates, whose standard error is given in the same unit: digits that it makes meaningless are not
 * shown ("1.2 MiB" for an error of 0.2 MiB, "500k" for one of 100k). The first digit always is. */
void text_count_about(struct buf *b, uint64_t n, double error);
void text_bytes_about(struct buf *b, uint64_t bytes, double error);
/* "32208", "9", "9.009", "0.2500", "1.23e-09": all digits before the point and at least four that matter, unless it is
 * a whole number; of an estimate, no more than its error leaves. From 1e9 on as text_count_about(). x: not negative. */
void text_decimal_about(struct buf *b, double x, double error);
/* "850 ns", "1.23 us", "45.6 ms", "7.89 s", "12m30s", "3h05m". */
void text_duration(struct buf *b, uint64_t ns);

#endif
