// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A stack's frames come once, when it is first seen, with the time; its counters stay in the kernel. The frames are
 * kept raw until the process events up to that time have been read: only then is it known what was mapped where.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memlimit.h"
#include "trace/collector_internal.h"

struct collector *collector_new(struct kern *kern, struct processes *processes, struct profile *profile, bool by_thread,
				to_vaddr_fn to_vaddr, is_allocator_fn is_allocator, site_of_fn site_of, void *arg)
{
	struct collector *c = xcalloc(1, sizeof(*c));

	c->kern = kern;
	c->processes = processes;
	c->profile = profile;
	c->by_thread = by_thread;
	c->to_vaddr = to_vaddr;
	c->is_allocator = is_allocator;
	c->site_of = site_of;
	c->arg = arg;
	return c;
}

void collector_set_unwind(struct collector *c, struct unwind *unwind, size_t max_frames)
{
	c->unwind = unwind;
	c->max_frames = max_frames;
}

void collector_set_wide(struct collector *c, const struct collector_wide *wide)
{
	c->wide = wide;
}

void collector_set_kept(struct collector *c, struct kept *kept)
{
	c->kept = kept;
}

void collector_set_by_label(struct collector *c)
{
	c->by_label = true;
}

bool collector_lost_labels(const struct collector *c)
{
	return c->labels_lost;
}

void collector_free(struct collector *c)
{
	if (!c)
		return;
	buf_free(&c->raw);
	u64map_free(&c->stack_of);
	u64map_free(&c->no_room);
	u64map_free(&c->labels);
	u64map_free(&c->allocators);
	u64map_free(&c->lost_of);
	vec_free(&c->ended);
	u64map_free(&c->ended_of);
	mapped_free(c->mapped);
	u64map_free(&c->owner_of);
	vec_free(&c->last);
	u64map_free(&c->last_of);
	free(c);
}

static void on_map(void *arg, const struct map_event *ev)
{
	const struct collector *c = arg;

	mapped_event(c->mapped, ev);
}

void collector_follow_maps(struct collector *c, map_owner_fn owner)
{
	c->mapped = mapped_new();
	c->map_owner = owner;
	kern_set_on_map(c->kern, on_map, c);
}

struct collected_maps collector_maps(const struct collector *c)
{
	return c->maps;
}

static void on_frames(void *arg, const struct stack_frames *rec)
{
	struct collector *c = arg;

	/* Many may have waited in the kernel. */
	if (c->n_arrived++ % ROOM_EVERY == 0)
		c->room = memlimit_has_share(MEMLIMIT_NAMES, "stacks");
	if (c->room)
		buf_add(&c->raw, rec, collector_record_size(rec));
	else
		u64map_put(&c->no_room, rec->id, NULL);
}

int collector_drain(struct collector *c)
{
	int n = kern_frames(c->kern, on_frames, c);

	return n < 0 ? n : 0;
}

/* One stack for each process, to hold what has counters but no frames. */
static uint32_t lost_stack(struct collector *c, uint32_t pid)
{
	const struct process *p = c->wide ? NULL : processes_find(c->processes, pid);
	uint32_t task = profile_task(c->profile, c->wide ? 0 : pid, 0, p ? p->former.n : 0, p ? p->name : "");

	return profile_stack(c->profile, task, 0, NULL, 0, STACK_END_LOST);
}

/* The stack of the profile for one of the kernel's. */
static uint32_t stack_of(struct collector *c, uint64_t id, uint32_t pid)
{
	const uint64_t *stack = u64map_find(&c->stack_of, id);
	uint64_t *lost;
	bool is_new;

	if (stack)
		return *stack;
	lost = u64map_put(&c->lost_of, id, &is_new);
	if (is_new)
		*lost = lost_stack(c, pid);
	return *lost;
}

static void since_last(struct collector *c, uint64_t id, struct counters *alloc, struct counters *temp)
{
	const struct last_sums now = {*alloc, *temp};
	bool is_new;
	uint64_t *at = u64map_put(&c->last_of, id, &is_new);

	if (is_new) {
		*at = c->last.n;
		vec_push(&c->last, now);
		return;
	}
	*alloc = counters_sub(now.alloc, c->last.at[*at].alloc);
	*temp = counters_sub(now.temp, c->last.at[*at].temp);
	c->last.at[*at] = now;
}

static void add_alloc(struct collector *c, uint32_t stack, struct counters n)
{
	profile_add(c->profile, PROFILE_ALLOC, stack, n);
	c->calls += n.calls;
	c->frames += n.calls * profile_stack_frames(c->profile, stack, NULL, 0);
}

static const struct ended *ended_of(const struct collector *c, uint64_t id)
{
	const uint64_t *i = u64map_find(&c->ended_of, id);

	return i ? &c->ended.at[*i] : NULL;
}

static uint64_t count_ended(const struct collector *c)
{
	struct sum all = {0};

	for (size_t i = 0; i < c->ended.n; i++)
		all.calls += c->ended.at[i].sum.calls;
	return counters_of_sum(&all).calls;
}

static void on_ended(void *arg, const struct block_key *key, const struct block *block)
{
	struct collector *c = arg;
	bool is_new;
	uint64_t *i = u64map_put(&c->ended_of, block->stack, &is_new);

	if (is_new) {
		*i = c->ended.n;
		vec_push(&c->ended, (struct ended){.time_ns = c->ending_ns});
	}
	ended_add(&c->ended.at[*i], block);
}

int collector_end_blocks(struct collector *c, const struct ended_process *ended, size_t n, uint64_t time_ns)
{
	int err;

	c->ending_ns = time_ns;
	if (c->mapped) {
		/* What these processes did was sent before. */
		err = collector_drain(c);
		mapped_end(c->mapped, ended, n);
		if (err)
			return err;
	}
	return kern_end_blocks(c->kern, ended, n, on_ended, c);
}

/* Its blocks are not followed. */
static bool is_go(const struct collector *c, uint32_t stack)
{
	const uint32_t type = c->profile->stacks.at[stack].type;

	return type && !c->profile->types.at[type].name;
}

static void add_sum(struct collector *c, uint64_t id, const struct stack_sum *sum)
{
	struct counters alloc = counters_of_sum(&sum->alloc), temp = counters_of_sum(&sum->temp);
	const struct ended *ended = ended_of(c, id);
	struct sum live = sum_sub(&sum->alloc, &sum->freed), peak;
	uint32_t stack = stack_of(c, id, sum->pid);

	if (c->profile->stacks.at[stack].end == STACK_END_LOST) {
		c->lost += alloc.calls;
		c->lost_room += u64map_find(&c->no_room, id) ? alloc.calls : 0;
	}
	if (c->options->delta)
		since_last(c, id, &alloc, &temp);
	add_alloc(c, stack, alloc);
	if (!c->options->blocks || is_go(c, stack))
		return;
	peak = sum_at_peak(sum, ended, &c->heap);
	profile_add(c->profile, PROFILE_FREED, stack, counters_of_sum(&sum->freed));
	if (ended) {
		profile_add(c->profile, PROFILE_FREED, stack, counters_of_sum(&ended->sum));
		live = sum_sub(&live, &ended->sum);
	}
	profile_add(c->profile, PROFILE_LIVE, stack, counters_of_sum(&live));
	profile_add(c->profile, PROFILE_PEAK, stack, counters_of_sum(&peak));
	profile_add(c->profile, PROFILE_TEMP, stack, temp);
}

static void on_sum(void *arg, uint64_t id, const struct stack_sum *sum)
{
	struct collector *c = arg;

	/* Every call failed, or mapped memory. */
	if (!sum->alloc.calls)
		return;
	add_sum(c, id, sum);
}

static void on_block(void *arg, const struct block_key *key, const struct block *block)
{
	struct collector *c = arg;

	/* Its sum was seen just now: it is not asked for the process. */
	blocks_add(&c->blocks, stack_of(c, block->stack, 0), block);
}

static int collect_blocks(struct collector *c)
{
	int err;

	c->blocks = (struct blocks){
		.profile = c->profile, .now_ns = monotonic_ns(),
		.min_age_ns = c->options->min_age_ns, .generation = c->options->generation,
	};
	blocks_begin(&c->blocks);
	err = kern_blocks(c->kern, on_block, c);
	blocks_end(&c->blocks);
	return err;
}

static const uint8_t hists[] = {
	[HIST_SIZES] = PROFILE_SIZES,
	[HIST_LIFETIMES] = PROFILE_LIFETIMES,
};

static void on_hist(void *arg, const struct hist_key *key, uint64_t calls)
{
	struct collector *c = arg;

	/* Its sum was seen just now: it is not asked for the process. */
	if (key->kind < sizeof(hists) / sizeof(hists[0]))
		profile_add_hist(c->profile, hists[key->kind], stack_of(c, key->stack, 0), key->bucket,
				 (double)calls / (1 << CALLS_SHIFT));
}

static void on_mapped(void *arg, uint64_t id, struct counters mapped, struct counters live)
{
	struct collector *c = arg;
	const uint64_t *owner = u64map_find(&c->owner_of, id);
	uint32_t stack;

	if (!owner) {
		c->maps.lost += mapped.calls;
	} else if (*owner == MAP_OF_ALLOCATOR) {
		c->maps.allocator = counters_add(c->maps.allocator, mapped);
		c->maps.allocator_live = counters_add(c->maps.allocator_live, live);
	} else if (*owner != MAP_OF_ANOTHER) {
		stack = stack_of(c, id, 0);
		profile_add(c->profile, PROFILE_MAPPED, stack, mapped);
		profile_add(c->profile, PROFILE_MAPPED_LIVE, stack, live);
	}
}

static void collect_maps(struct collector *c)
{
	c->maps = (struct collected_maps){.unfollowed = mapped_unfollowed(c->mapped)};
	mapped_each(c->mapped, c->options->delta, on_mapped, c);
}

int collector_sums(struct collector *c, const struct collect_options *o)
{
	int err;

	profile_reset(c->profile);
	u64map_free(&c->lost_of);
	c->lost_of = (struct u64map){0};
	c->options = o;
	c->lost = c->lost_room = c->calls = c->frames = 0;
	if (o->blocks)
		c->heap = kern_heap(c->kern);
	c->profile->ended_blocks = count_ended(c);
	err = kern_sums(c->kern, on_sum, c);
	if (!err && c->mapped)
		collect_maps(c);
	if (!err && o->ages)
		err = collect_blocks(c);
	return err ? err : kern_hists(c->kern, on_hist, c);
}

bool collector_saw_allocator(const struct collector *c, uint32_t module)
{
	return u64map_find(&c->allocators, module);
}

uint64_t collector_lost(const struct collector *c)
{
	return c->lost;
}

uint64_t collector_lost_room(const struct collector *c)
{
	return c->lost_room;
}

double collector_mean_depth(const struct collector *c)
{
	return c->calls ? (double)c->frames / c->calls : 0;
}
