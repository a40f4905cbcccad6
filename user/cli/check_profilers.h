/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Part of `check -p`: the profilers that allocators have themselves, and how to get at what they say. */
#ifndef ALLOCTRACE_CLI_CHECK_PROFILERS_H
#define ALLOCTRACE_CLI_CHECK_PROFILERS_H

#include "model/module.h"
#include "model/plan.h"

/* Of one mapped file: a line for each that it was built with, and whether the process's environment, as it was started,
 * has it on. Prints nothing where that can't be read. */
void check_profilers(const struct module *m, pid_t pid, const struct plan *plan);

#endif
