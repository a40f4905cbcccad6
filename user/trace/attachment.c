// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/attachment.h"

#include <stdlib.h>

struct attachment *attachments_add(struct attachments *all, struct process *p)
{
	bool is_new;
	uint64_t *i = u64map_put(&all->by_pid, (uint64_t)p->pid, &is_new);
	struct attachment *a = is_new ? NULL : all->list.at[*i];

	if (!a) {
		a = xcalloc(1, sizeof(*a));
		if (is_new) {
			*i = all->list.n;
			vec_push(&all->list, a);
		} else {
			all->list.at[*i] = a;
		}
	}
	a->process = p;
	attachment_mark(a);
	return a;
}

struct attachment *attachments_find(const struct attachments *all, pid_t pid)
{
	const uint64_t *i = u64map_find(&all->by_pid, (uint64_t)pid);

	return i ? all->list.at[*i] : NULL;
}

static void free_placement(struct placement *pl)
{
	if (!pl)
		return;
	free(pl->left_out);
	free(pl->ours);
	free(pl->said);
	free(pl);
}

void attachments_drop(struct attachments *all, size_t i)
{
	struct attachment *a = all->list.at[i];

	if (!a)
		return;
	unwind_told_free(a->told);
	for (size_t k = 0; k < a->files.n; k++)
		free_placement(a->files.at[k].placement);
	vec_free(&a->files);
	u64map_free(&a->by_module);
	vec_free(&a->chosen);
	vec_free(&a->pending);
	free(a);
	all->list.at[i] = NULL;
}

void attachments_free(struct attachments *all)
{
	for (size_t i = 0; i < all->list.n; i++)
		attachments_drop(all, i);
	vec_free(&all->list);
	u64map_free(&all->by_pid);
}

void attachment_mark(struct attachment *a)
{
	a->untold = a->incomplete = true;
}

struct attached_file *attachment_file(struct attachment *a, uint32_t module)
{
	bool is_new;
	uint64_t *i = u64map_put(&a->by_module, module, &is_new);

	if (is_new) {
		*i = a->files.n;
		vec_push(&a->files, ((struct attached_file){.module = module}));
	}
	return &a->files.at[*i];
}

void attachment_forget_file(struct attachment *a, uint32_t module)
{
	const uint64_t *found = u64map_find(&a->by_module, module);
	const struct attached_file *last;
	size_t i;

	if (!found)
		return;
	i = *found;
	last = &a->files.at[--a->files.n];
	free_placement(a->files.at[i].placement);
	if (last != &a->files.at[i]) {
		a->files.at[i] = *last;
		*u64map_find(&a->by_module, last->module) = i;
	}
	u64map_remove(&a->by_module, module);
}

static const struct attached_file *find(const struct attachment *a, uint32_t module)
{
	const uint64_t *i = u64map_find(&a->by_module, module);

	return i ? &a->files.at[*i] : NULL;
}

enum attached attachment_state(const struct attachment *a, uint32_t module)
{
	const struct attached_file *f = find(a, module);

	return f ? f->state : NOT_ATTACHED;
}

bool attachment_has(const struct attachment *a, uint32_t module)
{
	const enum attached state = attachment_state(a, module);

	return state == ATTACHED || state == PAUSED;
}

bool attachment_failed(const struct attachment *a, uint32_t module)
{
	const struct attached_file *f = find(a, module);

	return f && f->failed;
}

const struct placement *attachment_placement(const struct attachment *a, uint32_t module)
{
	const struct attached_file *f = find(a, module);

	return f ? f->placement : NULL;
}

struct placement *attachment_place(struct attachment *a, uint32_t module, size_t n)
{
	struct attached_file *f = attachment_file(a, module);

	if (!f->placement) {
		f->placement = xcalloc(1, sizeof(*f->placement));
		f->placement->left_out = xcalloc(n + 1, sizeof(bool));
		f->placement->ours = xcalloc(n + 1, sizeof(bool));
		f->placement->said = xcalloc(n + 1, sizeof(bool));
	}
	return f->placement;
}

enum attached *attachment_chosen(struct attachment *a, uint32_t module, uint64_t vaddr)
{
	for (size_t i = 0; i < a->chosen.n; i++)
		if (a->chosen.at[i].module == module && a->chosen.at[i].vaddr == vaddr)
			return &a->chosen.at[i].state;
	vec_push(&a->chosen, ((struct chosen_function){.module = module, .vaddr = vaddr}));
	return &a->chosen.at[a->chosen.n - 1].state;
}

static void pause_file(struct attachment *a, struct attached_file *f)
{
	if (f->state == ATTACHED)
		f->state = PAUSED;
	for (size_t i = 0; i < a->chosen.n; i++)
		if (a->chosen.at[i].module == f->module && a->chosen.at[i].state == ATTACHED)
			a->chosen.at[i].state = PAUSED;
}

void attachment_pause(struct attachment *a, uint32_t module)
{
	pause_file(a, attachment_file(a, module));
	a->incomplete = true;
}

void attachment_pause_all(struct attachment *a)
{
	for (size_t i = 0; i < a->files.n; i++)
		pause_file(a, &a->files.at[i]);
	a->incomplete = true;
}

void attachment_reset(struct attachment *a)
{
	for (size_t i = 0; i < a->files.n; i++) {
		a->files.at[i].state = NOT_ATTACHED;
		a->files.at[i].hooked = false;
	}
	a->chosen.n = 0;
	a->by_usdt = a->usdt_refused = false;
	attachment_mark(a);
}
