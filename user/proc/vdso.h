/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ALLOCTRACE_PROC_VDSO_H
#define ALLOCTRACE_PROC_VDSO_H

#include "elf/elffile.h"

/*
 * Our own vDSO: it is the same in every process. Only the mapping tells how long it is. The caller closes it; NULL:
 * there is none.
 */
struct elf_file *vdso_open(void);

#endif
