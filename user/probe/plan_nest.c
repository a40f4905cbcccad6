/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the allocator functions of one file nest: which calls of one may be a part of another, and are no events. */
#include "probe/plan_internal.h"

bool plan_is_failure(const struct candidate *c, const struct flow_end *e)
{
	if (c->fn->frees)
		return (e->kind == FLOW_CONST || e->kind == FLOW_RETURNS) && e->arg[c->fn->old_arg].hi == 0;
	return e->kind == FLOW_CONST && (c->fn->out_arg == ALLOC_NO_ARG ? e->value == 0 : (uint32_t)e->value != 0);
}

static bool passes_arg(const struct flow_end *e, int reg, int arg)
{
	const struct flow_passed *p = &e->passed[reg];

	if (p->kind == FLOW_PASSES_ARG)
		return p->a == arg;
	/* A constant where the argument can be nothing else; an allocator takes 0 bytes for 1. */
	return p->kind == FLOW_PASSES_CONST && e->arg[arg].lo == e->arg[arg].hi &&
	       (p->value == e->arg[arg].hi || (p->value == 1 && !e->arg[arg].hi));
}

static bool passes_one(const struct flow_end *e, int reg)
{
	return e->passed[reg].kind == FLOW_PASSES_CONST && e->passed[reg].value == 1;
}

static bool passes_product(const struct flow_end *e, int reg, int a, int b)
{
	const struct flow_passed *p = &e->passed[reg];

	return p->kind == FLOW_PASSES_PRODUCT && ((p->a == a && p->b == b) || (p->a == b && p->b == a));
}

static bool passes_bytes(const struct alloc_function *fn, const struct alloc_function *to, const struct flow_end *e)
{
	const int size = to->size_arg, count = to->count_arg;

	if (fn->count_arg == ALLOC_NO_ARG && count == ALLOC_NO_ARG)
		return passes_arg(e, size, fn->size_arg);
	if (fn->count_arg == ALLOC_NO_ARG)
		return (passes_arg(e, size, fn->size_arg) && passes_one(e, count)) ||
		       (passes_arg(e, count, fn->size_arg) && passes_one(e, size));
	if (count == ALLOC_NO_ARG)
		return passes_product(e, size, fn->size_arg, fn->count_arg);
	return (passes_arg(e, size, fn->size_arg) && passes_arg(e, count, fn->count_arg)) ||
	       (passes_arg(e, count, fn->size_arg) && passes_arg(e, size, fn->count_arg));
}

bool plan_hands_on(const struct planner *p, int id, const struct flow_end *e)
{
	const struct alloc_function *fn = p->c[id].fn, *to = p->c[e->id].fn;

	if (fn->old_arg != ALLOC_NO_ARG && to->old_arg != ALLOC_NO_ARG && !passes_arg(e, to->old_arg, fn->old_arg))
		return false;
	if (fn->frees || to->frees)
		return fn->frees && to->frees;
	return passes_bytes(fn, to, e);
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
	bool any = false;

	for (size_t i = 0; i < c->flow.ends.n; i++)
		any |= is_handed_on(p, id, &c->flow.ends.at[i]);
	if (!any)
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
}

static void add_body(struct plan_probe *out, uint64_t lo, uint64_t hi, uint64_t ip)
{
	const int64_t from = (int64_t)(lo - ip), to = (int64_t)(hi - ip);

	if (from < INT32_MIN || to > INT32_MAX || out->n_bodies == PLAN_MAX_BODIES) {
		out->jumps = true;
		return;
	}
	out->bodies[out->n_bodies].from = (int32_t)from;
	out->bodies[out->n_bodies++].to = (int32_t)to;
}

void plan_fill_nest(const struct candidate *c, uint64_t ip, struct plan_probe *out)
{
	const struct reach_result *r = &c->reach;

	out->jumps = r->jumps_out || (r->jumps_known && c->skip_arg == SITE_NO_REG);
	out->outer = r->calls_out || out->jumps;
	if (!out->outer)
		return;
	add_body(out, c->sym.vaddr, c->sym.vaddr + c->body_size, ip);
	for (size_t i = 0; i < r->parts.n; i++)
		if (r->parts.at[i].lo - c->sym.vaddr >= c->body_size)
			add_body(out, r->parts.at[i].lo, r->parts.at[i].hi, ip);
}
