/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many arguments a function takes, as far as its code shows. */
#ifndef ALLOCTRACE_PROBE_ARGS_H
#define ALLOCTRACE_PROBE_ARGS_H

#include "probe/flow.h"

/* Bit i: the function, or one that it calls first, may read its i-th argument (0 = the first) as it came in. A function
 * that takes fewer arguments than its callers have in mind reads fewer; one that reads more is another function. */
uint8_t args_read(struct flow_file *ff, uint64_t vaddr);

#endif
