/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In a wide run one law of sampling for all would give the loudest program all samples. So each group of processes has
 * a law of its own: the mean is that of all, but each call counts for so many bytes more that the group gets a floor of
 * samples, however little it allocates beside others (bpf/sample.h: c).
 */
#ifndef ALLOCTRACE_PACE_FLOORS_H
#define ALLOCTRACE_PACE_FLOORS_H

#include "trace/tracer.h"

#define FLOOR_SAMPLES	50	/* a second, of each group that makes as many calls */

struct floors;

struct floors *floors_new(void);
/* NULL is a no-op. */
void floors_free(struct floors *f);
/* Once a second, by how often each group was hit since; the rest of the time nothing. mean, call: the law of all. */
void floors_update(struct floors *f, struct tracer *t, uint64_t mean, uint64_t call, uint64_t now_ns);
/* What a group's calls count for, that had so many hits in so many seconds. */
uint64_t floors_call(double hits, double seconds, uint64_t mean, uint64_t call);

#endif
