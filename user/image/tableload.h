/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The unwind table of a file, from all there is of it. */
#ifndef ALLOCTRACE_IMAGE_TABLELOAD_H
#define ALLOCTRACE_IMAGE_TABLELOAD_H

#include <sys/types.h>

#include "elf/ehframe.h"

#define IMAGE_ROOT_MAX 40	/* of "/proc/PID/root" */

/* The root directory of a process, written to buf; "" (ours) for pid 0. */
const char *table_root(pid_t pid, char buf[IMAGE_ROOT_MAX]);

/* As unwind_table_load(); where that has no rule, from the file's separate debug file, NULL: it has none. */
int table_load(const struct elf_file *ef, const struct elf_file *debug, size_t max_rows, struct unwind_table **out);

/* The separate debug file of ef, which the target knows by that path: as the target would find it, below root, then as
 * we would ("": the same). As elf_debugfile_open(). */
int table_open_debug(const struct elf_file *ef, const char *path, const char *root, int *fd, struct elf_file **debug);

#endif
