// SPDX-License-Identifier: GPL-2.0-or-later
#include "pace/gosamples.h"

bool gosamples_try(struct gosamples *g, struct tracer *t, uint64_t now_ns, const uint64_t c[COUNT_MAX])
{
	if (g->from_ns || !tracer_go_samples(t))
		return false;
	g->from_ns = now_ns;
	g->before = c[COUNT_GO_SAMPLES];
	tracer_go_by_samples(t);
	return true;
}

int gosamples_judge(struct gosamples *g, struct tracer *t, uint64_t now_ns, const uint64_t c[COUNT_MAX])
{
	if (!g->from_ns || g->judged || now_ns - g->from_ns < GOSAMPLES_TRIAL_NS)
		return 0;
	g->judged = true;
	if (c[COUNT_GO_SAMPLES] - g->before >= GOSAMPLES_MIN * ((now_ns - g->from_ns) / 1e9))
		return 0;
	g->until_ns = now_ns;
	return tracer_go_by_calls(t);
}
