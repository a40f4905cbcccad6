/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code of a file that lies in anonymous memory: programs copy their text to huge pages, to the addresses where it was
 * (node --use-largepages, HHVM, ClickHouse, iodlr), since it would not run anywhere else.
 */
#ifndef ALLOCTRACE_PROC_COPIED_H
#define ALLOCTRACE_PROC_COPIED_H

#include <sys/types.h>

#include "proc/maps.h"

/* Whether there are, in the process's memory from `start` on, the bytes of the file from `offset` on: by samples, some
 * of which may differ (breakpoints, patches). */
bool copied_to(pid_t pid, uint64_t start, uint64_t bytes, int fd, uint64_t offset);
/* Whether the anonymous mapping holds what the file (fd, an ELF file) would have there, by its mapping `next_to`, which
 * begins or ends where it ends or begins; *offset is that of its first byte. */
bool copied_from(pid_t pid, const struct maps_line *anon, const struct maps_line *next_to, int fd, uint64_t *offset);

#endif
