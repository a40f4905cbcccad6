// SPDX-License-Identifier: GPL-2.0-or-later
#include "snapshot/snapshot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/family.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "pace/rate.h"
#include "snapshot/account.h"
#include "sym/identify.h"
#include "sym/symbolizer.h"
#include "view/suppress.h"

#define FEW_STEPS 256	/* one hit in so many */

struct snapshot {
	struct snapshot_options o;
	struct tracer *tracer;
	struct symbolizer *sym;
	struct hit_cost hit;
	double step_ns;		/* more, where an instruction is single-stepped */
	bool calibrated, steps_calibrated;
	struct suppressions *suppressions;
	vec_of(uint64_t) marks_ns;	/* since the start */
	/* What is shown: copies that the run does not change. */
	struct profile profile;
	struct modules modules;
	const char *function_names[ALLOC_MAX_FUNCTIONS];
	vec_of(uint64_t) shown_marks_ns;
	/* With --delta: as of the last one. */
	uint64_t last_counts[COUNT_MAX];
	struct adapt_account last_account;
	uint64_t last_ended;
	/* What the recording borrows. */
	struct recording_count losses[ACCOUNT_MAX_LOSSES], ends[STACK_END_MAX];
	struct buf target, allocators, gaps;
};

int snapshot_open(const struct snapshot_options *o, struct tracer *t, struct snapshot **out)
{
	struct snapshot *s = xcalloc(1, sizeof(*s));
	int err = o->suppress ? suppress_open(o->suppress, &s->suppressions) : 0;

	s->o = *o;
	s->tracer = t;
	modules_follow(&s->modules, tracer_modules(t));
	profile_init(&s->profile, &s->modules, s->function_names, ALLOC_MAX_FUNCTIONS);
	s->sym = symbolizer_new(&s->modules, o->naming);
	if (err) {
		snapshot_close(s);
		return err;
	}
	*out = s;
	return 0;
}

void snapshot_close(struct snapshot *s)
{
	if (!s)
		return;
	symbolizer_free(s->sym);
	suppress_close(s->suppressions);
	profile_free(&s->profile);
	modules_unfollow(&s->modules);
	vec_free(&s->marks_ns);
	vec_free(&s->shown_marks_ns);
	buf_free(&s->target);
	buf_free(&s->allocators);
	buf_free(&s->gaps);
	free(s);
}

void snapshot_mark(struct snapshot *s, uint64_t since_ns)
{
	vec_push(&s->marks_ns, since_ns);
	note("mark %zu", s->marks_ns.n);
}

/* Stacks whose frames never arrived are losses: they are in the profile's sums, but nobody can tell whose they are. */
static struct counters delivered(const struct profile *p)
{
	struct counters all = profile_total(p, PROFILE_ALLOC);

	for (size_t i = 0; i < p->stacks.n; i++)
		if (p->stacks.at[i].end == STACK_END_LOST)
			all = counters_sub(all, profile_sum(p, PROFILE_ALLOC, i));
	return all;
}

/* Of the time that the report covers: all, or since the last one. */
static struct adapt_account account_since(struct snapshot *s, struct adapt *adapt, bool delta)
{
	const struct adapt_account now = adapt_account(adapt), last = s->last_account;
	struct adapt_account a = now;

	s->last_account = now;
	if (!delta)
		return a;
	/* What is known by now may also change what was told then. */
	a.total.calls = fmax(a.total.calls - last.total.calls, 0);
	a.total.bytes = fmax(a.total.bytes - last.total.bytes, 0);
	a.weighted_calls -= last.weighted_calls;
	a.weighted_bytes -= last.weighted_bytes;
	a.elapsed_ns -= last.elapsed_ns;
	a.traced_ns -= last.traced_ns;
	a.windows -= last.windows;
	a.cost_ns -= last.cost_ns;
	if (a.elapsed_ns)
		a.total.error = fmin(a.total.error * sqrt((double)now.elapsed_ns / a.elapsed_ns), 1);
	return a;
}

static double ratio(double a, double b)
{
	return b > 0 ? a / b : 1;
}

/*
 * Of what is estimated by windows, which are only where allocations alone are counted. All rows by the same factors,
 * such that they come to the total: what a window stands for is known only after it (pace/scale.h).
 */
static void scale_sum(struct counters *c, double bytes, double calls)
{
	c->bytes = llround(c->bytes * bytes);
	c->calls = llround(c->calls * calls);
	c->bytes_var *= bytes * bytes;
	c->calls_var *= calls * calls;
}

static void scale(struct profile *p, const struct adapt_account *a)
{
	const double calls = ratio(a->total.calls, a->weighted_calls);
	const double bytes = ratio(a->total.bytes, a->weighted_bytes);

	for (size_t i = 0; i < p->sums[PROFILE_ALLOC].n; i++)
		scale_sum(&p->sums[PROFILE_ALLOC].at[i], bytes, calls);
	for (size_t i = 0; i < p->hists[PROFILE_SIZES].n; i++)
		p->hists[PROFILE_SIZES].at[i].calls *= calls;
}

/* The rows of each group by what its own windows stand for. */
static void scale_groups(const struct snapshot *s, struct profile *p, const struct adapt *adapt)
{
	double *factors = xcalloc(p->tasks.n + 1, sizeof(*factors));

	for (size_t i = 0; i < p->tasks.n; i++)
		factors[i] = adapt_group_factor(adapt, tracer_program_of(s->tracer, (uint32_t)i));
	for (size_t i = 0; i < p->sums[PROFILE_ALLOC].n; i++) {
		const double factor = factors[p->stacks.at[i].task];

		scale_sum(&p->sums[PROFILE_ALLOC].at[i], factor, factor);
	}
	for (size_t i = 0; i < p->hists[PROFILE_SIZES].n; i++) {
		struct profile_bucket *b = &p->hists[PROFILE_SIZES].at[i];

		b->calls *= factors[p->stacks.at[b->stack].task];
	}
	free(factors);
}

static double share_of(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / whole : 0;
}

static const char *const scale_names[SCALE_KINDS] = {
	[SCALE_READ_BYTES] = "the bytes that the target reads", [SCALE_READS] = "the target's reads",
	[SCALE_IO] = "the target's reads and writes", [SCALE_MESSAGES] = "the target's messages on sockets",
	[SCALE_CPU] = "the target's own CPU time", [SCALE_TIME] = "time",
};

/* Where programs sample themselves: what the samples stand for. */
static struct counters recorded_of(const uint64_t c[COUNT_MAX])
{
	return (struct counters){
		.bytes = c[COUNT_SEEN_BYTES] - c[COUNT_FILTERED_BYTES] + c[COUNT_BEYOND_BYTES],
		.calls = c[COUNT_SEEN] - c[COUNT_FILTERED] + (c[COUNT_BEYOND_CALLS] >> CALLS_SHIFT),
		.bytes_var = ldexp((double)c[COUNT_BEYOND_BYTES_VAR], BYTES_VAR_SHIFT),
		.calls_var = ldexp((double)c[COUNT_BEYOND_CALLS_VAR], -CALLS_VAR_SHIFT),
	};
}

static void fill_sampler(const struct snapshot *s, const struct adapt_account *a, const uint64_t c[COUNT_MAX],
			 struct recording *r)
{
	r->sampler = (struct recording_sampler){
		.used = tracer_goes_by_samples(s->tracer) || c[COUNT_GO_SAMPLES], .samples = c[COUNT_GO_SAMPLES],
		.from_ns = a->samples_from_ns, .until_ns = a->samples_until_ns,
		.rate = tracer_sampler_rate(s->tracer),
	};
}

static void fill_usdt(const struct snapshot *s, const uint64_t c[COUNT_MAX], struct recording *r)
{
	r->usdt_samples = c[COUNT_USDT_SAMPLES];
	/* In a wide run it may be a process that is not selected, or one that the BPF side has seen alone. */
	r->by_usdt = tracer_is_wide(s->tracer) ? r->usdt_samples : tracer_goes_by_usdt(s->tracer);
}

static void fill_windows(struct snapshot *s, const struct snapshot_moment *m, const uint64_t c[COUNT_MAX],
			 struct recording *r)
{
	const struct adapt_account a = account_since(s, m->adapt, r->delta);

	fill_sampler(s, &a, c, r);
	fill_usdt(s, c, r);
	r->cost_ns = a.cost_ns;
	if (!a.scaled)
		return;
	r->recorded = recorded_of(c);
	if (tracer_is_wide(s->tracer)) {
		scale_groups(s, &s->profile, m->adapt);
		r->recorded.bytes = profile_total(&s->profile, PROFILE_ALLOC).bytes;
		r->recorded.calls = profile_total(&s->profile, PROFILE_ALLOC).calls;
	} else {
		scale(&s->profile, &a);
		/* The total is of all calls, whatever their size. */
		r->recorded.bytes = a.total.bytes * (1 - share_of(c[COUNT_FILTERED_BYTES], c[COUNT_SEEN_BYTES]));
		r->recorded.calls = a.total.calls * (1 - share_of(c[COUNT_FILTERED], c[COUNT_SEEN]));
	}
	r->windows = (struct recording_windows){
		.scaled = true, .n = a.windows, .by = scale_names[a.total.kind], .limit = s->o.max_overhead,
		.load = a.load,
		.at_least = a.total.kind == SCALE_TIME,
		.error = a.total.kind == SCALE_TIME ? 0 : a.total.error, .mixed = a.total.mixed,
		.batched = a.total.batched,
		.slowdown = a.slowdown,
		.share = a.elapsed_ns ? (double)a.traced_ns / a.elapsed_ns : 1,
	};
}

/*
 * What a hit costs is measured once, for 0.1 s, on a machine where other programs come and go: it can be twice what a
 * hit of the target costs (measured: 6 to 19 us under load), but hits are paid from the target's own CPU time.
 */
static void fill_cost(const struct snapshot *s, const struct snapshot_moment *m, const uint64_t c[COUNT_MAX],
		      struct recording *r)
{
	/* What others pay is told apart, unless the cost is that of the whole host. */
	const uint64_t hits = c[COUNT_HITS] - c[COUNT_OWN] -
			      (s->o.selection ? 0 : c[COUNT_OTHERS] + c[COUNT_UNDECIDED]);
	uint64_t recorded = c[COUNT_RECORDED] < hits ? c[COUNT_RECORDED] : hits;
	double ns = recorded * s->hit.recorded + (hits - recorded) * s->hit.other + c[COUNT_STEPPED] * s->step_ns;

	if (s->o.kernel)
		return;
	r->hits = hits;
	r->hit_ns = r->hits ? ns / r->hits : 0;
	if (!r->windows.scaled)
		r->cost_ns = ns;
	r->cost_is_all = m->cpu_ns && r->cost_ns > m->cpu_ns;
	if (r->cost_is_all)
		r->cost_ns = m->cpu_ns;
}

/* Of the time that the report covers. */
static void read_counts(struct snapshot *s, bool delta, uint64_t c[COUNT_MAX])
{
	uint64_t now[COUNT_MAX];

	tracer_counts(s->tracer, now);
	for (int i = 0; i < COUNT_MAX; i++)
		c[i] = now[i] - (delta ? s->last_counts[i] : 0);
	memcpy(s->last_counts, now, sizeof(now));
}

/* estimated: calls that the tables have, by their weights; of the same calls there are `recorded`. */
static void fill_account(struct snapshot *s, const uint64_t c[COUNT_MAX], uint64_t recorded, uint64_t estimated,
			 struct recording *r)
{
	const uint64_t without = tracer_lost_frames(s->tracer), no_room = tracer_lost_room(s->tracer);
	const double share = estimated > without ? (double)without / estimated : without > 0;
	const uint64_t lost = recorded == estimated ? without : ceil(share * recorded);

	/* While calls are still coming in, the two sides are not read in one instant. */
	r->account = account_of(c, recorded - lost, lost, !r->interval);
	r->losses = s->losses;
	r->n_losses = account_losses(c, lost, without ? (double)no_room / without * lost : 0, &r->account,
				       s->losses);
	if (r->account.checked && r->account.unaccounted)
		warn("%llu of %llu calls are unaccounted for: this is a bug, and the counts may be wrong",
		     (unsigned long long)r->account.unaccounted, (unsigned long long)r->account.seen);
}

static void fill_calls(struct snapshot *s, const struct snapshot_moment *m, const uint64_t c[COUNT_MAX],
		       struct recording *r)
{
	struct counters all;
	bool exact;

	r->seen = (struct counters){.bytes = c[COUNT_SEEN_BYTES], .calls = c[COUNT_SEEN]};
	r->nested = c[COUNT_NESTED];
	r->failed = c[COUNT_FAILED];
	r->filtered = c[COUNT_FILTERED];
	fill_windows(s, m, c, r);
	fill_cost(s, m, c, r);
	all = profile_total(r->profile, PROFILE_ALLOC);
	exact = !(all.bytes_var > 0 || all.calls_var > 0 || r->windows.scaled);
	if (exact)
		r->recorded = delivered(r->profile);
	else if (!r->windows.scaled)
		r->recorded = recorded_of(c);
	/* Where the tables hold estimates, the calls behind them are counted apart. */
	fill_account(s, c, exact ? all.calls : c[COUNT_RECORDED], all.calls, r);
}

struct recording_runtime snapshot_runtime(struct golive_sums go)
{
	return (struct recording_runtime){
		.records = go.records, .processes = go.processes, .rate = go.rate, .collected = go.collected,
	};
}

static void fill_heap(struct snapshot *s, const struct snapshot_moment *m, const uint64_t c[COUNT_MAX],
		      struct recording *r)
{
	const struct heap heap = tracer_heap(s->tracer);

	r->heap = (struct recording_heap){
		.peak_bytes = heap.peak_bytes,
		/* A command's first calls may come before its start is noted. */
		.peak_ns = heap.peak_ns > m->start_ns ? heap.peak_ns - m->start_ns : 0,
		.frees = c[COUNT_FREES], .frees_unknown = c[COUNT_FREES_UNKNOWN], .replaced = c[COUNT_REPLACED],
		.ended_blocks = r->profile->ended_blocks - (r->delta ? s->last_ended : 0),
		.unfollowed = c[COUNT_UNFOLLOWED],
		.min_age_ns = m->min_age_ns, .temp_age_ns = s->o.temp_age_ns, .ended = m->ended,
		.marks_ns = s->shown_marks_ns.at, .n_marks = s->shown_marks_ns.n,
	};
	s->last_ended = r->profile->ended_blocks;
	r->runtime = snapshot_runtime(tracer_go(s->tracer));
}

/* HotSpot's compiled code keeps no frame pointer unless it is told to. */
static const char *end_text(const struct profile *p, enum stack_end end)
{
	for (size_t i = 0; end == STACK_END_JIT && i < p->modules->list.n; i++)
		if (!strcmp(module_basename(modules_get(p->modules, i)), "libjvm.so"))
			return "JIT boundary (Java needs -XX:+PreserveFramePointer)";
	return stack_end_text(end);
}

static void fill_ends(struct snapshot *s, struct recording *r)
{
	const struct profile *p = r->profile;
	uint64_t n[STACK_END_MAX] = {0};

	for (size_t i = 0; i < p->stacks.n; i++)
		n[p->stacks.at[i].end] += profile_sum(p, PROFILE_ALLOC, i).calls;
	r->ends = s->ends;
	for (int e = 0; e < STACK_END_MAX; e++)
		if (n[e] && stack_end_mark(e) && e != STACK_END_LOST)
			s->ends[r->n_ends++] = (struct recording_count){end_text(p, e), n[e]};
}

/* Stacks in which callers may be missing, in calls. */
static uint64_t count_uncertain(const struct profile *p)
{
	bool *below = xcalloc(p->nodes.n, sizeof(*below));	/* by node: it or one above it is a gap */
	uint64_t calls = 0;

	for (size_t i = 1; i < p->nodes.n; i++)
		below[i] = below[p->nodes.at[i].parent] ||
			   p->frames.at[p->nodes.at[i].frame].module == MODULE_UNCERTAIN;
	for (size_t i = 0; i < p->stacks.n; i++)
		if (below[p->stacks.at[i].node])
			calls += profile_sum(p, PROFILE_ALLOC, i).calls;
	free(below);
	return calls;
}

/* Once, when the depth of the program's stacks is known; if it wasn't done before. */
static void calibrate(struct snapshot *s, struct adapt *adapt)
{
	unsigned int depth = tracer_mean_depth(s->tracer) + 0.5;
	const struct hit_cost *known;

	if (s->calibrated || s->o.no_cost)
		return;
	s->calibrated = true;
	known = adapt_hit_cost(adapt);
	if (known)
		s->hit = *known;
	else if (tracer_calibrate(s->tracer, depth ? depth : 1, &s->hit))
		note("cannot measure the cost of a probe hit");
}

/* The same of steps, if there are enough of them to matter: 0.1 s. */
static void calibrate_steps(struct snapshot *s, const uint64_t c[COUNT_MAX])
{
	unsigned int depth = tracer_mean_depth(s->tracer) + 0.5;

	if (s->steps_calibrated || s->o.no_cost || c[COUNT_STEPPED] <= c[COUNT_HITS] / FEW_STEPS)
		return;
	s->steps_calibrated = true;
	s->step_ns = tracer_step_ns(s->tracer, depth ? depth : 1, &s->hit);
}

static void describe(struct snapshot *s, struct recording *r)
{
	buf_reset(&s->target);
	buf_reset(&s->allocators);
	buf_reset(&s->gaps);
	if (s->o.selection)
		buf_str(&s->target, s->o.selection);
	else
		tracer_describe(s->tracer, &s->target);
	tracer_allocators(s->tracer, &s->allocators);
	tracer_gaps(s->tracer, &s->gaps);
	r->target = buf_cstr(&s->target);
	r->allocator = s->allocators.len ? s->allocators.data : NULL;
	r->gaps = s->gaps.len ? s->gaps.data : NULL;
}

static void copy_profile(struct snapshot *s, bool last)
{
	struct profile *p = tracer_profile(s->tracer);

	modules_follow(&s->modules, tracer_modules(s->tracer));
	memcpy(s->function_names, p->function_names, p->n_functions * sizeof(s->function_names[0]));
	if (last)
		profile_move(&s->profile, p);
	else
		profile_follow(&s->profile, p);
	for (size_t i = s->shown_marks_ns.n; i < s->marks_ns.n; i++)
		vec_push(&s->shown_marks_ns, s->marks_ns.at[i]);
}

/* Factors of windows change with each: what was scaled up earlier is no part of what is scaled up now. */
static void end_part(struct snapshot *s, const struct snapshot_moment *m, const struct recording *r)
{
	if (!s->o.parts)
		return;
	s->o.parts = !r->windows.scaled;
	if (s->o.parts)
		profile_end_part(&s->profile, m->until_ns, r->recorded, r->delta);
	else
		profile_forget_parts(&s->profile);
}

/* Also with --delta of the whole run: what each address space began with is long ago. */
static void fill_resident(struct snapshot *s, struct recording *r)
{
	struct resident_totals now;
	uint64_t c[COUNT_MAX];

	if (!tracer_resident(s->tracer, &now))
		return;
	tracer_counts(s->tracer, c);
	r->resident = (struct recording_resident){
		.used = true, .spaces = now.spaces, .unfollowed = now.unfollowed, .start = now.start, .end = now.end,
		.grown = c[COUNT_SEEN_BYTES], .shrunk = c[COUNT_SHRUNK],
		.others = (int64_t)c[COUNT_BY_OTHERS], .off = (int64_t)c[COUNT_WHILE_OFF],
	};
}

static void fill_mapped(struct snapshot *s, const uint64_t c[COUNT_MAX], struct recording *r)
{
	struct collected_maps maps;

	if (!tracer_maps(s->tracer, &maps))
		return;
	r->mapped = (struct recording_mapped){
		.used = true, .allocator_bytes = maps.allocator.bytes, .allocator_calls = maps.allocator.calls,
		.allocator_live = maps.allocator_live.bytes, .lost = c[COUNT_LOST_MAP] + maps.lost,
		.unfollowed = maps.unfollowed,
	};
}

void snapshot_take(struct snapshot *s, const struct snapshot_moment *m, struct recording *r)
{
	struct profile *p = &s->profile;
	const uint64_t law = tracer_sample_law(s->tracer);
	uint64_t counts[COUNT_MAX];

	/* As soon after the sums as can be: what comes later may wait, and the target goes on. */
	read_counts(s, s->o.delta && m->interval, counts);
	copy_profile(s, !m->interval);
	*r = (struct recording){
		.time_ns = realtime_ns(), .threads = s->o.threads,
		.goroutines = s->o.goroutines, .labels = s->o.labels, .unnamed = s->o.unnamed,
		.profile = p, .names = symbolizer_names(s->sym), .views = s->o.views, .duration_ns = m->duration_ns,
		.ops = m->interval ? 0 : s->o.ops,
		.kernel = s->o.kernel,
		.interval = m->interval, .delta = s->o.delta && m->interval, .sample_auto = !s->o.sample_bytes,
		.sample_mean = SAMPLE_LAW_MEAN(law),
		.sample_calls = (double)SAMPLE_LAW_MEAN(law) / SAMPLE_LAW_CALL(law),
		.exact_calls = s->o.sample_bytes ? 0 : RATE_EXACT_CALLS,
	};
	describe(s, r);
	calibrate(s, m->adapt);
	calibrate_steps(s, counts);
	fill_calls(s, m, counts, r);
	end_part(s, m, r);
	fill_ends(s, r);
	tracer_host(s->tracer, &r->host);
	r->host.selection = s->o.selection;
	r->uncertain = count_uncertain(p);
	fill_heap(s, m, counts, r);
	fill_resident(s, r);
	fill_mapped(s, counts, r);
}

void snapshot_name(struct snapshot *s, struct recording *r)
{
	symbolizer_refresh(s->sym);
	modules_identify(&s->modules, s->o.identifies);
	if (s->suppressions)
		suppress_leaks(s->suppressions, &s->profile, r->names);
	r->suppressions = suppress_list(s->suppressions, &r->n_suppressions);
}

void snapshot_remember(struct snapshot *s)
{
	profile_remember(&s->profile);
}
