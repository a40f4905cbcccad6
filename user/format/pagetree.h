/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside format/: the tree of names that an HTML report draws, as columns of varints (page.js reads them).
 *
 * A node is a function below its caller, inlined ones like others; what shares all names shares the node, whatever its
 * addresses are. Nodes are in pre-order, children by name. Stacks are in the order of their nodes, one for each that
 * differs in what the page tells apart: task, allocator function, type.
 *
 *     main 0 ── f 1 ┬─ g 2        name   0 1 2 3
 *                   └─ h 3        pops   0 0 0 1      how many nodes end before this one
 */
#ifndef ALLOCTRACE_FORMAT_PAGETREE_H
#define ALLOCTRACE_FORMAT_PAGETREE_H

#include "format/render.h"

enum page_kind {
	PAGE_FUNCTION,
	PAGE_MARK,	/* a container, a program, "[truncated: depth limit]": no row of the table */
	PAGE_FRAMELESS,	/* stands for the site of stacks without frames */
};

#define PAGE_NO_MODULE UINT32_MAX

struct page_function {
	const char *name;	/* escaped; of page_tree.keys or of its own */
	uint32_t module;	/* in page_tree.modules, or PAGE_NO_MODULE */
	enum page_kind kind;
};

struct page_node {	/* 0 is the root, and its own parent; for others parent < node */
	uint32_t parent, function;
};

struct page_stack {
	bool base;		/* of the recording that it is compared with */
	uint32_t node;		/* its place in pre-order */
	uint32_t task, allocator, type;
	uint32_t skip;		/* nodes from the stack's own up to its site */
	uint32_t stack;		/* of the profile */
};

struct page_names {	/* of a frame */
	bool asked;
	uint32_t first, n;	/* in page_tree.frame_functions, outermost first */
};

struct page_side {	/* a recording */
	const struct recording *r;
	struct page_names *of_frame;
	struct profile_members members;
};

struct page_tree {
	const struct recording *r, *base;	/* base: what r is compared with, NULL: nothing */
	struct page_side sides[2];	/* of r, of base */
	uint32_t views;			/* VIEW_BIT()s of those that are written, each with its stacks */
	struct strpool keys;		/* of functions; a key's id is its function until they are sorted */
	vec_of(struct page_function) functions;	/* sorted by name at the end */
	struct strpool modules, tasks, allocators, types;	/* escaped */
	vec_of(struct page_node) nodes;
	uint32_t *pre_order, *place;	/* nodes in pre-order; of each node, its place there */
	vec_of(struct page_stack) stacks;
	size_t n_groups;		/* stacks that the page tells apart */
	vec_of(uint32_t) frame_functions;
};

/*
 * Gathers those stacks of r that have something in one of the views. *t is to be freed. base: likewise, into the same
 * tree; builds lie elsewhere and runs have other numbers, so that modules go by their files' names alone, and threads
 * without their ids. NULL: there is none.
 */
void page_tree_make(struct page_tree *t, const struct recording *r, const struct recording *base, uint32_t views);
void page_tree_free(struct page_tree *t);
/* Whether counters of a view are estimates with errors of their own. */
bool page_tree_has_errors(const struct page_tree *t, enum view_id view);
/* How many earlier readings of a view are known; none in a comparison. */
size_t page_tree_past(const struct page_tree *t, enum view_id view);
/*
 * Appends the columns: of nodes (without the root) function, pops; of stacks the difference of node to the one before,
 * task, allocator, type, skip; of each view the stacks' bytes, calls, and, where it has errors, their variances as
 * 8 * log2(1 + variance), rounded; of a comparison, the same again of the base; then page_tree_past() columns of bytes
 * that were live at earlier reports, the earliest first.
 */
void page_tree_put(const struct page_tree *t, struct buf *out);
/* Appends n as varint: 7 bits a byte, the least first, the highest bit set in all but the last. */
void page_put_varint(struct buf *out, uint64_t n);

#endif
