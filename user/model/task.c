/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which tasks are of one process. */
#include <stdlib.h>

#include "model/profile.h"

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* Tasks of one process are neighbours. Texts are interned: where they are tells them apart. */
static int compare_processes(const struct profile_task *x, const struct profile_task *y)
{
	int c = compare_numbers(x->pid, y->pid);

	c = c ? c : compare_numbers(x->exec, y->exec);
	return c ? c : compare_numbers((uintptr_t)x->exe, (uintptr_t)y->exe);
}

static int compare_ids(const void *a, const void *b, void *arg)
{
	const struct profile *p = arg;
	uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
	int c = compare_processes(&p->tasks.at[i], &p->tasks.at[k]);

	return c ? c : compare_numbers(i, k);
}

static bool is_first_thread(const struct profile_task *t)
{
	return !t->tid || t->tid == t->pid;
}

static void find_leaders(const struct profile *p, uint32_t *leaders)
{
	const size_t n = p->tasks.n;
	uint32_t *order = xmalloc((n + 1) * sizeof(*order));

	for (size_t i = 0; i < n; i++)
		order[i] = i;
	if (n)
		qsort_r(order, n, sizeof(*order), compare_ids, (void *)p);
	for (size_t i = 0, end; i < n; i = end) {
		const struct profile_task *task = &p->tasks.at[order[i]];
		uint32_t leader = order[i];

		for (end = i; end < n && !compare_processes(task, &p->tasks.at[order[end]]); end++)
			if (!is_first_thread(&p->tasks.at[leader]) && is_first_thread(&p->tasks.at[order[end]]))
				leader = order[end];
		for (size_t k = i; k < end; k++)
			leaders[order[k]] = task->pid ? leader : order[k];
	}
	free(order);
}

/* A text that is interned, for the first time. */
static bool is_new(struct u64map *seen, const char *text)
{
	bool first;

	u64map_put(seen, (uintptr_t)text, &first);
	return first;
}

void profile_members_make(const struct profile *p, struct profile_members *out)
{
	bool *used = xcalloc(p->tasks.n + 1, sizeof(*used));
	struct u64map names = {0}, containers = {0};

	*out = (struct profile_members){.leaders = xmalloc((p->tasks.n + 1) * sizeof(*out->leaders))};
	find_leaders(p, out->leaders);
	for (size_t i = 0; i < p->stacks.n; i++)
		used[p->stacks.at[i].task] = true;
	for (size_t i = 0; i < p->tasks.n; i++) {
		const char *name = p->tasks.at[out->leaders[i]].name, *container = p->tasks.at[i].container;

		if (!used[i])
			continue;
		out->programs += *name && is_new(&names, name);
		out->containers += container && is_new(&containers, container);
		out->outside |= !container;
	}
	u64map_free(&names);
	u64map_free(&containers);
	free(used);
}

void profile_members_free(struct profile_members *m)
{
	free(m->leaders);
	m->leaders = NULL;
}
