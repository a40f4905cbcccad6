/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a resolver may return: the functions whose addresses it loads. Which one it returned is read from the target
 * where that is possible (kern/chosen.h); a program that binds lazily has asked no resolver yet when it is attached to.
 *
 *     choose:  lea fast(%rip),%rax; lea plain(%rip),%rdx; test ...; cmove %rdx,%rax; ret
 */
#include "elf/irelative.h"
#include "probe/flow_code.h"
#include "probe/plan_internal.h"

#define RESOLVER_BYTES 512	/* of one without a size */
#define RESOLVER_MAX 8192
#define TABLES_MAX 8	/* are looked at: each is a pass over the relocations */

struct targets {
	uint64_t *at;
	size_t n, tables;
};

/* The address that the instruction loads, or 0. */
static uint64_t loaded_address(struct planner *p, const struct insn *in)
{
	const struct insn_operand *src = &in->op[1];
	struct target t;

	if (in->kind == INSN_MOVE && src->kind == OPERAND_CONST)
		return (uint64_t)src->value;
	if ((in->kind != INSN_ADDRESS && in->kind != INSN_MOVE) || !src->fixed)
		return 0;
	if (in->kind == INSN_ADDRESS)
		return (uint64_t)src->value;
	t = flow_target_in_slot(p->ff, (uint64_t)src->value);
	return t.code ? t.vaddr : 0;
}

bool plan_starts_function(struct planner *p, uint64_t vaddr)
{
	uint64_t start;

	return vaddr && flow_is_code(p->ef, vaddr) && plan_function_start(p, vaddr, &start) && start == vaddr;
}

static void add_target(struct planner *p, const struct candidate *resolver, uint64_t to, struct targets *t)
{
	bool known = to == resolver->sym.vaddr || !plan_starts_function(p, to);

	for (size_t i = 0; i < t->n && !known; i++)
		known = t->at[i] == to;
	if (!known && t->n < PLAN_IFUNC_TARGETS)
		t->at[t->n++] = to;
}

/* A table of functions, as far as it goes. */
static void add_table(struct planner *p, const struct candidate *resolver, uint64_t table, struct targets *t)
{
	uint64_t words[PLAN_IFUNC_TARGETS];

	if (t->tables++ == TABLES_MAX)
		return;
	elf_pointers_at(p->ef, table, words, PLAN_IFUNC_TARGETS);
	for (size_t i = 0; i < PLAN_IFUNC_TARGETS && plan_starts_function(p, words[i]); i++)
		add_target(p, resolver, words[i], t);
}

size_t plan_ifunc_targets(struct planner *p, const struct candidate *resolver, uint64_t at[PLAN_IFUNC_TARGETS])
{
	uint64_t pc = resolver->sym.vaddr, end = pc + RESOLVER_BYTES;
	struct targets t = {.at = at};
	struct insn in;

	if (resolver->sym.size)
		end = pc + (resolver->sym.size < RESOLVER_MAX ? resolver->sym.size : RESOLVER_MAX);
	for (; pc < end && flow_decode(p->ff, pc, &in); pc += in.len) {
		uint64_t to = loaded_address(p, &in);

		if (to && flow_is_code(p->ef, to))
			add_target(p, resolver, to, &t);
		else if (to && in.op[1].bits == 64)
			add_table(p, resolver, to, &t);
		if (!resolver->sym.size && in.class == INSN_RETURN)
			break;
	}
	return t.n;
}
