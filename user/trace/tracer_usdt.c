// SPDX-License-Identifier: GPL-2.0-or-later
/* Processes that tell of their own samples (probe/plan_usdt.c): these are recorded instead of every call. */
#include "base/log.h"
#include "trace/tracer_internal.h"

static bool is_in(uint64_t vaddr, uint64_t from, uint64_t size)
{
	return vaddr >= from && vaddr - from < size;
}

/* Of C, a function that is probed or would be, and what passes everything on to one. */
static bool in_c_allocator(const struct plan *plan, uint64_t vaddr)
{
	for (size_t i = 0; i < plan->n_probes; i++)
		if (!plan->probes[i].usdt && is_in(vaddr, plan->probes[i].vaddr, plan->probes[i].size))
			return true;
	for (size_t i = 0; i < plan->n_skips; i++)
		if (is_in(vaddr, plan->skips[i].vaddr, plan->skips[i].size))
			return true;
	return false;
}

bool tracer_in_allocator(struct tracer *t, uint32_t module, uint64_t vaddr)
{
	const struct image *im = modules_get(&t->modules, module)->kind == MODULE_ELF ? tracer_file(t, module)->image :
											NULL;
	const struct plan *plan = im ? im->plan : NULL;

	for (size_t i = 0; plan && i < plan->n_allocator; i++)
		if (vaddr >= plan->allocator[i].from && vaddr < plan->allocator[i].to)
			return true;
	return plan && in_c_allocator(plan, vaddr);
}

bool tracer_replaces(const struct attachment *a, const struct plan_probe *p)
{
	return p->usdt != a->by_usdt && !alloc_function(p->function)->is_go;
}

bool tracer_goes_by_usdt(const struct tracer *t)
{
	return t->by_usdt;
}

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
			c.calls |= !plan->probes[k].usdt && attachment_has(a, m->module);
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
