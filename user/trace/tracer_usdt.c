// SPDX-License-Identifier: GPL-2.0-or-later
/* Processes that tell of their own samples (probe/plan_usdt.c): these are recorded instead of every call. */
#include "base/clock.h"
#include "base/log.h"
#include "kern/members.h"
#include "trace/tracer_internal.h"

static bool is_in(uint64_t vaddr, uint64_t from, uint64_t size)
{
	return vaddr >= from && vaddr - from < size;
}

/* Of C, a function that is probed or would be, and what passes everything on to one. */
static bool in_c_allocator(const struct plan *plan, uint64_t vaddr)
{
	for (size_t i = 0; i < plan->n_probes; i++)
		if (!plan->probes[i].usdt && !plan->probes[i].maps &&
		    is_in(vaddr, plan->probes[i].vaddr, plan->probes[i].size))
			return true;
	for (size_t i = 0; i < plan->n_skips; i++)
		if (!alloc_function(plan->skips[i].function)->maps &&
		    is_in(vaddr, plan->skips[i].vaddr, plan->skips[i].size))
			return true;
	return false;
}

static const struct plan *plan_of(struct tracer *t, uint32_t module)
{
	const struct image *im = modules_get(&t->modules, module)->kind == MODULE_ELF ? tracer_file(t, module)->image :
											NULL;
	return im ? im->plan : NULL;
}

bool tracer_in_allocator(struct tracer *t, uint32_t module, uint64_t vaddr)
{
	const struct plan *plan = plan_of(t, module);

	for (size_t i = 0; plan && i < plan->n_allocator; i++)
		if (vaddr >= plan->allocator[i].from && vaddr < plan->allocator[i].to)
			return true;
	return plan && in_c_allocator(plan, vaddr);
}

enum map_owner tracer_map_owner(struct tracer *t, uint32_t module, uint64_t vaddr)
{
	const struct plan *plan = plan_of(t, module);
	bool thread;

	for (size_t i = 0; plan && i < plan->n_probes; i++)
		if (plan->probes[i].maps && is_in(vaddr, plan->probes[i].vaddr, plan->probes[i].size))
			return MAP_OF_ANOTHER;
	if (!plan)
		return MAP_OF_PROGRAM;
	if (tracer_in_allocator(t, module, vaddr))
		return MAP_OF_ALLOCATOR;
	thread = is_in(vaddr, plan->threads.from, plan->threads.to - plan->threads.from);
	if (plan->is_allocator)
		return thread ? MAP_OF_THREAD : MAP_OF_ITS_LIBRARY;
	return plan->has_malloc && !thread ? MAP_OF_LIBC : MAP_OF_PROGRAM;
}

bool tracer_replaces(const struct attachment *a, const struct plan_probe *p)
{
	/* Where both are in the file, the BPF side decides by process. */
	if (!a->process->pid)
		return false;
	return p->usdt != a->by_usdt && !p->maps && !alloc_function(p->function)->is_go;
}

bool tracer_goes_by_usdt(const struct tracer *t)
{
	return t->by_usdt;
}

/* --- wide runs */

/* 1: samples of the file are recorded; 0: it has no probes yet; negative: it tells of none, or not of all. */
static int file_tells(struct tracer *t, uint32_t module)
{
	const struct attachment *a = t->host.files;
	const struct plan *plan = tracer_file(t, module)->plan;
	const struct placement *pl = attachment_placement(a, module);
	int tells = -1;

	for (size_t i = 0; plan && i < plan->n_probes; i++) {
		if (plan->probes[i].usdt && pl && pl->left_out[i])
			return -1;
		if (plan->probes[i].usdt)
			tells = 1;
	}
	if (tells < 0 || attachment_state(a, module) == REFUSED || attachment_failed(a, module))
		return -1;
	return attachment_state(a, module) == ATTACHED;
}

void host_see_teller(struct tracer *t, struct process *p, uint32_t module)
{
	if (p->tells || !(t->plan_flags & PLAN_USDT) || modules_get(&t->modules, module)->kind != MODULE_ELF ||
	    file_tells(t, module) < 0)
		return;
	p->tells = true;
	vec_push(&t->host.tellers, p->pid);
}

static bool is_unfit(struct tracer *t, uint32_t module)
{
	const struct image *im = tracer_file(t, module)->image;

	return im && im->plan && im->plan->usdt_unfit;
}

/* 1, 0 and negative as file_tells(), of all that it has mapped now. */
static int process_tells(struct tracer *t, struct process *p)
{
	int tells = -1;

	if (process_read_maps(&t->processes, p, monotonic_ns()))
		return -1;
	for (size_t i = 0; i < p->maps.n; i++) {
		struct mapping *m = &p->maps.at[i];
		int its;

		if (m->until_ns != UINT64_MAX)
			continue;
		m->module = host_see_file(t, m->module);
		if (modules_get(&t->modules, m->module)->kind != MODULE_ELF)
			continue;
		if (is_unfit(t, m->module))
			return -1;
		its = file_tells(t, m->module);
		tells = its > tells ? its : tells;
	}
	return tells;
}

/* Its mappings are read after it was said: an exec in between takes it back by itself, and one before is seen. */
static int set_teller(struct tracer *t, struct process *p)
{
	int tells;

	if (kern_set_teller(t->kern, p->pid, true))
		return -1;
	tells = process_tells(t, p);
	if (tells < 1)
		kern_set_teller(t->kern, p->pid, false);
	p->tells = tells >= 0;
	if (tells < 1)
		return tells;
	note("process %d: its own samples (otel_memory) are recorded instead of every call", (int)p->pid);
	t->by_usdt = true;
	return tells;
}

void host_set_tellers(struct tracer *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->host.tellers.n && !t->paused; i++) {
		const pid_t pid = t->host.tellers.at[i];
		struct process *p = processes_find(&t->processes, pid);

		if (p && !p->exited && !set_teller(t, p))
			t->host.tellers.at[kept++] = pid;
	}
	if (!t->paused)
		t->host.tellers.n = kept;
}

/* --- chosen processes */

/* What a process has mapped. */
struct carried {
	bool alloc, free;	/* probes on samples, and on their frees */
	bool calls;		/* a file whose calls are recorded already */
	bool unfit;		/* samples that can't be recorded */
};

static struct carried look(struct tracer *t, const struct attachment *a)
{
	const struct process *p = a->process;
	struct carried c = {0};

	for (size_t i = 0; i < p->maps.n; i++) {
		const struct mapping *m = &p->maps.at[i];
		const struct traced_file *f;
		const struct plan *plan;

		if (m->until_ns != UINT64_MAX || modules_get(&t->modules, m->module)->kind != MODULE_ELF)
			continue;
		f = tracer_file(t, m->module);
		plan = f->image ? f->image->plan : NULL;
		c.unfit |= plan && plan->usdt_unfit;
		for (size_t k = 0; plan && k < plan->n_probes; k++) {
			c.alloc |= plan->probes[k].usdt && !plan->probes[k].frees;
			c.free |= plan->probes[k].usdt && plan->probes[k].frees;
			c.calls |= !plan->probes[k].usdt && !plan->probes[k].maps && attachment_has(a, m->module);
		}
	}
	return c;
}

void tracer_look_for_usdt(struct tracer *t, struct attachment *a)
{
	const char *why = NULL;
	struct carried c;

	if (a->by_usdt || !(t->plan_flags & PLAN_USDT))
		return;
	c = look(t, a);
	if (!c.alloc && !c.unfit)
		return;
	if (c.unfit)
		why = "not all of its probes can be used";
	else if (t->blocks && !c.free)
		why = "it does not tell of frees";
	/* The blocks that were recorded would never be seen to be freed. */
	else if (t->blocks && c.calls)
		why = "its blocks are followed by calls already";
	if (why) {
		if (!a->usdt_refused)
			note("process %d: its own samples (otel_memory) are not used: %s", (int)a->process->pid, why);
		a->usdt_refused = true;
		return;
	}
	note("process %d: its own samples (otel_memory) are recorded instead of every call", (int)a->process->pid);
	a->by_usdt = t->by_usdt = true;
	/* What is attached is to be left out from now on. */
	a->process->maps_changed = true;
}
