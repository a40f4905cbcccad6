/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/pagetree.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

struct making {	/* what only the making needs */
	struct page_tree *t;
	struct page_side *side;		/* whose stacks are gathered */
	struct u64map children;		/* parent << 32 | function -> node */
	uint32_t *of_node;		/* by node of the profile: its innermost node below the head of `head_of` */
	uint32_t *head_of;		/* that head, 0: none yet */
	vec_of(uint32_t) path;
	struct buf text, escaped;
};

static const char *escaped(struct making *m, const char *s)
{
	buf_reset(&m->escaped);
	text_escape(&m->escaped, s, strlen(s));
	return buf_cstr(&m->escaped);
}

/* name: not escaped. path: of the module, NULL: it has none. */
static uint32_t function_id(struct making *m, const char *name, const char *path, enum page_kind kind)
{
	struct page_tree *t = m->t;
	struct page_function f = {
		.module = path ? strpool_id(&t->modules, escaped(m, path)) : PAGE_NO_MODULE, .kind = kind,
	};
	struct buf key = {0};
	uint32_t id;

	buf_printf(&key, "%d %u %s", kind, f.module, escaped(m, *name ? name : "[no name]"));
	id = strpool_id(&t->keys, buf_cstr(&key));
	buf_free(&key);
	if (id == t->functions.n)
		vec_push(&t->functions, f);
	return id;
}

/* The name is the end of its key, which stays where it is. */
static void name_functions(struct page_tree *t)
{
	for (size_t i = 0; i < t->functions.n; i++)
		t->functions.at[i].name = strchr(strchr(strpool_str(&t->keys, i), ' ') + 1, ' ') + 1;
}

static uint32_t child(struct making *m, uint32_t parent, uint32_t function)
{
	bool is_new;
	uint64_t *node = u64map_put(&m->children, (uint64_t)parent << 32 | function, &is_new);

	if (is_new) {
		*node = m->t->nodes.n;
		vec_push(&m->t->nodes, ((struct page_node){parent, function}));
	}
	return (uint32_t)*node;
}

static const char *module_name(const struct making *m, uint32_t module)
{
	const char *path = modules_get(m->side->r->profile->modules, module)->path, *slash = strrchr(path, '/');

	return m->t->base && slash && slash[1] ? slash + 1 : path;
}

static const struct page_names *names_of_frame(struct making *m, uint32_t id)
{
	struct page_tree *t = m->t;
	const struct recording *r = m->side->r;
	const struct profile_frame *f = &r->profile->frames.at[id];
	struct page_names *names = &m->side->of_frame[id];
	const struct symbol *sym;

	if (names->asked)
		return names;
	names->asked = true;
	names->first = t->frame_functions.n;
	for (sym = names_frame(r->names, f); sym && !sym->hidden; sym = sym->into) {
		buf_reset(&m->text);
		view_function_name(sym, &m->text);
		vec_push(&t->frame_functions, function_id(m, buf_cstr(&m->text), module_name(m, f->module),
							  PAGE_FUNCTION));
	}
	names->n = t->frame_functions.n - names->first;
	for (uint32_t low = names->first, high = low + names->n; low + 1 < high; low++) {
		const uint32_t swap = t->frame_functions.at[low];

		t->frame_functions.at[low] = t->frame_functions.at[--high];
		t->frame_functions.at[high] = swap;
	}
	return names;
}

/* On either side: both have the same heads. */
static bool has_containers(const struct page_tree *t)
{
	const struct profile_members *m = &t->sides[0].members, *base = &t->sides[1].members;

	return m->containers + m->outside > 1 || base->containers + base->outside > 1;
}

static bool has_programs(const struct page_tree *t)
{
	return t->sides[0].members.programs > 1 || t->sides[1].members.programs > 1;
}

/* As in folded stacks: the container where there are several, or what is in none; the program where there are
 * several; how the stack was cut off. */
static uint32_t head_of(struct making *m, const struct profile_stack *st)
{
	const struct profile *p = m->side->r->profile;
	const char *container = p->tasks.at[st->task].container, *mark = stack_end_mark(st->end);
	uint32_t at = 0;

	if (container && has_containers(m->t))
		at = child(m, at, function_id(m, container, NULL, PAGE_MARK));
	if (has_programs(m->t))
		at = child(m, at, function_id(m, p->tasks.at[m->side->members.leaders[st->task]].name, NULL,
					      PAGE_MARK));
	if (mark && st->end != STACK_END_LOST)
		at = child(m, at, function_id(m, mark, NULL, PAGE_MARK));
	return at;
}

/* The node of a stack's innermost name, below its head. */
static uint32_t node_of(struct making *m, const struct profile_stack *st, uint32_t head)
{
	const struct profile_node *nodes = m->side->r->profile->nodes.at;
	uint32_t node = st->node, at = head;

	m->path.n = 0;
	for (; node && m->head_of[node] != head + 1; node = nodes[node].parent)
		vec_push(&m->path, node);
	if (node)
		at = m->of_node[node];
	while (m->path.n) {
		const struct page_names *names;

		node = m->path.at[--m->path.n];
		names = names_of_frame(m, nodes[node].frame);
		for (uint32_t i = 0; i < names->n; i++)
			at = child(m, at, m->t->frame_functions.at[names->first + i]);
		m->head_of[node] = head + 1;
		m->of_node[node] = at;
	}
	if (at != head)
		return at;
	return child(m, head, function_id(m, st->end == STACK_END_LOST ? stack_end_mark(st->end) : "[no frames]", NULL,
					  PAGE_FRAMELESS));
}

/* What is known of a stack beside its frames. */
static struct page_stack describe(struct making *m, uint32_t stack)
{
	struct page_tree *t = m->t;
	const struct recording *r = m->side->r;
	const struct profile *p = r->profile;
	const struct profile_stack *st = &p->stacks.at[stack];
	const struct profile_task *task = &p->tasks.at[st->task];
	const char *type = names_type(r->names, p, stack);
	struct page_stack out = {.base = r == t->base, .stack = stack};
	size_t skipped = 0;

	buf_reset(&m->text);
	buf_str(&m->text, task->name);
	if (!t->base && task->pid && task->tid && task->tid != task->pid)
		buf_printf(&m->text, " (%u/%u)", task->pid, task->tid);
	else if (!t->base && task->pid)
		buf_printf(&m->text, " (%u)", task->pid);
	out.task = strpool_id(&t->tasks, escaped(m, buf_cstr(&m->text)));
	out.allocator = strpool_id(&t->allocators, escaped(m, st->function < p->n_functions ?
							   p->function_names[st->function] : "[unknown function]"));
	out.type = strpool_id(&t->types, escaped(m, type ? type : ""));
	if (st->node && st->end != STACK_END_LOST)
		view_site(r, st->node, &skipped);
	out.skip = skipped;
	return out;
}

/* Something is in one of the views, or was. */
static bool is_shown(const struct page_tree *t, const struct profile *p, uint32_t stack)
{
	for (uint32_t left = t->views; left; left &= left - 1) {
		const enum profile_kind kind = view_kinds[__builtin_ctz(left)].counted;

		if (!counters_none(profile_sum(p, kind, stack)))
			return true;
		for (size_t back = page_tree_past(t, __builtin_ctz(left)); back-- > 0;)
			if (profile_past(p, kind, back, stack))
				return true;
	}
	return false;
}

static int compare_numbers(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

struct headed {
	uint32_t head, stack;
};

static int compare_headed(const void *a, const void *b)
{
	const struct headed *x = a, *y = b;

	return x->head == y->head ? compare_numbers(x->stack, y->stack) : compare_numbers(x->head, y->head);
}

/* Head by head, so that what a node of the profile is below one of them is to be kept once. */
static void gather(struct making *m, struct page_side *side)
{
	const struct profile *p = side->r->profile;
	vec_of(struct headed) order = {0};

	m->side = side;
	side->of_frame = xcalloc(p->frames.n + 1, sizeof(*side->of_frame));
	m->of_node = xcalloc(p->nodes.n + 1, sizeof(*m->of_node));
	m->head_of = xcalloc(p->nodes.n + 1, sizeof(*m->head_of));
	for (size_t i = 0; i < p->stacks.n; i++)
		if (is_shown(m->t, p, i))
			vec_push(&order, ((struct headed){head_of(m, &p->stacks.at[i]), i}));
	if (order.n)
		qsort(order.at, order.n, sizeof(*order.at), compare_headed);
	for (size_t i = 0; i < order.n; i++) {
		struct page_stack st = describe(m, order.at[i].stack);

		st.node = node_of(m, &p->stacks.at[st.stack], order.at[i].head);
		vec_push(&m->t->stacks, st);
	}
	vec_free(&order);
	free(m->of_node);
	free(m->head_of);
}

static int compare_functions(const void *a, const void *b, void *arg)
{
	const struct page_tree *t = arg;
	const struct page_function *x = &t->functions.at[*(const uint32_t *)a];
	const struct page_function *y = &t->functions.at[*(const uint32_t *)b];
	int c = strcmp(x->name, y->name);

	if (!c && x->module != y->module) {
		if (x->module == PAGE_NO_MODULE || y->module == PAGE_NO_MODULE)
			return x->module == PAGE_NO_MODULE ? -1 : 1;
		c = strcmp(strpool_str(&t->modules, x->module), strpool_str(&t->modules, y->module));
	}
	return c ? c : (int)x->kind - (int)y->kind;
}

static void sort_functions(struct page_tree *t)
{
	size_t n = t->functions.n;
	uint32_t *order = xrealloc_array(NULL, n + 1, sizeof(*order));
	uint32_t *rank = xrealloc_array(NULL, n + 1, sizeof(*rank));
	struct page_function *sorted = xrealloc_array(NULL, n + 1, sizeof(*sorted));

	for (size_t i = 0; i < n; i++)
		order[i] = i;
	qsort_r(order, n, sizeof(*order), compare_functions, t);
	for (size_t i = 0; i < n; i++) {
		rank[order[i]] = i;
		sorted[i] = t->functions.at[order[i]];
	}
	for (size_t i = 1; i < t->nodes.n; i++)
		t->nodes.at[i].function = rank[t->nodes.at[i].function];
	for (size_t i = 0; i < t->frame_functions.n; i++)
		t->frame_functions.at[i] = rank[t->frame_functions.at[i]];
	free(t->functions.at);
	t->functions.at = sorted;
	t->functions.cap = n + 1;
	free(order);
	free(rank);
}

/* Writes the order of n items by what the keys of those are, below n_keys; equal ones stay in the order of `items`. */
static void count_sort(const uint32_t *items, size_t n, const uint32_t *key, size_t n_keys, uint32_t *out)
{
	uint32_t *at = xcalloc(n_keys + 1, sizeof(*at));

	for (size_t i = 0; i < n; i++)
		at[key[items[i]] + 1]++;
	for (size_t i = 0; i < n_keys; i++)
		at[i + 1] += at[i];
	for (size_t i = 0; i < n; i++)
		out[at[key[items[i]]]++] = items[i];
	free(at);
}

/* Siblings by name, so that first and next lead through the tree in pre-order. */
static void link_siblings(const struct page_tree *t, uint32_t *first, uint32_t *next)
{
	size_t n = t->nodes.n;
	uint32_t *order = xrealloc_array(NULL, n, sizeof(*order));
	uint32_t *sorted = xrealloc_array(NULL, n, sizeof(*sorted));
	uint32_t *key = xrealloc_array(NULL, n, sizeof(*key));

	for (size_t i = 0; i < n; i++) {
		order[i] = i;
		key[i] = t->nodes.at[i].function;
	}
	count_sort(order, n, key, t->functions.n + 1, sorted);
	for (size_t i = n; i-- > 0;) {
		uint32_t node = sorted[i], parent = t->nodes.at[node].parent;

		if (!node)
			continue;
		next[node] = first[parent];
		first[parent] = node;
	}
	free(order);
	free(sorted);
	free(key);
}

static void put_in_order(struct page_tree *t)
{
	size_t n = t->nodes.n, placed = 0;
	uint32_t *first = xcalloc(n, sizeof(*first)), *next = xcalloc(n, sizeof(*next)), node = 0;

	link_siblings(t, first, next);
	t->pre_order = xrealloc_array(NULL, n, sizeof(*t->pre_order));
	t->place = xrealloc_array(NULL, n, sizeof(*t->place));
	for (;;) {
		t->place[node] = placed;
		t->pre_order[placed++] = node;
		if (first[node]) {
			node = first[node];
			continue;
		}
		while (node && !next[node])
			node = t->nodes.at[node].parent;
		if (!node)
			break;
		node = next[node];
	}
	free(first);
	free(next);
}

/* 0: the page does not tell them apart. */
static int compare_groups(const struct page_stack *x, const struct page_stack *y)
{
	int c = compare_numbers(x->node, y->node);

	c = c ? c : compare_numbers(x->task, y->task);
	c = c ? c : compare_numbers(x->allocator, y->allocator);
	c = c ? c : compare_numbers(x->type, y->type);
	return c ? c : compare_numbers(x->skip, y->skip);
}

static int compare_stacks(const void *a, const void *b)
{
	const struct page_stack *x = a, *y = b;
	int c = compare_groups(x, y);

	c = c ? c : (int)x->base - (int)y->base;
	return c ? c : compare_numbers(x->stack, y->stack);
}

static void sort_stacks(struct page_tree *t)
{
	for (size_t i = 0; i < t->stacks.n; i++)
		t->stacks.at[i].node = t->place[t->stacks.at[i].node];
	if (t->stacks.n)
		qsort(t->stacks.at, t->stacks.n, sizeof(*t->stacks.at), compare_stacks);
	for (size_t i = 0; i < t->stacks.n; i++)
		t->n_groups += !i || compare_groups(&t->stacks.at[i - 1], &t->stacks.at[i]) != 0;
}

void page_tree_make(struct page_tree *t, const struct recording *r, const struct recording *base, uint32_t views)
{
	struct making m = {.t = t};

	*t = (struct page_tree){.r = r, .base = base, .views = views, .sides = {{.r = r}, {.r = base}}};
	vec_push(&t->nodes, ((struct page_node){0, 0}));
	for (size_t i = 0; i < 2 && t->sides[i].r; i++)
		profile_members_make(t->sides[i].r->profile, &t->sides[i].members);
	for (size_t i = 0; i < 2 && t->sides[i].r; i++)
		gather(&m, &t->sides[i]);
	u64map_free(&m.children);
	vec_free(&m.path);
	buf_free(&m.text);
	buf_free(&m.escaped);
	name_functions(t);
	sort_functions(t);
	put_in_order(t);
	sort_stacks(t);
}

void page_tree_free(struct page_tree *t)
{
	strpool_free(&t->keys);
	strpool_free(&t->modules);
	strpool_free(&t->tasks);
	strpool_free(&t->allocators);
	strpool_free(&t->types);
	vec_free(&t->functions);
	vec_free(&t->nodes);
	vec_free(&t->stacks);
	vec_free(&t->frame_functions);
	free(t->pre_order);
	free(t->place);
	for (size_t i = 0; i < 2 && t->sides[i].r; i++) {
		free(t->sides[i].of_frame);
		profile_members_free(&t->sides[i].members);
	}
}

/* --- columns */

void page_put_varint(struct buf *out, uint64_t n)
{
	for (; n >= 0x80; n >>= 7)
		buf_char(out, (char)(n | 0x80));
	buf_char(out, (char)n);
}

static struct counters sum_of(const struct page_tree *t, enum profile_kind kind, const struct page_stack *st)
{
	return profile_sum(t->sides[st->base].r->profile, kind, st->stack);
}

bool page_tree_has_errors(const struct page_tree *t, enum view_id view)
{
	for (size_t i = 0; i < t->stacks.n; i++) {
		struct counters c = sum_of(t, view_kinds[view].counted, &t->stacks.at[i]);

		if (c.bytes_var > 0 || c.calls_var > 0)
			return true;
	}
	return false;
}

static void put_nodes(const struct page_tree *t, struct buf *out)
{
	uint32_t *depth = xcalloc(t->nodes.n, sizeof(*depth));

	for (size_t i = 1; i < t->nodes.n; i++)
		page_put_varint(out, t->nodes.at[t->pre_order[i]].function);
	for (size_t i = 1; i < t->nodes.n; i++)
		depth[i] = depth[t->nodes.at[i].parent] + 1;
	for (size_t i = 1; i < t->nodes.n; i++)
		page_put_varint(out, depth[t->pre_order[i - 1]] + 1 - depth[t->pre_order[i]]);
	free(depth);
}

enum field { FIELD_NODE, FIELD_TASK, FIELD_ALLOCATOR, FIELD_TYPE, FIELD_SKIP, FIELDS };

static uint32_t field(const struct page_stack *st, enum field which)
{
	switch (which) {
	case FIELD_NODE:
		return st->node;
	case FIELD_TASK:
		return st->task;
	case FIELD_ALLOCATOR:
		return st->allocator;
	case FIELD_TYPE:
		return st->type;
	default:
		return st->skip;
	}
}

static void put_fields(const struct page_tree *t, struct buf *out)
{
	for (enum field which = 0; which < FIELDS; which++) {
		uint32_t before = 0;

		for (size_t i = 0; i < t->stacks.n; i++) {
			if (i && !compare_groups(&t->stacks.at[i - 1], &t->stacks.at[i]))
				continue;
			page_put_varint(out, field(&t->stacks.at[i], which) - before);
			before = which == FIELD_NODE ? t->stacks.at[i].node : 0;
		}
	}
}

static uint64_t logarithm(double variance)
{
	return variance > 0 ? (uint64_t)lround(8 * log2(1 + variance)) : 0;
}

enum number { NUMBER_BYTES, NUMBER_CALLS, NUMBER_BYTES_VAR, NUMBER_CALLS_VAR, NUMBERS };

static uint64_t number(struct counters c, enum number which)
{
	switch (which) {
	case NUMBER_BYTES:
		return c.bytes;
	case NUMBER_CALLS:
		return c.calls;
	case NUMBER_BYTES_VAR:
		return logarithm(c.bytes_var);
	default:
		return logarithm(c.calls_var);
	}
}

static void put_column(const struct page_tree *t, bool base, enum profile_kind kind, enum number which, struct buf *out)
{
	for (size_t i = 0; i < t->stacks.n;) {
		const struct page_stack *group = &t->stacks.at[i];
		struct counters sum = {0};

		for (; i < t->stacks.n && !compare_groups(group, &t->stacks.at[i]); i++)
			if (t->stacks.at[i].base == base)
				sum = counters_add(sum, sum_of(t, kind, &t->stacks.at[i]));
		page_put_varint(out, number(sum, which));
	}
}

size_t page_tree_past(const struct page_tree *t, enum view_id view)
{
	return view_kinds[view].by_age && !t->base ? t->r->profile->n_past : 0;
}

static void put_past(const struct page_tree *t, enum profile_kind kind, size_t back, struct buf *out)
{
	for (size_t i = 0; i < t->stacks.n;) {
		const struct page_stack *group = &t->stacks.at[i];
		uint64_t bytes = 0;

		for (; i < t->stacks.n && !compare_groups(group, &t->stacks.at[i]); i++)
			bytes += profile_past(t->r->profile, kind, back, t->stacks.at[i].stack);
		page_put_varint(out, bytes);
	}
}

void page_tree_put(const struct page_tree *t, struct buf *out)
{
	put_nodes(t, out);
	put_fields(t, out);
	for (uint32_t left = t->views; left; left &= left - 1) {
		const enum view_id view = __builtin_ctz(left);
		const enum number n = page_tree_has_errors(t, view) ? NUMBERS : NUMBER_BYTES_VAR;

		for (int side = 0; side < 2 && t->sides[side].r; side++)
			for (enum number which = 0; which < n; which++)
				put_column(t, side, view_kinds[view].counted, which, out);
		for (size_t back = page_tree_past(t, view); back-- > 0;)
			put_past(t, view_kinds[view].counted, back, out);
	}
}
