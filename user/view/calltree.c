/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/calltree.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct frame_names {
	bool asked;
	uint32_t first, n;	/* in making.frame_ids, outermost first */
};

struct making {
	struct calltree *t;
	const struct recording *r;
	bool by_thread;
	struct profile_members members;
	struct u64map children;		/* parent << 32 | name -> node */
	struct frame_names *of_frame;
	vec_of(uint32_t) frame_ids;
	uint32_t *of_node, *head_of;	/* by node of the profile: its innermost node below the head `head_of` */
	vec_of(uint32_t) path;
	struct buf text, escaped;
};

static uint32_t name_id(struct making *m, struct calltree_name like)
{
	struct calltree *t = m->t;
	struct calltree_name *name;
	uint32_t id;

	buf_reset(&m->escaped);
	text_escape(&m->escaped, like.text, strlen(like.text));
	id = strpool_id(&t->texts, m->escaped.len ? m->escaped.data : "[no name]");
	if (id == t->names.n) {
		vec_push(&t->names, like);
		return id;
	}
	name = &t->names.at[id];
	if (!like.file || (name->file && strcmp(name->file, like.file)))
		name->file = NULL;
	if (!like.module || (name->module && strcmp(name->module, like.module)))
		name->module = NULL;
	return id;
}

static uint32_t child(struct making *m, uint32_t parent, uint32_t name)
{
	bool is_new;
	uint64_t *node = u64map_put(&m->children, (uint64_t)parent << 32 | name, &is_new);

	if (is_new) {
		*node = m->t->nodes.n;
		vec_push(&m->t->nodes, ((struct calltree_node){parent, name}));
	}
	return (uint32_t)*node;
}

/* Where one program is all there is, a head tells its threads apart, as their names do; the container is said where
 * there are several, or what is in none. */
size_t calltree_heads(const struct profile *p, const struct profile_members *m, uint32_t task_id, bool by_thread,
		      struct buf *out)
{
	const struct profile_task *task = &p->tasks.at[task_id];
	size_t n = 0;

	by_thread = by_thread && task->pid;
	if (task->container && m->containers + m->outside > 1) {
		buf_add(out, task->container, strlen(task->container) + 1);
		n++;
	}
	if (m->programs > 1) {
		const char *program = p->tasks.at[m->leaders[task_id]].name;

		buf_add(out, program, strlen(program) + 1);
		n++;
		if (!by_thread)
			return n;
	}
	buf_str(out, task->name);
	if (by_thread)
		buf_printf(out, "-%u", task->tid ? task->tid : task->pid);
	buf_char(out, '\0');
	return n + 1;
}

static uint32_t head_node(struct making *m, const struct profile_stack *st)
{
	const char *mark = stack_end_mark(st->end);
	uint32_t node = 0;
	size_t n;

	buf_reset(&m->text);
	n = calltree_heads(m->r->profile, &m->members, st->task, m->by_thread, &m->text);
	for (const char *s = m->text.data; n; s += strlen(s) + 1, n--)
		node = child(m, node, name_id(m, (struct calltree_name){.text = s, .kind = CALLTREE_HEAD}));
	if (mark)
		node = child(m, node, name_id(m, (struct calltree_name){.text = mark, .kind = CALLTREE_MARK}));
	return node;
}

static void name_frame(struct making *m, uint32_t id)
{
	const struct profile_frame *f = &m->r->profile->frames.at[id];
	struct frame_names *names = &m->of_frame[id];
	const struct symbol *sym;

	names->asked = true;
	names->first = m->frame_ids.n;
	for (sym = names_frame(m->r->names, f); sym && !sym->hidden; sym = sym->into) {
		buf_reset(&m->text);
		symbol_text(sym, &m->text);
		vec_push(&m->frame_ids, name_id(m, (struct calltree_name){
			.text = buf_cstr(&m->text), .module = sym->module, .file = sym->file,
		}));
	}
	names->n = m->frame_ids.n - names->first;
	if (!names->n)
		return;
	for (uint32_t *low = m->frame_ids.at + names->first, *high = low + names->n - 1; low < high; low++, high--) {
		uint32_t swap = *low;

		*low = *high;
		*high = swap;
	}
}

/* The node of the innermost frame below a head. */
static uint32_t frames_node(struct making *m, uint32_t head, uint32_t innermost)
{
	const struct profile *p = m->r->profile;
	uint32_t at = innermost, node;

	m->path.n = 0;
	for (; at && m->head_of[at] != head; at = p->nodes.at[at].parent)
		vec_push(&m->path, at);
	node = at ? m->of_node[at] : head;
	while (m->path.n) {
		const uint32_t frame = p->nodes.at[m->path.at[--m->path.n]].frame;

		if (!m->of_frame[frame].asked)
			name_frame(m, frame);
		for (uint32_t i = 0; i < m->of_frame[frame].n; i++)
			node = child(m, node, m->frame_ids.at[m->of_frame[frame].first + i]);
		m->of_node[m->path.at[m->path.n]] = node;
		m->head_of[m->path.at[m->path.n]] = head;
	}
	return node;
}

static const char *function_name(const struct profile *p, uint16_t function)
{
	return function < p->n_functions ? p->function_names[function] : "[unknown function]";
}

static void add_stack(struct making *m, uint32_t stack)
{
	const struct profile_stack *st = &m->r->profile->stacks.at[stack];
	uint32_t node = head_node(m, st);

	/* "[stack not delivered]" stands for the whole stack, the allocator function included. */
	if (st->end != STACK_END_LOST) {
		node = frames_node(m, node, st->node);
		node = child(m, node, name_id(m, (struct calltree_name){
			.text = function_name(m->r->profile, st->function), .kind = CALLTREE_ALLOCATOR,
		}));
	}
	m->t->leaf[stack] = node;
}

static bool has_any(const struct profile *p, uint64_t kinds, uint32_t stack)
{
	for (; kinds; kinds &= kinds - 1)
		if (!counters_none(profile_sum(p, __builtin_ctzll(kinds), stack)))
			return true;
	return false;
}

/* --- order */

static int compare_texts(const void *a, const void *b, void *arg)
{
	const struct calltree_name *names = arg;

	return strcmp(names[*(const uint32_t *)a].text, names[*(const uint32_t *)b].text);
}

/* Orders names by text, and has nodes follow. */
static void sort_names(struct calltree *t)
{
	const size_t n = t->names.n;
	uint32_t *order = xrealloc_array(NULL, n + 1, sizeof(*order));
	uint32_t *rank = xrealloc_array(NULL, n + 1, sizeof(*rank));
	struct calltree_name *sorted = xrealloc_array(NULL, n + 1, sizeof(*sorted));

	for (size_t i = 0; i < n; i++) {
		t->names.at[i].text = strpool_str(&t->texts, i);
		order[i] = i;
	}
	qsort_r(order, n, sizeof(*order), compare_texts, t->names.at);
	for (size_t i = 0; i < n; i++) {
		sorted[i] = t->names.at[order[i]];
		rank[order[i]] = i;
	}
	free(t->names.at);
	t->names.at = sorted;
	t->names.cap = n + 1;
	for (size_t i = 1; i < t->nodes.n; i++)
		t->nodes.at[i].name = rank[t->nodes.at[i].name];
	free(order);
	free(rank);
}

/* Sorts ids of nodes by a key below n_keys; those of one key stay as they were. */
static void sort_by(const uint32_t *from, uint32_t *to, size_t n, const struct calltree_node *nodes, bool by_parent,
		    size_t n_keys)
{
	uint32_t *start = xcalloc(n_keys + 1, sizeof(*start));

	for (size_t i = 0; i < n; i++)
		start[(by_parent ? nodes[from[i]].parent : nodes[from[i]].name) + 1]++;
	for (size_t k = 1; k <= n_keys; k++)
		start[k] += start[k - 1];
	for (size_t i = 0; i < n; i++)
		to[start[by_parent ? nodes[from[i]].parent : nodes[from[i]].name]++] = from[i];
	free(start);
}

/* Pre-order: a node's place is its parent's, one, and what is below those before it. */
static void sort_nodes(struct calltree *t, size_t n_stacks)
{
	const size_t n = t->nodes.n;
	uint32_t *order = xrealloc_array(NULL, n, sizeof(*order)), *by_name = xrealloc_array(NULL, n, sizeof(*by_name));
	uint32_t *size = xrealloc_array(NULL, n, sizeof(*size)), *place = xrealloc_array(NULL, n, sizeof(*place));
	struct calltree_node *sorted = xrealloc_array(NULL, n, sizeof(*sorted));
	uint32_t *taken;

	for (size_t i = 0; i < n; i++) {
		order[i] = i + 1;
		size[i] = 1;
	}
	sort_by(order, by_name, n - 1, t->nodes.at, false, t->names.n);
	sort_by(by_name, order, n - 1, t->nodes.at, true, n);
	for (size_t i = n; i-- > 1;)
		size[t->nodes.at[i].parent] += size[i];
	place[0] = 0;
	/* Parents have lower ids than children: in this order their places are known. */
	taken = memset(by_name, 0, n * sizeof(*by_name));
	for (size_t i = 0; i + 1 < n; i++) {
		const uint32_t node = order[i], parent = t->nodes.at[node].parent;

		place[node] = place[parent] + 1 + taken[parent];
		taken[parent] += size[node];
	}
	sorted[0] = t->nodes.at[0];
	for (size_t i = 1; i < n; i++)
		sorted[place[i]] = (struct calltree_node){place[t->nodes.at[i].parent], t->nodes.at[i].name};
	free(t->nodes.at);
	t->nodes.at = sorted;
	t->nodes.cap = n;
	for (size_t i = 0; i < n_stacks; i++)
		t->leaf[i] = place[t->leaf[i]];
	free(order);
	free(by_name);
	free(size);
	free(place);
}

void calltree_make(const struct recording *r, uint64_t kinds, bool by_thread, struct calltree *t)
{
	const struct profile *p = r->profile;
	struct making m = {.t = t, .r = r, .by_thread = by_thread && r->threads};

	*t = (struct calltree){0};
	t->leaf = xcalloc(p->stacks.n + 1, sizeof(*t->leaf));
	vec_push(&t->nodes, ((struct calltree_node){0, 0}));
	m.of_frame = xcalloc(p->frames.n + 1, sizeof(*m.of_frame));
	m.of_node = xcalloc(p->nodes.n + 1, sizeof(*m.of_node));
	m.head_of = xcalloc(p->nodes.n + 1, sizeof(*m.head_of));
	memset(m.head_of, 0xff, (p->nodes.n + 1) * sizeof(*m.head_of));
	profile_members_make(p, &m.members);
	for (size_t i = 0; i < p->stacks.n; i++)
		if (has_any(p, kinds, i))
			add_stack(&m, i);
	profile_members_free(&m.members);
	u64map_free(&m.children);
	free(m.of_frame);
	free(m.of_node);
	free(m.head_of);
	vec_free(&m.frame_ids);
	vec_free(&m.path);
	buf_free(&m.text);
	buf_free(&m.escaped);
	sort_names(t);
	sort_nodes(t, p->stacks.n);
}

void calltree_free(struct calltree *t)
{
	strpool_free(&t->texts);
	vec_free(&t->names);
	vec_free(&t->nodes);
	free(t->leaf);
	*t = (struct calltree){0};
}

uint64_t *calltree_self(const struct calltree *t, const struct profile *p, enum profile_kind kind, enum metric m)
{
	uint64_t *self = xcalloc(t->nodes.n, sizeof(*self));

	for (size_t i = 0; i < p->stacks.n; i++)
		if (t->leaf[i])
			self[t->leaf[i]] += counters_metric(profile_sum(p, kind, i), m);
	return self;
}

void calltree_add_up(const struct calltree *t, uint64_t *values)
{
	for (size_t i = t->nodes.n; i-- > 1;)
		values[t->nodes.at[i].parent] += values[i];
}
