/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a table shows of a row beside its counters: sums over the row's stacks. */
#include <stdlib.h>
#include <string.h>

#include "view/view.h"

struct past {
	uint64_t now, before[PROFILE_PAST];	/* bytes; before[0] is the latest */
};

/* Of what Go allocated, both are as its runtime's records have it since its process began, where these are there: what
 * probes counted in this run, by typed stacks, is a part of that. */
static void add_flow(const struct profile *p, uint32_t stack, struct view_detail *d)
{
	const struct counters runtime = profile_sum(p, PROFILE_RUNTIME, stack);

	d->alloc = counters_add(d->alloc, runtime);
	if (!counters_none(runtime))
		d->freed = counters_add(d->freed, counters_sub(runtime, profile_sum(p, PROFILE_LIVE, stack)));
	if (p->stacks.at[stack].type && p->sums[PROFILE_RUNTIME].n)
		return;
	d->alloc = counters_add(d->alloc, profile_sum(p, PROFILE_ALLOC, stack));
	d->freed = counters_add(d->freed, profile_sum(p, PROFILE_FREED, stack));
}

static void add_stack(const struct profile *p, enum profile_kind kind, uint32_t stack, struct view_detail *d,
		      struct past *past)
{
	uint64_t oldest = profile_oldest(p, stack);

	add_flow(p, stack, d);
	if (oldest && (!d->oldest_ns || oldest < d->oldest_ns))
		d->oldest_ns = oldest;
	for (int i = 0; i < PROFILE_GENERATIONS; i++)
		d->generations[i] = counters_add(d->generations[i], profile_sum(p, PROFILE_GENERATION + i, stack));
	past->now += profile_sum(p, kind, stack).bytes;
	for (size_t i = 0; i < p->n_past; i++)
		past->before[i] += profile_past(p, kind, i, stack);
}

/* In how many of the last intervals, without a gap, there was more at the end than at the beginning. */
static unsigned int intervals_grown(const struct past *past, size_t n, bool last)
{
	uint64_t now = past->now;
	size_t i = 0, grew = 0;

	if (last && n && now == past->before[0])
		i = 1;
	for (; i < n && now > past->before[i]; i++, grew++)
		now = past->before[i];
	return grew;
}

void view_details(const struct view *v, const struct profile *p, const struct view_kind *kind, bool last, size_t n,
		  struct view_detail *out)
{
	struct past *past = xcalloc(n + 1, sizeof(*past));

	memset(out, 0, n * sizeof(*out));
	for (size_t i = 0; i < v->n_stacks; i++)
		if (v->row_of[i] < n)
			add_stack(p, kind->counted, i, &out[v->row_of[i]], &past[v->row_of[i]]);
	for (size_t i = 0; i < n; i++) {
		out[i].growth = p->n_past ? (int64_t)(past[i].now - past[i].before[0]) : 0;
		out[i].grew = intervals_grown(&past[i], p->n_past, last);
	}
	for (size_t i = 0; kind->histogram && i < p->hists[kind->hist].n; i++) {
		const struct profile_bucket *b = &p->hists[kind->hist].at[i];

		if (b->stack < v->n_stacks && v->row_of[b->stack] < n)
			out[v->row_of[b->stack]].buckets[b->bucket] += b->calls;
	}
	free(past);
}
