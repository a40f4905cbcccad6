/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record/order.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

typedef int (*compare_fn)(const void *a, const void *b, void *arg);

struct context {
	const struct profile *p;
	const struct order *o;
};

/* Makes a list of the ids below n that are marked in use, sorted. */
static void list_make(struct order_list *l, const bool *used, size_t n, compare_fn compare, struct context *c)
{
	l->ids = xrealloc_array(NULL, n + 1, sizeof(*l->ids));
	l->place = xrealloc_array(NULL, n + 1, sizeof(*l->place));
	for (size_t i = 0; i < n; i++) {
		l->place[i] = ORDER_NONE;
		if (used[i])
			l->ids[l->n++] = i;
	}
	qsort_r(l->ids, l->n, sizeof(*l->ids), compare, c);
	for (size_t i = 0; i < l->n; i++)
		l->place[l->ids[i]] = i;
}

static int by_number(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static bool is_library(const struct module *mod)
{
	return strstr(module_basename(mod), ".so") != NULL;
}

/* Programs, libraries, what is no file. */
static int module_class(const struct module *mod)
{
	return mod->kind != MODULE_ELF ? 2 : is_library(mod);
}

static int compare_modules(const void *a, const void *b, void *arg)
{
	const struct context *c = arg;
	uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
	const struct module *x = modules_get(c->p->modules, i), *y = modules_get(c->p->modules, k);
	int diff = by_number(module_class(x), module_class(y));

	if (!diff)
		diff = strcmp(x->path, y->path);
	if (!diff)
		diff = strcmp(x->build_id ? x->build_id : "", y->build_id ? y->build_id : "");
	if (!diff)
		diff = by_number(x->pid, y->pid);
	return diff ? diff : by_number(i, k);
}

/* Of no module: frames that may be missing come last. */
static uint32_t module_place(const struct context *c, const struct profile_frame *f)
{
	return f->module == MODULE_UNCERTAIN ? ORDER_NONE : c->o->modules.place[f->module];
}

static int compare_frames(const void *a, const void *b, void *arg)
{
	const struct context *c = arg;
	const struct profile_frame *x = &c->p->frames.at[*(const uint32_t *)a];
	const struct profile_frame *y = &c->p->frames.at[*(const uint32_t *)b];
	int diff = by_number(module_place(c, x), module_place(c, y));

	if (!diff)
		diff = by_number(x->addr, y->addr);
	return diff ? diff : by_number(x->creator, y->creator);
}

static int compare_tasks(const void *a, const void *b, void *arg)
{
	const struct context *c = arg;

	return profile_compare_tasks(c->p, *(const uint32_t *)a, *(const uint32_t *)b);
}

static const char *function_name(const struct profile *p, uint32_t id)
{
	return id < p->n_functions ? p->function_names[id] : "";
}

static int compare_functions(const void *a, const void *b, void *arg)
{
	const struct context *c = arg;
	uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
	int diff = strcmp(function_name(c->p, i), function_name(c->p, k));

	return diff ? diff : by_number(i, k);
}

/* The innermost frame that differs decides. */
static int compare_paths(const struct context *c, uint32_t x, uint32_t y)
{
	const struct profile_node *nodes = c->p->nodes.at;

	for (; x != y && x && y; x = nodes[x].parent, y = nodes[y].parent)
		if (nodes[x].frame != nodes[y].frame)
			return by_number(c->o->frames.place[nodes[x].frame], c->o->frames.place[nodes[y].frame]);
	return x == y ? 0 : x ? 1 : -1;
}

static int compare_stacks(const void *a, const void *b, void *arg)
{
	const struct context *c = arg;
	const struct profile_stack *x = &c->p->stacks.at[*(const uint32_t *)a];
	const struct profile_stack *y = &c->p->stacks.at[*(const uint32_t *)b];
	int diff = by_number(c->o->tasks.place[x->task], c->o->tasks.place[y->task]);

	if (!diff)
		diff = compare_paths(c, x->node, y->node);
	if (!diff)
		diff = by_number(c->o->functions.place[x->function], c->o->functions.place[y->function]);
	if (!diff)
		diff = by_number(x->end, y->end);
	if (!diff)
		diff = by_number(c->o->modules.place[c->p->types.at[x->type].module],
				 c->o->modules.place[c->p->types.at[y->type].module]);
	if (!diff)
		diff = by_number(c->p->types.at[x->type].addr, c->p->types.at[y->type].addr);
	return diff ? diff : profile_compare_tags(c->p, x->tag, y->tag);
}

/* Anything was counted of it. */
static void mark_stacks(const struct profile *p, bool *used)
{
	for (size_t k = 0; k < PROFILE_KINDS; k++)
		for (size_t i = 0; i < p->sums[k].n; i++)
			used[i] |= !counters_none(p->sums[k].at[i]);
	for (size_t h = 0; h < PROFILE_HISTS; h++)
		for (size_t i = 0; i < p->hists[h].n; i++)
			used[p->hists[h].at[i].stack] = true;
}

struct marks {
	bool *stacks, *frames, *modules, *tasks, *functions, *nodes;
	size_t n_functions;
};

static void mark_all(const struct profile *p, struct marks *m)
{
	mark_stacks(p, m->stacks);
	for (size_t i = 0; i < p->stacks.n; i++) {
		const struct profile_stack *st = &p->stacks.at[i];

		if (!m->stacks[i])
			continue;
		m->tasks[st->task] = true;
		m->functions[st->function] = true;
		if (p->types.at[st->type].module)
			m->modules[p->types.at[st->type].module] = true;
		for (uint32_t node = st->node; node && !m->nodes[node]; node = p->nodes.at[node].parent) {
			const struct profile_frame *f = &p->frames.at[p->nodes.at[node].frame];

			m->nodes[node] = true;
			m->frames[p->nodes.at[node].frame] = true;
			if (f->module != MODULE_UNCERTAIN)
				m->modules[f->module] = true;
		}
	}
}

void order_make(const struct recording *r, struct order *o)
{
	const struct profile *p = r->profile;
	struct context c = {.p = p, .o = o};
	struct marks m = {.n_functions = UINT16_MAX + 1UL};

	*o = (struct order){0};
	m.stacks = xcalloc(p->stacks.n + 1, 1);
	m.frames = xcalloc(p->frames.n + 1, 1);
	m.nodes = xcalloc(p->nodes.n + 1, 1);
	m.tasks = xcalloc(p->tasks.n + 1, 1);
	m.modules = xcalloc(p->modules->list.n + 1, 1);
	m.functions = xcalloc(m.n_functions, 1);
	mark_all(p, &m);
	list_make(&o->modules, m.modules, p->modules->list.n, compare_modules, &c);
	list_make(&o->frames, m.frames, p->frames.n, compare_frames, &c);
	list_make(&o->tasks, m.tasks, p->tasks.n, compare_tasks, &c);
	list_make(&o->functions, m.functions, m.n_functions, compare_functions, &c);
	list_make(&o->stacks, m.stacks, p->stacks.n, compare_stacks, &c);
	free(m.stacks);
	free(m.frames);
	free(m.nodes);
	free(m.tasks);
	free(m.modules);
	free(m.functions);
}

static void list_free(struct order_list *l)
{
	free(l->ids);
	free(l->place);
}

void order_free(struct order *o)
{
	list_free(&o->modules);
	list_free(&o->frames);
	list_free(&o->tasks);
	list_free(&o->functions);
	list_free(&o->stacks);
}
