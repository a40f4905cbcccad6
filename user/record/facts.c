/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record/facts.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

#define SHOWN_MAX 1e18
#define RESIDENT_MAX (1LL << 60)	/* bytes */

char *facts_text(struct arena *a, const char *s)
{
	struct buf b = {0};
	char *copy;

	if (!s)
		return NULL;
	text_escape(&b, s, strlen(s));
	copy = arena_get(a, b.len + 1, 1);
	memcpy(copy, buf_cstr(&b), b.len);
	buf_free(&b);
	return copy;
}

/* "" stands for what is not there. */
static char *or_empty(struct arena *a, const char *s)
{
	return facts_text(a, s ? s : "");
}

static const char *or_null(struct arena *a, const char *s)
{
	return *s ? facts_text(a, s) : NULL;
}

Pb__Counters *facts_pack_counters(struct arena *a, struct counters c)
{
	Pb__Counters *m = arena_get(a, 1, sizeof(*m));

	pb__counters__init(m);
	m->bytes = c.bytes;
	m->calls = c.calls;
	m->bytes_var = c.bytes_var;
	m->calls_var = c.calls_var;
	return m;
}

struct counters facts_unpack_counters(const Pb__Counters *m)
{
	struct counters c = {0};

	if (!m)
		return c;
	/* What is no variance is none. */
	return (struct counters){m->bytes, m->calls, m->bytes_var > 0 ? m->bytes_var : 0,
				 m->calls_var > 0 ? m->calls_var : 0};
}

static Pb__Account *pack_account(struct arena *a, const struct recording_account *x)
{
	Pb__Account *m = arena_get(a, 1, sizeof(*m));

	pb__account__init(m);
	m->seen = x->seen;
	m->recorded = x->recorded;
	m->filtered = x->filtered;
	m->unsampled = x->unsampled;
	m->lost = x->lost;
	m->checked = x->checked;
	m->unaccounted = x->unaccounted;
	return m;
}

static struct recording_account unpack_account(const Pb__Account *m)
{
	if (!m)
		return (struct recording_account){0};
	return (struct recording_account){m->seen, m->recorded, m->filtered, m->unsampled, m->lost, m->checked,
					  m->unaccounted};
}

static Pb__Heap *pack_heap(struct arena *a, const struct recording_heap *h)
{
	Pb__Heap *m = arena_get(a, 1, sizeof(*m));

	pb__heap__init(m);
	m->peak_bytes = h->peak_bytes;
	m->peak_ns = h->peak_ns;
	m->frees = h->frees;
	m->frees_unknown = h->frees_unknown;
	m->replaced = h->replaced;
	m->ended_blocks = h->ended_blocks;
	m->unfollowed = h->unfollowed;
	m->min_age_ns = h->min_age_ns;
	m->temp_age_ns = h->temp_age_ns;
	m->ended = h->ended;
	m->n_mark_ns = h->n_marks;
	m->mark_ns = (uint64_t *)h->marks_ns;
	return m;
}

static struct recording_heap unpack_heap(const Pb__Heap *m, struct arena *a)
{
	struct recording_heap h = {0};
	uint64_t *marks;

	if (!m)
		return h;
	marks = arena_get(a, m->n_mark_ns + 1, sizeof(*marks));
	if (m->n_mark_ns)
		memcpy(marks, m->mark_ns, m->n_mark_ns * sizeof(*marks));
	return (struct recording_heap){
		m->peak_bytes, m->peak_ns, m->frees, m->frees_unknown, m->replaced, m->ended_blocks, m->unfollowed,
		m->min_age_ns, m->temp_age_ns, m->ended, marks, m->n_mark_ns,
	};
}

static Pb__Runtime *pack_runtime(struct arena *a, const struct recording_runtime *x)
{
	Pb__Runtime *m = arena_get(a, 1, sizeof(*m));

	pb__runtime__init(m);
	m->records = x->records;
	m->processes = x->processes;
	m->rate = x->rate;
	m->collected = x->collected;
	return m;
}

static struct recording_runtime unpack_runtime(const Pb__Runtime *m)
{
	if (!m)
		return (struct recording_runtime){0};
	return (struct recording_runtime){m->records, m->processes, m->rate, m->collected};
}

static Pb__Sampler *pack_sampler(struct arena *a, const struct recording_sampler *x)
{
	Pb__Sampler *m = arena_get(a, 1, sizeof(*m));

	pb__sampler__init(m);
	m->samples = x->samples;
	m->rate = x->rate;
	m->from_ns = x->from_ns;
	m->until_ns = x->until_ns;
	return m;
}

static struct recording_sampler unpack_sampler(const Pb__Sampler *m)
{
	if (!m)
		return (struct recording_sampler){0};
	return (struct recording_sampler){m->samples, m->rate, m->from_ns, m->until_ns, true};
}

static Pb__Resident *pack_resident(struct arena *a, const struct recording_resident *x)
{
	Pb__Resident *m = arena_get(a, 1, sizeof(*m));

	pb__resident__init(m);
	m->spaces = x->spaces;
	m->unfollowed = x->unfollowed;
	m->start = x->start;
	m->end = x->end;
	m->grown = x->grown;
	m->shrunk = x->shrunk;
	m->others = x->others;
	m->off = x->off;
	return m;
}

/* Sums and differences of several are to be sums and differences. */
static int64_t limited(int64_t n)
{
	return n > RESIDENT_MAX ? RESIDENT_MAX : n < -RESIDENT_MAX ? -RESIDENT_MAX : n;
}

static uint64_t limited_size(uint64_t n)
{
	return n < RESIDENT_MAX ? n : RESIDENT_MAX;
}

static Pb__Mapped *pack_mapped(struct arena *a, const struct recording_mapped *x)
{
	Pb__Mapped *m = arena_get(a, 1, sizeof(*m));

	pb__mapped__init(m);
	m->allocator_bytes = x->allocator_bytes;
	m->allocator_calls = x->allocator_calls;
	m->allocator_live = x->allocator_live;
	m->lost = x->lost;
	m->unfollowed = x->unfollowed;
	return m;
}

static struct recording_mapped unpack_mapped(const Pb__Mapped *m)
{
	if (!m)
		return (struct recording_mapped){0};
	return (struct recording_mapped){
		true, m->allocator_bytes, m->allocator_calls, m->allocator_live, m->lost, m->unfollowed,
	};
}

static struct recording_resident unpack_resident(const Pb__Resident *m)
{
	if (!m)
		return (struct recording_resident){0};
	return (struct recording_resident){
		true, m->spaces, m->unfollowed, limited(m->start), limited(m->end), limited_size(m->grown),
		limited_size(m->shrunk), limited(m->others), limited(m->off),
	};
}

static Pb__Host *pack_host(struct arena *a, const struct recording_host *x)
{
	Pb__Host *m = arena_get(a, 1, sizeof(*m));

	pb__host__init(m);
	m->selection = or_empty(a, x->selection);
	m->processes = x->processes;
	m->ended = x->ended;
	m->others_hits = x->others_hits;
	m->undecided = x->undecided;
	m->new_files = x->new_files;
	m->cpus = x->cpus;
	return m;
}

static struct recording_host unpack_host(const Pb__Host *m, struct arena *a)
{
	if (!m)
		return (struct recording_host){0};
	return (struct recording_host){true, or_null(a, m->selection), m->processes, m->ended, m->others_hits,
				       m->undecided, m->new_files, facts_number(m->cpus)};
}

static Pb__Windows *pack_windows(struct arena *a, const struct recording_windows *w)
{
	Pb__Windows *m = arena_get(a, 1, sizeof(*m));

	pb__windows__init(m);
	m->scaled = w->scaled;
	m->n = w->n;
	m->share = w->share;
	m->by = or_empty(a, w->by);
	m->at_least = w->at_least;
	m->error = w->error;
	m->mixed = w->mixed;
	m->batched = w->batched;
	m->load = w->load;
	m->slowdown = w->slowdown;
	m->limit = w->limit;
	return m;
}

double facts_number(double x)
{
	if (!isfinite(x) || x <= 0)
		return 0;
	return x < SHOWN_MAX ? x : SHOWN_MAX;
}

static struct recording_windows unpack_windows(const Pb__Windows *m, struct arena *a)
{
	if (!m)
		return (struct recording_windows){0};
	return (struct recording_windows){
		.scaled = m->scaled, .n = m->n, .share = facts_number(m->share), .by = facts_text(a, m->by),
		.at_least = m->at_least, .error = facts_number(m->error), .mixed = m->mixed,
		.batched = m->batched, .load = facts_number(m->load),
		.slowdown = facts_number(m->slowdown), .limit = facts_number(m->limit),
	};
}

static Pb__Count **pack_counts(struct arena *a, const struct recording_count *counts, size_t n)
{
	Pb__Count **list = arena_get(a, n + 1, sizeof(Pb__Count *));

	for (size_t i = 0; i < n; i++) {
		list[i] = arena_get(a, 1, sizeof(*list[i]));
		pb__count__init(list[i]);
		list[i]->reason = or_empty(a, counts[i].reason);
		list[i]->n = counts[i].n;
	}
	return list;
}

static const struct recording_count *unpack_counts(struct arena *a, Pb__Count *const *list, size_t n)
{
	struct recording_count *counts = arena_get(a, n + 1, sizeof(*counts));

	for (size_t i = 0; i < n; i++)
		counts[i] = (struct recording_count){facts_text(a, list[i]->reason), list[i]->n};
	return counts;
}

static void pack_suppressions(Pb__Facts *m, const struct recording *r, struct arena *a)
{
	m->n_suppression = r->n_suppressions;
	m->suppression = arena_get(a, r->n_suppressions + 1, sizeof(Pb__Suppression *));
	for (size_t i = 0; i < r->n_suppressions; i++) {
		m->suppression[i] = arena_get(a, 1, sizeof(*m->suppression[i]));
		pb__suppression__init(m->suppression[i]);
		m->suppression[i]->pattern = or_empty(a, r->suppressions[i].pattern);
		m->suppression[i]->hidden = facts_pack_counters(a, r->suppressions[i].hidden);
	}
}

static void unpack_suppressions(const Pb__Facts *m, struct recording *r, struct arena *a)
{
	struct suppression *list = arena_get(a, m->n_suppression + 1, sizeof(*list));

	for (size_t i = 0; i < m->n_suppression; i++)
		list[i] = (struct suppression){facts_text(a, m->suppression[i]->pattern),
					       facts_unpack_counters(m->suppression[i]->hidden)};
	r->suppressions = list;
	r->n_suppressions = m->n_suppression;
}

void facts_add_resident(struct recording_resident *m, const struct recording_resident *with)
{
	m->used |= with->used;
	m->spaces += with->spaces;
	m->unfollowed += with->unfollowed;
	m->start = limited(m->start + with->start);
	m->end = limited(m->end + with->end);
	m->grown = limited_size(m->grown + with->grown);
	m->shrunk = limited_size(m->shrunk + with->shrunk);
	m->others = limited(m->others + with->others);
	m->off = limited(m->off + with->off);
}

Pb__Facts *facts_pack(const struct recording *r, struct arena *a)
{
	Pb__Facts *m = arena_get(a, 1, sizeof(*m));

	pb__facts__init(m);
	m->program = "alloctrace " ALLOCTRACE_VERSION;
	m->target = or_empty(a, r->target);
	m->allocator = or_empty(a, r->allocator);
	m->gaps = or_empty(a, r->gaps);
	m->duration_ns = r->duration_ns;
	m->ops = r->ops;
	m->interval = r->interval;
	m->delta = r->delta;
	m->seen = facts_pack_counters(a, r->seen);
	m->recorded = facts_pack_counters(a, r->recorded);
	m->account = pack_account(a, &r->account);
	m->sample_mean = r->sample_mean;
	m->sample_calls = r->sample_calls;
	m->sample_auto = r->sample_auto;
	m->exact_calls = r->exact_calls;
	m->heap = pack_heap(a, &r->heap);
	m->runtime = r->runtime.processes ? pack_runtime(a, &r->runtime) : NULL;
	m->sampler = r->sampler.used ? pack_sampler(a, &r->sampler) : NULL;
	m->resident = r->resident.used ? pack_resident(a, &r->resident) : NULL;
	m->mapped = r->mapped.used ? pack_mapped(a, &r->mapped) : NULL;
	m->by_usdt = r->by_usdt;
	m->kernel = r->kernel;
	m->usdt_samples = r->usdt_samples;
	pack_suppressions(m, r, a);
	m->filtered = r->filtered;
	m->failed = r->failed;
	m->nested = r->nested;
	m->n_loss = r->n_losses;
	m->loss = pack_counts(a, r->losses, r->n_losses);
	m->uncertain = r->uncertain;
	m->n_truncated = r->n_ends;
	m->truncated = pack_counts(a, r->ends, r->n_ends);
	m->windows = pack_windows(a, &r->windows);
	m->host = r->host.wide ? pack_host(a, &r->host) : NULL;
	m->cost_ns = r->cost_ns;
	m->hit_ns = r->hit_ns;
	m->hits = r->hits;
	m->cost_is_all = r->cost_is_all;
	m->views = r->views;
	m->not_read = r->names->not_read;
	m->named = !r->unnamed;
	m->threads = r->threads;
	m->goroutines = r->goroutines;
	m->labels = r->labels;
	return m;
}

void facts_unpack(const Pb__Facts *m, struct recording *r, struct arena *a)
{
	r->target = facts_text(a, m->target);
	r->allocator = or_null(a, m->allocator);
	r->gaps = or_null(a, m->gaps);
	r->duration_ns = m->duration_ns;
	r->ops = m->ops <= RECORDING_OPS_MAX ? m->ops : 0;
	r->interval = m->interval;
	r->delta = m->delta;
	r->seen = facts_unpack_counters(m->seen);
	r->recorded = facts_unpack_counters(m->recorded);
	r->account = unpack_account(m->account);
	r->sample_mean = m->sample_mean;
	r->sample_calls = facts_number(m->sample_calls);
	r->sample_auto = m->sample_auto;
	r->exact_calls = m->exact_calls;
	r->heap = unpack_heap(m->heap, a);
	r->runtime = unpack_runtime(m->runtime);
	r->sampler = unpack_sampler(m->sampler);
	r->resident = unpack_resident(m->resident);
	r->mapped = unpack_mapped(m->mapped);
	r->by_usdt = m->by_usdt;
	r->kernel = m->kernel;
	r->usdt_samples = m->usdt_samples;
	unpack_suppressions(m, r, a);
	r->filtered = m->filtered;
	r->failed = m->failed;
	r->nested = m->nested;
	r->losses = unpack_counts(a, m->loss, m->n_loss);
	r->n_losses = m->n_loss;
	r->uncertain = m->uncertain;
	r->ends = unpack_counts(a, m->truncated, m->n_truncated);
	r->n_ends = m->n_truncated;
	r->windows = unpack_windows(m->windows, a);
	r->host = unpack_host(m->host, a);
	r->cost_ns = facts_number(m->cost_ns);
	r->hit_ns = facts_number(m->hit_ns);
	r->hits = m->hits;
	r->cost_is_all = m->cost_is_all;
	r->unnamed = !m->named;
	r->threads = m->threads;
	r->goroutines = m->goroutines;
	r->labels = m->labels;
}
