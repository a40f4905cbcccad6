/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does a program copy its own text? Some move it to huge pages when they start, or later. Breakpoints in it are copied
 * along, and are nobody's there: SIGTRAP kills the process. What can be told in advance is told by signs: functions and
 * sections of the code known to do it, and calls that place memory over existing mappings as only such code does.
 */
#ifndef ALLOCTRACE_PROBE_SELFCOPY_H
#define ALLOCTRACE_PROBE_SELFCOPY_H

#include <stdbool.h>

#include "elf/elffile.h"

/* NULL, or a static string that names the sign ("MapStaticCodeToLargePages"). *if_told: the program is node, which
 * has such code in each of its binaries, and runs it only on request (proc/copier.h). */
const char *selfcopy_sign(const struct elf_file *ef, bool *if_told);

#endif
