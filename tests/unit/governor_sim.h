/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Simulated programs whose probes come and go as the governor says. */
#ifndef GOVERNOR_SIM_H
#define GOVERNOR_SIM_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pace/governor.h"
#include "pace/scale.h"

#define MS 1000000ULL
#define HIT_NS 600
#define SWITCH_NS (1 * MS)
#define ATTACH_MS 8
#define LAG_MS 8		/* and up to 4 times that */
#define TAIL_MS 2
#define DETACH_MS 30
#define POLL_MS 50
#define RUNS 100

struct program {
	const char *name;
	double cpus;		/* what tracing costs while it is busy: hits times their cost, per time */
	double idle;		/* the same while it isn't */
	double period_ms;	/* 0: always busy; below 0: busy and idle times of random lengths, with this mean */
	double busy;		/* share of the time */
};

struct sim {
	const struct program *p;
	struct governor *g;
	struct scale *scale;
	uint64_t strata;
	uint64_t now_ns, hits, uncounted, seed;
	bool attached, counting;
	double fraction;	/* of a hit */
	double truth, counted;	/* hits: of the program, and as counted */
	double weight;
	double phase_ms, left_ms;
	bool is_busy;
	uint64_t attaches;
};

static double draw(struct sim *s)
{
	uint64_t x = s->seed += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return ((x ^ x >> 31) >> 11) * 0x1p-53;
}

static double load_now(struct sim *s)
{
	const struct program *p = s->p;

	if (p->period_ms > 0)
		s->is_busy = fmod(s->phase_ms + s->now_ns / 1e6, p->period_ms) < p->busy * p->period_ms;
	else if (p->period_ms == 0)
		s->is_busy = true;
	else if (--s->left_ms <= 0) {
		s->is_busy = !s->is_busy;
		s->left_ms = -log(draw(s) + 1e-9) * -p->period_ms * (s->is_busy ? p->busy : 1 - p->busy);
	}
	return s->is_busy ? p->cpus : p->idle;
}

/* A millisecond of the program. */
static void step(struct sim *s)
{
	double n = load_now(s) * MS / HIT_NS;

	s->truth += n;
	s->now_ns += MS;
	if (s->counting) {
		s->counted += n;
		s->fraction += n;
		s->hits += (uint64_t)s->fraction;
		s->fraction -= floor(s->fraction);
	} else if (s->attached) {
		s->uncounted += n;
	}
}

static void steps(struct sim *s, int n)
{
	while (n--)
		step(s);
}

static struct scale_reading reading(const struct sim *s)
{
	return (struct scale_reading){.calls = s->counted, .work = {[SCALE_TIME] = s->now_ns}};
}

static struct scale_total estimate(const struct sim *s)
{
	const struct scale_reading now = reading(s);

	return scale_total_by(s->scale, SCALE_TIME, &now);
}

static void next_stratum(struct sim *s, const struct scale_reading *now)
{
	if (governor_strata(s->g) != s->strata)
		scale_next(s->scale, now);
	s->strata = governor_strata(s->g);
}

/* What the tracer does. */
static void act(struct sim *s, enum governor_action action)
{
	struct scale_reading now = reading(s);

	next_stratum(s, &now);
	if (action == GOVERNOR_ATTACH) {
		steps(s, ATTACH_MS);
		s->weight = governor_attached(s->g, s->now_ns, s->hits, 1) / 65536.;
		s->attached = s->counting = true;
		s->attaches++;
		now = reading(s);
		scale_attached(s->scale, &now);
	} else if (action == GOVERNOR_DETACH) {
		uint64_t stop_ns;

		steps(s, LAG_MS * (1 + 3 * draw(s)));
		stop_ns = s->now_ns;
		now = reading(s);
		scale_detached(s->scale, &now);
		s->counting = false;
		steps(s, TAIL_MS);
		s->attached = false;
		steps(s, DETACH_MS - TAIL_MS);
		governor_detached(s->g, stop_ns, s->hits, s->now_ns, s->hits);
		next_stratum(s, &now);
	}
}

static struct sim sim_new(const struct program *p, double budget, uint64_t seed)
{
	struct sim s = {.p = p, .now_ns = 1000 * MS, .hits = 77, .seed = seed, .attached = true, .counting = true,
			.weight = 1};
	struct governor_options o = {.budget = budget, .hit_ns = HIT_NS, .switch_ns = SWITCH_NS,
				     .tail_ns = TAIL_MS * MS, .seed = seed};
	struct scale_reading now;

	s.phase_ms = draw(&s) * (p->period_ms > 0 ? p->period_ms : 1);
	s.is_busy = draw(&s) < p->busy;
	s.g = governor_new(&o, s.now_ns, s.hits);
	now = reading(&s);
	s.scale = scale_new(&now);
	return s;
}

static void sim_free(struct sim *s)
{
	governor_free(s->g);
	scale_free(s->scale);
}

static void run(struct sim *s, double seconds)
{
	uint64_t end = s->now_ns + seconds * 1000 * MS, poll_ns = s->now_ns + POLL_MS * MS;

	while (s->now_ns < end) {
		if (s->now_ns >= poll_ns || s->now_ns >= governor_wake_ns(s->g)) {
			poll_ns = s->now_ns + POLL_MS * MS;
			act(s, governor_tick(s->g, s->now_ns, s->hits));
		}
		step(s);
	}
}

struct outcome {
	double bias;		/* of the mean of all runs' estimates */
	double ratio_bias;	/* of one ratio for all: time / time traced */
	double sd;		/* relative */
	double believed;	/* what the runs take for it: root of the mean square */
	double cost;		/* share of a CPU, mean of all runs */
	double most_cost;
	double share;		/* traced */
	double attaches;	/* per second */
	double covered;		/* share of runs whose estimate is within twice the believed error */
};

static struct outcome simulate(const struct program *p, double budget, double seconds)
{
	struct outcome o = {0};
	double sum = 0, square = 0, truth = 0, ratio = 0;

	for (uint64_t seed = 1; seed <= RUNS; seed++) {
		struct sim s = sim_new(p, budget, seed * 12345);
		struct governor_account a;
		struct scale_total t;
		double e, cost;

		run(&s, seconds);
		a = governor_account(s.g, s.now_ns, s.hits);
		t = estimate(&s);
		e = t.calls - s.truth;
		sum += e;
		truth += s.truth;
		ratio += s.counted * a.elapsed_ns / a.traced_ns - s.truth;
		square += e * e / (s.truth * s.truth) / RUNS;
		cost = ((s.hits - 77 + s.uncounted) * (double)HIT_NS + s.attaches * SWITCH_NS) / a.elapsed_ns;
		assert_true(fabs(a.cost_ns / a.elapsed_ns - cost) < 0.002);
		assert_true(a.traced_ns <= a.elapsed_ns);
		o.cost += cost / RUNS;
		o.most_cost = fmax(cost, o.most_cost);
		o.believed += t.error * t.error / RUNS;
		o.share += (double)a.traced_ns / a.elapsed_ns / RUNS;
		o.attaches += s.attaches / seconds / RUNS;
		o.covered += fabs(e) <= 2 * t.error * t.calls + 1e-6 * s.truth ? 1. / RUNS : 0;
		sim_free(&s);
	}
	o.bias = sum / truth;
	o.ratio_bias = ratio / truth;
	o.sd = sqrt(square);
	o.believed = sqrt(o.believed);
	return o;
}

#endif
