/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does a program copy its own text? Some move it to huge pages when they start, or later. Breakpoints in it are copied
 * along, and are nobody's there: SIGTRAP kills the process. What can be told in advance is told by signs: functions and
 * sections of the code known to do it, and calls that place memory over existing mappings as only such code does.
 */
#ifndef ALLOCTRACE_PROBE_SELFCOPY_H
#define ALLOCTRACE_PROBE_SELFCOPY_H

#include <stdbool.h>
#include <sys/types.h>

#include "elf/elffile.h"

/* NULL, or a static string that names the sign ("MapStaticCodeToLargePages"). ef: a process's executable. */
const char *selfcopy_sign(const struct elf_file *ef, pid_t pid);
/* No executable mapping of the file (by its inode number, as in maps) is left: its text was copied already, and
 * the kernel places no probe in what belongs to no file. */
bool selfcopy_is_over(uint64_t ino, pid_t pid);
/* The file behind fd is what the process executes. */
bool selfcopy_is_executable(int fd, pid_t pid);

#endif
