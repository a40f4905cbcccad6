/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/settings.h"

#include "pace/rate.h"

static enum go_source go_source(const struct options *o, bool governed)
{
	if (o->go_samples)
		return GO_SAMPLES;
	return governed && !o->no_go_samples ? GO_EITHER : GO_CALLS;
}

struct pace_options settings_pace(const struct options *o)
{
	return (struct pace_options){
		.sample_bytes = o->sample_bytes, .max_overhead = o->max_overhead, .attach = o->attach,
		.measures = o->bench != BENCH_OFF, .uniform = o->views & VIEW_BIT(VIEW_RSS),
		.continuous = o->blocks || o->mmap,
		.shows_rates = o->interval_ns && !o->quiet,
		.go_source = go_source(o, true),
	};
}

struct kern_options settings_kern(const struct options *o, bool governed)
{
	const struct view_by both = view_both(o->by, o->then);
	const uint64_t mean = o->sample_bytes ? o->sample_bytes : RATE_FIRST_MEAN;
	/* Pages are of one size: nothing is gained by taking some by calls. */
	const uint64_t call = o->views & VIEW_BIT(VIEW_RSS) ? 1 : rate_first_call(mean);

	return (struct kern_options){
		.max_stacks = kern_entries_within(o->max_stacks, KERN_STACK_BYTES),
		.max_frames = o->max_depth, .ring_bytes = o->ring_bytes,
		.min_size = o->min_size, .max_size = o->max_size, .by_thread = both.by_thread,
		.by_goroutine = both.by_goroutine, .by_label = both.by_label, .creators = o->created_by,
		.resident = o->views & VIEW_BIT(VIEW_RSS), .maps = o->mmap, .no_heap = o->no_heap,
		.kernel = o->kernel,
		.hold = o->argv != NULL && !o->kernel, .hold_signal = o->hold_signal,
		.bench = o->bench, .mode = o->attach,
		.force = o->force, .unwind = o->unwind, .unwind_bytes = o->unwind_bytes,
		.blocks = o->blocks, .max_blocks = kern_entries_within(o->max_blocks, KERN_BLOCK_BYTES),
		.peak = o->views & VIEW_BIT(VIEW_PEAK),
		.temp = o->views & VIEW_BIT(VIEW_TEMP), .temp_age_ns = o->temp_age_ns,
		.sizes = o->views & VIEW_BIT(VIEW_SIZES), .lifetimes = o->views & VIEW_BIT(VIEW_LIFETIMES),
		.no_go_probes = o->blocks && !(o->views & (VIEW_BIT(VIEW_ALLOC) | VIEW_BIT(VIEW_SIZES))),
		.go_source = go_source(o, governed),
		/* Functions that were named are to be recorded. */
		.usdt = !o->no_usdt && !o->kernel && !o->alloc_fns[0] && !o->free_fns[0],
		.go_records = o->views & views_by_age() && !o->kernel,
		.governed = governed,
		.sample_law = SAMPLE_LAW(mean, call), .sample_fixed = o->sample_bytes != 0,
		.exact_calls = o->sample_bytes ? 0 : RATE_EXACT_CALLS,
	};
}

/* In recordings alone. */
static bool keeps_parts(const struct options *o)
{
	for (size_t i = 0; i < o->n_outputs && o->interval_ns; i++)
		if (o->outputs[i].format->parts)
			return true;
	return false;
}

struct snapshot_options settings_snapshot(const struct options *o)
{
	const struct view_by both = view_both(o->by, o->then);

	return (struct snapshot_options){
		.views = o->views, .temp_age_ns = o->temp_age_ns, .threads = both.by_thread,
		.goroutines = both.by_goroutine, .labels = both.by_label,
		.unnamed = o->no_names, .identifies = options_has_machine(o), .sample_bytes = o->sample_bytes,
		.max_overhead = o->max_overhead, .ops = o->ops,
		.delta = o->delta, .parts = keeps_parts(o),
		.no_cost = o->quiet || o->views & VIEW_BIT(VIEW_RSS) || o->kernel,
		.suppress = o->suppress, .kernel = o->kernel,
		.naming = {.demangle = !o->no_demangle, .no_inline = o->no_inline},
	};
}
