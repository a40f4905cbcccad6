/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe/plan_internal.h"

/* Longer functions than this are not decoded to their end: no allocator's is. */
#define BODY_MAX (1u << 20)
/* Of unwind information, where it has to be read: more than the largest programs have. */
#define UNWIND_ROWS (16u << 20)

/* Functions that end a path because they do not come back. */
static const char *const noreturn[] = {
	"__cxa_throw", "__cxa_rethrow", "_Unwind_Resume", "_ZSt17__throw_bad_allocv", "_ZSt9terminatev",
	"__cxa_throw_bad_array_new_length", "__cxa_call_unexpected", "__clang_call_terminate",
	"_ZSt28__throw_bad_array_new_lengthv", "abort", "exit", "_exit", "__stack_chk_fail", "__assert_fail",
	"__chk_fail", "__fortify_fail", "__libc_fatal", "__libc_message",
};

#define N_NORETURN (sizeof(noreturn) / sizeof(noreturn[0]))

__attribute__((format(printf, 3, 4)))
static void skip(struct planner *p, int id, const char *fmt, ...)
{
	struct plan_skip s = {.function = (uint16_t)id, .vaddr = p->c[id].sym.vaddr};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s.why, sizeof(s.why), fmt, ap);
	va_end(ap);
	p->c[id].probed = false;
	vec_push(&p->skips, s);
}

/* Without following blocks, functions that free are as any other. */
static bool is_wanted(const struct planner *p, const struct alloc_function *fn)
{
	return !fn->frees || (p->flags & PLAN_BLOCKS);
}

/* How many rows are in the file, or -errno. */
static int find_functions(struct planner *p)
{
	size_t n = (size_t)p->n + N_NORETURN;
	const char **names = xcalloc(n, sizeof(*names));
	struct elf_symbol *found = xcalloc(n, sizeof(*found));
	int err, in_file = 0;

	for (int i = 0; i < p->n; i++) {
		p->c[i].fn = alloc_function((size_t)i);
		p->c[i].same_as = i;
		p->c[i].forwards = -1;
		p->c[i].skip_arg = SITE_NO_REG;
		names[i] = p->c[i].fn->name;
	}
	memcpy(names + p->n, noreturn, sizeof(noreturn));
	err = elf_find_functions(p->ef, names, n, found);
	for (int i = 0; !err && i < p->n; i++) {
		if (found[i].name && is_wanted(p, p->c[i].fn)) {
			p->c[i].sym = found[i];
			in_file++;
		}
	}
	if (!err && in_file) {
		/* Without its relocations a file's imports stay unknown, and no call of one is taken for forwarded. */
		if (elf_imports_load(p->ef, &p->imports))
			p->imports = NULL;
		p->ff = flow_open(p->ef, p->imports);
		for (size_t i = 0; i < N_NORETURN; i++)
			flow_add_noreturn(p->ff, noreturn[i], found[(size_t)p->n + i].vaddr);
	}
	free(names);
	free(found);
	return err ? err : in_file;
}

/* A program that is its own loader, statically linked: ld makes hidden functions local there, and malloc can be one. */
static bool is_static_program(const struct elf_file *ef)
{
	return !elf_segment_by_type(ef, PT_INTERP) && flow_is_code(ef, elf_file_entry(ef));
}

/* Which rows are functions of this file that a probe could be on. */
static void sift(struct planner *p)
{
	for (int i = 0; i < p->n; i++) {
		struct candidate *c = &p->c[i];
		int first = i;

		if (!c->sym.name)
			continue;
		for (int k = 0; k < i && first == i; k++)
			if (p->c[k].probed && p->c[k].sym.vaddr == c->sym.vaddr)
				first = k;
		c->same_as = first;
		if (c->sym.ifunc)
			skip(p, i, "resolver (ifunc)");
		else if (!c->sym.global && !is_static_program(p->ef))
			skip(p, i, "local symbol: another function of that name");
		else if (!flow_is_code(p->ef, c->sym.vaddr))
			skip(p, i, "not in an executable segment");
		else if (first != i)
			skip(p, i, "alias of %s", p->c[first].fn->name);
		else
			c->probed = true;
	}
}

static void read_body(struct planner *p, struct candidate *c)
{
	size_t size = c->sym.size;

	if (!size)
		size = (size_t)(c->flow.reached - c->sym.vaddr);
	if (size > BODY_MAX)
		size = BODY_MAX;
	c->body = xmalloc(size + 1);
	c->body_size = elf_read_vaddr(p->ef, c->sym.vaddr, c->body, size);
}

static bool listed(const char *const *names, const char *name)
{
	for (; names && *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

static bool names_row(struct planner *p, const struct candidate *c, int id)
{
	for (int i = 0; i < p->n; i++)
		if ((i == id || (p->c[i].sym.name && p->c[i].same_as == p->c[id].same_as)) &&
		    listed(c->fn->forwards_to, p->c[i].fn->name))
			return true;
	return false;
}

/* A caller's frame can be found from there: the linker's table knows the function, or .eh_frame does. */
static bool can_unwind(struct planner *p, uint64_t vaddr)
{
	uint64_t start;

	if (!p->asked) {
		p->asked = true;
		if (elf_fdes_load(p->ef, &p->fdes) && unwind_table_load(p->ef, UNWIND_ROWS, &p->rows))
			p->rows = NULL;
	}
	return p->fdes ? elf_fdes_start(p->fdes, vaddr, &start) : p->rows && unwind_table_at(p->rows, vaddr);
}

/*
 * The row that does all of this one's work, or -1: every path from its entry calls or jumps to a function that its
 * row names, or returns a constant that means failure. An allocator with a fast path of its own returns a pointer it
 * loaded, and is no forwarder even if its slow path calls another. One that calls and has no unwind information
 * (musl's calloc) would be shown as the caller, with its own caller lost: it keeps its probe, unless it frees: then
 * its stack is not walked.
 */
static int all_forwarded(struct planner *p, int id)
{
	const struct candidate *c = &p->c[id];
	int to = -1;

	if (c->flow.doubt)
		return -1;
	for (size_t i = 0; i < c->flow.ends.n; i++) {
		const struct flow_end *e = &c->flow.ends.at[i];

		if (plan_is_failure(c, e))
			continue;
		if ((e->kind != FLOW_CALLS && e->kind != FLOW_TAIL) || e->id == id || !names_row(p, c, e->id))
			return -1;
		if (e->kind == FLOW_CALLS && !c->fn->frees && !can_unwind(p, e->vaddr))
			return -1;
		if (to < 0)
			to = e->id;
	}
	/* An import of what this file defines but cannot be probed is seen nowhere. */
	if (to >= 0 && p->c[to].sym.name && !p->c[p->c[to].same_as].probed)
		return -1;
	return to;
}

static void find_forwarders(struct planner *p)
{
	for (int i = 0; i < p->n; i++)
		if (p->c[i].probed)
			p->c[i].forwards = all_forwarded(p, i);
	for (int i = 0; i < p->n; i++) {
		struct candidate *c = &p->c[i];
		int to = c->forwards, steps = 0;

		if (to < 0)
			continue;
		/* Two that forward to each other (a hostile file): one of them stays. */
		while (to >= 0 && to != i && steps++ < p->n)
			to = p->c[to].sym.name ? p->c[p->c[to].same_as].forwards : -1;
		if (to >= 0) {
			c->forwards = -1;
			continue;
		}
		to = c->forwards;
		skip(p, i, "forwards to %s%s", p->c[to].fn->name, p->c[to].sym.name ? "" : " (of another file)");
	}
}

/* An exception does not pass a frame whose return address is a probe's; a Go stack moves, and that address with it. */
static bool is_return_taboo(const struct planner *p, const struct alloc_function *fn)
{
	return fn->may_throw || elf_section_by_name(p->ef, ".gopclntab") ||
	       elf_section_by_name(p->ef, ".data.rel.ro.gopclntab");
}

static bool choose_site(struct planner *p, int id)
{
	struct candidate *c = &p->c[id];
	const bool follows = p->flags & PLAN_BLOCKS;
	struct site_request req = {
		.code = c->body, .size = c->body_size, .vaddr = c->sym.vaddr, .nops_emulated = p->flags & PLAN_NOPS,
		.keep_rsp = follows && !c->fn->frees && !is_return_taboo(p, c->fn),
		.null_args = c->fn->frees ? 1u << c->fn->old_arg : 0,
	};
	const int wanted[] = {c->fn->size_arg, c->fn->count_arg, c->fn->old_arg,
			      c->skip_arg == SITE_NO_REG ? ALLOC_NO_ARG : c->skip_arg,
			      follows ? c->fn->out_arg : ALLOC_NO_ARG};

	memset(req.arg_reg, SITE_NO_REG, sizeof(req.arg_reg));
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (wanted[i] >= 0 && wanted[i] < SITE_MAX_ARGS)
			req.arg_reg[wanted[i]] = site_sysv_args[wanted[i]];
	switch (site_choose(&req, &c->site)) {
	case 0:
		return true;
	case -EINVAL:
		skip(p, id, "no instruction at its entry");
		return false;
	default:
		skip(p, id, "no instruction at which the kernel allows a probe");
		return false;
	}
}

static uint8_t reg_of(const struct site *s, int arg)
{
	return arg >= 0 && arg < SITE_MAX_ARGS ? s->arg_reg[arg] : SITE_NO_REG;
}

static void emit(struct planner *p, int id)
{
	struct candidate *c = &p->c[id];
	struct plan_probe out = {
		.function = (uint16_t)id, .name = c->fn->name, .vaddr = c->sym.vaddr,
		.size = c->sym.size ? c->sym.size : c->body_size, .site = c->site,
		.skip_arg = c->skip_arg, .skip_max = c->skip_max, .overlap = c->overlap, .indirect = c->flow.indirect,
		.nests = c->nests, .frees = c->fn->frees, .no_return = is_return_taboo(p, c->fn),
		.old_reg = reg_of(&c->site, c->fn->old_arg), .out_reg = reg_of(&c->site, c->fn->out_arg),
	};

	if (!elf_vaddr_to_offset(p->ef, c->sym.vaddr + c->site.offset, &out.file_offset)) {
		skip(p, id, "its site has no bytes in the file");
		return;
	}
	if (!plan_fill_callers(c, c->sym.vaddr + c->site.offset, &out))
		out.overlap = c->fn->name;
	vec_push(&p->probes, out);
}

static void make(struct planner *p)
{
	for (int i = 0; i < p->n; i++)
		if (is_wanted(p, p->c[i].fn))
			flow_add_function(p->ff, i, p->c[i].fn->name, p->c[i].probed ? p->c[i].sym.vaddr : 0);
	for (int i = 0; i < p->n; i++) {
		if (!p->c[i].probed)
			continue;
		flow_walk(p->ff, p->c[i].sym.vaddr, WALK_INSNS, &p->c[i].flow);
		read_body(p, &p->c[i]);
	}
	find_forwarders(p);
	for (int i = 0; i < p->n; i++) {
		if (!p->c[i].probed)
			continue;
		plan_find_tails(p, i);
		plan_find_overlaps(p, i);
		choose_site(p, i);
	}
	for (int i = 0; i < p->n; i++)
		if (p->c[i].probed)
			plan_find_callees(p, i);
	for (int i = 0; i < p->n; i++)
		if (p->c[i].probed)
			emit(p, i);
}

static void planner_free(struct planner *p)
{
	for (int i = 0; i < p->n; i++) {
		flow_result_free(&p->c[i].flow);
		vec_free(&p->c[i].callers);
		free(p->c[i].body);
	}
	free(p->c);
	flow_close(p->ff);
	elf_imports_free(p->imports);
	elf_fdes_free(p->fdes);
	unwind_table_free(p->rows);
	u64map_free(&p->helpers);
	vec_free(&p->tails);
}

int plan_make(const struct elf_file *ef, const char *path, unsigned int flags, struct plan **out)
{
	struct planner p = {.ef = ef, .flags = flags, .n = (int)alloc_function_count()};
	struct plan *plan;
	int found;

	*out = NULL;
	if (elf_file_class(ef) != ELFCLASS64 || elf_file_machine(ef) != EM_X86_64)
		return -ENOEXEC;
	p.c = xcalloc((size_t)p.n, sizeof(*p.c));
	found = find_functions(&p);
	if (found > 0) {
		sift(&p);
		make(&p);
	}
	planner_free(&p);
	if (found < 0) {
		vec_free(&p.probes);
		vec_free(&p.skips);
		return found;
	}
	plan = xcalloc(1, sizeof(*plan));
	plan->implementation = found ? alloc_implementation(ef, path) : NULL;
	plan->probes = p.probes.at;
	plan->n_probes = p.probes.n;
	plan->skips = p.skips.at;
	plan->n_skips = p.skips.n;
	*out = plan;
	return 0;
}

void plan_free(struct plan *p)
{
	if (!p)
		return;
	free(p->probes);
	free(p->skips);
	free(p);
}
