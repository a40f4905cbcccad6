// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * OpenTelemetry's contract for allocators that sample themselves (opentelemetry-ebpf-profiler, design-docs/
 * 00003-memory-profiling): two USDT probes of the provider otel_memory,
 *
 *     alloc(block, bytes, weighted_bytes)   an allocation that was sampled, and for how many bytes it stands
 *     free(block)                           such a block is freed
 *
 * What is hit is a nop, at whatever place in the code, and only for samples.
 */
#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "alloc/family.h"
#include "arch/insn.h"
#include "elf/imports.h"
#include "elf/usdt.h"
#include "probe/plan_internal.h"

#define PROVIDER "otel_memory"
#define ALLOC_ARGS 3
#define FREE_ARGS 1
#define BODY_MAX 16384	/* bytes of a function that are looked at */

static bool in_segment(const struct planner *p, uint64_t vaddr, uint32_t flag)
{
	size_t n;
	const struct elf_segment *segs = elf_file_segments(p->ef, &n), *seg = segment_of_vaddr(segs, n, vaddr);

	return seg && seg->flags & flag;
}

/* Static programs may have no table of their functions. */
static bool symbol_around(const struct elf_file *ef, uint64_t vaddr, uint64_t *start, uint64_t *size)
{
	struct elf_symbols *symbols;
	struct elf_symbol sym;
	bool found;

	if (elf_symbols_load(ef, ef, &symbols))
		return false;
	found = elf_symbols_at(symbols, vaddr, &sym) && sym.size;
	if (found) {
		*start = sym.vaddr;
		*size = sym.size;
	}
	elf_symbols_free(symbols);
	return found;
}

/*
 * Linux 6.18 makes a call of a probe's nop of five bytes once it was hit, and that writes below the stack pointer,
 * where a function keeps variables that calls none: gcc and clang do so in leaf functions alone. There the probe would
 * overwrite them, and its own arguments with them.
 */
static bool may_use_red_zone(struct planner *p, uint64_t vaddr)
{
	uint8_t code[BODY_MAX];
	uint64_t start, size = sizeof(code);
	struct insn in;
	size_t n, off = 0;

	if (!plan_function_start(p, vaddr, &start) && !symbol_around(p->ef, vaddr, &start, &size))
		return true;
	n = elf_read_vaddr(p->ef, start, code, size < sizeof(code) ? size : sizeof(code));
	while (off < n && insn_decode(code + off, n - off, start + off, &in)) {
		if (off && plan_starts_function(p, start + off))
			break;
		if (in.class == INSN_CALL)
			return false;
		off += in.len;
	}
	return true;
}

/* NULL, or why the site can't be probed. */
static const char *place(struct planner *p, const struct usdt_site *s, struct plan_probe *out)
{
	uint8_t code[ARCH_INSN_MAX];
	const size_t len = usdt_nop(p->ef, s->vaddr);
	struct insn in;

	if (!in_segment(p, s->vaddr, PF_X) || !elf_vaddr_to_offset(p->ef, s->vaddr, &out->file_offset))
		return "its address is not in the file's code";
	if (!len || elf_read_vaddr(p->ef, s->vaddr, code, len) != len || !insn_decode(code, len, s->vaddr, &in))
		return "no nop is at its address";
	/* perf_event_open() has 32 bits for it. */
	if (s->semaphore && (!in_segment(p, s->semaphore, PF_W) || s->semaphore & 1 ||
			     !elf_vaddr_to_offset(p->ef, s->semaphore, &out->semaphore) ||
			     !out->semaphore || out->semaphore > UINT32_MAX))
		return "its semaphore is not in the file's data";
	if (len > 1 && p->in->flags & PLAN_NOPS && may_use_red_zone(p, s->vaddr))
		return "this kernel would overwrite the red zone of its function";
	out->vaddr = s->vaddr;
	out->size = len;
	out->site.cost = insn_probe(&in, p->in->flags & PLAN_NOPS) == INSN_EMULATED ? SITE_EMULATED : SITE_STEPPED;
	out->site.why = "where its note says";
	snprintf(out->site.insn, sizeof(out->site.insn), len == 1 ? "nop" : "nop of %zu bytes", len);
	return NULL;
}

static void skip(struct planner *p, uint16_t function, uint64_t vaddr, const char *why)
{
	struct plan_skip s = {.function = function, .name = alloc_function(function)->name, .vaddr = vaddr};

	snprintf(s.why, sizeof(s.why), "%s", why);
	vec_push(&p->skips, s);
}

static void add(struct planner *p, const struct usdt_site *s, bool frees)
{
	struct plan_probe out = {
		.function = alloc_function_of_usdt(frees), .usdt = true, .frees = frees, .no_return = true,
		.skip_arg = SITE_NO_REG, .old_reg = SITE_NO_REG, .out_reg = SITE_NO_REG,
	};
	const char *why;

	/* A second note of a place would count its hits twice. */
	for (size_t i = 0; i < p->probes.n; i++)
		if (p->probes.at[i].usdt && p->probes.at[i].vaddr == s->vaddr)
			return;
	if (p->probes.n == PLAN_MAX_FUNCTIONS) {
		p->usdt_unfit = true;
		return;
	}
	memset(out.site.arg_reg, SITE_NO_REG, sizeof(out.site.arg_reg));
	out.name = alloc_function(out.function)->name;
	if (usdt_parse(s->args, out.usdt_args, frees ? FREE_ARGS : ALLOC_ARGS, &why))
		why = place(p, s, &out);
	if (why)
		skip(p, out.function, s->vaddr, why);
	else
		vec_push(&p->probes, out);
	p->usdt_unfit |= why != NULL;
}

/* Samples of a part of the places are no samples of the whole: then calls are recorded. */
static void drop_all(struct planner *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->probes.n; i++)
		if (!p->probes.at[i].usdt)
			p->probes.at[kept++] = p->probes.at[i];
	p->probes.n = kept;
}

void plan_add_usdt(struct planner *p)
{
	struct usdt_sites sites;

	if (!(p->in->flags & PLAN_USDT))
		return;
	if (usdt_read(p->ef, PROVIDER, PLAN_MAX_FUNCTIONS, &sites) || sites.n == PLAN_MAX_FUNCTIONS)
		p->usdt_unfit = sites.n > 0;
	for (size_t i = 0; i < sites.n; i++) {
		const bool frees = !strcmp(sites.at[i].name, "free");

		if (frees ? p->in->flags & PLAN_BLOCKS : !strcmp(sites.at[i].name, "alloc"))
			add(p, &sites.at[i], frees);
	}
	usdt_free(&sites);
	if (p->usdt_unfit)
		drop_all(p);
}

static bool is_defined(const struct planner *p, const char *name)
{
	for (size_t i = 0; i < p->probes.n; i++)
		if (!strcmp(p->probes.at[i].name, name))
			return true;
	for (size_t i = 0; i < p->skips.n; i++)
		if (p->skips.at[i].name && !strcmp(p->skips.at[i].name, name))
			return true;
	return false;
}

/* Blocks may come from another file's allocator, whose calls are recorded until the process is known to tell. */
static bool imports_allocator(const struct planner *p)
{
	static const char *const libc[] = {"__libc_malloc", "__libc_calloc", "__libc_realloc", "__libc_memalign"};

	for (size_t i = 0; p->imports && i < sizeof(libc) / sizeof(libc[0]); i++)
		if (elf_imports_name(p->imports, libc[i]))
			return true;
	for (size_t i = 0; p->imports && i < alloc_function_count(); i++) {
		const struct alloc_function *f = alloc_function(i);

		if (!f->is_go && !f->is_usdt && !f->frees && elf_imports_name(p->imports, f->name) &&
		    !is_defined(p, f->name))
			return true;
	}
	return false;
}

static bool is_call(const struct plan_probe *p)
{
	return !p->usdt && !p->maps && !alloc_function(p->function)->is_go;
}

/* Samples, and calls of the allocator that takes them. */
static bool has_both(const struct planner *p)
{
	bool usdt = false, calls = false;

	for (size_t i = 0; i < p->probes.n; i++) {
		usdt |= p->probes.at[i].usdt;
		calls |= is_call(&p->probes.at[i]);
	}
	return usdt && calls;
}

/* Samples stand for all of the file's calls, in whatever process. */
void plan_keep_usdt_alone(struct planner *p)
{
	size_t kept = 0;

	if (!(p->in->flags & PLAN_USDT_ALONE) || !has_both(p) || imports_allocator(p))
		return;
	for (size_t i = 0; i < p->probes.n; i++) {
		struct plan_probe *at = &p->probes.at[i];

		if (is_call(at)) {
			skip(p, at->function, at->vaddr, "its file tells of its own samples (otel_memory)");
			p->skips.at[p->skips.n - 1].name = at->name;
			p->skips.at[p->skips.n - 1].size = at->size;
			continue;
		}
		at->usdt_alone = at->usdt;
		p->probes.at[kept++] = *at;
	}
	p->probes.n = kept;
}
