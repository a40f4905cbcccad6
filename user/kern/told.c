// SPDX-License-Identifier: GPL-2.0-or-later
/* What the BPF side is told of each process, where it can't ask the kernel what is mapped: all mappings; and which
 * tables processes have mapped, so that none of these makes room for another. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "kern/internal.h"
#include "kern/layout.h"
#include "kern/tables_internal.h"
#include "proc/procfs.h"

static void drop_tables(struct unwind *u, struct unwind_told *m)
{
	for (size_t i = 0; i < m->tables.n; i++) {
		struct table *t = &u->tables.at[m->tables.at[i]];

		if (!--t->users)
			t->idle_since = u->version;
	}
	vec_free(&m->tables);
}

static void untell_copies(struct unwind *u, struct unwind_told *m)
{
	for (size_t i = 0; i < m->copies.n; i++) {
		const struct copy_key key = {.start = m->copies.at[i], .pid = m->pid};

		bpf_map_delete_elem(bpf_map__fd(u->kern->skel->maps.code_copies), &key);
	}
	vec_free(&m->copies);
}

/* Where one finds no room its stacks are walked by frame pointers, as other anonymous code's. */
static void tell_copies(struct unwind *u, const struct process *p, struct unwind_told *next)
{
	for (size_t i = 0; i < p->copies.n; i++) {
		const struct code_copy *c = &p->copies.at[i];
		const struct table *t = c->module < u->tables.n ? &u->tables.at[c->module] : NULL;
		const struct copy_key key = {.start = c->start, .pid = p->pid};
		struct code_copy_of of = {.end = c->end, .offset = c->offset};

		if (!t || !t->told)
			continue;
		of.file = t->file_key;
		if (!bpf_map_update_elem(bpf_map__fd(u->kern->skel->maps.code_copies), &key, &of, BPF_ANY))
			vec_push(&next->copies, c->start);
	}
	if (p->copies.n)
		change_epoch(u);
}

static void tell_mappings(struct unwind *u, const struct process *p)
{
	const uint32_t pid = p->pid;
	const bool whole = layout_make(p, u->modules, code_file_of, u, u->value);

	if (!whole && !u->cut_said)
		warn("process %d has more executable mappings than this kernel can handle: some stacks end early",
		     (int)p->pid);
	u->cut_said |= !whole;
	change_epoch(u);
	if (bpf_map_update_elem(bpf_map__fd(u->kern->skel->maps.unwind_mappings), &pid, u->value, BPF_ANY))
		note("cannot store the mappings of process %d: %s; its stacks have one frame", (int)p->pid,
		     strerror(errno));
	change_epoch(u);
}

/* The tables of all that is mapped now. */
static void use_tables(struct unwind *u, const struct process *p, struct unwind_told *next)
{
	for (size_t i = 0; i < p->maps.n; i++) {
		const uint32_t module = p->maps.at[i].module;
		const enum module_kind kind = modules_get(u->modules, module)->kind;
		struct table *t;

		if (p->maps.at[i].until_ns != UINT64_MAX || (kind != MODULE_ELF && kind != MODULE_VDSO))
			continue;
		t = table_of(u, module);
		if (t->used_at == u->version)
			continue;
		t->used_at = u->version;
		t->users++;
		vec_push(&next->tables, module);
	}
}

static void tell_files(struct unwind *u, const struct unwind_told *next)
{
	for (size_t i = 0; i < next->tables.n; i++)
		tell_file(u, next->tables.at[i]);
}

void unwind_update(struct unwind *u, struct process *p, struct unwind_told **told)
{
	struct unwind_told next = {.pid = p->pid, .what = layout_hash(p)};

	if (!*told)
		*told = xcalloc(1, sizeof(**told));
	if (next.what == (*told)->what)
		return;
	/* Before anything else: if it execs meanwhile, this is the old program's, and no walk uses what follows. */
	p->start_stack = u->value->mm_start_stack = procfs_start_stack(p->pid);
	u->version++;
	use_tables(u, p, &next);
	/* Where that fails, walks find no slab: the stacks end there. */
	note_full(u, slabs_publish(u->slabs));
	untell_copies(u, *told);
	if (u->asks) {
		tell_files(u, &next);
		tell_copies(u, p, &next);
	} else {
		tell_mappings(u, p);
	}
	u->kern->skel->bss->raw_left = TABLES_RAW_STACKS;
	drop_tables(u, *told);
	**told = next;
}

void unwind_told_free(struct unwind_told *told)
{
	if (!told)
		return;
	vec_free(&told->tables);
	vec_free(&told->copies);
	free(told);
}

void unwind_forget(struct unwind *u, struct unwind_told **told)
{
	uint32_t key;

	if (!*told)
		return;
	key = (*told)->pid;
	if (!u->asks) {
		change_epoch(u);
		bpf_map_delete_elem(bpf_map__fd(u->kern->skel->maps.unwind_mappings), &key);
		change_epoch(u);
	}
	untell_copies(u, *told);
	drop_tables(u, *told);
	unwind_told_free(*told);
	*told = NULL;
	/* There may be room now. */
	for (size_t t = 0; t < u->tables.n; t++)
		if (u->tables.at[t].state == TABLE_NO_ROOM) {
			u->tables.at[t].state = TABLE_NEW;
			untell_file(u, &u->tables.at[t]);
		}
}
