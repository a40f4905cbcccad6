// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/cleaner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "kern/internal.h"

/* What the process has mapped now. */
static void copy_maps(struct process *to, const struct process *from)
{
	*to = (struct process){.pid = from->pid};
	for (size_t i = 0; i < from->maps.n; i++)
		if (from->maps.at[i].until_ns == UINT64_MAX)
			vec_push(&to->maps, from->maps.at[i]);
}

struct clean_set *clean_set_of(struct clean_sets *sets, const struct process *traced, bool *is_new)
{
	for (size_t i = 0; i < sets->all.n; i++) {
		*is_new = false;
		if (sets->all.at[i].traced == traced->pid)
			return &sets->all.at[i];
	}
	*is_new = true;
	vec_push(&sets->all, (struct clean_set){.traced = traced->pid});
	copy_maps(&sets->all.at[sets->all.n - 1].process, traced);
	return &sets->all.at[sets->all.n - 1];
}

void clean_set_file(struct clean_set *set, uint32_t module, const struct plan *plan, const bool *ours)
{
	bool *copy = xcalloc(plan->n_probes + 1, sizeof(*copy));

	memcpy(copy, ours, plan->n_probes * sizeof(*copy));
	vec_push(&set->files, ((struct livecode_file){.module = module, .plan = plan, .ours = copy}));
}

void clean_sets_free(struct clean_sets *sets)
{
	for (size_t i = 0; i < sets->all.n; i++) {
		struct clean_set *set = &sets->all.at[i];

		for (size_t k = 0; k < set->files.n; k++)
			free((bool *)set->files.at[k].ours);
		vec_free(&set->files);
		vec_free(&set->pids);
		vec_free(&set->process.maps);
	}
	vec_free(&sets->all);
}

static struct clean_file *file_of(struct clean_files *files, uint32_t module, const struct plan *plan)
{
	for (size_t i = 0; i < files->all.n; i++)
		if (files->all.at[i].module == module)
			return &files->all.at[i];
	vec_push(&files->all, ((struct clean_file){
		.module = module, .plan = plan, .left_out = xcalloc(plan->n_probes + 1, sizeof(bool)),
	}));
	return &files->all.at[files->all.n - 1];
}

void clean_compare(struct clean_files *files, const struct clean_set *set, pid_t child, const struct modules *ms)
{
	/* Mapped in the same places, with breakpoints where the parent has ours. */
	struct process p = set->process;
	int err;

	p.pid = child;
	err = livecode_compare(&p, ms, set->files.at, set->files.n);
	for (size_t i = 0; !err && i < set->files.n; i++) {
		const struct livecode_file *from = &set->files.at[i];
		struct clean_file *to = file_of(files, from->module, from->plan);

		vec_push(&to->pids, child);
		for (size_t k = 0; k < from->plan->n_probes; k++)
			to->left_out[k] |= from->found[k] || !from->ours[k];
	}
	livecode_free(set->files.at, set->files.n);
}

void clean_files_free(struct clean_files *files)
{
	for (size_t i = 0; i < files->all.n; i++) {
		vec_free(&files->all.at[i].pids);
		free(files->all.at[i].left_out);
	}
	vec_free(&files->all);
}

struct cleaner {
	struct kern *k;
	pthread_t thread;
	bool running;		/* there is a thread to be joined */
	_Atomic(bool) busy, stop;
	struct clean_sets sets;
	struct modules modules;	/* a copy: the tracer's grows meanwhile */
};

struct cleaner *cleaner_new(struct kern *k)
{
	struct cleaner *c = xcalloc(1, sizeof(*c));

	c->k = k;
	return c;
}

static bool is_over(const struct cleaner *c)
{
	return c->stop || kern_is_over(c->k);
}

static void remove_copies(struct cleaner *c, const struct clean_file *f)
{
	const int fd = module_inode_fd(modules_get(&c->modules, f->module));

	for (size_t i = 0; i < f->pids.n && !is_over(c); i++)
		if (kern_clean(c->k, f->pids.at[i], fd, f->plan, f->left_out) != -ESRCH)
			return;
}

static void *clean(void *arg)
{
	struct cleaner *c = arg;
	struct clean_files files = {0};

	for (size_t i = 0; i < c->sets.all.n; i++) {
		const struct clean_set *set = &c->sets.all.at[i];

		for (size_t k = 0; k < set->pids.n && !is_over(c); k++)
			clean_compare(&files, set, set->pids.at[k], &c->modules);
	}
	for (size_t i = 0; i < files.all.n; i++)
		remove_copies(c, &files.all.at[i]);
	clean_files_free(&files);
	c->busy = false;
	return NULL;
}

static void finish(struct cleaner *c)
{
	if (c->running)
		pthread_join(c->thread, NULL);
	c->running = false;
	clean_sets_free(&c->sets);
}

void cleaner_free(struct cleaner *c)
{
	if (!c)
		return;
	finish(c);
	modules_unfollow(&c->modules);
	free(c);
}

bool cleaner_is_free(struct cleaner *c)
{
	return !c->busy;
}

void cleaner_start(struct cleaner *c, struct clean_sets *sets, const struct modules *ms)
{
	finish(c);
	modules_follow(&c->modules, ms);
	c->sets = *sets;
	*sets = (struct clean_sets){0};
	c->busy = true;
	c->running = !thread_start(&c->thread, LINKS_STACK, clean, c);
	if (!c->running)
		clean(c);
}

void cleaner_stop(struct cleaner *c)
{
	c->stop = true;
}
