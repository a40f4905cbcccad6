// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "pace/adapt_internal.h"

#define HIT_PER_TRAP	1.3	/* what a hit costs, by that of an empty one */
#define CALIBRATE_DEPTH	16		/* frames: stacks are not known yet */
#define SWITCH_NS	1e6		/* at first, until it is learnt */
#define TAIL_NS		2e6
#define TICK_NS		1000000ULL	/* at least */
#define MEASURE_NS	2000000000ULL	/* how long it must cost too much where there are no windows */

static enum limit limit_of(const struct pace_options *o)
{
	if (!(o->max_overhead > 0) || o->measures)
		return LIMIT_NONE;
	if (o->continuous)
		return LIMIT_STOP;
	return attach_mode_resolve(o->attach) == ATTACH_MULTI ? LIMIT_WINDOWS : LIMIT_WARN;
}

bool adapt_governs(const struct pace_options *o)
{
	return limit_of(o) == LIMIT_WINDOWS;
}

struct adapt *adapt_new(const struct pace_options *o, struct tracer *t)
{
	struct adapt *a = xcalloc(1, sizeof(*a));

	a->o = *o;
	a->tracer = t;
	a->floors = tracer_is_wide(t) && !o->sample_bytes ? floors_new() : NULL;
	a->limit = limit_of(o);
	/* Until it is measured: the budget is to be kept from the first call on. */
	if (a->limit == LIMIT_WINDOWS)
		a->cost.recorded = a->cost.other = HIT_PER_TRAP * tracer_trap_ns(t);
	a->has_cost = a->cost.recorded > 0;
	return a;
}

void adapt_free(struct adapt *a)
{
	if (!a)
		return;
	kern_calibrate_cancel(a->calibration);
	governor_free(a->governor);
	scale_free(a->scale);
	groups_free(a->groups);
	floors_free(a->floors);
	work_free(a->work);
	free(a);
}

double adapt_budget(const struct adapt *a)
{
	return a->o.max_overhead / 100 * tracer_cpus(a->tracer);
}

static void count_from(struct adapt *a, uint64_t now, const uint64_t c[COUNT_MAX])
{
	a->counting = true;
	a->on_ns = now;
	a->on_calls = counts_calls(c);
	a->on_bytes = counts_bytes(c);
}

static void count_until(struct adapt *a, uint64_t now, const uint64_t c[COUNT_MAX])
{
	double calls = counts_calls(c) - a->on_calls, bytes = counts_bytes(c) - a->on_bytes;
	double s = (now - a->on_ns) / 1e9;

	a->counting = false;
	a->traced_ns += now - a->on_ns;
	a->calls += a->weight * calls;
	a->bytes += a->weight * bytes;
	if (s > 0) {
		a->calls_rate = calls / s;
		a->bytes_rate = bytes / s;
	}
}

static void set_law(struct adapt *a)
{
	const uint64_t law = SAMPLE_LAW(a->rate.mean, a->rate.call);

	if (law == tracer_sample_law(a->tracer))
		return;
	tracer_set_sample_law(a->tracer, law);
	if (a->exact)
		return;
	note("sampling every %llu bytes from now on; each call counts for %llu more",
	     (unsigned long long)a->rate.mean, (unsigned long long)a->rate.call);
}

static void adapt_rate(struct adapt *a, uint64_t now, const uint64_t c[COUNT_MAX])
{
	const struct rate_counters counters = counts_for_rate(c);
	const uint64_t traced_ns = adapt_traced_until(a, now);
	bool was_exact = a->exact;

	if (a->o.sample_bytes == 1 || a->o.uniform || !a->counting)
		return;
	a->exact = a->exact && tracer_exact(a->tracer);
	if (a->o.sample_bytes)
		rate_update_call(&a->rate, &counters);
	else if (a->exact)
		rate_foresee(&a->rate, traced_ns, &counters);
	else if (was_exact)
		rate_begin(&a->rate, traced_ns, &counters);
	else
		rate_update(&a->rate, traced_ns, &counters);
	set_law(a);
	if (a->floors && !a->exact)
		floors_update(a->floors, a->tracer, a->rate.mean, a->rate.call, now);
}

static void start_rate(struct adapt *a, const uint64_t c[COUNT_MAX])
{
	rate_init(&a->rate, RATE_DEFAULT_TARGET, 0);
	a->rate.last = counts_for_rate(c);
	a->exact = tracer_exact(a->tracer);
	rate_fix(&a->rate, a->o.sample_bytes ? a->o.sample_bytes : RATE_FIRST_MEAN);
}

/* In a window there can be more samples: the target is for all the time that it stands for. */
static void restart_rate(struct adapt *a, uint64_t now, const uint64_t c[COUNT_MAX])
{
	const struct rate_counters counters = counts_for_rate(c);

	if (a->o.sample_bytes)
		return;
	rate_restart(&a->rate, a->stretch * RATE_DEFAULT_TARGET, a->calls_rate, a->bytes_rate,
		     adapt_traced_until(a, now), &counters);
	set_law(a);
}

static void next_stratum(struct adapt *a, const struct scale_reading *now)
{
	a->strata = governor_strata(a->governor);
	scale_next(a->scale, now);
	if (a->groups)
		groups_next(a->groups);
	if (a->tried_messages || !scale_lacks_io(a->scale))
		return;
	a->tried_messages = true;
	if (!work_count_messages(a->work)) {
		const struct scale_reading later = adapt_reading(a);

		scale_count_messages(a->scale, &later);
	}
}

static int open_window(struct adapt *a)
{
	uint64_t c[COUNT_MAX], weight, now;
	struct scale_reading read;
	int err = tracer_resume(a->tracer);

	if (err)
		return err;
	adapt_read_counts(a, c);
	adapt_charge(a, c);
	now = monotonic_ns();
	weight = governor_attached(a->governor, now, c[COUNT_HITS], a->groups ? 1 : scale_slowdown(a->scale));
	a->weight = weight / 65536.;
	a->stretch = governor_stretch(a->governor);
	restart_rate(a, now, c);
	tracer_set_window_factor(a->tracer, weight);
	count_from(a, now, c);
	tracer_go_on_counting(a->tracer);
	read = adapt_reading(a);
	scale_attached(a->scale, &read);
	if (a->groups)
		groups_attached(a->groups);
	return 0;
}

static void close_window(struct adapt *a)
{
	uint64_t c[COUNT_MAX], stop_ns, stop_hits;
	struct scale_reading read;

	tracer_guard(a->tracer, true);
	read = adapt_reading(a);
	scale_detached(a->scale, &read);
	if (a->groups)
		groups_detached(a->groups);
	tracer_stop_counting(a->tracer);
	stop_ns = monotonic_ns();
	adapt_read_counts(a, c);
	adapt_charge(a, c);
	count_until(a, stop_ns, c);
	stop_hits = c[COUNT_HITS];
	tracer_pause(a->tracer);
	tracer_guard(a->tracer, false);
	adapt_read_counts(a, c);
	adapt_charge(a, c);
	governor_detached(a->governor, stop_ns, stop_hits, monotonic_ns(), c[COUNT_HITS]);
	if (governor_strata(a->governor) != a->strata)
		next_stratum(a, &read);
}

static void start_governor(struct adapt *a)
{
	struct governor_options go = {
		.budget = adapt_budget(a), .hit_ns = a->hit_ns, .switch_ns = SWITCH_NS, .tail_ns = TAIL_NS,
	};
	uint64_t c[COUNT_MAX], now = monotonic_ns();

	if (getrandom(&go.seed, sizeof(go.seed), 0) < 0)
		go.seed = now;
	a->ticked_ns = now;
	adapt_read_counts(a, c);
	a->governor = governor_new(&go, now, c[COUNT_HITS]);
}

static void start_calibration(struct adapt *a)
{
	a->calibration = tracer_calibrate_begin(a->tracer, CALIBRATE_DEPTH);
}

/* What a hit costs is known a moment after the start; then there can be a limit. */
static void end_calibration(struct adapt *a, bool wait)
{
	struct hit_cost cost = {0};
	int err = a->calibration ? kern_calibrate_end(a->calibration, wait, &cost) : -ENOENT;

	if (err == -EAGAIN)
		return;
	a->calibration = NULL;
	if (!err && cost.recorded > 0)
		a->cost = cost;
	a->has_cost = a->cost.recorded > 0;
	a->hit_ns = a->cost.recorded;
	if (a->limit != LIMIT_NONE && !a->has_cost) {
		warn("cannot measure the cost of a probe hit: --max-overhead has no effect");
		a->limit = LIMIT_NONE;
	}
	if (a->limit == LIMIT_WINDOWS && !a->governor)
		start_governor(a);
}

void adapt_start(struct adapt *a)
{
	uint64_t c[COUNT_MAX];

	adapt_read_counts(a, c);
	a->start_ns = a->measured_ns = monotonic_ns();
	if (a->limit == LIMIT_WINDOWS) {
		struct scale_reading read;

		a->work = work_new(a->tracer);
		a->groups = tracer_is_wide(a->tracer) ? groups_new() : NULL;
		read = adapt_reading(a);
		a->scale = scale_new(&read);
		a->hit_ns = a->cost.recorded;
		if (a->has_cost)
			start_governor(a);
	}
	a->weight = a->stretch = 1;
	start_rate(a, c);
	count_from(a, a->start_ns, c);
	/* Other reports measure it when they are due. */
	if (a->limit == LIMIT_NONE && !a->o.shows_rates)
		return;
	start_calibration(a);
	if (!a->calibration)
		end_calibration(a, false);
}

/* percent: of tracer_cpus(). */
static void exceed(struct adapt *a, double percent)
{
	const char *of = tracer_is_host(a->tracer) ? "all CPUs" : "a CPU per process";
	const double limit = a->o.max_overhead;
	char wanted[32] = "off";

	if (a->limit == LIMIT_WARN) {
		warn("tracing costs %.3g %% of %s, more than --max-overhead %.3g: perf-based uprobes cannot be "
		     "detached and reattached fast enough; continuing over budget", percent, of, limit);
		a->limit = LIMIT_NONE;
		return;
	}
	a->exceeded = true;
	/* It varies. */
	if (percent * 1.2 < 100)
		snprintf(wanted, sizeof(wanted), "%.0f", ceil(percent * 1.2));
	warn("tracing stopped: it costs %.3g %% of %s, more than --max-overhead %.3g, and live-heap views require "
	     "continuous tracing; use --max-overhead %s, a larger --sample%s, or --view alloc, which can be traced "
	     "in sampling windows", percent, of, limit, wanted,
	     a->o.sample_bytes ? "" : " than auto's");
}

/* Where there are no windows. */
static void check_limit(struct adapt *a, uint64_t now)
{
	double percent;

	if (now - a->measured_ns < MEASURE_NS)
		return;
	percent = 100 * (a->cost_ns - a->measured_cost_ns) / (now - a->measured_ns) / tracer_cpus(a->tracer);
	a->measured_ns = now;
	a->measured_cost_ns = a->cost_ns;
	if (percent > a->o.max_overhead)
		exceed(a, percent);
}

static int govern(struct adapt *a, uint64_t now, const uint64_t c[COUNT_MAX])
{
	enum governor_action action = governor_tick(a->governor, now, c[COUNT_HITS]);
	/* Once there was a window it is too late: totals are scaled then. */
	const bool trial = a->o.go_source == GO_EITHER && !a->traced_ns;
	int err = gosamples_judge(&a->go, a->tracer, now, c);

	if (err)
		return err;
	if (!a->groups)
		work_read(a->work, false);
	if (governor_strata(a->governor) != a->strata) {
		const struct scale_reading read = adapt_reading(a);

		next_stratum(a, &read);
	}
	if (action == GOVERNOR_ATTACH)
		return open_window(a);
	if (action == GOVERNOR_DETACH && trial && gosamples_try(&a->go, a->tracer, now, c))
		governor_stays(a->governor);
	else if (action == GOVERNOR_DETACH)
		close_window(a);
	return 0;
}

int adapt_tick(struct adapt *a)
{
	uint64_t c[COUNT_MAX], now = monotonic_ns();

	if (a->calibration)
		end_calibration(a, false);
	if (a->o.sample_bytes == 1 && a->limit == LIMIT_NONE)
		return 0;
	adapt_read_counts(a, c);
	if (a->has_cost)
		adapt_charge(a, c);
	adapt_rate(a, now, c);
	if (!a->governor) {
		if (a->limit != LIMIT_NONE && a->has_cost)
			check_limit(a, now);
		return 0;
	}
	/* It goes by the rate of hits since the last time. */
	if (now < a->ticked_ns + TICK_NS)
		return 0;
	a->ticked_ns = now;
	return govern(a, now, c);
}

uint64_t adapt_wake_ns(const struct adapt *a)
{
	return a->governor ? governor_wake_ns(a->governor) : UINT64_MAX;
}

bool adapt_in_window(const struct adapt *a)
{
	return a->governor && a->counting && a->traced_ns;
}

bool adapt_exceeded(const struct adapt *a)
{
	return a->exceeded;
}

double adapt_group_factor(const struct adapt *a, uint64_t program)
{
	return a->groups ? groups_factor(a->groups, program) : 1;
}

void adapt_stop(struct adapt *a)
{
	tracer_stop_counting(a->tracer);
	a->final = adapt_account(a);
	a->stopped = true;
}

const struct hit_cost *adapt_hit_cost(struct adapt *a)
{
	if (a->calibration)
		end_calibration(a, true);
	return a->has_cost ? &a->cost : NULL;
}
