// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Probes in every process that maps a file, while the BPF side says whose hits count (kern/members.h). What is done
 * for a file is done once: its table is registered, its code compared in each process that has it, its probes attached.
 * A new process that maps nothing but known files costs a few entries of its timeline, and its first call is seen; of a
 * file that is new, the first process's calls are missed until its probes are there.
 *
 *     record: (device, inode) -> module, known? -> it is what the process has there
 *                                         else  -> opened, registered, planned, attached
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "kern/members.h"
#include "proc/mapfile.h"
#include "proc/procfs.h"
#include "proc/timeline.h"
#include "trace/tracer_internal.h"

#define ANCESTORS_MAX 256
#define KEPT_NS 2000000000ULL	/* how long after the end of a command's process, at least */
#define FOLLOWED_MAX 65536	/* processes at once */
#define SWEEP_NS 1000000000ULL	/* between two readings of the table of blocks */

static struct process *process_of_record(void *arg, pid_t pid)
{
	return host_process(arg, pid);
}

static const char *exe_path(const struct tracer *t, const struct stack_frames *rec)
{
	const uint64_t dev = makedev(rec->exe_dev >> 20, rec->exe_dev & 0xfffff);
	const uint64_t *module = u64map_find(&t->host.modules, mix64(mix64(dev) + rec->exe_ino));

	return module ? modules_get(&t->modules, (uint32_t)*module)->path : NULL;
}

/* All processes of the program; or the one. */
static uint32_t task_of_record(void *arg, const struct stack_frames *rec)
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

static void tell_cgroup(void *arg, uint64_t cgroup, const struct cgroup_place *place)
{
	struct tracer *t = arg;

	kern_members_tell(t->kern, cgroup, places_take(t->host.places, place));
}

static bool takes_cgroup(void *arg, uint64_t cgroup, pid_t pid)
{
	struct tracer *t = arg;

	return places_take(t->host.places, places_of(t->host.places, cgroup, pid));
}

int host_open(struct tracer *t, const struct kern_options *o)
{
	struct host *h = &t->host;
	const char *why;

	if (!t->unwind || !kern_asks_mappings(t->kern))
		return fail(-ENOTSUP, "tracing processes that come later requires stacks by .eh_frame tables and Linux 5.17 "
				      "(bpf_find_vma)");
	if (t->blocks && !feature(FEATURE_RETURN_SECCOMP, &why))
		return fail(-ENOTSUP, "live-heap views of processes that come later are not available: this kernel kills a "
				      "process with a seccomp filter (%s); use --view alloc", why);
	h->wide = (struct collector_wide){.process = process_of_record, .task = task_of_record, .arg = t};
	collector_set_wide(t->collector, &h->wide);
	h->places = places_new(o->places);
	h->everyone = xcalloc(1, sizeof(*h->everyone));
	h->everyone->name = xstrdup("every process");
	h->files = attachments_add(&t->attachments, h->everyone);
	h->files->untold = false;
	if (o->places)
		places_each(h->places, tell_cgroup, t);
	return kern_members_begin(t->kern);
}

void host_free(struct tracer *t)
{
	struct host *h = &t->host;

	if (h->everyone)
		free(h->everyone->name);
	free(h->everyone);
	places_free(h->places);
	u64map_free(&h->modules);
	u64map_free(&h->known_as);
	u64map_free(&h->followed);
	vec_free(&h->gone);
	vec_free(&h->changed);
	vec_free(&h->ended);
	vec_free(&h->programs);
}

/* --- files */

/* The module that the file is known as. */
static uint32_t see_file(struct tracer *t, uint32_t module)
{
	struct host *h = &t->host;
	const struct module *m = modules_get(&t->modules, module);
	struct file_key key;
	bool is_new;
	uint64_t *as;

	if (m->kind != MODULE_ELF && m->kind != MODULE_VDSO)
		return module;
	as = u64map_put(&h->known_as, module, &is_new);
	if (!is_new)
		return (uint32_t)*as;
	*as = unwind_tell(t->unwind, module);
	module = (uint32_t)*as;
	if (unwind_key(t->unwind, module, &key) && key.ino)
		*u64map_put(&h->modules, mix64(mix64(makedev(key.dev >> 20, key.dev & 0xfffff)) + key.ino), NULL) = module;
	if (m->kind == MODULE_ELF && !u64map_find(&h->files->by_module, module)) {
		attachment_file(h->files, module);
		h->files->incomplete = true;
	}
	return module;
}

static void see_process(struct tracer *t, struct process *p)
{
	for (size_t i = 0; i < p->maps.n; i++)
		if (p->maps.at[i].until_ns == UINT64_MAX)
			p->maps.at[i].module = see_file(t, p->maps.at[i].module);
}

static bool is_settled(const struct attached_file *f)
{
	return f->state == ATTACHED || f->state == REFUSED;
}

static int attach_file(struct tracer *t, uint32_t module)
{
	struct attachment *a = t->host.files;
	const struct module *m = modules_get(&t->modules, module);
	const bool is_new = attachment_state(a, module) == NOT_ATTACHED;
	const struct traced_file *f = tracer_file(t, module);
	const struct placement *pl = attachment_placement(a, module);
	int err;

	if (!f->plan)
		return 0;
	if (is_new && tracer_refuses_copiers(t, module)) {
		attachment_file(a, module)->state = REFUSED;
		return 0;
	}
	err = kern_attach(t->kern, 0, module_inode_fd(m), m->path, (uint16_t)module, f->plan, pl ? pl->left_out : NULL);
	if (!err && is_new) {
		tracer_account_probes(t, module, 0, f->plan, pl);
		t->host.late_files += t->host.started;
	}
	/* A file that refuses is not tried, and complained of, again. */
	attachment_file(a, module)->state = ATTACHED;
	if (err && err != -ECANCELED)
		tracer_add_unattached(t, m, 0, err);
	if (!err)
		tracer_end_gap(t, m, 0, attachment_file(a, module));
	return err == -ECANCELED ? err : 0;
}

int host_attach(struct tracer *t)
{
	struct attachment *a = t->host.files;
	int err = 0;

	if (!a->incomplete || t->paused)
		return 0;
	for (size_t i = 0; i < a->files.n && !err; i++)
		if (!is_settled(&a->files.at[i]))
			err = attach_file(t, a->files.at[i].module);
	a->incomplete = err != 0;
	return err;
}

/* --- processes */

/* It maps a file with allocator functions. */
static bool has_plan(struct tracer *t, const struct process *p)
{
	for (size_t i = 0; i < p->maps.n; i++)
		if (p->maps.at[i].until_ns == UINT64_MAX && tracer_file(t, p->maps.at[i].module)->plan)
			return true;
	return false;
}

bool host_wants(const struct tracer *t, pid_t pid)
{
	return t->host.all || u64map_find(&t->host.followed, (uint64_t)pid);
}

/* Reads what it has mapped. NULL: it is gone, or its mappings can't be read. */
static struct process *read_process(struct tracer *t, pid_t pid)
{
	struct buf why = {0};
	struct process *p;
	int err;

	log_catch(&why);
	err = processes_add(&t->processes, pid, &p);
	log_catch(NULL);
	if (err) {
		note("%s", buf_cstr(&why));
		t->host.unread += err != -ESRCH;
		p = processes_find(&t->processes, pid);
		if (p && !p->exited)
			process_exit(p, monotonic_ns());
		if (p)
			vec_push(&t->host.gone, pid);
		p = NULL;
	}
	buf_free(&why);
	if (p)
		see_process(t, p);
	return p;
}

struct process *host_process(struct tracer *t, pid_t pid)
{
	struct process *p = processes_find(&t->processes, pid);

	/* One that has exited may have left stacks. */
	if (p)
		return p;
	p = read_process(t, pid);
	if (p && !tracer_compare(t, t->host.files, p))
		host_attach(t);
	return p;
}

void host_see(struct tracer *t, struct process *p)
{
	see_process(t, p);
	if (!tracer_compare(t, t->host.files, p))
		host_attach(t);
}

static int choose(struct tracer *t, pid_t pid)
{
	const int err = kern_choose(t->kern, pid, true, t->host.follow);

	if (err == -ESRCH)
		return fail(err, "process %d has exited", (int)pid);
	if (err)
		return fail(err, "cannot choose process %d: %s", (int)pid, strerror(-err));
	u64map_put(&t->host.followed, (uint64_t)pid, NULL);
	return 0;
}

int host_hold(struct tracer *t, pid_t pid)
{
	return choose(t, pid);
}

int host_add(struct tracer *t, pid_t pid)
{
	struct process *p;
	int err = choose(t, pid);

	if (!err)
		err = processes_add(&t->processes, pid, &p);
	if (err)
		return err;
	see_process(t, p);
	err = tracer_compare(t, t->host.files, p);
	if (!err)
		err = host_attach(t);
	return err || has_plan(t, p) ? err : tracer_fail_of_process(t, p);
}

/* Ourselves, with what we start; and what started us. */
static void leave_out_own(struct tracer *t)
{
	struct proc_stat st;
	pid_t pid = getpid();

	kern_choose(t->kern, pid, false, true);
	for (int i = 0; i < ANCESTORS_MAX && !procfs_stat(pid, &st) && st.parent > 1; i++) {
		pid = st.parent;
		kern_choose(t->kern, pid, false, false);
	}
}

static int each_pid(struct tracer *t, void (*take)(struct tracer *t, pid_t pid))
{
	DIR *dir = opendir("/proc");
	struct dirent *e;

	if (!dir)
		return fail(-errno, "cannot read /proc: %s", strerror(errno));
	while ((e = readdir(dir))) {
		pid_t pid = procfs_pid_of_name(e->d_name);

		if (pid && pid != getpid())
			take(t, pid);
	}
	closedir(dir);
	return 0;
}

static void take_running(struct tracer *t, pid_t pid)
{
	struct proc_stat st;

	if (host_wants(t, pid) && !procfs_stat(pid, &st) && !st.kernel_thread)
		read_process(t, pid);
}

/* Code is compared before anything is attached. */
static int compare_all(struct tracer *t)
{
	int err = 0;

	for (size_t i = 0; i < t->processes.list.n && err != -ECANCELED; i++)
		err = tracer_compare(t, t->host.files, t->processes.list.at[i]);
	return err == -ECANCELED ? err : 0;
}

int host_add_all(struct tracer *t)
{
	int err;

	t->host.all = true;
	leave_out_own(t);
	err = each_pid(t, take_running);
	if (!err)
		err = compare_all(t);
	if (!err)
		err = host_attach(t);
	t->host.started = true;
	return err;
}

/* --- events */

/* The module of a file that records tell of by these numbers, if it is known and its content is what it was. */
static bool known_module(const struct tracer *t, uint64_t dev, uint64_t ino, uint32_t *module)
{
	const uint64_t *at = u64map_find(&t->host.modules, mix64(mix64(dev) + ino));
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
	if (!m || mapping_kind(ev->name) != MAPPING_FILE || modules_get(&t->modules, m->module)->fd < 0)
		return;
	module = see_file(t, m->module);
	p->maps.at[m - p->maps.at].module = module;
	*u64map_put(&t->host.modules, mix64(mix64(ev->dev) + ev->ino), NULL) = module;
}

static void on_mmap(struct tracer *t, const struct task_event *ev)
{
	struct process *p = processes_find(&t->processes, ev->pid);
	uint32_t module;

	if (!host_wants(t, ev->pid))
		return;
	if (!p || p->exited) {
		/* It was forked, and has not execed. */
		p = read_process(t, ev->pid);
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
}

static void on_end(struct tracer *t, pid_t pid, uint64_t time_ns)
{
	struct process *p = processes_find(&t->processes, pid);

	u64map_remove(&t->host.followed, (uint64_t)pid);
	if (!p || p->exited)
		return;
	if (t->golive)
		golive_exited(t->golive, p);
	process_exit(p, time_ns);
	vec_push(&t->host.gone, pid);
}

/* Not at once: the table of blocks is read whole. */
static void end_blocks(struct tracer *t, pid_t pid, uint64_t time_ns)
{
	if (t->blocks)
		vec_push(&t->host.ended, ((struct ended_process){.pid = pid, .before_ns = time_ns}));
}

/* What the processes of a command have at its end is what its report shows, and most end a moment before it does. */
int host_sweep(struct tracer *t, bool now)
{
	struct host *h = &t->host;
	const uint64_t time_ns = monotonic_ns(), until_ns = time_ns - (t->held_pid ? KEPT_NS : 0);
	size_t n = 0;
	int err;

	if (!h->ended.n || (!now && time_ns - h->swept_ns < SWEEP_NS))
		return 0;
	while (n < h->ended.n && h->ended.at[n].before_ns <= until_ns)
		n++;
	err = n ? collector_end_blocks(t->collector, h->ended.at, n, time_ns) : 0;
	h->ended.n -= n;
	if (h->ended.n)
		memmove(h->ended.at, h->ended.at + n, h->ended.n * sizeof(h->ended.at[0]));
	h->swept_ns = time_ns;
	return err;
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

/* Ends that were missed. */
static void forget_dead(struct tracer *t)
{
	vec_of(pid_t) dead = {0};

	for (size_t i = 0; t->host.followed.slots && i <= t->host.followed.mask; i++)
		if (t->host.followed.used[i] && kill((pid_t)t->host.followed.slots[i].key, 0) && errno == ESRCH)
			vec_push(&dead, (pid_t)t->host.followed.slots[i].key);
	for (size_t i = 0; i < dead.n; i++)
		on_end(t, dead.at[i], monotonic_ns());
	vec_free(&dead);
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
		if (host_wants(t, ev->pid))
			processes_exec(&t->processes, ev->pid, ev->time_ns, ev->name);
		end_blocks(t, ev->pid, ev->time_ns);
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
		if (ev->tid != ev->pid)
			break;
		on_end(t, ev->pid, ev->time_ns);
		end_blocks(t, ev->pid, ev->time_ns);
		break;
	}
}

/* Records were lost: everything is read again. */
static void reread(struct tracer *t)
{
	forget_dead(t);
	each_pid(t, take_running);
	compare_all(t);
}

static void compare_changed(struct tracer *t)
{
	for (size_t i = 0; i < t->host.changed.n; i++) {
		struct process *p = processes_find(&t->processes, t->host.changed.at[i]);

		if (p && !p->exited)
			tracer_compare(t, t->host.files, p);
	}
	t->host.changed.n = 0;
}

void host_after_events(struct tracer *t, bool lost)
{
	kern_members_cgroups(t->kern, takes_cgroup, t);
	if (lost)
		reread(t);
	compare_changed(t);
	host_attach(t);
}

/* Stacks are taken out of the ring before the records of ends: of those that were gone the last time, every stack has
 * its names. */
void host_drop_gone(struct tracer *t)
{
	struct host *h = &t->host;

	for (size_t i = 0; i < h->n_gone; i++) {
		struct process *p = processes_find(&t->processes, h->gone.at[i]);

		/* Its number may be another's by now. */
		if (p && p->exited && p->pid != t->held_pid)
			processes_drop(&t->processes, p);
	}
	h->gone.n -= h->n_gone;
	if (h->gone.n)
		memmove(h->gone.at, h->gone.at + h->n_gone, h->gone.n * sizeof(h->gone.at[0]));
	h->n_gone = h->gone.n;
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
}

bool tracer_is_wide(const struct tracer *t)
{
	return t->wide;
}

double tracer_cpus(const struct tracer *t)
{
	const struct member_counts members = t->wide ? kern_member_counts(t->kern) : (struct member_counts){0};
	size_t n = members.joined > members.ended ? members.joined - members.ended : 0;

	if (t->host.all)
		return (double)sysconf(_SC_NPROCESSORS_ONLN);
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
