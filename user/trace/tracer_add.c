// SPDX-License-Identifier: GPL-2.0-or-later
/* A process is added to what is traced; or can't be, and why. */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "kern/returns.h"
#include "trace/tracer_internal.h"

/* Functions that were found and left out, over all files of the process; *spoils: one without which what is live
 * cannot be determined. */
static size_t left_out(const struct tracer *t, const struct attachment *a, const char **spoils)
{
	size_t n = 0;

	for (size_t k = 0; k < a->files.n; k++) {
		const struct plan *plan = t->files.at[a->files.at[k].module].plan;
		const struct placement *pl = plan ? a->files.at[k].placement : NULL;

		for (size_t i = 0; pl && i < plan->n_probes; i++) {
			if (!pl->left_out[i] || tracer_replaces(a, &plan->probes[i]))
				continue;
			n++;
			if (placement_spoils_live(&plan->probes[i]))
				*spoils = plan->probes[i].name;
		}
	}
	return n;
}

int tracer_fail_without_probes(const struct tracer *t, const char *who)
{
	struct buf gaps = {0};

	tracer_gaps(t, &gaps);
	if (gaps.len)
		fail(-ENOENT, "%s: no allocator function can be traced: %s", who, gaps.data);
	else
		fail(-ENOENT, "%s: no allocator function (malloc, calloc, operator new, ...) found in its mapped "
			      "files: it is static and stripped, or has an allocator of its own; use --alloc-fn to "
			      "name a C function", who);
	buf_free(&gaps);
	return -ENOENT;
}

int tracer_fail_of_process(const struct tracer *t, const struct process *p)
{
	char *who = xasprintf("process %d (%s)", (int)p->pid, p->name);
	const char *why = NULL;
	int err;

	if (t->golive && golive_is_go(t->golive, p, &why))
		err = why ? fail(-ENOTSUP, "%s: live blocks of Go: %s", who, why) : 0;
	else
		err = tracer_fail_without_probes(t, who);
	free(who);
	return err;
}

/* What was begun for a process that can't be traced. */
static void undo_add(struct tracer *t, pid_t pid, size_t n_probes)
{
	for (size_t i = 0; i < t->attachments.list.n; i++) {
		struct attachment *a = t->attachments.list.at[i];

		if (!a || a->process->pid != pid)
			continue;
		if (t->unwind)
			unwind_forget(t->unwind, &a->told);
		attachments_drop(&t->attachments, i);
	}
	kern_detach_process(t->kern, pid);
	processes_remove(&t->processes, pid);
	t->n_probes = n_probes;
}

static int add(struct tracer *t, pid_t pid)
{
	struct attachment *a;
	const char *spoils = NULL;
	struct process *p;
	size_t before = t->n_probes;
	int err = t->blocks || t->maps ? returns_check(pid) : 0;

	if (err)
		return err;
	err = processes_add(&t->processes, pid, &p);
	if (err)
		return err;
	a = attachments_add(&t->attachments, p);
	err = tracer_attach_new(t, a);
	if (err == -ESRCH)
		return fail(err, "process %d has exited", (int)pid);
	if (err)
		return err;
	if (t->refused && t->n_probes == before)
		return -ENOTSUP;
	if (left_out(t, a, &spoils) && t->n_probes == before)
		return fail(-ENOENT, "process %d (%s): no allocator function can be probed safely", (int)pid,
			    p->name);
	if (t->blocks && spoils)
		return fail(-ENOTSUP, "process %d (%s): live-heap views require a probe on %s; use --view alloc",
			    (int)pid, p->name, spoils);
	return t->n_probes == before ? tracer_fail_of_process(t, p) : 0;
}

int tracer_add(struct tracer *t, pid_t pid)
{
	const size_t before = t->n_probes;
	int err;

	t->refused = false;
	if (t->wide)
		return host_add(t, pid);
	err = add(t, pid);
	if (err)
		undo_add(t, pid, before);
	return err;
}

int tracer_add_all(struct tracer *t)
{
	return host_add_all(t);
}
