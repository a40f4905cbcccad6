// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A pc's frames. Inlined calls are numbered from a function's outer ones to the inner ones, so that the number of a
 * call is greater than that of the call it lies in:
 *
 *     pc ─ number 5 ─> {name of the inlined function, pc of the call} ─ number 2 ─> {…} ─ number -1 ─> the function
 */
#include "elf/goinside.h"

#define PCDATA_CALL 2	/* the number of the inlined call, from 1.14 on */

/* The value of a table in force at vaddr; -1 (as the runtime has it) where there is none. */
static int32_t value_at(const struct gopclntab *g, const struct go_record *r, uint32_t offset, uint64_t vaddr)
{
	struct go_pcs t;

	if (!go_pcs_start(g, r, offset, &t))
		return -1;
	while (go_pcs_next(&t))
		if (vaddr < t.to)
			return t.value;
	return -1;
}

/* Where the table of r's inlined calls is; 0: there is none. */
static uint64_t find_tree(const struct gopclntab *g, const struct go_record *r)
{
	const struct go_layout *l = g->l;
	const uint8_t *p = r->p + l->size + 4ull * r->npcdata;
	uint32_t offset;

	if (l->tree >= r->nfuncdata || r->npcdata <= PCDATA_CALL)
		return 0;
	if (!l->relative) {
		p += -(uint64_t)(p - g->data) & 7;
		return go_u64(p + 8 * l->tree);
	}
	offset = go_u32(p + 4 * l->tree);
	return offset == UINT32_MAX ? 0 : g->md.gofunc + offset;
}

/* Of the pc `at`, whose inlined call has that number: the frame, and the pc of the call. False: it lies. */
static bool read_call(const struct gopclntab *g, const struct go_record *r, uint64_t tree, int32_t number,
		      struct go_frame *f, uint64_t *at)
{
	const struct go_layout *l = g->l;
	uint8_t call[20];
	uint32_t parent;
	uint64_t vaddr;

	if (__builtin_add_overflow(tree, (uint64_t)number * l->call, &vaddr) ||
	    elf_read_vaddr(g->ef, vaddr, call, l->call) != l->call)
		return false;
	parent = go_u32(call + l->call_parent);
	if (parent >= r->end - r->entry)
		return false;
	*at = r->entry + parent;
	f->function = go_string(g, &g->names, go_u32(call + l->call_name));
	f->start_line = l->call_start_line ? go_u32(call + l->call_start_line) : 0;
	f->is_wrapper = go_is_wrapper(g, call[l->call_id], f->file);
	f->is_inlined = true;
	return f->function[0];
}

static void set_place(const struct gopclntab *g, const struct go_record *r, uint64_t at, struct go_frame *f)
{
	const int32_t line = value_at(g, r, go_u32(r->p + g->l->pcln), at);

	*f = (struct go_frame){
		.file = go_file_path(g, r, value_at(g, r, go_u32(r->p + g->l->pcfile), at)),
		.line = line > 0 ? (uint32_t)line : 0,
	};
}

static void set_function(const struct gopclntab *g, const struct go_record *r, struct go_frame *f)
{
	f->function = go_string(g, &g->names, go_u32(r->p + g->l->name));
	f->start_line = g->l->start_line ? go_u32(r->p + g->l->start_line) : 0;
	f->is_wrapper = go_is_wrapper(g, r->p[g->l->id], f->file);
}

size_t gopclntab_frames(const struct gopclntab *g, uint64_t vaddr, struct go_frame *frames, size_t max)
{
	int32_t number, last = INT32_MAX;
	uint64_t i, tree, at = vaddr;
	struct go_record r;
	uint32_t numbers;

	if (!max || !go_index_of(g, vaddr, &i) || !go_record_at(g, i, &r) || vaddr < r.entry || vaddr >= r.end)
		return 0;
	tree = find_tree(g, &r);
	numbers = tree ? go_u32(r.p + g->l->size + 4 * PCDATA_CALL) : 0;
	for (size_t n = 0; n < max; n++) {
		set_place(g, &r, at, &frames[n]);
		number = tree ? value_at(g, &r, numbers, at) : -1;
		if (number < 0) {
			set_function(g, &r, &frames[n]);
			return n + 1;
		}
		if (number >= last || !read_call(g, &r, tree, number, &frames[n], &at)) {
			frames[0] = (struct go_frame){ .file = "" };
			set_function(g, &r, &frames[0]);
			return 1;
		}
		last = number;
	}
	return max;
}
