/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What recording.proto adds to the samples of a profile. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "record/facts.h"
#include "record/stored.h"

#define VERSION 1
/* When the live blocks were read, by the clock that their ages are of: there is no other moment in a file. */
#define NOW_NS (1ULL << 62)

/* Whoever rewrote the profile and kept the field has made tables that it does not stand beside. */
bool reading_extension_holds(const struct reading *r)
{
	const Pb__Recording *x = r->m->alloctrace;

	return x->version == VERSION && x->facts && x->samples == r->m->n_sample && x->locations == r->m->n_location &&
	       x->mappings == r->m->n_mapping && x->n_module == r->m->n_mapping && x->frames <= r->m->n_location &&
	       x->n_reason == x->frames && x->n_offset == x->frames && x->n_start == x->frames &&
	       x->n_task_of == r->m->n_sample && x->n_function_of == r->m->n_sample && x->n_end == r->m->n_sample &&
	       (!x->n_type_of || x->n_type_of == r->m->n_sample) && (!x->n_tag_of || x->n_tag_of == r->m->n_sample);
}

/* The next sample of a list that has differences; false: there is none. */
static bool next_sample(const struct reading *r, uint32_t diff, uint64_t *at, uint32_t *stack)
{
	*at += diff;
	if (*at >= r->m->n_sample)
		return false;
	*stack = r->stacks[*at];
	return true;
}

double reading_variance(const double *list, size_t n, size_t i)
{
	return i < n && isfinite(list[i]) && list[i] > 0 ? list[i] : 0;
}

static int read_sums(struct reading *r, const Pb__Sums *m)
{
	const bool in_profile = m->kind == PROFILE_ALLOC || reading_has_kind(r, m->kind);
	uint64_t at = 0;
	uint32_t stack;
	int err = 0;

	if (m->kind >= PROFILE_KINDS || m->n_bytes != m->n_calls || m->n_bytes_var != m->n_calls_var ||
	    (!in_profile && m->n_bytes != m->n_sample) || (in_profile && m->n_bytes) ||
	    (m->n_bytes_var && m->n_bytes_var != m->n_sample))
		return reading_fail(r, "its counters of kind %u are not whole", m->kind);
	for (size_t i = 0; i < m->n_sample && !err; i++) {
		struct counters c = {
			.bytes = in_profile ? 0 : m->bytes[i], .calls = in_profile ? 0 : m->calls[i],
			.bytes_var = reading_variance(m->bytes_var, m->n_bytes_var, i),
			.calls_var = reading_variance(m->calls_var, m->n_calls_var, i),
		};

		if (!next_sample(r, m->sample[i], &at, &stack))
			return reading_fail(r, "counters of kind %u are of a sample that is not there", m->kind);
		err = reading_add(r, m->kind, stack, c);
	}
	return err;
}

static int read_ages(struct reading *r)
{
	const Pb__Recording *x = r->ext;

	r->s->p.now_ns = NOW_NS;
	if (x->n_oldest_sample != x->n_oldest_age_ns)
		return reading_fail(r, "its ages are not whole");
	for (size_t i = 0; i < x->n_oldest_sample; i++) {
		if (x->oldest_sample[i] >= r->m->n_sample || x->oldest_age_ns[i] >= NOW_NS)
			return reading_fail(r, "an age is of a sample that is not there, or too large");
		profile_add_age(&r->s->p, r->stacks[x->oldest_sample[i]], NOW_NS - x->oldest_age_ns[i]);
	}
	return 0;
}

static int read_histogram(struct reading *r, const Pb__Histogram *m)
{
	uint64_t at = 0;
	uint32_t stack;

	if (m->kind >= PROFILE_HISTS || m->n_bucket != m->n_sample || m->n_calls != m->n_sample)
		return reading_fail(r, "a histogram is not whole");
	for (size_t i = 0; i < m->n_sample; i++) {
		if (!next_sample(r, m->sample[i], &at, &stack) || m->bucket[i] >= PROFILE_BUCKETS)
			return reading_fail(r, "a histogram is of a sample that is not there");
		profile_add_hist(&r->s->p, m->kind, stack, m->bucket[i], reading_variance(m->calls, m->n_calls, i));
	}
	return 0;
}

static int read_past(struct reading *r, const Pb__Past *m)
{
	struct profile *p = &r->s->p;
	struct profile_past *past = m->leaks ? &p->past_leaks : &p->past_live;
	uint64_t at = 0;
	uint32_t stack;

	if (m->back >= PROFILE_PAST || m->n_bytes != m->n_sample || past->at[m->back].bytes)
		return reading_fail(r, "an earlier report in it is not whole");
	past->at[m->back].bytes = xcalloc(p->stacks.n + 1, sizeof(uint64_t));
	past->at[m->back].n = p->stacks.n;
	for (size_t i = 0; i < m->n_sample; i++) {
		if (!next_sample(r, m->sample[i], &at, &stack))
			return reading_fail(r, "an earlier report in it is of a sample that is not there");
		past->at[m->back].bytes[stack] += m->bytes[i];
	}
	return 0;
}

/* What is only of one run: how it grew, and its generations. */
static int read_history(struct reading *r)
{
	const Pb__Recording *x = r->ext;
	struct profile *p = &r->s->p;
	int err = 0;

	if (r->s->n_files) {
		p->n_past = 0;
		p->generations = 0;
		return 0;
	}
	if (x->pasts > PROFILE_PAST || x->generations > PROFILE_GENERATIONS)
		return reading_fail(r, "it has more earlier reports or generations than there can be");
	/* Marks are counted from 1 on. */
	if (x->generations && (!x->first_generation || x->first_generation > UINT32_MAX - PROFILE_GENERATIONS))
		return reading_fail(r, "its generations begin with %u", x->first_generation);
	for (size_t i = 0; i < x->n_past && !err; i++)
		err = read_past(r, x->past[i]);
	p->n_past = x->pasts;
	p->first_generation = x->first_generation;
	p->generations = x->generations;
	return err;
}

int reading_extension(struct reading *r)
{
	const Pb__Recording *x = r->ext;
	int err = 0;

	for (size_t i = 0; i < x->n_sums && !err; i++)
		err = read_sums(r, x->sums[i]);
	if (!err)
		err = read_ages(r);
	for (size_t i = 0; i < x->n_histogram && !err; i++)
		err = read_histogram(r, x->histogram[i]);
	if (!err)
		err = read_history(r);
	r->s->p.ended_blocks += x->ended_blocks;
	return err;
}
