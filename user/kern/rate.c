// SPDX-License-Identifier: GPL-2.0-or-later
#include "kern/rate.h"

#include <math.h>

#define HOLD_MIN_NS	2000000000ULL
#define HOLD_MAX_NS	64000000000ULL
#define BURST_S		0.125	/* so much of the target may be exceeded, in all, before the mean goes up */
#define UP_TO		0.7	/* of the target */
#define DOWN_TO		0.5
#define DOWN_STEP	16

void rate_init(struct rate *r, double target, uint64_t now_ns)
{
	*r = (struct rate){
		.target = target, .mean = 1, .last_ns = now_ns, .since_ns = now_ns, .hold_ns = HOLD_MIN_NS,
	};
}

/* 1 - exp(-s/T) is concave in s: calls of one size, the average, would give the most samples. */
double rate_expected(double calls, double bytes, uint64_t mean)
{
	if (mean <= 1 || calls <= 0)
		return calls;
	return -calls * expm1(-bytes / calls / mean);
}

void rate_restart(struct rate *r, double target, double calls, double bytes, uint64_t now_ns,
		  const struct rate_counters *c)
{
	rate_init(r, target, now_ns);
	r->last = *c;
	while (r->mean < RATE_MEAN_MAX && rate_expected(calls, bytes, r->mean) > UP_TO * target)
		r->mean = r->mean < RATE_MEAN_MIN ? RATE_MEAN_MIN : r->mean * 2;
}

static void set_mean(struct rate *r, uint64_t mean, uint64_t now_ns)
{
	r->mean = mean;
	r->excess = 0;
	r->most_samples = r->most_calls = 0;
	r->since_ns = now_ns;
}

/* The last change was for less, and it was too early if that is not long ago. */
static void raise_mean(struct rate *r, double calls, double bytes, uint64_t now_ns)
{
	uint64_t mean = r->mean < RATE_MEAN_MIN ? RATE_MEAN_MIN : r->mean * 2;

	while (mean < RATE_MEAN_MAX && rate_expected(calls, bytes, mean) > UP_TO * r->target)
		mean *= 2;
	if (r->lowered_ns && now_ns - r->lowered_ns < 8 * r->hold_ns)
		r->hold_ns = r->hold_ns < HOLD_MAX_NS ? r->hold_ns * 2 : HOLD_MAX_NS;
	else
		r->hold_ns = r->hold_ns > HOLD_MIN_NS ? r->hold_ns / 2 : HOLD_MIN_NS;
	r->lowered_ns = 0;
	set_mean(r, mean, now_ns);
}

/* Half the mean gives at most twice the samples, and never more than there are calls. */
static void lower_mean(struct rate *r, uint64_t now_ns)
{
	const double most = DOWN_TO * r->target;
	uint64_t mean = r->mean;

	for (int step = 1; step < DOWN_STEP && mean > 1; step *= 2) {
		uint64_t next = mean > RATE_MEAN_MIN ? mean / 2 : 1;

		if (r->most_calls > most && r->most_samples * ((double)r->mean / next) > most)
			break;
		mean = next;
	}
	if (mean != r->mean)
		r->lowered_ns = now_ns;
	set_mean(r, mean, now_ns);
}

uint64_t rate_update(struct rate *r, uint64_t now_ns, const struct rate_counters *c)
{
	double s = (now_ns - r->last_ns) / 1e9, calls, bytes, samples;

	if (now_ns < r->last_ns + RATE_PERIOD_NS * 3 / 4)
		return r->mean;
	calls = c->calls - r->last.calls;
	bytes = c->bytes - r->last.bytes;
	samples = c->samples - r->last.samples;
	r->last = *c;
	r->last_ns = now_ns;
	r->excess += samples - r->target * s;
	if (r->excess < 0)
		r->excess = 0;
	if (samples / s > r->most_samples)
		r->most_samples = samples / s;
	if (calls / s > r->most_calls)
		r->most_calls = calls / s;
	if (r->excess > BURST_S * r->target && r->mean < RATE_MEAN_MAX)
		raise_mean(r, calls / s, bytes / s, now_ns);
	else if (r->mean > 1 && now_ns - r->since_ns >= r->hold_ns)
		lower_mean(r, now_ns);
	return r->mean;
}
