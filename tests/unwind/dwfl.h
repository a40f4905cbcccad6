/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ALLOCTRACE_TESTS_UNWIND_DWFL_H
#define ALLOCTRACE_TESTS_UNWIND_DWFL_H

#include <sys/types.h>

/*
 * Follows the process from before its exec to its end and writes to PATH how many calls of libc's malloc came from
 * which stack, as gdbstacks.py does. Writes a byte to `ready` once it would miss none. Returns the exit status.
 */
int dwfl_follow(pid_t pid, const char *path, int ready);

#endif
