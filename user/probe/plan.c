/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "probe/plan_internal.h"

/* Longer functions than this are not decoded to their end: no allocator's is. */
#define BODY_MAX (1u << 20)
/* Read to look for a name in it. */
#define RODATA_MAX (64u << 20)
/* Of unwind information, where it has to be read: more than the largest programs have. */
#define UNWIND_ROWS (16u << 20)

__attribute__((format(printf, 3, 4)))
static void skip(struct planner *p, int id, const char *fmt, ...)
{
	struct plan_skip s = {.function = (uint16_t)p->c[id].id, .name = p->c[id].name, .vaddr = p->c[id].sym.vaddr,
			      .size = p->c[id].sym.size};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s.why, sizeof(s.why), fmt, ap);
	va_end(ap);
	p->c[id].probed = false;
	vec_push(&p->skips, s);
}

/* The last function that was skipped: its calls may be missing. */
static void set_gap(struct planner *p)
{
	p->skips.at[p->skips.n - 1].gap = true;
}

bool plan_is_wanted(const struct planner *p, const struct alloc_function *fn)
{
	return !fn->frees || (p->in->flags & PLAN_BLOCKS);
}

/* A program that is its own loader, statically linked: ld makes hidden functions local there, and malloc can be one. */
static bool is_static_program(const struct elf_file *ef)
{
	return !elf_segment_by_type(ef, PT_INTERP) && flow_is_code(ef, elf_file_entry(ef));
}

/* A static function may have the name by accident, and a Go function has its arguments elsewhere. */
static const char *unfit(struct planner *p, int id)
{
	struct candidate *c = &p->c[id];

	if (c->refused[0])
		return c->refused;
	if (!flow_is_code(p->ef, c->sym.vaddr))
		return "not in an executable segment";
	if (c->fn->named)
		return strchr(c->name, '.') && elf_file_is_go(p->ef) ?
			       "a Go function: its arguments are not where C has them" :
			       NULL;
	if (c->prefix || (!c->sym.global && !is_static_program(p->ef) && strncmp(c->name, "_Z", 2) != 0))
		return plan_doubt(p, id);
	return NULL;
}

static bool is_alias(struct planner *p, int id)
{
	struct candidate *c = &p->c[id];

	for (int k = 0; k < id && c->same_as == id; k++)
		if (p->c[k].probed && p->c[k].sym.vaddr == c->sym.vaddr)
			c->same_as = k;
	return c->same_as != id;
}

static void sift_ifunc(struct planner *p, int id)
{
	struct candidate *c = &p->c[id];

	vec_push(&p->ifuncs, ((struct plan_ifunc){(uint16_t)c->id, c->name, c->sym.vaddr}));
	skip(p, id, c->chosen ? "resolver (ifunc): the function that it chooses is probed" :
				"resolver (ifunc): its choice is unknown");
	if (!c->chosen)
		set_gap(p);
}

/* Which candidates are functions of this file that a probe could be on. */
static void sift(struct planner *p)
{
	for (int i = 0; i < p->n; i++) {
		struct candidate *c = &p->c[i];
		const char *why;

		if (!c->sym.name || !plan_is_wanted(p, c->fn))
			continue;
		if (c->sym.ifunc) {
			sift_ifunc(p, i);
			continue;
		}
		why = unfit(p, i);
		if (why)
			skip(p, i, "%s", why);
		else if (is_alias(p, i))
			skip(p, i, "alias of %s", p->c[c->same_as].name);
		else
			c->probed = true;
	}
}

static void load_fdes(struct planner *p)
{
	if (p->asked)
		return;
	p->asked = true;
	if (elf_fdes_load(p->ef, &p->fdes))
		p->fdes = NULL;
}

static void read_body(struct planner *p, struct candidate *c)
{
	size_t size = c->sym.size;

	if (!size) {
		load_fdes(p);
		size = p->fdes ? elf_fdes_size(p->fdes, c->sym.vaddr) : 0;
	}
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
		    p->c[i].prefix == c->prefix && listed(c->fn->forwards_to, p->c[i].fn->name))
			return true;
	return false;
}

bool plan_function_start(struct planner *p, uint64_t vaddr, uint64_t *start)
{
	load_fdes(p);
	return p->fdes && elf_fdes_start(p->fdes, vaddr, start);
}

/* A caller's frame can be found from there: the linker's table knows the function, or .eh_frame does. */
static bool can_unwind(struct planner *p, uint64_t vaddr)
{
	uint64_t start;

	load_fdes(p);
	if (!p->fdes && !p->rows_asked) {
		p->rows_asked = true;
		if (unwind_table_load(p->ef, UNWIND_ROWS, &p->rows))
			p->rows = NULL;
	}
	return p->fdes ? elf_fdes_start(p->fdes, vaddr, &start) : p->rows && unwind_table_at(p->rows, vaddr);
}

/*
 * The row that does all of this one's work, or -1: every path from its entry calls or jumps to a function that its
 * row names, handing on what it was asked for as it came, or returns a constant that means failure. An allocator with a
 * fast path of its own returns a pointer it loaded, and is no forwarder even if its slow path calls another. One that
 * calls and has no unwind information (musl's calloc) would be shown as the caller, with its own caller lost: it keeps
 * its probe, unless it frees: then its stack is not walked.
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
		if ((e->kind != FLOW_CALLS && e->kind != FLOW_TAIL) || e->id == id || !names_row(p, c, e->id) ||
		    !plan_hands_on(p, id, e))
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
		skip(p, i, "forwards to %s%s", p->c[to].name, p->c[to].sym.name ? "" : " (of another file)");
	}
}

/* An exception does not pass a frame whose return address is a probe's; a Go stack moves, and that address with it. */
static bool is_return_taboo(const struct planner *p, const struct candidate *c)
{
	return c->fn->may_throw || elf_file_is_go(p->ef) ||
	       (c->fn->named && (!strncmp(c->name, "_Z", 2) || !strncmp(c->name, "_R", 2)));
}

static bool choose_site(struct planner *p, int id)
{
	struct candidate *c = &p->c[id];
	const bool follows = p->in->flags & PLAN_BLOCKS;
	struct site_request req = {
		.code = c->body, .size = c->body_size, .vaddr = c->sym.vaddr, .nops_emulated = p->in->flags & PLAN_NOPS,
		.keep_sp = follows && !c->fn->frees && !is_return_taboo(p, c),
		.null_args = c->fn->frees ? 1u << c->fn->old_arg : 0,
	};
	const int wanted[] = {c->fn->size_arg, c->fn->count_arg, c->fn->old_arg,
			      c->skip_arg == SITE_NO_REG ? ALLOC_NO_ARG : c->skip_arg,
			      follows ? c->fn->out_arg : ALLOC_NO_ARG};

	memset(req.arg_reg, SITE_NO_REG, sizeof(req.arg_reg));
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (wanted[i] >= 0 && wanted[i] < SITE_MAX_ARGS)
			req.arg_reg[wanted[i]] = abi_c.arg[wanted[i]];
	switch (site_choose(&req, &c->site)) {
	case 0:
		return true;
	case -EINVAL:
		skip(p, id, "no instruction at its entry");
		break;
	default:
		skip(p, id, "no instruction that the kernel can probe");
		break;
	}
	set_gap(p);
	return false;
}

static uint8_t reg_of(const struct site *s, int arg)
{
	return arg >= 0 && arg < SITE_MAX_ARGS ? s->arg_reg[arg] : SITE_NO_REG;
}

static void emit(struct planner *p, int id)
{
	struct candidate *c = &p->c[id];
	struct plan_probe out = {
		.function = (uint16_t)c->id, .name = c->name, .vaddr = c->sym.vaddr,
		.size = c->sym.size ? c->sym.size : c->body_size, .site = c->site,
		.skip_arg = c->skip_arg, .skip_max = c->skip_max, .frees = c->fn->frees,
		.no_return = is_return_taboo(p, c),
		.old_reg = reg_of(&c->site, c->fn->old_arg), .out_reg = reg_of(&c->site, c->fn->out_arg),
	};

	if (!elf_vaddr_to_offset(p->ef, c->sym.vaddr + c->site.offset, &out.file_offset)) {
		skip(p, id, "its site has no bytes in the file");
		return;
	}
	plan_fill_nest(c, c->sym.vaddr + c->site.offset, &out);
	vec_push(&p->probes, out);
}

static void make(struct planner *p)
{
	for (int i = 0; i < p->n; i++)
		if (plan_is_wanted(p, p->c[i].fn))
			flow_add_function(p->ff, i, p->c[i].name, p->c[i].probed ? p->c[i].sym.vaddr : 0);
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
		choose_site(p, i);
	}
	p->reach = reach_new(p->ff);
	for (int i = 0; i < p->n; i++) {
		if (!p->c[i].probed)
			continue;
		reach_function(p->reach, p->c[i].sym.vaddr, &p->c[i].reach);
		emit(p, i);
	}
}

static void planner_free(struct planner *p)
{
	for (int i = 0; i < p->n; i++) {
		flow_result_free(&p->c[i].flow);
		reach_result_free(&p->c[i].reach);
		free(p->c[i].body);
	}
	free(p->c);
	reach_free(p->reach);
	flow_close(p->ff);
	flow_close(p->prove);
	u64map_free(&p->families);
	elf_imports_free(p->imports);
	elf_fdes_free(p->fdes);
	unwind_table_free(p->rows);
}

/*
 * A stripped program with an allocator of its own that has libstdc++ in it as well (the name of the type of its
 * bad_alloc): operator new is there, and where nothing exports it, it is not found. What it passes on to malloc is
 * seen.
 */
static bool hides_operator_new(struct planner *p)
{
	static const char type_name[] = "St9bad_alloc";
	bool has_malloc = false, has_new = false;
	uint8_t *data;
	size_t size;

	for (int i = 0; i < p->n; i++) {
		has_malloc |= p->c[i].probed && !p->c[i].fn->named && !strcmp(p->c[i].fn->name, "malloc");
		has_new |= p->c[i].sym.name && !strncmp(p->c[i].name, "_Zn", 3);
	}
	if (!has_malloc || has_new || !p->stripped || elf_section_read(p->ef, ".rodata", RODATA_MAX, &data, &size))
		return false;
	has_new = memmem(data, size, type_name, sizeof(type_name)) != NULL;
	free(data);
	return has_new;
}

/* Hands what is found over to the plan; its implementation is of the file as it is. */
static struct plan *take_plan(struct planner *p)
{
	struct plan *plan = xcalloc(1, sizeof(*plan));

	plan->implementation = p->go ? p->go : p->probes.n ? alloc_implementation(p->ef, p->in->path) : NULL;
	plan->probes = p->probes.at;
	plan->n_probes = p->probes.n;
	plan->skips = p->skips.at;
	plan->n_skips = p->skips.n;
	plan->ifuncs = p->ifuncs.at;
	plan->n_ifuncs = p->ifuncs.n;
	plan->go = p->go_records;
	plan->usdt_unfit = p->usdt_unfit;
	plan->allocator = p->allocator.at;
	plan->n_allocator = p->allocator.n;
	plan->has_malloc = p->has_malloc;
	plan->is_allocator = p->is_allocator;
	plan->threads = p->threads;
	plan->names = p->names.at;
	plan->n_names = p->names.n;
	if (p->full)
		snprintf(plan->gap, sizeof(plan->gap), "more than %d functions; the rest is not traced",
			 PLAN_MAX_FUNCTIONS);
	else if (p->go_gap[0])
		snprintf(plan->gap, sizeof(plan->gap), "%s", p->go_gap);
	else if (hides_operator_new(p))
		snprintf(plan->gap, sizeof(plan->gap), "contains operator new without a symbol, which may be an "
						       "allocator's own");
	return plan;
}

int plan_make_for(const struct elf_file *ef, const struct plan_input *in, struct plan **out)
{
	struct planner p = {.ef = ef, .in = in};
	int found;

	*out = NULL;
	if (elf_file_class(ef) != ELFCLASS64 || elf_file_machine(ef) != ARCH_EM)
		return -ENOEXEC;
	p.c = xcalloc(PLAN_MAX_FUNCTIONS, sizeof(*p.c));
	found = plan_find(&p);
	if (found > 0) {
		sift(&p);
		make(&p);
	}
	if (found >= 0)
		plan_add_go(&p);
	if (found >= 0)
		plan_add_usdt(&p);
	if (found >= 0)
		plan_add_maps(&p);
	plan_keep_usdt_alone(&p);
	*out = take_plan(&p);
	planner_free(&p);
	if (found < 0) {
		plan_free(*out);
		*out = NULL;
		return found;
	}
	return 0;
}

int plan_make(const struct elf_file *ef, const char *path, unsigned int flags, struct plan **out)
{
	return plan_make_for(ef, &(struct plan_input){.path = path, .flags = flags}, out);
}
