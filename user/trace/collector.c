// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A stack's frames come once, when it is first seen, with the time; its counters stay in the kernel. The frames are
 * kept raw until the process events up to that time have been read: only then is it known what was mapped where.
 */
#include "trace/collector.h"

#include <stdlib.h>
#include <string.h>

#include "alloc/family.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/memlimit.h"
#include "trace/golabels.h"
#include "trace/kept.h"
#include "trace/rawwalk.h"
#include "trace/sums.h"

#define ROOM_EVERY 1024	/* stacks between two looks at our memory */

/* What the last delta had seen. */
struct last_sums {
	struct counters alloc, temp;
};

struct collector {
	struct kern *kern;
	struct processes *processes;
	struct profile *profile;
	bool by_thread, by_label;
	bool labels_lost;		/* of a stack, for lack of room */
	struct u64map labels;		/* the kernel's keys of sets of labels -> their tags */
	to_vaddr_fn to_vaddr;
	is_allocator_fn is_allocator;
	site_of_fn site_of;
	const struct collector_wide *wide;	/* NULL: stacks are of processes */
	void *arg;
	struct buf raw;			/* struct stack_frames, each cut after its last frame */
	struct unwind *unwind;		/* NULL: no stack comes raw */
	size_t max_frames;
	struct kept *kept;
	struct u64map stack_of;		/* kernel's id -> stack of the profile */
	struct u64map no_room;		/* kernel's ids of stacks that came, and found no memory */
	uint64_t n_arrived;		/* records; */
	bool room;			/* there was memory for one when that was looked at last */
	struct u64map allocators;	/* modules whose functions were called */
	struct u64map lost_of;		/* the same for those without frames, as of the last collector_sums() */
	vec_of(struct last_sums) last;
	struct u64map last_of;		/* kernel's id -> index in last */
	vec_of(struct ended) ended;
	struct u64map ended_of;		/* kernel's id -> index in ended */
	uint64_t ending_ns;		/* of the run of collector_end_blocks() under way */
	/* Of the run of collector_sums() under way: */
	const struct collect_options *options;
	struct heap heap;
	struct blocks blocks;
	uint64_t lost, lost_room, calls, frames;	/* of the last run of collector_sums() */
};

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
	vec_free(&c->last);
	u64map_free(&c->last_of);
	free(c);
}

static size_t record_size(const struct stack_frames *rec)
{
	if (rec->end == WALK_RAW)
		return offsetof(struct stack_raw, stack) + ((const struct stack_raw *)rec)->n_stack;
	return offsetof(struct stack_frames, frames) + rec->n * sizeof(rec->frames[0]);
}

static void on_frames(void *arg, const struct stack_frames *rec)
{
	struct collector *c = arg;

	/* Many may have waited in the kernel. */
	if (c->n_arrived++ % ROOM_EVERY == 0)
		c->room = memlimit_has_share(MEMLIMIT_NAMES, "stacks");
	if (c->room)
		buf_add(&c->raw, rec, record_size(rec));
	else
		u64map_put(&c->no_room, rec->id, NULL);
}

int collector_drain(struct collector *c)
{
	int n = kern_frames(c->kern, on_frames, c);

	return n < 0 ? n : 0;
}

/* A frame for each address, one for a gap before it, one for a gap at the root, and one for who made a goroutine. */
struct resolved {
	uint32_t frames[2 * STACK_MAX_FRAMES + 2];
	size_t n;
};

/* The frame pointer of the last frame was followed: its code is to keep one. is_root: it was 0, which a thread's first
 * code sets, too. */
static void check_last(struct collector *c, struct resolved *r, bool is_root)
{
	const struct profile_frame *last;

	if (!r->n)
		return;
	last = &c->profile->frames.at[r->frames[r->n - 1]];
	if (!c->kept || !(kept_at(c->kept, last->module, last->addr) ||
			  (is_root && kept_root_at(c->kept, last->module, last->addr))))
		r->frames[r->n++] = profile_frame(c->profile, MODULE_UNCERTAIN, 0);
}

/* Takes what is good; the first frame (the caller) is always kept, known or not. */
static void resolve_frames(struct collector *c, struct process *p, const __u64 *addrs, size_t n, uint64_t time_ns,
			   struct resolved *r, enum stack_end *end)
{
	uint32_t module;
	uint64_t offset, addr;

	r->n = 0;
	for (size_t i = 0; i < n; i++) {
		addr = (addrs[i] & ~FRAME_BY_FP) - 1;
		if (addr & FRAME_FILE) {
			if (!c->unwind || !unwind_name(c->unwind, addr, &module, &addr))
				module = 0;
		} else if (p && process_resolve(p, c->processes->modules, addr, time_ns, &module, &offset)) {
			addr = c->to_vaddr(c->arg, module, offset);
		} else if (i == 0) {
			module = 0;
		} else {
			*end = STACK_END_NOT_CODE;
			break;
		}
		if (addrs[i] & FRAME_BY_FP)
			check_last(c, r, false);
		r->frames[r->n++] = profile_frame(c->profile, module, addr);
	}
}

/* What is to be subtracted from an address in the probe's file to have it as the file's headers count. */
static bool bias_of(const struct collector *c, const struct stack_frames *rec, uint64_t *bias)
{
	uint64_t site;

	if (!c->site_of(c->arg, rec->module, rec->probe, &site))
		return false;
	*bias = rec->ip - site;
	return true;
}

/* Behind the last frame of a goroutine, who made it: code of a plugin, or of the allocator's file. */
static void resolve_creator(struct collector *c, struct process *p, const struct stack_frames *rec, struct resolved *r)
{
	uint32_t module;
	uint64_t offset, bias;

	if (p && process_resolve(p, c->processes->modules, rec->creator - 1, rec->time_ns, &module, &offset))
		r->frames[r->n++] = profile_creator(c->profile, module, c->to_vaddr(c->arg, module, offset));
	else if (bias_of(c, rec, &bias))
		r->frames[r->n++] = profile_creator(c->profile, rec->module, rec->creator - 1 - bias);
}

static const uint8_t ends[] = {
	[WALK_COMPLETE] = STACK_END_COMPLETE,
	[WALK_CHAIN] = STACK_END_CHAIN,
	[WALK_DEPTH] = STACK_END_DEPTH,
	[WALK_UNREADABLE] = STACK_END_UNREADABLE,
	[WALK_JIT] = STACK_END_JIT,
	[WALK_NO_RULE] = STACK_END_NO_RULE,
	[WALK_UNSUPPORTED] = STACK_END_UNSUPPORTED,
	[WALK_UNMAPPED] = STACK_END_UNMAPPED,
	[WALK_RAW] = STACK_END_UNREADABLE,
	[WALK_ROOT_BY_FP] = STACK_END_COMPLETE,
};

/* The frames of a stack that came raw; those the BPF side found if it can't be unwound here either. */
static enum walk_end unwind_raw(struct collector *c, const struct process *p, const struct stack_raw *raw,
				__u64 *frames, size_t *n)
{
	const struct rawwalk w = {
		.unwind = c->unwind, .process = p, .modules = c->processes->modules, .to_vaddr = c->to_vaddr,
		.arg = c->arg, .max_frames = c->max_frames,
	};
	enum walk_end end = p && c->unwind ? rawwalk(&w, raw, frames, n) : WALK_UNMAPPED;

	if (end == WALK_UNMAPPED && (!p || *n < raw->rec.n)) {
		*n = raw->rec.n < STACK_MAX_FRAMES ? raw->rec.n : STACK_MAX_FRAMES;
		memcpy(frames, raw->rec.frames, *n * sizeof(*frames));
	}
	return end;
}

/* The type that was asked for is described in the file of the allocator function, or was made at run time (reflect):
 * then its address is none of the file's. */
static uint32_t type_of(struct collector *c, const struct stack_frames *rec)
{
	const struct alloc_function *fn = alloc_function(rec->function);
	uint64_t bias = 0;

	if (!fn || !fn->is_go)
		return 0;
	if (rec->type && !bias_of(c, rec, &bias))
		return profile_type(c->profile, rec->module, 0);
	return profile_type(c->profile, rec->module, rec->type - bias);
}

/* How many of the innermost frames are the allocator's own, and not its callers. */
static size_t count_own(const struct collector *c, const struct stack_frames *rec, const struct resolved *r)
{
	const struct alloc_function *fn = alloc_function(rec->function);
	size_t n = 0;

	if (!fn || !fn->is_go)
		return 0;
	while (n + 1 < r->n) {
		const struct profile_frame *f = &c->profile->frames.at[r->frames[n]];

		if (f->module != rec->module || !c->is_allocator(c->arg, f->module, f->addr))
			break;
		n++;
	}
	return n;
}

static uint32_t labels_of(struct collector *c, uint64_t tag)
{
	struct buf text = {0};
	struct label_set set;
	uint64_t *id;
	bool is_new;

	if (tag == TAG_NONE)
		return profile_labels(c->profile, "");
	id = u64map_put(&c->labels, tag, &is_new);
	if (!is_new)
		return (uint32_t)*id;
	*id = 0;
	if (kern_labels(c->kern, tag, &set)) {
		golabels_text(&set, &text);
		*id = profile_labels(c->profile, buf_cstr(&text));
		buf_free(&text);
	}
	return (uint32_t)*id;
}

/* 0: nothing is told, or it is not Go. */
static uint32_t tag_of(struct collector *c, const struct stack_frames *rec)
{
	c->labels_lost |= rec->tag == TAG_LOST;
	if (!rec->tag || rec->tag == TAG_UNKNOWN || rec->tag == TAG_LOST)
		return 0;
	if (c->by_label)
		return labels_of(c, rec->tag);
	return profile_goroutine(c->profile, rec->tag == TAG_NONE ? 0 : rec->tag);
}

/* Only what is no file's has to be looked for in a process. */
static bool needs_process(const struct stack_frames *rec)
{
	if (rec->end == WALK_RAW)
		return true;
	for (size_t i = 0; i < rec->n; i++)
		if (!(((rec->frames[i] & ~FRAME_BY_FP) - 1) & FRAME_FILE))
			return true;
	return false;
}

static struct process *process_of(const struct collector *c, const struct stack_frames *rec)
{
	if (!c->wide)
		return processes_find(c->processes, rec->pid);
	return needs_process(rec) ? c->wide->process(c->wide->arg, (pid_t)rec->pid) : NULL;
}

static uint32_t task_of(struct collector *c, const struct process *p, const struct stack_frames *rec)
{
	uint32_t exec = 0;
	const char *name;

	if (c->wide)
		return c->wide->task(c->wide->arg, rec);
	name = p ? process_name_at(p, rec->time_ns, &exec) : rec->name;
	if (c->by_thread)
		return profile_task(c->profile, rec->pid, rec->tid, exec, rec->name);
	return profile_task(c->profile, rec->pid, 0, exec, name);
}

static void resolve_record(struct collector *c, const struct stack_frames *rec)
{
	struct process *p = process_of(c, rec);
	const struct stack_raw *raw = rec->end == WALK_RAW ? (const void *)rec : NULL;
	__u64 unwound[STACK_MAX_FRAMES];
	const __u64 *addrs = raw ? unwound : rec->frames;
	size_t n = rec->n;
	enum walk_end walk_end = raw ? unwind_raw(c, p, raw, unwound, &n) : rec->end;
	enum stack_end end = walk_end <= WALK_ROOT_BY_FP ? ends[walk_end] : STACK_END_UNREADABLE;
	uint32_t stack;
	size_t own;
	struct resolved r;

	resolve_frames(c, p, addrs, n, rec->time_ns, &r, &end);
	if (walk_end == WALK_ROOT_BY_FP && end == STACK_END_COMPLETE)
		check_last(c, &r, true);
	if (rec->creator && end == STACK_END_COMPLETE)
		resolve_creator(c, p, rec, &r);
	own = count_own(c, rec, &r);
	stack = profile_stack_like(c->profile, (struct profile_stack){
		.task = task_of(c, p, rec), .function = rec->function, .type = type_of(c, rec), .tag = tag_of(c, rec), .end = end,
	}, r.frames + own, r.n - own);
	*u64map_put(&c->stack_of, rec->id, NULL) = stack;
	u64map_put(&c->allocators, rec->module, NULL);
}

void collector_resolve(struct collector *c)
{
	const char *data = buf_cstr(&c->raw);
	size_t at = 0, n = 0;
	bool room = true;

	while (at < c->raw.len) {
		const struct stack_frames *rec = (const void *)(data + at);

		if (n++ % ROOM_EVERY == 0)
			room = memlimit_has_share(MEMLIMIT_STACKS, "stacks");
		if (room)
			resolve_record(c, rec);
		else
			u64map_put(&c->no_room, rec->id, NULL);
		at += record_size(rec);
	}
	buf_free(&c->raw);
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
	c->ending_ns = time_ns;
	return kern_end_blocks(c->kern, ended, n, on_ended, c);
}

static void on_sum(void *arg, uint64_t id, const struct stack_sum *sum)
{
	struct collector *c = arg;
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
	/* Blocks of Go are not followed. */
	if (!c->options->blocks || c->profile->stacks.at[stack].type)
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
