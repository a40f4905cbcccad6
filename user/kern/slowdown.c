// SPDX-License-Identifier: GPL-2.0-or-later
#include "kern/slowdown.h"

#include <math.h>

#define KEPT	0.9	/* of what was known, per window */
#define SURE	2	/* standard errors that a slowdown has to stand out by */

void slowdown_in(struct slowdown *s, double samples, double ns, double period_ns)
{
	const double share = ns > 0 ? samples * period_ns / ns : 0;

	s->in_samples = KEPT * s->in_samples + samples;
	s->in_ns = KEPT * s->in_ns + ns;
	s->out_own_ns *= KEPT;
	s->out_ns *= KEPT;
	s->n = KEPT * s->n + 1;
	s->sum = KEPT * s->sum + share;
	s->square = KEPT * s->square + share * share;
}

void slowdown_out(struct slowdown *s, double own_ns, double ns)
{
	s->out_own_ns += own_ns;
	s->out_ns += ns;
}

double slowdown_factor(const struct slowdown *s, double period_ns, double *error)
{
	const double samples = fmax(s->in_samples, 1);	/* none seen is few */
	double factor, square = 1 / samples, mean, differ;

	*error = 0;
	if (s->in_ns <= 0 || s->out_ns <= 0)
		return 1;
	/* From one window to the next it may differ by more than samples do by chance. */
	if (s->n > 1.5 && s->sum > 0) {
		mean = s->sum / s->n;
		differ = fmax(s->square / s->n - mean * mean, 0) / (mean * mean) / (s->n - 1);
		square = fmax(square, differ);
	}
	factor = s->out_own_ns / s->out_ns * s->in_ns / (samples * period_ns);
	if (!(factor > 0) || log(factor) <= SURE * sqrt(square))
		return 1;
	*error = sqrt(square);
	return factor;
}
