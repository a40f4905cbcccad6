/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One bound on alloctrace's own memory (--max-memory), for what files and stacks of a target can make it take. */
#ifndef ALLOCTRACE_BASE_MEMLIMIT_H
#define ALLOCTRACE_BASE_MEMLIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMLIMIT_DEFAULT (1ULL << 30)	/* bytes */

void memlimit_set(uint64_t bytes);
uint64_t memlimit_bytes(void);
/* May so many more bytes be taken, with what is resident now? False: the caller does without; the first time what is
 * left out is logged. what: the file that wants them. */
bool memlimit_has_room(uint64_t bytes, const char *what);
/* The same for what comes in many small pieces: is less resident than so much of the limit? Stacks leave room for their
 * names, and these for what shows them. */
#define MEMLIMIT_STACKS 50
#define MEMLIMIT_NAMES 65
bool memlimit_has_share(unsigned int percent, const char *what);
/* How often there was no room for bytes: parts of files that are not read. */
uint64_t memlimit_refused(void);

#endif
