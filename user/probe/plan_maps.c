// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Functions by which a program maps memory itself, as the C library has them: what they did is known when they return.
 * And the code of allocators, which call them for their heaps: where it is on a stack, the mapping is none of the
 * program's own.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/families.h"
#include "arch/insn.h"
#include "elf/elffile.h"
#include "probe/plan_internal.h"
#include "probe/site.h"

#define BODY_MAX 4096
#define RANGES_MAX 4096
#define NAME_MAX_BYTES 96	/* no row's name is longer, with a prefix */

/* What allocators map by, beside the functions that programs call: as they start, and in threads of their own; and Go's
 * runtime where it is linked with C. */
static const char *const own_code[] = {
	"jemalloc_constructor", "background_thread_entry", "mi_process_init", "_mi_process_init", "mi_process_load",
	"_mi_thread_init", "x_cgo_mmap",
};

/* Arguments that are looked at, bit by bit. */
static const uint8_t wanted_args[] = {
	[ALLOC_MAPS_MMAP] = 1 << 1 | 1 << 3,		/* length, flags */
	[ALLOC_MAPS_MREMAP] = 1 | 1 << 1 | 1 << 2 | 1 << 3,	/* old address, both lengths, flags */
	[ALLOC_MAPS_MUNMAP] = 1 | 1 << 1,		/* address, length */
	[ALLOC_MAPS_BRK] = 1,
	[ALLOC_MAPS_SBRK] = 1,
};

struct maps_finder {
	struct planner *p;
	bool is_static;		/* its own loader; */
	bool exports;		/* which exports functions: it is that of others */
};

static bool is_name(const struct elf_function *e, const char *name)
{
	return !strncmp(e->name, name, e->len) && !name[e->len];
}

static bool is_static_program(const struct planner *p)
{
	return !elf_segment_by_type(p->ef, PT_INTERP) && flow_is_code(p->ef, elf_file_entry(p->ef));
}

static void skip(struct planner *p, size_t id, const struct elf_function *e, const char *why)
{
	struct plan_skip s = {.function = (uint16_t)id, .name = alloc_function(id)->name, .vaddr = e->vaddr,
			      .size = e->size, .gap = true};

	snprintf(s.why, sizeof(s.why), "%s", why);
	vec_push(&p->skips, s);
}

/* What comes after the system call knows nothing of when it began. */
static size_t until_syscall(const uint8_t *code, size_t size, uint64_t vaddr)
{
	struct insn in;

	for (size_t off = 0; off < size && insn_decode(code + off, size - off, vaddr + off, &in); off += in.len)
		if (in.class == INSN_SYSCALL)
			return off;
	return size;
}

static const char *choose(struct planner *p, const struct elf_function *e, uint8_t args, struct plan_probe *out)
{
	uint8_t code[BODY_MAX];
	struct site_request req = {
		.code = code, .vaddr = e->vaddr, .nops_emulated = p->in->flags & PLAN_NOPS, .keep_sp = true,
	};

	if (elf_file_is_go(p->ef))
		return "part of a Go program, whose returns cannot be probed";
	memset(req.arg_reg, SITE_NO_REG, sizeof(req.arg_reg));
	for (int i = 0; i < SITE_MAX_ARGS; i++)
		if (args & 1 << i)
			req.arg_reg[i] = abi_c.arg[i];
	req.size = elf_read_vaddr(p->ef, e->vaddr, code, e->size && e->size < BODY_MAX ? e->size : BODY_MAX);
	req.size = until_syscall(code, req.size, e->vaddr);
	if (site_choose(&req, &out->site))
		return "no instruction that the kernel can probe";
	if (!elf_vaddr_to_offset(p->ef, e->vaddr + out->site.offset, &out->file_offset))
		return "its site has no bytes in the file";
	return NULL;
}

static void add_probe(struct planner *p, size_t id, const struct elf_function *e)
{
	struct plan_probe out = {
		.function = (uint16_t)id, .name = alloc_function(id)->name, .vaddr = e->vaddr, .size = e->size,
		.maps = true, .skip_arg = SITE_NO_REG, .old_reg = SITE_NO_REG, .out_reg = SITE_NO_REG,
	};
	const char *why;

	/* The first of its names in the table. */
	for (size_t i = 0; i < p->probes.n; i++)
		if (p->probes.at[i].vaddr == e->vaddr) {
			if (p->probes.at[i].maps && p->probes.at[i].function > id) {
				p->probes.at[i].function = out.function;
				p->probes.at[i].name = out.name;
			}
			return;
		}
	if (p->probes.n == PLAN_MAX_FUNCTIONS)
		return;
	why = choose(p, e, wanted_args[alloc_function(id)->maps], &out);
	if (why)
		skip(p, id, e, why);
	else
		vec_push(&p->probes, out);
}

static void add_range(struct planner *p, const struct elf_function *e)
{
	if (e->size && p->allocator.n < RANGES_MAX)
		vec_push(&p->allocator, ((struct plan_range){e->vaddr, e->vaddr + e->size}));
}

static bool is_own_code(const struct elf_function *e)
{
	for (size_t i = 0; i < sizeof(own_code) / sizeof(own_code[0]); i++)
		if (is_name(e, own_code[i]))
			return true;
	return false;
}

/* A row's name with a prefix that a probed function of the file has, too. */
static bool has_known_prefix(const struct planner *p, const struct elf_function *e, const char *row)
{
	const size_t len = strlen(row);

	if (e->len <= len || memcmp(e->name + e->len - len, row, len) != 0)
		return false;
	for (int i = 0; i < p->n; i++)
		if (p->c[i].prefix && !strncmp(p->c[i].name, e->name, e->len - len) &&
		    !strcmp(p->c[i].name + (e->len - len), p->c[i].fn->name))
			return true;
	return false;
}

static void on_function(void *arg, const struct elf_function *e)
{
	struct maps_finder *f = arg;
	struct planner *p = f->p;

	f->exports |= e->dynamic;
	if (e->len > NAME_MAX_BYTES || e->ifunc || e->untyped || !flow_is_code(p->ef, e->vaddr))
		return;
	if (is_own_code(e))
		add_range(p, e);
	if (is_name(e, "pthread_create"))
		p->threads = (struct plan_range){e->vaddr, e->vaddr + e->size};
	for (size_t id = 0; id < alloc_function_count(); id++) {
		const struct alloc_function *fn = alloc_function(id);

		if (fn->is_go || fn->is_usdt)
			continue;
		if (!is_name(e, fn->name)) {
			if (!fn->maps && has_known_prefix(p, e, fn->name))
				add_range(p, e);
			continue;
		}
		/* A loader has some for itself. */
		if (fn->maps && (e->dynamic || (f->is_static && !f->exports)))
			add_probe(p, id, e);
		else if (!fn->maps)
			add_range(p, e);
	}
}

static bool has_malloc(const struct planner *p)
{
	for (size_t i = 0; i < p->probes.n; i++)
		if (!strcmp(p->probes.at[i].name, "malloc"))
			return true;
	return false;
}

/* A shared library that is no C library. */
static bool is_allocator(const struct planner *p)
{
	const char *name = alloc_implementation(p->ef, p->in->path);

	return p->has_malloc && !elf_segment_by_type(p->ef, PT_INTERP) && !is_static_program(p) &&
	       (!name || (strncmp(name, "glibc", 5) != 0 && strncmp(name, "musl", 4) != 0));
}

/* Those of allocators stay known by their code. */
static void drop_heap(struct planner *p)
{
	for (size_t i = 0; i < p->probes.n; i++) {
		const struct plan_probe *probe = &p->probes.at[i];

		vec_push(&p->allocator, ((struct plan_range){probe->vaddr, probe->vaddr + probe->size}));
	}
	p->probes.n = p->skips.n = p->ifuncs.n = 0;
}

void plan_add_maps(struct planner *p)
{
	struct maps_finder f = {.p = p, .is_static = is_static_program(p)};

	if (!(p->in->flags & PLAN_MAPS))
		return;
	p->has_malloc = has_malloc(p);
	p->is_allocator = is_allocator(p);
	if (p->in->flags & PLAN_NO_HEAP)
		drop_heap(p);
	if (elf_each_function(p->ef, on_function, &f))
		return;
	if (!elf_section_by_type(p->ef, SHT_SYMTAB))
		plan_each_debug_function(p, on_function, &f);
}
