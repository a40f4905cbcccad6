/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is live in Go programs at this moment, as their runtimes record it: a recording without a run, for which nothing
 * is loaded into the kernel and no process is touched but to read its memory. */
#ifndef ALLOCTRACE_SNAPSHOT_INSTANT_H
#define ALLOCTRACE_SNAPSHOT_INSTANT_H

#include "base/rights.h"
#include "snapshot/snapshot.h"

struct instant;

/* Of the processes of the list ("4711,etcd"); those that are no Go programs, or whose records can't be read, are
 * skipped with a warning while any other is left. *r is valid until instant_free(). Returns 0, or -errno after logging
 * an error; *out is to be freed in any case. */
int instant_take(const char *list, const struct snapshot_options *o, struct instant **out, struct recording *r);
/* The first process of the list that is there. */
pid_t instant_pid(const struct instant *in);
/* As tracer_rights(). */
struct rights instant_rights(const struct instant *in);
/* NULL is a no-op. */
void instant_free(struct instant *in);

#endif
