/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scales the windows of a wide run, each group of processes by its own work (pace/scale.h): probes slow down a compiler
 * more than a server that sleeps, and a build has other programs at work from one second to the next. What is scaled
 * are hits; rows are scaled by the same factor.
 */
#ifndef ALLOCTRACE_PACE_GROUPS_H
#define ALLOCTRACE_PACE_GROUPS_H

#include <stddef.h>

#include "kern/kern.h"
#include "pace/scale.h"

/* What a group has done so far. */
struct group_now {
	uint64_t program;	/* struct member */
	struct group_work work;
};

struct groups;

/* The first stratum begins, and its window: all is counted. */
struct groups *groups_new(void);
/* NULL is a no-op. */
void groups_free(struct groups *g);
/* Takes in a reading, of all groups there are. hit_ns: what a hit costs; weight: for how many calls each stands that
 * was counted since the last reading; now_ns: CLOCK_MONOTONIC. */
void groups_read(struct groups *g, const struct group_now *at, size_t n, double hit_ns, double weight, uint64_t now_ns);
/* Of scale.h, for all groups as of the last reading. */
void groups_attached(struct groups *g);
void groups_detached(struct groups *g);
void groups_next(struct groups *g);
/* By what the rows of the group are to be multiplied; 1 if it is not known. */
double groups_factor(const struct groups *g, uint64_t program);
/* Over all groups: how the hits were scaled, of most of them, and how good that is; calls and bytes are hits. At least
 * a tenth of them by time alone: SCALE_TIME. */
struct scale_total groups_total(const struct groups *g);

#endif
