/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything is interned: a frame, a tree node, a task, a stack each exist once and are known by a dense id.
 *
 *     node 0 (root)
 *      └ 1 {parent 0, frame _start}
 *         └ 2 {parent 1, frame main}
 *            ├ 3 {parent 2, frame parse}     <- the stack parse < main < _start is node 3
 *            └ 4 {parent 2, frame load}
 *
 * A node is made after its parent, so parent < node for every node but the root: a loop from the last node down to the
 * first sees children before their parents.
 *
 * There may be millions of nodes (a few for each stack), so what finds them is 4 bytes a slot: hash tables of ids,
 * where the keys are what the ids stand for. To intern a thing, it is put at the end of its array, and taken off again
 * if an equal one is found.
 */
#include "model/profile.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define TRUNCATED(why) {why, "[truncated: " why "]"}

static const struct {
	const char *text, *mark;
} ends[STACK_END_MAX] = {
	[STACK_END_COMPLETE] = {"complete", NULL},
	[STACK_END_CHAIN] = {"end of the frame-pointer chain", NULL},
	[STACK_END_DEPTH] = TRUNCATED("depth limit"),
	[STACK_END_UNREADABLE] = TRUNCATED("stack memory not readable"),
	[STACK_END_NOT_CODE] = TRUNCATED("return address outside code"),
	[STACK_END_LOST] = {"stack not delivered", "[stack not delivered]"},
	[STACK_END_JIT] = TRUNCATED("JIT boundary"),
	[STACK_END_NO_RULE] = TRUNCATED("no unwind information"),
	[STACK_END_UNSUPPORTED] = TRUNCATED("unsupported unwind rule"),
	[STACK_END_UNMAPPED] = TRUNCATED("unknown mapping"),
};

const char *stack_end_text(enum stack_end end)
{
	return (unsigned int)end < STACK_END_MAX ? ends[end].text : "unknown";
}

const char *stack_end_mark(enum stack_end end)
{
	return (unsigned int)end < STACK_END_MAX ? ends[end].mark : NULL;
}

void profile_init(struct profile *p, struct modules *modules, const char *const *function_names, size_t n_functions)
{
	memset(p, 0, sizeof(*p));
	p->modules = modules;
	p->function_names = function_names;
	p->n_functions = n_functions;
	vec_push(&p->nodes, ((struct profile_node){0, 0}));
	profile_type(p, 0, 0);
	vec_push(&p->tags, ((struct profile_tag){0}));
}

void profile_free(struct profile *p)
{
	vec_free(&p->frames);
	vec_free(&p->tasks);
	vec_free(&p->types);
	vec_free(&p->tags);
	vec_free(&p->nodes);
	vec_free(&p->stacks);
	for (size_t i = 0; i < PROFILE_KINDS; i++)
		vec_free(&p->sums[i]);
	vec_free(&p->oldest_ns);
	for (size_t i = 0; i < PROFILE_HISTS; i++)
		vec_free(&p->hists[i]);
	for (size_t i = 0; i < PROFILE_PAST; i++) {
		free(p->past_live.at[i].bytes);
		free(p->past_leaks.at[i].bytes);
	}
	profile_forget_parts(p);
	free(p->frame_ids.slots);
	free(p->task_ids.slots);
	free(p->type_ids.slots);
	free(p->tag_ids.slots);
	free(p->node_ids.slots);
	free(p->stack_ids.slots);
	strpool_free(&p->names);
	memset(p, 0, sizeof(*p));
}

/* Texts are interned: equal ones are at one address. */
static uint64_t task_hash(const struct profile *p, uint32_t id)
{
	const struct profile_task *t = &p->tasks.at[id];
	const void *const texts[] = {t->exe, t->user, t->cgroup, t->container, t->pid ? NULL : t->name};
	uint64_t hash = mix64(((uint64_t)t->pid << 32 | t->tid) + mix64(t->exec));

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		hash = mix64(hash + (uintptr_t)texts[i]);
	return hash;
}

static bool task_same(const struct profile *p, uint32_t a, uint32_t b)
{
	const struct profile_task *x = &p->tasks.at[a], *y = &p->tasks.at[b];

	return x->pid == y->pid && x->tid == y->tid && x->exec == y->exec && x->exe == y->exe && x->user == y->user &&
	       x->cgroup == y->cgroup && x->container == y->container && (x->pid || x->name == y->name);
}

static uint64_t frame_hash(const struct profile *p, uint32_t id)
{
	return mix64(p->frames.at[id].addr + mix64(p->frames.at[id].module + 1ULL) + p->frames.at[id].creator);
}

static bool frame_same(const struct profile *p, uint32_t a, uint32_t b)
{
	const struct profile_frame *x = &p->frames.at[a], *y = &p->frames.at[b];

	return x->module == y->module && x->addr == y->addr && x->creator == y->creator;
}

static uint64_t type_hash(const struct profile *p, uint32_t id)
{
	return mix64(p->types.at[id].addr + mix64(p->types.at[id].module + 1ULL) + (uintptr_t)p->types.at[id].name);
}

static bool type_same(const struct profile *p, uint32_t a, uint32_t b)
{
	const struct profile_type *x = &p->types.at[a], *y = &p->types.at[b];

	return x->module == y->module && x->addr == y->addr && x->name == y->name;
}

static uint64_t tag_hash(const struct profile *p, uint32_t id)
{
	return mix64(p->tags.at[id].goroutine + mix64((uintptr_t)p->tags.at[id].labels));
}

static bool tag_same(const struct profile *p, uint32_t a, uint32_t b)
{
	return p->tags.at[a].goroutine == p->tags.at[b].goroutine && p->tags.at[a].labels == p->tags.at[b].labels;
}

static uint64_t node_hash(const struct profile *p, uint32_t id)
{
	return mix64((uint64_t)p->nodes.at[id].parent << 32 | p->nodes.at[id].frame);
}

static bool node_same(const struct profile *p, uint32_t a, uint32_t b)
{
	return p->nodes.at[a].parent == p->nodes.at[b].parent && p->nodes.at[a].frame == p->nodes.at[b].frame;
}

static uint64_t stack_hash(const struct profile *p, uint32_t id)
{
	const struct profile_stack *st = &p->stacks.at[id];

	return mix64(((uint64_t)st->task << 32 | st->node) +
		     mix64(((uint64_t)st->type << 32 | (uint64_t)st->function << 8 | st->end) + mix64(st->tag)));
}

static bool stack_same(const struct profile *p, uint32_t a, uint32_t b)
{
	const struct profile_stack *x = &p->stacks.at[a], *y = &p->stacks.at[b];

	return x->task == y->task && x->node == y->node && x->function == y->function && x->type == y->type &&
	       x->tag == y->tag && x->end == y->end;
}

struct kind {
	uint64_t (*hash)(const struct profile *p, uint32_t id);
	bool (*same)(const struct profile *p, uint32_t a, uint32_t b);
};

static const struct kind task_kind = {task_hash, task_same};
static const struct kind frame_kind = {frame_hash, frame_same};
static const struct kind type_kind = {type_hash, type_same};
static const struct kind tag_kind = {tag_hash, tag_same};
static const struct kind node_kind = {node_hash, node_same};
static const struct kind stack_kind = {stack_hash, stack_same};

/* Into each caller, and so the kind's functions too: a stack of 39 frames is 39 look-ups. */
#define INLINED static inline __attribute__((always_inline))

/* Makes room for n ids, at most three quarters full. */
INLINED void id_table_reserve(const struct profile *p, struct id_table *t, size_t n, const struct kind *kind)
{
	size_t old = t->slots ? t->mask + 1 : 0, size = old ? old * 2 : 16;
	uint32_t *from = t->slots;

	if (n <= old / 4 * 3)
		return;
	t->slots = xcalloc(size, sizeof(*t->slots));
	t->mask = size - 1;
	for (size_t i = 0; i < old; i++) {
		size_t to;

		if (!from[i])
			continue;
		for (to = kind->hash(p, from[i] - 1) & t->mask; t->slots[to]; to = (to + 1) & t->mask)
			;
		t->slots[to] = from[i];
	}
	free(from);
}

/* `last` is the newest id. Returns it, or the older one that is the same. */
INLINED uint32_t intern(const struct profile *p, struct id_table *t, uint32_t last, const struct kind *kind)
{
	size_t i;

	id_table_reserve(p, t, (size_t)last + 1, kind);
	for (i = kind->hash(p, last) & t->mask; t->slots[i]; i = (i + 1) & t->mask)
		if (kind->same(p, t->slots[i] - 1, last))
			return t->slots[i] - 1;
	t->slots[i] = last + 1;
	return last;
}

static const char *task_text(struct profile *p, const char *s)
{
	struct buf shown = {0};
	const char *copy;

	text_name(&shown, s ? s : "", false);
	copy = strpool_str(&p->names, strpool_id(&p->names, buf_cstr(&shown)));
	buf_free(&shown);
	return copy;
}

static const char *text_or_null(struct profile *p, const char *s)
{
	return s && *s ? task_text(p, s) : NULL;
}

uint32_t profile_task_like(struct profile *p, const struct profile_task *like)
{
	const struct profile_task task = {
		.pid = like->pid, .tid = like->tid, .exec = like->exec, .name = task_text(p, like->name),
		.exe = text_or_null(p, like->exe), .user = text_or_null(p, like->user),
		.cgroup = text_or_null(p, like->cgroup), .container = text_or_null(p, like->container),
	};
	uint32_t last = p->tasks.n, id;

	vec_push(&p->tasks, task);
	id = intern(p, &p->task_ids, last, &task_kind);
	p->tasks.n -= id != last;
	p->tasks.at[id].name = task.name;
	if (like->inner_pid)
		p->tasks.at[id].inner_pid = like->inner_pid != like->pid ? like->inner_pid : 0;
	return id;
}

uint32_t profile_task(struct profile *p, uint32_t pid, uint32_t tid, uint32_t exec, const char *name)
{
	return profile_task_like(p, &(struct profile_task){.pid = pid, .tid = tid, .exec = exec, .name = name});
}

static uint32_t add_frame(struct profile *p, struct profile_frame frame)
{
	uint32_t last = p->frames.n, id;

	vec_push(&p->frames, frame);
	id = intern(p, &p->frame_ids, last, &frame_kind);
	p->frames.n -= id != last;
	return id;
}

uint32_t profile_frame(struct profile *p, uint32_t module, uint64_t addr)
{
	return add_frame(p, (struct profile_frame){.module = module, .addr = addr});
}

uint32_t profile_creator(struct profile *p, uint32_t module, uint64_t addr)
{
	return add_frame(p, (struct profile_frame){.module = module, .addr = addr, .creator = true});
}

static uint32_t add_type(struct profile *p, struct profile_type type)
{
	uint32_t last = p->types.n, id;

	vec_push(&p->types, type);
	id = intern(p, &p->type_ids, last, &type_kind);
	p->types.n -= id != last;
	return id;
}

uint32_t profile_type(struct profile *p, uint32_t module, uint64_t addr)
{
	return add_type(p, (struct profile_type){.module = module, .addr = addr});
}

uint32_t profile_type_named(struct profile *p, const char *name)
{
	return add_type(p, (struct profile_type){.name = task_text(p, name)});
}

static uint32_t add_tag(struct profile *p, struct profile_tag tag)
{
	uint32_t last = p->tags.n, id;

	vec_push(&p->tags, tag);
	id = intern(p, &p->tag_ids, last, &tag_kind);
	p->tags.n -= id != last;
	return id;
}

uint32_t profile_goroutine(struct profile *p, uint64_t number)
{
	return add_tag(p, (struct profile_tag){.goroutine = number});
}

uint32_t profile_labels(struct profile *p, const char *text)
{
	return add_tag(p, (struct profile_tag){.labels = strpool_str(&p->names, strpool_id(&p->names, text))});
}

bool profile_next_label(const char **at, struct profile_label *l)
{
	const char *is = strchr(*at, PROFILE_LABEL_IS), *end = is ? strchr(is, PROFILE_LABEL_END) : NULL;

	if (!end)
		return false;
	*l = (struct profile_label){
		.key = *at, .key_len = (size_t)(is - *at), .value = is + 1, .value_len = (size_t)(end - is - 1),
	};
	*at = end + 1;
	return true;
}

static uint32_t profile_node(struct profile *p, uint32_t parent, uint32_t frame)
{
	uint32_t last = p->nodes.n, id;

	vec_push(&p->nodes, ((struct profile_node){parent, frame}));
	id = intern(p, &p->node_ids, last, &node_kind);
	p->nodes.n -= id != last;
	return id;
}

uint32_t profile_stack(struct profile *p, uint32_t task, uint16_t function, const uint32_t *frames, size_t n,
		       enum stack_end end)
{
	return profile_stack_like(p, (struct profile_stack){.task = task, .function = function, .end = end}, frames, n);
}

uint32_t profile_stack_like(struct profile *p, struct profile_stack like, const uint32_t *frames, size_t n)
{
	uint32_t node = 0, last = p->stacks.n, id;

	for (size_t i = n; i > 0; i--)
		node = profile_node(p, node, frames[i - 1]);
	like.node = node;
	vec_push(&p->stacks, like);
	id = intern(p, &p->stack_ids, last, &stack_kind);
	p->stacks.n -= id != last;
	return id;
}

struct counters *profile_at(struct profile *p, enum profile_kind kind, uint32_t stack)
{
	while (p->sums[kind].n <= stack)
		vec_push(&p->sums[kind], ((struct counters){0, 0, 0, 0}));
	return &p->sums[kind].at[stack];
}

void profile_add(struct profile *p, enum profile_kind kind, uint32_t stack, struct counters c)
{
	struct counters *sum;

	if (counters_none(c))
		return;
	sum = profile_at(p, kind, stack);
	*sum = counters_add(*sum, c);
}

void profile_add_hist(struct profile *p, enum profile_hist hist, uint32_t stack, unsigned int bucket, double calls)
{
	if (bucket < PROFILE_BUCKETS)
		vec_push(&p->hists[hist], ((struct profile_bucket){stack, bucket, calls}));
}

void profile_add_age(struct profile *p, uint32_t stack, uint64_t time_ns)
{
	while (p->oldest_ns.n <= stack)
		vec_push(&p->oldest_ns, 0);
	if (!p->oldest_ns.at[stack] || time_ns < p->oldest_ns.at[stack])
		p->oldest_ns.at[stack] = time_ns;
}

void profile_reset(struct profile *p)
{
	for (size_t i = 0; i < PROFILE_KINDS; i++)
		p->sums[i].n = 0;
	for (size_t i = 0; i < PROFILE_HISTS; i++)
		p->hists[i].n = 0;
	p->oldest_ns.n = 0;
	p->ended_blocks = 0;
}

/* Appends what `from` has beyond the elements of `to`. */
#define follow(to, from) do { \
	if ((from)->n <= (to)->n) \
		break; \
	vec_grow((to), (from)->n); \
	memcpy((to)->at + (to)->n, (from)->at + (to)->n, ((from)->n - (to)->n) * sizeof(*(to)->at)); \
	(to)->n = (from)->n; \
} while (0)

#define copy(to, from) do { \
	(to)->n = 0; \
	follow(to, from); \
} while (0)

void profile_follow(struct profile *to, const struct profile *from)
{
	follow(&to->frames, &from->frames);
	follow(&to->nodes, &from->nodes);
	follow(&to->stacks, &from->stacks);
	follow(&to->types, &from->types);
	follow(&to->tags, &from->tags);
	copy(&to->tasks, &from->tasks);
	for (size_t i = 0; i < PROFILE_KINDS; i++)
		copy(&to->sums[i], &from->sums[i]);
	for (size_t i = 0; i < PROFILE_HISTS; i++)
		copy(&to->hists[i], &from->hists[i]);
	copy(&to->oldest_ns, &from->oldest_ns);
	to->now_ns = from->now_ns;
	to->first_generation = from->first_generation;
	to->generations = from->generations;
	to->ended_blocks = from->ended_blocks;
}

void profile_move(struct profile *to, struct profile *from)
{
	struct profile moved = *from;

	moved.modules = to->modules;
	moved.function_names = to->function_names;
	moved.n_functions = to->n_functions;
	moved.past_live = to->past_live;
	moved.past_leaks = to->past_leaks;
	moved.n_past = to->n_past;
	memcpy(&moved.parts, &to->parts, sizeof(moved.parts));
	memcpy(&moved.parted, &to->parted, sizeof(moved.parted));
	moved.parted_recorded = to->parted_recorded;
	moved.joined = to->joined;
	moved.in_last = to->in_last;
	memset(&to->past_live, 0, sizeof(to->past_live));
	memset(&to->past_leaks, 0, sizeof(to->past_leaks));
	memset(&to->parts, 0, sizeof(to->parts));
	memset(&to->parted, 0, sizeof(to->parted));
	profile_free(to);
	*to = moved;
	profile_init(from, from->modules, from->function_names, from->n_functions);
}

static void remember(const struct profile *p, enum profile_kind kind, struct profile_past *past)
{
	size_t n = p->sums[kind].n;
	uint64_t *bytes = xrealloc_array(past->at[PROFILE_PAST - 1].bytes, n + 1, sizeof(*bytes));

	for (size_t i = 0; i < n; i++)
		bytes[i] = p->sums[kind].at[i].bytes;
	memmove(past->at + 1, past->at, (PROFILE_PAST - 1) * sizeof(past->at[0]));
	past->at[0].bytes = bytes;
	past->at[0].n = n;
}

void profile_remember(struct profile *p)
{
	remember(p, PROFILE_LIVE, &p->past_live);
	remember(p, PROFILE_LEAKS, &p->past_leaks);
	if (p->n_past < PROFILE_PAST)
		p->n_past++;
}

struct counters profile_total(const struct profile *p, enum profile_kind kind)
{
	struct counters total = {0, 0, 0, 0};

	for (size_t i = 0; i < p->sums[kind].n; i++)
		total = counters_add(total, p->sums[kind].at[i]);
	return total;
}

size_t profile_stack_frames(const struct profile *p, uint32_t stack, uint32_t *frames, size_t max)
{
	size_t n = 0;

	for (uint32_t node = p->stacks.at[stack].node; node; node = p->nodes.at[node].parent) {
		if (n < max)
			frames[n] = p->nodes.at[node].frame;
		n++;
	}
	return n;
}
