/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Not every function called foo_malloc takes a size: DPDK's rte_malloc(type, size, align) does not. The code tells: a
 * register that is read before it is written holds an argument. Paths are followed up to the first call, behind which
 * no argument is in its register any more; what the callee reads of those that are still there counts as well.
 */
#include "probe/args.h"

#include "probe/flow_code.h"

#define MAX_INSNS 4000	/* in all */
#define MAX_DEPTH 3	/* of calls */

struct todo {
	uint64_t pc;
	uint32_t written;	/* registers */
};

struct reader {
	struct flow_file *ff;
	vec_of(struct todo) todo;
	struct u64map seen;	/* pc -> 1 + registers that were written on every path there so far */
	uint32_t read;		/* registers, of what came in */
	size_t *left;		/* instructions that may still be looked at */
};

static void visit(struct reader *r, uint64_t pc, uint32_t written)
{
	bool is_new;
	uint64_t *seen = u64map_put(&r->seen, pc, &is_new);

	if (!is_new && !((*seen - 1) & ~written))
		return;
	*seen = 1 + (is_new ? written : ((*seen - 1) & written));
	vec_push(&r->todo, ((struct todo){pc, written}));
}

/* Where a call or jump leads in this file, directly, by a PLT stub or by a slot. */
static struct target target_of(struct reader *r, const struct insn *in)
{
	uint64_t at;

	if (insn_is_call(in, &at) || insn_is_jump(in, &at))
		return flow_target_at(r->ff, at);
	return insn_is_indirect(in, &at) ? flow_target_in_slot(r->ff, at) : (struct target){.id = -1};
}

static uint32_t function_reads(struct flow_file *ff, uint64_t vaddr, int depth, size_t *left);

static void take_call(struct reader *r, const struct insn *in, uint32_t written, int depth)
{
	struct target t = depth ? target_of(r, in) : (struct target){0};

	if (t.code && !t.noreturn)
		r->read |= function_reads(r->ff, t.vaddr, depth - 1, r->left) & ~written;
}

/* From one address to the end of the straight line. */
static void follow(struct reader *r, struct todo at, int depth)
{
	struct target to;
	struct insn in;

	while (*r->left && flow_decode(r->ff, at.pc, &in)) {
		--*r->left;
		r->read |= in.reads & ~at.written;
		if (in.class == INSN_CALL) {
			take_call(r, &in, at.written, depth);
			break;
		}
		at.written |= in.writes;
		if (insn_ends_line(&in)) {
			to = target_of(r, &in);
			if (to.code)
				visit(r, to.vaddr, at.written);
			if (in.class == INSN_BRANCH)
				visit(r, at.pc + in.len, at.written);
			break;
		}
		at.pc += in.len;
	}
}

/* Registers. */
static uint32_t function_reads(struct flow_file *ff, uint64_t vaddr, int depth, size_t *left)
{
	struct reader r = {.ff = ff, .left = left};

	visit(&r, vaddr, 0);
	while (r.todo.n && *left)
		follow(&r, r.todo.at[--r.todo.n], depth);
	vec_free(&r.todo);
	u64map_free(&r.seen);
	return r.read;
}

uint8_t args_read(struct flow_file *ff, uint64_t vaddr)
{
	size_t left = MAX_INSNS;
	uint32_t regs = function_reads(ff, vaddr, MAX_DEPTH, &left);
	uint8_t args = 0;

	for (int i = 0; i < SITE_MAX_ARGS; i++)
		if (regs & 1u << abi_c.arg[i])
			args |= (uint8_t)(1u << i);
	return args;
}
