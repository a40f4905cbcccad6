/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "arch/insn.h"

static bool is_whole_reg(const struct insn_operand *op)
{
	return op->kind == OPERAND_REG && op->reg >= 0 && op->bits == 64;
}

bool insn_is_copy(const struct insn *in, int *dst, int *src)
{
	if (in->kind != INSN_MOVE || !is_whole_reg(&in->op[0]) || !is_whole_reg(&in->op[1]))
		return false;
	*dst = in->op[0].reg;
	*src = in->op[1].reg;
	return true;
}

bool insn_is_exchange(const struct insn *in, int *a, int *b)
{
	if (in->kind != INSN_EXCHANGE || !is_whole_reg(&in->op[0]) || !is_whole_reg(&in->op[1]))
		return false;
	*a = in->op[0].reg;
	*b = in->op[1].reg;
	return true;
}

int insn_tested(const struct insn *in)
{
	if (in->kind != INSN_TEST || !is_whole_reg(&in->op[0]) || !is_whole_reg(&in->op[1]) ||
	    in->op[0].reg != in->op[1].reg)
		return -1;
	return in->op[0].reg;
}

bool insn_is_jump(const struct insn *in, uint64_t *target)
{
	if ((in->class != INSN_JUMP && in->class != INSN_BRANCH) || !in->has_target)
		return false;
	*target = in->target;
	return true;
}

bool insn_is_call(const struct insn *in, uint64_t *target)
{
	if (in->class != INSN_CALL || !in->has_target)
		return false;
	*target = in->target;
	return true;
}

bool insn_is_indirect(const struct insn *in, uint64_t *slot)
{
	if ((in->class != INSN_CALL && in->class != INSN_JUMP) || in->op[0].kind != OPERAND_MEM ||
	    in->op[0].bits != 64 || !in->op[0].fixed)
		return false;
	*slot = (uint64_t)in->op[0].value;
	return true;
}

bool insn_ends_line(const struct insn *in)
{
	return in->class != INSN_PLAIN;
}

bool insn_is_padding(const struct insn *in)
{
	return in->kind == INSN_NOP || in->kind == INSN_BREAK || in->kind == INSN_EXCHANGE;
}
