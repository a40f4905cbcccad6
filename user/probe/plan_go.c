/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Go programs: the functions of the runtime that allocate, by .gopclntab, which every Go program has, stripped or not.
 *
 * Up to Go 1.26 that is mallocgc, which every allocation comes to once. From 1.27 on compiled code calls the functions
 * for one class of sizes itself (mallocgcSmallNoscanSC2), and mallocgc calls them through a table, or the general ones:
 * so the ends of all these ways are probed, and mallocgc is not. Which it is, the names say, not the version.
 *
 * Arguments are in registers where the function looks at the goroutine in its register (Go 1.17), on the stack before.
 * Returns are never probed: a goroutine's stack moves, and the probe's return address with it.
 *
 * The runtime samples its allocations for its own records (elf/gobuckets.h), and calls profilealloc(mp, block, size)
 * for those alone: one in 512 KiB, where a probe on each call would be too much.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/families.h"
#include "arch/insn.h"
#include "elf/gobuckets.h"
#include "elf/gopclntab.h"
#include "elf/goroutine.h"
#include "probe/plan_internal.h"

#define MALLOCGC "runtime.mallocgc"
#define SAMPLER "runtime.profilealloc"
#define SAMPLER_SIZE_ARG 2	/* the size class, bytes */
#define BODY_MAX (1u << 20)
#define PROLOGUE_INSNS 4
#define LEAVES_MAX 256

/* What mallocgc comes to where no class of its own does it. */
static const char *const general[] = {
	MALLOCGC "Tiny", MALLOCGC "SmallNoscan", MALLOCGC "SmallScanNoHeader", MALLOCGC "SmallScanHeader",
	MALLOCGC "Large",
};

struct leaves {
	vec_of(struct go_function) classes, general;
	vec_of(struct plan_range) allocator;
};

/* Of one class: "...SC" and a number. */
static bool is_class(const char *name)
{
	const char *sc = strrchr(name, 'S');

	return sc && sc[1] == 'C' && sc[2] && !sc[2 + strspn(sc + 2, "0123456789")];
}

static bool on_function(void *arg, const struct go_function *f)
{
	struct leaves *l = arg;

	if (l->allocator.n < LEAVES_MAX)
		vec_push(&l->allocator, ((struct plan_range){f->entry, f->end}));
	if (f->is_wrapper)
		return true;
	if (is_class(f->name) && l->classes.n < LEAVES_MAX)
		vec_push(&l->classes, *f);
	for (size_t i = 0; i < sizeof(general) / sizeof(general[0]); i++)
		if (!strcmp(f->name, general[i]))
			vec_push(&l->general, *f);
	return true;
}

__attribute__((format(printf, 3, 4)))
static void skip(struct planner *p, const struct go_function *f, const char *fmt, ...)
{
	struct plan_skip s = {.function = alloc_function_of_go(), .vaddr = f->entry, .gap = true};
	char *name = xstrdup(f->name);
	va_list ap;

	vec_push(&p->names, name);
	s.name = name;
	va_start(ap, fmt);
	vsnprintf(s.why, sizeof(s.why), fmt, ap);
	va_end(ap);
	vec_push(&p->skips, s);
}

static bool args_in_registers(const uint8_t *code, size_t size, uint64_t vaddr)
{
	struct insn in;
	size_t off = 0;

	for (int i = 0; i < PROLOGUE_INSNS && insn_decode(code + off, size - off, vaddr + off, &in); i++) {
		if (in.reads & 1u << ARCH_REG_G)
			return true;
		off += in.len;
	}
	return false;
}

static int choose(const struct planner *p, const struct go_function *f, int n_args, struct site *site)
{
	size_t size;
	uint8_t *code = gopclntab_body(p->ef, f, BODY_MAX, &size);
	struct site_request req = {
		.code = code, .size = size, .vaddr = f->entry, .nops_emulated = p->in->flags & PLAN_NOPS,
	};
	bool in_registers;
	int err;

	in_registers = args_in_registers(code, size, f->entry);
	memset(req.arg_reg, SITE_NO_REG, sizeof(req.arg_reg));
	for (int i = 0; i < n_args && in_registers; i++)
		req.arg_reg[i] = abi_go.arg[i];
	err = site_choose(&req, site);
	for (int i = 0; i < n_args && !in_registers; i++)
		site->arg_reg[i] = (uint8_t)(SITE_ON_STACK + i);
	free(code);
	return err;
}

/* rate: the vaddr of MemProfileRate, where it is the sampler; else 0. */
static void add(struct planner *p, const struct go_function *f, uint64_t rate)
{
	struct plan_probe out = {
		.function = alloc_function_of_go(), .vaddr = f->entry, .size = f->end - f->entry,
		.skip_arg = SITE_NO_REG, .no_return = true, .old_reg = SITE_NO_REG, .out_reg = SITE_NO_REG,
	};
	char *name;

	if (p->probes.n == PLAN_MAX_FUNCTIONS) {
		p->full = true;
		return;
	}
	if (choose(p, f, rate ? SAMPLER_SIZE_ARG + 1 : 2, &out.site)) {
		skip(p, f, "no instruction that the kernel can probe");
		return;
	}
	if (!elf_vaddr_to_offset(p->ef, f->entry + out.site.offset, &out.file_offset)) {
		skip(p, f, "its site has no bytes in the file");
		return;
	}
	if (rate) {
		out.sampler = true;
		out.site.arg_reg[0] = out.site.arg_reg[SAMPLER_SIZE_ARG];	/* as mallocgc's */
		out.rate_from = (int64_t)(rate - (f->entry + out.site.offset));
	} else {
		out.type_place = out.site.arg_reg[1];
	}
	name = xstrdup(f->name);
	vec_push(&p->names, name);
	out.name = name;
	vec_push(&p->probes, out);
}

static void add_functions(struct planner *p, const struct go_function *mallocgc, const struct leaves *l)
{
	if (!l->classes.n && mallocgc->name)
		add(p, mallocgc, 0);
	for (size_t i = 0; i < l->classes.n; i++)
		add(p, &l->classes.at[i], 0);
	for (size_t i = 0; i < l->general.n && l->classes.n; i++)
		add(p, &l->general.at[i], 0);
}

static void add_sampler(struct planner *p, const struct go_function *profilealloc)
{
	const struct plan_go *go = &p->go_records;

	if (go->kept && go->rate && profilealloc->name)
		add(p, profilealloc, go->rate);
	else if (p->in->flags & PLAN_NO_GO)
		snprintf(p->go_gap, sizeof(p->go_gap), "Go code that is not traced: %s",
			 go->kept ? "its runtime's sampler is not known" :
			 "its runtime takes no samples (nothing asks for them)");
}

static void add_probes(struct planner *p, const struct gopclntab *g)
{
	enum { CALLS, SAMPLES, NAMES };
	struct go_function f[NAMES];
	struct leaves l = {0};

	gopclntab_find_names(g, (const char *const[]){[CALLS] = MALLOCGC, [SAMPLES] = SAMPLER}, NAMES, f);
	gopclntab_each(g, MALLOCGC, on_function, &l);
	if (!(p->in->flags & PLAN_NO_GO))
		add_functions(p, &f[CALLS], &l);
	if (p->in->flags & PLAN_GO_SAMPLER)
		add_sampler(p, &f[SAMPLES]);
	p->allocator.at = l.allocator.at;
	p->allocator.n = l.allocator.n;
	vec_free(&l.classes);
	vec_free(&l.general);
}

void plan_add_go(struct planner *p)
{
	const struct gopclntab *g;
	const char *why;
	int err = gopclntab_of(p->ef, &g, &why);

	if (err == -ENOENT)
		return;
	if (err) {
		p->go_records.refused = true;
		snprintf(p->go_gap, sizeof(p->go_gap), "Go code that is not traced: %s", why);
		return;
	}
	p->go = xasprintf("Go%s%s", *gopclntab_version(g) ? " " : "",
			  *gopclntab_version(g) ? gopclntab_version(g) + 2 : "");
	vec_push(&p->names, p->go);
	gobuckets_find(p->ef, g, &p->go_records);
	p->go_records.found_by = gopclntab_found_by(g);
	if (p->in->flags & PLAN_GOROUTINES)
		goroutine_find(p->ef, g, &p->go_records.goroutine);
	add_probes(p, g);
}
