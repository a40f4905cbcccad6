/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the traced processes have done since they are traced, by which sampling windows are scaled (kern/scale.h). */
#ifndef ALLOCTRACE_PACE_WORK_H
#define ALLOCTRACE_PACE_WORK_H

#include <stdbool.h>

#include "pace/own.h"
#include "trace/tracer.h"

struct group_now;
struct work;

/* Of all processes together; those that have exited stay in it. */
struct work_done {
	/* Of /proc/PID/io, which knows read and write with their relatives, but not recv and send, nor io_uring. */
	double reads, read_bytes;
	double io;		/* read and write calls */
	double messages;	/* received and sent on sockets, by any call; since work_count_messages() */
	double cpu_ns;		/* of all threads */
	struct own_ticks ticks;	/* the same by the clock tick, which samples */
	double waits;		/* of the first threads of each process: times that they went to sleep */
};

/* Of the tracer's processes; it is borrowed. */
struct work *work_new(struct tracer *t);
/* NULL is a no-op. */
void work_free(struct work *w);
/*
 * As of now; waits only if asked for, which takes some 10 us per thread, the rest per process. What is not readable
 * stays as it was. Call it often enough not to miss much of a process that exits: once its parent has reaped it, its
 * counters are gone.
 */
struct work_done work_read(struct work *w, bool waits);
/* Of a wide run, where work is that of groups: each of them, as of the last work_read(). */
const struct group_now *work_groups(const struct work *w, size_t *n);
/* Counts messages from now on: by the kernel's tracepoints for them, which costs every message on the machine some
 * 50 ns, or before Linux 6.3 by that for system calls, which costs every call. Returns 0, or -errno after a note. */
int work_count_messages(struct work *w);

#endif
