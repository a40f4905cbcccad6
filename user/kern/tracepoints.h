/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's own tracepoints, as its BTF has them. */
#ifndef ALLOCTRACE_KERN_TRACEPOINTS_H
#define ALLOCTRACE_KERN_TRACEPOINTS_H

#include <stdbool.h>

/* Those that kern/resident.h and kern/kmem.h need are there, and say what is meant. why: a static string, the reason if
 * not, else NULL. */
bool tracepoints_for_rss(const char **why);
bool tracepoints_for_kernel(const char **why);

#endif
