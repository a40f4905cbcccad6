/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/insn.h"

bool insn_decode(const uint8_t *code, size_t size, uint64_t vaddr, struct insn *in)
{
	ZydisDecoder decoder;

	if (!size || ZYAN_FAILED(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)))
		return false;
	if (size > ZYDIS_MAX_INSTRUCTION_LENGTH)
		size = ZYDIS_MAX_INSTRUCTION_LENGTH;
	if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, code, size, &in->zi, in->op)))
		return false;
	in->vaddr = vaddr;
	in->len = in->zi.length;
	return in->len > 0 && in->len <= size;
}

static bool legacy(const struct insn *in, uint8_t opcode)
{
	return in->zi.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
	       in->zi.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && in->zi.opcode == opcode;
}

static bool map_0f(const struct insn *in)
{
	return in->zi.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY && in->zi.opcode_map == ZYDIS_OPCODE_MAP_0F;
}

static bool has_prefix(const struct insn *in, uint8_t prefix)
{
	for (size_t i = 0; i < in->zi.raw.prefix_count; i++)
		if (in->zi.raw.prefixes[i].value == prefix)
			return true;
	return false;
}

/* The prefix is 41. */
static bool is_rex_b(const struct insn *in)
{
	return (in->zi.attributes & ZYDIS_ATTRIB_HAS_REX) && in->zi.raw.rex.B && !in->zi.raw.rex.W &&
	       !in->zi.raw.rex.R && !in->zi.raw.rex.X;
}

static bool is_near_branch(const struct insn *in)
{
	return legacy(in, 0xe8) || legacy(in, 0xe9) || legacy(in, 0xeb) ||
	       (in->zi.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
		in->zi.meta.category == ZYDIS_CATEGORY_COND_BR &&
		((in->zi.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && in->zi.opcode >= 0x70 && in->zi.opcode <= 0x7f) ||
		 (in->zi.opcode_map == ZYDIS_OPCODE_MAP_0F && in->zi.opcode >= 0x80 && in->zi.opcode <= 0x8f)));
}

/*
 * What the kernel will not have a uprobe on (arch/x86/kernel/uprobes.c: is_prefix_bad(), insn_masking_exception(),
 * good_insns_64[], good_2byte_insns[], and branch_setup_xol_ops() for a branch with an operand size prefix, which
 * Intel and AMD read differently). Only what a compiler or an assembler may put at a function's start matters here:
 * system instructions, interrupts and port I/O are refused as a group, though some kernels take a few of them.
 */
static bool refused(const struct insn *in)
{
	static const uint8_t bad_prefix[] = {0x26, 0x2e, 0x36, 0x3e, 0xf0};

	for (size_t i = 0; i < sizeof(bad_prefix); i++)
		if (has_prefix(in, bad_prefix[i]))
			return true;
	if (is_near_branch(in) && has_prefix(in, 0x66))
		return true;
	if (legacy(in, 0x8e) && in->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	    in->op[0].reg.value == ZYDIS_REGISTER_SS)
		return true;
	if (in->zi.attributes & ZYDIS_ATTRIB_IS_PRIVILEGED)
		return true;
	switch (in->zi.meta.category) {
	case ZYDIS_CATEGORY_INTERRUPT:
	case ZYDIS_CATEGORY_SYSCALL:
	case ZYDIS_CATEGORY_SYSTEM:
	case ZYDIS_CATEGORY_IO:
	case ZYDIS_CATEGORY_IOSTRINGOP:
		return true;
	default:
		return in->zi.mnemonic == ZYDIS_MNEMONIC_UD0 || in->zi.mnemonic == ZYDIS_MNEMONIC_UD1 ||
		       in->zi.mnemonic == ZYDIS_MNEMONIC_UD2;
	}
}

/*
 * What the kernel emulates in the first trap instead of single-stepping a copy in a second one. This is the one place
 * that knows (arch/x86/kernel/uprobes.c, branch_setup_xol_ops() and push_setup_xol_ops()):
 *
 *   50-57, 41 50-57     push of a 64-bit register; another length or prefix is stepped    (since e7ed9d9bd0375)
 *   eb, e9, e8          jmp rel8, jmp rel32, call rel32
 *   70-7f, 0f 80-8f     jcc rel8, jcc rel32; not loop and jrcxz
 *   [66...] 90          nop; not f3 90 (pause), not 41 90 (xchg)
 *   [66] 0f 1f          the long nops, where nops_emulated; not f3 0f 1e fa (endbr64)
 *
 * A branch with any prefix (`bnd jmp`) is taken as stepped: what kernels make of those differs.
 */
enum insn_probe insn_probe(const struct insn *in, bool nops_emulated)
{
	if (refused(in))
		return INSN_REFUSED;
	if (is_near_branch(in))
		return in->zi.raw.prefix_count ? INSN_STEPPED : INSN_EMULATED;
	if (in->zi.mnemonic == ZYDIS_MNEMONIC_PUSH && in->zi.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
	    in->zi.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && (in->zi.opcode & 0xf8) == 0x50)
		return in->len == 1 || (in->len == 2 && is_rex_b(in)) ? INSN_EMULATED : INSN_STEPPED;
	if (in->zi.mnemonic == ZYDIS_MNEMONIC_NOP && !has_prefix(in, 0xf2) && !has_prefix(in, 0xf3)) {
		if (legacy(in, 0x90))
			return INSN_EMULATED;
		if (nops_emulated && map_0f(in) && in->zi.opcode == 0x1f)
			return INSN_EMULATED;
	}
	return INSN_STEPPED;
}

int insn_gpr(ZydisRegister r)
{
	ZydisRegister full = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);

	if (ZydisRegisterGetClass(full) != ZYDIS_REGCLASS_GPR64)
		return -1;
	return ZydisRegisterGetId(full);
}

uint16_t insn_writes(const struct insn *in)
{
	uint16_t mask = 0;

	for (size_t i = 0; i < in->zi.operand_count; i++) {
		const ZydisDecodedOperand *op = &in->op[i];

		if (op->type == ZYDIS_OPERAND_TYPE_REGISTER && (op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)) {
			int r = insn_gpr(op->reg.value);

			if (r >= 0)
				mask |= 1u << r;
		}
	}
	return mask;
}

static bool is_gpr64(const ZydisDecodedOperand *op)
{
	return op->type == ZYDIS_OPERAND_TYPE_REGISTER && ZydisRegisterGetClass(op->reg.value) == ZYDIS_REGCLASS_GPR64;
}

bool insn_is_copy(const struct insn *in, int *dst, int *src)
{
	if (in->zi.mnemonic != ZYDIS_MNEMONIC_MOV || !is_gpr64(&in->op[0]) || !is_gpr64(&in->op[1]))
		return false;
	*dst = insn_gpr(in->op[0].reg.value);
	*src = insn_gpr(in->op[1].reg.value);
	return true;
}

int insn_tested(const struct insn *in)
{
	if (in->zi.mnemonic != ZYDIS_MNEMONIC_TEST || !is_gpr64(&in->op[0]) || !is_gpr64(&in->op[1]) ||
	    in->op[0].reg.value != in->op[1].reg.value)
		return -1;
	return insn_gpr(in->op[0].reg.value);
}

static bool relative_target(const struct insn *in, uint64_t *target)
{
	const ZydisDecodedOperand *op = &in->op[0];

	if (!in->zi.operand_count || op->type != ZYDIS_OPERAND_TYPE_IMMEDIATE || !op->imm.is_relative)
		return false;
	*target = in->vaddr + in->len + (uint64_t)op->imm.value.s;
	return true;
}

bool insn_is_jump(const struct insn *in, uint64_t *target)
{
	if (in->zi.meta.category != ZYDIS_CATEGORY_UNCOND_BR && in->zi.meta.category != ZYDIS_CATEGORY_COND_BR)
		return false;
	return relative_target(in, target);
}

bool insn_is_call(const struct insn *in, uint64_t *target)
{
	return in->zi.meta.category == ZYDIS_CATEGORY_CALL && relative_target(in, target);
}

bool insn_is_indirect(const struct insn *in, uint64_t *slot)
{
	const ZydisDecodedOperand *op = &in->op[0];

	if (in->zi.meta.category != ZYDIS_CATEGORY_CALL && in->zi.meta.category != ZYDIS_CATEGORY_UNCOND_BR)
		return false;
	if (!in->zi.operand_count || op->type != ZYDIS_OPERAND_TYPE_MEMORY || op->size != 64 ||
	    op->mem.base != ZYDIS_REGISTER_RIP || op->mem.index != ZYDIS_REGISTER_NONE)
		return false;
	*slot = in->vaddr + in->len + (uint64_t)op->mem.disp.value;
	return true;
}

bool insn_ends_line(const struct insn *in)
{
	switch (in->zi.meta.category) {
	case ZYDIS_CATEGORY_CALL:
	case ZYDIS_CATEGORY_RET:
	case ZYDIS_CATEGORY_UNCOND_BR:
	case ZYDIS_CATEGORY_COND_BR:
	case ZYDIS_CATEGORY_INTERRUPT:
	case ZYDIS_CATEGORY_SYSCALL:
	case ZYDIS_CATEGORY_SYSRET:
	case ZYDIS_CATEGORY_SYSTEM:
		return true;
	default:
		return in->zi.mnemonic == ZYDIS_MNEMONIC_UD0 || in->zi.mnemonic == ZYDIS_MNEMONIC_UD1 ||
		       in->zi.mnemonic == ZYDIS_MNEMONIC_UD2 || in->zi.mnemonic == ZYDIS_MNEMONIC_HLT ||
		       in->zi.mnemonic == ZYDIS_MNEMONIC_XBEGIN || in->zi.mnemonic == ZYDIS_MNEMONIC_XABORT;
	}
}

static bool is_rsp(const ZydisDecodedOperand *op)
{
	return op->type == ZYDIS_OPERAND_TYPE_REGISTER && op->reg.value == ZYDIS_REGISTER_RSP;
}

bool insn_rsp_change(const struct insn *in, int64_t *delta)
{
	const ZydisDecodedOperand *src = &in->op[1];

	*delta = 0;
	if (!(insn_writes(in) & 1u << GPR_RSP))
		return true;
	switch (in->zi.mnemonic) {
	case ZYDIS_MNEMONIC_PUSH:
	case ZYDIS_MNEMONIC_PUSHFQ:
		*delta = in->zi.operand_width == 16 ? -2 : -8;
		return true;
	case ZYDIS_MNEMONIC_POP:
	case ZYDIS_MNEMONIC_POPFQ:
		*delta = in->zi.operand_width == 16 ? 2 : 8;
		return in->zi.mnemonic == ZYDIS_MNEMONIC_POPFQ || !is_rsp(&in->op[0]);
	case ZYDIS_MNEMONIC_ADD:
	case ZYDIS_MNEMONIC_SUB:
		if (!is_rsp(&in->op[0]) || src->type != ZYDIS_OPERAND_TYPE_IMMEDIATE)
			return false;
		if (src->imm.value.s > INT32_MAX || src->imm.value.s < INT32_MIN)
			return false;
		*delta = in->zi.mnemonic == ZYDIS_MNEMONIC_SUB ? -src->imm.value.s : src->imm.value.s;
		return true;
	case ZYDIS_MNEMONIC_LEA:
		if (!is_rsp(&in->op[0]) || src->mem.base != ZYDIS_REGISTER_RSP ||
		    src->mem.index != ZYDIS_REGISTER_NONE)
			return false;
		*delta = src->mem.disp.value;
		return true;
	default:
		return false;
	}
}
