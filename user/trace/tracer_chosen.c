// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a resolver (STT_GNU_IFUNC) has chosen in a process: it stands in the slots that relocations fill, in the file
 * itself or in those that import the function. A slot that is bound lazily leads to its file's PLT until the first call
 * goes through it; such slots are looked at again. What the resolver's own code tells is probed already (plan_ifunc.c);
 * this is for those that choose by a table, or by a pointer.
 */
#include <stdlib.h>
#include <sys/uio.h>

#include "base/log.h"
#include "image/ask.h"
#include "kern/livecode.h"
#include "trace/tracer_internal.h"

#define SLOTS_MAX 16	/* of one function in one file */
#define PENDING_MAX 256	/* in one process */

static bool is_live(const struct mapping *m)
{
	return m->until_ns == UINT64_MAX;
}

/* What is added to the file's vaddrs where it is mapped so. */
static bool load_bias(const struct image *im, const struct mapping *m, uint64_t *bias)
{
	const struct elf_segment *s = im->segments;

	for (size_t i = 0; i < im->n_segments; i++) {
		uint64_t at = s[i].offset > m->offset ? s[i].offset : m->offset;

		if (!(s[i].flags & 1) || at - m->offset >= m->end - m->start || at - s[i].offset >= s[i].filesz)
			continue;
		*bias = m->start + (at - m->offset) - (s[i].vaddr + (at - s[i].offset));
		return true;
	}
	return false;
}

static void add_slots(struct tracer *t, struct attachment *a, const struct mapping *m, uint32_t module,
		      const struct plan_ifunc *f)
{
	const struct image *im = tracer_file(t, m->module)->image;
	const struct module *mod = modules_get(&t->modules, m->module);
	uint64_t slots[SLOTS_MAX], bias;
	size_t n;

	if (!im || !load_bias(im, m, &bias))
		return;
	n = image_ask_slots(mod->fd, mod->path, m->module == module ? f->resolver : 0, f->name, slots, SLOTS_MAX);
	for (size_t i = 0; i < n && a->pending.n < PENDING_MAX; i++)
		vec_push(&a->pending, ((struct pending_slot){
			.module = module, .resolver = f->resolver, .addr = slots[i] + bias,
		}));
}

void tracer_expect_chosen(struct tracer *t, struct attachment *a, uint32_t module)
{
	const struct process *p = a->process;
	const struct traced_file *f = &t->files.at[module];
	const size_t n = f->plan->n_ifuncs;
	/* tracer_file() may move the list of files. */
	const struct plan_ifunc *ifuncs = f->plan->ifuncs;

	for (size_t k = 0; k < n; k++)
		for (size_t i = 0; i < p->maps.n; i++)
			if (is_live(&p->maps.at[i]))
				add_slots(t, a, &p->maps.at[i], module, &ifuncs[k]);
}

/* The vaddr in the module that the slot leads to; 0: none, or not the start of a function that has a name or a rule. */
static uint64_t slot_leads_to(struct tracer *t, const struct process *p, const struct pending_slot *s)
{
	const struct image *im = t->files.at[s->module].image;
	struct iovec to = {0}, from = {(void *)(uintptr_t)s->addr, 8};
	uint64_t value = 0, vaddr;

	to.iov_base = &value;
	to.iov_len = sizeof(value);
	if (process_vm_readv(p->pid, &to, 1, &from, 1, 0) != (ssize_t)sizeof(value))
		return 0;
	for (size_t i = 0; i < p->maps.n; i++) {
		const struct mapping *m = &p->maps.at[i];

		if (m->module == s->module && is_live(m) && value >= m->start && value < m->end &&
		    image_to_vaddr(im, value - m->start + m->offset, &vaddr))
			return vaddr;
	}
	return 0;
}

static bool is_probed(const struct plan *plan, uint64_t vaddr)
{
	for (size_t i = 0; i < plan->n_probes; i++)
		if (plan->probes[i].vaddr == vaddr)
			return true;
	return false;
}

/* A plan of what was chosen alone; kept as long as the tracer. NULL: no probe can be there. */
static struct plan *plan_chosen(struct tracer *t, const struct pending_slot *s, uint64_t vaddr)
{
	const struct plan_chosen chosen = {.resolver = s->resolver, .vaddr = vaddr};
	struct image *im;
	struct plan *plan;
	size_t n = 0;

	for (size_t i = 0; i < t->extras.n; i++)
		if (t->extras.at[i].module == s->module && t->extras.at[i].vaddr == vaddr)
			return t->extras.at[i].plan;
	im = tracer_read(t, modules_get(&t->modules, s->module), &chosen);
	plan = im ? im->plan : NULL;
	for (size_t i = 0; plan && i < plan->n_probes; i++)
		if (plan->probes[i].vaddr == vaddr)
			plan->probes[n++] = plan->probes[i];
	if (plan)
		plan->n_probes = n;
	vec_push(&t->extras, ((struct extra_plan){s->module, vaddr, im, plan}));
	return plan;
}

/* A hook or a debugger has changed the function: no probe then. */
static bool is_changed(struct tracer *t, const struct process *p, uint32_t module, const struct plan *plan)
{
	struct livecode_file file = {.module = module, .plan = plan};
	bool changed = livecode_compare(p, &t->modules, &file, 1) == 0 && file.found[0];
	char *gap;

	if (changed) {
		gap = xasprintf("%s of %s: its code in memory differs from the file: %s", plan->probes[0].name,
				module_basename(modules_get(&t->modules, module)), file.found[0]);
		tracer_add_gap(t, gap);
		free(gap);
	}
	livecode_free(&file, 1);
	return changed;
}

static int attach_chosen(struct tracer *t, struct attachment *a, const struct pending_slot *s, uint64_t vaddr)
{
	const struct module *m = modules_get(&t->modules, s->module);
	struct plan *plan = plan_chosen(t, s, vaddr);
	const struct process *p = a->process;
	enum attached *state;
	int err;

	if (!plan || !plan->n_probes)
		return 0;
	state = attachment_chosen(a, s->module, vaddr);
	if (*state == ATTACHED || is_changed(t, p, s->module, plan))
		return 0;
	err = kern_attach(t->kern, p->pid, module_inode_fd(m), m->path, (uint16_t)s->module, plan, NULL);
	if (!err && *state == NOT_ATTACHED)
		tracer_account_probes(t, s->module, p->pid, plan, NULL);
	*state = ATTACHED;
	return err;
}

int tracer_attach_chosen(struct tracer *t, struct attachment *a)
{
	size_t kept = 0;
	int err = 0;

	for (size_t i = 0; i < a->pending.n; i++) {
		const struct pending_slot s = a->pending.at[i];
		uint64_t vaddr = err ? 0 : slot_leads_to(t, a->process, &s);
		bool probed = vaddr && is_probed(t->files.at[s.module].plan, vaddr);

		if (vaddr && !probed)
			err = attach_chosen(t, a, &s, vaddr);
		/* One that has an own plan is attached to again when probes come back. */
		if (!probed)
			a->pending.at[kept++] = s;
	}
	a->pending.n = kept;
	return err;
}

void tracer_forget_chosen(struct attachment *a)
{
	a->pending.n = 0;
}

void tracer_free_chosen(struct tracer *t)
{
	for (size_t i = 0; i < t->extras.n; i++)
		image_free(t->extras.at[i].image);
	vec_free(&t->extras);
}
