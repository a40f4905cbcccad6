/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Build ids of modules, by which another machine finds the files, and where their code lies. */
#ifndef ALLOCTRACE_SYM_IDENTIFY_H
#define ALLOCTRACE_SYM_IDENTIFY_H

#include "model/module.h"

/* Reads each file that was not read yet, and is open. */
void modules_identify(struct modules *m);

#endif
