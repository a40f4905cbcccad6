/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growth of resident memory at page faults (bpf/resident.bpf.h): kern_options.resident. */
#ifndef ALLOCTRACE_KERN_RESIDENT_H
#define ALLOCTRACE_KERN_RESIDENT_H

#include "kern/kern.h"

/* Attaches to the kernel's tracepoints. 0 or -errno after logging an error. */
int kern_resident_begin(struct kern *k);

/* What of all address spaces that were followed was resident, as the kernel counts it, in bytes. */
struct resident_totals {
	uint64_t spaces;
	uint64_t unfollowed;	/* that found no room */
	int64_t start;		/* when each was first seen: at its exec or fork, or when tracing began; */
	int64_t end;		/* and at its end, or as of the latest kern_resident_look() */
};

/* Has the kernel's counters looked at, of processes that are chosen also if they did nothing yet. 0 or -errno after
 * logging an error. */
int kern_resident_look(struct kern *k);
/* 0 or -errno after logging an error. */
int kern_resident_totals(struct kern *k, struct resident_totals *out);
/* What of enum touched a function's number means; "": none. */
const char *kern_touched_name(uint32_t function);

#endif
