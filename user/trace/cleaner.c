// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/cleaner.h"

#include <errno.h>
#include <stdlib.h>

#include "base/thread.h"
#include "kern/internal.h"

struct cleaner {
	struct kern *k;
	pthread_t thread;
	bool running;		/* there is a thread to be joined */
	_Atomic(bool) busy;
	struct clean_files files;
};

struct cleaner *cleaner_new(struct kern *k)
{
	struct cleaner *c = xcalloc(1, sizeof(*c));

	c->k = k;
	return c;
}

static void *clean(void *arg)
{
	struct cleaner *c = arg;

	for (size_t i = 0; i < c->files.all.n; i++) {
		const struct clean_file *f = &c->files.all.at[i];

		for (size_t k = 0; k < f->pids.n; k++)
			if (kern_clean(c->k, f->pids.at[k], f->fd, f->plan, f->left_out) != -ESRCH)
				break;
	}
	c->busy = false;
	return NULL;
}

void clean_add(struct clean_file *f, const struct plan *plan, pid_t pid, bool *left_out)
{
	f->plan = plan;
	vec_push(&f->pids, pid);
	if (!f->left_out) {
		f->left_out = left_out;
		return;
	}
	for (size_t i = 0; i < plan->n_probes; i++)
		f->left_out[i] |= left_out[i];
	free(left_out);
}

static void finish(struct cleaner *c)
{
	if (c->running)
		pthread_join(c->thread, NULL);
	c->running = false;
	for (size_t i = 0; i < c->files.all.n; i++) {
		vec_free(&c->files.all.at[i].pids);
		free(c->files.all.at[i].left_out);
	}
	vec_free(&c->files.all);
}

void cleaner_free(struct cleaner *c)
{
	if (!c)
		return;
	finish(c);
	free(c);
}

bool cleaner_is_free(struct cleaner *c)
{
	return !c->busy;
}

void cleaner_start(struct cleaner *c, struct clean_files *files)
{
	finish(c);
	c->files = *files;
	*files = (struct clean_files){0};
	c->busy = true;
	c->running = !thread_start(&c->thread, LINKS_STACK, clean, c);
	if (!c->running)
		clean(c);
}
