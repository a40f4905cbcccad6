/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gzip (RFC 1952) of data in memory. */
#ifndef ALLOCTRACE_RECORD_GZIP_H
#define ALLOCTRACE_RECORD_GZIP_H

#include <stddef.h>
#include <stdio.h>

#include "base/buf.h"

/* Writes the data to f, compressed; equal data make equal files. Returns 0 or -errno of the stream. */
int gzip_write(FILE *f, const void *data, size_t size);
/* Appends all that f has to *out, decompressed where it begins as gzip does; several members follow one another.
 * Returns 0, -EFBIG (more than `most` bytes), -EBADMSG (damaged, or cut off), or another -errno of the stream. */
int gzip_read(FILE *f, size_t most, struct buf *out);

#endif
