/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The facts of several runs together. */
#include <math.h>
#include <string.h>

#include "record/facts.h"

static uint64_t sum(uint64_t a, uint64_t b)
{
	uint64_t s;

	return __builtin_add_overflow(a, b, &s) ? UINT64_MAX : s;
}

static const struct recording_count *add_counts(struct arena *a, const struct recording_count *x, size_t nx,
						const struct recording_count *y, size_t ny, size_t *n)
{
	struct recording_count *list = arena_get(a, nx + ny + 1, sizeof(*list));

	for (size_t i = 0; i < nx; i++)
		list[i] = x[i];
	*n = nx;
	for (size_t i = 0; i < ny; i++) {
		size_t k = 0;

		while (k < *n && strcmp(list[k].reason, y[i].reason))
			k++;
		if (k == *n)
			list[(*n)++] = (struct recording_count){y[i].reason, 0};
		list[k].n = sum(list[k].n, y[i].n);
	}
	return list;
}

static const char *join(struct arena *a, const char *x, const char *y, const char *between)
{
	struct buf b = {0};
	char *text;

	if (!x || !y || !strcmp(x, y))
		return x ? x : y;
	buf_printf(&b, "%s%s%s", x, between, y);
	text = facts_text(a, buf_cstr(&b));
	buf_free(&b);
	return text;
}

static void add_heap(struct recording_heap *h, const struct recording_heap *with)
{
	h->peak_bytes = sum(h->peak_bytes, with->peak_bytes);
	h->peak_ns = h->peak_ns > with->peak_ns ? h->peak_ns : with->peak_ns;
	h->frees = sum(h->frees, with->frees);
	h->frees_unknown = sum(h->frees_unknown, with->frees_unknown);
	h->replaced = sum(h->replaced, with->replaced);
	h->ended_blocks = sum(h->ended_blocks, with->ended_blocks);
	h->unfollowed = sum(h->unfollowed, with->unfollowed);
	h->min_age_ns = h->min_age_ns > with->min_age_ns ? h->min_age_ns : with->min_age_ns;
	h->temp_age_ns = h->temp_age_ns > with->temp_age_ns ? h->temp_age_ns : with->temp_age_ns;
	h->ended &= with->ended;
	h->n_marks = 0;
}

static void add_samplers(struct recording *r, const struct recording *with)
{
	struct recording_runtime *g = &r->runtime;
	struct recording_sampler *s = &r->sampler;

	if (with->runtime.processes) {
		g->rate = !g->processes || g->rate == with->runtime.rate ? with->runtime.rate : 0;
		g->collected = with->runtime.collected && (!g->processes || g->collected);
		g->records = sum(g->records, with->runtime.records);
		g->processes = sum(g->processes, with->runtime.processes);
	}
	if (with->sampler.used) {
		s->rate = !s->used || s->rate == with->sampler.rate ? with->sampler.rate : 0;
		s->samples = sum(s->samples, with->sampler.samples);
		s->from_ns = s->used && !s->from_ns ? 0 : with->sampler.from_ns;
		s->until_ns = s->used && !s->until_ns ? 0 : with->sampler.until_ns;
		s->used = true;
	}
	r->by_usdt |= with->by_usdt;
	r->kernel |= with->kernel;
	r->usdt_samples = sum(r->usdt_samples, with->usdt_samples);
}

/* What selects the processes of one run stands beside the target of another that was not wide. */
static void add_host(struct recording *r, const struct recording *w, struct arena *a)
{
	struct recording_host *h = &r->host;
	const struct recording_host *with = &w->host;

	if (h->selection || with->selection)
		h->selection = join(a, h->selection ? h->selection : r->target,
				    with->selection ? with->selection : w->target, " + ");
	/* A share of both is one of none of them. */
	if (h->cpus != with->cpus)
		h->cpus = 0;
	h->wide |= with->wide;
	h->processes = sum(h->processes, with->processes);
	h->ended = sum(h->ended, with->ended);
	h->others_hits = sum(h->others_hits, with->others_hits);
	h->undecided = sum(h->undecided, with->undecided);
	h->new_files = sum(h->new_files, with->new_files);
}

/* Errors of totals, as shares of these, add up as their squares do. */
static void add_windows(struct recording *r, const struct recording *with)
{
	struct recording_windows *w = &r->windows;
	const struct recording_windows *x = &with->windows;
	const double a = r->recorded.bytes, b = with->recorded.bytes;

	if (!x->scaled)
		return;
	w->error = a + b > 0 ? hypot(w->error * a, x->error * b) / (a + b) : 0;
	w->by = w->by && x->by && strcmp(w->by, x->by) ? "several measures" : x->by;
	w->share = r->duration_ns + with->duration_ns ?
		   (w->scaled ? w->share : 1) * r->duration_ns / ((double)r->duration_ns + with->duration_ns) +
		   x->share * with->duration_ns / ((double)r->duration_ns + with->duration_ns) : x->share;
	w->n = sum(w->n, x->n);
	w->at_least |= x->at_least;
	w->mixed |= x->mixed;
	w->batched |= x->batched;
	w->load = fmax(w->load, x->load);
	w->slowdown = fmax(w->slowdown, x->slowdown);
	w->limit = fmax(w->limit, x->limit);
	w->scaled = true;
}

static void add_mapped(struct recording_mapped *m, const struct recording_mapped *with)
{
	m->used |= with->used;
	m->allocator_bytes = sum(m->allocator_bytes, with->allocator_bytes);
	m->allocator_calls = sum(m->allocator_calls, with->allocator_calls);
	m->allocator_live = sum(m->allocator_live, with->allocator_live);
	m->lost = sum(m->lost, with->lost);
	m->unfollowed = sum(m->unfollowed, with->unfollowed);
}

void facts_add(struct recording *r, const struct recording *with, struct arena *a)
{
	struct recording_account *ra = &r->account;
	const struct recording_account *wa = &with->account;

	add_windows(r, with);
	add_host(r, with, a);
	r->target = join(a, r->target, with->target, " + ");
	r->allocator = join(a, r->allocator, with->allocator, " + ");
	r->gaps = join(a, r->gaps, with->gaps, "; ");
	r->missing = r->missing ? r->missing : with->missing;
	r->duration_ns = sum(r->duration_ns, with->duration_ns);
	r->ops = r->ops && with->ops ? sum(r->ops, with->ops) : 0;
	r->interval = 0;
	r->delta = false;
	r->seen = counters_add(r->seen, with->seen);
	r->recorded = counters_add(r->recorded, with->recorded);
	ra->seen = sum(ra->seen, wa->seen);
	ra->recorded = sum(ra->recorded, wa->recorded);
	ra->filtered = sum(ra->filtered, wa->filtered);
	ra->unsampled = sum(ra->unsampled, wa->unsampled);
	ra->lost = sum(ra->lost, wa->lost);
	ra->checked &= wa->checked;
	ra->unaccounted = sum(ra->unaccounted, wa->unaccounted);
	r->sample_mean = r->sample_mean > with->sample_mean ? r->sample_mean : with->sample_mean;
	r->sample_calls = fmax(r->sample_calls, with->sample_calls);
	r->sample_auto |= with->sample_auto;
	r->exact_calls = sum(r->exact_calls, with->exact_calls);
	add_heap(&r->heap, &with->heap);
	add_samplers(r, with);
	facts_add_resident(&r->resident, &with->resident);
	add_mapped(&r->mapped, &with->mapped);
	r->filtered = sum(r->filtered, with->filtered);
	r->failed = sum(r->failed, with->failed);
	r->nested = sum(r->nested, with->nested);
	r->losses = add_counts(a, r->losses, r->n_losses, with->losses, with->n_losses, &r->n_losses);
	r->ends = add_counts(a, r->ends, r->n_ends, with->ends, with->n_ends, &r->n_ends);
	r->uncertain = sum(r->uncertain, with->uncertain);
	r->cost_ns = facts_number(r->cost_ns + with->cost_ns);
	r->cost_is_all &= with->cost_is_all;
	r->hits = sum(r->hits, with->hits);
	r->hit_ns = r->hits ? r->cost_ns / r->hits : 0;
	r->views &= with->views;
	r->time_ns = r->time_ns > with->time_ns ? r->time_ns : with->time_ns;
	r->threads &= with->threads;
	r->goroutines &= with->goroutines;
	r->labels &= with->labels;
	r->n_suppressions = 0;
}
