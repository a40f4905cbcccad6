// SPDX-License-Identifier: GPL-2.0-or-later
#include "kern/slowdown.h"

#include <math.h>

#define KEPT	0.9	/* of what was known, per time */
#define SURE	3	/* standard errors that a slowdown has to stand out by */

void slowdown_add(struct slowdown_share *s, double own, double busy, double period_ns, double ns)
{
	const double share = ns > 0 ? own * period_ns / ns : 0;

	s->period_ns = period_ns;
	s->own = KEPT * s->own + own;
	s->busy = KEPT * s->busy + busy;
	s->ns = KEPT * s->ns + ns;
	s->n = KEPT * s->n + 1;
	s->sum = KEPT * s->sum + share;
	s->square = KEPT * s->square + share * share;
}

/* The square of the relative standard error. From one time to the next it may differ by more than samples do. */
static double error_square(const struct slowdown_share *s)
{
	const double square = 1 / fmax(s->own, 1);
	double mean, differ;

	if (s->n <= 1.5 || s->sum <= 0)
		return square;
	mean = s->sum / s->n;
	differ = fmax(s->square / s->n - mean * mean, 0) / (mean * mean) / (s->n - 1);
	return fmax(square, differ);
}

/* None seen is few. */
static double own_share(const struct slowdown_share *s)
{
	return fmax(s->own, 1) * s->period_ns / s->ns;
}

double slowdown_factor(const struct slowdown *s, double *error)
{
	double factor, deviation;

	*error = 0;
	if (s->with.ns <= 0 || s->without.ns <= 0 || s->without.own <= 0)
		return 1;
	factor = fmin(own_share(&s->without) / own_share(&s->with), s->with.busy / fmax(s->with.own, 1));
	deviation = sqrt(error_square(&s->with) + error_square(&s->without));
	if (factor <= exp(SURE * deviation))
		return 1;
	*error = deviation;
	return factor;
}
