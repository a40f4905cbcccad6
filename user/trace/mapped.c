// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/mapped.h"

#include <stdlib.h>

#include "base/memlimit.h"
#include "model/ranges.h"

#define RANGES_MAX ((size_t)1 << 20)	/* parts, in all address spaces */
#define ROOM_EVERY 1024			/* mappings between two looks at our memory */

struct mapped_space {
	uint64_t id, since_ns;
	uint32_t pid;
	struct ranges ranges;
};

/* A call that mapped something, as long as a part of it is left. */
struct mapping_owner {
	uint32_t stack;		/* index in stacks */
	uint32_t parts;
};

struct mapped_stack {
	uint64_t id;
	struct counters mapped, live;
	struct counters last;	/* of mapped, as of the last call with delta */
};

struct mapped {
	vec_of(struct mapped_space *) spaces;
	struct u64map space_of;		/* id -> index */
	vec_of(struct mapped_stack) stacks;
	struct u64map stack_of;		/* the kernel's id -> index */
	vec_of(struct mapping_owner) owners;
	vec_of(uint32_t) free_owners;
	size_t n_ranges;
	uint64_t n_put;
	bool room;
	uint64_t unfollowed;
};

struct mapped *mapped_new(void)
{
	return xcalloc(1, sizeof(struct mapped));
}

static void space_free(struct mapped_space *s)
{
	ranges_free(&s->ranges);
	free(s);
}

void mapped_free(struct mapped *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->spaces.n; i++)
		space_free(m->spaces.at[i]);
	vec_free(&m->spaces);
	u64map_free(&m->space_of);
	vec_free(&m->stacks);
	u64map_free(&m->stack_of);
	vec_free(&m->owners);
	vec_free(&m->free_owners);
	free(m);
}

/* NULL: nothing of it is known, and nothing is to be. */
static struct mapped_space *space_of(struct mapped *m, const struct map_event *ev, bool make)
{
	const uint64_t *known = u64map_find(&m->space_of, ev->space);
	struct mapped_space *s;

	if (known)
		return m->spaces.at[*known];
	if (!make)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->id = ev->space;
	s->pid = ev->pid;
	s->since_ns = ev->begin_ns;
	*u64map_put(&m->space_of, ev->space, NULL) = m->spaces.n;
	vec_push(&m->spaces, s);
	return s;
}

static uint32_t stack_of(struct mapped *m, uint64_t id)
{
	bool is_new;
	uint64_t *at = u64map_put(&m->stack_of, id, &is_new);

	if (is_new) {
		*at = m->stacks.n;
		vec_push(&m->stacks, (struct mapped_stack){.id = id});
	}
	return (uint32_t)*at;
}

static uint32_t owner_new(struct mapped *m, uint32_t stack)
{
	const struct mapping_owner o = {.stack = stack, .parts = 1};

	if (m->free_owners.n) {
		const uint32_t i = m->free_owners.at[--m->free_owners.n];

		m->owners.at[i] = o;
		return i;
	}
	vec_push(&m->owners, o);
	return (uint32_t)(m->owners.n - 1);
}

static void on_taken(void *arg, uint32_t owner, uint64_t bytes, int parts)
{
	struct mapped *m = arg;
	struct mapping_owner *o = &m->owners.at[owner];
	struct counters *live = &m->stacks.at[o->stack].live;

	live->bytes -= bytes;
	o->parts += (uint32_t)parts;
	m->n_ranges += (size_t)parts;
	if (o->parts)
		return;
	live->calls--;
	vec_push(&m->free_owners, owner);
}

static uint64_t take(struct mapped *m, struct mapped_space *s, uint64_t from, uint64_t bytes, uint64_t before_ns)
{
	if (!s || bytes > UINT64_MAX - from)
		return 0;
	return ranges_take(&s->ranges, from, from + bytes, before_ns, on_taken, m);
}

static bool has_room(struct mapped *m)
{
	if (m->n_put++ % ROOM_EVERY == 0)
		m->room = memlimit_has_share(MEMLIMIT_STACKS, "mappings");
	return m->room && m->n_ranges < RANGES_MAX;
}

static void put(struct mapped *m, struct mapped_space *s, const struct map_event *ev)
{
	const uint32_t stack = stack_of(m, ev->stack);
	struct mapped_stack *st = &m->stacks.at[stack];

	st->mapped.bytes += ev->bytes;
	st->mapped.calls++;
	if (!has_room(m)) {
		m->unfollowed++;
		return;
	}
	st->live.bytes += ev->bytes;
	st->live.calls++;
	ranges_put(&s->ranges, (struct range){
		.from = ev->addr, .to = ev->addr + ev->bytes, .since_ns = ev->end_ns, .owner = owner_new(m, stack),
	});
	m->n_ranges++;
}

void mapped_event(struct mapped *m, const struct map_event *ev)
{
	struct mapped_space *s = space_of(m, ev, ev->bytes && ev->stack);
	bool known = false;

	/* Shared memory has a file, of a kind. */
	if (ev->keeps_old)
		known = s && ranges_any(&s->ranges, ev->old, ev->old + (ev->old_bytes ? ev->old_bytes : 1));
	else if (ev->old_bytes)
		known = take(m, s, ev->old, ev->old_bytes, ev->begin_ns) > 0;
	if (!ev->bytes || ev->bytes > UINT64_MAX - ev->addr)
		return;
	/* What was there is there no more. */
	take(m, s, ev->addr, ev->bytes, ev->end_ns);
	if (ev->anonymous == MAP_ANONYMOUS_YES || known)
		put(m, s, ev);
	else if (ev->anonymous == MAP_ANONYMOUS_UNKNOWN)
		m->unfollowed++;
}

static void on_ended(void *arg, const struct range *x)
{
	on_taken(arg, x->owner, x->to - x->from, -1);
}

/* The last one takes its place. */
static void drop_space(struct mapped *m, size_t i)
{
	struct mapped_space *s = m->spaces.at[i], *last = m->spaces.at[--m->spaces.n];

	ranges_each(&s->ranges, on_ended, m);
	u64map_remove(&m->space_of, s->id);
	if (last != s) {
		m->spaces.at[i] = last;
		*u64map_put(&m->space_of, last->id, NULL) = i;
	}
	space_free(s);
}

void mapped_end(struct mapped *m, const struct ended_process *ended, size_t n)
{
	struct u64map before = {0};

	for (size_t i = 0; i < n; i++)
		*u64map_put(&before, (uint64_t)ended[i].pid, NULL) = ended[i].before_ns;
	for (size_t i = m->spaces.n; i-- > 0;) {
		const uint64_t *ns = u64map_find(&before, m->spaces.at[i]->pid);

		if (ns && m->spaces.at[i]->since_ns < *ns)
			drop_space(m, i);
	}
	u64map_free(&before);
}

void mapped_each(struct mapped *m, bool delta,
		 void (*on_stack)(void *arg, uint64_t id, struct counters mapped, struct counters live), void *arg)
{
	for (size_t i = 0; i < m->stacks.n; i++) {
		struct mapped_stack *st = &m->stacks.at[i];

		on_stack(arg, st->id, delta ? counters_sub(st->mapped, st->last) : st->mapped, st->live);
		if (delta)
			st->last = st->mapped;
	}
}

uint64_t mapped_unfollowed(const struct mapped *m)
{
	return m->unfollowed;
}
