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
#include "kern/kmem.h"
#include "kern/members.h"
#include "kern/resident.h"
#include "proc/maps.h"
#include "proc/procfs.h"
#include "proc/timeline.h"
#include "trace/tracer_internal.h"

#define ANCESTORS_MAX 256

static struct process *process_of_record(void *arg, pid_t pid)
{
	return host_process(arg, pid);
}

int host_open(struct tracer *t, const struct kern_options *o)
{
	struct host *h = &t->host;
	const char *why;

	if (!t->kernel && (!t->unwind || !kern_asks_mappings(t->kern)))
		return fail(-ENOTSUP, "tracing processes that come later requires stacks by .eh_frame tables and "
				      "Linux 5.17 (bpf_find_vma)");
	if (t->blocks && !t->kernel && !feature(FEATURE_RETURN_SECCOMP, &why))
		return fail(-ENOTSUP, "live-heap views of processes that come later are not available: this kernel "
				      "kills a process with a seccomp filter (%s); use --view alloc", why);
	h->wide = (struct collector_wide){.process = process_of_record, .task = host_task_of, .arg = t};
	collector_set_wide(t->collector, &h->wide);
	h->cpus = (double)sysconf(_SC_NPROCESSORS_ONLN);
	h->places = places_new(o->places, host_removed_cgroup, t);
	h->everyone = xcalloc(1, sizeof(*h->everyone));
	h->everyone->name = xstrdup("every process");
	h->files = attachments_add(&t->attachments, h->everyone);
	h->files->untold = false;
	if (o->places)
		places_each(h->places, host_tell_cgroup, t);
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
	u64map_free(&h->unseen);
	u64map_free(&h->followed);
	u64map_free(&h->others);
	u64map_free(&h->headless);
	u64map_free(&h->unused);
	vec_free(&h->gone);
	vec_free(&h->tellers);
	vec_free(&h->changed);
	vec_free(&h->ended);
	vec_free(&h->kept);
	vec_free(&h->programs);
}

/* --- files */

/* The module that the file is known as. */
uint32_t host_see_file(struct tracer *t, uint32_t module)
{
	struct host *h = &t->host;
	const struct module *m = modules_get(&t->modules, module);
	struct file_key key;
	uint64_t *as, hash;
	bool is_new;

	if (t->kernel || (m->kind != MODULE_ELF && m->kind != MODULE_VDSO))
		return module;
	as = u64map_put(&h->known_as, module, &is_new);
	/* Its table may have had to make room for others. */
	if (!is_new)
		return unwind_tell(t->unwind, (uint32_t)*as);
	*as = unwind_tell(t->unwind, module);
	/* It took a while, and the ring is not to run over. */
	collector_drain(t->collector);
	module = (uint32_t)*as;
	if (unwind_key(t->unwind, module, &key) && key.ino) {
		hash = host_file_hash(makedev(key.dev >> 20, key.dev & 0xfffff), key.ino);
		*u64map_put(&h->modules, hash, NULL) = module;
		u64map_remove(&h->unseen, hash);
	}
	if (m->kind == MODULE_ELF && !u64map_find(&h->files->by_module, module)) {
		attachment_file(h->files, module);
		h->files->incomplete = true;
	}
	return module;
}

static void see_process(struct tracer *t, struct process *p)
{
	for (size_t i = 0; i < p->maps.n; i++) {
		if (p->maps.at[i].until_ns != UINT64_MAX)
			continue;
		p->maps.at[i].module = host_see_file(t, p->maps.at[i].module);
		host_see_teller(t, p, p->maps.at[i].module);
	}
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
	const struct process *held;
	int err;

	if (!f->plan)
		return 0;
	held = processes_find(&t->processes, t->held_pid);
	if (is_new && ((held && tracer_is_refused(t, held, f, module)) || tracer_refuses_copiers(t, module))) {
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
	attachment_file(a, module)->failed = err != 0;
	if (err && err != -ECANCELED)
		tracer_add_unattached(t, m, 0, err);
	if (!err)
		tracer_end_gap(t, m, 0, attachment_file(a, module));
	return err == -ECANCELED ? err : 0;
}

int host_each_pid(void (*take)(void *arg, pid_t pid), void *arg)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;

	if (!dir)
		return fail(-errno, "cannot read /proc: %s", strerror(errno));
	while ((e = readdir(dir))) {
		pid_t pid = procfs_pid_of_name(e->d_name);

		if (pid && pid != getpid())
			take(arg, pid);
	}
	closedir(dir);
	return 0;
}

static bool is_mapped_from(const struct module *m, const struct maps_line *line)
{
	const char *slash = strrchr(line->path, '/');

	/* Another overlay on the same file has another device. */
	return line->ino == m->ino && (line->dev == m->dev || (slash && !strcmp(slash + 1, module_basename(m))));
}

/* What the line maps, if it is a file that has probes, or is about to get them. */
static void add_file(struct tracer *t, const struct maps_line *line, struct process *p)
{
	const struct attachment *a = t->host.files;

	for (size_t i = 0; i < a->files.n; i++) {
		const uint32_t id = a->files.at[i].module;
		const struct mapping m = {.start = line->start, .end = line->end, .offset = line->offset, .module = id,
					  .until_ns = UINT64_MAX};

		if (is_mapped_from(modules_get(&t->modules, id), line) && a->files.at[i].state != REFUSED &&
		    tracer_file(t, id)->plan)
			vec_push(&p->maps, m);
	}
}

void host_compare_other(struct tracer *t, pid_t pid)
{
	struct process *known = processes_find(&t->processes, pid), p = {.pid = pid};
	struct buf text = {0}, path = {0};
	struct maps_line line;
	const char *at;

	if ((known && !known->exited) || procfs_read(pid, "maps", &text) || !text.len)
		return;
	at = text.data;
	while (maps_next(&at, text.data + text.len, &line, &path))
		if (line.exec && line.ino)
			add_file(t, &line, &p);
	if (p.maps.n) {
		p.name = procfs_comm(pid);
		tracer_compare(t, t->host.files, &p);
		free(p.name);
	}
	vec_free(&p.maps);
	vec_free(&p.copies);
	buf_free(&text);
	buf_free(&path);
}

static void compare_other(void *arg, pid_t pid)
{
	host_compare_other(arg, pid);
}

static bool has_new(struct tracer *t)
{
	const struct attachment *a = t->host.files;

	for (size_t i = 0; i < a->files.n; i++)
		if (a->files.at[i].state == NOT_ATTACHED && tracer_file(t, a->files.at[i].module)->plan)
			return true;
	return false;
}

int host_attach(struct tracer *t)
{
	struct attachment *a = t->host.files;
	int err = 0;

	if (!a->incomplete || t->paused)
		return 0;
	/* Probes are in processes as well that are not traced: their code is not to be harmed either. */
	if (!t->host.all && !t->trusts_code && has_new(t))
		host_each_pid(compare_other, t);
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
	/* No file is asked for anything. */
	if (t->kernel && t->host.all)
		return false;
	return t->host.all || u64map_find(&t->host.followed, (uint64_t)pid);
}

/* Reads what it has mapped. NULL: it is gone, or its mappings can't be read. */
struct process *host_read_process(struct tracer *t, pid_t pid)
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
	if (p) {
		see_process(t, p);
		return p;
	}
	p = host_read_process(t, pid);
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

/* Once there is somebody to be followed, whose files' tables are known. */
static int follow_resident(struct tracer *t)
{
	int err = 0;

	if (!t->resident_begun)
		err = kern_resident_begin(t->kern);
	t->resident_begun |= !err;
	return err ? err : kern_resident_look(t->kern);
}

static int follow_kernel(struct tracer *t)
{
	int err = 0;

	if (!t->kernel_begun)
		err = kern_kmem_begin(t->kern);
	t->kernel_begun |= !err;
	return err;
}

/* What is counted by tracepoints, where that is so. */
static int follow(struct tracer *t)
{
	return t->resident ? follow_resident(t) : t->kernel ? follow_kernel(t) : 0;
}

int host_hold(struct tracer *t, pid_t pid)
{
	const int err = choose(t, pid);

	return err ? err : follow(t);
}

int host_add(struct tracer *t, pid_t pid)
{
	struct process *p;
	int err = choose(t, pid);

	if (!err)
		err = processes_add(&t->processes, pid, &p);
	if (err)
		return err;
	p->chosen = true;
	see_process(t, p);
	err = tracer_compare(t, t->host.files, p);
	if (!err)
		err = host_attach(t);
	if (!err && (t->resident || t->kernel))
		return follow(t);
	return err || has_plan(t, p) ? err : tracer_fail_of_process(t, p);
}

/* Ourselves, with what we start; and what started us. */
static void leave_out_own(struct tracer *t)
{
	struct proc_stat st;
	pid_t pid = getpid();

	kern_choose(t->kern, pid, false, true);
	for (int i = 0; i < ANCESTORS_MAX && !procfs_stat(pid, &st) && st.parent; i++) {
		pid = st.parent;
		kern_choose(t->kern, pid, false, false);
	}
}

static void take_running(void *arg, pid_t pid)
{
	struct tracer *t = arg;
	struct proc_stat st;

	if (host_wants(t, pid) && !procfs_stat(pid, &st) && !st.kernel_thread)
		host_read_process(t, pid);
}

/* Code is compared before anything is attached. */
static int compare_all(struct tracer *t)
{
	int err = 0;

	for (size_t i = 0; i < t->processes.list.n && err != -ECANCELED; i++)
		err = tracer_compare(t, t->host.files, t->processes.list.at[i]);
	return err == -ECANCELED ? err : 0;
}

int host_read_all(struct tracer *t)
{
	const int err = host_each_pid(take_running, t);

	return err ? err : compare_all(t);
}

int host_add_all(struct tracer *t)
{
	int err;

	t->host.all = true;
	leave_out_own(t);
	err = host_read_all(t);
	if (!err)
		err = host_attach(t);
	if (!err)
		err = follow(t);
	t->host.started = true;
	return err;
}
