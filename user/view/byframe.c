/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Groupings whose key is a property of one frame: site, function, line, module. Where functions are inlined, a frame
 * has several names, and by function and line each has a row.
 *
 * Flat: each stack counts for the row of its site. Cumulative: each stack counts once for every row that one of its
 * frames belongs to, and that is a walk over the prefix tree, not over the stacks. With the sum of all stacks that pass
 * through a node known (children before parents), a row's cum is the sum over its topmost nodes, those with no node
 * of the same row above them:
 *
 *     main 10 ── f 10 ── g 10 ┬─ f 7   the row f is 10 + nothing: the f of 7 is below another f (recursion)
 *                             └─ h 3
 */
#include <stdlib.h>
#include <string.h>

#include "view/rows.h"

/* A name of a frame that has a row. */
struct name_row {
	uint32_t row;
	uint32_t position;	/* names of the frame that are further in */
	enum view_rank rank;
};

struct frame_rows {
	bool asked;
	uint32_t first, n;	/* in by_frame.names, innermost first */
};

struct by_frame {
	const struct profile *p;
	struct names *known;
	struct view_rows *rows;
	const struct view_frame_kind *kind;
	struct frame_rows *frames;	/* by frame */
	vec_of(struct name_row) names;
};

void view_key_in_module(const struct symbol *sym, const struct module *mod, const char *name, struct buf *key)
{
	/* The length keeps hostile paths from running into names. */
	buf_printf(key, "%zu:%s%s", strlen(mod->path), mod->path, name);
}

static void add_name(struct by_frame *b, const struct symbol *sym, const struct name_row *like, uint32_t module)
{
	const struct module *mod = modules_get(b->p->modules, module);
	struct buf key = {0}, name = {0};
	struct name_row n = *like;

	b->kind->name(sym, &name);
	b->kind->key(sym, mod, buf_cstr(&name), &key);
	n.row = view_rows_find(b->rows, buf_cstr(&key), buf_cstr(&name), module);
	if (b->kind->by_source)
		b->rows->extras.at[n.row].source = sym->file;
	vec_push(&b->names, n);
	buf_free(&key);
	buf_free(&name);
}

/* One name for the whole frame: what would be the site. */
static void add_frame(struct by_frame *b, const struct symbol *sym, uint32_t module)
{
	const struct symbol *site = sym;
	struct name_row n = {.rank = view_rank(sym)};
	uint32_t position = 1;

	for (sym = sym->into; sym && n.rank < VIEW_PROGRAM; sym = sym->into, position++) {
		const enum view_rank rank = view_rank(sym);

		if (rank <= n.rank)
			continue;
		site = sym;
		n.rank = rank;
		n.position = b->kind->is_frame ? position : 0;
	}
	add_name(b, site, &n, module);
}

static const struct frame_rows *rows_of_frame(struct by_frame *b, uint32_t frame)
{
	const struct profile_frame *f = &b->p->frames.at[frame];
	struct frame_rows *rows = &b->frames[frame];
	const struct symbol *sym;
	struct name_row n = {0};

	if (rows->asked)
		return rows;
	rows->asked = true;
	rows->first = b->names.n;
	sym = names_frame(b->known, f);
	if (!b->kind->each_name && !sym->hidden)
		add_frame(b, sym, f->module);
	for (; sym && !sym->hidden && b->kind->each_name; sym = sym->into, n.position++) {
		n.rank = view_rank(sym);
		add_name(b, sym, &n, f->module);
	}
	rows->n = b->names.n - rows->first;
	return rows;
}

static uint32_t row_of_stack(struct by_frame *b, const struct profile_stack *st)
{
	const char *frameless = view_frameless(st);
	const struct profile_node *nodes = b->p->nodes.at;
	enum view_rank rank = VIEW_FORWARDS;
	uint32_t row = VIEW_NO_ROW;

	if (frameless)
		return view_rows_find(b->rows, frameless, frameless, VIEW_NO_ROW);
	for (uint32_t at = st->node; at; at = nodes[at].parent) {
		const struct frame_rows *rows = rows_of_frame(b, nodes[at].frame);

		for (uint32_t i = rows->first; i < rows->first + rows->n; i++) {
			const struct name_row n = b->names.at[i];

			if (row == VIEW_NO_ROW || n.rank > rank) {
				row = n.row;
				rank = n.rank;
			}
			if (rank == VIEW_PROGRAM)
				return row;
		}
	}
	return row != VIEW_NO_ROW ? row : view_rows_find(b->rows, VIEW_NO_FRAMES, VIEW_NO_FRAMES, VIEW_NO_ROW);
}

struct node_sum {
	struct counters through;	/* of all stacks that pass through the node */
	uint64_t heaviest;		/* the metric of the heaviest of them */
	uint32_t stack;			/* which one that is */
	uint32_t child, sibling;	/* first child, next sibling; 0: none */
};

static void node_offer(const struct profile *p, struct node_sum *n, uint32_t stack, uint64_t weight)
{
	if (!counters_none(n->through) && !view_heavier(p, stack, weight, n->stack, n->heaviest))
		return;
	n->heaviest = weight;
	n->stack = stack;
}

static struct node_sum *sum_tree(struct by_frame *b)
{
	const struct profile *p = b->p;
	struct node_sum *sums = xcalloc(p->nodes.n, sizeof(*sums));

	for (size_t i = 0; i < p->stacks.n; i++) {
		const struct profile_stack *st = &p->stacks.at[i];
		struct node_sum *n = &sums[st->node];
		struct counters sum = profile_sum(p, b->rows->kind, i);
		uint64_t weight = counters_metric(sum, b->rows->metric);

		if (counters_none(sum))
			continue;
		if (view_frameless(st)) {
			view_rows_add_cum(b->rows, row_of_stack(b, st), i, weight, sum);
			continue;
		}
		node_offer(p, n, i, weight);
		n->through = counters_add(n->through, sum);
	}
	/* A node comes after its parent. */
	for (size_t i = p->nodes.n - 1; i > 0; i--) {
		struct node_sum *parent = &sums[p->nodes.at[i].parent];

		if (counters_none(sums[i].through))
			continue;
		node_offer(p, parent, sums[i].stack, sums[i].heaviest);
		parent->through = counters_add(parent->through, sums[i].through);
		sums[i].sibling = parent->child;
		parent->child = i;
	}
	return sums;
}

/* Which rows are open on the path from the root to the node that the walk is at. */
struct path {
	vec_of(uint32_t) open;	/* by row: how many nodes of it */
	uint32_t frames;	/* names that are the program's */
};

/* What is not the program's counts only where nothing of the program is known to call it. */
static bool counts(const struct path *path, const struct name_row *n)
{
	return n->rank == VIEW_PROGRAM || !path->frames;
}

static void enter(struct by_frame *b, struct path *path, const struct node_sum *sums, uint32_t node)
{
	const struct frame_rows *rows = rows_of_frame(b, b->p->nodes.at[node].frame);

	for (uint32_t i = rows->first + rows->n; i-- > rows->first;) {
		const struct name_row *n = &b->names.at[i];

		while (path->open.n <= n->row)
			vec_push(&path->open, 0);
		if (counts(path, n) && !path->open.at[n->row]++)
			view_rows_add_cum(b->rows, n->row, sums[node].stack, sums[node].heaviest, sums[node].through);
		path->frames += n->rank == VIEW_PROGRAM;
	}
}

/* enter() backwards. */
static void leave(struct by_frame *b, struct path *path, uint32_t node)
{
	const struct frame_rows *rows = rows_of_frame(b, b->p->nodes.at[node].frame);

	for (uint32_t i = rows->first; i < rows->first + rows->n; i++) {
		const struct name_row *n = &b->names.at[i];

		path->frames -= n->rank == VIEW_PROGRAM;
		if (counts(path, n))
			path->open.at[n->row]--;
	}
}

/* Depth first, without recursion: the way up is in the nodes. */
static void count_cum(struct by_frame *b)
{
	struct node_sum *sums = sum_tree(b);
	struct path path = {0};
	uint32_t node = sums[0].child;

	while (node) {
		enter(b, &path, sums, node);
		if (sums[node].child) {
			node = sums[node].child;
			continue;
		}
		while (node) {
			leave(b, &path, node);
			if (sums[node].sibling) {
				node = sums[node].sibling;
				break;
			}
			node = b->p->nodes.at[node].parent;
		}
	}
	vec_free(&path.open);
	free(sums);
}

static size_t count_names(struct by_frame *b, uint32_t frame)
{
	const struct profile_frame *f = &b->p->frames.at[frame];
	size_t n = 0;

	for (const struct symbol *sym = names_frame(b->known, f); sym && !sym->hidden; sym = sym->into)
		n++;
	return n;
}

/* The names of the stack that the row's chain leaves out: to the innermost one of the row (for a module, before it). */
static size_t chain_skip(struct by_frame *b, uint32_t node, uint32_t row)
{
	size_t skip = 0;

	for (uint32_t at = node; at; at = b->p->nodes.at[at].parent) {
		uint32_t frame = b->p->nodes.at[at].frame;
		const struct frame_rows *rows = rows_of_frame(b, frame);

		for (uint32_t i = rows->first; i < rows->first + rows->n; i++)
			if (b->names.at[i].row == row)
				return skip + b->names.at[i].position + b->kind->is_frame;
		skip += count_names(b, frame);
	}
	return skip;
}

static void set_chains(struct by_frame *b)
{
	for (size_t i = 0; i < b->rows->rows.n; i++) {
		struct view_row *row = &b->rows->rows.at[i];
		const struct profile_stack *st = &b->p->stacks.at[row->stack];

		if (b->rows->extras.at[i].has_stack && !view_frameless(st))
			row->chain_skip = chain_skip(b, st->node, i);
	}
}

void view_group_by_frame(const struct recording *r, struct view_rows *rows,
			 const struct view_frame_kind *kind)
{
	const struct profile *p = r->profile;
	struct by_frame b = {.p = p, .known = r->names, .rows = rows, .kind = kind};

	b.frames = xcalloc(p->frames.n + 1, sizeof(*b.frames));
	for (size_t i = 0; i < p->stacks.n; i++)
		if (view_takes(p, rows, i))
			view_rows_add(rows, row_of_stack(&b, &p->stacks.at[i]), i, profile_sum(p, rows->kind, i));
	if (rows->by_cum)
		count_cum(&b);
	set_chains(&b);
	free(b.frames);
	vec_free(&b.names);
}
