// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A launched command is stopped where its probes have to be attached (bpf/hold.bpf.c). Each step may fail: the kernel
 * sends no signal, somebody else continues the command, its loader can't be probed. The summary says then that its
 * first calls are not seen.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "kern/returns.h"
#include "proc/procfs.h"
#include "trace/tracer_internal.h"

/* A stop that was asked for comes before the process's next instruction, when it has the CPU. */
#define STOP_WAIT_NS 200000000ULL

int tracer_hold(struct tracer *t, pid_t pid)
{
	/* It will inherit what confines us. */
	int err = (t->blocks || t->maps) && !t->kernel ? returns_check(pid) : 0;

	if (err)
		return err;
	t->held_pid = pid;
	if (t->wide)
		err = host_hold(t, pid);
	return err || t->kernel ? err : kern_hold(t->kern, pid);
}

/* Once in the log, and in the summary. */
static void add_missed(struct tracer *t, const char *why)
{
	char *gap = xasprintf("first calls of process %d: %s", (int)t->held_pid, why);

	warn("%s: not seen until its probes are attached", gap);
	tracer_add_gap(t, gap);
	free(gap);
}

/* By what the dynamic loader calls, for debuggers, when it has mapped the libraries. */
static void hold_loader(struct tracer *t, struct attachment *a, const struct process *p)
{
	for (size_t i = 0; i < p->maps.n; i++) {
		uint32_t id = p->maps.at[i].module;
		const struct module *m = modules_get(&t->modules, id);
		struct traced_file *f = tracer_file(t, id);
		char *why;

		if (p->maps.at[i].until_ns != UINT64_MAX || !f->image || !f->image->loader_hook ||
		    attachment_file(a, id)->hooked)
			continue;
		if (!kern_hold_loader(t->kern, p->pid, module_inode_fd(m), f->image->loader_hook)) {
			attachment_file(a, id)->hooked = true;
			continue;
		}
		why = xasprintf("it cannot be held where %s has mapped its libraries", module_basename(m));
		add_missed(t, why);
		free(why);
	}
}

static size_t live_files(const struct tracer *t, const struct process *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->maps.n; i++)
		n += p->maps.at[i].until_ns == UINT64_MAX &&
		     modules_get(&t->modules, p->maps.at[i].module)->kind == MODULE_ELF;
	return n;
}

static bool is_stopped(pid_t pid)
{
	struct proc_stat st;

	return procfs_stat(pid, &st) || strchr("TtZXx", st.state);
}

/*
 * Stops come in this order, once for each exec: after the exec itself (executable and loader are mapped), before the
 * loader maps libraries (not with musl), after it did. It is done when more files are mapped than at the exec.
 */
static void attach_held(struct tracer *t)
{
	struct attachment *a = attachments_find(&t->attachments, t->held_pid);
	struct process *p;

	tracer_poll(t);
	if (t->wide)
		a = t->host.files;
	if (kern_exec_by_thread(t->kern) && a && !t->wide) {
		tracer_exec_by_thread(t, a);
		/* The loader's probe as well. */
		attachment_reset(a);
	}
	if (processes_add(&t->processes, t->held_pid, &p))
		return;
	if (t->wide) {
		host_see(t, p);
	} else {
		a = attachments_add(&t->attachments, p);
		tracer_attach_new(t, a);
	}
	hold_loader(t, a, p);
	if (t->files_at_exec && live_files(t, p) > t->files_at_exec) {
		kern_hold_loader_done(t->kern);
		t->files_at_exec = 0;
	} else if (!t->files_at_exec) {
		t->files_at_exec = live_files(t, p);
	}
}

/* Why the stop does not come that was asked for; NULL: it still may. */
static const char *why_missed(struct tracer *t)
{
	const uint64_t now = monotonic_ns(), failed = kern_hold_failed(t->kern);

	if (failed != t->hold_failed) {
		t->hold_failed = failed;
		return "the kernel could not stop it";
	}
	if (!t->hold_seen_ns)
		t->hold_seen_ns = now;
	if (now - t->hold_seen_ns < STOP_WAIT_NS || is_stopped(t->held_pid) || procfs_stop_is_pending(t->held_pid))
		return NULL;
	return "it was continued from outside";
}

bool tracer_held(struct tracer *t, bool stopped)
{
	const uint64_t count = kern_hold_count(t->kern);
	const bool is_new = count != t->held, is_ours = stopped && count != t->continued;
	const char *why = NULL;

	if (!stopped && is_new) {
		why = why_missed(t);
		if (!why)
			return false;
		add_missed(t, why);
	}
	if (!is_new && !is_ours)
		return false;
	t->held = t->continued = count;
	t->hold_seen_ns = 0;
	if (is_new)
		attach_held(t);
	/* Somebody else's SIGCONT came before the probes were in. */
	if (is_new && stopped && !is_stopped(t->held_pid))
		add_missed(t, "it was continued from outside");
	return is_ours;
}

void tracer_hold_ended(struct tracer *t)
{
	if (kern_hold_count(t->kern) != t->held)
		add_missed(t, kern_hold_failed(t->kern) != t->hold_failed ? "the kernel could not stop it" :
			   "it was continued from outside");
	t->held = kern_hold_count(t->kern);
}
