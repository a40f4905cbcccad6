// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/tracer_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "kern/kmem.h"
#include "kern/resident.h"
#include "kern/returns.h"
#include "proc/events.h"
#include "trace/cleaner.h"
#include "trace/collector.h"
#include "trace/kept.h"

struct traced_file *tracer_file(struct tracer *t, uint32_t module)
{
	const struct module *m = modules_get(&t->modules, module);
	struct traced_file *f;

	while (t->files.n <= module)
		vec_push(&t->files, (struct traced_file){0});
	f = &t->files.at[module];
	if (f->tried)
		return f;
	f->tried = true;
	if (m->kind == MODULE_ELF && m->fd >= 0)
		tracer_read_file(t, m, f);
	return f;
}

static uint64_t to_vaddr(void *arg, uint32_t module, uint64_t file_offset)
{
	struct traced_file *f = tracer_file(arg, module);
	uint64_t vaddr;

	return f->image && image_to_vaddr(f->image, file_offset, &vaddr) ? vaddr : file_offset;
}

static bool is_allocator(void *arg, uint32_t module, uint64_t vaddr)
{
	return tracer_in_allocator(arg, module, vaddr);
}

static enum map_owner map_owner(void *arg, uint32_t module, uint64_t vaddr)
{
	return tracer_map_owner(arg, module, vaddr);
}

static bool site_of(void *arg, uint32_t module, uint32_t probe, uint64_t *vaddr)
{
	struct tracer *t = arg;
	const struct plan *plan = tracer_file(t, module)->plan;
	uint32_t first;

	if (!plan || !kern_first_probe(t->kern, plan, &first) || probe - first >= plan->n_probes)
		return false;
	*vaddr = plan->probes[probe - first].vaddr + plan->probes[probe - first].site.offset;
	return true;
}

static struct image *image_of(void *arg, uint32_t module)
{
	return tracer_file(arg, module)->image;
}

int tracer_open(const struct kern_options *o, struct tracer **out)
{
	struct tracer *t = xcalloc(1, sizeof(*t));
	const char *why;
	int err;

	t->blocks = o->blocks;
	t->maps = o->maps;
	t->wide = o->wide;
	t->resident = o->resident;
	t->kernel = o->kernel;
	t->host.follow = o->follow;
	t->host.by_process = o->by_process || o->by_thread;
	t->host.by_thread = o->by_thread;
	t->by_label = o->by_label;
	t->force = o->force;
	t->trusts_code = o->trusts_code;
	t->plan_flags = (feature(FEATURE_NOPS, NULL) ? PLAN_NOPS : 0) | (o->blocks ? PLAN_BLOCKS : 0) |
			(o->no_go_probes || o->go_source == GO_SAMPLES ? PLAN_NO_GO : 0) |
			(!o->no_go_probes && o->go_source != GO_CALLS ? PLAN_GO_SAMPLER : 0) |
			(kern_uses_usdt(o) ? PLAN_USDT | (o->wide ? PLAN_USDT_ALONE : 0) : 0) |
			(o->maps ? PLAN_MAPS : 0) |
			(o->no_heap ? PLAN_NO_HEAP | PLAN_NO_GO : 0) |
			(o->by_goroutine || o->by_label || o->creators ? PLAN_GOROUTINES : 0);
	t->go_by_samples = o->go_source == GO_SAMPLES;
	t->not_of_go = o->peak ? "peak" : o->temp ? "temp" : o->lifetimes ? "lifetimes" : NULL;
	modules_init(&t->modules);
	processes_init(&t->processes, &t->modules);
	for (size_t i = 0; i < ALLOC_MAX_FUNCTIONS; i++)
		t->function_names[i] = o->resident ? kern_touched_name((uint32_t)i) :
				       o->kernel ? kern_kmem_name((uint32_t)i) :
				       alloc_function(i) ? alloc_function(i)->shown : "";
	profile_init(&t->profile, &t->modules, t->function_names, ALLOC_MAX_FUNCTIONS);
	if (o->go_records)
		t->golive = golive_new(&t->processes, &t->profile, image_of, t);
	err = kern_open(o, &t->kern);
	if (!err)
		err = task_events_open(!o->kernel, &t->events);
	if (err) {
		tracer_close(t);
		return err;
	}
	if ((o->blocks || o->maps) && !o->kernel && !feature(FEATURE_RETURN_SECCOMP, &why))
		warn("this kernel kills a process that installs a seccomp filter while %s trace%s it: %s",
		     o->blocks ? "live-heap views" : "--mmap", o->blocks ? "" : "s", why);
	if (o->maps && !kern_unwinds_by_tables(t->kern)) {
		tracer_close(t);
		return fail(-ENOTSUP, "--mmap requires stacks by .eh_frame tables, which tell what an allocator maps");
	}
	if (kern_unwinds_by_tables(t->kern))
		t->unwind = unwind_new(t->kern, &t->modules, t->wide ? NULL : image_of, t);
	t->cleaner = cleaner_new(t->kern);
	t->collector = collector_new(t->kern, &t->processes, &t->profile, o->by_thread, to_vaddr, is_allocator,
				     site_of, t);
	collector_set_unwind(t->collector, t->unwind, o->max_frames);
	if (o->maps)
		collector_follow_maps(t->collector, map_owner);
	if (o->by_label)
		collector_set_by_label(t->collector);
	if (t->wide)
		err = host_open(t, o);
	t->kept = kept_new(&t->modules, image_of, t);
	collector_set_kept(t->collector, t->kept);
	note("kernel memory: %zu MiB plus up to %u stacks; attached by %s; stacks are read %s",
	     kern_memory(t->kern) >> 20, o->max_stacks, attach_mode_name(kern_mode(t->kern)),
	     kern_reads_in_place(t->kern) ? "in place" : "by copies");
	if (err) {
		tracer_close(t);
		return err;
	}
	*out = t;
	return 0;
}

void tracer_close(struct tracer *t)
{
	if (!t)
		return;
	cleaner_free(t->cleaner);
	collector_free(t->collector);
	golive_free(t->golive);
	kept_free(t->kept);
	task_events_close(t->events);
	unwind_free(t->unwind);
	kern_close(t->kern);
	for (size_t i = 0; i < t->files.n; i++)
		image_free(t->files.at[i].image);
	vec_free(&t->files);
	attachments_free(&t->attachments);
	host_free(t);
	forked_free(&t->forked);
	sharers_free(&t->sharers);
	profile_free(&t->profile);
	processes_free(&t->processes);
	modules_free(&t->modules);
	tracer_free_gaps(t);
	tracer_free_chosen(t);
	free(t);
}

/* A uprobe_multi link does not count for it (sharing.h). */
static void on_sharer(struct tracer *t, const struct task_event *ev)
{
	if (kern_mode(t->kern) != ATTACH_MULTI)
		return;
	note("process %d shares the memory of process %d: its allocations are seen only with --attach perf",
	     (int)ev->pid, (int)ev->parent);
	if (sharer_is_lasting(ev->parent, ev->parent_tid, ev->pid))
		tracer_add_gap(t, "processes that share the target's memory (clone with CLONE_VM): use --attach perf");
}

static void on_fork(struct tracer *t, const struct task_event *ev)
{
	const struct forked *parent = forked_find(&t->forked, ev->parent);
	const struct process *p = processes_find(&t->processes, ev->parent);
	const pid_t owner = sharers_owner(&t->sharers, ev->parent);

	/* It runs on the parent's breakpoints, and goes with its memory. */
	if (sharers_fork(&t->sharers, ev->parent, p && !p->exited, ev->pid)) {
		on_sharer(t, ev);
		return;
	}
	if (parent)
		forked_add(&t->forked, ev->pid, parent->traced, ev->time_ns);
	else if (p && !p->exited)
		forked_add(&t->forked, ev->pid, ev->parent, ev->time_ns);
	else if (owner)
		forked_add(&t->forked, ev->pid, owner, ev->time_ns);
}

/* The child may have the breakpoints of each file that its parent is probed in. */
static void must_clean(struct tracer *t, const struct forked *f, struct clean_sets *sets)
{
	struct attachment *parent = attachments_find(&t->attachments, f->traced);
	struct clean_set *set;
	bool is_new;

	if (!parent)
		return;
	set = clean_set_of(sets, parent->process, &is_new);
	for (size_t i = 0; is_new && i < parent->files.n; i++) {
		const uint32_t m = parent->files.at[i].module;

		if (t->files.at[m].plan && attachment_has(parent, m))
			clean_set_file(set, m, t->files.at[m].plan, tracer_probes_there(t, parent, m));
	}
	vec_push(&set->pids, f->pid);
}

/* While the last ones are cleaned, others wait. */
static void clean_forked(struct tracer *t)
{
	struct clean_sets sets = {0};
	uint64_t now = monotonic_ns();
	struct forked f;

	if (!cleaner_is_free(t->cleaner))
		return;
	while (forked_take(&t->forked, now, &f)) {
		/* Taking the probes out has cleaned everybody who had a copy. */
		if (t->paused || kern_is_over(t->kern))
			continue;
		note("process %d, forked by %d, is not traced: removing its copies of the probes", (int)f.pid,
		     (int)f.traced);
		must_clean(t, &f, &sets);
	}
	if (sets.all.n)
		cleaner_start(t->cleaner, &sets, &t->modules);
}

static void end_blocks(struct tracer *t, pid_t pid, uint64_t time_ns)
{
	const struct ended_process ended = {.pid = pid, .before_ns = time_ns};

	collector_end_blocks(t->collector, &ended, 1, time_ns);
}

static void on_event(void *arg, const struct task_event *ev)
{
	struct tracer *t = arg;
	struct attachment *a = attachments_find(&t->attachments, ev->pid);
	struct process *p = a ? a->process : NULL;
	struct left_space left;

	if (t->wide) {
		host_event(t, ev);
		return;
	}
	if (ev->kind == TASK_FORK)
		on_fork(t, ev);
	if (!p) {
		if (ev->kind == TASK_EXEC || (ev->kind == TASK_EXIT && ev->tid == ev->pid)) {
			forked_drop(&t->forked, ev->pid);
			if (sharers_gone(&t->sharers, ev->pid, &left))
				end_blocks(t, left.owner, left.time_ns);
		}
		return;
	}
	switch (ev->kind) {
	case TASK_MMAP:
		process_mmap(&t->processes, p, ev->time_ns, ev->start, ev->len, ev->offset, ev->dev, ev->ino, ev->name);
		attachment_mark(a);
		break;
	case TASK_EXEC:
		process_exec(p, ev->time_ns, ev->name);
		attachment_mark(a);
		tracer_forget_chosen(a);
		if (sharers_leave(&t->sharers, p->pid, ev->time_ns))
			end_blocks(t, p->pid, ev->time_ns);
		if (p->pid == t->held_pid)
			t->files_at_exec = 0;	/* tracer_held() does the rest */
		else if (p->leader_exited)
			tracer_exec_by_thread(t, a);
		p->leader_exited = false;
		break;
	case TASK_RENAME:
		if (ev->tid == ev->pid)
			process_rename(p, ev->name);
		break;
	case TASK_EXIT:
		if (ev->tid == ev->pid)
			p->leader_exited = true;
		break;
	case TASK_FORK:
		break;
	}
}

/* What was mapped since, or was not found. all: events were lost. */
static void update(struct tracer *t, struct attachment *a, bool all)
{
	if (all) {
		process_read_maps(&t->processes, a->process, monotonic_ns());
		attachment_mark(a);
	}
	/* What a resolver chooses comes without an event. */
	if (a->untold || a->incomplete || a->pending.n)
		tracer_attach_new(t, a);
}

/* Every stack of these processes has its names, and of the children that have their probes none is left to be cleaned:
 * what was mapped where is not asked for any more. */
static void free_gone(struct tracer *t)
{
	for (size_t i = 0; i < t->attachments.list.n; i++) {
		struct attachment *a = t->attachments.list.at[i];

		if (!a || !a->gone || forked_any_of(&t->forked, a->process->pid))
			continue;
		process_forget(a->process);
		attachments_drop(&t->attachments, i);
	}
}

/*
 * In this order: frames are taken out first and named last, so that the events before them are known. What was mapped
 * since may hold an allocator.
 */
int tracer_poll(struct tracer *t)
{
	int err = collector_drain(t->collector);
	uint64_t lost;

	if (err)
		return err;
	lost = task_events_poll(t->events, on_event, t);
	if (t->wide) {
		host_after_events(t, lost != 0);
		collector_resolve(t->collector);
		host_drop_gone(t);
		host_release(t);
		return host_sweep(t, false);
	}
	for (size_t i = 0; i < t->attachments.list.n; i++) {
		struct attachment *a = t->attachments.list.at[i];

		if (a && !a->gone)
			update(t, a, lost != 0);
	}
	collector_resolve(t->collector);
	clean_forked(t);
	free_gone(t);
	return 0;
}

int tracer_events_fd(const struct tracer *t)
{
	return task_events_fd(t->events);
}

int tracer_frames_fd(const struct tracer *t)
{
	return kern_frames_fd(t->kern);
}

void tracer_before_reap(struct tracer *t)
{
	struct process *p = processes_find(&t->processes, t->held_pid);

	if (p && !p->exited)
		process_read_rights(p);
}

struct rights tracer_rights(struct tracer *t)
{
	/* Of whoever runs on the host. */
	if (t->host.all)
		return (struct rights){.known = false};
	return processes_rights(&t->processes);
}

void tracer_exited(struct tracer *t, pid_t pid)
{
	struct attachment *a = attachments_find(&t->attachments, pid);
	struct process *p = a ? a->process : NULL;

	if (t->unwind && a)
		unwind_forget(t->unwind, &a->told);
	if (pid == t->held_pid)
		tracer_hold_ended(t);
	if (t->wide || !p || p->exited)
		return;
	if (pid != t->held_pid)
		process_read_rights(p);
	if (t->golive)
		golive_exited(t->golive, p);
	process_exit(p, monotonic_ns());
	a->gone = true;
	/* Of the last one, what it had in the end is what the report shows. */
	for (size_t i = 0; i < t->processes.list.n; i++)
		if (!t->processes.list.at[i]->exited) {
			if (sharers_leave(&t->sharers, pid, monotonic_ns()))
				end_blocks(t, pid, monotonic_ns());
			break;
		}
}

void tracer_detach(struct tracer *t)
{
	if (t->unwind) {
		struct unwind_usage use = unwind_usage(t->unwind);

		note("unwind tables of %zu files: %zu rows, %zu KiB in %zu KiB of kernel memory; no room for "
		     "%zu files", use.tables, use.rows, use.table_bytes >> 10, use.kernel_bytes >> 10,
		     use.without_room);
		note("mappings: %zu files known to the BPF side, %zu KiB of kernel memory; no room for %zu "
		     "parts of code", use.files, use.file_bytes >> 10, use.parts_untold);
	}
	cleaner_stop(t->cleaner);
	if (t->resident || t->kernel)
		kern_stop(t->kern);
	if (t->resident)
		kern_resident_look(t->kern);
	kern_detach(t->kern);
}

int tracer_collect(struct tracer *t, const struct collect_options *o)
{
	int err = tracer_poll(t);

	if (!err && t->wide)
		err = host_sweep(t, true);
	if (!err && t->resident && !kern_is_over(t->kern))
		err = kern_resident_look(t->kern);
	if (!err)
		err = collector_sums(t->collector, o);
	if (!err && t->golive)
		t->go_sums = golive_add(t->golive);
	if (!err)
		tracer_check_samplers(t);
	return err;
}

struct golive_sums tracer_go(const struct tracer *t)
{
	return t->go_sums;
}

bool tracer_has_go(const struct tracer *t)
{
	const char *why = NULL;

	for (size_t i = 0; t->golive && i < t->processes.list.n; i++)
		if (!t->processes.list.at[i]->exited && golive_is_go(t->golive, t->processes.list.at[i], &why) && !why)
			return true;
	return false;
}

struct profile *tracer_profile(struct tracer *t)
{
	return &t->profile;
}

const struct modules *tracer_modules(const struct tracer *t)
{
	return &t->modules;
}

const struct processes *tracer_processes(const struct tracer *t)
{
	return &t->processes;
}

bool tracer_refused(const struct tracer *t)
{
	return t->refused;
}

size_t tracer_probes(const struct tracer *t)
{
	return t->n_probes;
}

bool tracer_saw_32bit(const struct tracer *t)
{
	for (size_t i = 0; i < t->files.n; i++)
		if (t->files.at[i].image && t->files.at[i].image->is_32bit)
			return true;
	return false;
}

uint64_t tracer_lost_frames(const struct tracer *t)
{
	return collector_lost(t->collector);
}

uint64_t tracer_lost_room(const struct tracer *t)
{
	return collector_lost_room(t->collector);
}

double tracer_mean_depth(const struct tracer *t)
{
	return collector_mean_depth(t->collector);
}
