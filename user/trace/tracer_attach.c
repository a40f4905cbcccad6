// SPDX-License-Identifier: GPL-2.0-or-later
/* Probes in the files of the traced processes: put there as files are mapped, and taken out for a while. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "proc/refusing.h"
#include "trace/tracer_internal.h"

/* The address in the process of a vaddr of the mapped file; 0 if that part is not mapped executable. */
static uint64_t mapped_at(const struct process *p, const struct image *im, uint32_t module, uint64_t vaddr)
{
	uint64_t offset;

	if (!image_to_offset(im, vaddr, &offset))
		return 0;
	for (size_t i = 0; i < p->maps.n; i++) {
		const struct mapping *m = &p->maps.at[i];

		if (m->module == module && m->until_ns == UINT64_MAX && offset >= m->offset &&
		    offset - m->offset < m->end - m->start)
			return m->start + (offset - m->offset);
	}
	return 0;
}

bool tracer_has_probes(const struct tracer *t, const struct attachment *a, uint32_t module)
{
	return attachment_state(a, module) == ATTACHED && !t->paused;
}

static void note_probes(const struct module *m, pid_t pid, const struct plan *plan, const struct placement *pl)
{
	char *who = pid ? xasprintf("process %d", (int)pid) : xstrdup("every process");

	for (size_t i = 0; i < plan->n_probes; i++)
		if (!pl || !pl->left_out[i])
			note("%s: %s: %s+%u (%s, %s)", who, m->path, plan->probes[i].name,
			     plan->probes[i].site.offset, plan->probes[i].site.insn,
			     plan->probes[i].site.cost == SITE_EMULATED ? "emulated" : "single-stepped");
	free(who);
}

void tracer_account_probes(struct tracer *t, uint32_t module, pid_t pid, const struct plan *plan,
			   const struct placement *pl)
{
	t->n_probes += plan->n_probes - (pl ? pl->n_left_out : 0);
	/* What steps cost that are few is added (COUNT_STEPPED). */
	for (size_t i = 0; i < plan->n_probes; i++)
		if (plan->probes[i].site.cost > t->cost && !plan->probes[i].maps)
			t->cost = plan->probes[i].site.cost;
	note_probes(modules_get(&t->modules, module), pid, plan, pl);
}

static bool is_settled(const struct attachment *a, uint32_t module)
{
	const enum attached state = attachment_state(a, module);

	return state == ATTACHED || state == REFUSED;
}

static bool is_mapped_file(const struct tracer *t, const struct mapping *m)
{
	return m->until_ns == UINT64_MAX && modules_get(&t->modules, m->module)->kind == MODULE_ELF;
}

/* A file has come in, or its probes are to be put back. */
static bool is_incomplete(struct tracer *t, const struct attachment *a)
{
	const struct process *p = a->process;

	for (size_t i = 0; i < p->maps.n; i++) {
		const struct mapping *m = &p->maps.at[i];

		if (is_mapped_file(t, m) && !is_settled(a, m->module) && tracer_file(t, m->module)->plan)
			return true;
	}
	return false;
}

bool tracer_is_refused(struct tracer *t, const struct process *p, const struct traced_file *f, uint32_t module)
{
	struct refusing_list list = {0};
	size_t refused = 0;

	refusing_read(p->pid, &list);
	for (size_t i = 0; list.n && i < f->plan->n_probes; i++) {
		const struct plan_probe *probe = &f->plan->probes[i];
		const char *why = refusing_at(&list, mapped_at(p, f->image, module, probe->vaddr));
		char *gap;

		if (!why)
			continue;
		refused++;
		gap = xasprintf("%s: its text is %s, where the kernel cannot attach probes",
				module_basename(modules_get(&t->modules, module)), why);
		tracer_add_gap(t, gap);
		free(gap);
	}
	vec_free(&list);
	return refused && refused == f->plan->n_probes;
}

/* The file was written to since: its probes are there, and a second time they would count twice. */
static bool attached_before(const struct tracer *t, const struct attachment *a, uint32_t module)
{
	const struct module *m = modules_get(&t->modules, module);

	for (size_t i = 0; i < a->files.n; i++) {
		const uint32_t id = a->files.at[i].module;
		const struct module *other = modules_get(&t->modules, id);

		if (id < module && other->ino && other->ino == m->ino && other->dev == m->dev &&
		    attachment_has(a, id))
			return true;
	}
	return false;
}

/* Of a message. */
static char *in_process(pid_t pid)
{
	return pid ? xasprintf(" in process %d", (int)pid) : xstrdup("");
}

void tracer_add_unattached(struct tracer *t, const struct module *m, pid_t pid, int err)
{
	char *gap, *where;

	if (err == -ESRCH || err == -ECANCELED)
		return;
	where = in_process(pid);
	gap = xasprintf("%s%s: cannot attach its probes: %s", module_basename(m), where, strerror(-err));
	free(where);
	tracer_add_gap(t, gap);
	free(gap);
}

/* The probes that stay are there again. */
void tracer_end_gap(struct tracer *t, const struct module *m, pid_t pid, struct attached_file *f)
{
	char *gap, *where;

	if (!f->out_since_ns)
		return;
	where = in_process(pid);
	gap = xasprintf("%s%s: calls of %.0f ms, while its probes were replaced (its code was changed)",
			module_basename(m), where, (monotonic_ns() - f->out_since_ns) / 1e6);
	free(where);
	f->out_since_ns = 0;
	note("%s", gap);
	tracer_add_gap(t, gap);
	free(gap);
}

static int attach_file(struct tracer *t, struct attachment *a, uint32_t module)
{
	const struct process *p = a->process;
	const struct module *m = modules_get(&t->modules, module);
	const bool is_new = attachment_state(a, module) == NOT_ATTACHED;
	struct traced_file *f = tracer_file(t, module);
	const struct placement *pl;
	int err;

	if (!f->plan || attached_before(t, a, module))
		return 0;
	if (is_new && (tracer_is_refused(t, p, f, module) || tracer_refuses_copier(t, p, module))) {
		attachment_file(a, module)->state = REFUSED;
		return 0;
	}
	pl = attachment_placement(a, module);
	err = kern_attach(t->kern, p->pid, module_inode_fd(m), m->path, (uint16_t)module, f->plan,
			  pl ? pl->left_out : NULL);
	if (err)
		tracer_add_unattached(t, m, p->pid, err);
	if (!err && is_new)
		tracer_account_probes(t, module, p->pid, f->plan, pl);
	/* A file that refuses is not tried, and complained of, again. */
	attachment_file(a, module)->state = ATTACHED;
	if (!err)
		tracer_end_gap(t, m, p->pid, attachment_file(a, module));
	if (!err && is_new)
		tracer_expect_chosen(t, a, module);
	return err;
}

static int attach_files(struct tracer *t, struct attachment *a)
{
	const struct process *p = a->process;
	int err = 0;

	tracer_look_for_usdt(t, a);
	if (p->maps_changed || is_incomplete(t, a))
		err = tracer_compare(t, a, a->process);
	for (size_t i = 0; i < p->maps.n && !err; i++) {
		if (!is_mapped_file(t, &p->maps.at[i]))
			continue;
		if (kern_is_over(t->kern))
			return -ECANCELED;
		if (!is_settled(a, p->maps.at[i].module))
			err = attach_file(t, a, p->maps.at[i].module);
	}
	return err;
}

int tracer_attach_new(struct tracer *t, struct attachment *a)
{
	int err = 0;

	if (a == t->host.files)
		return host_attach(t);
	if (a->untold && t->unwind)
		unwind_update(t->unwind, a->process, &a->told);
	a->untold = false;
	if (t->paused)
		return 0;
	if (a->incomplete)
		err = attach_files(t, a);
	a->incomplete = err != 0;
	return err || a->by_usdt ? err : tracer_attach_chosen(t, a);
}

/*
 * The thread took the leader's pid, but probes are limited to the task that was the leader. That has no memory any
 * more, and so the new program's gets no breakpoints from them. Those of uprobe_multi must go all the same before there
 * are new ones: at a breakpoint the programs of all links run whose task has the struct signal of the current one
 * (Linux 6.12, same_thread_group() in uprobe_prog_run()), and the dead leader keeps it: calls would count twice. Perf
 * uprobes are never hit again, and may stay: to close several of them takes a second.
 */
void tracer_exec_by_thread(struct tracer *t, struct attachment *a)
{
	if (kern_mode(t->kern) == ATTACH_MULTI)
		kern_detach_process(t->kern, a->process->pid);
	attachment_pause_all(a);
}

void tracer_pause(struct tracer *t)
{
	if (t->paused)
		return;
	t->paused = true;
	kern_detach_probes(t->kern);
	for (size_t i = 0; i < t->attachments.list.n; i++)
		if (t->attachments.list.at[i])
			attachment_pause_all(t->attachments.list.at[i]);
}

int tracer_resume(struct tracer *t)
{
	int err = 0;

	if (!t->paused)
		return 0;
	t->paused = false;
	for (size_t i = 0; i < t->attachments.list.n; i++) {
		struct attachment *a = t->attachments.list.at[i];
		int e = !a || a->gone ? 0 : tracer_attach_new(t, a);

		/* One that is gone will be noticed. */
		if (e && e != -ESRCH && !err)
			err = e;
	}
	return err;
}
