/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Folded stacks, as flamegraph.pl and speedscope read them, root first, in the order of LC_ALL=C sort, no line twice:
 *
 *     redis-server;_start;main;aeMain;readQueryFromClient;sdsnewlen;malloc 1342177280
 *
 * Where there are several programs, or containers: docker:web;nginx;main;… — what is in no container has no such frame.
 *
 * A reader takes the last number after the last space, and frames between semicolons; so a name may have spaces, and a
 * semicolon in it becomes a colon.
 *
 * 150,000 lines of 39 names would be over 100 MB, so the lines are never all there: each name is kept once, with its
 * separator ("main;", "malloc "), and has its rank among all names. A semicolon is only at a name's end, so lines
 * compare as their ranks do, name by name, and that is read from a tree of names: the profile's, with a frame that
 * inlined functions share as several nodes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "format/render.h"
#include "view/calltree.h"

/* At most: container, program, thread. */
#define HEADS 3

struct entry {	/* what is one line */
	uint32_t heads[HEADS];	/* ranks of "docker:web;", "nginx;", "worker-4711;": of what there is */
	uint32_t n_heads;
	uint32_t mark;		/* rank of "[truncated: …];", NO_RANK */
	uint32_t name;		/* the innermost one, in folded.tree */
	uint32_t function;	/* rank of "malloc " */
	uint64_t value;
};

#define NO_RANK UINT32_MAX

struct name_node {	/* 0 is the root, and its own parent; for others parent < node */
	uint32_t parent;
	uint32_t name;	/* id in names, later its rank */
	uint32_t depth;	/* names down to it */
};

struct frame_names {
	bool asked;
	uint32_t first, n;	/* in folded.frame_ids, outermost first */
};

struct folded {
	const struct profile *p;
	const struct recording *r;
	const struct report_options *o;
	enum profile_kind kind;
	struct profile_members members;
	struct strpool names;
	struct frame_names *of_frame;
	vec_of(uint32_t) frame_ids;
	uint32_t *of_node;	/* by node of the profile: its innermost name in tree; 0: not needed */
	vec_of(struct name_node) tree;
	const char **by_rank;
	vec_of(struct entry) entries;
	uint32_t *left, *right;	/* two lines as ranks, for comparisons that the tree can't answer */
	struct buf text, name;
};

/* The id of a name as it is printed, with what follows it. */
static uint32_t name_id(struct folded *fo, const char *name, char separator)
{
	buf_reset(&fo->name);
	text_escape(&fo->name, name, strlen(name));
	for (size_t i = 0; i < fo->name.len; i++)
		if (fo->name.data[i] == ';')
			fo->name.data[i] = ':';
	if (!fo->name.len)
		buf_str(&fo->name, "[no name]");
	buf_char(&fo->name, separator);
	return strpool_id(&fo->names, fo->name.data);
}

static void put_heads(struct folded *fo, uint32_t task, struct entry *e)
{
	const char *head;

	buf_reset(&fo->text);
	e->n_heads = calltree_heads(fo->p, &fo->members, task, view_both(fo->o->by, fo->o->then).by_thread, &fo->text);
	head = fo->text.data;
	for (uint32_t i = 0; i < e->n_heads; i++, head += strlen(head) + 1)
		e->heads[i] = name_id(fo, head, ';');
}

static const struct frame_names *name_frame(struct folded *fo, uint32_t id)
{
	const struct profile_frame *f = &fo->p->frames.at[id];
	struct frame_names *names = &fo->of_frame[id];
	const struct symbol *sym;

	if (names->asked)
		return names;
	names->asked = true;
	names->first = fo->frame_ids.n;
	for (sym = names_frame(fo->r->names, f); sym && !sym->hidden; sym = sym->into) {
		buf_reset(&fo->text);
		symbol_text(sym, &fo->text);
		vec_push(&fo->frame_ids, name_id(fo, buf_cstr(&fo->text), ';'));
	}
	names->n = fo->frame_ids.n - names->first;
	if (!names->n)
		return names;
	for (uint32_t *low = fo->frame_ids.at + names->first, *high = low + names->n - 1; low < high; low++, high--) {
		uint32_t swap = *low;

		*low = *high;
		*high = swap;
	}
	return names;
}

#define NEEDED UINT32_MAX

/* The tree of names of the nodes that are marked as needed. */
static void grow_tree(struct folded *fo)
{
	vec_push(&fo->tree, ((struct name_node){0}));
	for (size_t i = 1; i < fo->p->nodes.n; i++) {
		const struct profile_node *node = &fo->p->nodes.at[i];
		uint32_t at = fo->of_node[node->parent];
		const struct frame_names *names;

		if (fo->of_node[i] != NEEDED)
			continue;
		names = name_frame(fo, node->frame);
		for (uint32_t k = names->first; k < names->first + names->n; k++) {
			struct name_node name = {at, fo->frame_ids.at[k], fo->tree.at[at].depth + 1};

			at = (uint32_t)fo->tree.n;
			vec_push(&fo->tree, name);
		}
		fo->of_node[i] = at;
	}
}

static const char *function_name(const struct profile *p, uint16_t function)
{
	return function < p->n_functions ? p->function_names[function] : "[unknown function]";
}

static void gather(struct folded *fo)
{
	const struct profile *p = fo->p;

	fo->of_frame = xcalloc(p->frames.n + 1, sizeof(*fo->of_frame));
	fo->of_node = xcalloc(p->nodes.n + 1, sizeof(*fo->of_node));
	for (size_t i = 0; i < p->stacks.n; i++) {
		const struct profile_stack *st = &p->stacks.at[i];
		const char *mark = stack_end_mark(st->end);
		bool lost = st->end == STACK_END_LOST;
		struct entry e = {.value = counters_metric(profile_sum(p, fo->kind, i), fo->o->metric)};

		if (!e.value)
			continue;
		put_heads(fo, st->task, &e);
		/* "[stack not delivered]" stands for the whole stack, the allocator function included. */
		e.mark = mark && !lost ? name_id(fo, mark, ';') : NO_RANK;
		e.name = lost ? 0 : st->node;
		e.function = name_id(fo, lost ? mark : function_name(p, st->function), ' ');
		for (uint32_t node = e.name; node && !fo->of_node[node]; node = p->nodes.at[node].parent)
			fo->of_node[node] = NEEDED;
		vec_push(&fo->entries, e);
	}
	grow_tree(fo);
	for (size_t i = 0; i < fo->entries.n; i++)
		fo->entries.at[i].name = fo->of_node[fo->entries.at[i].name];
}

static int compare_ids(const void *a, const void *b, void *arg)
{
	const struct strpool *names = arg;

	return strcmp(names->strings[*(const uint32_t *)a], names->strings[*(const uint32_t *)b]);
}

static void to_rank(const uint32_t *rank_of, uint32_t *id)
{
	if (*id != NO_RANK)
		*id = rank_of[*id];
}

/* Replaces each name's id by its place in the alphabet. */
static void rank_names(struct folded *fo)
{
	size_t n = fo->names.n;
	uint32_t *order = xrealloc_array(NULL, n + 1, sizeof(*order));
	uint32_t *rank_of = xrealloc_array(NULL, n + 1, sizeof(*rank_of));

	for (size_t i = 0; i < n; i++)
		order[i] = i;
	qsort_r(order, n, sizeof(*order), compare_ids, &fo->names);
	fo->by_rank = xrealloc_array(NULL, n + 1, sizeof(*fo->by_rank));
	for (size_t i = 0; i < n; i++) {
		fo->by_rank[i] = fo->names.strings[order[i]];
		rank_of[order[i]] = i;
	}
	for (size_t i = 1; i < fo->tree.n; i++)
		to_rank(rank_of, &fo->tree.at[i].name);
	for (size_t i = 0; i < fo->entries.n; i++) {
		for (uint32_t k = 0; k < fo->entries.at[i].n_heads; k++)
			to_rank(rank_of, &fo->entries.at[i].heads[k]);
		to_rank(rank_of, &fo->entries.at[i].mark);
		to_rank(rank_of, &fo->entries.at[i].function);
	}
	free(order);
	free(rank_of);
}

static void make_room(struct folded *fo)
{
	size_t deepest = 0;

	for (size_t i = 1; i < fo->tree.n; i++)
		deepest = fo->tree.at[i].depth > deepest ? fo->tree.at[i].depth : deepest;
	fo->left = xrealloc_array(NULL, deepest + HEADS + 2, sizeof(*fo->left));
	fo->right = xrealloc_array(NULL, deepest + HEADS + 2, sizeof(*fo->right));
}

/* Writes the line's names as ranks; how many they are. */
static size_t spell(const struct folded *fo, const struct entry *e, uint32_t *ranks)
{
	size_t n = 0;

	for (uint32_t i = 0; i < e->n_heads; i++)
		ranks[n++] = e->heads[i];
	if (e->mark != NO_RANK)
		ranks[n++] = e->mark;
	n += fo->tree.at[e->name].depth;
	for (uint32_t at = e->name, i = n; at; at = fo->tree.at[at].parent)
		ranks[--i] = fo->tree.at[at].name;
	ranks[n++] = e->function;
	return n;
}

static int compare_spelled(const struct folded *fo, const struct entry *a, const struct entry *b)
{
	size_t na = spell(fo, a, fo->left), nb = spell(fo, b, fo->right);

	for (size_t i = 0; i < na && i < nb; i++)
		if (fo->left[i] != fo->right[i])
			return fo->left[i] < fo->right[i] ? -1 : 1;
	return na < nb ? -1 : na > nb;
}

/* Up from both names to where they meet; the difference seen last is the outermost, which decides. */
static int compare_paths(const struct folded *fo, const struct entry *a, const struct entry *b)
{
	const struct name_node *tree = fo->tree.at;
	uint32_t x = a->name, y = b->name, rx = a->function, ry = b->function;

	for (; tree[x].depth > tree[y].depth; x = tree[x].parent)
		rx = tree[x].name;
	for (; tree[y].depth > tree[x].depth; y = tree[y].parent)
		ry = tree[y].name;
	for (; x != y; x = tree[x].parent, y = tree[y].parent) {
		if (tree[x].name != tree[y].name) {
			rx = tree[x].name;
			ry = tree[y].name;
		}
	}
	return rx < ry ? -1 : rx > ry;
}

static int compare_entries(const void *a, const void *b, void *arg)
{
	const struct entry *x = a, *y = b;

	for (uint32_t i = 0; i < x->n_heads && i < y->n_heads; i++)
		if (x->heads[i] != y->heads[i])
			return x->heads[i] < y->heads[i] ? -1 : 1;
	return x->n_heads == y->n_heads && x->mark == y->mark ? compare_paths(arg, x, y) : compare_spelled(arg, x, y);
}

/* Goes through the lines in their order: "main;malloc " and its value. */
struct lines {
	struct folded *fo;
	size_t next;		/* entry */
	struct buf text;
	uint64_t value;
	bool end;
};

static void next_line(struct lines *l)
{
	struct folded *fo = l->fo;
	const struct entry *e;
	size_t n;

	l->end = l->next >= fo->entries.n;
	if (l->end)
		return;
	e = &fo->entries.at[l->next];
	l->value = e->value;
	/* The same names at different addresses, or in several processes: one line. */
	for (l->next++; l->next < fo->entries.n && !compare_entries(e, &fo->entries.at[l->next], fo); l->next++)
		l->value += fo->entries.at[l->next].value;
	buf_reset(&l->text);
	n = spell(fo, e, fo->left);
	for (size_t k = 0; k < n; k++)
		buf_str(&l->text, fo->by_rank[fo->left[k]]);
}

static int write_lines(FILE *f, struct folded *fo)
{
	struct lines l = {.fo = fo};
	struct buf out = {0};
	int err = 0;

	for (next_line(&l); !l.end && !err; next_line(&l)) {
		buf_add(&out, l.text.data, l.text.len);
		buf_printf(&out, "%llu\n", (unsigned long long)l.value);
		if (out.len > 65536)
			err = render_flush(f, &out);
	}
	if (!err)
		err = render_flush(f, &out);
	buf_free(&l.text);
	buf_free(&out);
	return err;
}

/* Two numbers a line, before and after, as flamegraph.pl reads them for differences: of lines that are in one alone, 0
 * for the other. */
static int write_two(FILE *f, struct folded *before, struct folded *after)
{
	struct lines a = {.fo = before}, b = {.fo = after};
	struct buf out = {0};
	int err = 0;

	next_line(&a);
	next_line(&b);
	while ((!a.end || !b.end) && !err) {
		const int order = a.end ? 1 : b.end ? -1 : strcmp(a.text.data, b.text.data);

		buf_str(&out, order > 0 ? b.text.data : a.text.data);
		buf_printf(&out, "%llu %llu\n", order > 0 ? 0 : (unsigned long long)a.value,
			   order < 0 ? 0 : (unsigned long long)b.value);
		if (order <= 0)
			next_line(&a);
		if (order >= 0)
			next_line(&b);
		if (out.len > 65536)
			err = render_flush(f, &out);
	}
	if (!err)
		err = render_flush(f, &out);
	buf_free(&a.text);
	buf_free(&b.text);
	buf_free(&out);
	return err;
}

static void make_folded(struct folded *fo, const struct recording *r, const struct report_options *o)
{
	*fo = (struct folded){.p = r->profile, .r = r, .o = o, .kind = report_only_view(o)->counted};
	profile_members_make(fo->p, &fo->members);
	gather(fo);
	rank_names(fo);
	make_room(fo);
	if (fo->entries.n)
		qsort_r(fo->entries.at, fo->entries.n, sizeof(*fo->entries.at), compare_entries, fo);
}

static void free_folded(struct folded *fo)
{
	profile_members_free(&fo->members);
	strpool_free(&fo->names);
	vec_free(&fo->entries);
	free(fo->of_frame);
	free(fo->of_node);
	vec_free(&fo->frame_ids);
	vec_free(&fo->tree);
	free(fo->by_rank);
	free(fo->left);
	free(fo->right);
	buf_free(&fo->text);
	buf_free(&fo->name);
}

int report_write_folded(FILE *f, const struct recording *r, const struct report_options *o)
{
	struct folded fo, before;
	int err;

	make_folded(&fo, r, o);
	if (o->base) {
		make_folded(&before, o->base, o);
		err = write_two(f, &before, &fo);
		free_folded(&before);
	} else {
		err = write_lines(f, &fo);
	}
	free_folded(&fo);
	return render_end(f, err);
}
