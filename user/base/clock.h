/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ALLOCTRACE_BASE_CLOCK_H
#define ALLOCTRACE_BASE_CLOCK_H

#include <stdint.h>

/*
 * The kernel's CLOCK_MONOTONIC, ns: the clock of bpf_ktime_get_ns() and of the process events. In a time namespace,
 * once monotonic_begin() was called; before, that namespace's.
 */
uint64_t monotonic_ns(void);
/* CLOCK_REALTIME, ns. */
uint64_t realtime_ns(void);
/* Finds out by what a time namespace sets its clock off (time_namespaces(7)). 0 or -errno. */
int monotonic_begin(void);

#endif
