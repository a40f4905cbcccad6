// SPDX-License-Identifier: GPL-2.0-or-later
#include "pace/governor.h"

#include <math.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"

#define MS 1e6
#define CREDIT_NS	(2000 * MS)	/* times the budget: what may be saved up */
#define FIRST_NS	(5 * MS)	/* before there was a window: what probes may cost beyond the budget */
#define FIRST_HITS	5000	/* and so many at least: where a trap is dear, a program of a thousand calls is whole */
#define FIRST_WAKE_NS	(5 * MS)
#define FIRST_TIME_NS	(10000 * MS)	/* so long it is looked that often; a burst may come at any time */
#define STRATUM_NS	(1000 * MS)
#define STRATUM_MAX_NS	(120000 * MS)
#define WINDOW_NS	(20 * MS)	/* at least; drawn from 3/4 to 5/4 of it */
#define WINDOW_SHARE	0.8		/* of a stratum, at most */
#define ALWAYS_SHARE	0.8		/* of the budget: below it the probes can stay */
#define FORGET		0.7		/* per window: how fast a high cost is forgotten */
#define CUT		2		/* a window is cut short at so many times its expected cost */
#define REPAID		0.25		/* of the debt, per stratum: one long stratum would hang on a single window */
#define WAKE_NS		(3 * MS)	/* not more often than that */
#define LAG_NS		(20 * MS)	/* from the decision to detach to the end of counting: a guess at first */
#define LAG_GAIN	0.3
#define EXTRA_GAIN	0.3

enum phase { PHASE_ALWAYS, PHASE_REST, PHASE_WAIT, PHASE_WINDOW };

struct governor {
	struct governor_options o;
	enum phase phase;
	bool busy;			/* an action was given, and is not reported done */
	bool to_always;			/* what the next attaching is for */
	uint64_t seed;

	uint64_t start_ns, tick_ns, tick_hits;
	double cost_ns, debt_ns;
	double recent;			/* cost per time, between the last ticks */

	uint64_t stratum_end_ns, open_ns, close_ns;	/* planned */
	double load;			/* cost per time while attached, expected */
	double extra_ns;		/* cost of a window's hits that don't count, and of the switching; expected */
	double limit_ns;		/* cost_ns at which the window is cut short */
	double before_ns;		/* cost_ns when it was decided to attach */
	uint64_t told_ns;		/* when it was decided to detach */
	double lag_ns;			/* from there to the end of counting; expected */

	bool counting;
	uint64_t on_ns, on_hits;	/* when counting began */
	double f;			/* of time */
	uint64_t traced_ns, windows, strata;
	double represented_ns;		/* time that the windows so far stand for */
};

/* splitmix64, as a number from 0 to 1 */
static double draw(struct governor *g)
{
	return (mix64(g->seed += 0x9e3779b97f4a7c15) >> 11) * 0x1p-53;
}

static double first_ns(const struct governor *g)
{
	return fmax(FIRST_NS, FIRST_HITS * g->o.hit_ns);
}

struct governor *governor_new(const struct governor_options *o, uint64_t now_ns, uint64_t hits)
{
	struct governor *g = xcalloc(1, sizeof(*g));

	g->o = *o;
	g->seed = o->seed;
	g->start_ns = g->tick_ns = g->on_ns = now_ns;
	g->tick_hits = g->on_hits = hits;
	g->debt_ns = -first_ns(g);
	g->extra_ns = o->switch_ns;
	g->lag_ns = LAG_NS;
	g->recent = 2;	/* not known: look again soon */
	g->f = 1;
	g->counting = true;
	return g;
}

void governor_free(struct governor *g)
{
	free(g);
}

/* Time before the first burst earns nothing: a program that only waited to begin may be over soon. */
static void limit_credit(struct governor *g)
{
	g->debt_ns = fmax(g->debt_ns, g->strata ? -g->o.budget * CREDIT_NS : -first_ns(g));
}

void governor_set(struct governor *g, double budget, double hit_ns)
{
	g->o.budget = budget;
	g->o.hit_ns = hit_ns;
	limit_credit(g);
}

/* Takes in the cost since the last time. */
static void charge(struct governor *g, uint64_t now_ns, uint64_t hits, double more_ns)
{
	double cost = (hits - g->tick_hits) * g->o.hit_ns, ns = now_ns > g->tick_ns ? now_ns - g->tick_ns : 0;

	if (ns >= 1 * MS)
		g->recent = cost / ns;
	g->cost_ns += cost + more_ns;
	g->debt_ns += cost + more_ns - g->o.budget * ns;
	limit_credit(g);
	g->tick_ns = now_ns > g->tick_ns ? now_ns : g->tick_ns;
	g->tick_hits = hits;
}

/*
 * Settles the next stratum: of C and W, one is given, and the other is what takes a part of the debt, or of the credit,
 * off until its end. Not all: the error is that of as many windows as strata are equally long. Both get longer or
 * shorter by chance.
 */
static void plan(struct governor *g, uint64_t now_ns)
{
	double c = STRATUM_NS * (0.8 + 0.4 * draw(g)), least = WINDOW_NS * (0.75 + 0.5 * draw(g));
	const double due = REPAID * g->debt_ns;
	double w = (g->o.budget * c - due - g->extra_ns) / (g->load + 1e-12), place = draw(g);

	g->to_always = g->load <= ALWAYS_SHARE * g->o.budget && g->debt_ns <= 0;
	if (w < least) {
		w = least;
		c = fmax(c, (g->load * w + g->extra_ns + due) / g->o.budget);
		c = fmin(c, STRATUM_MAX_NS);
	}
	w = fmin(w, WINDOW_SHARE * c);
	g->stratum_end_ns = now_ns + c;
	g->open_ns = g->to_always ? now_ns : now_ns + place * (c - w);
	g->close_ns = g->open_ns + w;
	g->phase = PHASE_WAIT;
	g->strata++;
}

/* What may still be spent before it is time to detach; until that is done, it goes on. */
static double left_ns(const struct governor *g)
{
	const double lag = g->strata ? g->lag_ns : 0;	/* or there would be no first window at all */

	return -g->debt_ns - fmax(g->recent - g->o.budget, 0) * lag;
}

enum governor_action governor_tick(struct governor *g, uint64_t now_ns, uint64_t hits)
{
	charge(g, now_ns, hits, 0);
	if (g->busy)
		return GOVERNOR_NONE;
	if (g->phase == PHASE_REST && now_ns >= g->stratum_end_ns)
		plan(g, now_ns);
	switch (g->phase) {
	case PHASE_ALWAYS:
		g->busy = left_ns(g) < 0;
		break;
	case PHASE_WINDOW:
		g->busy = now_ns >= g->close_ns || g->cost_ns > g->limit_ns;
		break;
	case PHASE_WAIT:
		g->busy = now_ns >= g->open_ns;
		g->before_ns = g->cost_ns;
		return g->busy ? GOVERNOR_ATTACH : GOVERNOR_NONE;
	case PHASE_REST:
		break;
	}
	g->told_ns = now_ns;
	return g->busy ? GOVERNOR_DETACH : GOVERNOR_NONE;
}

/* After `left` more cost, at a load that exceeds the budget by `excess`. */
static uint64_t wake_after(const struct governor *g, double left, double excess)
{
	double ns = excess > 0 ? fmax(left, 0) / excess : INFINITY;

	return ns < 1e15 ? g->tick_ns + (uint64_t)fmax(ns, WAKE_NS) : UINT64_MAX;
}

uint64_t governor_wake_ns(const struct governor *g)
{
	uint64_t at;

	if (g->busy)
		return UINT64_MAX;
	switch (g->phase) {
	case PHASE_ALWAYS:
		at = wake_after(g, left_ns(g), g->recent - g->o.budget);
		if (!g->strata && g->tick_ns < g->start_ns + FIRST_TIME_NS && at > g->tick_ns + FIRST_WAKE_NS)
			at = g->tick_ns + FIRST_WAKE_NS;
		return at;
	case PHASE_REST:
		return g->stratum_end_ns;
	case PHASE_WAIT:
		return g->open_ns;
	case PHASE_WINDOW:
		at = wake_after(g, g->limit_ns - g->cost_ns, fmax(g->recent, g->load));
		return at < g->close_ns ? at : g->close_ns;
	}
	return UINT64_MAX;
}

double governor_stretch(const struct governor *g)
{
	return g->f;
}

uint64_t governor_strata(const struct governor *g)
{
	return g->strata;
}

uint64_t governor_attached(struct governor *g, uint64_t now_ns, uint64_t hits, double slowdown)
{
	double w = fmax((double)g->close_ns - g->open_ns, g->lag_ns + WAKE_NS), owed;
	uint64_t weight = 1 << 16;

	charge(g, now_ns, hits, g->o.switch_ns / 2);
	g->busy = false;
	g->counting = true;
	g->on_ns = now_ns;
	g->on_hits = hits;
	g->f = 1;
	if (g->to_always) {
		g->phase = PHASE_ALWAYS;
		return weight;
	}
	g->phase = PHASE_WINDOW;
	g->close_ns = now_ns + (w - g->lag_ns);
	g->limit_ns = g->before_ns + CUT * fmax(g->load * w + g->extra_ns, g->o.budget * STRATUM_NS);
	owed = (double)(g->stratum_end_ns - g->start_ns) - g->represented_ns;
	if (owed > w) {
		g->f = owed / w;
		weight = llround((1 + (g->f - 1) * slowdown) * 65536);
	}
	return weight;
}

void governor_stays(struct governor *g)
{
	g->busy = false;
	g->recent = 0;
	g->debt_ns = -first_ns(g);
}

void governor_detached(struct governor *g, uint64_t stop_ns, uint64_t stop_hits, uint64_t now_ns, uint64_t hits)
{
	double counted = stop_hits - g->on_hits, ns = stop_ns > g->on_ns ? stop_ns - g->on_ns : 1;
	double load = counted * g->o.hit_ns / ns, lag = stop_ns > g->told_ns ? stop_ns - g->told_ns : 0, extra;

	if (g->phase == PHASE_ALWAYS)
		load = fmax(load, g->recent);
	charge(g, now_ns, hits, g->o.switch_ns / 2 + load * g->o.tail_ns);
	g->windows += g->phase == PHASE_WINDOW;
	g->busy = g->counting = false;
	g->traced_ns += ns;
	g->represented_ns += g->f * ns;
	g->load = fmax(load, FORGET * g->load);
	g->lag_ns += (lag - g->lag_ns) * LAG_GAIN;
	if (g->phase == PHASE_ALWAYS) {
		extra = (hits - stop_hits) * g->o.hit_ns + load * g->o.tail_ns + g->o.switch_ns;
		g->extra_ns = fmax(g->extra_ns, extra);
		plan(g, now_ns);
		return;
	}
	extra = g->cost_ns - g->before_ns - counted * g->o.hit_ns;
	/* The mean: one detaching that was held up is in the debt, and need not be expected of each. */
	g->extra_ns += (extra - g->extra_ns) * EXTRA_GAIN;
	g->phase = PHASE_REST;
}

struct governor_account governor_account(const struct governor *g, uint64_t now_ns, uint64_t hits)
{
	return (struct governor_account){
		.elapsed_ns = now_ns - g->start_ns, .windows = g->windows,
		.traced_ns = g->traced_ns + (g->counting ? now_ns - g->on_ns : 0),
		.cost_ns = g->cost_ns + (hits - g->tick_hits) * g->o.hit_ns,
	};
}
