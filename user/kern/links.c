// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The probes that are in place, as file descriptors. Two threads may take them out: the main thread, and the one that
 * keeps the end of tracing while the main thread hangs (user/cli/guard.c). Whoever takes a descriptor out of the list,
 * under the lock, closes it; nothing that may wait for the kernel is done under the lock.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/thread.h"
#include "kern/internal.h"

/* Closing waits some 30 to 60 ms for each link: several threads wait at once. */
#define CLOSERS 32

struct batch {
	int *fds;
	size_t n;
	_Atomic(size_t) next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t closed = PTHREAD_COND_INITIALIZER;

static void *close_some(void *arg)
{
	struct batch *b = arg;

	for (size_t i; (i = atomic_fetch_add(&b->next, 1)) < b->n;)
		links_close(&b->fds[i], 1, 1);
	return NULL;
}

static void close_all(struct batch *b)
{
	pthread_t threads[CLOSERS];
	size_t n = 0;

	while (n < CLOSERS && n + 1 < b->n && !thread_start(&threads[n], LINKS_STACK, close_some, b))
		n++;
	close_some(b);
	while (n)
		pthread_join(threads[--n], NULL);
}

static bool is_over(const struct kern *k)
{
	return atomic_load(&k->over);
}

int links_add(struct kern *k, struct links *to, struct links *from)
{
	int err = 0;

	pthread_mutex_lock(&lock);
	if (is_over(k))
		err = -ECANCELED;
	for (size_t i = 0; i < from->n && !err; i++)
		vec_push(to, from->at[i]);
	pthread_mutex_unlock(&lock);
	if (err)
		links_drop(from);
	vec_free(from);
	return err;
}

void links_drop(struct links *links)
{
	while (links->n)
		links_close(&links->at[--links->n].fd, 1, 1);
	vec_free(links);
}

/* What is taken out of the list. */
struct which {
	pid_t pid;			/* of that process; 0: all */
	int module;			/* of that file; ANY_MODULE: all */
	const struct u64map *modules;	/* of these files; NULL: all */
	int stage;			/* -1: all */
};

static bool is_of(const struct link *l, const struct which *w)
{
	return (!w->pid || l->pid == w->pid) && (w->module == ANY_MODULE || l->module == w->module) &&
	       (!w->modules || u64map_find(w->modules, (uint64_t)l->module)) &&
	       (w->stage < 0 || (int)l->stage == w->stage);
}

static struct batch take(struct links *links, struct which which)
{
	struct batch b = {0};
	size_t kept = 0;

	pthread_mutex_lock(&lock);
	b.fds = xcalloc(links->n + 1, sizeof(*b.fds));
	for (size_t i = 0; i < links->n; i++) {
		const struct link *l = &links->at[i];

		if (is_of(l, &which))
			b.fds[b.n++] = l->fd;
		else
			links->at[kept++] = *l;
	}
	links->n = kept;
	pthread_mutex_unlock(&lock);
	return b;
}

void links_detach_stage(struct links *links, pid_t pid, int module, enum link_stage stage)
{
	struct batch b = take(links, (struct which){.pid = pid, .module = module, .stage = stage});

	close_all(&b);
	free(b.fds);
}

void links_detach_files(struct links *links, const struct u64map *modules)
{
	for (int stage = LINK_GO; stage >= LINK_FREE; stage--) {
		struct batch b = take(links, (struct which){.module = ANY_MODULE, .modules = modules, .stage = stage});

		close_all(&b);
		free(b.fds);
	}
}

void links_detach(struct links *links, pid_t pid, int module)
{
	for (int stage = LINK_GO; stage >= LINK_FREE; stage--)
		links_detach_stage(links, pid, module, stage);
}

struct ending {
	struct kern *k;
	struct batch links, hold_links;
};

static void *end_links(void *arg)
{
	struct ending *e = arg;

	close_all(&e->links);
	close_all(&e->hold_links);
	pthread_mutex_lock(&lock);
	e->k->closing--;
	pthread_cond_broadcast(&closed);
	pthread_mutex_unlock(&lock);
	free(e->links.fds);
	free(e->hold_links.fds);
	free(e);
	return NULL;
}

void kern_end(struct kern *k)
{
	struct ending *e;
	pthread_t thread;

	if (atomic_exchange(&k->over, true))
		return;
	*(volatile bool *)&k->skel->bss->stopped = true;
	e = xcalloc(1, sizeof(*e));
	*e = (struct ending){
		.k = k, .links = take(&k->links, (struct which){.module = ANY_MODULE, .stage = -1}),
		.hold_links = take(&k->hold_links, (struct which){.module = ANY_MODULE, .stage = -1}),
	};
	pthread_mutex_lock(&lock);
	k->closing++;
	pthread_mutex_unlock(&lock);
	if (thread_start(&thread, LINKS_STACK, end_links, e))
		end_links(e);
	else
		pthread_detach(thread);
}

bool kern_is_over(const struct kern *k)
{
	return is_over(k);
}

void kern_end_wait(struct kern *k)
{
	pthread_mutex_lock(&lock);
	while (k->closing)
		pthread_cond_wait(&closed, &lock);
	pthread_mutex_unlock(&lock);
}
