/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kern/layout.h"

#include <elf.h>

struct layout {
	struct unwind_mapping *at;
	size_t n;
	bool coarse;	/* anonymous code with gaps in between counts as one */
	bool cut;	/* it did not fit */
};

static void put(struct layout *l, const struct unwind_mapping *m)
{
	struct unwind_mapping *last = l->n ? &l->at[l->n - 1] : NULL;

	/* A file may have its segments in any order: what is not sorted is left out. */
	if (last && m->start < last->start)
		return;
	if (last && m->start == last->start)
		last = --l->n ? last - 1 : NULL;
	if (last && m->kind == last->kind && m->kind != UNWIND_KIND_TABLE)
		return;
	if (l->coarse && m->kind == UNWIND_KIND_JIT && l->n >= 2 && last->kind == UNWIND_KIND_GAP &&
	    last[-1].kind == UNWIND_KIND_JIT) {
		l->n--;
		return;
	}
	/* The last place is for the gap behind the last one. */
	if (l->n + (m->kind != UNWIND_KIND_GAP) >= UNWIND_MAPPINGS) {
		l->cut = true;
		return;
	}
	l->at[l->n++] = *m;
}

static void put_kind(struct layout *l, uint64_t start, enum unwind_kind kind)
{
	put(l, &(struct unwind_mapping){.start = start, .kind = kind});
}

/* The part of a mapping that is one executable segment's and that the table covers. */
static void put_segment(struct layout *l, const struct mapping *m, const struct elf_segment *seg,
			const struct code_file *f)
{
	uint64_t low = seg->offset, high, to, start, from;

	if (!(seg->flags & PF_X) || __builtin_add_overflow(seg->offset, seg->filesz, &high) ||
	    __builtin_add_overflow(seg->vaddr, seg->filesz, &to))
		return;
	/* What of the file both have, then its vaddrs. */
	if (low < m->offset)
		low = m->offset;
	if (high > m->offset + (m->end - m->start))
		high = m->offset + (m->end - m->start);
	if (low >= high)
		return;
	from = seg->vaddr + (low - seg->offset);
	to = from + (high - low);
	start = m->start + (low - m->offset);
	if (from < f->place.base) {
		start += f->place.base - from;
		from = f->place.base;
	}
	if (to > f->place.end)
		to = f->place.end;
	if (from >= to)
		return;
	put(l, &(struct unwind_mapping){
		.start = start, .kind = UNWIND_KIND_TABLE, .rel = from - f->place.base, .index = f->place.first,
		.key = f->place.key, .shift = f->place.shift, .name = f->name + (from - f->range.low),
	});
	put_kind(l, start + (to - from), UNWIND_KIND_BARE);
}

static void put_mapping(struct layout *l, const struct mapping *m, enum module_kind kind, const struct code_file *f)
{
	put_kind(l, m->start, kind == MODULE_JIT ? UNWIND_KIND_JIT : UNWIND_KIND_BARE);
	for (size_t i = 0; f && f->name && i < f->n_segs; i++)
		put_segment(l, m, &f->segs[i], f);
	put_kind(l, m->end, UNWIND_KIND_GAP);
}

static bool lay_out(const struct process *p, const struct modules *modules, code_file_fn file, void *arg,
		    struct layout *l)
{
	l->n = 0;
	l->cut = false;
	put_kind(l, 0, UNWIND_KIND_GAP);
	for (size_t i = 0; i < p->maps.n; i++) {
		const struct mapping *m = &p->maps.at[i];
		struct code_file f;

		if (m->until_ns == UINT64_MAX)
			put_mapping(l, m, modules_get(modules, m->module)->kind,
				    file(arg, m->module, &f) ? &f : NULL);
	}
	for (size_t i = l->n; i <= UNWIND_MAPPINGS; i++)
		l->at[i] = (struct unwind_mapping){.start = UNWIND_NOWHERE, .kind = UNWIND_KIND_GAP};
	return !l->cut;
}

bool layout_make(const struct process *p, const struct modules *modules, code_file_fn file, void *arg,
		 struct unwind_mappings *out)
{
	struct layout l = {.at = out->at};

	if (lay_out(p, modules, file, arg, &l))
		return true;
	l.coarse = true;
	return lay_out(p, modules, file, arg, &l);
}

uint64_t layout_hash(const struct process *p)
{
	uint64_t h = 1;

	for (size_t i = 0; i < p->maps.n; i++) {
		const struct mapping *m = &p->maps.at[i];

		if (m->until_ns == UINT64_MAX)
			h = mix64(mix64(mix64(mix64(h ^ m->start) ^ m->end) ^ m->offset) ^ m->module);
	}
	for (size_t i = 0; i < p->copies.n; i++)
		h = mix64(mix64(h ^ p->copies.at[i].start) ^ p->copies.at[i].end);
	return h ? h : 1;
}
