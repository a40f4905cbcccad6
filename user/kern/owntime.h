/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CPU time that the traced processes have for their own work, with probes and without: what kern/slowdown.h
 * wants to know. Probes come and go:
 *
 *     owntime_attached() … owntime_detaching() … owntime_detached() … owntime_attaching() … owntime_attached() …
 *          |--- sampled: with -----|                       |- sampled: without -|
 *
 * With probes it costs each CPU an interrupt every 0.6 ms, without them one every 4 ms.
 */
#ifndef ALLOCTRACE_KERN_OWNTIME_H
#define ALLOCTRACE_KERN_OWNTIME_H

#include "kern/tracer.h"

struct owntime;

/* Of the tracer's processes (kern_options.governed); it is borrowed. NULL: CPUs can't be sampled, which is noted. */
struct owntime *owntime_new(struct tracer *t);
/* owntime_free(NULL) is fine, and so is NULL for all others: then nothing is known. */
void owntime_free(struct owntime *o);

/* Sampling begins, if it has not. */
void owntime_attached(struct owntime *o);
/* It ends. count: what was sampled is taken in. */
void owntime_detaching(struct owntime *o, bool count);
void owntime_detached(struct owntime *o);
void owntime_attaching(struct owntime *o);

/* slowdown_factor(). */
double owntime_slowdown(const struct owntime *o, double *error);

#endif
