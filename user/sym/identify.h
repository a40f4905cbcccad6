/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Build ids of modules, by which another machine finds the files, and where their code lies. */
#ifndef ALLOCTRACE_SYM_IDENTIFY_H
#define ALLOCTRACE_SYM_IDENTIFY_H

#include "model/module.h"

/* Reads each file that was not read yet, and is open. all: otherwise only files that share their path with another one,
 * which nothing else distinguishes. */
void modules_identify(struct modules *m, bool all);

#endif
