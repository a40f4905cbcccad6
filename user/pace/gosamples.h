/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the samples of Go's runtimes take the place of calls: every call costs more than the limit, and the processes
 * allocate so much that samples tell something. They are recorded all the time then, for next to nothing, where windows
 * see a part of it and have to know what the target does meanwhile.
 */
#ifndef ALLOCTRACE_PACE_GOSAMPLES_H
#define ALLOCTRACE_PACE_GOSAMPLES_H

#include <stdbool.h>
#include <stdint.h>

#define GOSAMPLES_MIN 10	/* a second, while probes slow the target down: below, windows tell more */

/* Bytes a second, of late. */
struct gosamples {
	uint64_t since_ns;
	double bytes, rate;	/* allocated up to then; in the period before */
};

/* Since since_ns: bytes allocated so far. Call often. */
void gosamples_follow(struct gosamples *g, uint64_t now_ns, double bytes);
/* rate: bytes from one sample to the next, 0: there are none. */
bool gosamples_tell(const struct gosamples *g, uint64_t now_ns, double bytes, uint64_t rate);

#endif
