/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jit-PID.dump: where a JIT compiler records the code it makes, for perf (the kernel's source has the format:
 * tools/perf/Documentation/jitdump-specification.txt). The process maps a page of it executable, so that it is found by
 * its mapping. A later record wins over an earlier one where they overlap: time stamps are not compared, so that an old
 * stack in code that was made anew is shown with the new name, as with perf maps.
 */
#ifndef ALLOCTRACE_SYM_JITDUMP_H
#define ALLOCTRACE_SYM_JITDUMP_H

#include <stddef.h>
#include <stdint.h>

struct jitdump;

struct jitdump *jitdump_new(void);
void jitdump_free(struct jitdump *jd);
/* Reads what was appended since the last time, or all of a file that is another one or has shrunk. A file that does
 * not belong to uid or root, or is above 8 GiB, is refused. What follows a damaged record is not read. 0, or -errno
 * without a message: what was read before stays. */
int jitdump_read(struct jitdump *jd, int fd, uint32_t uid);
size_t jitdump_count(const struct jitdump *jd);
/* NULL if no code holds addr; *start is where it starts. The name lives until the next jitdump_read(). */
const char *jitdump_at(const struct jitdump *jd, uint64_t addr, uint64_t *start);

#endif
