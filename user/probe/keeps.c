/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All ways through the function's code are followed. Each instruction has a state, in which it is met; where two ways
 * meet in different ones, nothing is known from there on:
 *
 *     entered --(push %rbp)--> pushed --(mov %rsp,%rbp)--> kept --(rbp is written)--> lost
 *        |                                                  ^
 *        +-(sub $N,%rsp)-> grown -(mov %rbp,N-8(%rsp))-> saved -(lea N-8(%rsp),%rbp)      Go up to 1.20
 *
 * Each instruction is looked at no more than twice: its state is set, and may become "lost". What only an indirect jump
 * (a switch) leads to is taken to be met in the state of the function's indirect jumps.
 */
#include "probe/keeps.h"

#include <stdlib.h>

#include "base/mem.h"
#include "arch/insn.h"

enum state { UNMET, ENTERED, PUSHED, GROWN, SAVED, KEPT, LOST };

struct keeps {
	const uint8_t *code;
	size_t n, pc;	/* pc: offset */
	uint64_t vaddr;
	uint8_t *states;	/* by offset: enum state */
	uint8_t at_pc, indirect;	/* enum state */
	int64_t grown;		/* bytes, where it is grown; 0: it was not yet */
	vec_of(size_t) todo;
};

static uint8_t meet(uint8_t a, uint8_t b)
{
	return a == UNMET || a == b ? b : LOST;
}

/* The instruction at the offset is met in that state. */
static void reach(struct keeps *k, uint64_t at, uint8_t state)
{
	uint8_t met;

	if (at >= k->n)
		return;
	met = meet(k->states[at], state);
	if (met == k->states[at])
		return;
	k->states[at] = met;
	vec_push(&k->todo, (size_t)at);
}

static bool is_fp(const struct insn_operand *op)
{
	return op->kind == OPERAND_REG && op->reg == ARCH_REG_FP && op->bits == 64;
}

static bool is_push_fp(const struct insn *in)
{
	return in->kind == INSN_PUSH && is_fp(&in->op[0]);
}

/* The word below the return address. */
static bool is_saved_at(const struct keeps *k, const struct insn_operand *op)
{
	return op->kind == OPERAND_MEM && op->reg == ARCH_REG_SP && !op->indexed && !op->apart &&
	       op->value == k->grown - 8;
}

/* The steps of a frame that is made at once; UNMET: it is none of them. */
static uint8_t grows(struct keeps *k, const struct insn *in, uint8_t state)
{
	const int64_t delta = in->sp_delta;

	if (state == ENTERED && delta <= -8 && in->kind != INSN_PUSH && (!k->grown || k->grown == -delta)) {
		k->grown = -delta;
		return GROWN;
	}
	if (state == GROWN && in->kind == INSN_MOVE && is_saved_at(k, &in->op[0]) && is_fp(&in->op[1]))
		return SAVED;
	if (state == SAVED && in->kind == INSN_ADDRESS && is_fp(&in->op[0]) && is_saved_at(k, &in->op[1]))
		return KEPT;
	return UNMET;
}

static uint8_t after(struct keeps *k, const struct insn *in, uint8_t state)
{
	int dst, src;
	bool moves, writes;
	uint8_t next;

	if (in->class == INSN_CALL || state == LOST)
		return state;
	moves = !in->sp_known || in->sp_delta != 0;
	writes = in->writes & 1u << ARCH_REG_FP;
	if (state == ENTERED && is_push_fp(in))
		return PUSHED;
	next = grows(k, in, state);
	if (next != UNMET)
		return next;
	if (state == PUSHED && insn_is_copy(in, &dst, &src) && dst == ARCH_REG_FP && src == ARCH_REG_SP)
		return KEPT;
	if (writes || (moves && state != KEPT))
		return LOST;
	return state;
}

static void look_at(struct keeps *k, size_t at)
{
	const uint8_t state = k->states[at];
	uint64_t target;
	struct insn in;

	if (!insn_decode(k->code + at, k->n - at, k->vaddr + at, &in))
		return;
	if (k->pc >= at && k->pc < at + in.len)
		k->at_pc = meet(k->at_pc, state);
	if (insn_is_jump(&in, &target))
		reach(k, target - k->vaddr, state);
	else if (in.class == INSN_JUMP)
		k->indirect = meet(k->indirect, state);
	if (in.class != INSN_JUMP && in.class != INSN_RETURN)
		reach(k, at + in.len, after(k, &in, state));
}

bool keeps_frame_pointer(const uint8_t *code, size_t n, uint64_t vaddr, uint64_t pc)
{
	struct keeps k = {.code = code, .n = n, .pc = pc - vaddr, .vaddr = vaddr};

	if (n > KEEPS_BYTES_MAX || k.pc >= n)
		return false;
	k.states = xcalloc(n, 1);
	reach(&k, 0, ENTERED);
	while (k.todo.n)
		look_at(&k, k.todo.at[--k.todo.n]);
	vec_free(&k.todo);
	free(k.states);
	return (k.at_pc == UNMET ? k.indirect : k.at_pc) == KEPT;
}

/* The instructions from `at` on lead straight to the end, and leave the frame pointer as it is but for the first. */
static bool leads_to_end(const uint8_t *code, size_t n, size_t at)
{
	const size_t first = at;
	struct insn in;

	while (at < n && insn_decode(code + at, n - at, at, &in)) {
		bool last = at + in.len == n;

		if (last || in.class == INSN_JUMP ||
		    in.class == INSN_RETURN)
			return last && in.class == INSN_CALL;
		if (at > first && (in.writes & 1u << ARCH_REG_FP) && in.class != INSN_CALL)
			return false;
		at += in.len;
	}
	return false;
}

static bool ends_with_call(const uint8_t *code, size_t n)
{
	struct insn in;

	for (size_t len = 1; len <= ARCH_INSN_MAX && len <= n; len++)
		if (insn_decode(code + n - len, len, n - len, &in) && in.len == len &&
		    in.class == INSN_CALL)
			return true;
	return false;
}

bool keeps_root(const uint8_t *code, size_t n)
{
	for (size_t at = 0; at < n; at++)
		if (insn_clears_fp(code + at, n - at) && leads_to_end(code, n, at))
			return true;
	return !ends_with_call(code, n);
}
