/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of a stack, and which of them is the site. */
#include "view/rows.h"

/* Of the frame, or of the next one further out that is not hidden. */
static void find_symbol(struct view_names *n)
{
	const struct profile *p = n->r->profile;

	for (n->sym = NULL; n->node; n->node = p->nodes.at[n->node].parent) {
		const struct profile_frame *f = &p->frames.at[p->nodes.at[n->node].frame];

		n->sym = names_frame(n->r->names, f);
		if (!n->sym->hidden)
			return;
		n->sym = NULL;
	}
}

void view_names_start(struct view_names *n, const struct recording *r, uint32_t node)
{
	*n = (struct view_names){.r = r, .node = node};
	find_symbol(n);
}

void view_names_next(struct view_names *n)
{
	n->sym = n->sym->into;
	if (n->sym)
		return;
	n->node = n->r->profile->nodes.at[n->node].parent;
	find_symbol(n);
}

/* Of a stack in which every function is hidden. */
static void find_hidden(struct view_names *n, uint32_t node)
{
	const struct profile *p = n->r->profile;
	const struct profile_frame *f = &p->frames.at[p->nodes.at[node].frame];

	n->sym = names_frame(n->r->names, f);
}

const struct symbol *view_site(const struct recording *r, uint32_t node, size_t *skipped)
{
	enum view_rank best = VIEW_FORWARDS, rank;
	const struct symbol *site = NULL;
	struct view_names n;
	size_t i = 0;

	*skipped = 0;
	for (view_names_start(&n, r, node); n.sym && best < VIEW_PROGRAM; view_names_next(&n), i++) {
		rank = view_rank(n.sym);
		if (site && rank <= best)
			continue;
		site = n.sym;
		best = rank;
		*skipped = i;
	}
	if (site)
		return site;
	find_hidden(&n, node);
	return n.sym;
}
