/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is counted of each sample, for the extension: lists of the samples that have something. */
#include <stdlib.h>
#include <string.h>

#include "record/writer.h"

/* One kind's counters; NULL where there are none. */
static Pb__Sums *make_sums(struct writer *w, enum profile_kind kind)
{
	const bool is_mapped = kind == PROFILE_MAPPED || kind == PROFILE_MAPPED_LIVE;
	const bool in_profile = kind == PROFILE_ALLOC || (kind == PROFILE_LIVE && w->first_mapped > 2) ||
				(is_mapped && w->n_types > w->first_mapped);
	const size_t room = w->p->sums[kind].n;
	Pb__Sums *m = NEW(w, 1, Pb__Sums);
	bool exact = true;
	uint32_t last = 0;

	pb__sums__init(m);
	m->kind = kind;
	m->sample = NEW(w, room + 1, uint32_t);
	m->bytes = NEW(w, room + 1, uint64_t);
	m->calls = NEW(w, room + 1, uint64_t);
	m->bytes_var = NEW(w, room + 1, double);
	m->calls_var = NEW(w, room + 1, double);
	for (size_t i = 0; i < w->o.stacks.n; i++) {
		struct counters c = profile_sum(w->p, kind, w->o.stacks.ids[i]);
		size_t at = m->n_sample;

		exact &= !(c.bytes_var > 0 || c.calls_var > 0);
		if (counters_none(c) || (in_profile && !(c.bytes_var > 0 || c.calls_var > 0)))
			continue;
		m->sample[at] = i - last;
		m->bytes[at] = c.bytes;
		m->calls[at] = c.calls;
		m->bytes_var[at] = c.bytes_var;
		m->calls_var[at] = c.calls_var;
		last = i;
		m->n_sample++;
	}
	m->n_bytes = m->n_calls = in_profile ? 0 : m->n_sample;
	m->n_bytes_var = m->n_calls_var = exact ? 0 : m->n_sample;
	return m->n_sample ? m : NULL;
}

static void add_sums(struct writer *w)
{
	w->ext.sums = NEW(w, PROFILE_KINDS, Pb__Sums *);
	for (int kind = 0; kind < PROFILE_KINDS; kind++) {
		Pb__Sums *m = make_sums(w, kind);

		if (m)
			w->ext.sums[w->ext.n_sums++] = m;
	}
	w->ext.oldest_sample = NEW(w, w->o.stacks.n + 1, uint32_t);
	w->ext.oldest_age_ns = NEW(w, w->o.stacks.n + 1, uint64_t);
	for (size_t i = 0; i < w->o.stacks.n; i++) {
		uint64_t oldest = profile_oldest(w->p, w->o.stacks.ids[i]);

		if (!oldest)
			continue;
		w->ext.oldest_sample[w->ext.n_oldest_sample++] = i;
		w->ext.oldest_age_ns[w->ext.n_oldest_age_ns++] = w->p->now_ns > oldest ? w->p->now_ns - oldest : 0;
	}
}

static int compare_buckets(const void *a, const void *b, void *arg)
{
	const struct profile_bucket *x = a, *y = b;
	const uint32_t *place = arg;

	if (place[x->stack] != place[y->stack])
		return place[x->stack] < place[y->stack] ? -1 : 1;
	if (x->bucket != y->bucket)
		return x->bucket < y->bucket ? -1 : 1;
	return x->calls < y->calls ? -1 : x->calls > y->calls;
}

static void add_histogram(struct writer *w, enum profile_hist hist)
{
	const size_t n = w->p->hists[hist].n;
	struct profile_bucket *sorted = NEW(w, n + 1, struct profile_bucket);
	Pb__Histogram *m = NEW(w, 1, Pb__Histogram);
	uint32_t last = 0;

	if (!n)
		return;
	memcpy(sorted, w->p->hists[hist].at, n * sizeof(*sorted));
	qsort_r(sorted, n, sizeof(*sorted), compare_buckets, w->o.stacks.place);
	pb__histogram__init(m);
	m->kind = hist;
	m->sample = NEW(w, n, uint32_t);
	m->bucket = NEW(w, n, uint32_t);
	m->calls = NEW(w, n, double);
	for (size_t i = 0; i < n; i++) {
		m->sample[i] = w->o.stacks.place[sorted[i].stack] - last;
		m->bucket[i] = sorted[i].bucket;
		m->calls[i] = sorted[i].calls;
		last = w->o.stacks.place[sorted[i].stack];
	}
	m->n_sample = m->n_bucket = m->n_calls = n;
	w->ext.histogram[w->ext.n_histogram++] = m;
}

static void add_past(struct writer *w, bool leaks, uint32_t back)
{
	const size_t n = w->o.stacks.n;
	Pb__Past *m = NEW(w, 1, Pb__Past);
	uint32_t last = 0;

	pb__past__init(m);
	m->leaks = leaks;
	m->back = back;
	m->sample = NEW(w, n + 1, uint32_t);
	m->bytes = NEW(w, n + 1, uint64_t);
	for (size_t i = 0; i < n; i++) {
		uint64_t bytes = profile_past(w->p, leaks ? PROFILE_LEAKS : PROFILE_LIVE, back, w->o.stacks.ids[i]);

		if (!bytes)
			continue;
		m->sample[m->n_sample++] = i - last;
		m->bytes[m->n_bytes++] = bytes;
		last = i;
	}
	w->ext.past[w->ext.n_past++] = m;
}

void writer_add_counts(struct writer *w)
{
	Pb__Recording *m = &w->ext;

	add_sums(w);
	m->histogram = NEW(w, PROFILE_HISTS, Pb__Histogram *);
	for (int i = 0; i < PROFILE_HISTS; i++)
		add_histogram(w, i);
	m->past = NEW(w, 2 * PROFILE_PAST, Pb__Past *);
	for (uint32_t back = 0; back < w->p->n_past; back++) {
		add_past(w, false, back);
		add_past(w, true, back);
	}
}
