/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ALLOCTRACE_BASE_CLOCK_H
#define ALLOCTRACE_BASE_CLOCK_H

#include <stdint.h>

/*
 * The kernel's CLOCK_MONOTONIC, ns: the clock of bpf_ktime_get_ns() and of the process events. In a time namespace,
 * once monotonic_set() was called; before, that namespace's.
 */
uint64_t monotonic_ns(void);
/* It is `ns` now. Once, before other threads are there. */
void monotonic_set(uint64_t ns);

#endif
