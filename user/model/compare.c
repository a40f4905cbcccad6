/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order of what a profile holds: by what it is, whatever its ids are. */
#include <string.h>

#include "model/profile.h"

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

int profile_compare_tags(const struct profile *p, uint32_t a, uint32_t b)
{
	const struct profile_tag *x = &p->tags.at[a], *y = &p->tags.at[b];
	int c = compare_numbers(a != 0, b != 0);

	c = c ? c : compare_numbers(x->goroutine, y->goroutine);
	c = c ? c : compare_numbers(x->labels != NULL, y->labels != NULL);
	return c || !x->labels ? c : strcmp(x->labels, y->labels);
}

static const char *build_id(const struct module *mod)
{
	return mod->build_id ? mod->build_id : "";
}

/* A gap first; of two files with one path, by build ID. */
static int compare_modules(const struct profile *p, uint32_t a, uint32_t b)
{
	const struct module *x, *y;
	int c;

	if (a == b)
		return 0;
	if (a == MODULE_UNCERTAIN || b == MODULE_UNCERTAIN)
		return a == MODULE_UNCERTAIN ? -1 : 1;
	x = modules_get(p->modules, a);
	y = modules_get(p->modules, b);
	c = strcmp(x->path, y->path);
	return c ? c : strcmp(build_id(x), build_id(y));
}

static int compare_frames(const struct profile *p, uint32_t a, uint32_t b)
{
	const struct profile_frame *x = &p->frames.at[a], *y = &p->frames.at[b];
	int c = compare_modules(p, x->module, y->module);

	c = c ? c : compare_numbers(x->addr, y->addr);
	return c ? c : compare_numbers(x->creator, y->creator);
}

/* Innermost frames first; where one ends first, it comes first. */
static int compare_nodes(const struct profile *p, uint32_t a, uint32_t b)
{
	for (; a != b && a && b; a = p->nodes.at[a].parent, b = p->nodes.at[b].parent) {
		int c = compare_frames(p, p->nodes.at[a].frame, p->nodes.at[b].frame);

		if (c)
			return c;
	}
	return a == b ? 0 : a ? 1 : -1;
}

/* What is not known comes first. */
static int compare_texts(const char *a, const char *b)
{
	return !a || !b ? compare_numbers(a != NULL, b != NULL) : strcmp(a, b);
}

int profile_compare_tasks(const struct profile *p, uint32_t a, uint32_t b)
{
	const struct profile_task *x = &p->tasks.at[a], *y = &p->tasks.at[b];
	int c = compare_numbers(x->pid, y->pid);

	c = c ? c : compare_numbers(x->tid, y->tid);
	c = c ? c : compare_numbers(x->exec, y->exec);
	c = c ? c : strcmp(x->name, y->name);
	c = c ? c : compare_texts(x->exe, y->exe);
	c = c ? c : compare_texts(x->container, y->container);
	c = c ? c : compare_texts(x->user, y->user);
	return c ? c : compare_texts(x->cgroup, y->cgroup);
}

static int compare_types(const struct profile *p, uint32_t a, uint32_t b)
{
	const struct profile_type *x = &p->types.at[a], *y = &p->types.at[b];
	int c = x->module == y->module ? 0 : strcmp(modules_get(p->modules, x->module)->path,
						    modules_get(p->modules, y->module)->path);

	c = c ? c : compare_texts(x->name, y->name);
	return c ? c : compare_numbers(x->addr, y->addr);
}

static const char *function_name(const struct profile *p, uint16_t function)
{
	return function < p->n_functions ? p->function_names[function] : "";
}

int profile_compare_stacks(const struct profile *p, uint32_t a, uint32_t b)
{
	const struct profile_stack *x = &p->stacks.at[a], *y = &p->stacks.at[b];
	int c = compare_nodes(p, x->node, y->node);

	c = c ? c : strcmp(function_name(p, x->function), function_name(p, y->function));
	c = c ? c : compare_numbers(x->end, y->end);
	c = c ? c : profile_compare_tasks(p, x->task, y->task);
	c = c ? c : compare_types(p, x->type, y->type);
	return c ? c : profile_compare_tags(p, x->tag, y->tag);
}
