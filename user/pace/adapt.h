/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What adapts while tracing: how thinly to sample, to how fast the processes allocate (--sample auto); and what tracing
 * may cost them (--max-overhead).
 *
 *   allocations alone           probes come and go (pace/governor.h), and what is counted is scaled up
 *   blocks are followed         there can be no gaps: when it costs too much, tracing ends with a report
 *   probes by perf              taking them out takes seconds: it is only said when it costs too much
 */
#ifndef ALLOCTRACE_PACE_ADAPT_H
#define ALLOCTRACE_PACE_ADAPT_H

#include <stdbool.h>
#include <stdint.h>

#include "pace/scale.h"
#include "trace/tracer.h"

struct adapt;

struct pace_options {
	uint64_t sample_bytes;	/* mean distance of samples; 0: chosen while running */
	double max_overhead;	/* per cent of a CPU for each process; 0: no limit */
	enum attach_mode attach;
	bool measures;		/* probes are not to be judged by what they cost (a benchmark) */
	bool uniform;		/* what is sampled is of one size: the law of sampling stays as it was loaded */
	bool continuous;	/* probes must stay: blocks are followed, or mappings */
	enum go_source go_source;
	bool shows_rates;	/* there will be reports that say what tracing costs, while it goes on */
};

/* Whether probes are to come and go: kern_options.governed. */
bool adapt_governs(const struct pace_options *o);

/* The tracer is borrowed. */
struct adapt *adapt_new(const struct pace_options *o, struct tracer *t);
/* NULL is a no-op. */
void adapt_free(struct adapt *a);
/* Probes are attached, and count. */
void adapt_start(struct adapt *a);
/* Call some twenty times a second, and at adapt_wake_ns() (CLOCK_MONOTONIC; UINT64_MAX: it doesn't matter). Returns
 * 0, or -errno after logging an error. */
int adapt_tick(struct adapt *a);
uint64_t adapt_wake_ns(const struct adapt *a);
/* In the midst of a window, which a report would make longer. */
bool adapt_in_window(const struct adapt *a);
/* Stops counting for good. */
void adapt_stop(struct adapt *a);
/* Tracing is to end, since it costs more than the limit. */
/* By what rows of a group (struct member, program) are to be multiplied, in a wide run with windows: as of the last
 * adapt_account(). */
double adapt_group_factor(const struct adapt *a, uint64_t program);
bool adapt_exceeded(const struct adapt *a);

/* Since the start. */
struct adapt_account {
	bool scaled;			/* there were times without probes: all totals are estimates */
	struct scale_total total;	/* if scaled */
	double weighted_calls, weighted_bytes;	/* what the tables have, in all */
	uint64_t elapsed_ns, traced_ns, windows;
	double load;			/* CPUs that probes take while they are there */
	double slowdown;		/* how much less the target does then; 1: no less, or none can be told */
	double cost_ns;			/* what tracing cost the processes; 0: not known */
	/* From when to when samples of Go's runtimes took the place of calls; 0: they did not, and still. */
	uint64_t samples_from_ns, samples_until_ns;
};

struct adapt_account adapt_account(struct adapt *a);
/* What a hit costs, once it is measured, which is waited for; NULL: it isn't, since nothing here needs it. */
const struct hit_cost *adapt_hit_cost(struct adapt *a);

#endif
