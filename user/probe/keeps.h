/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a function has a frame pointer at one of its calls, by its code alone. */
#ifndef ALLOCTRACE_PROBE_KEEPS_H
#define ALLOCTRACE_PROBE_KEEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Functions are followed so far. */
#define KEEPS_BYTES_MAX 16384

/*
 * code: n bytes (at most KEEPS_BYTES_MAX) of a function that starts at vaddr. True if on every way from there to the
 * instruction that has the byte at pc, rbp was pushed where the function was entered, then set to rsp, and not written
 * since.
 */
bool keeps_frame_pointer(const uint8_t *code, size_t n, uint64_t vaddr, uint64_t pc);

/* Looked at before a return address. */
#define KEEPS_ROOT_BYTES 64

/*
 * code: n bytes before the return address of a frame whose frame pointer is 0. True if that is a thread's first frame:
 * what leads to the call there has set rbp to 0, or there is no call at all, since nobody returns there by one.
 */
bool keeps_root(const uint8_t *code, size_t n);

#endif
