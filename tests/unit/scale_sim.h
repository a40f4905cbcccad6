/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Simulated programs whose calls are counted in windows, and how they are slowed down there. */
#ifndef SCALE_SIM_H
#define SCALE_SIM_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/map.h"
#include "pace/scale.h"

#define RUNS 100
#define FIRST_MS 20
#define STRATUM_MS 1000

/* What a program does in a millisecond, without probes and with: requests of so many calls, CPU time, waits. */
struct pace {
	double requests, calls, cpu_ms, waits;
	double at_once;		/* requests that one read brings; 0: none is read */
};

struct program {
	struct pace without, with;
	double io, messages;	/* per request; io without the reads */
	double other_size;	/* bytes of a request in every other second, where it is not 1; 0: it always is */
	int turn;		/* not 0: of an event loop, which writes the answers to so many requests at its end */
	double probes_ms;	/* CPU time of probes per millisecond with them */
	double believed_ms;	/* the same as calibrated, if it is another */
	bool ticks;		/* there are clock ticks, which come in user and in system mode */
	struct pace other_without, other_with;	/* of every other 1.5 s, if it has requests */
	bool random;		/* the phases' lengths are; 1.5 s is their mean */
	int window_ms;
};

struct sim {
	const struct program *p;
	struct scale *scale;
	struct scale_reading now;
	bool counting;
	double truth, truth_bytes;	/* as if nothing was missed */
	double ms;
	double unanswered;
	bool is_other;
	uint64_t seed;
};

static double draw(struct sim *s)
{
	return (mix64(s->seed += 0x9e3779b97f4a7c15) >> 11) * 0x1p-53;
}

/* Answers at the end of a turn are written at once. */
static double writes(struct sim *s, double requests)
{
	const int turn = s->p->turn;
	double answered = requests;

	if (turn) {
		s->unanswered += requests;
		answered = floor(s->unanswered / turn) * turn;
		s->unanswered -= answered;
	}
	return answered * s->p->io;
}

/* The clock ticks every 4 ms. Of the probes' ticks, 22 % come in user mode. */
static void tick(struct sim *s, double own_ms, double probes_ms)
{
	const double all = own_ms + probes_ms;

	if (!s->p->ticks || (long)s->ms % 4 || draw(s) >= all)
		return;
	if (draw(s) * all < 0.78 * probes_ms)
		s->now.ticks.system++;
	else
		s->now.ticks.user++;
}

static bool is_other(struct sim *s)
{
	if (!s->p->random)
		return s->p->other_without.requests > 0 && (long)(s->ms / 1500) % 2;
	s->is_other ^= draw(s) < 1 / 1500.;
	return s->is_other;
}

static void step(struct sim *s)
{
	const struct program *p = s->p;
	const bool other = is_other(s);
	const struct pace *pace = s->counting ? (other ? &p->other_with : &p->with) :
		(other ? &p->other_without : &p->without);
	const double requests = pace->requests * (0.5 + draw(s)), calls = requests * pace->calls;
	const double size = p->other_size > 0 && (long)(s->ms / STRATUM_MS) % 2 ? p->other_size : 1;
	double reads;

	s->ms++;
	s->now.work[SCALE_TIME] += 1e6;
	reads = pace->at_once > 0 ? requests / pace->at_once : 0;
	s->now.work[SCALE_READS] += reads;
	s->now.work[SCALE_READ_BYTES] += reads > 0 ? requests * size : 0;
	s->now.work[SCALE_IO] += reads + writes(s, requests);
	s->now.work[SCALE_MESSAGES] += requests * p->messages;
	s->now.work[SCALE_CPU] += pace->cpu_ms * 1e6;
	tick(s, pace->cpu_ms, s->counting ? p->probes_ms : 0);
	s->now.waits += pace->waits;
	s->truth += calls;
	s->truth_bytes += calls * 100;
	if (!s->counting)
		return;
	s->now.work[SCALE_CPU] += p->probes_ms * 1e6;
	s->now.probes_ns += (p->believed_ms > 0 ? p->believed_ms : p->probes_ms) * 1e6;
	s->now.calls += calls;
	s->now.bytes += calls * 100;
}

static void steps(struct sim *s, int ms)
{
	while (ms-- > 0)
		step(s);
}

static void begin(struct sim *s, const struct program *p, uint64_t seed)
{
	*s = (struct sim){.p = p, .seed = seed, .counting = true};
	s->scale = scale_new(&s->now);
	steps(s, FIRST_MS);
	scale_detached(s->scale, &s->now);
	s->counting = false;
	scale_next(s->scale, &s->now);
}

/* A stratum with its window at a random place. */
static void stratum(struct sim *s)
{
	int before = draw(s) * (STRATUM_MS - s->p->window_ms);

	steps(s, before);
	scale_attached(s->scale, &s->now);
	s->counting = true;
	steps(s, s->p->window_ms);
	scale_detached(s->scale, &s->now);
	s->counting = false;
	steps(s, STRATUM_MS - s->p->window_ms - before);
	scale_next(s->scale, &s->now);
}

static void run(struct sim *s, const struct program *p, uint64_t seed, int strata)
{
	begin(s, p, seed);
	if (scale_lacks_io(s->scale) && p->messages > 0)
		scale_count_messages(s->scale, &s->now);
	while (strata-- > 0)
		stratum(s);
}

struct outcome {
	double bias, sd, believed, covered, mixed, batched, most_off;
	int kinds[SCALE_KINDS];
};

/* The truth is within two errors of the total, or above it where that is a lower bound. */
static bool is_honest(const struct sim *s, const struct scale_total *t)
{
	if (t->kind == SCALE_TIME)
		return t->calls <= s->truth;
	return fabs(s->truth - t->calls) <= 2 * t->error * t->calls;
}

__attribute__((unused)) static struct outcome simulate(const struct program *p, int strata)
{
	struct outcome o = {0};

	for (uint64_t i = 0; i < RUNS; i++) {
		struct scale_total t;
		struct sim s;
		double off;

		run(&s, p, i * 7919 + 1, strata);
		t = scale_total(s.scale, &s.now);
		off = t.calls / s.truth - 1;
		assert_true(fabs(t.bytes / (100 * t.calls) - 1) < 1e-9);
		o.bias += off / RUNS;
		o.sd += off * off / RUNS;
		o.believed += t.error * t.error / RUNS;
		o.covered += is_honest(&s, &t) / (double)RUNS;
		o.mixed += t.mixed / (double)RUNS;
		o.batched += t.batched / (double)RUNS;
		o.most_off = fmax(o.most_off, fabs(off));
		o.kinds[t.kind]++;
		scale_free(s.scale);
	}
	o.sd = sqrt(o.sd);
	o.believed = sqrt(o.believed);
	return o;
}

/* Probes make it five times slower; it never waits then. */

#endif
