// SPDX-License-Identifier: GPL-2.0-or-later
/* What the BPF side counts, and how much of it: for those that pace the run, and for those that report it. */
#include "trace/tracer_internal.h"

void tracer_counts(const struct tracer *t, uint64_t counts[COUNT_MAX])
{
	kern_counts(t->kern, counts);
}

struct heap tracer_heap(const struct tracer *t)
{
	return kern_heap(t->kern);
}

bool tracer_resident(const struct tracer *t, struct resident_totals *out)
{
	return t->resident && !kern_resident_totals(t->kern, out);
}

bool tracer_maps(const struct tracer *t, struct collected_maps *out)
{
	*out = collector_maps(t->collector);
	return t->maps;
}

uint32_t tracer_mark(struct tracer *t)
{
	return kern_mark(t->kern);
}

void tracer_set_sample_law(struct tracer *t, uint64_t law)
{
	kern_set_sample_law(t->kern, law);
}

uint64_t tracer_sample_law(const struct tracer *t)
{
	return kern_sample_law(t->kern);
}

bool tracer_exact(const struct tracer *t)
{
	return kern_exact(t->kern);
}

void tracer_stop_counting(struct tracer *t)
{
	kern_stop(t->kern);
}

void tracer_go_on_counting(struct tracer *t)
{
	kern_go(t->kern);
}

void tracer_set_window_factor(struct tracer *t, uint64_t factor)
{
	kern_set_window_factor(t->kern, factor);
}

void tracer_guard(struct tracer *t, bool on)
{
	kern_guard(t->kern, on);
}

int tracer_count_messages(struct tracer *t)
{
	return kern_count_messages(t->kern);
}

void tracer_count_messages_of(struct tracer *t, pid_t pid)
{
	kern_count_messages_of(t->kern, pid);
}

uint64_t tracer_messages(const struct tracer *t)
{
	return kern_messages(t->kern);
}

double tracer_trap_ns(struct tracer *t)
{
	return kern_trap_ns(t->kern);
}

static enum unwind_mode unwind_mode(const struct tracer *t)
{
	return kern_unwinds_by_tables(t->kern) ? UNWIND_EH_FRAME : UNWIND_FP;
}

int tracer_calibrate(const struct tracer *t, unsigned int depth, struct hit_cost *hit)
{
	return kern_calibrate(kern_mode(t->kern), unwind_mode(t), t->cost, depth, hit);
}

double tracer_step_ns(const struct tracer *t, unsigned int depth, const struct hit_cost *hit)
{
	struct hit_cost stepped;

	if (t->cost == SITE_STEPPED ||
	    kern_calibrate(kern_mode(t->kern), unwind_mode(t), SITE_STEPPED, depth, &stepped) ||
	    stepped.recorded < hit->recorded)
		return 0;
	return stepped.recorded - hit->recorded;
}

struct calibration *tracer_calibrate_begin(const struct tracer *t, unsigned int depth)
{
	return kern_calibrate_begin(kern_mode(t->kern), unwind_mode(t), t->cost, depth);
}

void tracer_end(struct tracer *t)
{
	kern_end(t->kern);
}

void tracer_end_wait(struct tracer *t)
{
	kern_end_wait(t->kern);
}
