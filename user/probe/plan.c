/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/plan.h"

#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "elf/ehframe.h"
#include "elf/fdestart.h"
#include "elf/imports.h"
#include "elf/symbols.h"
#include "probe/flow.h"

/* Enough for every path that matters in the allocators known; a longer one counts as not followed. */
#define WALK_INSNS 1200
#define HELPER_INSNS 300
/* Longer functions than this are not decoded to their end: no allocator's is. */
#define BODY_MAX (1u << 20)
#define EDGES_MAX 1024
/* The gap between neighbouring functions that is only padding. */
#define PADDING 64
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

/* One row of the families as it is in this file. */
struct candidate {
	const struct alloc_function *fn;
	struct elf_symbol sym;
	bool probed;		/* as far as is known by now */
	int same_as;		/* the first row with this address; itself if it is the first */
	int forwards;		/* the row that does all its work, -1 */
	struct flow_result flow;
	uint8_t skip_arg;
	uint64_t skip_max;
	const char *overlap;
	struct site site;
	uint8_t *body;
	size_t body_size;
	vec_of(struct flow_range) callers;	/* vaddrs [lo, hi) */
};

struct planner {
	const struct elf_file *ef;
	struct elf_imports *imports;
	struct flow_file *ff;
	struct candidate *c;
	int n;
	struct elf_fdes *fdes;	/* one of these two, once can_unwind() was asked */
	struct unwind_table *rows;
	bool asked;
	struct u64map tails;	/* a helper's vaddr -> bit per row that it jumps to */
	vec_of(struct plan_probe) probes;
	vec_of(struct plan_skip) skips;
};

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
		p->c[i].sym = found[i];
		in_file += found[i].name != NULL;
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

static bool in_body(const struct candidate *c, uint64_t vaddr)
{
	return vaddr - c->sym.vaddr < c->body_size;
}

static bool listed(const char *const *names, const char *name)
{
	for (; names && *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

/* A return with a constant that says "failed". */
static bool is_failure(const struct candidate *c, const struct flow_end *e)
{
	return e->kind == FLOW_CONST && (c->fn->out_arg == ALLOC_NO_ARG ? e->value == 0 : (uint32_t)e->value != 0);
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
 * (musl's calloc) would be shown as the caller, with its own caller lost: it keeps its probe.
 */
static int all_forwarded(struct planner *p, int id)
{
	const struct candidate *c = &p->c[id];
	int to = -1;

	if (c->flow.doubt)
		return -1;
	for (size_t i = 0; i < c->flow.ends.n; i++) {
		const struct flow_end *e = &c->flow.ends.at[i];

		if (is_failure(c, e))
			continue;
		if ((e->kind != FLOW_CALLS && e->kind != FLOW_TAIL) || e->id == id || !names_row(p, c, e->id))
			return -1;
		if (e->kind == FLOW_CALLS && !can_unwind(p, e->vaddr))
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

/*
 * A function that jumps to another probed one leaves no return address by which that one could tell. Where an
 * argument decides it (at most skip_max: jump; more: not), the call is the other one's event.
 */
static void find_tails(struct planner *p, int id)
{
	struct candidate *c = &p->c[id];
	const char *to = NULL;

	for (size_t i = 0; i < c->flow.ends.n; i++)
		if (c->flow.ends.at[i].kind == FLOW_TAIL && p->c[c->flow.ends.at[i].id].same_as != id)
			to = p->c[c->flow.ends.at[i].id].fn->name;
	if (!to)
		return;
	for (uint8_t a = 0; a < SITE_MAX_ARGS; a++) {
		uint64_t jumps_to = 0, stays_from = UINT64_MAX;

		/* The old block or the alignment may decide it; that a size does is an accident of the paths found. */
		if (a == c->fn->size_arg || a == c->fn->count_arg)
			continue;
		for (size_t i = 0; i < c->flow.ends.n; i++) {
			const struct flow_end *e = &c->flow.ends.at[i];

			if (e->kind == FLOW_TAIL && p->c[e->id].same_as != id)
				jumps_to = e->arg[a].hi > jumps_to ? e->arg[a].hi : jumps_to;
			else if (!is_failure(c, e))
				stays_from = e->arg[a].lo < stays_from ? e->arg[a].lo : stays_from;
		}
		if (jumps_to < stays_from) {
			c->skip_arg = a;
			c->skip_max = jumps_to;
			return;
		}
	}
	/* glibc's valloc shares memalign's code and so seems to reach malloc, but asks for whole pages. */
	if (!c->fn->page_aligned)
		c->overlap = to;
}

static void add_caller(struct planner *p, int callee, uint64_t lo, uint64_t hi)
{
	struct candidate *c = &p->c[p->c[callee].same_as];

	if (!p->c[callee].sym.name || !c->probed)
		return;
	for (size_t i = 0; i < c->callers.n; i++)
		if (lo >= c->callers.at[i].lo && hi <= c->callers.at[i].hi)
			return;
	vec_push(&c->callers, ((struct flow_range){lo, hi}));
}

/* The rows that a helper jumps to: such a call returns into whoever called the helper. */
static uint64_t tails_of(struct planner *p, uint64_t helper)
{
	struct flow_result r;
	bool is_new;
	uint64_t *known = u64map_put(&p->tails, helper, &is_new), rows = 0;

	if (!is_new)
		return *known;
	flow_walk(p->ff, helper, HELPER_INSNS, &r);
	for (size_t i = 0; i < r.ends.n; i++)
		if (r.ends.at[i].kind == FLOW_TAIL && r.ends.at[i].id < 64)
			rows |= 1ull << r.ends.at[i].id;
	flow_result_free(&r);
	*u64map_put(&p->tails, helper, NULL) = rows;
	return rows;
}

/* Everything in this file that this function calls, directly or through a helper that jumps there. */
static void find_callees(struct planner *p, int id)
{
	struct candidate *c = &p->c[id];
	struct site_edge *edges = xcalloc(EDGES_MAX, sizeof(*edges));
	uint64_t end = c->sym.vaddr + c->body_size;
	size_t n = site_edges(c->body, c->body_size, c->sym.vaddr, edges, EDGES_MAX);

	for (size_t i = 0; i < n && i < EDGES_MAX; i++) {
		int to;

		if (!edges[i].is_call)
			continue;
		to = edges[i].indirect ? flow_function_in_slot(p->ff, edges[i].target) :
					 flow_function_at(p->ff, edges[i].target);
		if (to >= 0)
			add_caller(p, to, c->sym.vaddr, end);
	}
	for (size_t i = 0; i < c->flow.helpers.n; i++) {
		uint64_t rows = tails_of(p, c->flow.helpers.at[i]);

		for (int k = 0; k < p->n && k < 64; k++)
			if (rows & 1ull << k)
				add_caller(p, k, c->sym.vaddr, end);
	}
	/* Calls from a part that lies elsewhere (a .cold one): just their return addresses. */
	for (size_t i = 0; i < c->flow.ends.n; i++) {
		const struct flow_end *e = &c->flow.ends.at[i];

		if (e->kind == FLOW_CALLS && !in_body(c, e->vaddr))
			add_caller(p, e->id, e->next, e->next + 1);
	}
	free(edges);
}

/* A call of a function that is not probed itself but calls a probed one: whose event it is cannot be told. */
static void find_overlaps(struct planner *p, int id)
{
	struct candidate *c = &p->c[id];

	for (size_t i = 0; i < c->flow.ends.n; i++) {
		const struct flow_end *e = &c->flow.ends.at[i];
		const struct candidate *to;

		if (e->kind != FLOW_CALLS || !p->c[e->id].sym.name)
			continue;
		to = &p->c[p->c[e->id].same_as];
		if (to->forwards >= 0)
			c->overlap = to->fn->name;
	}
}

static bool choose_site(struct planner *p, int id, bool nops_emulated)
{
	struct candidate *c = &p->c[id];
	struct site_request req = {
		.code = c->body, .size = c->body_size, .vaddr = c->sym.vaddr, .nops_emulated = nops_emulated,
	};
	const int wanted[] = {c->fn->size_arg, c->fn->count_arg, c->fn->old_arg,
			      c->skip_arg == SITE_NO_REG ? ALLOC_NO_ARG : c->skip_arg};

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

static int by_address(const void *a, const void *b)
{
	const struct flow_range *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

/* The ranges, joined where only padding is between, as distances from the probe. false if they do not all fit. */
static bool fill_callers(struct candidate *c, uint64_t ip, struct plan_probe *out)
{
	bool all = true;

	if (c->callers.n)
		qsort(c->callers.at, c->callers.n, sizeof(*c->callers.at), by_address);
	for (size_t i = 0; i < c->callers.n; i++) {
		int64_t from = (int64_t)(c->callers.at[i].lo - ip), to = (int64_t)(c->callers.at[i].hi - ip);

		if (from < INT32_MIN || to > INT32_MAX) {
			all = false;
		} else if (out->n_callers && from - out->callers[out->n_callers - 1].to <= PADDING) {
			if (to > out->callers[out->n_callers - 1].to)
				out->callers[out->n_callers - 1].to = (int32_t)to;
		} else if (out->n_callers < PLAN_MAX_CALLERS) {
			out->callers[out->n_callers].from = (int32_t)from;
			out->callers[out->n_callers++].to = (int32_t)to;
		} else {
			all = false;
		}
	}
	return all;
}

static void emit(struct planner *p, int id)
{
	struct candidate *c = &p->c[id];
	struct plan_probe out = {
		.function = (uint16_t)id, .name = c->fn->name, .vaddr = c->sym.vaddr,
		.size = c->sym.size ? c->sym.size : c->body_size, .site = c->site,
		.skip_arg = c->skip_arg, .skip_max = c->skip_max, .overlap = c->overlap, .indirect = c->flow.indirect,
	};

	if (!elf_vaddr_to_offset(p->ef, c->sym.vaddr + c->site.offset, &out.file_offset)) {
		skip(p, id, "its site has no bytes in the file");
		return;
	}
	if (!fill_callers(c, c->sym.vaddr + c->site.offset, &out))
		out.overlap = c->fn->name;
	vec_push(&p->probes, out);
}

static void make(struct planner *p, bool nops_emulated)
{
	for (int i = 0; i < p->n; i++)
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
		find_tails(p, i);
		find_overlaps(p, i);
		choose_site(p, i, nops_emulated);
	}
	for (int i = 0; i < p->n; i++)
		if (p->c[i].probed)
			find_callees(p, i);
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
	u64map_free(&p->tails);
}

int plan_make(const struct elf_file *ef, const char *path, bool nops_emulated, struct plan **out)
{
	struct planner p = {.ef = ef, .n = (int)alloc_function_count()};
	struct plan *plan;
	int found;

	*out = NULL;
	if (elf_file_class(ef) != ELFCLASS64 || elf_file_machine(ef) != EM_X86_64)
		return -ENOEXEC;
	p.c = xcalloc((size_t)p.n, sizeof(*p.c));
	found = find_functions(&p);
	if (found > 0) {
		sift(&p);
		make(&p, nops_emulated);
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
