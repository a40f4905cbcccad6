/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by adapt.c and adapt_account.c only. */
/* Part of pace/adapt.h. */
#ifndef ALLOCTRACE_PACE_ADAPT_INTERNAL_H
#define ALLOCTRACE_PACE_ADAPT_INTERNAL_H

#include "pace/adapt.h"
#include "pace/counts.h"
#include "pace/floors.h"
#include "pace/gosamples.h"
#include "pace/governor.h"
#include "pace/groups.h"
#include "pace/rate.h"
#include "pace/work.h"

enum limit { LIMIT_NONE, LIMIT_WINDOWS, LIMIT_STOP, LIMIT_WARN };

struct adapt {
	struct pace_options o;
	struct tracer *tracer;
	enum limit limit;
	bool has_cost, exceeded, stopped;
	struct calibration *calibration;	/* under way */
	struct hit_cost cost;
	struct rate rate;	/* its clock stands still while nothing is counted */
	bool exact;		/* its law is not in force yet */
	struct governor *governor;
	uint64_t strata;	/* of the governor's, so far */
	/* Where probes come and go; else NULL. */
	struct work *work;
	struct scale *scale;
	struct groups *groups;	/* of a wide run */
	struct floors *floors;	/* likewise, with windows or without */
	bool tried_messages;
	uint64_t ticked_ns;
	uint64_t start_ns;
	struct adapt_account final;	/* if stopped */

	bool counting;
	uint64_t on_ns, traced_ns;	/* since when it counts; how long it did before */
	double on_calls, on_bytes;	/* seen, then */
	double weight;			/* how many calls each stands for */
	double stretch;			/* and how much time each moment */
	double calls, bytes;		/* of the times before, with their weights: what the tables have */
	double calls_rate, bytes_rate;	/* per second, the last time */
	struct gosamples go;

	uint64_t last_hits, last_recorded;
	double hit_ns;			/* what a hit has cost lately */
	double cost_ns;			/* of all hits */
	uint64_t measured_ns;		/* LIMIT_STOP, LIMIT_WARN: since when, and what it had cost then */
	double measured_cost_ns;
};

/* CPUs, for all processes together. */
double adapt_budget(const struct adapt *a);
void adapt_read_counts(const struct adapt *a, uint64_t c[COUNT_MAX]);
/* Takes in what the hits since the last time have cost. */
void adapt_charge(struct adapt *a, const uint64_t c[COUNT_MAX]);
/* Of the rate. */
uint64_t adapt_traced_until(const struct adapt *a, uint64_t now);
/* Calls and work as of one moment. */
struct scale_reading adapt_reading(struct adapt *a);

#endif
