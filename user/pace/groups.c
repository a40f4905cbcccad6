// SPDX-License-Identifier: GPL-2.0-or-later
#include "pace/groups.h"

#include <math.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"

#define TIME_SHARE 0.1	/* of the hits, scaled by time alone: the whole is a lower bound then */

struct group {
	uint64_t program;
	struct scale *scale;
	struct scale_reading now;
	double weighted;	/* hits, each with its weight */
};

struct groups {
	vec_of(struct group) all;
	struct u64map by_program;	/* -> index */
	bool counting;
	double tick_ns;
};

struct groups *groups_new(void)
{
	struct groups *g = xcalloc(1, sizeof(*g));

	g->counting = true;
	g->tick_ns = own_tick_ns();
	return g;
}

void groups_free(struct groups *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->all.n; i++)
		scale_free(g->all.at[i].scale);
	vec_free(&g->all);
	u64map_free(&g->by_program);
	free(g);
}

static struct scale_reading reading_of(const struct groups *g, const struct group_work *w, double hit_ns,
				       uint64_t now_ns)
{
	const double hits = (double)w->hits;

	return (struct scale_reading){
		.calls = hits, .bytes = hits, .probes_ns = hits * hit_ns, .waits = (double)w->waits,
		.ticks = {(double)w->user_ns / g->tick_ns, (double)w->system_ns / g->tick_ns},
		.work = {
			[SCALE_READ_BYTES] = (double)w->read_bytes, [SCALE_READS] = (double)w->reads,
			[SCALE_IO] = (double)(w->reads + w->writes), [SCALE_CPU] = (double)w->cpu_ns,
			[SCALE_TIME] = (double)now_ns,
		},
	};
}

/* It has begun just now, with nothing done. */
static struct group *add(struct groups *g, uint64_t program, uint64_t now_ns)
{
	const struct scale_reading none = {.work = {[SCALE_TIME] = (double)now_ns}};
	struct group new = {.program = program, .scale = scale_new(&none), .now = none};

	if (!g->counting)
		scale_wait(new.scale);
	vec_push(&g->all, new);
	return &g->all.at[g->all.n - 1];
}

void groups_read(struct groups *g, const struct group_now *at, size_t n, double hit_ns, double weight, uint64_t now_ns)
{
	for (size_t i = 0; i < n; i++) {
		bool is_new;
		uint64_t *place = u64map_put(&g->by_program, at[i].program, &is_new);
		struct scale_reading now = reading_of(g, &at[i].work, hit_ns, now_ns);
		struct group *one;

		if (is_new)
			*place = g->all.n;
		one = is_new ? add(g, at[i].program, now_ns) : &g->all.at[*place];
		/* What a hit costs is known better now; what it cost before has passed. */
		now.probes_ns = one->now.probes_ns + (now.calls - one->now.calls) * hit_ns;
		one->weighted += (now.calls - one->now.calls) * weight;
		one->now = now;
	}
}

void groups_attached(struct groups *g)
{
	g->counting = true;
	for (size_t i = 0; i < g->all.n; i++)
		scale_attached(g->all.at[i].scale, &g->all.at[i].now);
}

void groups_detached(struct groups *g)
{
	g->counting = false;
	for (size_t i = 0; i < g->all.n; i++)
		scale_detached(g->all.at[i].scale, &g->all.at[i].now);
}

void groups_next(struct groups *g)
{
	for (size_t i = 0; i < g->all.n; i++)
		scale_next(g->all.at[i].scale, &g->all.at[i].now);
}

double groups_factor(const struct groups *g, uint64_t program)
{
	const uint64_t *place = u64map_find(&g->by_program, program);
	const struct group *one = place ? &g->all.at[*place] : NULL;

	return one && one->weighted > 0 ? scale_total(one->scale, &one->now).calls / one->weighted : 1;
}

struct scale_total groups_total(const struct groups *g)
{
	struct scale_total all = {.kind = SCALE_TIME};
	double by[SCALE_KINDS] = {0}, var = 0;

	for (size_t i = 0; i < g->all.n; i++) {
		const struct scale_total t = scale_total(g->all.at[i].scale, &g->all.at[i].now);

		all.calls += t.calls;
		by[t.kind] += t.calls;
		if (t.kind != SCALE_TIME)
			var += t.calls * t.error * t.calls * t.error;
	}
	all.bytes = all.calls;
	all.error = all.calls > 0 ? fmin(sqrt(var) / all.calls, 1) : 0;
	if (by[SCALE_TIME] >= TIME_SHARE * all.calls)
		return all;
	for (int k = 0; k < SCALE_TIME; k++)
		if (by[k] > by[all.kind] || all.kind == SCALE_TIME)
			all.kind = (enum scale_kind)k;
	return all;
}
