/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/reach.h"

#include <stdlib.h>
#include <string.h>

#include "elf/fdestart.h"
#include "elf/symbols.h"
#include "probe/flow_code.h"

/* In one function and in all of a file: beyond these nothing is known. */
#define NODE_INSNS 20000
#define ALL_INSNS 200000
/* Between two parts of a function's code: padding, and code that only computed jumps lead to. */
#define PART_GAP 64
#define PADDING_INSNS 16

/* Functions of the C library that call no allocator function, and that allocators call: by name, or in the C library
 * itself by where they are. (clock_gettime() goes through a pointer, to the vDSO.) */
static const char *const harmless[] = {
	"__clock_gettime", "__errno_location", "__tunable_get_val", "__tunable_is_initialized", "brk", "clock_gettime",
	"getpagesize", "getrandom", "gettimeofday", "madvise", "memchr",
	"memcmp", "memcpy", "memmove", "memset", "mmap", "mmap64", "mprotect", "mremap", "munmap", "pthread_mutex_lock",
	"pthread_mutex_trylock", "pthread_mutex_unlock", "pthread_self", "sbrk", "sched_yield", "strlen", "sysconf",
};

#define N_HARMLESS (sizeof(harmless) / sizeof(harmless[0]))

/* A function: its own instructions, as far as jumps lead, and what it calls. */
struct node {
	uint64_t entry;
	vec_of(uint64_t) calls;		/* functions of this file */
	vec_of(uint64_t) insns;		/* vaddr << 8 | length */
	bool calls_out, jumps_out, jumps_known;
	bool returns;			/* else all it does is end the program, with a message */
};

struct reach {
	struct flow_file *ff;
	struct elf_fdes *fdes;		/* NULL: the file has no table of them */
	struct u64map harmless;		/* entries */
	struct u64map by_entry;		/* -> index in nodes */
	vec_of(struct node) nodes;
	size_t insns;
};

struct explorer {
	struct reach *r;
	struct node *n;
	struct u64map seen;
	vec_of(uint64_t) queue;
};

struct reach *reach_new(struct flow_file *ff)
{
	struct elf_symbol found[N_HARMLESS];
	struct reach *r = xcalloc(1, sizeof(*r));

	r->ff = ff;
	if (elf_fdes_load(ff->ef, &r->fdes))
		r->fdes = NULL;
	if (!elf_find_functions(ff->ef, harmless, N_HARMLESS, found))
		for (size_t i = 0; i < N_HARMLESS; i++)
			if (found[i].name && !found[i].ifunc)
				u64map_put(&r->harmless, found[i].vaddr, NULL);
	return r;
}

void reach_free(struct reach *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->nodes.n; i++) {
		vec_free(&r->nodes.at[i].calls);
		vec_free(&r->nodes.at[i].insns);
	}
	vec_free(&r->nodes);
	u64map_free(&r->by_entry);
	u64map_free(&r->harmless);
	elf_fdes_free(r->fdes);
	free(r);
}

void reach_result_free(struct reach_result *r)
{
	vec_free(&r->parts);
}

static void go_to(struct explorer *x, uint64_t pc)
{
	bool is_new;

	u64map_put(&x->seen, pc, &is_new);
	if (is_new)
		vec_push(&x->queue, pc);
}

static struct target branch_target(struct explorer *x, const struct insn *in)
{
	struct target t = {.id = -1};
	uint64_t at;

	if (insn_is_indirect(in, &at))
		return flow_target_in_slot(x->r->ff, at);
	if (insn_is_call(in, &at) || insn_is_jump(in, &at))
		return flow_target_at(x->r->ff, at);
	return t;
}

/* What is chosen when the file is loaded copies and compares memory and strings. */
static bool is_harmless(const struct reach *r, const struct target *t)
{
	if (t->chosen || (t->code && u64map_find(&r->harmless, t->vaddr)))
		return true;
	for (size_t i = 0; t->name && i < N_HARMLESS; i++)
		if (!strcmp(t->name, harmless[i]))
			return true;
	return false;
}

/* Does a function begin there, behind padding? */
static bool is_function_behind(const struct explorer *x, uint64_t vaddr)
{
	uint64_t start;
	struct insn in;

	for (int i = 0; i < PADDING_INSNS && flow_decode(x->r->ff, vaddr, &in) && insn_is_padding(&in); i++)
		vaddr += in.len;
	return x->r->fdes && elf_fdes_start(x->r->fdes, vaddr, &start) && start == vaddr;
}

/* Behind a call that does not come back there is padding, or another function. */
static bool comes_back(struct explorer *x, const struct insn *call, const struct target *t)
{
	const uint64_t behind = call->vaddr + call->len;
	struct insn next;

	if (!flow_decode(x->r->ff, behind, &next) || is_function_behind(x, behind))
		return false;
	if (next.kind == INSN_LANDING)
		return false;
	return !t->code || !insn_is_padding(&next) || flow_returns(x->r->ff, t->vaddr);
}

static void take_call(struct explorer *x, const struct insn *in)
{
	struct target t = branch_target(x, in);

	if (t.noreturn)
		return;
	if (t.id >= 0)
		x->n->calls_out |= t.vaddr != x->n->entry;
	else if (t.code && !is_harmless(x->r, &t))
		vec_push(&x->n->calls, t.vaddr);
	else if (!is_harmless(x->r, &t))
		x->n->calls_out = true;
	if (comes_back(x, in, &t))
		go_to(x, in->vaddr + in->len);
}

static void take_jump(struct explorer *x, const struct insn *in)
{
	struct target t = branch_target(x, in);

	if (t.noreturn)
		return;
	if (t.id >= 0 && t.vaddr != x->n->entry)
		x->n->jumps_known = true;
	else if (is_harmless(x->r, &t))
		return;
	else if (t.code || t.id >= 0)
		go_to(x, t.vaddr);
	else if (in->is_switch)
		x->n->calls_out = true;	/* a switch: where it goes on is not known */
	else
		x->n->jumps_out = true;
}

/* One instruction; false: the line ends. */
static bool advance(struct explorer *x, uint64_t pc, uint64_t *next)
{
	struct insn in;
	uint64_t target;

	if (x->n->insns.n >= NODE_INSNS || x->r->insns++ >= ALL_INSNS || !flow_decode(x->r->ff, pc, &in)) {
		x->n->calls_out = true;
		return false;
	}
	vec_push(&x->n->insns, pc << 8 | in.len);
	*next = pc + in.len;
	switch (in.class) {
	case INSN_CALL:
		take_call(x, &in);
		return false;
	case INSN_JUMP:
		take_jump(x, &in);
		return false;
	case INSN_BRANCH:
		if (insn_is_jump(&in, &target))
			take_jump(x, &in);
		return true;
	case INSN_RETURN:
		x->n->returns = true;
		return false;
	default:
		return in.class == INSN_SYSCALL || !insn_ends_line(&in);
	}
}

static void explore(struct reach *r, size_t node)
{
	struct explorer x = {.r = r, .n = &r->nodes.at[node]};
	uint64_t pc;
	bool is_new;

	go_to(&x, x.n->entry);
	for (size_t i = 0; i < x.queue.n; i++) {
		pc = x.queue.at[i];
		while (advance(&x, pc, &pc)) {
			u64map_put(&x.seen, pc, &is_new);
			if (!is_new)
				break;
		}
	}
	u64map_free(&x.seen);
	vec_free(&x.queue);
}

static size_t node_of(struct reach *r, uint64_t entry)
{
	bool is_new;
	uint64_t *at = u64map_put(&r->by_entry, entry, &is_new);

	if (is_new) {
		*at = r->nodes.n;
		vec_push(&r->nodes, ((struct node){.entry = entry}));
		explore(r, r->nodes.n - 1);
		return r->nodes.n - 1;
	}
	return *at;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void find_parts(struct node *n, struct reach_result *out)
{
	if (n->insns.n)
		qsort(n->insns.at, n->insns.n, sizeof(n->insns.at[0]), by_number);
	for (size_t i = 0; i < n->insns.n; i++) {
		const uint64_t lo = n->insns.at[i] >> 8, hi = lo + (n->insns.at[i] & 0xff);
		struct flow_range *last = out->parts.n ? &out->parts.at[out->parts.n - 1] : NULL;

		if (!last || lo > last->hi + PART_GAP)
			vec_push(&out->parts, ((struct flow_range){lo, hi}));
		else if (hi > last->hi)
			last->hi = hi;
	}
}

static bool comes_home(const struct node *n)
{
	return n->returns || n->jumps_out || n->jumps_known || n->insns.n >= NODE_INSNS;
}

static bool leads_out(const struct node *n)
{
	return comes_home(n) && (n->calls_out || n->jumps_out || n->jumps_known);
}

void reach_function(struct reach *r, uint64_t vaddr, struct reach_result *out)
{
	const size_t first = node_of(r, vaddr);
	vec_of(size_t) reached = {0};
	struct u64map seen = {0};
	bool is_new;

	memset(out, 0, sizeof(*out));
	out->jumps_out = r->nodes.at[first].jumps_out;
	out->jumps_known = r->nodes.at[first].jumps_known;
	out->calls_out = r->nodes.at[first].calls_out;
	find_parts(&r->nodes.at[first], out);
	u64map_put(&seen, vaddr, NULL);
	vec_push(&reached, first);
	for (size_t i = 0; i < reached.n && !out->calls_out; i++)
		/* Its place in memory may change with each node. */
		for (size_t k = 0; k < r->nodes.at[reached.at[i]].calls.n && !out->calls_out; k++) {
			const uint64_t callee = r->nodes.at[reached.at[i]].calls.at[k];
			size_t node;

			u64map_put(&seen, callee, &is_new);
			if (!is_new)
				continue;
			node = node_of(r, callee);
			out->calls_out = leads_out(&r->nodes.at[node]);
			if (comes_home(&r->nodes.at[node]))
				vec_push(&reached, node);
		}
	u64map_free(&seen);
	vec_free(&reached);
}
