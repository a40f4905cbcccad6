/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compressed data of hostile files: nothing decompresses to more than the caller allows, in time or in memory. */
#ifndef ALLOCTRACE_ELF_DECOMPRESS_H
#define ALLOCTRACE_ELF_DECOMPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The contents of a section with SHF_COMPRESSED: a Chdr of that class (ELFCLASS64...), then a zlib or zstd stream that
 * must give the size that the header says. *data is the caller's to free, with one NUL byte behind *size bytes.
 * 0, -EFBIG (above max_bytes), or -ENOEXEC (damaged, or of another compression). */
int decompress_section(int class, const uint8_t *raw, size_t raw_size, size_t max_bytes, uint8_t **data, size_t *size);

/* The contents of a .zdebug_* section, which binutils wrote (--compress-debug-sections=zlib-gnu) before SHF_COMPRESSED
 * was agreed on: the same in all else. */
int decompress_zdebug(const uint8_t *raw, size_t raw_size, size_t max_bytes, uint8_t **data, size_t *size);

/* An .xz file, of which *size is not known before: 0, -EFBIG (above max_bytes), or -ENOEXEC (damaged; or its dictionary
 * is larger than what any tool writes there). *data is the caller's to free. */
int decompress_xz(const uint8_t *raw, size_t raw_size, size_t max_bytes, uint8_t **data, size_t *size);

#endif
