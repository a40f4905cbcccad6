// SPDX-License-Identifier: GPL-2.0-or-later
#include "adapt.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "kern/rate.h"

struct adapt {
	const struct options *o;
	struct tracer *tracer;
	struct rate rate;
};

struct adapt *adapt_new(const struct options *o, struct tracer *t, uint64_t now_ns)
{
	struct adapt *a = xcalloc(1, sizeof(*a));

	a->o = o;
	a->tracer = t;
	rate_init(&a->rate, RATE_DEFAULT_TARGET, now_ns);
	return a;
}

void adapt_free(struct adapt *a)
{
	free(a);
}

/* --sample auto. Bytes that are filtered are among those seen, which can only make the samples too thin. */
static void adapt_rate(struct adapt *a, uint64_t now_ns, const uint64_t c[COUNT_MAX])
{
	const struct rate_counters counters = {
		.calls = c[COUNT_SEEN] - c[COUNT_FILTERED], .bytes = c[COUNT_SEEN_BYTES],
		.samples = c[COUNT_RECORDED] + c[COUNT_LOST_TABLE] + c[COUNT_LOST_SCRATCH] + c[COUNT_LOST_RETURN],
	};
	uint64_t before = a->rate.mean, mean = rate_update(&a->rate, now_ns, &counters);

	if (mean == before)
		return;
	kern_set_sample_mean(tracer_kern(a->tracer), mean);
	note("a sample every %llu bytes from now on, after %llu", (unsigned long long)mean, (unsigned long long)before);
}

void adapt_tick(struct adapt *a, uint64_t now_ns)
{
	uint64_t counts[COUNT_MAX];

	if (a->o->sample_bytes)
		return;
	kern_counts(tracer_kern(a->tracer), counts);
	adapt_rate(a, now_ns, counts);
}
