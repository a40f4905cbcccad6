/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was allocated in each interval of a run, in the extension. The parts add up to the samples' values; they are
 * read in any case, so that a file that contradicts itself is damaged, but kept only of a single file: others have
 * begun at other times.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"
#include "record/facts.h"
#include "record/stored.h"
#include "record/writer.h"

static int compare_sums(const void *a, const void *b, void *arg)
{
	const struct profile_part_sum *x = a, *y = b;
	const uint32_t *place = arg;

	if (place[x->stack] != place[y->stack])
		return place[x->stack] < place[y->stack] ? -1 : 1;
	return 0;
}

static Pb__Part *pack_part(struct writer *w, const struct profile_part *part)
{
	const size_t n = part->sums.n;
	struct profile_part_sum *sorted = NEW(w, n + 1, struct profile_part_sum);
	Pb__Part *m = NEW(w, 1, Pb__Part);
	bool exact = true;
	uint32_t last = 0;

	pb__part__init(m);
	m->until_ns = part->until_ns;
	m->recorded = facts_pack_counters(&w->a, part->recorded);
	m->sample = NEW(w, n + 1, uint32_t);
	m->bytes = NEW(w, n + 1, uint64_t);
	m->calls = NEW(w, n + 1, uint64_t);
	m->bytes_var = NEW(w, n + 1, double);
	m->calls_var = NEW(w, n + 1, double);
	for (size_t i = 0; i < n; i++)
		sorted[i] = part->sums.at[i];
	qsort_r(sorted, n, sizeof(*sorted), compare_sums, w->o.stacks.place);
	for (size_t i = 0, end; i < n; i = end) {
		struct counters c = sorted[i].alloc;
		const size_t at = m->n_sample++;

		for (end = i + 1; end < n && sorted[end].stack == sorted[i].stack; end++)
			c = counters_add(c, sorted[end].alloc);
		exact &= !(c.bytes_var > 0 || c.calls_var > 0);
		m->sample[at] = w->o.stacks.place[sorted[i].stack] - last;
		m->bytes[at] = c.bytes;
		m->calls[at] = c.calls;
		m->bytes_var[at] = c.bytes_var;
		m->calls_var[at] = c.calls_var;
		last = w->o.stacks.place[sorted[i].stack];
	}
	m->n_bytes = m->n_calls = m->n_sample;
	m->n_bytes_var = m->n_calls_var = exact ? 0 : m->n_sample;
	return m;
}

void writer_add_parts(struct writer *w)
{
	/* A file of one interval alone is no run. */
	if (w->r->delta)
		return;
	w->ext.part = NEW(w, w->p->parts.n + 1, Pb__Part *);
	for (size_t i = 0; i < w->p->parts.n; i++)
		w->ext.part[w->ext.n_part++] = pack_part(w, &w->p->parts.at[i]);
}

static int unpack_part(const struct reading *r, const Pb__Part *m, struct profile_part *part, struct counters *sums)
{
	uint64_t at = 0;

	if (m->n_bytes != m->n_sample || m->n_calls != m->n_sample || m->n_bytes_var != m->n_calls_var ||
	    (m->n_bytes_var && m->n_bytes_var != m->n_sample))
		return reading_fail(r, "an interval in it is not whole");
	for (size_t i = 0; i < m->n_sample; i++) {
		const struct counters c = {
			.bytes = m->bytes[i], .calls = m->calls[i],
			.bytes_var = reading_variance(m->bytes_var, m->n_bytes_var, i),
			.calls_var = reading_variance(m->calls_var, m->n_calls_var, i),
		};

		at += m->sample[i];
		if (at >= r->m->n_sample)
			return reading_fail(r, "an interval in it is of a sample that is not there");
		if (__builtin_add_overflow(sums[at].bytes, c.bytes, &sums[at].bytes) ||
		    __builtin_add_overflow(sums[at].calls, c.calls, &sums[at].calls))
			return reading_fail(r, "its intervals add up to more than 2^64");
		vec_push(&part->sums, ((struct profile_part_sum){r->stacks[at], c}));
	}
	part->until_ns = m->until_ns;
	part->recorded = facts_unpack_counters(m->recorded);
	return 0;
}

/* sums: by sample. */
static int check_sums(const struct reading *r, const struct counters *sums)
{
	for (size_t i = 0; i < r->m->n_sample; i++)
		if (sums[i].bytes != reading_value(r, i, 1) || sums[i].calls != reading_value(r, i, 0))
			return reading_fail(r, "its intervals do not add up to what sample %zu has", i);
	return 0;
}

static int read_parts(struct reading *r, struct profile *p)
{
	const Pb__Recording *x = r->ext;
	struct counters *sums = arena_get(&r->s->a, r->m->n_sample + 1, sizeof(*sums));
	uint64_t last_ns = 0;
	size_t n = 0;
	int err = 0;

	for (size_t i = 0; i < x->n_part; i++)
		n += x->part[i]->n_sample;
	/* What profile_end_part() leaves: the sums of one part may be as many as there are stacks. */
	if (x->n_part > PROFILE_PARTS || n > 2 * (PROFILE_PART_SUMS + r->m->n_sample))
		return reading_fail(r, "it has more intervals, or counters of these, than there can be");
	for (size_t i = 0; i < x->n_part && !err; i++) {
		struct profile_part part = {0};

		if (x->part[i]->until_ns < last_ns)
			return reading_fail(r, "its intervals are not in order");
		last_ns = x->part[i]->until_ns;
		err = unpack_part(r, x->part[i], &part, sums);
		vec_push(&p->parts, part);
	}
	return err ? err : check_sums(r, sums);
}

int reading_parts(struct reading *r)
{
	int err = 0;

	profile_forget_parts(&r->s->p);
	if (r->ext && r->ext->n_part)
		err = read_parts(r, &r->s->p);
	if (r->s->n_files && !r->s->o.timed)
		profile_forget_parts(&r->s->p);
	return err;
}

/* Where the interval is that belongs to a range of time: in all ways of cutting a run into ranges, it is in one. */
static uint64_t middle_ns(const struct profile *p, size_t i)
{
	const uint64_t from = i ? p->parts.at[i - 1].until_ns : 0;

	return from + (p->parts.at[i].until_ns - from) / 2;
}

static int no_part(const struct reading *r)
{
	const struct profile *p = &r->s->p;
	const uint64_t end = p->parts.at[p->parts.n - 1].until_ns;
	struct buf whole = {0}, each = {0};

	text_duration(&whole, end);
	text_duration(&each, end / p->parts.n);
	if (r->s->o.from_ns >= end)
		fail(-EINVAL, "%s: nothing was recorded in that time: the recording ends at %s", r->path,
		     buf_cstr(&whole));
	else
		fail(-EINVAL, "%s: that time is shorter than the intervals of the recording, %s on average", r->path,
		     buf_cstr(&each));
	buf_free(&whole);
	buf_free(&each);
	return -EINVAL;
}

static int without_parts(const struct reading *r)
{
	if (!r->ext)
		return fail(-EINVAL, "%s: --time needs the intervals of a recording, and it has none: another program "
			    "wrote it", r->path);
	if (r->ext->facts->windows && r->ext->facts->windows->scaled)
		return fail(-EINVAL, "%s: --time needs intervals, but what is scaled up (--max-overhead) is so for the "
			    "whole run: record with --max-overhead off --interval TIME", r->path);
	return fail(-EINVAL, "%s: --time needs intervals, and it was recorded without: record with --interval TIME, "
		    "without --delta", r->path);
}

/* What the summary says of the run is not known of its parts. */
static void set_facts(const struct reading *r, uint64_t from_ns, uint64_t until_ns, struct counters recorded,
		      struct recording *rec)
{
	const struct recording run = *rec;
	struct buf text = {0};

	if (from_ns)
		text_duration(&text, from_ns);
	else
		buf_str(&text, "the start");
	buf_str(&text, " to ");
	text_duration(&text, until_ns);
	buf_str(&text, " of ");
	text_duration(&text, run.duration_ns);
	buf_str(&text, "; losses, cost and all but what was allocated are known of the whole run only");
	*rec = (struct recording){
		.views = run.views & VIEW_BIT(VIEW_ALLOC), .threads = run.threads, .goroutines = run.goroutines,
		.labels = run.labels, .unnamed = run.unnamed, .target = run.target, .allocator = run.allocator,
		.gaps = run.gaps, .host = {.wide = run.host.wide, .selection = run.host.selection},
		.missing = facts_text(&r->s->a, buf_cstr(&text)), .duration_ns = until_ns - from_ns,
		.seen = recorded, .recorded = recorded,
		/* Calls that were lost are in it, and in no row. */
		.exact_total = run.account.unsampled && !run.n_losses,
	};
	buf_free(&text);
}

int reading_time(struct reading *r, struct recording *rec)
{
	struct profile *p = &r->s->p;
	uint64_t from_ns = UINT64_MAX, until_ns = 0;
	struct counters recorded = {0};
	int err = 0;

	if (!p->parts.n)
		return without_parts(r);
	for (size_t i = 0; i < p->parts.n && !err; i++) {
		const struct profile_part *part = &p->parts.at[i];

		if (middle_ns(p, i) < r->s->o.from_ns || middle_ns(p, i) >= r->s->o.until_ns)
			continue;
		from_ns = from_ns == UINT64_MAX ? (i ? p->parts.at[i - 1].until_ns : 0) : from_ns;
		until_ns = part->until_ns;
		recorded = counters_add(recorded, part->recorded);
		for (size_t k = 0; k < part->sums.n && !err; k++)
			err = reading_add(r, PROFILE_ALLOC, part->sums.at[k].stack, part->sums.at[k].alloc);
	}
	if (!err && from_ns == UINT64_MAX)
		err = no_part(r);
	if (!err)
		set_facts(r, from_ns, until_ns, recorded, rec);
	profile_forget_parts(p);
	return err;
}
