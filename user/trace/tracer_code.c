// SPDX-License-Identifier: GPL-2.0-or-later
/* Which functions must have no probe in a process, since their code in its memory is not the file's. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "image/ask.h"
#include "kern/livecode.h"
#include "proc/copier.h"
#include "trace/tracer_internal.h"

/* The files of the process that have a plan, each once. The caller frees *out. */
static size_t list_files(struct tracer *t, const struct process *p, struct livecode_file **out)
{
	vec_of(struct livecode_file) files = {0};

	for (size_t i = 0; i < p->maps.n; i++) {
		uint32_t id = p->maps.at[i].module;
		const struct module *m = modules_get(&t->modules, id);
		const struct traced_file *f;
		bool known = false;

		if (p->maps.at[i].until_ns != UINT64_MAX || m->kind != MODULE_ELF)
			continue;
		for (size_t k = 0; k < files.n && !known; k++)
			known = files.at[k].module == id;
		f = tracer_file(t, id);
		if (!known && f->plan)
			vec_push(&files, ((struct livecode_file){.module = id, .plan = f->plan}));
	}
	*out = files.at;
	return files.n;
}

static struct placement *make_placement(struct tracer *t, struct attachment *a, uint32_t module)
{
	return attachment_place(a, module, t->files.at[module].plan->n_probes);
}

const bool *tracer_probes_there(struct tracer *t, struct attachment *a, uint32_t module)
{
	struct placement *pl = make_placement(t, a, module);
	const bool attached = tracer_has_probes(t, a, module);

	for (size_t i = 0; i < t->files.at[module].plan->n_probes; i++)
		pl->ours[i] = attached && !pl->left_out[i];
	return pl->ours;
}

/* running: blocks are followed already; else tracer_add() refuses. */
static void say(struct tracer *t, const struct process *p, const struct livecode_file *f, size_t i, bool running)
{
	const struct plan_probe *pp = &f->plan->probes[i];
	const char *path = modules_get(&t->modules, f->module)->path;

	warn("process %d (%s): %s of %s is not probed%s: its code in memory differs from the file: %s",
	     (int)p->pid, p->name, pp->name, path, t->wide ? " in any process" : "", f->found[i]);
	if (running && t->blocks && placement_spoils_live(pp))
		warn("process %d (%s): blocks freed by %s are considered live from now on", (int)p->pid, p->name,
		     pp->name);
}

bool placement_spoils_live(const struct plan_probe *p)
{
	return p->frees || p->old_reg != SITE_NO_REG;
}

/* found: NULL where nothing is compared. */
static bool is_out(const struct attachment *a, const struct livecode_file *f, size_t i)
{
	return (f->found && f->found[i]) || tracer_replaces(a, &f->plan->probes[i]);
}

/* True if it is not as it was known to be. */
static bool is_news(struct tracer *t, struct attachment *a, const struct livecode_file *f)
{
	const struct placement *pl = make_placement(t, a, f->module);

	/* In a wide run other processes may have what this one has not. */
	for (size_t i = 0; i < f->plan->n_probes; i++) {
		const bool out = is_out(a, f, i);

		if (out != pl->left_out[i] && (out || !t->wide))
			return true;
	}
	return false;
}

static void take_over(struct tracer *t, struct attachment *a, const struct process *p, const struct livecode_file *f)
{
	struct placement *pl = make_placement(t, a, f->module);
	bool changed = false;
	const bool running = attachment_has(a, f->module) || p->pid == t->held_pid;

	if (!is_news(t, a, f))
		return;
	/* Those that stay are put there again at once. Where a hook lies over a breakpoint the kernel leaves it. */
	if (tracer_has_probes(t, a, f->module)) {
		for (size_t i = 0; f->found && i < f->plan->n_probes; i++)
			changed |= f->found[i] && !pl->left_out[i];
		/* Not where samples take over: these go on. */
		if (changed)
			attachment_file(a, f->module)->out_since_ns = monotonic_ns();
		kern_detach_file(t->kern, a->process->pid, (uint16_t)f->module);
		attachment_pause(a, f->module);
	}
	pl->n_left_out = 0;
	for (size_t i = 0; i < f->plan->n_probes; i++) {
		pl->left_out[i] = is_out(a, f, i) || (t->wide && pl->left_out[i]);
		pl->n_left_out += pl->left_out[i];
		if (f->found && f->found[i] && !pl->said[i]) {
			pl->said[i] = true;
			say(t, p, f, i, running);
		}
	}
}

static int compare(struct tracer *t, struct attachment *a, const struct process *p, struct livecode_file *files,
		   size_t n)
{
	livecode_free(files, n);
	for (size_t i = 0; i < n; i++)
		files[i].ours = tracer_probes_there(t, a, files[i].module);
	return livecode_compare(p, &t->modules, files, n);
}

static bool any_news(struct tracer *t, struct attachment *a, const struct livecode_file *files, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_news(t, a, &files[i]))
			return true;
	return false;
}

static int unread(struct tracer *t, const struct process *p)
{
	if (!t->said_unread)
		warn("cannot read the memory of process %d (%s) (CAP_SYS_PTRACE): if a hook or a debugger has changed "
		     "a function, a probe kills the process", (int)p->pid, p->name);
	t->said_unread = true;
	return 0;
}

/* What tells that the process's executable copies its own text; NULL: nothing. */
static const char *copy_sign(const struct module *m, pid_t pid)
{
	const struct image_selfcopy s = image_ask_selfcopy(m->fd, m->path);

	return s.if_told && !copier_is_told(pid) ? NULL : s.sign;
}

bool tracer_refuses_copier(struct tracer *t, const struct process *p, uint32_t module)
{
	const struct module *m = modules_get(&t->modules, module);
	const bool over = copier_is_over(m->ino, p->pid);
	const char *sign = over || t->force || !copier_is_executable(m->fd, p->pid) ? NULL :
		copy_sign(m, p->pid);

	if (!sign && !over)
		return false;
	t->refused = true;
	if (over)
		return fail(-ENOTSUP, "process %d (%s) has copied the text of %s into anonymous memory: the kernel "
				      "cannot attach probes there", (int)p->pid, p->name, m->path) != 0;
	fail(-ENOTSUP, "process %d (%s): its allocator is in its own text, which it seems to copy (%s): a copied probe "
		       "would kill it by SIGTRAP; attach after it has done so, or use --force", (int)p->pid,
	     p->name, sign);
	return true;
}

/* Processes to come may be told to, too. */
bool tracer_refuses_copiers(struct tracer *t, uint32_t module)
{
	const struct module *m = modules_get(&t->modules, module);
	const char *sign = t->force ? NULL : image_ask_selfcopy(m->fd, m->path).sign;
	char *gap;

	if (!sign)
		return false;
	gap = xasprintf("%s: its allocator is in its own text, which it seems to copy (%s): a copied probe would kill "
			"it", module_basename(m), sign);
	tracer_add_gap(t, gap);
	free(gap);
	return true;
}

int tracer_compare(struct tracer *t, struct attachment *a, struct process *p)
{
	struct livecode_file *files;
	size_t n;
	int err;

	p->maps_changed = false;
	n = list_files(t, p, &files);
	err = n && !t->trusts_code ? compare(t, a, p, files, n) : 0;
	/* A file that was unmapped is known of only by reading; something else may be there now. */
	if (!err && !t->trusts_code && any_news(t, a, files, n)) {
		err = process_read_maps(&t->processes, p, monotonic_ns());
		if (!err) {
			livecode_free(files, n);
			free(files);
			n = list_files(t, p, &files);
			err = n ? compare(t, a, p, files, n) : 0;
		}
	}
	/* Where nothing could be compared, samples take over all the same. */
	for (size_t i = 0; i < n && (!err || (err == -EPERM && a->by_usdt)); i++)
		take_over(t, a, p, &files[i]);
	livecode_free(files, n);
	free(files);
	return err == -EPERM ? unread(t, p) : err;
}
