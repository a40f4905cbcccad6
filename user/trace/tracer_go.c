// SPDX-License-Identifier: GPL-2.0-or-later
/* Go's runtimes sample their own allocations: where they do, and when their samples take the place of calls. */
#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "base/log.h"
#include "trace/tracer_internal.h"

static bool read_word(pid_t pid, uint64_t addr, uint64_t *out)
{
	struct iovec to = {out, sizeof(*out)}, from = {(void *)(uintptr_t)addr, sizeof(*out)};

	return process_vm_readv(pid, &to, 1, &from, 1, 0) == (ssize_t)sizeof(*out);
}

static bool has_sampler(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_probes; i++)
		if (plan->probes[i].sampler)
			return true;
	return false;
}

/* The first Go program that the process maps: there is one, its executable. NULL: none. */
static const struct plan *go_plan(struct tracer *t, const struct process *p, uint64_t *bias)
{
	for (size_t i = 0; i < p->maps.n; i++) {
		const struct mapping *m = &p->maps.at[i];
		const struct traced_file *f;
		uint64_t vaddr;

		if (m->until_ns != UINT64_MAX || modules_get(&t->modules, m->module)->kind != MODULE_ELF)
			continue;
		f = tracer_file(t, m->module);
		if (!f->plan || !f->plan->go.found || !image_to_vaddr(f->image, m->offset, &vaddr))
			continue;
		*bias = m->start - vaddr;
		return f->plan;
	}
	return NULL;
}

/* Bytes from one sample to the next; 0: it takes none. */
static uint64_t rate_of(const struct process *p, const struct plan *plan, uint64_t bias)
{
	uint64_t rate;

	return has_sampler(plan) && read_word(p->pid, plan->go.rate + bias, &rate) ? rate : 0;
}

bool tracer_go_samples(struct tracer *t)
{
	bool any = false;

	for (size_t i = 0; i < t->processes.list.n; i++) {
		const struct process *p = t->processes.list.at[i];
		uint64_t bias;
		const struct plan *plan = p->exited ? NULL : go_plan(t, p, &bias);

		if (plan && !rate_of(p, plan, bias))
			return false;
		any |= plan != NULL;
	}
	return any;
}

uint64_t tracer_sampler_rate(const struct tracer *t)
{
	return kern_sampler_rate(t->kern);
}

bool tracer_goes_by_samples(const struct tracer *t)
{
	return t->go_by_samples;
}

void tracer_go_by_samples(struct tracer *t)
{
	t->go_by_samples = true;
	kern_go_by_samples(t->kern);
	note("Go's allocations are recorded by the samples of its runtime from now on");
}

static int attach_calls(struct tracer *t, struct attachment *a, uint32_t module)
{
	const struct plan *plan = tracer_file(t, module)->plan;
	const struct module *m = modules_get(&t->modules, module);
	const struct placement *pl = attachment_placement(a, module);

	if (!plan || !plan->go.found || !tracer_has_probes(t, a, module))
		return 0;
	return kern_attach_go(t->kern, a->process->pid, module_inode_fd(m), m->path, (uint16_t)module, plan,
			      pl ? pl->left_out : NULL);
}

int tracer_go_by_calls(struct tracer *t)
{
	int err = 0;

	t->go_by_samples = false;
	for (size_t i = 0; i < t->attachments.list.n && !err; i++) {
		struct attachment *a = t->attachments.list.at[i];

		for (size_t k = 0; a && !a->gone && k < a->files.n && !err; k++)
			err = attach_calls(t, a, a->files.at[k].module);
		/* One that is gone will be noticed. */
		err = err == -ESRCH ? 0 : err;
	}
	kern_go_by_calls(t->kern);
	note("Go's allocations are recorded by calls again: its runtime's samples are too few");
	return err;
}

static void check_sampler(struct tracer *t, const struct process *p)
{
	uint64_t bias;
	const struct plan *plan = go_plan(t, p, &bias);
	char *gap;

	if (!plan || (has_sampler(plan) && rate_of(p, plan, bias)))
		return;
	gap = xasprintf("Go in process %d: its runtime takes no samples%s", (int)p->pid,
			has_sampler(plan) ? " (MemProfileRate is 0)" : "");
	tracer_add_gap(t, gap);
	free(gap);
}

void tracer_check_samplers(struct tracer *t)
{
	for (size_t i = 0; i < t->processes.list.n && t->go_by_samples; i++)
		if (!t->processes.list.at[i]->exited)
			check_sampler(t, t->processes.list.at[i]);
}
