/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a function that has an allocator's name only nearly, or only for its own file, is one. It takes as many
 * arguments as the function whose name it has: of one that takes more, which is the size is not known. And one that has
 * a prefix does the work itself: where it passes its calls on to malloc, as xmalloc does, or through a pointer that
 * the program may set, they are counted there.
 */
#include <string.h>

#include "probe/args.h"
#include "probe/flow_code.h"
#include "probe/plan_internal.h"

#define PASS_DEPTH 2
#define PASS_INSNS 400
#define PASS_WALKS 40	/* functions that are looked at for one answer */

static const char is_wrapper[] = "forwards its calls, which are counted at their destination";

/* Those that take a size of the block, an alignment or flags as well take at most three. */
static int most_args(const struct alloc_function *fn)
{
	const int8_t used[] = {fn->size_arg, fn->count_arg, fn->old_arg, fn->out_arg};
	int n = 0;

	if (strlen(fn->name) > 5 && (fn->frees || fn->name[strlen(fn->name) - 1] == 'x'))
		return 3;
	for (size_t i = 0; i < sizeof(used); i++)
		if (used[i] + 1 > n)
			n = used[i] + 1;
	return n;
}

static bool takes_more(struct planner *p, const struct candidate *c)
{
	return args_read(p->prove, c->sym.vaddr) >> most_args(c->fn);
}

/* The functions without a prefix, whether this file has them or another one. */
static void open_known(struct planner *p)
{
	if (p->prove)
		return;
	p->prove = flow_open(p->ef, p->imports);
	for (int i = 0; i < p->n; i++)
		if (!p->c[i].prefix && !p->c[i].fn->named)
			flow_add_function(p->prove, i, p->c[i].name, p->c[i].sym.name ? p->c[i].sym.vaddr : 0);
}

/* The path ends in a jump through a register or a pointer. */
static bool jumps_away(struct planner *p, const struct flow_end *e)
{
	struct insn in;
	uint64_t to;

	return (e->kind == FLOW_LOST || e->kind == FLOW_RETURNS) && flow_decode(p->prove, e->vaddr, &in) &&
	       in.class == INSN_JUMP && !insn_is_jump(&in, &to);
}

/* Every way through the function that does not fail leads to a known one, or to one of which the same is so. */
static bool passes_on(struct planner *p, const struct candidate *c, uint64_t vaddr, int depth, int *left)
{
	bool known = false, own = false, away = false, yes;
	struct flow_result r;

	if (--*left < 0)
		return false;
	flow_walk(p->prove, vaddr, PASS_INSNS, &r);
	for (size_t i = 0; i < r.ends.n; i++) {
		const struct flow_end *e = &r.ends.at[i];

		away |= jumps_away(p, e);
		if (e->kind == FLOW_CALLS || e->kind == FLOW_TAIL)
			known = true;
		else if (!plan_is_failure(c, e))
			own = true;
	}
	yes = (known && !own) || r.indirect || away;
	for (size_t i = 0; i < r.helpers.n && !yes && depth > 0; i++)
		yes = passes_on(p, c, r.helpers.at[i], depth - 1, left);
	flow_result_free(&r);
	return yes;
}

static const struct candidate *find_in_family(const struct planner *p, int prefix, const char *row)
{
	for (int i = 0; i < p->n; i++)
		if (p->c[i].heads == prefix && !strcmp(row, "malloc"))
			return &p->c[i];
	for (int i = 0; i < p->n; i++)
		if (p->c[i].prefix == prefix && p->c[i].sym.name && !strcmp(p->c[i].fn->name, row))
			return &p->c[i];
	return NULL;
}

/* Of the family as a whole, its malloc tells. NULL: it is an allocator's. */
static const char *doubt_family(struct planner *p, int prefix)
{
	const struct candidate *c = find_in_family(p, prefix, "malloc");
	int left = PASS_WALKS;

	if (!c || takes_more(p, c))
		return "takes more arguments than malloc; use --alloc-fn to say which is the size";
	/* No other has this one, and what jemalloc calls through pointers are hooks. */
	if (find_in_family(p, prefix, "mallocx"))
		return NULL;
	return passes_on(p, c, c->sym.vaddr, PASS_DEPTH, &left) ? is_wrapper : NULL;
}

const char *plan_doubt(struct planner *p, int id)
{
	const struct candidate *c = &p->c[id];

	if (!c->prefix && !p->local_family)
		return "local symbol: another function of that name";
	open_known(p);
	if (c->prefix) {
		bool is_new;
		uint64_t *known = u64map_put(&p->families, (uint64_t)c->prefix, &is_new);

		if (is_new)
			*known = (uintptr_t)doubt_family(p, c->prefix);
		if (*known)
			return (const char *)(uintptr_t)*known;
	}
	return takes_more(p, c) ? "takes more arguments than the function whose name it has" : NULL;
}
