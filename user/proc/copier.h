/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process tells of whether it copies its own text; what its file tells is in probe/selfcopy.h. */
#ifndef ALLOCTRACE_PROC_COPIER_H
#define ALLOCTRACE_PROC_COPIER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* node's command line or environment has the option for it. */
bool copier_is_told(pid_t pid);
/* No executable mapping of the file (by its inode number, as in maps) is left: its text was copied already, and
 * the kernel places no probe in what belongs to no file. */
bool copier_is_over(uint64_t ino, pid_t pid);
/* The file behind fd is what the process executes. */
bool copier_is_executable(int fd, pid_t pid);

#endif
