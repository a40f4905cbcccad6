// SPDX-License-Identifier: GPL-2.0-or-later
/* What tracing has cost, and what was counted, as of one moment. */
#include "base/clock.h"
#include "pace/adapt_internal.h"

#define READ_NS		100000	/* a reading of calls and work is good enough if it took no longer */
#define READ_TRIES	5

void adapt_read_counts(const struct adapt *a, uint64_t c[COUNT_MAX])
{
	tracer_counts(a->tracer, c);
}

void adapt_charge(struct adapt *a, const uint64_t c[COUNT_MAX])
{
	uint64_t hits = c[COUNT_HITS] - a->last_hits, recorded = counts_samples(c) - a->last_recorded;
	double cost;

	if (recorded > hits)
		recorded = hits;
	cost = recorded * a->cost.recorded + (hits - recorded) * a->cost.other;
	if (hits)
		a->hit_ns = cost / hits;
	a->cost_ns += cost;
	a->last_hits = c[COUNT_HITS];
	a->last_recorded = counts_samples(c);
	if (a->governor)
		governor_set(a->governor, adapt_budget(a), a->hit_ns);
}

uint64_t adapt_traced_until(const struct adapt *a, uint64_t now)
{
	return a->traced_ns + (a->counting ? now - a->on_ns : 0);
}

/*
 * Calls and work as of one moment. They are read one after the other, and an alloctrace that is preempted between would
 * take for the window's work what was done after it: the quickest of some tries. How many calls came while it read is
 * known, and half of them count.
 */
static struct scale_reading read_once(struct adapt *a, uint64_t *took_ns)
{
	uint64_t before[COUNT_MAX], after[COUNT_MAX], start = monotonic_ns();
	struct work_done done;

	adapt_read_counts(a, before);
	done = work_read(a->work, false);
	adapt_read_counts(a, after);
	adapt_charge(a, after);
	*took_ns = monotonic_ns() - start;
	return (struct scale_reading){
		.calls = (counts_calls(before) + counts_calls(after)) / 2,
		.bytes = (counts_bytes(before) + counts_bytes(after)) / 2,
		.probes_ns = a->cost_ns, .ticks = done.ticks,
		.work = {[SCALE_READ_BYTES] = done.read_bytes, [SCALE_READS] = done.reads, [SCALE_IO] = done.io,
			 [SCALE_MESSAGES] = done.messages, [SCALE_CPU] = done.cpu_ns,
			 [SCALE_TIME] = (double)start + (double)*took_ns / 2},
	};
}

/* As of the reading just now. */
static void read_groups(struct adapt *a)
{
	size_t n;
	const struct group_now *at = work_groups(a->work, &n);

	groups_read(a->groups, at, n, a->hit_ns, a->weight, monotonic_ns());
}

struct scale_reading adapt_reading(struct adapt *a)
{
	struct scale_reading best = {0}, r;
	uint64_t took, least = UINT64_MAX;

	for (int try = 0; try < (a->groups ? 1 : READ_TRIES) && least > READ_NS; try++) {
		r = read_once(a, &took);
		if (took < least) {
			best = r;
			least = took;
		}
	}
	if (a->groups)
		read_groups(a);
	else
		best.waits = work_read(a->work, true).waits;
	return best;
}

struct adapt_account adapt_account(struct adapt *a)
{
	uint64_t c[COUNT_MAX], now = monotonic_ns();
	struct adapt_account r = {
		.elapsed_ns = now - a->start_ns, .traced_ns = adapt_traced_until(a, now),
		.weighted_calls = a->calls, .weighted_bytes = a->bytes,
	};
	struct governor_account g;
	struct scale_reading read;

	r.samples_from_ns = a->go.from_ns ? a->go.from_ns - a->start_ns : 0;
	r.samples_until_ns = a->go.until_ns ? a->go.until_ns - a->start_ns : 0;
	if (a->stopped || !a->governor)
		return a->stopped ? a->final : r;
	adapt_read_counts(a, c);
	adapt_charge(a, c);
	g = governor_account(a->governor, now, c[COUNT_HITS]);
	if (a->counting) {
		r.weighted_calls += a->weight * (counts_calls(c) - a->on_calls);
		r.weighted_bytes += a->weight * (counts_bytes(c) - a->on_bytes);
	}
	r.cost_ns = g.cost_ns;
	r.windows = g.windows;
	r.scaled = a->traced_ns > 0;
	if (r.scaled) {
		read = adapt_reading(a);
		r.total = scale_total(a->scale, &read);
		r.slowdown = scale_slowdown(a->scale);
		if (a->groups)
			r.total = groups_total(a->groups);
		r.load = r.traced_ns ? a->cost_ns / r.traced_ns : 0;
	}
	return r;
}
