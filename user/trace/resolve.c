// SPDX-License-Identifier: GPL-2.0-or-later
/* From the raw records of stacks to stacks of the profile: whose they are, and which file's code each frame is in. */
#include <string.h>

#include "alloc/family.h"
#include "base/memlimit.h"
#include "kern/kmem.h"
#include "trace/collector_internal.h"
#include "trace/golabels.h"
#include "trace/kept.h"
#include "trace/kstack.h"
#include "trace/rawwalk.h"

/* A frame for each address, one for a gap before it, one for a gap at the root, and one for who made a goroutine. */
struct resolved {
	uint32_t frames[2 * STACK_MAX_FRAMES + 2];
	size_t n;
};

size_t collector_record_size(const struct stack_frames *rec)
{
	if (rec->end == WALK_RAW)
		return offsetof(struct stack_raw, stack) + ((const struct stack_raw *)rec)->n_stack;
	return offsetof(struct stack_frames, frames) + rec->n * sizeof(rec->frames[0]);
}

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

#define OWN_MAX 16	/* frames of an allocator that samples */

/* How many of the innermost frames are the allocator's own, and not its callers. */
static size_t count_own(const struct collector *c, const struct stack_frames *rec, const struct resolved *r)
{
	const struct alloc_function *fn = alloc_function(rec->function);
	size_t n = 0;

	/* The place that tells of a sample is in the allocator, or called by it; if that is not known, all stay. */
	for (size_t i = 0; fn && fn->is_usdt && i < OWN_MAX && i + 1 < r->n; i++) {
		const struct profile_frame *f = &c->profile->frames.at[r->frames[i]];

		if (c->is_allocator(c->arg, f->module, f->addr))
			n = i + 1;
	}
	if (!fn || !fn->is_go)
		return n;
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

/* By all of its frames, its caller's first. Code of musl has no unwind information: there is one frame then. */
static void judge_map(struct collector *c, uint64_t id, const struct resolved *r, enum stack_end end)
{
	enum map_owner owner = MAP_OF_PROGRAM;
	bool thread = false;

	for (size_t i = 0; i < r->n; i++) {
		const struct profile_frame *f = &c->profile->frames.at[r->frames[i]];
		const enum map_owner says = f->module == MODULE_UNCERTAIN ? MAP_OF_PROGRAM :
			c->map_owner(c->arg, f->module, f->addr);

		owner = says > owner ? says : owner;
		thread |= says == MAP_OF_THREAD;
	}
	if ((owner == MAP_OF_LIBC && r->n == 1 && end != STACK_END_COMPLETE) ||
	    (owner == MAP_OF_ITS_LIBRARY && !thread))
		owner = MAP_OF_ALLOCATOR;
	*u64map_put(&c->owner_of, id, NULL) = owner;
}

static void resolve_kernel(struct collector *c, const struct stack_frames *rec)
{
	struct buf type = {0};
	struct resolved r;
	uint32_t stack;

	kern_kmem_type(c->kern, rec->type, &type);
	r.n = kstack_resolve(c->profile, rec, r.frames);
	stack = profile_stack_like(c->profile, (struct profile_stack){
		.task = task_of(c, NULL, rec), .function = rec->function,
		.type = type.len ? profile_type_named(c->profile, type.data) : 0,
		.end = !rec->n ? STACK_END_UNREADABLE : rec->n == c->max_frames ? STACK_END_DEPTH : STACK_END_COMPLETE,
	}, r.frames, r.n);
	*u64map_put(&c->stack_of, rec->id, NULL) = stack;
	buf_free(&type);
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
		.task = task_of(c, p, rec), .function = rec->function, .type = type_of(c, rec),
		.tag = tag_of(c, rec), .end = end,
	}, r.frames + own, r.n - own);
	*u64map_put(&c->stack_of, rec->id, NULL) = stack;
	if (c->mapped && alloc_function(rec->function) && alloc_function(rec->function)->maps)
		judge_map(c, rec->id, &r, end);
	else
		u64map_put(&c->allocators, rec->module, NULL);
}

static void resolve_some(struct collector *c, const struct buf *raw)
{
	size_t at = 0, n = 0;
	bool room = true;

	while (at < raw->len) {
		const struct stack_frames *rec = (const void *)(raw->data + at);

		if (n++ % ROOM_EVERY == 0)
			room = memlimit_has_share(MEMLIMIT_STACKS, "stacks");
		if (room && rec->end == WALK_KERNEL)
			resolve_kernel(c, rec);
		else if (room)
			resolve_record(c, rec);
		else
			u64map_put(&c->no_room, rec->id, NULL);
		at += collector_record_size(rec);
	}
}

/* What a process has mapped may have to be read, and the ring is drained meanwhile: more comes. */
void collector_resolve(struct collector *c)
{
	while (c->raw.len) {
		struct buf raw = c->raw;

		c->raw = (struct buf){0};
		resolve_some(c, &raw);
		buf_free(&raw);
	}
}
