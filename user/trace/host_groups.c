// SPDX-License-Identifier: GPL-2.0-or-later
/* The groups of a wide run: what they are in the profile, and what they have done. */
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/text.h"
#include "kern/members.h"
#include "trace/tracer_internal.h"

static const char *exe_path(const struct tracer *t, const struct stack_frames *rec)
{
	const uint64_t dev = makedev(rec->exe_dev >> 20, rec->exe_dev & 0xfffff);
	const uint64_t *module = u64map_find(&t->host.modules, host_file_hash(dev, rec->exe_ino));

	return module ? modules_get(&t->modules, (uint32_t)*module)->path : NULL;
}

/* All processes of the program; or the one. */
uint32_t host_task_of(void *arg, const struct stack_frames *rec)
{
	struct tracer *t = arg;

	const struct host *h = &t->host;
	const struct cgroup_place *place = places_of(h->places, rec->cgroup, (pid_t)rec->pid);
	struct profile_task task = {
		.name = rec->name, .exe = exe_path(t, rec), .user = places_user(h->places, rec->uid),
		.cgroup = place->path, .container = place->container,
	};
	uint32_t id;

	if (h->by_process) {
		task.pid = rec->pid;
		task.tid = h->by_thread ? rec->tid : 0;
		task.exec = rec->exec;
		task.inner_pid = rec->inner_pid;
	}
	id = profile_task_like(&t->profile, &task);
	while (t->host.programs.n <= id)
		vec_push(&t->host.programs, 0);
	t->host.programs.at[id] = rec->program;
	return id;
}

void host_tell_cgroup(void *arg, uint64_t cgroup, const struct cgroup_place *place)
{
	struct tracer *t = arg;

	kern_members_tell(t->kern, cgroup, places_take(t->host.places, place));
}

const char *host_removed_cgroup(void *arg, uint64_t cgroup)
{
	struct tracer *t = arg;

	return kern_members_removed(t->kern, cgroup, t->host.removed_path) ? t->host.removed_path : NULL;
}

bool host_takes_cgroup(void *arg, uint64_t cgroup, pid_t pid)
{
	struct tracer *t = arg;

	return places_take(t->host.places, places_of(t->host.places, cgroup, pid));
}

void tracer_host(const struct tracer *t, struct recording_host *out)
{
	struct member_counts members;
	uint64_t counts[COUNT_MAX];

	*out = (struct recording_host){.wide = t->wide};
	if (!t->wide)
		return;
	members = kern_member_counts(t->kern);
	kern_counts(t->kern, counts);
	out->processes = members.joined;
	out->ended = members.ended;
	out->others_hits = counts[COUNT_OTHERS];
	out->undecided = counts[COUNT_UNDECIDED];
	out->new_files = t->host.late_files;
	out->cpus = t->host.all ? t->host.cpus : 0;
}

bool tracer_is_wide(const struct tracer *t)
{
	return t->wide;
}

bool tracer_is_host(const struct tracer *t)
{
	return t->host.all;
}

double tracer_cpus(const struct tracer *t)
{
	const struct member_counts members = t->wide ? kern_member_counts(t->kern) : (struct member_counts){0};
	size_t n = members.joined > members.ended ? members.joined - members.ended : 0;

	if (t->host.all)
		return t->host.cpus;
	for (size_t i = 0; !t->wide && i < t->processes.list.n; i++)
		n += !t->processes.list.at[i]->exited;
	return n ? (double)n : 1;
}

int tracer_group_work(struct tracer *t, void (*take)(void *arg, uint64_t program, const struct group_work *w),
		      void *arg)
{
	return kern_group_work(t->kern, take, arg);
}

uint64_t tracer_program_of(const struct tracer *t, uint32_t task)
{
	return task < t->host.programs.n ? t->host.programs.at[task] : 0;
}

void tracer_set_group_law(struct tracer *t, uint64_t program, uint64_t law)
{
	kern_set_group_law(t->kern, program, law);
}

/* Processes that were followed come and go: the command is what is traced. */
void tracer_describe(const struct tracer *t, struct buf *out)
{
	const struct process *p = t->wide && t->held_pid ? processes_find(&t->processes, t->held_pid) : NULL;

	if (!p) {
		processes_describe(&t->processes, out);
		return;
	}
	text_name(out, p->name, false);
	buf_printf(out, " (pid %d)", (int)p->pid);
}
