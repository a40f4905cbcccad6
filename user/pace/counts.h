/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the counters of the BPF side say to those that pace a run. c: as tracer_counts() fills it. */
#ifndef ALLOCTRACE_PACE_COUNTS_H
#define ALLOCTRACE_PACE_COUNTS_H

#include "kern/kern.h"
#include "pace/rate.h"

/* Calls and bytes seen, with what samples of Go's runtimes stand for. */
double counts_calls(const uint64_t c[COUNT_MAX]);
double counts_bytes(const uint64_t c[COUNT_MAX]);
/* Calls that were sampled, whether they came into a table or were lost. */
uint64_t counts_samples(const uint64_t c[COUNT_MAX]);
struct rate_counters counts_for_rate(const uint64_t c[COUNT_MAX]);

#endif
