// SPDX-License-Identifier: GPL-2.0-or-later
#include "pace/rate.h"

#include <math.h>

#define HOLD_MIN_NS	2000000000ULL
#define HOLD_MAX_NS	64000000000ULL
#define BURST_S		0.125	/* so much of the target may be exceeded, in all, before the mean goes up */
#define UP_TO		0.7	/* of the target */
#define DOWN_TO		0.5
#define DOWN_STEP	16
#define CALL_SHARE	0.2	/* of the samples: those by calls */
#define MIX_SAMPLES	200	/* so many tell what the share is: to 16 % of itself, or better */
#define MIX_OFF		1.3	/* by so much it may be off */

void rate_init(struct rate *r, double target, uint64_t now_ns)
{
	*r = (struct rate){
		.target = target, .mean = 1, .call = 1, .last_ns = now_ns, .since_ns = now_ns, .hold_ns = HOLD_MIN_NS,
	};
}

/* 1 - exp(-s/T) is concave in s: calls of one size, the average, would give the most samples. */
double rate_expected(double calls, double bytes, uint64_t mean)
{
	if (mean <= 1 || calls <= 0)
		return calls;
	return -calls * expm1(-bytes / calls / mean);
}

/* At most the fifth of all calls, at least what makes a call of 0 bytes a sample at all. */
static uint64_t call_within(double call, uint64_t mean)
{
	double most = mean * CALL_SHARE;

	return fmax(1, round(fmin(call, most)));
}

/* Samples by calls are a quarter of those by bytes. */
static double most_by_calls(double bytes)
{
	return bytes * CALL_SHARE / (1 - CALL_SHARE);
}

static void set_law(struct rate *r, uint64_t mean, uint64_t call)
{
	r->mean = mean;
	r->call = mean <= 1 ? 1 : call;
	r->mix_calls = r->mix_samples = 0;
}

/* The smallest mean, from one on, that so many calls and bytes a second stay well below the target with. call: what the
 * samples have told already; 0: nothing. */
static void fit_mean(struct rate *r, uint64_t mean, uint64_t call, double calls, double bytes)
{
	double by_calls = fmax(most_by_calls(bytes), calls), most = calls > 0 ? by_calls / calls : 1;

	while (mean < RATE_MEAN_MAX && rate_expected(calls, bytes + by_calls, mean) > UP_TO * r->target)
		mean = mean < RATE_MEAN_MIN ? RATE_MEAN_MIN : mean * 2;
	set_law(r, mean, call_within(call ? fmin(call, most) : most, mean));
}

static uint64_t known_call(const struct rate *r)
{
	return r->mean > 1 ? r->call : 0;
}

void rate_restart(struct rate *r, double target, double calls, double bytes, uint64_t now_ns,
		  const struct rate_counters *c)
{
	uint64_t call = known_call(r);

	rate_init(r, target, now_ns);
	r->last = *c;
	fit_mean(r, 1, call, calls, bytes);
}

uint64_t rate_first_call(uint64_t mean)
{
	return call_within(mean <= 1 ? 1 : RATE_FIRST_CALL, mean);
}

void rate_fix(struct rate *r, uint64_t mean)
{
	set_law(r, mean, rate_first_call(mean));
}

static void mean_changed(struct rate *r, uint64_t now_ns)
{
	r->excess = 0;
	r->most_samples = r->most_calls = 0;
	r->since_ns = now_ns;
}

/* The last change was for less, and it was too early if that is not long ago. */
static void raise_mean(struct rate *r, double calls, double bytes, uint64_t now_ns)
{
	fit_mean(r, r->mean < RATE_MEAN_MIN ? RATE_MEAN_MIN : r->mean * 2, known_call(r), calls, bytes);
	if (r->lowered_ns && now_ns - r->lowered_ns < 8 * r->hold_ns)
		r->hold_ns = r->hold_ns < HOLD_MAX_NS ? r->hold_ns * 2 : HOLD_MAX_NS;
	else
		r->hold_ns = r->hold_ns > HOLD_MIN_NS ? r->hold_ns / 2 : HOLD_MIN_NS;
	r->lowered_ns = 0;
	mean_changed(r, now_ns);
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
	if (mean != r->mean) {
		r->lowered_ns = now_ns;
		set_law(r, mean, call_within(r->call, mean));
	}
	mean_changed(r, now_ns);
}

/* The share of a call in the samples is its c/T. */
static void adapt_call(struct rate *r, double calls, double samples)
{
	uint64_t call;

	r->mix_calls += calls;
	r->mix_samples += samples;
	if (r->mean <= 1 || r->mix_samples < MIX_SAMPLES)
		return;
	call = call_within(CALL_SHARE * r->mean * r->mix_samples / r->mix_calls, r->mean);
	if (call > r->call * MIX_OFF || call * MIX_OFF < r->call)
		set_law(r, r->mean, call);
}

void rate_update_call(struct rate *r, const struct rate_counters *c)
{
	adapt_call(r, c->calls - r->last.calls, c->samples - r->last.samples);
	r->last = *c;
}

/* At most the target is exact as it is in the long run, not the part of it that a new mean aims at. */
static void fit_period(struct rate *r, uint64_t now_ns, const struct rate_counters *c)
{
	double s = (now_ns - r->last_ns) / 1e9, calls = (c->calls - r->last.calls) / s;

	fit_mean(r, 1, 0, calls <= r->target ? 0 : calls, (c->bytes - r->last.bytes) / s);
}

static void period_over(struct rate *r, uint64_t now_ns, const struct rate_counters *c)
{
	r->last = *c;
	r->last_ns = now_ns;
	mean_changed(r, now_ns);
}

void rate_foresee(struct rate *r, uint64_t now_ns, const struct rate_counters *c)
{
	if (now_ns < r->last_ns + RATE_PERIOD_NS * 3 / 4)
		return;
	fit_period(r, now_ns, c);
	period_over(r, now_ns, c);
}

void rate_begin(struct rate *r, uint64_t now_ns, const struct rate_counters *c)
{
	if (now_ns >= r->last_ns + RATE_PERIOD_NS / 4)
		fit_period(r, now_ns, c);
	period_over(r, now_ns, c);
}

void rate_update(struct rate *r, uint64_t now_ns, const struct rate_counters *c)
{
	double s = (now_ns - r->last_ns) / 1e9, calls, bytes, samples;

	if (now_ns < r->last_ns + RATE_PERIOD_NS * 3 / 4)
		return;
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
	adapt_call(r, calls, samples);
	if (r->excess > BURST_S * r->target && r->mean < RATE_MEAN_MAX)
		raise_mean(r, calls / s, bytes / s, now_ns);
	else if (r->mean > 1 && now_ns - r->since_ns >= r->hold_ns)
		lower_mean(r, now_ns);
}
