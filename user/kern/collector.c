// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A stack's frames come once, when it is first seen, with the time; its counters stay in the kernel. The frames are kept
 * raw until the process events up to that time have been read, because only then is it known what was mapped where.
 */
#include "kern/collector.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

struct collector {
	struct kern *kern;
	struct processes *processes;
	struct profile *profile;
	bool by_thread;
	to_vaddr_fn to_vaddr;
	void *arg;
	struct buf raw;			/* struct stack_frames, each cut after its last frame */
	struct u64map stack_of;		/* kernel's id -> stack of the profile */
	struct u64map delta_bytes, delta_calls;	/* what the last delta had seen, by kernel's id */
	bool delta;			/* of the run of collector_sums() under way */
	uint64_t lost, calls, frames;	/* of the last run of collector_sums() */
};

struct collector *collector_new(struct kern *kern, struct processes *processes, struct profile *profile, bool by_thread,
				to_vaddr_fn to_vaddr, void *arg)
{
	struct collector *c = xcalloc(1, sizeof(*c));

	c->kern = kern;
	c->processes = processes;
	c->profile = profile;
	c->by_thread = by_thread;
	c->to_vaddr = to_vaddr;
	c->arg = arg;
	return c;
}

void collector_free(struct collector *c)
{
	if (!c)
		return;
	buf_free(&c->raw);
	u64map_free(&c->stack_of);
	u64map_free(&c->delta_bytes);
	u64map_free(&c->delta_calls);
	free(c);
}

static size_t record_size(const struct stack_frames *rec)
{
	return offsetof(struct stack_frames, frames) + rec->n * sizeof(rec->frames[0]);
}

static void on_frames(void *arg, const struct stack_frames *rec)
{
	struct collector *c = arg;

	buf_add(&c->raw, rec, record_size(rec));
}

int collector_drain(struct collector *c)
{
	int n = kern_frames(c->kern, on_frames, c);

	return n < 0 ? n : 0;
}

/* Returns how many frames are good; the first one (the caller) is always kept, known or not. */
static size_t resolve_frames(struct collector *c, struct process *p, const struct stack_frames *rec, uint32_t *frames,
			     enum stack_end *end)
{
	uint32_t module;
	uint64_t offset, addr;
	size_t i;

	for (i = 0; i < rec->n; i++) {
		addr = rec->frames[i] - 1;
		if (p && process_resolve(p, c->processes->modules, addr, rec->time_ns, &module, &offset)) {
			addr = c->to_vaddr(c->arg, module, offset);
		} else if (i == 0) {
			module = 0;
		} else {
			*end = STACK_END_NOT_CODE;
			break;
		}
		frames[i] = profile_frame(c->profile, module, addr);
	}
	return i;
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
};

static void resolve_record(struct collector *c, const struct stack_frames *rec)
{
	struct process *p = processes_find(c->processes, rec->pid);
	enum stack_end end = rec->end <= WALK_UNMAPPED ? ends[rec->end] : STACK_END_UNREADABLE;
	uint32_t frames[STACK_MAX_FRAMES], task, exec = 0;
	const char *name = p ? process_name_at(p, rec->time_ns, &exec) : rec->name;
	size_t n;

	n = resolve_frames(c, p, rec, frames, &end);
	if (c->by_thread)
		task = profile_task(c->profile, rec->pid, rec->tid, exec, rec->name);
	else
		task = profile_task(c->profile, rec->pid, 0, exec, name);
	*u64map_put(&c->stack_of, rec->id, NULL) = profile_stack(c->profile, task, rec->function, frames, n, end);
}

void collector_resolve(struct collector *c)
{
	const char *data = buf_cstr(&c->raw);
	size_t at = 0;

	while (at < c->raw.len) {
		const struct stack_frames *rec = (const void *)(data + at);

		resolve_record(c, rec);
		at += record_size(rec);
	}
	buf_free(&c->raw);
}

/* One stack for each process, to hold what has counters but no frames. */
static uint32_t lost_stack(struct collector *c, uint32_t pid)
{
	const struct process *p = processes_find(c->processes, pid);
	uint32_t task = profile_task(c->profile, pid, 0, p ? p->former.n : 0, p ? p->name : "");

	return profile_stack(c->profile, task, 0, NULL, 0, STACK_END_LOST);
}

static struct counters since_last(struct collector *c, uint64_t id, struct counters now)
{
	uint64_t *bytes = u64map_put(&c->delta_bytes, id, NULL), *calls = u64map_put(&c->delta_calls, id, NULL);
	struct counters d = counters_sub(now, (struct counters){*bytes, *calls});

	*bytes = now.bytes;
	*calls = now.calls;
	return d;
}

static void on_sum(void *arg, uint64_t id, const struct stack_sum *sum)
{
	struct collector *c = arg;
	struct counters n = {sum->bytes, sum->calls};
	const uint64_t *stack = u64map_find(&c->stack_of, id);
	uint32_t s;

	if (stack) {
		s = *stack;
	} else {
		s = lost_stack(c, sum->pid);
		c->lost += n.calls;
	}
	if (c->delta)
		n = since_last(c, id, n);
	profile_add(c->profile, s, n);
	c->calls += n.calls;
	c->frames += n.calls * profile_stack_frames(c->profile, s, NULL, 0);
}

int collector_sums(struct collector *c, bool delta)
{
	profile_reset(c->profile);
	c->delta = delta;
	c->lost = c->calls = c->frames = 0;
	return kern_sums(c->kern, on_sum, c);
}

uint64_t collector_lost(const struct collector *c)
{
	return c->lost;
}

double collector_mean_depth(const struct collector *c)
{
	return c->calls ? (double)c->frames / c->calls : 0;
}
