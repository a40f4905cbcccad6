/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where every call costs more than the limit, the samples that Go's runtimes take themselves are recorded instead: all
 * the time and for next to nothing, where windows see a part of it and have to know what the target does meanwhile. How
 * often they come shows after a while, since probes no longer slow the target down; where that is too seldom, it is
 * calls again, and windows.
 */
#ifndef ALLOCTRACE_PACE_GOSAMPLES_H
#define ALLOCTRACE_PACE_GOSAMPLES_H

#include "trace/tracer.h"

#define GOSAMPLES_TRIAL_NS 1000000000ULL
#define GOSAMPLES_MIN 50	/* a second */

struct gosamples {
	uint64_t from_ns, until_ns;	/* when they were recorded; 0: not, and still */
	uint64_t before;		/* COUNT_GO_SAMPLES at first */
	bool judged;
};

/* At the first time that calls cost too much. c: as tracer_counts() fills it. True: samples are recorded from now on,
 * and calls are not. */
bool gosamples_try(struct gosamples *g, struct tracer *t, uint64_t now_ns, const uint64_t c[COUNT_MAX]);
/* Call often. 0, or -errno after logging an error. */
int gosamples_judge(struct gosamples *g, struct tracer *t, uint64_t now_ns, const uint64_t c[COUNT_MAX]);

#endif
