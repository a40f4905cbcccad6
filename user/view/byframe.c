/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Groupings whose key is a property of one frame: site, function, module.
 *
 * Flat: each stack counts for the row of its site. Cumulative: each stack counts once for every row that one of its
 * frames belongs to, and that is a walk over the prefix tree, not over the stacks. With the sum of all stacks that pass
 * through a node known (children before parents), a row's cum is the sum over its topmost nodes, those with no node
 * of the same row above them:
 *
 *     main 10 ── f 10 ── g 10 ┬─ f 7      the row f is 10 + nothing: the f of 7 is below another f (recursion)
 *                             └─ h 3
 */
#include <stdlib.h>
#include <string.h>

#include "view/rows.h"

struct by_frame {
	const struct profile *p;
	struct symbolizer *s;
	struct view_rows *rows;
	void (*name)(const struct symbol *sym, struct buf *out);
	uint32_t *row_of;	/* by frame; VIEW_NO_ROW: not asked for yet */
	enum { NOT_ASKED, IS_NEW, IS_NOT_NEW } *operator_new;	/* by frame */
};

static uint32_t row_of_frame(struct by_frame *b, uint32_t frame)
{
	const struct profile_frame *f = &b->p->frames.at[frame];
	struct buf key = {0}, name = {0};
	const char *path;

	if (b->row_of[frame] != VIEW_NO_ROW)
		return b->row_of[frame];
	b->name(symbolize(b->s, f->module, f->addr), &name);
	/* The file belongs to the key: functions of the same name in two libraries are two rows. The length keeps
	 * hostile paths from running into names. */
	path = modules_get(b->p->modules, f->module)->path;
	buf_printf(&key, "%zu:%s%s", strlen(path), path, buf_cstr(&name));
	b->row_of[frame] = view_rows_find(b->rows, key.data, buf_cstr(&name), f->module);
	buf_free(&key);
	buf_free(&name);
	return b->row_of[frame];
}

static bool is_operator_new(struct by_frame *b, uint32_t frame)
{
	const struct profile_frame *f = &b->p->frames.at[frame];

	if (b->operator_new[frame] == NOT_ASKED)
		b->operator_new[frame] = view_is_operator_new(b->s, f->module, f->addr) ? IS_NEW : IS_NOT_NEW;
	return b->operator_new[frame] == IS_NEW;
}

/* As view_site_node(), remembering what is operator new. */
static uint32_t site_frame(struct by_frame *b, uint32_t node)
{
	const struct profile_node *nodes = b->p->nodes.at;

	for (uint32_t at = node; at; at = nodes[at].parent)
		if (!is_operator_new(b, nodes[at].frame))
			return nodes[at].frame;
	return nodes[node].frame;
}

static uint32_t row_of_stack(struct by_frame *b, const struct profile_stack *st)
{
	const char *frameless = view_frameless(st);

	if (frameless)
		return view_rows_find(b->rows, frameless, frameless, VIEW_NO_ROW);
	return row_of_frame(b, site_frame(b, st->node));
}

struct node_sum {
	struct counters through;	/* of all stacks that pass through the node */
	uint64_t heaviest;		/* the metric of the heaviest of them */
	uint32_t stack;			/* which one that is */
	uint32_t child, sibling;	/* first child, next sibling; 0: none */
};

static void node_offer(struct node_sum *n, uint32_t stack, uint64_t weight)
{
	if (!counters_none(n->through) && weight <= n->heaviest)
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
		uint64_t weight = counters_metric(st->sum, b->rows->metric);

		if (counters_none(st->sum))
			continue;
		if (view_frameless(st)) {
			view_rows_add_cum(b->rows, row_of_stack(b, st), i, weight, st->sum);
			continue;
		}
		node_offer(n, i, weight);
		n->through = counters_add(n->through, st->sum);
	}
	/* A node comes after its parent. */
	for (size_t i = p->nodes.n - 1; i > 0; i--) {
		struct node_sum *parent = &sums[p->nodes.at[i].parent];

		if (counters_none(sums[i].through))
			continue;
		node_offer(parent, sums[i].stack, sums[i].heaviest);
		parent->through = counters_add(parent->through, sums[i].through);
		sums[i].sibling = parent->child;
		parent->child = i;
	}
	return sums;
}

/* Which rows are open on the path from the root to the node that the walk is at. */
struct path {
	vec_of(uint32_t) open;	/* by row: how many nodes of it */
	uint32_t frames;	/* nodes that aren't operator new */
};

/* The row that the node counts for, or VIEW_NO_ROW: operator new counts only where nothing is known to call it. */
static uint32_t row_of_node(struct by_frame *b, const struct path *path, uint32_t node)
{
	uint32_t frame = b->p->nodes.at[node].frame;

	return is_operator_new(b, frame) && path->frames ? VIEW_NO_ROW : row_of_frame(b, frame);
}

static void enter(struct by_frame *b, struct path *path, const struct node_sum *sums, uint32_t node)
{
	uint32_t row = row_of_node(b, path, node);

	path->frames += !is_operator_new(b, b->p->nodes.at[node].frame);
	if (row == VIEW_NO_ROW)
		return;
	while (path->open.n <= row)
		vec_push(&path->open, 0);
	if (!path->open.at[row]++)
		view_rows_add_cum(b->rows, row, sums[node].stack, sums[node].heaviest, sums[node].through);
}

static void leave(struct by_frame *b, struct path *path, uint32_t node)
{
	uint32_t row;

	path->frames -= !is_operator_new(b, b->p->nodes.at[node].frame);
	row = row_of_node(b, path, node);
	if (row != VIEW_NO_ROW)
		path->open.at[row]--;
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

/* The chain of a row starts after the innermost frame of the row; a module's with that frame. */
static void set_chains(struct by_frame *b, bool is_frame)
{
	for (size_t i = 0; i < b->rows->rows.n; i++) {
		struct view_row *row = &b->rows->rows.at[i];
		const struct profile_stack *st;
		uint32_t skip = 0;

		if (!b->rows->extras.at[i].has_stack)
			continue;
		st = &b->p->stacks.at[row->stack];
		if (view_frameless(st))
			continue;
		for (uint32_t at = st->node; at; at = b->p->nodes.at[at].parent, skip++)
			if (b->row_of[b->p->nodes.at[at].frame] == i)
				break;
		row->chain_skip = skip + is_frame;
	}
}

void view_group_by_frame(const struct profile *p, struct symbolizer *s, struct view_rows *rows, bool is_frame,
			 void (*name)(const struct symbol *sym, struct buf *out))
{
	struct by_frame b = {.p = p, .s = s, .rows = rows, .name = name};

	b.row_of = xrealloc_array(NULL, p->frames.n + 1, sizeof(*b.row_of));
	b.operator_new = xcalloc(p->frames.n + 1, sizeof(*b.operator_new));
	for (size_t i = 0; i < p->frames.n; i++)
		b.row_of[i] = VIEW_NO_ROW;
	for (size_t i = 0; i < p->stacks.n; i++) {
		const struct profile_stack *st = &p->stacks.at[i];

		if (!counters_none(st->sum))
			view_rows_add(rows, row_of_stack(&b, st), i, st->sum);
	}
	if (rows->by_cum)
		count_cum(&b);
	set_chains(&b, is_frame);
	free(b.row_of);
	free(b.operator_new);
}
