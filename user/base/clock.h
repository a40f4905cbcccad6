/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ALLOCTRACE_BASE_CLOCK_H
#define ALLOCTRACE_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC, ns: the clock of bpf_ktime_get_ns() and of the process events. */
static inline uint64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

#endif
