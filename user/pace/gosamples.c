// SPDX-License-Identifier: GPL-2.0-or-later
#include "pace/gosamples.h"

#include <math.h>

#define PERIOD_NS 50000000ULL
#define LEAST_NS 4000000ULL	/* over less, bytes a second say nothing */

static double rate_since(const struct gosamples *g, uint64_t now_ns, double bytes)
{
	return (bytes - g->bytes) / (now_ns - g->since_ns) * 1e9;
}

void gosamples_follow(struct gosamples *g, uint64_t now_ns, double bytes)
{
	if (now_ns - g->since_ns < PERIOD_NS)
		return;
	*g = (struct gosamples){.since_ns = now_ns, .bytes = bytes, .rate = rate_since(g, now_ns, bytes)};
}

bool gosamples_tell(const struct gosamples *g, uint64_t now_ns, double bytes, uint64_t rate)
{
	double most = g->rate;

	if (now_ns - g->since_ns >= LEAST_NS)
		most = fmax(most, rate_since(g, now_ns, bytes));
	return rate && most >= (double)GOSAMPLES_MIN * rate;
}
