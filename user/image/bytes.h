/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ALLOCTRACE_IMAGE_BYTES_H
#define ALLOCTRACE_IMAGE_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* Reads up to len bytes of the file behind fd at that offset. Returns how many there were; 0 also on an error. */
size_t bytes_read(int fd, uint64_t offset, void *data, size_t len);

#endif
