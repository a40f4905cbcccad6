/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the allocator functions of one file nest: which calls of one come from another, and are no events. */
#include <stdlib.h>

#include "probe/plan_internal.h"

#define HELPER_INSNS 300
#define EDGES_MAX 1024
/* The gap between neighbouring functions that is only padding. */
#define PADDING 64

bool plan_is_failure(const struct candidate *c, const struct flow_end *e)
{
	if (c->fn->frees)
		return (e->kind == FLOW_CONST || e->kind == FLOW_RETURNS) && e->arg[c->fn->old_arg].hi == 0;
	return e->kind == FLOW_CONST && (c->fn->out_arg == ALLOC_NO_ARG ? e->value == 0 : (uint32_t)e->value != 0);
}

static bool in_body(const struct candidate *c, uint64_t vaddr)
{
	return vaddr - c->sym.vaddr < c->body_size;
}

static bool is_handed_on(const struct planner *p, int id, const struct flow_end *e)
{
	return e->kind == FLOW_TAIL && p->c[e->id].same_as != id;
}

/*
 * A function that jumps to another probed one leaves no return address by which that one could tell. Where an
 * argument decides it (at most skip_max: jump; more: not), the call is the other one's event.
 */
void plan_find_tails(struct planner *p, int id)
{
	struct candidate *c = &p->c[id];
	const char *to = NULL;

	for (size_t i = 0; i < c->flow.ends.n; i++)
		if (is_handed_on(p, id, &c->flow.ends.at[i]))
			to = p->c[c->flow.ends.at[i].id].name;
	if (!to)
		return;
	for (uint8_t a = 0; a < SITE_MAX_ARGS; a++) {
		uint64_t jumps_to = 0, stays_from = UINT64_MAX;

		/* The old block or the alignment may decide it; that a size does is an accident of the paths found. */
		if (a == c->fn->size_arg || a == c->fn->count_arg)
			continue;
		for (size_t i = 0; i < c->flow.ends.n; i++) {
			const struct flow_end *e = &c->flow.ends.at[i];

			if (is_handed_on(p, id, e))
				jumps_to = e->arg[a].hi > jumps_to ? e->arg[a].hi : jumps_to;
			else if (!plan_is_failure(c, e))
				stays_from = e->arg[a].lo < stays_from ? e->arg[a].lo : stays_from;
		}
		if (jumps_to < stays_from) {
			c->skip_arg = a;
			c->skip_max = jumps_to;
			return;
		}
	}
	/* glibc's valloc shares memalign's code and so seems to reach malloc, but asks for whole pages. */
	if (!c->fn->page_aligned)
		c->overlap = to;
}

static void add_caller(struct planner *p, int callee, uint64_t lo, uint64_t hi)
{
	struct candidate *c = &p->c[p->c[callee].same_as];

	if (!p->c[callee].sym.name || !c->probed)
		return;
	for (size_t i = 0; i < c->callers.n; i++)
		if (lo >= c->callers.at[i].lo && hi <= c->callers.at[i].hi)
			return;
	vec_push(&c->callers, ((struct flow_range){lo, hi}));
}

/* The rows that a helper jumps to: such a call returns into whoever called the helper. */
static struct rows tails_of(struct planner *p, uint64_t helper)
{
	struct rows rows = {0};
	struct flow_result r;
	bool is_new;
	uint64_t *known = u64map_put(&p->helpers, helper, &is_new);

	if (!is_new)
		return p->tails.at[*known];
	*known = p->tails.n;
	flow_walk(p->ff, helper, HELPER_INSNS, &r);
	for (size_t i = 0; i < r.ends.n; i++)
		if (r.ends.at[i].kind == FLOW_TAIL)
			rows.bits[r.ends.at[i].id / 64] |= 1ull << r.ends.at[i].id % 64;
	flow_result_free(&r);
	vec_push(&p->tails, rows);
	return rows;
}

static void add_callee(struct planner *p, struct candidate *c, int id, uint64_t lo, uint64_t hi)
{
	c->nests = true;
	add_caller(p, id, lo, hi);
}

/* Everything in this file that this function calls, directly or through a helper that jumps there. */
void plan_find_callees(struct planner *p, int id)
{
	struct candidate *c = &p->c[id];
	struct site_edge *edges = xcalloc(EDGES_MAX, sizeof(*edges));
	uint64_t end = c->sym.vaddr + c->body_size;
	struct flow_result all;
	size_t n = site_edges(c->body, c->body_size, c->sym.vaddr, edges, EDGES_MAX);

	for (size_t i = 0; i < n && i < EDGES_MAX; i++) {
		int to;

		if (!edges[i].is_call)
			continue;
		to = edges[i].indirect ? flow_function_in_slot(p->ff, edges[i].target) :
					 flow_function_at(p->ff, edges[i].target);
		if (to >= 0)
			add_callee(p, c, to, c->sym.vaddr, end);
	}
	for (size_t i = 0; i < c->flow.helpers.n; i++) {
		struct rows rows = tails_of(p, c->flow.helpers.at[i]);

		for (int k = 0; k < p->n; k++)
			if (rows.bits[k / 64] & 1ull << k % 64)
				add_callee(p, c, k, c->sym.vaddr, end);
	}
	free(edges);
	/* Calls from a part that lies elsewhere (a .cold one): just their return addresses. */
	flow_walk_through(p->ff, c->sym.vaddr, WALK_INSNS, &all);
	for (size_t i = 0; i < all.ends.n; i++) {
		const struct flow_end *e = &all.ends.at[i];

		if (e->kind == FLOW_CALLS && !in_body(c, e->vaddr))
			add_callee(p, c, e->id, e->next, e->next + 1);
	}
	flow_result_free(&all);
}

/* A call of a function that is not probed itself but calls a probed one: whose event it is cannot be told. */
void plan_find_overlaps(struct planner *p, int id)
{
	struct candidate *c = &p->c[id];

	for (size_t i = 0; i < c->flow.ends.n; i++) {
		const struct flow_end *e = &c->flow.ends.at[i];
		const struct candidate *to;

		if (e->kind != FLOW_CALLS || !p->c[e->id].sym.name)
			continue;
		to = &p->c[p->c[e->id].same_as];
		if (to->forwards >= 0)
			c->overlap = to->name;
	}
}

static int by_address(const void *a, const void *b)
{
	const struct flow_range *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

bool plan_fill_callers(struct candidate *c, uint64_t ip, struct plan_probe *out)
{
	bool all = true;

	if (c->callers.n)
		qsort(c->callers.at, c->callers.n, sizeof(*c->callers.at), by_address);
	for (size_t i = 0; i < c->callers.n; i++) {
		int64_t from = (int64_t)(c->callers.at[i].lo - ip), to = (int64_t)(c->callers.at[i].hi - ip);

		if (from < INT32_MIN || to > INT32_MAX) {
			all = false;
		} else if (out->n_callers && from - out->callers[out->n_callers - 1].to <= PADDING) {
			if (to > out->callers[out->n_callers - 1].to)
				out->callers[out->n_callers - 1].to = (int32_t)to;
		} else if (out->n_callers < PLAN_MAX_CALLERS) {
			out->callers[out->n_callers].from = (int32_t)from;
			out->callers[out->n_callers++].to = (int32_t)to;
		} else {
			all = false;
		}
	}
	return all;
}
