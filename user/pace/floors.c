// SPDX-License-Identifier: GPL-2.0-or-later
#include "pace/floors.h"

#include <math.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "sample.h"

#define PERIOD_NS	1000000000ULL
#define SURE		8	/* means that a call counts for which is always a sample */

struct floors {
	struct tracer *tracer;
	struct u64map hits;	/* of groups, as of the last time */
	uint64_t last_ns, mean, call;
	double seconds;
};

struct floors *floors_new(void)
{
	return xcalloc(1, sizeof(struct floors));
}

void floors_free(struct floors *f)
{
	if (!f)
		return;
	u64map_free(&f->hits);
	free(f);
}

uint64_t floors_call(double hits, double seconds, uint64_t mean, uint64_t call)
{
	const double wanted = hits > 0 ? (double)mean * FLOOR_SAMPLES * seconds / hits : SURE * (double)mean;
	const double most = fmin(SURE * (double)mean, UINT32_MAX);

	return (uint64_t)fmax((double)call, fmin(wanted, most));
}

static void set_law(void *arg, uint64_t program, const struct group_work *w)
{
	struct floors *f = arg;
	uint64_t *last = u64map_put(&f->hits, program, NULL), hits = w->hits - *last;

	*last = w->hits;
	if (f->mean > 1)
		tracer_set_group_law(f->tracer, program,
				     SAMPLE_LAW(f->mean, floors_call((double)hits, f->seconds, f->mean, f->call)));
	else
		tracer_set_group_law(f->tracer, program, 0);
}

void floors_update(struct floors *f, struct tracer *t, uint64_t mean, uint64_t call, uint64_t now_ns)
{
	if (now_ns - f->last_ns < PERIOD_NS)
		return;
	f->tracer = t;
	f->seconds = f->last_ns ? (double)(now_ns - f->last_ns) / 1e9 : 1;
	f->mean = mean;
	f->call = call;
	f->last_ns = now_ns;
	tracer_group_work(t, set_law, f);
}
