/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process had mapped where, and when: operations on process.maps. Pure, no system calls. Times ns,
 * CLOCK_MONOTONIC.
 */
/* Part of proc/process.h. */
#ifndef ALLOCTRACE_PROC_TIMELINE_H
#define ALLOCTRACE_PROC_TIMELINE_H

#include "proc/process.h"

/*
 * Ended mappings that are remembered per process; beyond it, the half that ended first is forgotten. Many more than a
 * program ends that loads and unloads plugins, and few enough that a change stays cheap (some 10 us) if all were at
 * one address.
 */
#define TIMELINE_ENDED_MAX 8192

/* m->start, end, offset and module were mapped at time_ns, and nothing contradicts that they were since earliest_ns.
 * What else was there ends at time_ns. Also for times before the latest reading (process.read_ns): what is known to
 * come later then stays. */
void timeline_map(struct process *p, uint64_t time_ns, uint64_t earliest_ns, const struct mapping *m);
/* Nothing is mapped in [start, end) from time_ns on. */
void timeline_unmap(struct process *p, uint64_t time_ns, uint64_t start, uint64_t end);
/* The mapping that holds addr at time_ns, or NULL. Valid until the next change. */
const struct mapping *timeline_find(const struct process *p, uint64_t addr, uint64_t time_ns);

#endif
