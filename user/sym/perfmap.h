/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /tmp/perf-PID.map: where a JIT compiler writes the names of its code, "start size name" with hexadecimal numbers, a
 * line for each function, appended as code is made. A later line wins over an earlier one where they overlap.
 */
#ifndef ALLOCTRACE_SYM_PERFMAP_H
#define ALLOCTRACE_SYM_PERFMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sym/codemap.h"

#define PERFMAP_NAME_MAX CODEMAP_NAME_MAX

struct perfmap;

struct perfmap *perfmap_new(void);
void perfmap_free(struct perfmap *pm);
/* Reads what was appended to the file since the last time, or all of a file that is another one or has shrunk. A file
 * that does not belong to uid or root, or is above 1 GiB, is refused. Damaged lines are skipped. 0, or -errno without
 * a message: what was read before stays. */
int perfmap_read(struct perfmap *pm, int fd, uint32_t uid);
size_t perfmap_count(const struct perfmap *pm);
/* NULL if no line holds addr; *start is where the line's code starts. The name lives until the next perfmap_read(). */
const char *perfmap_at(const struct perfmap *pm, uint64_t addr, uint64_t *start);

/* The map of a process: below its own root under its own pid there, then this host's under the host's pid. A
 * descriptor, or -errno. A symbolic link in the place of the file is not followed. */
int perfmap_open(uint32_t pid);

#endif
