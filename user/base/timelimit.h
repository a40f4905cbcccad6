/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One bound on the time that a report takes to look up names (--max-naming), which files of a target can make long. It
 * holds for the calling thread. */
#ifndef ALLOCTRACE_BASE_TIMELIMIT_H
#define ALLOCTRACE_BASE_TIMELIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* The time runs from now on. */
void timelimit_start(uint64_t ns);
/* It does not run any more. Returns whether it was over. */
bool timelimit_stop(void);
/* So much more of it: a wait that has a bound of its own. */
void timelimit_add(uint64_t ns);
/* False while it does not run. */
bool timelimit_is_over(void);

#endif
