// SPDX-License-Identifier: GPL-2.0-or-later
/* What happens to the processes of a wide run. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "kern/members.h"
#include "proc/mapfile.h"
#include "proc/procfs.h"
#include "proc/timeline.h"
#include "trace/tracer_internal.h"

#define KEPT_NS 2000000000ULL	/* how long after the end of a command's process, at least */
#define FOLLOWED_MAX 65536	/* processes at once */
#define SWEEP_NS 1000000000ULL	/* between two readings of the table of blocks */
#define ON_ITS_WAY_NS 200000000ULL	/* from a thread's record to its end, most often */

/* The module of a file that records tell of by these numbers, if it is known and its content is what it was. */
static bool known_module(const struct tracer *t, uint64_t dev, uint64_t ino, uint32_t *module)
{
	const uint64_t *at = u64map_find(&t->host.modules, host_file_hash(dev, ino));
	const struct module *m = at ? modules_get(&t->modules, (uint32_t)*at) : NULL;

	if (!m || !module_is_current(m))
		return false;
	*module = (uint32_t)*at;
	return true;
}

/* Something is done to a mapping that was there: its code may have been patched. */
static bool is_there_already(struct tracer *t, const struct process *p, const struct task_event *ev, uint32_t module)
{
	const struct mapping *m = timeline_find(p, ev->start, ev->time_ns);

	return m && m->until_ns == UINT64_MAX && m->module == module && t->files.n > module && t->files.at[module].plan;
}

static void on_new_mapping(struct tracer *t, struct process *p, const struct task_event *ev)
{
	const struct mapping *m;
	uint32_t module;
	pid_t tgid;

	if (mapping_kind(ev->name) == MAPPING_ANON)
		procfs_ids(p->pid, &tgid, &p->uid);
	process_mmap(&t->processes, p, ev->time_ns, ev->start, ev->len, ev->offset, ev->dev, ev->ino, ev->name);
	m = timeline_find(p, ev->start, ev->time_ns);
	if (!m || mapping_kind(ev->name) != MAPPING_FILE)
		return;
	if (modules_get(&t->modules, m->module)->fd < 0) {
		u64map_put(&t->host.unseen, host_file_hash(ev->dev, ev->ino), NULL);
		return;
	}
	module = host_see_file(t, m->module);
	p->maps.at[m - p->maps.at].module = module;
	host_see_teller(t, p, module);
	*u64map_put(&t->host.modules, host_file_hash(ev->dev, ev->ino), NULL) = module;
}

/* A second time since its exec: what it has of the file may have been patched. */
static void on_other_mmap(struct tracer *t, const struct task_event *ev)
{
	const struct attachment *a = t->host.files;
	const uint64_t *place;
	uint64_t *seen, bit;
	uint32_t module;

	if (t->host.all || t->trusts_code || mapping_kind(ev->name) != MAPPING_FILE ||
	    !known_module(t, ev->dev, ev->ino, &module) || attachment_state(a, module) == NOT_ATTACHED)
		return;
	place = u64map_find(&a->by_module, module);
	bit = 1ULL << (*place & 63);
	seen = u64map_put(&t->host.others, (uint64_t)ev->pid, NULL);
	if (*seen & bit)
		vec_push(&t->host.changed, ev->pid);
	*seen |= bit;
}

static bool is_gone(pid_t pid)
{
	return kill(pid, 0) && errno == ESRCH;
}

static void on_mmap(struct tracer *t, const struct task_event *ev)
{
	struct process *p = processes_find(&t->processes, ev->pid);
	uint32_t module;

	if (!host_wants(t, ev->pid)) {
		on_other_mmap(t, ev);
		return;
	}
	if (!p || p->exited) {
		if (is_gone(ev->pid)) {
			if (mapping_kind(ev->name) == MAPPING_FILE && !known_module(t, ev->dev, ev->ino, &module))
				u64map_put(&t->host.unseen, host_file_hash(ev->dev, ev->ino), NULL);
			return;
		}
		/* It was forked, and has not execed. */
		p = host_read_process(t, ev->pid);
		if (p)
			vec_push(&t->host.changed, ev->pid);
		return;
	}
	if (mapping_kind(ev->name) != MAPPING_FILE || !known_module(t, ev->dev, ev->ino, &module)) {
		on_new_mapping(t, p, ev);
		return;
	}
	if (is_there_already(t, p, ev, module))
		vec_push(&t->host.changed, ev->pid);
	process_mmap_module(p, ev->time_ns, ev->start, ev->len, ev->offset, module);
	host_see_teller(t, p, module);
}

static void on_end(struct tracer *t, pid_t pid, uint64_t time_ns)
{
	struct process *p = processes_find(&t->processes, pid);

	u64map_remove(&t->host.followed, (uint64_t)pid);
	u64map_remove(&t->host.others, (uint64_t)pid);
	u64map_remove(&t->host.headless, (uint64_t)pid);
	if (!p || p->exited)
		return;
	if (t->golive)
		golive_exited(t->golive, p);
	process_exit(p, time_ns);
	vec_push(&t->host.gone, pid);
}

/* Not at once: the table of blocks is read whole. */
static void end_blocks(struct tracer *t, pid_t pid, uint64_t time_ns, bool kept)
{
	const struct ended_process ended = {.pid = pid, .before_ns = time_ns};

	if (!t->blocks && !t->maps)
		return;
	if (kept)
		vec_push(&t->host.kept, ended);
	else
		vec_push(&t->host.ended, ended);
}

/* Those that are not kept any more are to be ended with the others. */
static void end_kept(struct host *h, uint64_t until_ns)
{
	size_t n = 0;

	while (n < h->kept.n && h->kept.at[n].before_ns <= until_ns)
		vec_push(&h->ended, h->kept.at[n++]);
	h->kept.n -= n;
	if (h->kept.n)
		memmove(h->kept.at, h->kept.at + n, h->kept.n * sizeof(h->kept.at[0]));
}

/* The BPF side does so by itself. This is for the files that the child maps, and for the end. */
static void follow(struct tracer *t, const struct task_event *ev)
{
	if (!t->host.follow || !u64map_find(&t->host.followed, (uint64_t)ev->parent))
		return;
	if (t->host.followed.n < FOLLOWED_MAX)
		u64map_put(&t->host.followed, (uint64_t)ev->pid, NULL);
	else
		tracer_add_gap(t, "files that only some of the processes map: there are more than are followed");
}

size_t tracer_followed(const struct tracer *t)
{
	return t->wide && t->host.follow ? t->host.followed.n : 0;
}

static void mark_program(struct tracer *t, pid_t pid)
{
	uint64_t *followed = u64map_find(&t->host.followed, (uint64_t)pid);

	if (followed)
		*followed = 1;
}

/*
 * What a program has at its end that a command has started, or the command itself, is what the report shows where that
 * is a moment before the command's own end, as of timeout's. Not of a child that has not execed: it is a part of the
 * work that is over.
 */
static bool is_program(const struct tracer *t, pid_t pid)
{
	const uint64_t *followed = u64map_find(&t->host.followed, (uint64_t)pid);

	/* The record of the command's own exec may be among those that were lost. */
	return t->held_pid && (pid == t->held_pid || (followed && *followed));
}

/* It has exited. Where records were lost that is seen twice, and what is kept stays so. */
static void end_process(struct tracer *t, pid_t pid, uint64_t time_ns)
{
	struct host *h = &t->host;
	size_t i = 0;

	while (i < h->kept.n && h->kept.at[i].pid != pid)
		i++;
	if (i < h->kept.n)
		h->kept.at[i].before_ns = time_ns;
	else
		end_blocks(t, pid, time_ns, is_program(t, pid));
	if (u64map_find(&h->followed, (uint64_t)pid))
		h->last_end_ns = time_ns;
	on_end(t, pid, time_ns);
}

struct pids {
	vec_of(pid_t) list;
};

static void add_dead(struct pids *dead, pid_t pid)
{
	if (pid > 0 && is_gone(pid))
		vec_push(&dead->list, pid);
}

static void add_dead_of(struct pids *dead, const struct u64map *pids)
{
	for (size_t i = 0; pids->slots && i <= pids->mask; i++)
		if (pids->used[i])
			add_dead(dead, (pid_t)pids->slots[i].key);
}

static void end_all(struct tracer *t, struct pids *all)
{
	for (size_t i = 0; i < all->list.n; i++)
		end_process(t, all->list.at[i], monotonic_ns());
	vec_free(&all->list);
}

/* Ends that were missed. */
static void forget_dead(struct tracer *t)
{
	struct pids all = {0};

	add_dead_of(&all, &t->host.followed);
	add_dead_of(&all, &t->host.others);
	add_dead_of(&all, &t->host.headless);
	for (size_t i = 0; i < t->processes.list.n; i++)
		if (!t->processes.list.at[i]->exited)
			add_dead(&all, t->processes.list.at[i]->pid);
	end_all(t, &all);
}

/* Of those whose last thread was still on its way out when its record was read: of which a thread has ended since. */
static void end_headless(struct tracer *t, uint64_t since_ns)
{
	const struct u64map *m = &t->host.headless;
	struct pids all = {0};

	for (size_t i = 0; m->n && i <= m->mask; i++)
		if (m->used[i] && m->slots[i].value >= since_ns &&
		    !procfs_goes_on((pid_t)m->slots[i].key, m->slots[i].value))
			vec_push(&all.list, (pid_t)m->slots[i].key);
	end_all(t, &all);
}

int host_sweep(struct tracer *t, bool now)
{
	struct host *h = &t->host;
	const uint64_t time_ns = monotonic_ns();
	int err;

	if (!now && time_ns - h->swept_ns < SWEEP_NS) {
		end_headless(t, time_ns - ON_ITS_WAY_NS);
		return 0;
	}
	end_headless(t, 0);
	/* When all have ended, by that time, however long the report takes to come. */
	end_kept(h, (h->follow && !h->followed.n ? h->last_end_ns : time_ns) - KEPT_NS);
	h->swept_ns = time_ns;
	err = h->ended.n ? collector_end_blocks(t->collector, h->ended.at, h->ended.n, time_ns) : 0;
	h->ended.n = 0;
	return err;
}

/* Is a thread's exit the end of its process? It is not, where the first one exits before others. */
static bool is_end(struct tracer *t, const struct task_event *ev)
{
	const uint64_t pid = (uint64_t)ev->pid;

	if (ev->tid != ev->pid && !u64map_find(&t->host.headless, pid))
		return false;
	if (!procfs_goes_on(ev->pid, ev->time_ns))
		return true;
	*u64map_put(&t->host.headless, pid, NULL) = ev->time_ns;
	return false;
}

void host_event(struct tracer *t, const struct task_event *ev)
{
	struct process *p;

	/* Of another pid namespace. */
	if (ev->pid <= 0)
		return;
	switch (ev->kind) {
	case TASK_FORK:
		follow(t, ev);
		break;
	case TASK_EXEC:
		u64map_remove(&t->host.others, (uint64_t)ev->pid);
		u64map_remove(&t->host.headless, (uint64_t)ev->pid);
		if (host_wants(t, ev->pid))
			processes_exec(&t->processes, ev->pid, ev->time_ns, ev->name);
		mark_program(t, ev->pid);
		end_blocks(t, ev->pid, ev->time_ns, false);
		break;
	case TASK_MMAP:
		on_mmap(t, ev);
		break;
	case TASK_RENAME:
		p = processes_find(&t->processes, ev->pid);
		if (p && ev->tid == ev->pid)
			process_rename(p, ev->name);
		break;
	case TASK_EXIT:
		if (!is_end(t, ev))
			break;
		end_process(t, ev->pid, ev->time_ns);
		break;
	}
}

/* Records were lost: everything is read again. */
static void reread(struct tracer *t)
{
	forget_dead(t);
	host_read_all(t);
}

static void compare_changed(struct tracer *t)
{
	for (size_t i = 0; i < t->host.changed.n; i++) {
		struct process *p = processes_find(&t->processes, t->host.changed.at[i]);

		if (p && !p->exited)
			tracer_compare(t, t->host.files, p);
		else if (!p)
			host_compare_other(t, t->host.changed.at[i]);
	}
	t->host.changed.n = 0;
}

void host_after_events(struct tracer *t, bool lost)
{
	kern_members_cgroups(t->kern, host_takes_cgroup, t);
	if (lost)
		reread(t);
	compare_changed(t);
	host_attach(t);
	host_set_tellers(t);
}

/* Stacks are taken out of the ring before the records of ends: of those that were gone the last time, every stack has
 * its names. */
void host_drop_gone(struct tracer *t)
{
	struct host *h = &t->host;

	for (size_t i = 0; i < h->n_gone; i++) {
		struct process *p = processes_find(&t->processes, h->gone.at[i]);

		/* Its number may be another's by now. */
		if (p && p->exited && !p->chosen && p->pid != t->held_pid)
			processes_drop(&t->processes, p);
	}
	h->gone.n -= h->n_gone;
	if (h->gone.n)
		memmove(h->gone.at, h->gone.at + h->n_gone, h->gone.n * sizeof(h->gone.at[0]));
	h->n_gone = h->gone.n;
}
