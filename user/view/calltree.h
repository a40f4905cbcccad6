/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stacks of a recording merged by names, root first, as flame graphs draw them:
 *
 *     0 (all)
 *      └ 1 main                     self = 0, total = 512 + 64
 *         ├ 2 load
 *         │  └ 3 malloc             self = 512
 *         └ 4 parse
 *            └ 5 malloc             self = 64
 *
 * Below the root come the container and the program where there are several, the thread where they are told apart, and
 * how the stack was truncated; then functions, inlined ones like others; last the allocator function. Nodes are in
 * pre-order, those of one parent by name, so that equal data make equal trees: parent < node, and what is below a node
 * follows it.
 */
#ifndef ALLOCTRACE_VIEW_CALLTREE_H
#define ALLOCTRACE_VIEW_CALLTREE_H

#include "view/view.h"

enum calltree_kind {
	CALLTREE_FUNCTION,
	CALLTREE_ALLOCATOR,	/* "malloc" */
	CALLTREE_HEAD,		/* a container, a program, a thread */
	CALLTREE_MARK,		/* "[truncated: depth limit]" */
};

struct calltree_name {
	const char *text;	/* escaped (text_escape()), never empty */
	const char *module, *file;	/* basename, path; NULL: none, or they differ; live as long as the names */
	enum calltree_kind kind;
};

struct calltree_node {
	uint32_t parent, name;	/* of the root: 0, and none */
};

struct calltree {
	struct strpool texts;
	vec_of(struct calltree_name) names;	/* by text */
	vec_of(struct calltree_node) nodes;	/* 0 is the root */
	uint32_t *leaf;		/* by stack of the profile: its node; 0: the stack has nothing in `kinds` */
};

/* kinds: bit i: stacks with something of enum profile_kind i are in it. by_thread: threads are told apart, where the
 * recording does. *t is to be freed. */
void calltree_make(const struct recording *r, uint64_t kinds, bool by_thread, struct calltree *t);
void calltree_free(struct calltree *t);
/* By node: what its own stacks have. To be freed. */
uint64_t *calltree_self(const struct calltree *t, const struct profile *p, enum profile_kind kind, enum metric m);
/* Adds to each node what is below it: self becomes totals. */
void calltree_add_up(const struct calltree *t, uint64_t *values);
/* Heads of a stack, as they stand below the root: "docker:web", "nginx", "worker-4715"; each is appended to *out, ended
 * by a NUL. Returns how many. */
size_t calltree_heads(const struct profile *p, const struct profile_members *m, uint32_t task, bool by_thread,
		      struct buf *out);

#endif
